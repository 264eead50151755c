"""ResNets as KerasHub 0.32 and image-classifiers 1.0 build them, from Keras' own layers: the packages themselves need much
that has nothing to do with networks."""

import json

import keras

L = keras.layers
STAGES = {18: [2, 2, 2, 2], 50: [3, 4, 6, 3]}


def hub_block(x, name, filters, stride, has_shortcut, is_bottleneck):
    def norm(x, part):
        return L.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_{part}_bn")(x)
    width = 4 * filters if is_bottleneck else filters
    shortcut = x
    if has_shortcut:
        shortcut = L.Conv2D(width, 1, strides=stride, use_bias=False, name=f"{name}_0_conv")(x)
        shortcut = norm(shortcut, 0)
    kernels, strided = ([1, 3, 1], 2) if is_bottleneck else ([3, 3], 1)
    for part, kernel in enumerate(kernels, 1):
        step = stride if part == strided else 1
        if step > 1:
            x = L.ZeroPadding2D(1, name=f"{name}_{part}_pad")(x)
        x = L.Conv2D(
            width if part == len(kernels) else filters, kernel, strides=step, padding="valid" if step > 1 else "same",
            use_bias=False, name=f"{name}_{part}_conv")(x)
        x = norm(x, part)
        if part < len(kernels):
            x = L.Activation("relu", name=f"{name}_{part}_relu")(x)
    x = L.Add(name=f"{name}_add")([shortcut, x])
    return L.Activation("relu", name=f"{name}_out")(x)


@keras.saving.register_keras_serializable("keras_hub")
class ResNetBackbone(keras.Model):
    def __init__(self, depth=18, image_shape=(None, None, 3), **kwargs):
        inputs = x = L.Input(image_shape)
        x = L.ZeroPadding2D(3, name="conv1_pad")(x)
        x = L.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
        x = L.BatchNormalization(epsilon=1e-5, momentum=0.9, name="conv1_bn")(x)
        x = L.Activation("relu", name="conv1_relu")(x)
        x = L.ZeroPadding2D(1, name="pool1_pad")(x)
        x = L.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
        for stack, count in enumerate(STAGES[depth]):
            for block in range(count):
                x = hub_block(
                    x, f"stack{stack}_block{block}", 64 << stack, 2 if stack > 0 and block == 0 else 1,
                    block == 0 and (depth >= 50 or stack > 0), depth >= 50)
        super().__init__(inputs, x, name="res_net_backbone", **kwargs)
        self.numbers = {
            "input_conv_filters": [64], "input_conv_kernel_sizes": [7], "stackwise_num_filters": [64, 128, 256, 512],
            "stackwise_num_blocks": STAGES[depth], "stackwise_num_strides": [1, 2, 2, 2],
            "block_type": "basic_block" if depth < 50 else "bottleneck_block", "use_pre_activation": False,
            "image_shape": list(image_shape)}

    def get_config(self):
        return {"name": self.name, "trainable": True, **self.numbers}


@keras.saving.register_keras_serializable("keras_hub")
class ResNetImageClassifier(keras.Model):
    def __init__(self, backbone, classes, **kwargs):
        x = L.GlobalAveragePooling2D(name="pooler")(backbone(backbone.input))
        x = L.Dropout(0.0, name="output_dropout")(x)
        x = L.Dense(classes, name="predictions")(x)
        super().__init__(backbone.input, x, name="res_net_image_classifier", **kwargs)
        self.backbone, self.classes = backbone, classes

    def get_config(self):
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone), "preprocessor": None, "name": self.name,
            "num_classes": self.classes, "pooling": "avg", "activation": None, "dropout": 0.0}


def save_preset(model, folder, scale, offset):
    """As KerasHub's save_to_preset lays it out."""
    folder.mkdir()

    def write(name, value):
        (folder / name).write_text(json.dumps(value, indent=4))
    write("config.json", keras.saving.serialize_keras_object(model.backbone))
    write("task.json", keras.saving.serialize_keras_object(model))
    write("metadata.json", {"keras_version": keras.__version__, "keras_hub_version": "0.32.0"})
    write("image_converter.json", {
        "class_name": "ResNetImageConverter", "registered_name": "keras_hub>ResNetImageConverter",
        "config": {
            "image_size": [64, 64], "scale": scale, "offset": offset, "interpolation": "bilinear", "antialias": False,
            "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": False}})
    model.backbone.save_weights(folder / "model.weights.h5")
    head = keras.Sequential([L.Input(model.backbone.output_shape[3:]), model.get_layer("predictions")])
    head.save_weights(folder / "task.weights.h5")


def image_classifiers(depth, classes, size=64):
    """classification_models.models.resnet: activations before convolutions, and the pictures normalised first."""
    def norm(x, name, **options):
        return L.BatchNormalization(epsilon=2e-5, momentum=0.99, name=name, **options)(x)
    inputs = x = L.Input((size, size, 3), name="data")
    x = L.ZeroPadding2D(3)(norm(x, "bn_data", scale=False))
    x = norm(L.Conv2D(64, 7, strides=2, use_bias=False, name="conv0")(x), "bn0")
    x = L.ZeroPadding2D(1)(L.Activation("relu", name="relu0")(x))
    x = L.MaxPooling2D(3, strides=2, name="pooling0")(x)
    for stage, count in enumerate(STAGES[depth]):
        filters = 64 << stage
        for unit in range(count):
            name, step = f"stage{stage + 1}_unit{unit + 1}_", 2 if stage > 0 and unit == 0 else 1
            shortcut = x
            x = L.Activation("relu", name=f"{name}relu1")(norm(x, f"{name}bn1"))
            if unit == 0:
                width = 4 * filters if depth >= 50 else filters
                shortcut = L.Conv2D(width, 1, strides=step, use_bias=False, name=f"{name}sc")(x)
            kernels = [1, 3, 1] if depth >= 50 else [3, 3]
            for part, kernel in enumerate(kernels, 1):
                if part > 1:
                    x = L.Activation("relu", name=f"{name}relu{part}")(norm(x, f"{name}bn{part}"))
                if kernel == 3:
                    x = L.ZeroPadding2D(1)(x)
                x = L.Conv2D(
                    4 * filters if part == 3 else filters, kernel, use_bias=False, name=f"{name}conv{part}",
                    strides=step if part == (2 if depth >= 50 else 1) else 1)(x)
            x = L.Add()([x, shortcut])
    x = L.Activation("relu", name="relu1")(norm(x, "bn1"))
    x = L.Dense(classes, name="fc1")(L.GlobalAveragePooling2D(name="pool1")(x))
    return keras.Model(inputs, L.Activation("softmax", name="softmax")(x))

"""Small Keras models that together have every layer, and every way of putting layers together, that Menagerie reads.

Used by make_networks.py, which writes fixtures, and by tools/interoperability, which compares results.
"""

import copy

import keras
import numpy as np

L = keras.layers


def everything():
    """Every layer of a Functional model, with numbers that differ from the defaults."""
    x = keras.Input((17, 14, 3), name="pictures")
    y = L.RandomFlip(name="augment")(x)
    y = L.Rescaling([1 / 255, 1 / 127, 1 / 63], offset=[-0.1, 0, 0.2], name="rescale")(y)
    y = L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.5, 2.0, 0.5], name="standardise")(y)
    y = L.Normalization(name="adapted")(y)
    y = L.Conv2D(8, (3, 5), strides=(2, 1), padding="same", activation="relu", name="conv")(y)
    y = L.BatchNormalization(epsilon=1e-2, momentum=0.9, name="bn")(y)
    y = L.BatchNormalization(scale=False, name="unscaled")(y)
    y = L.BatchNormalization(center=False, name="uncentred")(y)
    y = L.DepthwiseConv2D((5, 3), strides=2, padding="same", depth_multiplier=2, activation="gelu", name="depth")(y)
    y = L.SeparableConv2D(6, 3, padding="same", depth_multiplier=2, activation="elu", name="separable")(y)
    y = L.SeparableConv2D(6, 2, padding="same", use_bias=False, dilation_rate=2, name="dilated")(y)
    y = L.Conv2D(6, 3, padding="same", groups=3, dilation_rate=(2, 1), use_bias=False, name="groups")(y)
    y = L.PReLU(shared_axes=[1, 2], name="slopes")(y)
    a = L.ReLU(max_value=6, name="relu6")(y)
    b = L.LeakyReLU(name="leaky")(y)
    c = L.ReLU(max_value=4, negative_slope=0.1, threshold=0.5, name="rectifier")(y)
    y = L.Add(name="add")([a, b, c, a])
    gate = L.GlobalAveragePooling2D(name="squeeze")(y)
    gate = L.Dense(6, activation="hard_sigmoid", name="excite")(gate)
    y = L.Multiply(name="gate")([y, gate])
    peak = L.GlobalMaxPooling2D(keepdims=True, name="peak")(y)
    y = L.Average(name="mean")([y, peak])
    y = L.Dense(5, activation="swish", name="mix")(y)
    y = L.UpSampling2D((2, 3), name="nearest")(y)
    y = L.UpSampling2D(2, interpolation="bilinear", name="bilinear")(y)
    y = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="softplus", name="deconv")(y)
    y = L.ZeroPadding2D(((1, 0), (0, 2)), name="pad")(y)
    y = L.Cropping2D(((0, 1), (2, 0)), name="crop")(y)
    a = L.MaxPooling2D(3, strides=2, padding="same", name="largest")(y)
    b = L.AveragePooling2D((3, 2), strides=2, padding="same", name="average")(y)
    y = L.Concatenate(name="join")([a, b, a])
    y = L.AveragePooling2D(4, name="pool")(y)
    y = L.SpatialDropout2D(0.1, name="maps")(y)
    y = L.Dropout(0.2, noise_shape=(None, 1, 1, 1), name="rows")(y)
    y = L.Dropout(0.2, noise_shape=(None, 1, 1, None), name="channels")(y)
    y = L.Permute((2, 1, 3), name="turn")(y)
    y = L.Permute((3, 1, 2), name="shift")(y)
    y = L.Reshape((-1, 6), name="rows_of_six")(y)
    y = L.Activation("softmax", name="probabilities")(y)
    y = L.Flatten(name="flat")(y)
    y = L.BatchNormalization(name="features")(y)
    for function in ("tanh", "sigmoid", "selu", "hard_swish", "relu6", "leaky_relu", "linear", "silu"):
        y = L.Activation(function, name="act_" + function)(y)
    y = L.ELU(alpha=0.7, name="elu")(y)
    y = L.Dropout(0.5, name="drop")(y)
    y = L.Dense(5, name="logits")(y)
    return keras.Model(x, L.Softmax(name="softmax")(y), name="everything")


def sequential():
    return keras.Sequential([
        keras.Input((12, 10, 3)), L.Rescaling(1 / 127.5, offset=-1), L.Conv2D(4, 3, activation="relu"),
        L.MaxPooling2D(), L.Conv2D(6, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(),
        L.Flatten(), L.Dropout(0.3), L.Dense(7, activation=L.LeakyReLU(negative_slope=0.1)),
        L.Dense(4, activation="softmax")], name="sequential")


def channels_first():
    # Widths must not be the number of channels: Keras 3.15 on TensorFlow then adds a bias to columns, not channels.
    first = {"data_format": "channels_first"}
    x = keras.Input((3, 11, 8), name="planes")
    y = L.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="conv", **first)(x)
    y = L.BatchNormalization(axis=1, name="bn")(y)
    y = L.PReLU(shared_axes=[2, 3], name="slopes")(y)
    gate = L.GlobalAveragePooling2D(keepdims=True, name="squeeze", **first)(y)
    y = L.Multiply(name="gate")([y, gate])
    a = L.MaxPooling2D(2, padding="same", name="largest", **first)(y)
    b = L.DepthwiseConv2D(2, strides=2, padding="same", depth_multiplier=2, name="depth", **first)(y)
    y = L.Concatenate(axis=1, name="join")([a, b])
    y = L.ZeroPadding2D((1, 2), name="pad", **first)(y)
    y = L.UpSampling2D(2, name="up", **first)(y)
    y = L.Softmax(axis=1, name="over_channels")(y)
    y = L.Permute((1, 3, 2), name="turn")(y)
    a = L.Flatten(name="plain", data_format="channels_last")(y)
    b = L.Flatten(name="moved", data_format="channels_first")(y)
    a, b = L.Dense(3, name="first")(a), L.Dense(3, name="second")(b)
    return keras.Model(x, L.Add(name="sum")([a, b]), name="channels_first")


def autoencoder():
    """Transposed convolutions of every kind of size, and a reshape from a vector to a map."""
    x = keras.Input((16, 12, 1), name="pictures")
    y = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    y = L.Conv2D(5, 3, strides=2, padding="same", activation="relu")(y)
    y = L.Flatten()(y)
    y = L.Dense(9, name="code")(y)
    y = L.Dense(4 * 3 * 5, activation="relu")(y)
    y = L.Reshape((4, 3, 5))(y)
    y = L.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu")(y)
    y = L.Conv2DTranspose(4, 4, strides=2, padding="same")(y)
    y = L.Conv2DTranspose(4, (2, 3), strides=(3, 1), name="gaps")(y)
    y = L.Conv2DTranspose(3, 3, strides=2, padding="valid", use_bias=False, name="valid")(y)
    y = L.Conv2DTranspose(2, 5, strides=2, padding="same", output_padding=1, name="added")(y)
    y = L.Conv2DTranspose(2, 3, padding="same", dilation_rate=2, name="dilated")(y)
    return keras.Model(x, L.Conv2D(1, 3, padding="same", activation="sigmoid")(y), name="autoencoder")


def block(channels, name):
    x = keras.Input((8, 8, channels))
    y = L.DepthwiseConv2D(3, padding="same", name="dw")(x)
    y = L.BatchNormalization(name="bn")(y)
    return keras.Model(x, L.Conv2D(channels, 1, name="pw")(y), name=name)


def nested():
    """Models in models, one of them used twice, a layer used twice, and operators between tensors."""
    inner = block(4, "inner")
    tail = keras.Sequential(
        [keras.Input((8, 8, 4)), L.Conv2D(4, 3, padding="same", name="conv"), block(4, "deep"), L.ReLU(name="relu")],
        name="tail")
    x = keras.Input((16, 16, 3), name="pictures")
    y = L.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="stem")(x)
    y = inner(inner(y))
    y = tail(y)
    shared = L.Conv2D(4, 3, padding="same", name="shared")
    once = shared(y)
    y = shared(once) + once
    y = L.Add(name="skip")([y, tail(y)])
    y = L.GlobalAveragePooling2D(name="pool")(y)
    return keras.Model(x, L.Dense(5, activation="softmax", name="head")(y), name="nested")


def ends_in_a_model():
    """The outermost model's output is a model's, and a Sequential begins with one."""
    body = keras.Sequential([block(2, "first"), L.Flatten(name="flat")], name="body")
    x = keras.Input((8, 8, 2))
    head = keras.Sequential([keras.Input((128,)), L.Dense(3, name="fc")], name="head")
    return keras.Model(x, head(body(x)), name="ends_in_a_model")


def frozen():
    """A model inside whose first layers don't learn: their variables come last in an older file."""
    inner = block(4, "inner")
    inner.get_layer("dw").trainable = False
    x = keras.Input((8, 8, 4))
    y = L.Conv2D(4, 1, name="stem")(x)
    return keras.Model(x, L.GlobalMaxPooling2D(name="pool")(inner(y)), name="frozen")


def eleven_convolutions():
    """`conv2d_10` comes before `conv2d_2` in a file's own order."""
    layers = [L.Conv2D(2 + i % 2, 1, name=f"c{11 - i}") for i in range(11)]
    return keras.Sequential([keras.Input((4, 4, 2)), *layers, L.GlobalAveragePooling2D()], name="eleven")


def flattening():
    """Flattened features that go to a linear layer, to several, through other layers, and to what needs their order."""
    x = keras.Input((6, 5, 3), name="pictures")
    y = L.Conv2D(4, 3, name="conv")(x)
    a = L.Flatten(name="to_dense")(y)
    a = L.Dropout(0.1)(L.Activation("tanh")(a))
    a1, a2 = L.Dense(3, name="a1")(a), L.Dense(3, name="a2")(a)
    b = L.Flatten(name="to_norm")(y)
    b = L.Dense(3, name="b")(L.BatchNormalization(name="bn")(b))
    c = L.Concatenate()([L.Flatten(name="c1")(y), L.Flatten(name="c2")(y)])
    c = L.Dense(3, name="c")(c)
    d = L.Flatten(name="d")(L.GlobalAveragePooling2D(keepdims=True)(y))
    d = L.Dense(3, name="dd")(d)
    return keras.Model(x, L.Add(name="sum")([a1, a2, b, c, d]), name="flattening")


def plain_pictures():
    """Pictures without an axis of channels, as Keras' first tutorial has them."""
    return keras.Sequential([
        keras.Input((28, 28)), L.Reshape((28, 28, 1)), L.Conv2D(2, 5, strides=3), L.Flatten(),
        L.Dense(10, activation="softmax")], name="plain_pictures")


def vectors():
    return keras.Sequential([
        keras.Input((784,)), L.Dense(8, activation="relu"), L.Dense(48), L.Reshape((4, 3, 4)), L.Conv2D(2, 3),
        L.Flatten()], name="vectors")


def any_size():
    x = keras.Input((None, None, 3), name="pictures")
    y = L.Conv2D(4, 3, strides=2, padding="same")(x)
    return keras.Model(x, L.GlobalAveragePooling2D()(y), name="any_size")


SMALL = [
    everything, sequential, channels_first, autoencoder, nested, ends_in_a_model, frozen, eleven_convolutions,
    flattening, plain_pictures, vectors, any_size,
]

APPLICATIONS = [
    "MobileNet", "MobileNetV2", "ResNet50", "EfficientNetB0", "VGG16", "DenseNet121", "InceptionV3", "Xception",
]


def application(name):
    return getattr(keras.applications, name)(weights=None)


def fill(model, seed=1):
    """Seeded numbers, also for what starts as zeros and ones; variances stay positive."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path or variable.name == "count":
            continue
        if variable.name in ("moving_variance", "variance"):
            value = random.uniform(0.3, 2, variable.shape)
        else:
            value = random.normal(0, 0.4, variable.shape)
            if variable.name == "gamma":
                value = value + 1
        variable.assign(value.astype(variable.dtype))
    for layer in leaves(model):
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def leaves(model):
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


def legacy_config(model):
    """The configuration as an `.h5` of Keras 3 has it."""
    from keras.src.legacy.saving import saving_options, saving_utils
    with saving_options.keras_option_scope(use_legacy_config=True):
        return saving_utils.model_metadata(model, include_optimizer=False)["model_config"]


def as_keras2(config):
    """The same configuration as tf.keras 2 writes it."""
    config = copy.deepcopy(config)

    def tensors(value):
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"]]
        if isinstance(value, list):
            return [t for element in value for t in tensors(element)]
        return []

    def model(entry, nested):
        body = entry["config"]
        if not nested:
            entry.pop("name", None)
        models = {e.get("name", e["config"]["name"]) for e in body["layers"] if "layers" in e["config"]}
        functional = {
            e.get("name", e["config"]["name"]) for e in body["layers"] if "input_layers" in e["config"]}
        for layer in body["layers"]:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
            inner = layer["config"]
            if isinstance(inner.get("dtype"), dict):
                inner["dtype"] = "float32"
            if "batch_shape" in inner:
                inner["batch_input_shape"] = inner.pop("batch_shape")
            if layer["class_name"] == "LeakyReLU":
                inner["alpha"] = inner.pop("negative_slope")
            if layer["class_name"] == "BatchNormalization":
                axis = inner["axis"]
                inner["axis"] = [axis if axis > 0 else 3 if len(layer.get("shape", "1234")) == 4 else 1]
            if "inbound_nodes" in layer:
                calls = []
                for node in layer["inbound_nodes"]:
                    # A model's own making counts as its first call.
                    calls.append([[n, i + (n in models), t, {}] for n, i, t in tensors(node["args"])])
                layer["inbound_nodes"] = calls
            if layer.get("name", inner["name"]) in models:
                model(layer, True)
        if "output_layers" in body:
            def pairs(value):
                return [value] if isinstance(value[0], str) else value
            body["input_layers"] = pairs(body["input_layers"])
            body["output_layers"] = [
                [n, i + (n in models and n not in functional), t] for n, i, t in pairs(body["output_layers"])]
        return entry

    return model(config, False)

"""AlexNet, ResNet18 and LeNet in Keras, layer by layer as `zoo convert` writes them: networks that keras.applications
doesn't have, or has with other numbers. Each takes the weights that zoo writes, with PyTorch's results:

    zoo convert resnet18.pth -o resnet18.weights.h5

    model = resnet18(classes=1000)
    model.load_weights("resnet18.weights.h5")

Pictures are channels last, prepared as the source has it (`zoo inspect` says how); what comes out are logits.

- PyTorch's padding is the same on all sides, Keras' "same" isn't where a convolution has strides: there a ZeroPadding2D
  comes first and the convolution is "valid".
- Pooling that PyTorch pads with nothing that counts is padded with zeros: behind a ReLU nothing is below them.
- Adaptive pooling to the size that the map has already is nothing, so AlexNet takes 224×224 alone.
- Rows of the first Dense layer are in the order of Keras' Flatten; zoo reorders them both ways.
- BatchNormalization has PyTorch's epsilon and momentum. Its running variance follows the biased variance of a batch while
  training, PyTorch's the unbiased one.
"""

import keras
from keras import layers as L


def alexnet(classes=1000, channels=3):
    """torchvision's AlexNet."""
    return keras.Sequential([
        L.Input((224, 224, channels)),
        L.ZeroPadding2D(2),
        L.Conv2D(64, 11, strides=4, activation="relu", name="features_0"),
        L.MaxPooling2D(3, strides=2),
        L.Conv2D(192, 5, padding="same", activation="relu", name="features_3"),
        L.MaxPooling2D(3, strides=2),
        L.Conv2D(384, 3, padding="same", activation="relu", name="features_6"),
        L.Conv2D(256, 3, padding="same", activation="relu", name="features_8"),
        L.Conv2D(256, 3, padding="same", activation="relu", name="features_10"),
        L.MaxPooling2D(3, strides=2),
        L.Flatten(),
        L.Dropout(0.5),
        L.Dense(4096, activation="relu", name="classifier_1"),
        L.Dropout(0.5),
        L.Dense(4096, activation="relu", name="classifier_4"),
        L.Dense(classes, name="classifier_6"),
    ], name="alexnet")


def resnet18(classes=1000, size=224, channels=3):
    """torchvision's ResNet18."""
    def convolve(x, name, filters, kernel, stride=1):
        if stride > 1 and kernel > 1:
            x = L.ZeroPadding2D(kernel // 2)(x)
        padding = "same" if stride == 1 else "valid"
        return L.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name)(x)

    def normalise(x, name):
        return L.BatchNormalization(epsilon=1e-5, momentum=0.9, name=name)(x)

    def block(x, name, filters, stride):
        shortcut = x
        y = normalise(convolve(x, f"{name}_conv1", filters, 3, stride), f"{name}_bn1")
        y = convolve(L.Activation("relu")(y), f"{name}_conv2", filters, 3)
        y = normalise(y, f"{name}_bn2")
        if stride > 1:
            shortcut = convolve(x, f"{name}_downsample_0", filters, 1, stride)
            shortcut = normalise(shortcut, f"{name}_downsample_1")
        # The branch first: a .weights.h5 goes by the order in which Keras meets the layers.
        return L.Activation("relu")(L.Add()([y, shortcut]))

    inputs = L.Input((size, size, channels))
    x = normalise(convolve(inputs, "conv1", 64, 7, 2), "bn1")
    x = L.ZeroPadding2D(1)(L.Activation("relu")(x))
    x = L.MaxPooling2D(3, strides=2)(x)
    for stage in range(4):
        for place in range(2):
            x = block(x, f"layer{stage + 1}_{place}", 64 << stage, 2 if stage > 0 and place == 0 else 1)
    x = L.Flatten()(L.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(inputs, L.Dense(classes, name="fc")(x), name="resnet18")


def lenet(classes=10, variant="lenet", size=None, channels=1):
    """LeNet-5 as PyTorch's tutorial has it (`lenet`), as "Dive into Deep Learning" has it (`lenet-d2l`), or with tanh,
    averages and a third convolution (`lenet-classic`)."""
    activation, pooling, *names = {
        "lenet": ("relu", L.MaxPooling2D, "conv1", "conv2", "fc1", "fc2", "fc3"),
        "lenet-d2l": ("sigmoid", L.AveragePooling2D, "net_0", "net_3", "net_7", "net_9", "net_11"),
        "lenet-classic": (
            "tanh", L.AveragePooling2D, "feature_extractor_0", "feature_extractor_3", "feature_extractor_6",
            "classifier_0", "classifier_2")}[variant]
    size = size or (28 if variant == "lenet-d2l" else 32)
    padding = "same" if variant == "lenet-d2l" else "valid"
    third = [L.Flatten(), L.Dense(120, activation=activation, name=names[2])]
    if variant == "lenet-classic":
        third = [L.Conv2D(120, 5, activation=activation, name=names[2]), L.Flatten()]
    return keras.Sequential([
        L.Input((size, size, channels)),
        L.Conv2D(6, 5, padding=padding, activation=activation, name=names[0]),
        pooling(2),
        L.Conv2D(16, 5, activation=activation, name=names[1]),
        pooling(2),
        *third,
        L.Dense(84, activation=activation, name=names[3]),
        L.Dense(classes, name=names[4]),
    ], name=variant.replace("-", "_"))

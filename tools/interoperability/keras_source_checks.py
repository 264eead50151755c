"""Every Keras source of a known network, picture by picture and layer by layer: 16 pictures, the five best classes of
each, and five layers on the way."""

import keras
import numpy as np

import package_networks
from harness import Bench, check, error, sample
from keras.src.utils.naming import to_snake_case
from keras_application_checks import shaken

L = keras.layers
COUNT, CLASSES = 16, 11


def application(name, side=64, **options):
    options = {"classes": CLASSES, "classifier_activation": None, **options}
    return getattr(keras.applications, name)(weights=None, input_shape=(side, side, 3), **options)


def hub():
    return package_networks.ResNetImageClassifier(package_networks.ResNetBackbone(18), CLASSES)


def classifiers():
    model = package_networks.image_classifiers(18, CLASSES)
    return keras.Model(model.inputs, model.get_layer("fc1").output)


# Name, what builds it, what it is here, tolerance.
SOURCES = [
    ("KerasHub's ResNet18", hub, "resnet18", 1e-4),
    ("EfficientNetB0", lambda: application("EfficientNetB0"), "efficientnet_b0", 1e-4),
    ("VGG16", lambda: application("VGG16", side=224), "vgg16", 1e-5),
    ("ResNet18 of image-classifiers", classifiers, "custom", 1e-4),
    ("EfficientNetB0 without top", lambda: application("EfficientNetB0", include_top=False, pooling="avg"),
     "efficientnet_b0", 1e-4),
    ("VGG16 without top", lambda: application("VGG16", include_top=False, pooling="avg"), "vgg16", 1e-5)]


def placed(model, parent=""):
    """Every layer that holds no others, with its place in a `.weights.h5` and the model that it is of."""
    uses = {}
    for layer in model.layers:
        base = to_snake_case(type(layer).__name__)
        uses[base] = uses.get(base, -1) + 1
        place = f"{parent}layers/{base}" + (f"_{uses[base]}" if uses[base] else "")
        if hasattr(layer, "layers"):
            yield from placed(layer, place + "/")
        else:
            yield layer, place, model


def convolutions(model, x):
    """Five convolutions, evenly spread, and their results without the function that Keras makes part of some."""
    found = [row for row in placed(model) if isinstance(row[0], (L.Conv2D, L.DepthwiseConv2D))]
    for k in range(5):
        layer, place, owner = found[k * (len(found) - 1) // 4]
        # A model inside another takes the pictures as they are.
        before = keras.Model(owner.inputs, layer.input)(x, training=False)
        function, layer.activation = layer.activation, keras.activations.linear
        yield f"{place}/vars/0", layer(before).numpy().transpose(0, 3, 1, 2)
        layer.activation = function


def best(values):
    return np.argsort(-values, axis=1, kind="stable")[:, :5]


@check
def keras_sources_compute_what_keras_computes(bench: Bench):
    for name, build, architecture, tolerance in sample(SOURCES, fixed=3):
        keras.utils.clear_session()
        keras.utils.set_random_seed(7)
        model = shaken(build())
        random = np.random.default_rng(11)
        side = model.input_shape[1] or 64
        x = random.uniform(0, 255, (COUNT, side, side, 3)).astype(np.float32)
        wanted = model.predict(x, verbose=0, batch_size=COUNT)
        results = dict(convolutions(model, x))
        files = [bench.path("source.keras"), bench.path("source.weights.h5")]
        model.save(files[0])
        model.save_weights(files[1])
        for file in files:
            # A file of weights alone doesn't say how pictures are made, nor which network of its kind it is.
            asked = ["--input-size", side] if file.suffix == ".h5" or "Hub" in name else []
            native = bench.path("source.zoo.safetensors")
            document = bench.json("convert", file, "-o", native, *asked)
            report = document["report"]
            assert document["architecture"] == architecture and not report["missing"], document["architecture"]
            paths = {entry["key"]: entry["parameter"].removesuffix(".weight") for entry in report["parameters"]}
            layers = [paths[key] for key in results]
            found = bench.forward(native, np.ascontiguousarray(x.transpose(0, 3, 1, 2)), layers)
            ours = found.pop("logits")
            theirs = wanted.transpose(0, 3, 1, 2) if wanted.ndim == 4 else wanted
            errors = [error(found[layer], result) for layer, result in zip(layers, results.values(), strict=True)]
            print(f"    {name}, {file.name}: layers {max(errors):.1e}")
            if file == files[0] or "without" not in name:
                # Weights alone don't say how a network without its top ends.
                errors.append(error(ours, theirs))
                print(f"    {name}, {file.name}: results {errors[-1]:.1e}")
            assert max(errors) <= tolerance, errors
            if theirs.ndim == 2 and theirs.shape[1] == CLASSES:
                assert (best(ours) == best(theirs)).all(), (best(ours), best(theirs))

"""ResNets of the packages KerasHub and image-classifiers give Keras' own numbers here."""

import h5py
import keras
import numpy as np

import package_networks
from harness import Bench, check, error
from keras_application_checks import shaken


def require_same_results(bench: Bench, model, file, architecture, *options):
    """Converts a file, and holds our logits against the model's."""
    native = bench.path("package.zoo.safetensors")
    document = bench.json("convert", file, "-o", native, "--input-size", 64, *options)
    assert document["architecture"] == architecture and not document["report"]["missing"], document["architecture"]
    x = np.random.default_rng(4).normal(size=(2, 64, 64, 3)).astype(np.float32)
    wanted = model.predict(x, verbose=0)
    if wanted.ndim == 4:
        wanted = wanted.transpose(0, 3, 1, 2)
    found = error(bench.forward(native, np.ascontiguousarray(x.transpose(0, 3, 1, 2)))["logits"], wanted)
    print(f"    {file.name}: {architecture}, error {found:.1e}")
    assert found <= 1e-4
    return document["report"]


@check
def keras_hubs_resnets_are_resnets(bench: Bench):
    for depth in (18, 50):
        keras.utils.clear_session()
        keras.utils.set_random_seed(depth)
        backbone = package_networks.ResNetBackbone(depth)
        model = shaken(package_networks.ResNetImageClassifier(backbone, 7))
        name = f"resnet{depth}"
        preset = bench.path(f"preset-{depth}")
        package_networks.save_preset(model, preset, [0.5, 0.25, 0.125], [-1.0, -2.0, 0.5])
        require_same_results(bench, model, preset, name)
        for ending in (".keras", ".h5"):
            file = bench.path(f"hub-{depth}{ending}")
            model.save(file)
            require_same_results(bench, model, file, name)
            # It is torchvision's network with the same numbers.
            bench.convert(bench.path("package.zoo.safetensors"), "torchvision.pth", "--to", "torchvision")
            require_same_results(bench, model, bench.path("torchvision.pth"), name)
        model.save_weights(bench.path("hub.weights.h5"))
        report = require_same_results(bench, model, bench.path("hub.weights.h5"), name)
        assert any("KerasHub gives layers of these names" in text for text in report["assumed"]), report
        backbone.save_weights(bench.path("backbone.weights.h5"))
        require_same_results(bench, backbone, bench.path("backbone.weights.h5"), name)
        # A network of somebody's own around the backbone.
        inputs = keras.Input((64, 64, 3))
        head = keras.layers.Dense(5)(keras.layers.GlobalMaxPooling2D()(backbone(inputs)))
        own = keras.Model(inputs, head)
        own.save(bench.path("own.keras"))
        require_same_results(bench, own, bench.path("own.keras"), name)


@check
def resnets_of_image_classifiers_are_read(bench: Bench):
    for depth in (18, 50):
        keras.utils.clear_session()
        keras.utils.set_random_seed(depth)
        model = shaken(package_networks.image_classifiers(depth, 9))
        logits = keras.Model(model.inputs, model.get_layer("fc1").output)
        whole = bench.path("classifiers.h5")
        model.save(whole)
        require_same_results(bench, logits, whole, "custom")
        # As the package hands out its weights: the groups of the layers, and nothing else.
        with h5py.File(whole) as source, h5py.File(bench.path("weights.h5"), "w") as target:
            for group in source["model_weights"]:
                source["model_weights"].copy(group, target)
            target.attrs.update(source["model_weights"].attrs)
        report = require_same_results(bench, logits, bench.path("weights.h5"), "custom")
        assert any("image-classifiers gives layers of these names" in text for text in report["assumed"]), report
        model.save_weights(bench.path("classifiers.weights.h5"))
        require_same_results(bench, logits, bench.path("classifiers.weights.h5"), "custom")

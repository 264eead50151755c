"""Writes packages.json.gz: what KerasHub 0.32.0 and image-classifiers 1.0.0 build and save as ResNets: `model_config`, and
every layer with weights: its name, its class, its place in a `.weights.h5`, its variables and their shapes; and what the two
ResNet18 compute, forward and backward (passes.py).

    pip download --no-deps keras-hub==0.32.0 image-classifiers==1.0.0, and unpack both into FOLDER
    python make_packages.py FOLDER

Neither package needs its dependencies for this; what they import of them is put in their place here. image-classifiers
was made for Keras 2, whose `get_submodules_from_kwargs` is the only thing that it asks for.
"""

import gzip
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import platform
import sys
import types
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
from passes import facts, fill, passes, pictures  # noqa: E402

HERE = Path(__file__).parent
STAGES = {18: [2, 2, 2, 2], 50: [3, 4, 6, 3]}


class Empty(types.ModuleType):
    """A module that has every class, each without anything."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what KerasHub imports for text and for downloads."""

    names = {"kagglehub", "tensorflow_text", "sentencepiece", "tokenizers", "huggingface_hub", "regex"}

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Empty(spec.name)

    def exec_module(self, module):
        pass


def keras_hub(folder):
    sys.meta_path.insert(0, Absent())
    sys.path.insert(0, str(folder))
    return importlib.import_module("keras_hub")


def image_classifiers(folder):
    class Backend:
        image_data_format = staticmethod(keras.config.image_data_format)
        is_keras_tensor = staticmethod(keras.utils.is_keras_tensor)

    base = folder / "classification_models"
    for name, path in (("classification_models", base), ("classification_models.models", base / "models")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(path)]
    sys.modules["classification_models"].get_submodules_from_kwargs = (
        lambda _: (Backend, keras.layers, keras.models, keras.utils))
    sys.modules["classification_models.weights"] = types.ModuleType("classification_models.weights")
    sys.modules["classification_models.weights"].load_model_weights = None
    return importlib.import_module("classification_models.models.resnet")


def main():
    folder, models = Path(sys.argv[1]), {}
    hub, classifiers = keras_hub(folder), image_classifiers(folder)

    def backbone(depth=18, **changes):
        keras.utils.clear_session()
        numbers = {
            "input_conv_filters": [64], "input_conv_kernel_sizes": [7], "stackwise_num_filters": [64, 128, 256, 512],
            "stackwise_num_blocks": STAGES[depth], "stackwise_num_strides": [1, 2, 2, 2],
            "block_type": "basic_block" if depth < 50 else "bottleneck_block", "image_shape": (None, None, 3)}
        return hub.models.ResNetBackbone(**{**numbers, **changes})

    for depth in STAGES:
        models[f"keras-hub-{depth}-backbone"] = facts(backbone(depth))
        models[f"keras-hub-{depth}"] = facts(hub.models.ResNetImageClassifier(
            backbone=backbone(depth), num_classes=7, activation="softmax"))
    models["keras-hub-v2"] = facts(backbone(use_pre_activation=True))
    models["keras-hub-vd"] = facts(backbone(
        block_type="basic_block_vd", input_conv_filters=[32, 32, 64], input_conv_kernel_sizes=[3, 3, 3]))
    for depth in STAGES:
        for suffix, top in (("", True), ("-notop", False)):
            keras.utils.clear_session()
            models[f"image-classifiers-{depth}{suffix}"] = facts(getattr(classifiers, f"ResNet{depth}")(
                input_shape=(64, 64, 3), classes=9, include_top=top, weights=None))

    keras.config.set_floatx("float64")
    classifier = getattr(classifiers, "ResNet18")(input_shape=(64, 64, 3), classes=9, weights=None)
    for name, model in (
            ("keras-hub-18", hub.models.ResNetImageClassifier(backbone=backbone(), num_classes=7)),
            ("image-classifiers-18", keras.Model(classifier.inputs, classifier.get_layer("fc1").output))):
        fill(model)
        models[f"{name}-filled"] = {**facts(model), **passes(model, pictures(64))}
    writer = {"python": platform.python_version(), "keras": keras.__version__}
    document = json.dumps({"writer": writer, "models": models}, separators=(",", ":"), sort_keys=True)
    (HERE / "packages.json.gz").write_bytes(gzip.compress(document.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()

"""Writes applications.json.gz: of the models of keras.applications that have a name in Menagerie, with and without their
classifiers, the configuration and every layer with weights: its name, its place in a `.weights.h5`, its variables and
their shapes; and what two of them compute, forward and backward (passes.py).
"""

import gzip
import json
import os
import platform
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
HERE = Path(__file__).parent

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.applications import efficientnet  # noqa: E402
from passes import facts, fill, passes, pictures  # noqa: E402

VERSIONS = {"python": platform.python_version(), "keras": keras.__version__, "numpy": np.__version__}
POOLINGS = {"": None, "-avg": "avg", "-max": "max"}


def build(name, **options):
    keras.utils.clear_session()
    return getattr(keras.applications, name)(weights=None, **options)


def like_imagenet(name, **options):
    """The model that `weights="imagenet"` makes, which has one more layer, without the download."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "weights.h5")
        build(name, **options).save_weights(path.replace(".h5", ".weights.h5"))
        original, efficientnet.file_utils.get_file = efficientnet.file_utils.get_file, (
            lambda *_, **__: path.replace(".h5", ".weights.h5"))
        try:
            keras.utils.clear_session()
            return getattr(keras.applications, name)(weights="imagenet", **options)
        finally:
            efficientnet.file_utils.get_file = original


def results(name, size, **options):
    keras.config.set_floatx("float64")
    model = fill(build(name, input_shape=(size, size, 3), **options))
    described = facts(model)
    computed = passes(model, pictures(size))
    keras.config.set_floatx("float32")
    return {**described, **computed}


def main():
    models = {}
    for name in ("VGG16", "VGG19", "EfficientNetB0", "EfficientNetB1", "EfficientNetB2"):
        models[name] = facts(build(name))
    for name in ("VGG16", "EfficientNetB0"):
        for suffix, pooling in POOLINGS.items():
            size = 224 if name == "VGG16" else 96
            models[f"{name}-notop{suffix}"] = facts(
                build(name, include_top=False, pooling=pooling, input_shape=(size, size, 3)))
    models["VGG16-notop-any-size"] = facts(build("VGG16", include_top=False))
    models["EfficientNetB0-imagenet"] = facts(like_imagenet("EfficientNetB0"))
    models["VGG16-filled"] = results("VGG16", 48, include_top=False, pooling="avg")
    models["EfficientNetB0-filled"] = results("EfficientNetB0", 64, classes=10, classifier_activation=None)
    document = json.dumps({"writer": VERSIONS, "models": models}, separators=(",", ":"), sort_keys=True)
    (HERE / "applications.json.gz").write_bytes(gzip.compress(document.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()

"""Writes applications.json.gz: of the models of keras.applications that have a name in Menagerie, with and without their
classifiers, the configuration and every layer with weights: its name, its place in a `.weights.h5`, its variables and
their shapes; and what two of them compute, forward and backward, filled by the formulas of ../architectures/filling.py, in float64.

Variables are counted in the order of `model.weights`, the state of random generators and counters included, which keep
their values: kernels and matrices are uniform in ±√(6 / fan-in), scales and variances in 0.5…1.5, everything else in
±0.1. Pictures are uniform in 0…255.
"""

import gzip
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "architectures"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from filling import uniform  # noqa: E402
from keras.src.applications import efficientnet  # noqa: E402
from keras.src.utils.naming import to_snake_case  # noqa: E402

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


def facts(model):
    layers, uses = [], {}
    for layer in model.layers:
        base = to_snake_case(type(layer).__name__)
        count = uses.get(base, 0)
        uses[base] = count + 1
        variables = [[v.name, list(v.shape)] for v in layer.weights if "seed" not in v.path]
        if variables:
            store = f"layers/{base}" + (f"_{count}" if count else "")
            layers.append({"name": layer.name, "class": type(layer).__name__, "store": store, "variables": variables})
    return {"config": json.loads(model.to_json()), "layers": layers, "parameters": model.count_params()}


def fill(model):
    for entry, variable in enumerate(model.weights):
        if "seed" in variable.path or variable.name == "count":
            continue
        shape = tuple(variable.shape)
        u = uniform(entry, int(np.prod(shape)))
        if len(shape) >= 2:
            depthwise = "dwconv" in variable.path
            fan_in = np.prod(shape[:2] if depthwise else shape[:-1], dtype=np.float64)
            values = (u - 0.5) * 2 * np.sqrt(6 / fan_in)
        elif variable.name in ("gamma", "moving_variance", "variance"):
            values = 0.5 + u
        else:
            values = (u - 0.5) * 0.2
        variable.assign(values.astype(np.float32).astype(np.float64).reshape(shape))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def results(name, size, **options):
    keras.config.set_floatx("float64")
    model = fill(build(name, input_shape=(size, size, 3), **options))
    pictures = (uniform(1_000_000, 2 * 3 * size * size) * 255).astype(np.float32).reshape(2, 3, size, size)
    if options.get("classifier_activation", "") is None or not options.get("include_top", True):
        values = model.predict(pictures.transpose(0, 2, 3, 1).astype(np.float64), verbose=0)
    computed = passes(model, pictures.transpose(0, 2, 3, 1).astype(np.float64))
    keras.config.set_floatx("float32")
    return {**facts(model), "results": [float(x) for x in values.reshape(-1)], **computed}


def sample(values, most=16):
    """Up to so many elements, evenly spread over a tensor's row-major order, with ten digits."""
    values = np.asarray(values, np.float64).reshape(-1)
    count = min(most, values.size)
    return [float(f"{values[(2 * k + 1) * values.size // (2 * count)]:.10g}") for k in range(count)]


def passes(model, x):
    """Samples of some layers' results, and of all gradients of Σ c·result in evaluation and in training, with the
    running statistics after that; nothing is dropped. By the places of variables in a `.weights.h5`."""
    count = int(np.prod(model.output_shape[1:])) * len(x)
    cotangent = (uniform(2_000_000, count) - 0.5).astype(np.float32).astype(np.float64).reshape(len(x), -1)
    places, uses = {}, {}
    for layer in model.layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
        base = to_snake_case(type(layer).__name__)
        uses[base] = uses.get(base, -1) + 1
        store = f"layers/{base}" + (f"_{uses[base]}" if uses[base] else "")
        for place, variable in enumerate(v for v in layer.weights if "seed" not in v.path):
            places[variable.path] = f"{store}/vars/{place}"
    weighted = [layer for layer in model.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D))]
    kept = [weighted[k * (len(weighted) - 1) // 4] for k in range(5)]
    results = keras.Model(model.input, [layer.output for layer in kept])(x, training=False)
    found = {"activations": {
        places[layer.weights[0].path]: sample(value.numpy().transpose(0, 3, 1, 2), 64)
        for layer, value in zip(kept, results)}}
    has_statistics = any(variable.name == "moving_mean" for variable in model.weights)
    for mode in ("evaluation", "training") if has_statistics else ("evaluation",):
        variables = model.trainable_variables
        with tf.GradientTape() as tape:
            output = model(x, training=mode == "training")
            total = tf.reduce_sum(output * cotangent)
        gradients = tape.gradient(total, [variable.value for variable in variables])
        found[mode] = {"results": sample(output, 64), "gradients": {
            places[variable.path]: {"norm": float(f"{np.linalg.norm(gradient):.10g}"), "sample": sample(gradient)}
            for variable, gradient in zip(variables, gradients)}}
    if has_statistics:
        found["training"]["statistics"] = {
            places[variable.path]: sample(variable) for variable in model.weights
            if variable.name in ("moving_mean", "moving_variance")}
    return found


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

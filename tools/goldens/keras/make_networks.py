"""Writes networks.json.gz: the configurations of Keras models, in the dialects of Keras 1, 2 and 3, with the shape of
every layer's result and the number of its parameters as Keras itself has them; and small files of some of them, with
the hash of every parameter as PyTorch lays it out, in expected.json."""

import gzip
import hashlib
import json
import os
import platform
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
HERE = Path(__file__).parent
os.chdir(HERE)

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

import networks  # noqa: E402

VERSIONS = {"python": platform.python_version(), "keras": keras.__version__, "h5py": h5py.__version__,
            "numpy": np.__version__}


def facts(model):
    """Path, class, shape and number of parameters of every layer, models taken apart, in Keras' order."""
    def walk(model, prefix):
        # Operators between tensors are operations, but not among a model's layers.
        for layer in getattr(model, "operations", model.layers):
            path = prefix + layer.name
            if hasattr(layer, "layers"):
                yield from walk(layer, path + ".")
                continue
            if isinstance(layer, keras.layers.InputLayer):
                continue
            node = layer._inbound_nodes[0]
            shape = list(node.output_tensors[0].shape)[1:]
            yield {"path": path, "class": type(layer).__name__, "shape": shape,
                   "parameters": layer.count_params() if isinstance(layer, keras.layers.Layer) else 0}
    return {"layers": list(walk(model, "")), "parameters": model.count_params()}


def keras1():
    """What Keras 1.2 wrote, by hand: its names for layers, for their numbers, and for connections."""
    def conv(name, filters, size, source, **more):
        config = {"name": name, "nb_filter": filters, "nb_row": size, "nb_col": size, "border_mode": "same",
                  "subsample": [1, 1], "dim_ordering": "th", "activation": "relu", "bias": True, "init": "glorot_uniform",
                  "trainable": True, **more}
        return {"class_name": "Convolution2D", "name": name, "config": config, "inbound_nodes": [[[source, 0, 0]]]}

    def layer(kind, name, source, **config):
        sources = source if isinstance(source, list) else [source]
        return {"class_name": kind, "name": name, "config": {"name": name, "trainable": True, **config},
                "inbound_nodes": [[[s, 0, 0] for s in sources]]}
    th = {"dim_ordering": "th"}
    functional = {"class_name": "Model", "config": {"name": "keras1", "layers": [
        {"class_name": "InputLayer", "name": "input_1", "inbound_nodes": [], "config": {
            "name": "input_1", "batch_input_shape": [None, 3, 10, 9], "input_dtype": "float32", "sparse": False}},
        conv("conv1", 4, 3, "input_1"), conv("conv2", 4, 3, "conv1", border_mode="valid", subsample=[2, 2]),
        conv("conv3", 4, 1, "conv1", subsample=[2, 2], activation="linear"),
        layer("Cropping2D", "crop", "conv3", cropping=[[1, 0], [1, 0]], **th),
        layer("Merge", "sum", ["conv2", "crop"], mode="sum", concat_axis=-1),
        layer("Merge", "join", ["sum", "crop"], mode="concat", concat_axis=1),
        layer("BatchNormalization", "bn", "join", epsilon=0.001, mode=0, axis=1, momentum=0.99),
        layer("ZeroPadding2D", "pad", "bn", padding=[1, 1], **th),
        layer("MaxPooling2D", "pool", "pad", pool_size=[2, 2], strides=[2, 2], border_mode="valid", **th),
        layer("Activation", "gate", "pool", activation="hard_sigmoid"),
        layer("Flatten", "flat", "gate"), layer("Dropout", "drop", "flat", p=0.5),
        layer("Dense", "fc", "drop", output_dim=5, activation="softmax", bias=True, input_dim=None)],
        "input_layers": [["input_1", 0, 0]], "output_layers": [["fc", 0, 0]]}}
    expected = {"layers": [
        {"path": p, "class": c, "shape": s, "parameters": n} for p, c, s, n in [
            ("conv1", "Convolution2D", [4, 10, 9], 112), ("conv2", "Convolution2D", [4, 4, 4], 148),
            ("conv3", "Convolution2D", [4, 5, 5], 20), ("crop", "Cropping2D", [4, 4, 4], 0),
            ("sum", "Merge", [4, 4, 4], 0), ("join", "Merge", [8, 4, 4], 0),
            ("bn", "BatchNormalization", [8, 4, 4], 32), ("pad", "ZeroPadding2D", [8, 6, 6], 0),
            ("pool", "MaxPooling2D", [8, 3, 3], 0), ("gate", "Activation", [8, 3, 3], 0), ("flat", "Flatten", [72], 0),
            ("drop", "Dropout", [72], 0), ("fc", "Dense", [5], 365)]], "parameters": 677}
    chain = {"class_name": "Sequential", "config": [
        {"class_name": "Convolution2D", "config": {
            "name": "convolution2d_1", "batch_input_shape": [None, 8, 8, 1], "nb_filter": 2, "nb_row": 3, "nb_col": 3,
            "border_mode": "valid", "subsample": [1, 1], "dim_ordering": "tf", "activation": "linear", "bias": True}},
        {"class_name": "Activation", "config": {"name": "activation_1", "activation": "relu"}},
        {"class_name": "MaxPooling2D", "config": {
            "name": "maxpooling2d_1", "pool_size": [2, 2], "strides": None, "border_mode": "same",
            "dim_ordering": "tf"}},
        {"class_name": "Flatten", "config": {"name": "flatten_1"}},
        {"class_name": "Dense", "config": {"name": "dense_1", "output_dim": 3, "activation": "linear", "bias": False}}]}
    sequential = {"layers": [
        {"path": p, "class": c, "shape": s, "parameters": n} for p, c, s, n in [
            ("convolution2d_1", "Convolution2D", [6, 6, 2], 20), ("activation_1", "Activation", [6, 6, 2], 0),
            ("maxpooling2d_1", "MaxPooling2D", [3, 3, 2], 0), ("flatten_1", "Flatten", [18], 0),
            ("dense_1", "Dense", [3], 54)]], "parameters": 74}
    return [("keras1", functional, expected), ("keras1_sequential", chain, sequential)]


def canonical(layer, path):
    """A layer's parameters as PyTorch has them: name and array."""
    kind, values = type(layer).__name__, [np.asarray(v) for v in layer.weights]
    named = dict(zip([v.name for v in layer.weights], values))
    if kind in ("Conv2D", "Conv2DTranspose"):
        yield f"{path}.weight", named["kernel"].transpose(3, 2, 0, 1)
    elif kind == "DepthwiseConv2D":
        h, w, c, m = named["kernel"].shape
        yield f"{path}.weight", named["kernel"].transpose(2, 3, 0, 1).reshape(c * m, 1, h, w)
    elif kind == "Dense":
        yield f"{path}.weight", named["kernel"].T
    elif kind == "BatchNormalization":
        for ours, theirs in (("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"),
                             ("running_var", "moving_variance")):
            if theirs in named:
                yield f"{path}.{ours}", named[theirs]
    if "bias" in named:
        yield f"{path}.bias", named["bias"]


def parameters(model, prefix=""):
    found = {}
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found |= parameters(layer, f"{prefix}{layer.name}.")
            continue
        for name, value in canonical(layer, prefix + layer.name):
            value = np.ascontiguousarray(value)
            found[name] = {"shape": list(value.shape), "sha256": hashlib.sha256(value.tobytes()).hexdigest()}
    return found


def write_networks():
    entries = {}
    for build in networks.SMALL:
        keras.utils.clear_session()
        model = build()
        entry = {"config": json.loads(model.to_json()), "version": keras.__version__, **facts(model)}
        if build is networks.any_size:
            # Keras leaves the shapes open; these are for pictures of 31.
            entry["input_size"] = 31
            for layer in entry["layers"]:
                layer["shape"] = [16 if n is None else n for n in layer["shape"]]
        entries[build.__name__] = entry
        older = networks.legacy_config(model)
        older = json.loads(json.dumps(older, default=str))
        entries[build.__name__ + "_h5"] = {**entry, "config": older}
        if build not in (networks.everything, networks.flattening):
            entries[build.__name__ + "_keras2"] = {**entry, "config": networks.as_keras2(older), "version": "2.11.0"}
    for name, config, expected in keras1():
        entries[name] = {"config": config, "version": "1.2.2", **expected}
    for name in networks.APPLICATIONS:
        keras.utils.clear_session()
        model = networks.application(name)
        entries[name] = {"config": json.loads(model.to_json()), "version": keras.__version__, **facts(model)}
    document = json.dumps({"writer": VERSIONS, "networks": entries}, separators=(",", ":"), sort_keys=True)
    Path("networks.json.gz").write_bytes(gzip.compress(document.encode(), 9, mtime=0))


def write_files():
    expected = {"writer": VERSIONS, "files": {}}
    for build, names in ((networks.nested, ["nested.keras", "nested.h5", "nested.weights.json"]),
                         (networks.frozen, ["frozen.h5"]), (networks.eleven_convolutions, ["eleven.keras"])):
        keras.utils.clear_session()
        model = networks.fill(build())
        for name in names:
            if name.endswith(".json"):
                # 2 KB to a file, so that one layer's variables are in two of them.
                model.save_weights(name, max_shard_size=1.3e-6)
            else:
                model.save(name)
            expected["files"][name] = {"parameters": parameters(model), "elements": model.count_params()}
    # The same archive compressed.
    with zipfile.ZipFile("nested.keras") as source, zipfile.ZipFile("deflated.keras", "w", zipfile.ZIP_DEFLATED) as target:
        for name in ("config.json", "model.weights.h5"):
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    expected["files"]["deflated.keras"] = expected["files"]["nested.keras"]
    Path("expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    write_networks()
    write_files()

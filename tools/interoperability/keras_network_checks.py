"""Keras models of every shape become graphs that compute what Keras computes, from every kind of Keras file."""

import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import graph_torch
from harness import Bench, check, error, require_equal_bytes, sample
from schema_checks import validator

sys.path.insert(0, str(Path(__file__).parents[1] / "goldens" / "keras"))
import networks  # noqa: E402

L = keras.layers


def pictures(model, count=2, size=32):
    shape = [size if extent is None else extent for extent in model.input_shape[1:]]
    return np.random.default_rng(3).normal(size=(count, *shape)).astype(np.float32)


def channels_first(model):
    return any(getattr(layer, "data_format", None) == "channels_first" for layer in networks.leaves(model))


def ours(model, x):
    """A batch as our graphs take it."""
    if x.ndim == 2:
        return x[:, :, None, None]
    if x.ndim == 3:
        return x[:, None]
    return x if channels_first(model) else np.transpose(x, (0, 3, 1, 2))


def double(model):
    """The same model computing in double precision."""
    from keras.src.saving import serialization_lib
    config = serialization_lib.serialize_keras_object(model)

    def widen(value):
        if isinstance(value, dict):
            if value.get("class_name") == "DTypePolicy":
                value["config"]["name"] = "float64"
            for key, inner in value.items():
                if key == "dtype" and inner == "float32":
                    value[key] = "float64"
                else:
                    widen(inner)
        elif isinstance(value, list):
            for inner in value:
                widen(inner)
    widen(config)
    twin = serialization_lib.deserialize_keras_object(config)
    for to, source in zip(twin.weights, model.weights, strict=True):
        to.assign(np.asarray(source).astype(to.dtype))
    for layer in networks.leaves(twin):
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return twin


def compare(bench: Bench, model, file, *options, tolerance=1e-7, architecture="custom"):
    """Converts a file and holds the graph's result, computed in double precision, against Keras', which rounds a
    Rescaling's numbers to single precision even then."""
    document = bench.json("convert", file, "-o", bench.path("network.zoo.safetensors"), *options)
    validator(bench, "convert").validate(document)
    report = document["report"]
    assert report["architecture"] == architecture and not report["missing"], report
    x = pictures(model)
    found = graph_torch.run(bench.path("network.zoo.safetensors"), ours(model, x))["logits"]
    twin = double(model)
    dilated = (
        isinstance(layer, L.Conv2DTranspose) and max(layer.dilation_rate) > 1 for layer in networks.leaves(model))
    if channels_first(model) or any(dilated):
        # Which TensorFlow's own kernels don't have on the CPU, or not in double precision.
        twin = tf.function(twin, jit_compile=True)
    wanted = twin(x.astype(np.float64), training=False).numpy()
    if report["output_activation"] == "softmax" and not wanted.all():
        # Classes so improbable that Keras' result is zero.
        found = np.exp(found - found.max(-1, keepdims=True))
        found /= found.sum(-1, keepdims=True)
    elif report["output_activation"] == "softmax":
        # Logits are known up to a constant.
        wanted = np.log(wanted) - np.log(wanted).mean(-1, keepdims=True)
        found = found - found.mean(-1, keepdims=True)
    elif found.ndim == 4 and not channels_first(model):
        found = np.transpose(found, (0, 2, 3, 1))
    distance = error(found, wanted)
    print(f"    {model.name}, {Path(file).suffix}: error {distance:.1e}")
    assert distance <= tolerance, f"{model.name} from {file}: error {distance:.2e}"
    summary = bench.json("summary", bench.path("network.zoo.safetensors"))
    validator(bench, "summary").validate(summary)
    left_out = sum(1 for layer in networks.leaves(model) if isinstance(layer, L.Normalization) and layer.input_mean is None)
    assert summary["parameters"] + summary["statistics"] == model.count_params() - left_out, model.name
    return report


@check
def keras_networks_compute_what_keras_computes(bench: Bench):
    for build in networks.SMALL:
        keras.utils.clear_session()
        model = networks.fill(build())
        options = ["--input-size", 32] if build is networks.any_size else []
        archive, older = bench.path(f"{build.__name__}.keras"), bench.path(f"{build.__name__}.h5")
        model.save(archive)
        model.save(older)
        compare(bench, model, archive, *options)
        compare(bench, model, older, *options)


@check
def keras_archives_may_be_compressed(bench: Bench):
    model = networks.fill(networks.nested())
    model.save(bench.path("stored.keras"))
    packed = bench.path("deflated.keras")
    with zipfile.ZipFile(bench.path("stored.keras")) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name), zipfile.ZIP_DEFLATED)
    keras.models.load_model(packed)
    compare(bench, model, packed)


@check
def keras_shards_are_read_as_one(bench: Bench):
    model = networks.fill(networks.nested())
    model.save_weights(bench.path("shards.weights.json"), max_shard_size=1.3e-6)
    model.save_weights(bench.path("whole.weights.h5"))
    shards = bench.json("inspect", bench.path("shards.weights.json"))
    whole = bench.json("inspect", bench.path("whole.weights.h5"))
    validator(bench, "inspect").validate(shards)
    strip = lambda entries: [(e["key"], e["type"], e["shape"]) for e in entries]  # noqa: E731
    assert strip(shards["tensors"]) == strip(whole["tensors"])
    assert len(list(bench.folder.glob("shards_*.weights.h5"))) > 1


def require_keras_shapes(bench: Bench, model, *files):
    """Every layer with weights has the shape and the number of parameters that Keras' summary shows."""
    for file in files:
        document = bench.json("summary", file)
        rows = document["layers"]
        # A known network's layers have its own paths; they stand in Keras' order.
        known = iter([row for row in rows if row["parameters"] + row["statistics"] and row["kind"] != "Normalization"])
        is_known = document["architecture"] != "custom"

        def walk(model, prefix):
            for layer in model.layers:
                name = prefix + layer.name
                if hasattr(layer, "layers"):
                    walk(layer, name + ".")
                if not layer.weights or isinstance(layer, L.Normalization) or hasattr(layer, "layers"):
                    continue
                own = [next(known)] if is_known else [
                    row for row in rows if row["path"] == name or row["path"].startswith(name + ".")]
                count = sum(row["parameters"] + row["statistics"] for row in own)
                assert count == layer.count_params(), (model.name, name, count, layer.count_params())
                shape = list(layer._inbound_nodes[0].output_tensors[0].shape[1:])
                wanted = [1, shape[-1], *shape[:-1]] if len(shape) > 1 else [1, *shape]
                assert own[-1]["output"] == wanted, (model.name, name, own[-1]["output"], wanted)
        walk(model, "")
        assert not is_known or next(known, None) is None, model.name
    print(f"    {model.name}: {len(model.layers)} layers, {model.count_params()} parameters")


@check
def keras_applications_have_keras_shapes_and_counts(bench: Bench):
    for name in sample(networks.APPLICATIONS, fixed=2):
        keras.utils.clear_session()
        model = networks.application(name)
        files = [bench.path("application.keras"), bench.path("application.h5")]
        for file in files:
            model.save(file)
        require_keras_shapes(bench, model, *files)


@check
def keras_applications_compute_what_keras_computes(bench: Bench):
    # Asymmetric padding, squeeze and excitation, normalisation; the others' layers are among the small models'.
    for name, size, known in (("MobileNetV2", 64, "custom"), ("EfficientNetB0", 64, "efficientnet_b0")):
        keras.utils.clear_session()
        model = getattr(keras.applications, name)(
            weights=None, input_shape=(size, size, 3), classes=7, classifier_activation=None)
        random = np.random.default_rng(5)
        for variable in model.weights:
            if variable.name in ("moving_variance", "variance"):
                variable.assign(random.uniform(0.5, 2, variable.shape).astype(np.float32))
        for layer in networks.leaves(model):
            if isinstance(layer, L.Normalization):
                layer.finalize_state()
        model.save(bench.path("application.keras"))
        compare(bench, model, bench.path("application.keras"), architecture=known)


@check
def keras_parameters_keep_their_bytes(bench: Bench):
    model = networks.fill(keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), alpha=0.25, classes=3))
    for file in (bench.path("mobilenet.keras"), bench.path("mobilenet.h5")):
        model.save(file)
        bench.convert(file, "mobilenet.zoo.safetensors")
        _, parameters = graph_torch.load(bench.path("mobilenet.zoo.safetensors"))
        for layer in model.layers:
            for variable in layer.weights:
                value = np.asarray(variable)
                if variable.name == "kernel" and isinstance(layer, L.DepthwiseConv2D):
                    h, w, c, m = value.shape
                    value = value.transpose(2, 3, 0, 1).reshape(c * m, 1, h, w)
                elif variable.name == "kernel":
                    value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
                role = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
                        "moving_mean": "running_mean", "moving_variance": "running_var"}[variable.name]
                found = parameters[f"{layer.name}.{role}"].numpy().astype(np.float32)
                require_equal_bytes(f"{layer.name}.{role}", found, np.ascontiguousarray(value))


@check
def keras_layers_that_are_not_known_are_named(bench: Bench):
    x = keras.Input((8, 8, 3))
    y = L.Conv2D(2, 3, name="conv")(x)
    inner = keras.Sequential([keras.Input((6, 6, 2)), L.Lambda(lambda v: v * 2, name="twice")], name="body")
    model = keras.Model(x, L.UnitNormalization(name="unit")(inner(y)))
    model.save(bench.path("unknown.keras"))
    message = bench.run("convert", bench.path("unknown.keras"), "-o", bench.path("no.pth"), expect=1).stderr
    for word in ("Lambda", "body.twice", "UnitNormalization", "unit"):
        assert word in message, message

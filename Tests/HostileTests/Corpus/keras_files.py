"""HDF5 files that lead elsewhere, and Keras configurations that carry code."""

import io
import json
import os
import tempfile

import h5py
import numpy as np

import files as f
from corpus import CLEAN, EITHER, UNREADABLE, fails, finds, reads, sample

GOLDENS = "tools/goldens/formats/"
FIXTURES = "Tests/HDF5CheckpointsTests/Fixtures/"


def hdf5(fill, **options):
    """A file's bytes; `fill` writes into it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.h5")
        with h5py.File(path, "w", **options) as file:
            fill(file)
        with open(path, "rb") as file:
            return file.read()


def place(file):
    return file.create_group("layers/dense/vars")


def weight(file, value=None):
    place(file)["0"] = np.arange(4, dtype="f4").reshape(2, 2) if value is None else value


# Files that exist already

refused = ("refused", "could lead anywhere")
for path, what, code, says in (
    (GOLDENS + "external-link.h5", "a link to another file", *refused),
    (GOLDENS + "soft-link.h5", "a soft link", *refused),
    (GOLDENS + "external-storage.h5", "data in another file", *refused),
    (GOLDENS + "virtual.h5", "a virtual dataset", *refused),
    (FIXTURES + "circle.weights.h5", "a group that contains itself", *refused),
    (FIXTURES + "bomb.weights.h5", "chunks that expand to gigabytes", "limit_exceeded", "far larger than what the file stores"),
    (FIXTURES + "lzf.weights.h5", "a filter that isn't HDF5's own", "unsupported", "filter"),
    (FIXTURES + "deep.weights.h5", "groups without end", "limit_exceeded", "nested deeper"),
    (FIXTURES + "long-chunk.weights.h5", "a chunk far larger than its dataset", "limit_exceeded", "larger than the dataset"),
    (FIXTURES + "kills-libhdf5.h5", "damage that kills the HDF5 library", "corrupt", "gave up"),
    (FIXTURES + "occupies-libhdf5.h5", "damage that sends the HDF5 library round for ever", "corrupt", "come to an end"),
):
    sample(path, what, None, fails(code, says), UNREADABLE)


def soft_loop(file):
    weight(file)
    file["layers/a"] = h5py.SoftLink("/layers/b")
    file["layers/b"] = h5py.SoftLink("/layers/a")


def hard_loop(file):
    weight(file)
    file["layers/dense/again"] = file["layers"]


def plug_in(file):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((2, 2))
    properties.set_filter(54321, h5py.h5z.FLAG_OPTIONAL, (1, 2))
    space = h5py.h5s.create_simple((2, 2))
    h5py.h5d.create(place(file).id, b"0", h5py.h5t.IEEE_F32LE, space, properties).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.ones((2, 2), "f4"))


def giant_chunk(file):
    place(file).create_dataset("0", (2, 2), "f4", chunks=(1 << 14, 1 << 15), maxshape=(None, None))


def giant_dataset(file):
    place(file).create_dataset("0", (1 << 30, 1 << 30), "f4", chunks=(16, 16))


def sparse_datasets(file):
    for index in range(40):
        file.create_dataset(f"layers/dense_{index}/vars/0", (1 << 29,), "f4", chunks=(1 << 10,))


def links_to_devices(file):
    weight(file)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    file["layers/dense/vars"].create_dataset("1", (16,), "u1", external=[("/dev/zero", 0, 16)])
    del properties


def many_attributes(file):
    weight(file)
    for index in range(300):
        file.attrs[f"a{index}"] = index


sample("soft-loop.weights.h5", "soft links that lead to each other", hdf5(soft_loop), fails(*refused), UNREADABLE)
sample("hard-loop.weights.h5", "a group inside itself", hdf5(hard_loop), fails(*refused), UNREADABLE)
sample("plug-in.weights.h5", "a filter that only a plug-in could undo", hdf5(plug_in),
       fails("unsupported", "filter"), UNREADABLE)
sample("giant-chunk.weights.h5", "a chunk of two gigabytes around four numbers", hdf5(giant_chunk),
       fails("limit_exceeded", "chunks"), UNREADABLE)
sample("giant-dataset.weights.h5", "a dataset of four exabytes", hdf5(giant_dataset),
       fails("limit_exceeded", "far larger than what the file stores"),
       UNREADABLE)
sample("sparse.weights.h5", "forty datasets of two gigabytes of which nothing was written",
       hdf5(sparse_datasets, libver="latest"), fails("limit_exceeded", "larger than"),
       UNREADABLE)
sample("device.weights.h5", "data in /dev/zero", hdf5(links_to_devices), fails(*refused), UNREADABLE)
sample("attributes.weights.h5", "three hundred attributes", hdf5(many_attributes),
       reads({"layers/dense/vars/0": "f32 [2, 2]"}), CLEAN)
plain = hdf5(weight)
sample("cut.weights.h5", "a file that is cut in the middle", plain[: len(plain) // 2], fails("truncated", "truncated file"), UNREADABLE)
evil = f.pytorch(f.beside((f.text("hook"), f.CALL)))
sample("zip.weights.h5", "an archive behind an HDF5 file", plain + evil,
       reads({"layers/dense/vars/0": "f32 [2, 2]"}), finds("read from its end, a zip archive"))

# Configurations

DENSE = {
    "module": "keras.layers", "class_name": "Dense", "registered_name": None,
    "config": {"name": "dense", "units": 2, "activation": "linear"},
}


def sequential(*layers):
    return {
        "module": "keras", "class_name": "Sequential", "registered_name": "Sequential",
        "config": {"name": "sequential", "layers": list(layers)},
    }


def layer(name, config, module="keras.layers"):
    return {"module": module, "class_name": name, "registered_name": None, "config": {"name": "x"} | config}


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wAAAAA=", "defaults": None, "closure": None}}
CONFIGS = {
    "lambda": ("a Lambda layer", sequential(DENSE, layer("Lambda", {"function": LAMBDA})), "Lambda, which runs code"),
    "lambda-activation": ("a function's code as an activation",
                          sequential(layer("Dense", {"activation": LAMBDA})), "a function's code is stored"),
    "module": ("a function outside Keras", sequential(layer("Dense", {"activation": function("os", "system")})),
               "os.system"),
    "builtins": ("one of Python's own functions", sequential(layer("Dense", {"activation": function("builtins", "exec")})),
                 "builtins.exec"),
    "get-file": ("Keras' own function that downloads files",
                 sequential(layer("Dense", {"activation": function("keras.utils", "get_file")})), "keras.utils.get_file"),
    "unsafe": ("Keras' own function that switches its safety off", sequential(
        layer("Dense", {"activation": function("keras.config", "enable_unsafe_deserialization")})),
               "keras.config.enable_unsafe_deserialization"),
    "near-keras": ("a package whose name begins like Keras'", sequential(layer("Dense", {}, "keras_extras.layers")),
                   "keras_extras.layers.Dense"),
    "near-tensorflow": ("a package whose name begins like TensorFlow's Keras",
                        sequential(layer("Dense", {}, "tensorflow.keras_evil")), "tensorflow.keras_evil.Dense"),
    "torch-module": ("a layer around a pickled PyTorch module", sequential(layer("TorchModuleWrapper", {"module": "gASV"})),
                     "TorchModuleWrapper"),
    "saved-model": ("a layer that runs a SavedModel from elsewhere",
                    sequential(layer("TFSMLayer", {"filepath": "/tmp/elsewhere"})), "TFSMLayer"),
    "jax": ("a layer with a function's code for JAX", sequential(layer("JaxLayer", {"call_fn": LAMBDA})), "JaxLayer"),
    "vocabulary": ("a layer that reads another file", sequential(layer("StringLookup", {"vocabulary": "/etc/passwd"})),
                   "/etc/passwd"),
}


def keras(config):
    text = config if isinstance(config, str) else json.dumps(config)
    return f.archive([
        f.Member("metadata.json", b'{"keras_version": "3.15.1", "date_saved": "2024-06-01@00:00:00"}', True),
        f.Member("config.json", text.encode(), True), f.Member("model.weights.h5", plain, True),
    ])


for file, (what, config, finding) in CONFIGS.items():
    sample(file + ".keras", what, keras(config), EITHER, finds(finding))
sample("harmless.keras", "a configuration of Keras' own layers", keras(sequential(DENSE)), EITHER, CLEAN)
deep = '{"a":' * 400 + json.dumps(sequential(layer("Lambda", {"function": LAMBDA}))) + "}" * 400
sample("deep.keras", "a Lambda layer below four hundred levels", keras(deep), EITHER, finds("can't be judged"))
twice = json.dumps(sequential(DENSE))[:-1] + ', "class_name": "Lambda"}'
sample("twice.keras", "a name that stands twice, where readers differ", keras(twice), EITHER, finds("can't be judged"))
sample("not-a-number.keras", "a Lambda layer beside a NaN", keras(
    json.dumps(sequential(layer("Lambda", {"function": LAMBDA, "rate": float("nan")})))), EITHER,
       finds("Lambda, which runs code"))


def legacy(config):
    def fill(file):
        file.attrs["backend"] = "tensorflow"
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps(config)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"dense"])
        group = weights.create_group("dense")
        group.attrs["weight_names"] = np.array([b"dense/kernel:0"])
        group["dense/kernel:0"] = np.ones((2, 2), "f4")

    return hdf5(fill)


kernel = {"dense/kernel": "f32 [2, 2]"}
sample("lambda.h5", "a Lambda layer in an HDF5 file", legacy({"class_name": "Sequential", "config": {"layers": [
    {"class_name": "Lambda", "config": {"name": "lambda", "function": ["4wEAAAA=", None, None],
                                        "function_type": "lambda"}}]}}),
       reads(kernel), finds("Lambda, which runs code"))
sample("module.h5", "a class outside Keras in an HDF5 file",
       legacy(sequential(layer("Payload", {}, "payload.layers"))), reads(kernel), finds("payload.layers.Payload"))

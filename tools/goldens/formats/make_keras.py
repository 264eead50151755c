"""Writes small Keras and HDF5 files that show what a reader meets in the wild, and what it must find in each.

Keras itself writes the first few. The others hold the same weights, laid out through h5py as older versions,
other libraries or other HDF5 settings do it; Keras has to load those too, which is checked here.
"""

import os
import re
import zipfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import h5py
import keras
import numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

from common import HERE, Expectations, entry

expected = Expectations((".h5", ".keras"), "keras", "tensorflow-cpu", "h5py", "numpy")
# HDF5 resolves the names of external files against the working directory while it writes.
os.chdir(HERE)


def small_model(dtype="float32"):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Conv2D(2, 3, activation="relu", name="conv", dtype=dtype),
            layers.BatchNormalization(name="bn", dtype=dtype),
            layers.Flatten(name="flatten", dtype=dtype),
            layers.Dense(3, name="fc", dtype=dtype),
        ],
        name="small",
    )
    random = np.random.default_rng(5)
    model.set_weights(
        [random.uniform(0.1, 2, weight.shape).astype(np.float32) for weight in model.get_weights()]
    )
    return model


def weights(model):
    """`layer/variable` to the values, in the order in which Keras saves them."""
    return {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in model.layers
        for variable in layer.weights
    }


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def attribute_list(group, name):
    """A list of names, whole or cut into numbered parts; an empty one is a float array without elements."""
    if name in group.attrs:
        return [text(value) for value in group.attrs[name]]
    found, index = [], 0
    while f"{name}{index}" in group.attrs:
        found += [text(value) for value in group.attrs[f"{name}{index}"]]
        index += 1
    return found


def legacy_entries(file):
    """What a reader must find in a file with layer_names, in that order."""
    found = []
    with h5py.File(file) as source:
        root = source["model_weights"] if "model_weights" in source else source
        for layer in attribute_list(root, "layer_names"):
            for path in attribute_list(root[layer], "weight_names"):
                dataset = root[layer][path]
                last = path.split("/")[-1].removesuffix(":0")
                found.append(
                    entry(
                        f"{layer}/{last}",
                        dataset.dtype.newbyteorder("=").name,
                        dataset[()],
                        path=dataset.name.lstrip("/"),
                    )
                )
    return found


def natural(path):
    """Orders conv2d_2 before conv2d_10, which HDF5's own order does not."""
    return [
        [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
        for name in path.split("/")
    ]


def keras3_entries(source):
    """What a reader must find in a .weights.h5; the layer's own name is an attribute of its vars group."""
    found = {}

    def visit(path, item):
        if isinstance(item, h5py.Dataset):
            bits = item[()]
            dtype = text(item.attrs["dtype"]) if bits.dtype.kind == "V" else bits.dtype.name
            bits = bits.view(np.int16) if bits.dtype.kind == "V" else bits
            layer = {"layer": text(item.parent.attrs["name"])} if "name" in item.parent.attrs else {}
            found[path] = entry(path, dtype, bits, path=path, **layer)

    source.visititems(visit)
    return [found[path] for path in sorted(found, key=natural)]


def check(file, tolerance=0.0):
    """Loads the weights into a fresh model, as Keras does for legacy files, and compares."""
    model = small_model()
    wanted = weights(model)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    with h5py.File(file) as source:
        root = source["model_weights"] if "model_weights" in source else source
        legacy_h5_format.load_weights_from_hdf5_group(root, model)
    for name, value in weights(model).items():
        assert np.abs(value - wanted[name]).max() <= tolerance, (file, name)


def written_by_keras():
    model = small_model()
    model.compile(optimizer=keras.optimizers.SGD(0.0, momentum=0.9), loss="mse", jit_compile=False)
    # A step at rate zero fills the optimizer's slots and leaves all but the moving averages as they are.
    model.train_on_batch(np.ones((2, 4, 4, 1), np.float32), np.zeros((2, 3), np.float32))
    model.set_weights(small_model().get_weights())
    model.save("full-model.h5")
    assert "optimizer_weights" in h5py.File("full-model.h5")
    assert weights(keras.models.load_model("full-model.h5", compile=False)).keys() == weights(model).keys()
    check("full-model.h5")
    expected.add(
        "full-model.h5",
        "model.save to .h5: configuration, weights, optimizer",
        legacy_entries("full-model.h5"),
    )

    with h5py.File("weights-only.h5", "w") as target:
        legacy_h5_format.save_weights_to_hdf5_group(target, model)
        empty = target["flatten"].attrs["weight_names"]
        assert empty.dtype == np.float64 and empty.shape == (0,)
    check("weights-only.h5")
    expected.add(
        "weights-only.h5",
        "Keras' legacy weights-only layout; flatten has an empty weight_names, which "
        "is a float64 array of no elements",
        legacy_entries("weights-only.h5"),
    )

    order = "listed with digits in names compared as numbers"
    plain = small_model()
    plain.save_weights("keras3.weights.h5")
    with h5py.File("keras3.weights.h5") as source:
        found = keras3_entries(source)
    assert len(found) == len(weights(plain))
    expected.add("keras3.weights.h5", f"Keras 3 weights file; {order}", found)

    half = small_model("bfloat16")
    half.save_weights("bfloat16.weights.h5")
    with h5py.File("bfloat16.weights.h5") as source:
        found = keras3_entries(source)
    expected.add(
        "bfloat16.weights.h5",
        "bfloat16 variables are opaque datasets of two bytes with an attribute dtype",
        found,
    )

    many = keras.Sequential(
        [keras.Input((1,))] + [layers.Dense(1, name=f"step{index}") for index in range(12)]
    )
    many.set_weights(
        [np.full(weight.shape, index, np.float32) for index, weight in enumerate(many.get_weights())]
    )
    many.save_weights("many-layers.weights.h5")
    with h5py.File("many-layers.weights.h5") as source:
        found = keras3_entries(source)
    assert [tensor["layer"] for tensor in found][::2] == [f"step{index}" for index in range(12)]
    expected.add("many-layers.weights.h5", f"dense_10 comes before dense_2 in the file; {order}", found)

    plain.save("model.keras")
    with zipfile.ZipFile("model.keras") as source:
        members = {name: source.read(name) for name in source.namelist()}
    # The date of saving would make every run's file different.
    members["metadata.json"] = re.sub(
        rb'("date_saved": ")[^"]*', rb"\g<1>2026-01-01@00:00:00", members["metadata.json"]
    )
    with zipfile.ZipFile("model.keras", "w") as target:
        for name, data in members.items():
            target.writestr(zipfile.ZipInfo(name), data)
    loaded = weights(keras.models.load_model("model.keras", compile=False))
    assert all(np.array_equal(loaded[name], value) for name, value in weights(plain).items())
    with zipfile.ZipFile("model.keras") as source, h5py.File(source.open("model.weights.h5")) as inner:
        found = keras3_entries(inner)
    expected.add("model.keras", f"Keras 3 zip; the tensors are in model.weights.h5; {order}", found)


def relaid(
    file,
    note,
    dataset=None,
    names=None,
    group_name=lambda layer: layer,
    weight_name=lambda layer, last: f"{layer}/{last}",
    tolerance=0.0,
    version=True,
    **options,
):
    """The small model's weights in legacy layout, with one thing done differently."""
    model = small_model()
    write = dataset or (lambda group, path, value: group.create_dataset(path, data=value))
    list_names = names or (
        lambda group, attribute, values: group.attrs.__setitem__(
            attribute, np.array(values, "S") if values else np.array([])
        )
    )
    with h5py.File(file, "w", **options) as target:
        list_names(target, "layer_names", [group_name(layer.name) for layer in model.layers])
        if version:
            target.attrs["backend"], target.attrs["keras_version"] = b"tensorflow", b"2.11.0"
        for layer in model.layers:
            group = target.create_group(group_name(layer.name))
            paths = [weight_name(layer.name, variable.name) for variable in layer.weights]
            list_names(group, "weight_names", paths)
            for path, variable in zip(paths, layer.weights):
                write(group, path, variable.numpy())
    check(file, tolerance)
    expected.add(file, note, legacy_entries(file))


def laid_out_by_hand():
    def chunked(group, path, value):
        # Chunks that do not divide the shape, so that the last ones reach over the edge.
        chunks = tuple(max(1, size * 2 // 3) for size in value.shape)
        group.create_dataset(
            path, data=value, chunks=chunks, compression="gzip", shuffle=True, fletcher32=True
        )

    relaid(
        "compressed.h5", "chunks with shuffle, gzip and fletcher32; edge chunks reach over the shape", chunked
    )
    relaid(
        "big-endian.h5",
        "big-endian float32",
        lambda group, path, value: group.create_dataset(path, data=value.astype(">f4")),
    )
    relaid(
        "half.h5",
        "float16, the kernels big-endian",
        lambda group, path, value: group.create_dataset(
            path, data=value.astype(">f2" if "kernel" in path else "<f2")
        ),
        tolerance=1e-3,
    )
    relaid(
        "double.h5",
        "float64",
        lambda group, path, value: group.create_dataset(path, data=value.astype("<f8")),
    )

    def fixed(group, attribute, values):
        group.attrs.create(
            attribute, np.array([value.encode() for value in values], "S26" if values else "f8")
        )

    def varying(group, attribute, values):
        group.attrs.create(attribute, values, (len(values),), h5py.string_dtype())

    def padded(group, attribute, values):
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(30)
        kind.set_strpad(h5py.h5t.STR_SPACEPAD)
        space = h5py.h5s.create_simple((len(values),))
        place = h5py.h5a.create(group.id, attribute.encode(), kind, space)
        if values:
            place.write(np.array([value.encode().ljust(30) for value in values], "S30"), mtype=kind)

    def parts(group, attribute, values):
        half = (len(values) + 1) // 2
        for index, part in enumerate([values[:half], values[half:]] if half else []):
            group.attrs[f"{attribute}{index}"] = np.array(part, "S") if part else np.array([])
        if not values:
            group.attrs[attribute] = np.array([])

    relaid("fixed-names.h5", "names of fixed length, null-padded to 26 bytes", names=fixed)
    relaid(
        "vlen-names.h5",
        "names of variable length, UTF-8; the empty list is an empty string array",
        names=varying,
    )
    relaid(
        "chunked-names.h5",
        "layer_names0, layer_names1, weight_names0, weight_names1 in place of the plain ones",
        names=parts,
    )
    relaid("space-padded-names.h5", "names of fixed length, padded with spaces", names=padded)
    relaid(
        "keras2-names.h5",
        "tf.keras 2 names of a model that was loaded once: bn_1 holds bn_1_1/gamma:0",
        group_name=lambda layer: f"{layer}_1",
        weight_name=lambda layer, last: f"{layer}_1_1/{last}:0",
    )
    relaid(
        "keras1-names.h5",
        "Keras 1 names in the layer's group itself: conv_W_1:0; no version attributes",
        version=False,
        weight_name=lambda layer, last: f"{layer}_"
        + {
            "kernel": "W",
            "bias": "b",
            "moving_mean": "running_mean",
            "moving_variance": "running_std",
        }.get(last, last)
        + "_1:0",
    )
    relaid(
        "latest.h5",
        "libver latest: superblock 3, object headers of version 2, link messages",
        libver="latest",
    )
    relaid("user-block.h5", "HDF5 begins after a user block of 512 bytes", userblock_size=512)


def refused():
    """Files whose tensors live elsewhere. Keras refuses all of them, and so must any reader."""
    model = small_model()
    values = weights(model)

    def write(file, hide, error):
        with h5py.File(file, "w") as target:
            target.attrs["layer_names"] = np.array([layer.name for layer in model.layers], "S")
            for layer in model.layers:
                group = target.create_group(layer.name)
                paths = [f"{layer.name}/{variable.name}" for variable in layer.weights]
                group.attrs["weight_names"] = np.array(paths, "S") if paths else np.array([])
                for path in paths:
                    if path == "conv/kernel":
                        group.require_group(layer.name)
                        hide(target, group, path, values[path])
                    else:
                        group.create_dataset(path, data=values[path])
        # h5py follows all of them without a word, so a careless reader would find nothing wrong.
        with h5py.File(file) as source:
            assert np.array_equal(source["conv/conv/kernel"][()], values["conv/kernel"]), file
        try:
            check(file)
            raise AssertionError(f"Keras loaded {file}")
        except ValueError as problem:
            print(f"  {file}: {str(problem).splitlines()[0][:90]}")
        expected.add(file, error, error=error)

    def soft(target, group, path, value):
        target.create_dataset("elsewhere", data=value)
        group[path] = h5py.SoftLink("/elsewhere")

    def external(target, group, path, value):
        group[path] = h5py.ExternalLink("weights-only.h5", "/conv/small/conv/kernel")

    def storage(target, group, path, value):
        place = [("external-storage.raw", 0, value.nbytes)]
        group.create_dataset(path, value.shape, value.dtype, external=place)[...] = value

    def virtual(target, group, path, value):
        layout = h5py.VirtualLayout(value.shape, value.dtype)
        layout[...] = h5py.VirtualSource("weights-only.h5", "/conv/small/conv/kernel", value.shape)
        group.create_virtual_dataset(path, layout)

    write("soft-link.h5", soft, "conv/kernel is a soft link")
    write("external-link.h5", external, "conv/kernel is a link into another file")
    write("external-storage.h5", storage, "conv/kernel keeps its values in another file")
    write("virtual.h5", virtual, "conv/kernel is a virtual dataset over another file")


def main():
    keras.utils.set_random_seed(5)
    written_by_keras()
    laid_out_by_hand()
    refused()
    expected.save()


if __name__ == "__main__":
    main()

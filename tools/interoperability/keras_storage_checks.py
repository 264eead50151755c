"""The same Keras model in every way that HDF5 can keep it, written anew by h5py, gives the same parameters."""

import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

import graph_torch
from harness import Bench, check, require_equal_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "goldens" / "keras"))
import networks  # noqa: E402

L = keras.layers


def model():
    keras.utils.clear_session()
    return networks.fill(networks.nested())


def rewrite(source, target, *, dataset=None, names=None, **options):
    """Copies an HDF5 file; `dataset` gives an array and the options to store it with, `names` writes an attribute."""
    with h5py.File(source) as old, h5py.File(target, "w", **options) as new:
        def attributes(item, copy):
            for name, value in item.attrs.items():
                if names is not None and name in ("layer_names", "weight_names") and len(value):
                    names(copy.attrs, name, [n if isinstance(n, str) else n.decode() for n in value])
                else:
                    copy.attrs[name] = value

        def visit(path, item):
            if isinstance(item, h5py.Dataset):
                value, storage = dataset(item[()]) if dataset else (item[()], {})
                copy = new.create_dataset(path, data=value, **(storage if np.ndim(value) else {}))
            else:
                copy = new.require_group(path)
            attributes(item, copy)
        attributes(old, new)
        old.visititems(visit)


def parameters(bench: Bench, file):
    native = bench.convert(file, "stored.zoo.safetensors")
    return {name: value.numpy() for name, value in graph_torch.load(native)[1].items()}


def require_same(bench: Bench, changed, plain, change=lambda value: value):
    found, wanted = parameters(bench, changed), parameters(bench, plain)
    assert sorted(found) == sorted(wanted) and found
    for name, value in wanted.items():
        require_equal_bytes(name, found[name], change(value))


def nested(bench: Bench):
    """A model with models in it, as Keras 3 writes it now."""
    whole = bench.path("whole.h5")
    model().save(whole)
    return whole


def shipped(bench: Bench):
    return bench.root / "zoo/weights/lenet-mnist.h5"


@check
def keras_files_with_gzip_shuffle_and_fletcher32_are_read(bench: Bench):
    for source in (nested(bench), shipped(bench)):
        for storage in ({"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True},
                        {"compression": "gzip", "compression_opts": 9, "shuffle": True, "fletcher32": True}):
            chunks = lambda value: tuple(max(n - 1, 1) for n in value.shape)  # noqa: E731
            rewrite(source, bench.path("packed.h5"), dataset=lambda value: (value, {**storage, "chunks": chunks(value)}))
            require_same(bench, bench.path("packed.h5"), source)


@check
def keras_names_in_cut_attributes_are_read(bench: Bench):
    def cut(attributes, name, values):
        middle = (len(values) + 1) // 2
        for part, run in enumerate((values[:middle], values[middle:])):
            if run:
                attributes[f"{name}{part}"] = np.array(run, dtype="S")
    for source in (nested(bench), shipped(bench)):
        rewrite(source, bench.path("cut.h5"), names=cut)
        with h5py.File(bench.path("cut.h5")) as file:
            assert "layer_names1" in file["model_weights"].attrs and "layer_names" not in file["model_weights"].attrs
        require_same(bench, bench.path("cut.h5"), source)
    # And as Keras itself cuts them: names that are too long together for one attribute.
    keras.utils.clear_session()
    layers = [L.Conv2D(1, 1, name="c" * 200 + str(i)) for i in range(400)]
    long = networks.fill(keras.Sequential([keras.Input((2, 2, 1)), *layers], name="long"))
    long.save(bench.path("long.h5"))
    with h5py.File(bench.path("long.h5")) as file:
        assert "layer_names1" in file["model_weights"].attrs
    found = parameters(bench, bench.path("long.h5"))
    for layer in layers:
        kernel, bias = (np.asarray(v).astype(np.float64) for v in layer.weights)
        require_equal_bytes(layer.name, found[f"{layer.name}.weight"], kernel.transpose(3, 2, 0, 1))
        require_equal_bytes(layer.name, found[f"{layer.name}.bias"], bias)


@check
def keras_names_of_fixed_and_variable_length_are_read(bench: Bench):
    def fixed(attributes, name, values):
        attributes[name] = np.array(values, dtype="S120")

    def variable(attributes, name, values):
        attributes.create(name, values, dtype=h5py.string_dtype("utf-8"))

    def ascii_only(attributes, name, values):
        attributes.create(name, values, dtype=h5py.string_dtype("ascii"))
    for source in (nested(bench), shipped(bench)):
        for write in (fixed, variable, ascii_only):
            rewrite(source, bench.path("names.h5"), names=write)
            require_same(bench, bench.path("names.h5"), source)


@check
def keras_files_with_big_endian_and_half_floats_are_read(bench: Bench):
    for source in (nested(bench), shipped(bench)):
        for dtype in (">f4", ">f8", "<f8", "<f2", ">f2"):
            rewrite(source, bench.path("numbers.h5"), dataset=lambda value: (value.astype(dtype), {}))
            half = dtype.endswith("2")
            require_same(
                bench, bench.path("numbers.h5"), source,
                lambda value: value.astype(np.float16).astype(np.float64) if half else value)


@check
def keras_files_of_newer_hdf5_are_read(bench: Bench):
    for source in (nested(bench), shipped(bench)):
        for options in ({"libver": "latest"}, {"userblock_size": 1024}, {"track_order": True}):
            rewrite(source, bench.path("newer.h5"), **options)
            require_same(bench, bench.path("newer.h5"), source)
    # The same for what Keras 3 itself writes, weights alone and archives.
    net = model()
    net.save_weights(bench.path("net.weights.h5"))
    chunks = lambda value: (value.astype(">f4"), {"compression": "gzip", "shuffle": True, "fletcher32": True})  # noqa: E731
    rewrite(bench.path("net.weights.h5"), bench.path("packed.weights.h5"), dataset=chunks, libver="latest")
    fresh, packed = bench.json("inspect", bench.path("net.weights.h5")), bench.json("inspect", bench.path("packed.weights.h5"))
    assert [(t["key"], t["shape"]) for t in fresh["tensors"]] == [(t["key"], t["shape"]) for t in packed["tensors"]]
    net.save(bench.path("net.keras"))
    with zipfile.ZipFile(bench.path("net.keras")) as old, zipfile.ZipFile(bench.path("packed.keras"), "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.write(bench.path("packed.weights.h5"), "model.weights.h5")
    require_same(bench, bench.path("packed.keras"), bench.path("net.keras"))


@check
def links_and_storage_elsewhere_are_refused(bench: Bench):
    source = nested(bench)
    path = "model_weights/stem/stem/kernel"

    def refuse(name, change, word):
        target = bench.path(f"{name}.h5")
        rewrite(source, target)
        with h5py.File(target, "a") as file:
            value = file[path][()]
            del file[path]
            change(file, value)
        message = bench.run("convert", target, "-o", bench.path("no.zoo.safetensors"), expect=1).stderr
        assert str(target) in message and word in message, message
        bench.run("inspect", target, expect=1)
    other = bench.path("other.h5")
    with h5py.File(other, "w") as file:
        file["kernel"] = np.zeros((3, 3, 3, 4), np.float32)
    bench.path("raw.bin").write_bytes(bytes(3 * 3 * 3 * 4 * 4))
    layout = h5py.VirtualLayout((3, 3, 3, 4), np.float32)
    layout[...] = h5py.VirtualSource(other, "kernel", (3, 3, 3, 4))
    refuse("soft", lambda file, _: file.__setitem__(path, h5py.SoftLink("/model_weights/elsewhere")), "link")
    refuse("external", lambda file, _: file.__setitem__(path, h5py.ExternalLink(other, "kernel")), "link")
    refuse("virtual", lambda file, _: file.create_virtual_dataset(path, layout), "")
    refuse("raw", lambda file, value: file.create_dataset(
        path, value.shape, value.dtype, external=[(bench.path("raw.bin"), 0, h5py.h5f.UNLIMITED)]), "")

"""Writes HDF5 files that Keras doesn't, but that its readers accept: every number type, every kind of storage and
chunk index, odd names. And files that a reader has to refuse.

The tensors have the names of a Keras 3 weights file, layers/<what>/vars/<i>. expected.json says what h5py reads.
Needs h5py, numpy and ml_dtypes (tools/requirements.txt); HDF5 1.14 is in h5py.
"""

import hashlib
import json
import os

import h5py
import ml_dtypes
import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
random = np.random.default_rng(11)
expected = {}


def values(shape, kind):
    if kind == np.bool_:
        return random.integers(0, 2, shape).astype(bool)
    if np.dtype(kind).kind in "iu":
        limits = np.iinfo(kind)
        return random.integers(limits.min, min(limits.max, 2**63 - 1), shape, dtype=np.dtype(kind).newbyteorder("="))
    return random.uniform(-2, 2, shape).astype(kind)


class Writer:
    def __init__(self, file, **options):
        self.file = file
        self.target = h5py.File(file, "w", **options)
        self.entries = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.target.close()
        expected[self.file] = {"tensors": self.entries}

    def expect(self, path, dtype, value):
        value = np.ascontiguousarray(value)
        value = value.astype(value.dtype.newbyteorder("<"))
        self.entries[path] = {
            "dtype": dtype,
            "shape": list(np.shape(value)) if path in self.target and self.target[path].shape else [],
            "sha256": hashlib.sha256(value.tobytes()).hexdigest(),
        }

    def add(self, path, dtype, value, read_as=None, **options):
        self.target.create_dataset(path, data=value, **options)
        self.expect(path, dtype, value if read_as is None else value.astype(read_as))

    def low(self, path, dtype, value, prepare, layout=h5py.h5d.CHUNKED, chunks=None, write=True, kind=None):
        """A dataset whose creation properties `prepare` sets."""
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(layout)
        properties.set_obj_track_times(False)
        if chunks:
            properties.set_chunk(chunks)
        prepare(properties)
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        links.set_create_intermediate_group(True)
        space = h5py.h5s.create_simple(value.shape)
        kind = kind or h5py.h5t.py_create(value.dtype, logical=True)
        made = h5py.h5d.create(self.target.id, path.encode(), kind, space, properties, links)
        if write:
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(value))
        self.expect(path, dtype, self.target[path][()])
        return made


def types():
    names = {"f8": "f64", "f4": "f32", "f2": "f16", "i8": "i64", "i4": "i32", "i2": "i16", "i1": "i8", "u1": "u8"}
    with Writer("types.weights.h5") as file:
        index = 0
        for order in "<>":
            for kind, name in names.items():
                file.add(f"layers/numbers/vars/{index}", name, values((3, 2), order + kind))
                index += 1
            for kind, name in [("u2", "u16"), ("u4", "u32"), ("u8", "u64")]:
                file.add(f"layers/unsigned/vars/{index}", name, values((5,), order + kind))
                index += 1
        file.add("layers/others/vars/0", "bool", values((7,), np.bool_))
        brain = values((3, 3), ml_dtypes.bfloat16)
        file.add("layers/others/vars/1", "bf16", brain)
        file.target["layers/others/vars/1"].attrs["dtype"] = "bfloat16"
        file.add("layers/others/vars/2", "f32", np.float32(2.5))
        file.add("layers/others/vars/3", "f32", np.zeros((3, 0, 2), np.float32))
        file.add("layers/others/vars/4", "i64", np.int64(-7))
        brain = h5py.h5t.IEEE_F32LE.copy()
        brain.set_fields(15, 7, 8, 0, 7)
        brain.set_size(2)
        brain.set_ebias(127)
        file.low(
            "layers/others/vars/5", "bf16", np.array([1, -2.5], np.float32), lambda _: None, kind=brain,
            layout=h5py.h5d.CONTIGUOUS,
        )
        file.expect("layers/others/vars/5", "bf16", np.array([1, -2.5], ml_dtypes.bfloat16))
        # An attribute of every kind, which must not disturb.
        group = file.target["layers/others/vars"]
        group.attrs["name"] = "Schicht für Äpfel"
        group.attrs["number"] = 5
        group.attrs["numbers"] = np.arange(6.0).reshape(2, 3)
        group.attrs["flag"] = True
        group.attrs["nothing"] = h5py.Empty("f4")
        group.attrs["pair"] = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
        group.attrs["reference"] = group.ref
        # Objects that can't become tensors don't stand in the way of those that can.
        file.target.create_dataset("notes", data=["text"], dtype=h5py.string_dtype())
        file.target.create_dataset("pairs", data=np.zeros(2, dtype=[("a", "i4")]))
        file.target["named"] = np.dtype("f4")
        file.target.create_dataset("empty", data=h5py.Empty("f4"))


def storage(file, **options):
    with Writer(file, **options) as target:
        def name(i):
            return f"layers/stored/vars/{i}"

        target.low(name(0), "f32", values((4, 3), "f4"), lambda _: None, layout=h5py.h5d.COMPACT)
        target.low(name(1), "f32", values((4, 3), "<f4"), lambda _: None, layout=h5py.h5d.CONTIGUOUS, write=False)

        def fill(p):
            p.set_fill_value(np.array(3.5, ">f4"))

        big = np.zeros((4, 3), ">f4")
        target.low(name(2), "f32", big, fill, layout=h5py.h5d.CONTIGUOUS, write=False)
        target.low(name(3), "f32", np.zeros((5, 7), "<f4"), fill, chunks=(2, 3), write=False)
        # Chunks of three axes that reach over every edge; one filter at a time, and all.
        data = values((5, 7, 9), "<f4")
        for i, prepare in enumerate([
            lambda p: None,
            lambda p: p.set_shuffle(),
            lambda p: p.set_deflate(9),
            lambda p: p.set_fletcher32(),
            lambda p: (p.set_shuffle(), p.set_deflate(4), p.set_fletcher32()),
            lambda p: (p.set_fletcher32(), p.set_shuffle(), p.set_deflate(4)),
        ]):
            target.low(name(4 + i), "f32", data, prepare, chunks=(2, 3, 4))
        # Odd numbers of bytes for the checksum; one byte per element for the shuffle.
        target.low(name(10), "i8", values((7,), "i1"), lambda p: (p.set_shuffle(), p.set_fletcher32()), chunks=(3,))
        # A chunk whose filters were skipped, and a chunk that was never written.
        made = target.low(
            name(11), "f32", np.zeros((4, 2), "<f4"), lambda p: (p.set_shuffle(), p.set_deflate(1)), chunks=(2, 2),
            write=False,
        )
        made.write_direct_chunk((2, 0), np.arange(4, dtype="<f4").tobytes(), filter_mask=3)
        target.target.flush()
        target.expect(name(11), "f32", target.target[name(11)][()])
        # One chunk that is the whole dataset, extendable axes, space allocated early: other chunk indexes in new files.
        target.low(name(12), "f32", values((3, 4), "<f4"), lambda p: p.set_deflate(1), chunks=(3, 4))
        target.add(name(13), "f32", values((9, 4), "<f4"), chunks=(2, 3), maxshape=(None, 4), compression="gzip")
        target.add(name(14), "f32", values((9, 4), "<f4"), chunks=(2, 3), maxshape=(None, None), compression="gzip")
        target.low(
            name(15), "f32", values((9, 4), "<f4"), lambda p: p.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY), chunks=(2, 3)
        )
        target.add(name(16), "f16", values((40, 50), ">f2"), chunks=(7, 11), compression="gzip", shuffle=True)


def names():
    """Layers and weights with names that only look strange."""
    with h5py.File("names.h5", "w") as file:
        layers = ["block 1/conv", "Ä", "twice"]
        weights = {
            "block 1/conv": ["block 1/conv/kernel:0", "block 1/conv/bias:0"],
            "Ä": ["Ä/kernel"],
            # The last component alone would name two.
            "twice": ["twice/forward/kernel:0", "twice/backward/kernel:0", "twice/bias:0"],
        }
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer)
            group.attrs["weight_names"] = [weight.encode() for weight in weights[layer]]
            for i, weight in enumerate(weights[layer]):
                group.create_dataset(weight, data=np.full(2, i, "<f4"))


def older():
    """What TensorFlow 2.13 called the list of layers; the state of a random generator; an optimizer."""
    with h5py.File("older.weights.h5", "w") as file:
        base = "_layer_checkpoint_dependencies"
        for i in [0, 1, 2, 10]:
            file[f"{base}/dense{f'_{i}' if i else ''}/vars/0"] = np.full(1, i, "<f4")
        file["inner/" + base + "/conv2d/vars/0"] = np.full(1, 20, "<f4")
        file[f"{base}/dropout/seed_generator/vars/0"] = np.zeros(2, "<u4")
        file["optimizer/vars/0"] = np.int64(3)
        file.create_group("vars")


def refused():
    data = np.ones((2, 2), "<f4")

    def write(file, code, change, libver="latest"):
        with h5py.File(file, "w", libver=libver) as target:
            target["layers/dense/vars/0"] = data
            change(target)
        expected[file] = {"error": code}

    def circle(target):
        target["layers/dense/around"] = target["layers"]

    def deep(target):
        # One group at a time: the path as a whole would be too long for nobody but us.
        group = target
        for _ in range(300):
            group = group.create_group("g")

    def undecodable(target):
        target.create_dataset("layers/dense/vars/1", data=data, chunks=(2, 2), compression="lzf")

    def unwritten(target):
        target.create_dataset("layers/dense/vars/1", shape=(1 << 28,), dtype="<f4")

    def bomb(target):
        target.create_dataset("layers/dense/vars/1", shape=(1 << 36,), dtype="<f8", chunks=(1 << 20,))

    def long_chunk(target):
        target.create_dataset(
            "layers/dense/vars/1", data=data, chunks=(1 << 12, 1 << 12), maxshape=(None, None), compression="gzip"
        )

    def wide_chunk(target):
        target.create_dataset(
            "layers/dense/vars/1", shape=(513, 1 << 12), dtype="f4", chunks=(1 << 12, 1 << 12), maxshape=(None, None),
            compression="gzip"
        )

    def twice(target):
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((2, 2))
        properties.set_deflate(1)
        properties.set_deflate(1)
        space = h5py.h5s.create_simple((2, 2))
        made = h5py.h5d.create(target.id, b"layers/dense/vars/1", h5py.h5t.IEEE_F32LE, space, properties)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)

    def compound(target):
        target["layers/dense/vars/1"] = np.zeros(2, dtype=[("a", "i4")])

    def foreign_bytes(target):
        target.create_dataset(b"layers/dense/vars/\xff", data=data)

    write("circle.weights.h5", "refused", circle)
    write("deep.weights.h5", "limit_exceeded", deep)
    write("lzf.weights.h5", "unsupported", undecodable)
    write("unwritten.weights.h5", "limit_exceeded", unwritten)
    write("bomb.weights.h5", "limit_exceeded", bomb)
    write("newer.weights.h5", "unsupported", compound)
    write("long-chunk.weights.h5", "limit_exceeded", long_chunk)
    write("wide-chunk.weights.h5", "limit_exceeded", wide_chunk)
    write("deflated-twice.weights.h5", "unsupported", twice)
    write("compound.weights.h5", "unsupported", compound, libver="earliest")
    write("foreign-bytes.weights.h5", "unsupported", foreign_bytes)

    with h5py.File("checksum.weights.h5", "w") as target:
        target.create_dataset("layers/dense/vars/0", data=data, chunks=(2, 2), fletcher32=True)
        place = target["layers/dense/vars/0"].id.get_chunk_info(0).byte_offset
    with open("checksum.weights.h5", "r+b") as file:
        file.seek(place)
        file.write(b"\1")
    expected["checksum.weights.h5"] = {"error": "checksum"}

    with h5py.File("table.h5", "w") as target:
        target["table"] = data
        target["other/thing"] = data
    expected["table.h5"] = {"error": "unsupported"}


types()
storage("storage.weights.h5")
storage("storage-latest.weights.h5", libver="latest")
names()
older()
refused()
with open("expected.json", "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")

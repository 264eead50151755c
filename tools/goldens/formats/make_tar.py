"""Files in the tar format that torch.save wrote in 2016, made by hand, since no PyTorch writes it any more; the
installed PyTorch still reads it, and checks them here. Run it after make_pytorch.py, which replaces all entries of
.pth files in expected.json. Usage: make_tar.py"""
import collections
import io
import pickle
import struct
import tarfile

import numpy as np
import torch

from common import HERE, Expectations, entry


class Keyed:
    """Stands for a tensor in the object's pickle."""

    def __init__(self, key):
        self.key = key


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return str(value.key) if isinstance(value, Keyed) else None


def write(path, storages, views, tensors, value):
    """storages: key -> (class, array); views: (key, whole, first, count); tensors: key -> (storage, shape, strides,
    offset)"""

    def dump(file, item):
        pickle.dump(item, file, protocol=2)

    files = {name: io.BytesIO() for name in ["storages", "tensors", "pickle"]}
    dump(files["storages"], len(storages))
    for key, (storage_class, array) in storages.items():
        dump(files["storages"], (key, "cpu", storage_class))
        files["storages"].write(struct.pack("<q", array.size) + array.astype(array.dtype.newbyteorder("<")).tobytes())
    dump(files["storages"], views)
    dump(files["tensors"], len(tensors))
    for key, (storage, shape, strides, offset) in tensors.items():
        dump(files["tensors"], (key, storage, torch.FloatTensor))
        rank = len(shape)
        files["tensors"].write(struct.pack(f"<ii{2 * rank + 1}q", rank, 0, *shape, *strides, offset))
    Pickler(files["pickle"], protocol=2).dump(value)
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.getvalue())
            archive.addfile(info, io.BytesIO(content.getvalue()))


def main():
    rng = np.random.default_rng(7)
    weights = rng.normal(size=40).astype(np.float32)
    counts = np.arange(6, dtype=np.int64)
    halves = rng.normal(size=8).astype(np.float16)
    storages = {
        11: (torch.FloatStorage, weights), 12: (torch.LongStorage, counts), 13: (torch.HalfStorage, halves),
    }
    views = [(21, 11, 30, 10)]
    tensors = {
        101: (11, (4, 6), (6, 1), 0), 102: (11, (6, 4), (1, 6), 0), 103: (21, (2, 3), (3, 1), 2),
        104: (12, (6,), (1,), 0), 105: (13, (2, 2, 2), (4, 2, 1), 0), 106: (12, (1,), (1,), 5),
    }
    names = {
        "features.0.weight": 101, "tied.weight": 102, "classifier.weight": 103, "classifier.count": 104,
        "classifier.half": 105, "classifier.last": 106,
    }
    state = collections.OrderedDict((name, Keyed(key)) for name, key in names.items())
    path = HERE / "oldest-tar.pth"
    write(path, storages, views, tensors, {"state_dict": state, "epoch": 7, "arch": "alexnet"})
    loaded = torch.load(path, weights_only=False)["state_dict"]
    for name, key in names.items():
        storage, shape, strides, offset = tensors[key]
        flat = dict((k, v) for k, (_, v) in storages.items()).get(storage, weights[30:40])
        wanted = np.lib.stride_tricks.as_strided(
            flat[offset:], shape, [s * flat.dtype.itemsize for s in strides]
        )
        assert (loaded[name].numpy() == wanted).all(), name
    expectations = Expectations("-tar.pth", "torch", "numpy")
    expectations.add(
        path.name, "the tar format of 2016, put together by hand; torch.load reads it",
        [entry(name, str(value.dtype)[6:], value.numpy()) for name, value in loaded.items()], chosen="state_dict",
    )
    expectations.save()


if __name__ == "__main__":
    main()

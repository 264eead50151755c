"""Picks the Fashion-MNIST sample in zoo/data/fashion-mnist and the pictures in zoo/data/pictures.

The source is Debian's package dataset-fashion-mnist; another folder with the four original files will do:
    python make_fashion_mnist.py [/usr/share/datasets/fashion-mnist]
"""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "zoo" / "data" / "fashion-mnist"
PICTURES = ROOT / "zoo" / "data" / "pictures"
CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
# Classes whose pictures a person tells apart at a glance, so that a printed prediction can be judged.
SHOWN = [1, 3, 5, 7, 8, 9]


def read_idx(path):
    data = gzip.decompress(path.read_bytes())
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    assert zero == 0 and kind == 8, f"{path} is not an IDX file of bytes"
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def write_idx(path, values):
    head = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    # No time stamp: the same pick gives the same file.
    path.write_bytes(gzip.compress(head + values.tobytes(), compresslevel=9, mtime=0))
    print(f"{path.relative_to(ROOT)}: {list(values.shape)}, {path.stat().st_size:,} bytes")


def pick(labels, per_class, random):
    """As many of each class, all shuffled: indices, and those of each class that were left over."""
    chosen, rest = [], []
    for label in range(10):
        order = random.permutation(np.flatnonzero(labels == label))
        chosen.append(order[:per_class])
        rest.append(order[per_class:])
    return random.permutation(np.concatenate(chosen)), rest


def main():
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist")
    random = np.random.default_rng(2017)
    for folder in (SAMPLE, PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
    for part, per_class in (("train", 300), ("t10k", 100)):
        pictures = read_idx(source / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{part}-labels-idx1-ubyte.gz")
        chosen, rest = pick(labels, per_class, random)
        write_idx(SAMPLE / f"{part}-images-idx3-ubyte.gz", pictures[chosen])
        write_idx(SAMPLE / f"{part}-labels-idx1-ubyte.gz", labels[chosen])
    (SAMPLE / "labels.txt").write_text("".join(name + "\n" for name in CLASSES))

    # From what the test sample left over. The number is the picture's place in the original file.
    for label in SHOWN:
        index = int(rest[label][0])
        path = PICTURES / f"{CLASSES[label].lower().replace(' ', '-')}-{index}.png"
        Image.fromarray(pictures[index]).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

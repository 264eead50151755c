"""What the scripts here have in common: a model as a description, its weights filled by the formulas of
../architectures/filling.py, and what it computes then, forward and backward, in float64.

Variables are counted in the order of the layers that hold them, random generators left out: kernels and matrices are
uniform in ±√(6 / fan-in), scales and variances in 0.5…1.5, everything else in ±0.1. Pictures are uniform in 0…255.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras.src.utils.naming import to_snake_case

sys.path.insert(0, str(Path(__file__).parents[1] / "architectures"))
from filling import uniform  # noqa: E402


def placed(model, parent=""):
    """Every layer that holds no others, with its place in a `.weights.h5` and the model that it is of."""
    uses = {}
    for layer in model.layers:
        base = to_snake_case(type(layer).__name__)
        count = uses.get(base, 0)
        uses[base] = count + 1
        place = f"{parent}layers/{base}" + (f"_{count}" if count else "")
        if hasattr(layer, "layers"):
            yield from placed(layer, place + "/")
        else:
            yield layer, place, model


def variables(layer):
    return [variable for variable in layer.weights if "seed" not in variable.path]


def facts(model):
    """The configuration, and every layer with weights: its name, its class, its place, its variables."""
    layers = [
        {"name": layer.name, "class": type(layer).__name__, "store": place,
         "variables": [[variable.name, list(variable.shape)] for variable in variables(layer)]}
        for layer, place, _ in placed(model) if variables(layer)]
    return {"config": json.loads(model.to_json()), "layers": layers, "parameters": model.count_params()}


def fill(model):
    entry = 0
    for layer, _, _ in placed(model):
        for variable in variables(layer):
            shape = tuple(variable.shape)
            u = uniform(entry, int(np.prod(shape)))
            entry += 1
            if variable.name == "count":
                continue
            if len(shape) >= 2:
                depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
                fan_in = np.prod(shape[:2] if depthwise else shape[:-1], dtype=np.float64)
                values = (u - 0.5) * 2 * np.sqrt(6 / fan_in)
            elif variable.name in ("gamma", "moving_variance", "variance"):
                values = 0.5 + u
            else:
                values = (u - 0.5) * 0.2
            variable.assign(values.astype(np.float32).astype(np.float64).reshape(shape))
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def pictures(size, count=2):
    """Pictures of float32's precision, channels last."""
    values = (uniform(1_000_000, count * 3 * size * size) * 255).astype(np.float32)
    return values.reshape(count, 3, size, size).transpose(0, 2, 3, 1).astype(np.float64)


def sample(values, most=16):
    """Up to so many elements, evenly spread over a tensor's row-major order, with ten digits."""
    values = np.asarray(values, np.float64).reshape(-1)
    count = min(most, values.size)
    return [float(f"{values[(2 * k + 1) * values.size // (2 * count)]:.10g}") for k in range(count)]


def passes(model, x):
    """All results; samples of five layers' results, and of all gradients of Σ c·result in evaluation and in training,
    with the running statistics after that; nothing is dropped. By the places of variables in a `.weights.h5`."""
    count = int(np.prod(model.output_shape[1:])) * len(x)
    cotangent = (uniform(2_000_000, count) - 0.5).astype(np.float32).astype(np.float64).reshape(len(x), -1)
    keys, convolutions, has_statistics = {}, [], False
    for layer, place, owner in placed(model):
        if hasattr(layer, "rate"):
            layer.rate = 0.0
        for number, variable in enumerate(variables(layer)):
            keys[variable.path] = f"{place}/vars/{number}"
            has_statistics = has_statistics or variable.name == "moving_mean"
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            convolutions.append((layer, place, owner))
    found = {"results": [float(value) for value in model(x, training=False).numpy().reshape(-1)], "activations": {}}
    for layer, place, owner in (convolutions[k * (len(convolutions) - 1) // 4] for k in range(5)):
        # A model inside takes the pictures as they are.
        result = keras.Model(owner.input, layer.output)(x, training=False)
        found["activations"][f"{place}/vars/0"] = sample(result.numpy().transpose(0, 3, 1, 2), 64)
    for mode in ("evaluation", "training") if has_statistics else ("evaluation",):
        trainable = model.trainable_variables
        with tf.GradientTape() as tape:
            output = model(x, training=mode == "training")
            total = tf.reduce_sum(output * cotangent)
        gradients = tape.gradient(total, [variable.value for variable in trainable])
        found[mode] = {"results": sample(output, 64), "gradients": {
            keys[variable.path]: {"norm": float(f"{np.linalg.norm(gradient):.10g}"), "sample": sample(gradient)}
            for variable, gradient in zip(trainable, gradients)}}
    if has_statistics:
        found["training"]["statistics"] = {
            keys[variable.path]: sample(variable) for variable in model.weights
            if variable.name in ("moving_mean", "moving_variance")}
    return found

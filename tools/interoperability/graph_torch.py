"""Computes a native model with PyTorch, straight from its graph document: an executor of nobody's but this file's,
so that what a graph says can be compared with what its source computes."""

import json

import torch
import torch.nn.functional as F
from safetensors import safe_open


def load(path):
    """The graph document and the parameters of a native file, in double precision."""
    with safe_open(path, "pt") as file:
        document = json.loads(file.metadata()["menagerie"])
        parameters = {name: file.get_tensor(name).double() for name in file.keys()}
    return document, parameters


def per_channel(values, x):
    return torch.as_tensor(values, dtype=x.dtype).reshape(1, -1, *[1] * (x.ndim - 2))


def pad(x, sides, value=0.0):
    top, left, bottom, right = sides
    return F.pad(x, (left, right, top, bottom), value=value)


def activation(node, x):
    match node["function"]:
        case "relu": return F.relu(x)
        case "relu6": return F.relu6(x)
        case "leaky_relu": return F.leaky_relu(x, node["slope"])
        case "rectifier":
            y = torch.where(x >= node["threshold"], x, node["slope"] * (x - node["threshold"]))
            return y.clamp(max=node["ceiling"]) if "ceiling" in node else y
        case "silu": return F.silu(x)
        case "sigmoid": return torch.sigmoid(x)
        case "tanh": return torch.tanh(x)
        case "hard_swish": return F.hardswish(x)
        case "hard_sigmoid": return (node["slope"] * x + 0.5).clamp(0, 1)
        case "elu": return F.elu(x, node["alpha"])
        case "selu": return F.selu(x)
        case "gelu": return F.gelu(x)
        case "gelu_tanh": return F.gelu(x, approximate="tanh")
        case "softplus": return F.softplus(x)
    raise ValueError(node["function"])


def pooling(node, x):
    window, stride, sides = node["window"], node["stride"], node["padding"]
    if node["ceil_mode"]:
        assert node["operation"] == "maximum" and not any(sides)
        return F.max_pool2d(x, window, stride, ceil_mode=True)
    if node["operation"] == "maximum":
        return F.max_pool2d(pad(x, sides, -torch.inf), window, stride)
    total = F.avg_pool2d(pad(x, sides), window, stride)
    if node["counts_padding"]:
        return total
    return total / F.avg_pool2d(pad(torch.ones_like(x), sides), window, stride)


def transposed(node, x, weight, bias):
    full = F.conv_transpose2d(
        x, weight, None, node["stride"], 0, 0, node["groups"], node["dilation"])
    top, left, bottom, right = node["padding"]
    full = F.pad(full, (-left, node["output_padding"][1] - right, -top, node["output_padding"][0] - bottom))
    return full if bias is None else full + per_channel(bias, full)


def reordered(x, order, shape):
    """Elements taken and put with the channels innermost, or as they lie."""
    if order == "chw":
        return x.reshape(x.shape[0], *shape)
    last = shape[1:] + shape[:1] if len(shape) > 1 else shape
    y = x.movedim(1, -1).reshape(x.shape[0], *last)
    return y.movedim(-1, 1) if len(shape) > 1 else y


def step(node, inputs, parameters):
    x = inputs[0]
    owner = node.get("shared_with", node["path"])
    weight, bias, mean, variance = (
        parameters.get(f"{owner}.{role}") for role in ("weight", "bias", "running_mean", "running_var"))
    match node["layer"]:
        case "convolution":
            return F.conv2d(
                pad(x, node["padding"]), weight, bias, node["stride"], 0, node["dilation"], node["groups"])
        case "transposed_convolution": return transposed(node, x, weight, bias)
        case "linear": return F.linear(x, weight, bias)
        case "batch_normalization":
            y = (x - per_channel(mean, x)) / torch.sqrt(per_channel(variance, x) + node["epsilon"])
            y = y if weight is None else y * per_channel(weight, x)
            return y if bias is None else y + per_channel(bias, x)
        case "normalization":
            m, v = (node["mean"], node["variance"]) if "mean" in node else (mean, variance)
            return (x - per_channel(m, x)) / torch.sqrt(per_channel(v, x)).clamp(min=1e-7)
        case "local_response_normalization":
            return F.local_response_norm(x, node["size"], node["alpha"], node["beta"], node["k"])
        case "rescaling": return x * per_channel(node["scale"], x) + per_channel(node["offset"], x)
        case "activation": return activation(node, x)
        case "parametric_relu": return F.prelu(x, weight)
        case "softmax": return torch.softmax(x, 1)
        case "pooling": return pooling(node, x)
        case "adaptive_pooling":
            reduce = F.adaptive_max_pool2d if node["operation"] == "maximum" else F.adaptive_avg_pool2d
            return reduce(x, node["output"])
        case "global_pooling":
            y = x.amax((2, 3), keepdim=True) if node["operation"] == "maximum" else x.mean((2, 3), keepdim=True)
            return y if node["keeps_dimensions"] else y.flatten(1)
        case "add": return sum(inputs[1:], start=x)
        case "average": return sum(inputs[1:], start=x) / len(inputs)
        case "multiply":
            for other in inputs[1:]:
                x = x * other
            return x
        case "concatenate": return torch.cat(inputs, node["axis"])
        case "padding": return pad(x, node["padding"])
        case "cropping": return pad(x, [-n for n in node["cropping"]])
        case "upsampling":
            bilinear = {"mode": "bilinear", "align_corners": node["interpolation"] == "bilinear_aligned_corners"}
            options = {"mode": "nearest"} if node["interpolation"] == "nearest" else bilinear
            size = [x.shape[2] * node["factor"][0], x.shape[3] * node["factor"][1]]
            return F.interpolate(x, size, **options)
        case "flatten": return reordered(x, node["order"], [x[0].numel()])
        case "reshape": return reordered(x, node["order"], node["shape"])
        case "permute": return x.permute(node["axes"])
        case "dropout" | "spatial_dropout" | "stochastic_depth": return x
    raise ValueError(node["layer"])


def run(path, x):
    """Every node's result, and the network's under `logits`, for a batch `[N, C, H, W]`."""
    # Threads that wait for each other in turns take minutes on a busy machine; one needs seconds.
    torch.set_num_threads(1)
    document, parameters = load(path)
    graph = document["graph"]
    values = {"input": torch.as_tensor(x).double()}
    with torch.no_grad():
        for node in graph["nodes"]:
            values[node["path"]] = step(node, [values[name] for name in node["inputs"]], parameters)
    values["logits"] = values[graph["output"]]
    return {name: value.numpy() for name, value in values.items()}

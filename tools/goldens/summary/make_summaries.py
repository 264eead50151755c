"""Writes torchinfo.json: what torchinfo says of LeNet's variants and of torchvision's networks, layer by layer."""

import json
from collections import OrderedDict
from pathlib import Path

import torch
import torchinfo
import torchvision
from torch import nn

HERE = Path(__file__).parent


def lenet(activation, pool, names, third_convolution=False, padding=0):
    """A LeNet as people write it, under the module names of each variant; `names` follow the order of computing."""
    layers = [nn.Conv2d(1, 6, 5, padding=padding), activation(), pool(2, 2), nn.Conv2d(6, 16, 5), activation(), pool(2, 2)]
    if third_convolution:
        layers += [nn.Conv2d(16, 120, 5), activation()]
    layers += [nn.Flatten()]
    if not third_convolution:
        layers += [nn.Linear(400, 120), activation()]
    layers += [nn.Linear(120, 84), activation(), nn.Linear(84, 10)]
    root = nn.Sequential()
    for name, layer in zip(names, layers, strict=True):
        *parents, last = name.split(".")
        module = root
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, nn.Sequential())
            module = module._modules[parent]
        module.add_module(last, layer)
    return root


NETWORKS = OrderedDict({
    "lenet": (lambda: lenet(nn.ReLU, nn.MaxPool2d, (
        "conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2 relu4 fc3").split()), (1, 32, 32)),
    "lenet-d2l": (lambda: lenet(
        nn.Sigmoid, nn.AvgPool2d, [f"net.{n}" for n in range(12)], padding=2), (1, 28, 28)),
    "lenet-classic": (lambda: lenet(
        nn.Tanh, nn.AvgPool2d, [f"feature_extractor.{n}" for n in range(8)] + ["flatten"]
        + [f"classifier.{n}" for n in range(3)], third_convolution=True), (1, 32, 32)),
})
for name in ("alexnet", "vgg16", "vgg16_bn", "resnet18", "resnet50", "efficientnet_b0"):
    NETWORKS[name] = (lambda name=name: torchvision.models.get_model(name, weights=None), (3, 224, 224))


def path(layer):
    parts = []
    while layer.parent_info is not None:
        parts.append(layer.var_name)
        layer = layer.parent_info
    return ".".join(reversed(parts))


def facts(build, size):
    with torch.device("meta"):
        model = build()
    statistics = torchinfo.summary(
        model, input_data=torch.empty(2, *size, device="meta"), device=torch.device("meta"), depth=100, verbose=0)
    rows = []
    for layer in statistics.summary_list[1:]:
        # A module that is used twice has a line for each use; its parameters count in the first.
        rows.append([
            path(layer), layer.class_name, list(layer.output_size), 0 if layer.is_recursive else layer.num_params,
            layer.macs if layer.is_leaf_layer else None])
    return {
        "input": [2, *size], "parameters": statistics.total_params, "mult_adds": statistics.total_mult_adds,
        "forward_backward_bytes": statistics.total_output_bytes, "parameter_bytes": statistics.total_param_bytes,
        "layers": rows,
    }


def main():
    document = {
        "versions": {"torch": torch.__version__.split("+")[0], "torchinfo": "1.8.0",
                     "torchvision": torchvision.__version__.split("+")[0]},
        "columns": ["path", "class", "output", "parameters", "mult_adds"],
        "networks": {name: facts(*network) for name, network in NETWORKS.items()},
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    # A line a layer.
    import re
    text = re.sub(r"\[[^\[\]{}]*(?:\[[^\[\]]*\][^\[\]{}]*)?\]", lambda m: " ".join(m[0].split()), text)
    (HERE / "torchinfo.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

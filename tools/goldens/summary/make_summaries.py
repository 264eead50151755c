"""Writes what torchinfo says of networks, layer by layer: torchinfo.json for LeNet's variants, the networks for teaching
and some of torchvision's; torchinfo-families.json.gz for the families' other members."""

import gzip
import json
import re
import sys
from collections import OrderedDict
from pathlib import Path

import timm
import torch
import torchinfo
import torchvision
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "architectures"))
import teaching  # noqa: E402


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
NETWORKS["tinyvgg"] = (lambda: teaching.TinyVGG(3), (3, 64, 64))
NETWORKS["autoencoder"] = (teaching.Autoencoder, (1, 28, 28))
for name in ("alexnet", "vgg16", "vgg16_bn", "resnet18", "resnet50", "efficientnet_b0"):
    NETWORKS[name] = (lambda name=name: torchvision.models.get_model(name, weights=None), (3, 224, 224))


def plain(model):
    """timm's normalisations with a function inside as PyTorch's own without: torchinfo counts what has no children,
    and a function changes no number that it shows."""
    for name, module in model.named_children():
        if isinstance(module, timm.layers.BatchNormAct2d):
            setattr(model, name, nn.BatchNorm2d(module.num_features))
        else:
            plain(module)
    return model


FAMILIES = OrderedDict({
    name: (lambda name=name: torchvision.models.get_model(name, weights=None), (3, 64, 64))
    for name in (
        "vgg11", "vgg13", "vgg19", "vgg11_bn", "vgg13_bn", "vgg19_bn", "resnet34", "resnet101", "resnet152",
        "efficientnet_b1", "efficientnet_b2")
})
FAMILIES["efficientnet_lite0"] = (lambda: plain(timm.create_model("efficientnet_lite0")), (3, 64, 64))
FAMILIES["autoencoder-pooled"] = (teaching.PooledAutoencoder, (1, 28, 28))


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


def document(networks):
    return {
        "versions": {"torch": torch.__version__.split("+")[0], "torchinfo": "1.8.0", "timm": timm.__version__,
                     "torchvision": torchvision.__version__.split("+")[0]},
        "columns": ["path", "class", "output", "parameters", "mult_adds"],
        "networks": {name: facts(*network) for name, network in networks.items()},
    }


def main():
    text = json.dumps(document(NETWORKS), indent=1, ensure_ascii=False)
    # A line a layer.
    text = re.sub(r"\[[^\[\]{}]*(?:\[[^\[\]]*\][^\[\]{}]*)?\]", lambda m: " ".join(m[0].split()), text)
    (HERE / "torchinfo.json").write_text(text + "\n")
    with open(HERE / "torchinfo-families.json.gz", "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, compresslevel=9, filename="") as packed:
            packed.write(json.dumps(document(FAMILIES), separators=(",", ":")).encode())


if __name__ == "__main__":
    main()

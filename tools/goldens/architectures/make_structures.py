"""Writes structures.json.gz: for each network of torchvision, and for each other library that has it, the entries of
its state dict with their shapes; of torchvision and efficientnet-pytorch also, for each module that has no children, its
numbers and the shape of its first result. No weights are made: everything runs on PyTorch's meta device."""

import gzip
import json
import platform
from pathlib import Path

import efficientnet_lite_pytorch
import efficientnet_pytorch
import timm
import torch
import torchvision
import transformers
from torch import nn

HERE = Path(__file__).parent
VGG = [f"vgg{depth}{suffix}" for suffix in ("", "_bn") for depth in (11, 13, 16, 19)]
RESNET = [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]
EFFICIENTNET = ["efficientnet_b0", "efficientnet_b1", "efficientnet_b2"]
SIZES = {"efficientnet_b1": 240, "efficientnet_b2": 288}


def numbers(module):
    """What a module's result depends on beside its parameters."""
    if isinstance(module, nn.Conv2d):
        padding = list(module.padding) * 2 if isinstance(module.padding, tuple) else [0] * 4
        static = getattr(module, "static_padding", None)
        if isinstance(static, nn.ZeroPad2d):  # left, right, top, bottom
            padding = [static.padding[2], static.padding[0], static.padding[3], static.padding[1]]
        return {"stride": list(module.stride), "padding": padding, "groups": module.groups}
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return {"epsilon": module.eps, "momentum": round(module.momentum, 12)}
    if isinstance(module, (nn.Dropout, torchvision.ops.StochasticDepth)):
        return {"p": module.p}
    return {}


def structure(model, size):
    """Modules without children, in the order in which they ran first, and multiply-adds of convolutions and linear
    layers."""
    modules, total = {}, 0

    def hook(name, module):
        def record(module, inputs, output):
            nonlocal total
            shape = list(output.shape)[1:]
            if isinstance(module, nn.Conv2d):
                total += output.numel() * module.weight[0].numel()
            if isinstance(module, nn.Linear):
                total += output.numel() * module.in_features
            if name not in modules:
                modules[name] = {"class": type(module).__name__, "output": shape, **numbers(module)}
        return record

    for name, module in model.named_modules():
        if not list(module.children()) or hasattr(module, "static_padding"):
            if not name.endswith("static_padding"):
                module.register_forward_hook(hook(name, module))
    with torch.no_grad():
        model.eval()(torch.empty(1, 3, size, size, device="meta"))
    return modules, total


def entries(model):
    return [[name, list(tensor.shape)] for name, tensor in model.state_dict().items()]


def main():
    models = []

    def add(architecture, dialect, model, size=None):
        size = size or SIZES.get(architecture, 224)
        modules, total = structure(model, size)
        row = {
            "architecture": architecture, "dialect": dialect, "size": size,
            "parameters": sum(p.numel() for p in model.parameters()), "multiply_adds": total,
            "entries": entries(model)}
        if dialect in ("torchvision", "efficientnet-pytorch"):
            row["modules"] = modules
        models.append(row)

    with torch.device("meta"):
        for name in ["alexnet", *VGG, *RESNET, *EFFICIENTNET]:
            add(name, "torchvision", getattr(torchvision.models, name)(weights=None))
        for name in [*VGG, *RESNET]:
            add(name, "timm", timm.create_model(name))
        for name in [*EFFICIENTNET, "efficientnet_lite0"]:
            add(name, "timm", timm.create_model(name))
            add(name, "timm-tf", timm.create_model(f"tf_{name}"), {"efficientnet_b2": 260}.get(name))
    for name in EFFICIENTNET:
        package, size = efficientnet_pytorch.EfficientNet, {"efficientnet_b2": 260}.get(name)
        add(name, "efficientnet-pytorch", package.from_name(name.replace("_", "-")).to("meta"), size)
    lite = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0")
    add("efficientnet_lite0", "efficientnet-pytorch", lite.to("meta"))
    with torch.device("meta"):
        for name, blocks in zip(RESNET, ([2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 6, 3], [3, 4, 23, 3], [3, 8, 36, 3])):
            is_basic = name in ("resnet18", "resnet34")
            widths = [64, 128, 256, 512] if is_basic else [256, 512, 1024, 2048]
            model = transformers.ResNetForImageClassification(transformers.ResNetConfig(
                hidden_sizes=widths, depths=blocks, layer_type="basic" if is_basic else "bottleneck",
                num_labels=1000))
            add(name, "huggingface", model)
    versions = {"python": platform.python_version()}
    for package in (torch, torchvision, timm, transformers):
        versions[package.__name__] = package.__version__.split("+")[0]
    versions["efficientnet_pytorch"] = efficientnet_pytorch.__version__
    versions["efficientnet_lite_pytorch"] = efficientnet_lite_pytorch.__version__
    document = json.dumps({"versions": versions, "models": models}, sort_keys=True, separators=(",", ":"))
    with open(HERE / "structures.json.gz", "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, compresslevel=9, filename="") as packed:
            packed.write(document.encode())
    print(f"{len(models)} models, {(HERE / 'structures.json.gz').stat().st_size} bytes")


if __name__ == "__main__":
    main()

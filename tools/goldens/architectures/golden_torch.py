"""Writes what PyTorch computes with the architectures of torchvision and timm and those for teaching (teaching.py),
filled by formula (filling.py), to one file for each model in this folder.

    golden_torch.py              all of them
    golden_torch.py resnet18     those whose names contain a text

Numbers ending in 64 are computed in float64 from the float32 parameters and pictures, those ending in 32 in float32.
Dropout and stochastic depth drop nothing. See README.md in the folder above for what the tensors are.
"""

import copy
import json
import sys
from pathlib import Path

import safetensors.torch
import timm
import torch
import torchvision
from torch.nn import functional as F

import teaching
from filling import fill, pictures, sample

FOLDER = Path(__file__).resolve().parent
CLASSES, SIDE, BATCH, LEARNING, SMALL = 10, 64, 16, 4, 64

VGG16 = {"features.4": "features.4", "features.9": "features.9", "features.16": "features.16",
         "features.23": "features.23", "features.30": "features.30"}
VGG16_BN = {"features.6": "features.6", "features.13": "features.13", "features.23": "features.23",
            "features.33": "features.33", "features.43": "features.43"}
RESNET = {name: name for name in ("maxpool", "layer1.0.bn2", "layer1", "layer2", "layer3", "layer4")}
STAGES = {"blocks.0": "features.1", "blocks.1": "features.2", "blocks.2": "features.3", "blocks.3": "features.4",
          "blocks.4": "features.5", "blocks.5": "features.6", "blocks.6": "features.7"}
OWN_STAGES = {name: name for name in STAGES.values()}
ALEXNET = {f"features.{layer}": f"features.{layer}" for layer in (2, 5, 7, 9, 12)}

# File, whose model, its name there, and the modules whose results are kept with the paths that they have here: a
# module that holds others gives what its last one does.
MODELS = [
    ("alexnet", "torchvision", "alexnet", ALEXNET),
    ("vgg16", "torchvision", "vgg16", VGG16),
    ("vgg16_bn", "torchvision", "vgg16_bn", VGG16_BN),
    ("resnet18", "torchvision", "resnet18", RESNET),
    ("efficientnet_b0", "torchvision", "efficientnet_b0", OWN_STAGES),
    ("timm-resnet18", "timm", "resnet18", RESNET),
    ("timm-vgg16", "timm", "vgg16", VGG16),
    ("timm-vgg16_bn", "timm", "vgg16_bn", VGG16_BN),
    ("timm-efficientnet_b0", "timm", "efficientnet_b0", STAGES),
    ("timm-tf_efficientnet_b0", "timm", "tf_efficientnet_b0", STAGES),
    ("timm-efficientnet_lite0", "timm", "efficientnet_lite0", STAGES),
    ("timm-tf_efficientnet_lite0", "timm", "tf_efficientnet_lite0", STAGES),
]
# The networks for teaching: what makes them, the pictures they take, the modules whose results are kept.
BLOCKS = {f"conv_block_{layer}": f"conv_block_{layer}" for layer in ("1.0", "1.2", "1.4", "2.0", "2.2", "2.4")}
TEACHING = {
    "tinyvgg": (lambda: teaching.TinyVGG(CLASSES), (3, SIDE, SIDE), BLOCKS),
    "tinyvgg-unpadded": (lambda: teaching.TinyVGG(CLASSES, padding=0), (3, SIDE, SIDE), BLOCKS),
    "tinyvgg-blocks": (
        lambda: teaching.TinyVGG(CLASSES, channels=1, side=28, names="block"), (1, 28, 28),
        {path.removeprefix("conv_"): path for path in BLOCKS}),
    "autoencoder": (
        teaching.Autoencoder, (1, 28, 28),
        {path: path for path in ("encoder.0", "encoder.2", "encoder.4", "decoder.0", "decoder.2", "decoder.4")}),
    "autoencoder-odd": (
        lambda: teaching.Autoencoder(3, 30), (3, 30, 30),
        {path: path for path in ("encoder.0", "encoder.2", "encoder.4", "decoder.0", "decoder.2", "decoder.4")}),
    "autoencoder-pooled": (
        teaching.PooledAutoencoder, (1, 28, 28),
        {"conv1": "encoder.0", "conv2": "encoder.3", "t_conv1": "decoder.0", "t_conv2": "decoder.2"}),
}
MODELS += [(name, "teaching", name, modules) for name, (_, _, modules) in TEACHING.items()]
# Where in the pictures the four are that networks learn from, if not at the start. VGG16 with batch normalisation has
# millions of rectifiers; of these four single precision puts none on the other side of its kink, which would turn the
# gradients of everything before it.
FIRST = {"vgg16_bn": 3}
# Steps of one batch of four pictures, as torch.optim takes them.
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.01),
    "momentum": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    "dampening": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, dampening=0.5),
    "adam": lambda p: torch.optim.Adam(p, 1e-3, weight_decay=1e-2),
}
# Of the families' other members the logits of one picture.
ROWS = [
    "vgg11", "vgg13", "vgg19", "vgg11_bn", "vgg13_bn", "vgg19_bn", "resnet34", "resnet50", "resnet101", "resnet152",
    "efficientnet_b1", "efficientnet_b2",
]


def make(library, name, classes):
    """A filled model that drops nothing."""
    if library == "torchvision":
        model = torchvision.models.get_model(name, weights=None, num_classes=classes)
    elif library == "teaching":
        model = TEACHING[name][0]()
    else:
        model = timm.create_model(name, pretrained=False, num_classes=classes)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0
        if type(module).__name__ == "DropPath":
            module.drop_prob = 0.0
    return fill(model)


def forward(model, x, modules):
    """Logits, and the results of modules by the paths that they have here."""
    found = {}

    def keep(path):
        def hook(_module, _inputs, result):
            # What follows may work in place.
            found[path] = result.clone()
        return hook

    hooks = [dict(model.named_modules())[module].register_forward_hook(keep(path))
             for module, path in modules.items()]
    logits = model(x)
    for hook in hooks:
        hook.remove()
    return logits, found


def passes(model, x, labels, tensors, name, suffix, exact):
    """Gradients of the mean cross-entropy, sampled, with the norm of each and how far single precision is from it;
    after a pass in training mode also the running statistics. `exact` keeps the whole gradients for the second run."""
    model.zero_grad()
    logits = model(x)
    # Autoencoders shall give the pictures back.
    loss = F.cross_entropy(logits, labels) if logits.dim() == 2 else F.mse_loss(logits, x)
    loss.backward()
    tensors[f"{name}/logits{suffix}"] = logits.detach() if logits.dim() == 2 else sample(logits, SMALL)
    tensors[f"{name}/loss{suffix}"] = loss.detach().reshape(1)
    for key, parameter in model.named_parameters():
        place = f"{name}/{key}"
        if suffix == "64":
            exact[place] = parameter.grad
            tensors[f"{name}/gradient64/{key}"] = sample(parameter.grad, 16)
            tensors[f"{name}/norm64/{key}"] = parameter.grad.norm().reshape(1)
        else:
            tensors[f"{name}/error32/{key}"] = (parameter.grad.double() - exact[place]).norm().reshape(1)
    if model.training:
        for key, buffer in model.named_buffers():
            if buffer.is_floating_point():
                tensors[f"{name}/statistics{suffix}/{key}"] = sample(buffer, 16)


def golden(library, name, modules):
    tensors = {}
    x = pictures(BATCH, *(TEACHING[name][1] if library == "teaching" else (3, SIDE, SIDE)))
    most = SMALL if library == "teaching" else 512
    labels = torch.tensor([(3 * i + 1) % CLASSES for i in range(LEARNING)])
    model = make(library, name, CLASSES)
    # The moments of batch normalisations in training would move the running statistics: each pass has its own copy.
    exact = {}
    learning = x[FIRST.get(name, 0):][:LEARNING]
    for suffix, kind in (("64", torch.float64), ("32", torch.float32)):
        own = copy.deepcopy(model).to(kind).eval()
        with torch.no_grad():
            logits, found = forward(own, x.to(kind), modules)
        tensors[f"logits{suffix}"] = logits if logits.dim() == 2 else sample(logits, SMALL)
        for path, value in found.items():
            tensors[f"activation{suffix}/{path}"] = sample(value[:2], most)
        passes(own, learning.to(kind), labels, tensors, "evaluation", suffix, exact)
        if any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in own.modules()):
            own = copy.deepcopy(model).to(kind).train()
            passes(own, learning.to(kind), labels, tensors, "training", suffix, exact)
    return tensors, model


def steps():
    """The loss before each of five steps and after the last, TinyVGG's with three classes."""
    tensors = {}
    x, labels = pictures(LEARNING, 3, SIDE, SIDE), torch.tensor([0, 1, 2, 1])
    for suffix, kind in (("64", torch.float64), ("32", torch.float32)):
        for name, optimizer in OPTIMIZERS.items():
            model = fill(teaching.TinyVGG(3)).to(kind)
            update = optimizer(model.parameters())
            losses = []
            for _ in range(6):
                update.zero_grad()
                loss = F.cross_entropy(model(x.to(kind)), labels)
                loss.backward()
                losses.append(loss.item())
                update.step()
            tensors[f"{name}/losses{suffix}"] = torch.tensor(losses, dtype=torch.float64)
    return tensors, model


def entries(model):
    """The state dict's names and shapes, in its order."""
    return [[key, list(value.shape)] for key, value in model.state_dict().items()]


def save(file, tensors, library, name, names_and_shapes):
    metadata = {
        "library": library, "model": name, "entries": json.dumps(names_and_shapes, separators=(",", ":")),
        "torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0],
        "timm": timm.__version__,
    }
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    safetensors.torch.save_file(tensors, FOLDER / f"{file}.safetensors", metadata)
    print(file, (FOLDER / f"{file}.safetensors").stat().st_size, flush=True)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for file, library, name, modules in MODELS:
        if wanted in file:
            tensors, model = golden(library, name, modules)
            save(file, tensors, library, name, entries(model))
    if wanted in "tinyvgg-steps":
        tensors, model = steps()
        save("tinyvgg-steps", tensors, "teaching", "tinyvgg", entries(model))
    if wanted not in "rows":
        return
    tensors, names_and_shapes = {}, {}
    for name in ROWS:
        model = make("torchvision", name, 1000).eval()
        names_and_shapes[name] = entries(model)
        with torch.no_grad():
            tensors[f"{name}/logits32"] = model(pictures(1, 3, SIDE, SIDE))
            tensors[f"{name}/logits64"] = model.double()(pictures(1, 3, SIDE, SIDE).double())
    save("rows", tensors, "torchvision", "rows", names_and_shapes)


if __name__ == "__main__":
    main()

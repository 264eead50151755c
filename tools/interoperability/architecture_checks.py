"""Libraries of PyTorch networks load strictly what we write, and we give back every byte of what they write."""

import json

import efficientnet_lite_pytorch
import efficientnet_pytorch
import numpy as np
import timm
import torch
import torchvision
import transformers
from safetensors import safe_open

from harness import THREADS, Bench, check, error, require_equal_bytes, sample

torch.set_num_threads(THREADS)

TORCHVISION = [
    "resnet18", "efficientnet_b0", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn",
    "vgg19_bn", "resnet34", "resnet50", "resnet101", "resnet152", "efficientnet_b1", "efficientnet_b2"]
TIMM = [
    "vgg11", "tf_efficientnet_b0", "resnet18", "efficientnet_b0", "efficientnet_lite0", "tf_efficientnet_lite0",
    "vgg16", "vgg16_bn", "resnet50", "efficientnet_b1", "efficientnet_b2", "tf_efficientnet_b1", "tf_efficientnet_b2"]
LUKEMELAS = ["efficientnet-b0", "efficientnet-lite0", "efficientnet-b1", "efficientnet-b2"]


def lukemelas(name):
    package = efficientnet_lite_pytorch if "lite" in name else efficientnet_pytorch
    return package.EfficientNet.from_name(name)


def shaken(model, seed=0):
    """The model in evaluation mode, its statistics and counters as far from fresh ones as trained ones are."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
            module.num_batches_tracked.fill_(int(torch.randint(1, 10_000, ())))
    return model.eval()


def native(bench: Bench, model, *options):
    """Our native file of a model's state dict."""
    torch.save(model.state_dict(), bench.path("theirs.pth"))
    return bench.convert(bench.path("theirs.pth"), "ours.zoo.safetensors", *options)


def require_same_state(model, state):
    """The model takes the state dict strictly, which has its own tensors bit for bit."""
    reference = model.state_dict()
    assert set(state) == set(reference), sorted(set(state) ^ set(reference))[:4]
    for key, value in reference.items():
        require_equal_bytes(key, state[key].numpy(), value.numpy())
    model.load_state_dict(state, strict=True)


def logits(model, size=224):
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(2, 3, size, size)).astype(np.float32))
    with torch.no_grad():
        return model(x).numpy()


@check
def torchvision_loads_our_state_dicts(bench: Bench):
    for name in sample(TORCHVISION, fixed=2):
        model = shaken(getattr(torchvision.models, name)(weights=None))
        ours = native(bench, model)
        require_same_state(model, torch.load(bench.convert(ours, "again.pth"), weights_only=True))
        named = bench.convert(ours, "named.pth", "--to", "torchvision")
        require_same_state(model, torch.load(named, weights_only=True))


@check
def timm_loads_our_state_dicts(bench: Bench):
    for name in sample(TIMM, fixed=2):
        model = shaken(timm.create_model(name))
        target = "timm-tf" if name.startswith("tf_") else "timm"
        ours = native(bench, model, *(["--dialect", target] if "efficientnet" in name else []))
        require_same_state(model, torch.load(bench.convert(ours, "again.pth"), weights_only=True))
        if target == "timm-tf":
            named = bench.convert(ours, "named.pth", "--to", target)
            require_same_state(model, torch.load(named, weights_only=True))
            continue
        folder = bench.convert(ours, f"folder-{name}", "--to", "timm")
        loaded = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        require_same_state(model, loaded.state_dict())
        assert error(logits(loaded), logits(model)) == 0


@check
def efficientnet_pytorch_loads_our_state_dicts(bench: Bench):
    for name in sample(LUKEMELAS, fixed=2):
        model = shaken(lukemelas(name))
        ours = native(bench, model)
        require_same_state(model, torch.load(bench.convert(ours, "again.pth"), weights_only=True))
        named = bench.convert(ours, "named.pth", "--to", "efficientnet-pytorch")
        require_same_state(model, torch.load(named, weights_only=True))


@check
def libraries_agree_on_what_we_hand_over(bench: Bench):
    """From one library to another, with the same logits in both; where they would differ, we refuse."""
    rows = [
        (torchvision.models.resnet18, "timm", lambda: timm.create_model("resnet18")),
        (torchvision.models.vgg11, "timm", lambda: timm.create_model("vgg11")),
        (torchvision.models.efficientnet_b0, "timm", lambda: timm.create_model("efficientnet_b0")),
        (lambda: lukemelas("efficientnet-b0"), "timm-tf", lambda: timm.create_model("tf_efficientnet_b0")),
        (lambda: lukemelas("efficientnet-lite0"), "timm-tf", lambda: timm.create_model("tf_efficientnet_lite0")),
    ]
    for make, target, other in rows:
        source, receiver = shaken(make()), other().eval()
        ours = native(bench, source)
        if target == "timm":
            folder = bench.convert(ours, f"handed-{id(make)}", "--to", target)
            state = timm.models.load_state_dict(str(folder / "model.safetensors"))
        else:
            state = torch.load(bench.convert(ours, "handed.pth", "--to", target), weights_only=True)
        receiver.load_state_dict(state, strict=True)
        found = error(logits(receiver), logits(source))
        print(f"    {type(source).__name__} in {target}: {found:.1e}")
        assert found <= 1e-5
    for make, target in [
            (lambda: lukemelas("efficientnet-b0"), "torchvision"), (lambda: lukemelas("efficientnet-b0"), "timm"),
            (torchvision.models.efficientnet_b0, "timm-tf"), (lambda: lukemelas("efficientnet-lite0"), "torchvision"),
            (torchvision.models.resnet18, "efficientnet-pytorch")]:
        ours = native(bench, make())
        output = bench.path("refused" if target == "timm" else "refused.pth")
        result = bench.run("convert", ours, "-o", output, "--to", target, expect=1)
        assert not output.exists() and ("padding of" in result.stderr or "has no names" in result.stderr), result.stderr


@check
def bodies_of_torchvision_are_recognised(bench: Bench):
    """Bodies as people cut them out, with and without a head of their own."""
    model = torchvision.models.resnet18(weights=None)
    children = list(model.children())
    head = torch.nn.Sequential(torch.nn.BatchNorm1d(512), torch.nn.Linear(512, 5))
    rows = [
        (torch.nn.Sequential(*children[:-1]), "resnet18"),
        (torch.nn.Sequential(*children[:-1], torch.nn.Flatten(), torch.nn.Linear(512, 5)), "resnet18"),
        (torchvision.models.vgg16(weights=None).features, "vgg16"),
    ]
    for body, architecture in rows:
        ours = native(bench, body)
        report = bench.json("convert", bench.path("theirs.pth"), "-o", ours, "--dry-run")
        assert report["architecture"] == architecture, report["architecture"]
        assert report["report"]["missing"] == [] and report["report"]["evidence"]
        require_same_state(body, torch.load(bench.convert(ours, "again.pth"), weights_only=True))
    torch.save(torch.nn.Sequential(torch.nn.Sequential(*children[:-2]), head).state_dict(), bench.path("fastai.pth"))
    refused = bench.run("convert", bench.path("fastai.pth"), "-o", bench.path("x.zoo.safetensors"), expect=1)
    assert "--headless" in refused.stderr, refused.stderr
    bench.convert(bench.path("fastai.pth"), "body.zoo.safetensors", "--headless")



class ConcatPool(torch.nn.Module):
    """fastai's: the largest values, and behind them the means."""

    def forward(self, x):
        largest, mean = torch.nn.functional.adaptive_max_pool2d, torch.nn.functional.adaptive_avg_pool2d
        return torch.cat([largest(x, 1), mean(x, 1)], 1)


@check
def heads_of_ones_own_compute_what_pytorch_does(bench: Bench):
    """Known bodies behind which people put a classifier of their own, described by --head."""
    nn = torch.nn
    resnet, vgg = torchvision.models.resnet18(weights=None), torchvision.models.vgg11_bn(weights=None)
    resnet.fc = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 5))
    vgg.classifier[6] = nn.Sequential(nn.Linear(4096, 64, bias=False), nn.LeakyReLU(0.2), nn.Linear(64, 3))
    efficient = torchvision.models.efficientnet_b0(weights=None)
    efficient.classifier = nn.Sequential(
        nn.Dropout(0.2), nn.Linear(1280, 64), nn.SiLU(), nn.BatchNorm1d(64), nn.Linear(64, 7))
    fastai = nn.Sequential(
        nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-2]),
        nn.Sequential(
            ConcatPool(), nn.Flatten(), nn.BatchNorm1d(1024), nn.Dropout(0.25), nn.Linear(1024, 512, bias=False),
            nn.ReLU(), nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, 4, bias=False)))
    rows = [
        (resnet, "linear 512 256, relu, dropout 0.5, linear 256 5"),
        (vgg, "linear 25088 4096, relu, dropout, linear 4096 4096, relu, dropout, linear 4096 64, leakyrelu 0.2, "
              "linear 64 3"),
        (efficient, "dropout 0.2, linear 1280 64, silu, batchnorm 64, linear 64 7"),
        (fastai, "concatpool, flatten, batchnorm 1024, dropout 0.25, linear 1024 512, relu, batchnorm 512, dropout, "
                 "linear 512 4"),
    ]
    for model, description in rows:
        model = shaken(model)
        ours = native(bench, model, "--head", description)
        x = np.random.default_rng(3).normal(size=(2, 3, 224, 224)).astype(np.float32)
        with torch.no_grad():
            wanted = model(torch.from_numpy(x)).numpy()
        found = error(next(iter(bench.forward(ours, x).values())), wanted)
        print(f"    {description[:40]}…: {found:.1e}")
        assert found <= 1e-4
        require_same_state(model, torch.load(bench.convert(ours, "again.pth"), weights_only=True))


@check
def numbers_are_folded_where_that_is_exact(bench: Bench):
    """Another epsilon and a mere factor before the first layer, in torchvision's own ResNet."""
    model = shaken(torchvision.models.resnet18(weights=None, num_classes=5))
    torch.save(model.state_dict(), bench.path("theirs.pth"))
    bench.run("graph", "show", bench.path("theirs.pth"), "-o", bench.path("resnet.json"))
    document = json.loads(bench.path("resnet.json").read_text())
    for node in document["nodes"]:
        if node["layer"] == "batch_normalization":
            node["epsilon"] = 1e-3
    document["nodes"].insert(0, {"path": "scale", "layer": "rescaling", "scale": [1 / 255], "offset": [0]})
    bench.path("resnet.json").write_text(json.dumps(document))
    ours = bench.convert(bench.path("theirs.pth"), "other.zoo.safetensors", "--graph", bench.path("resnet.json"))
    refused = bench.run("convert", ours, "-o", bench.path("x.pth"), "--to", "torchvision", expect=1)
    assert "epsilon of 20 layers" in refused.stderr and "--fold takes that into" in refused.stderr, refused.stderr
    x = torch.from_numpy(np.random.default_rng(5).uniform(0, 255, (2, 3, 64, 64)).astype(np.float32))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3
    with torch.no_grad():
        wanted = model(x / 255).numpy()
    folded = bench.convert(ours, "folded.pth", "--to", "torchvision", "--fold")
    receiver = torchvision.models.resnet18(weights=None, num_classes=5).eval()
    receiver.load_state_dict(torch.load(folded, weights_only=True))
    with torch.no_grad():
        found = error(receiver(x).numpy(), wanted)
    print(f"    epsilon and factor folded: {found:.1e}")
    assert found <= 1e-5


@check
def inexact_writing_is_asked_for_and_recorded(bench: Bench):
    model = shaken(lukemelas("efficientnet-b0"))
    ours = native(bench, model)
    output = bench.path("inexact.safetensors")
    refused = bench.run("convert", ours, "-o", output, "--to", "torchvision", expect=1)
    assert "padding of 5 layers" in refused.stderr and "--allow-inexact" in refused.stderr, refused.stderr
    plain = bench.json("convert", ours, "-o", output, "--to", "torchvision", "--allow-inexact")
    assert [text.split(" of ")[0] for text in plain["inexact"]] == ["padding", "epsilon"], plain["inexact"]
    with safe_open(output, "pt") as file:
        assert "padding of 5 layers" in file.metadata()["menagerie.inexact"]
        state = {name: file.get_tensor(name) for name in file.keys()}
    torchvision.models.efficientnet_b0(weights=None).load_state_dict(state)
    folded = bench.json("convert", ours, "-o", bench.path("f.pth"), "--to", "torchvision", "--allow-inexact", "--fold")
    assert [text.split(" of ")[0] for text in folded["inexact"]] == ["padding"], folded["inexact"]
    assert any("folded into their running variances" in note for note in folded["notes"]), folded["notes"]
    # What is exact is written without a word.
    assert bench.json("convert", ours, "-o", bench.path("t.pth"), "--to", "timm-tf", "--allow-inexact")["inexact"] == []


@check
def resnets_of_transformers_compute_what_it_does(bench: Bench):
    """Hugging Face's own ResNets: folders that they save, their logits and stages, and their own names back."""
    rows = [
        ("resnet18", "basic", [2, 2, 2, 2], [64, 128, 256, 512]),
        ("resnet50", "bottleneck", [3, 4, 6, 3], [256, 512, 1024, 2048]),
        ("resnet34", "basic", [3, 4, 6, 3], [64, 128, 256, 512])]
    for name, kind, depths, widths in sample(rows):
        labels = {place: f"kind {place}" for place in range(7)}
        configuration = transformers.ResNetConfig(
            layer_type=kind, depths=depths, hidden_sizes=widths, id2label=labels,
            label2id={label: place for place, label in labels.items()})
        model = shaken(transformers.ResNetForImageClassification(configuration))
        folder = bench.path(f"transformers-{name}")
        model.save_pretrained(folder)
        ours = bench.path("ours.zoo.safetensors")
        report = bench.json("convert", folder, "-o", ours)
        assert report["architecture"] == name and not report["report"]["missing"], report["architecture"]
        assert "Hugging Face" in report["report"]["dialect"], report["report"]["dialect"]
        x = torch.from_numpy(np.random.default_rng(12).normal(size=(16, 3, 64, 64)).astype(np.float32))
        with torch.no_grad():
            results = model(x, output_hidden_states=True)
        # The stem with its pooling, then stage after stage.
        found = bench.forward(ours, x.numpy(), ["maxpool", "stage1", "stage2", "stage3", "stage4"])
        logits = found.pop("logits")
        errors = [error(logits, results.logits), *(
            error(ours, theirs) for ours, theirs in zip(found.values(), results.hidden_states, strict=True))]
        print(f"    {name}: logits {errors[0]:.1e}, layers {max(errors[1:]):.1e}")
        assert max(errors) <= 1e-4, errors
        assert (np.argsort(-logits)[:, :5] == np.argsort(-results.logits.numpy())[:, :5]).all()
        require_same_state(model, torch.load(bench.convert(ours, "again.pth"), weights_only=True))

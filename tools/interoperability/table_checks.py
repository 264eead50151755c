"""Tables of tensors copied as they are, files in parts, folders, other types, comparisons: against the libraries that
made these forms."""

import json

import huggingface_hub
import numpy as np
import safetensors.torch
import timm
import torch
from safetensors import safe_open
from torch import nn

from harness import Bench, check, require_equal_bytes, require_parity
from pytorch_checks import Tutorial, logits, pictures, shipped


def raw(tensor: torch.Tensor) -> bytes:
    """The elements' bytes in row-major order, for types that NumPy doesn't have, too."""
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def require_equal_tensors(ours: dict, reference: dict):
    assert set(ours) == set(reference), set(ours) ^ set(reference)
    for name, value in reference.items():
        found = ours[name]
        assert found.dtype == value.dtype and found.shape == value.shape, f"{name}: {found.dtype} {found.shape}"
        assert raw(found) == raw(value), f"{name}: bytes differ"


def every_type() -> dict:
    """A tensor of every type that PyTorch and safetensors share, with views, scalars and empty ones among them."""
    generator = torch.Generator().manual_seed(3)
    numbers = torch.randn(6, 5, generator=generator)
    table = {f"float.{kind}": numbers.to(kind) for kind in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)}
    table |= {f"whole.{kind}": (numbers * 50).to(kind) for kind in (
        torch.int64, torch.int32, torch.int16, torch.int8)}
    table |= {f"whole.{kind}": (numbers.abs() * 50).to(kind) for kind in (
        torch.uint8, torch.uint16, torch.uint32, torch.uint64)}
    table |= {"truth": numbers > 0, "complex": torch.complex(numbers, -numbers), "scalar": torch.tensor(7),
              "empty": torch.empty(0, 3), "turned": numbers.t(), "channels_last": torch.randn(
                  2, 3, 4, 5, generator=generator).to(memory_format=torch.channels_last), "part": numbers[2:4, 1:]}
    return table


@check
def raw_copies_hold_every_byte(bench: Bench):
    table = every_type()
    for name, zipped in (("new.pth", True), ("old.pth", False)):
        torch.save(table, bench.path(name), _use_new_zipfile_serialization=zipped)
        copy = bench.convert(bench.path(name), "copy.safetensors", "--raw")
        require_equal_tensors(safetensors.torch.load_file(copy), table)
        with safe_open(copy, "pt") as file:
            assert file.metadata() == {"format": "pt"}, file.metadata()
        for source in (bench.path(name), copy):
            again = bench.convert(source, "again.pth", "--raw")
            for mapped in (False, True):
                require_equal_tensors(torch.load(again, weights_only=True, mmap=mapped), table)
    # What the official writer wrote comes out byte for byte.
    plain = {name: value.contiguous() for name, value in table.items()}
    safetensors.torch.save_file(plain, bench.path("theirs.safetensors"), metadata={"format": "pt"})
    copy = bench.convert(bench.path("theirs.safetensors"), "ours.safetensors", "--raw")
    assert copy.read_bytes() == bench.path("theirs.safetensors").read_bytes()


@check
def raw_copies_go_to_numpy_and_back(bench: Bench):
    table = {name: value for name, value in every_type().items() if "float8" not in name and "bfloat16" not in name}
    torch.save(table, bench.path("arrays.pth"))
    copy = bench.convert(bench.path("arrays.pth"), "arrays.npz", "--raw")
    with np.load(copy) as arrays:
        assert set(arrays.files) == set(table)
        for name, value in table.items():
            require_equal_bytes(name, arrays[name], value.numpy())
    # Column-major, big-endian and compressed arrays on the way back.
    numbers = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.savez_compressed(bench.path("odd.npz"), f=np.asfortranarray(numbers), b=numbers.astype(">f4"), c=numbers)
    back = torch.load(bench.convert(bench.path("odd.npz"), "odd.pth", "--raw"), weights_only=True, mmap=True)
    for name in "fbc":
        require_equal_bytes(name, back[name].numpy(), numbers)


@check
def raw_copies_keep_ties_and_versions(bench: Bench):
    torch.manual_seed(2)
    model = nn.Sequential(nn.Embedding(50, 8), nn.BatchNorm1d(8), nn.Linear(8, 50, bias=False))
    model[2].weight = model[0].weight
    state = model.state_dict()
    state["view"] = state["0.weight"].t()[2:5]
    state["alone"] = state["1.weight"].clone()
    torch.save(state, bench.path("tied.pth"))
    for options in ([], ["--dtype", "bf16"]):
        copy = bench.convert(bench.path("tied.pth"), "tied-copy.pth", "--raw", *options)
        for mapped in (False, True):
            back = torch.load(copy, weights_only=True, mmap=mapped)
            pointer = lambda name: back[name].untyped_storage().data_ptr()
            assert pointer("0.weight") == pointer("2.weight") == pointer("view") != pointer("alone")
            assert back["view"].stride() == state["view"].stride()
            assert back._metadata["1"]["version"] == 2
        kind = torch.bfloat16 if options else torch.float32
        assert raw(back["view"]) == raw(state["view"].to(kind))
    other = nn.Sequential(nn.Embedding(50, 8), nn.BatchNorm1d(8), nn.Linear(8, 50, bias=False))
    back = torch.load(bench.convert(bench.path("tied.pth"), "s.pth", "--exclude", "view", "--exclude", "alone"))
    other.load_state_dict(back, strict=True)


@check
def type_changes_are_those_of_torch(bench: Bench):
    bits = np.concatenate([
        (np.arange(65536, dtype=np.uint32) << 16 | low)
        for low in (0, 1, 0x0FFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0xFFFF)])
    single = torch.from_numpy(bits.view(np.float32).copy())
    single = single[~single.isnan()]
    table = {
        "single": single, "double": single.double() * (1 + 2**-30), "half": single.half(), "brain": single.bfloat16(),
        "bn.running_mean": single[:99].clone(), "bn.running_var": single[:99].double(),
        "bn.num_batches_tracked": torch.tensor(123456789), "whole": torch.arange(-70000, 70000, 7),
        "byte": torch.arange(256).to(torch.uint8), "truth": torch.tensor([True, False]),
        "turned": single[:1000].reshape(10, 100).t(), "complex": torch.randn(3, dtype=torch.complex64),
    }
    torch.save(table, bench.path("types.pth"))
    kept = {"bn.running_mean", "bn.running_var", "bn.num_batches_tracked", "whole", "byte", "truth", "complex"}
    for name, kind in (("f16", torch.float16), ("bf16", torch.bfloat16), ("f32", torch.float32)):
        copy = bench.convert(bench.path("types.pth"), "types.safetensors", "--raw", "--dtype", name)
        wanted = {key: value if key in kept else value.to(kind) for key, value in table.items()}
        require_equal_tensors(safetensors.torch.load_file(copy), wanted)
        everything = bench.convert(bench.path("types.pth"), "all.pth", "--raw", "--dtype", name, "--dtype-all")
        wanted = {key: value if key in {"truth", "complex"} else value.to(kind) for key, value in table.items()}
        require_equal_tensors(torch.load(everything, weights_only=True), wanted)
    # Not-a-number stays that, whatever its other bits.
    torch.save({"nan": torch.full((9,), float("nan"))}, bench.path("nan.pth"))
    for name in ("f16", "bf16"):
        back = torch.load(bench.convert(bench.path("nan.pth"), "nan-copy.pth", "--raw", "--dtype", name))
        assert back["nan"].isnan().all()


def layers(count: int = 7) -> dict:
    generator = torch.Generator().manual_seed(5)
    sizes = [300, 7000, 20, 900, 4000, 40000, 1][:count]
    return {f"läyer{n}.weight": torch.randn(size, generator=generator) for n, size in enumerate(sizes)}


@check
def parts_are_those_of_huggingface_byte_for_byte(bench: Bench):
    table = layers()
    torch.save(table, bench.path("layers.pth"))
    for size in ("30KB", "0.1MB", "5GB"):
        theirs, ours = bench.path(f"theirs-{size}"), bench.path(f"ours-{size}")
        for folder in (theirs, ours):
            folder.mkdir()
        huggingface_hub.save_torch_state_dict(table, theirs, max_shard_size=size)
        bench.run("convert", bench.path("layers.pth"), "--raw", "--max-shard-size", size,
                  "-o", ours / "model.safetensors")
        names = sorted(path.name for path in theirs.iterdir())
        assert names == sorted(path.name for path in ours.iterdir()), names
        for name in names:
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), f"{size}: {name}"
    loaded = {}
    for name in set(json.loads((bench.path("ours-30KB") / "model.safetensors.index.json").read_text())
                    ["weight_map"].values()):
        loaded |= safetensors.torch.load_file(bench.path("ours-30KB") / name)
    require_equal_tensors(loaded, table)


@check
def we_read_parts_and_folders_of_huggingface(bench: Bench):
    torch.manual_seed(9)
    model, x = Tutorial(), pictures()
    for safe in (True, False):
        folder = bench.path(f"hub-{safe}")
        folder.mkdir()
        huggingface_hub.save_torch_state_dict(
            model.state_dict(), folder, max_shard_size="50KB", safe_serialization=safe)
        assert len(list(folder.iterdir())) == 4
        names = {str(number): f"class {number}" for number in range(10)}
        (folder / "config.json").write_text(json.dumps({"model_type": "lenet", "id2label": names}))
        index = next(folder.glob("*.index.json"))
        for source in (folder, index):
            native = bench.convert(source, "hub.zoo.safetensors")
            double, single = logits(model.eval(), x)
            require_parity("logits", bench.forward(native, x)["logits"], double, single)
            copy = bench.convert(source, "hub.pth", "--raw")
            require_equal_tensors(torch.load(copy, weights_only=True), model.state_dict())
        with safe_open(bench.convert(folder, "hub.zoo.safetensors"), "np") as file:
            document = json.loads(file.metadata()["menagerie"])
        assert document["labels"] == list(names.values())


@check
def names_of_classes_come_along(bench: Bench):
    model = Tutorial()
    names = [f"thing {number}" for number in range(10)]
    for extra in ({"class_to_idx": {name: number for number, name in reversed(list(enumerate(names)))}},
                  {"classes": names}, {"class_names": tuple(names)}, {"idx_to_class": dict(enumerate(names))}):
        torch.save({"state_dict": model.state_dict(), **extra}, bench.path("named.pth"))
        raw_copy = bench.convert(bench.path("named.pth"), "named.safetensors", "--raw")
        for source in (bench.path("named.pth"), raw_copy):
            with safe_open(bench.convert(source, "named.zoo.safetensors"), "np") as file:
                assert json.loads(file.metadata()["menagerie"])["labels"] == names, extra


@check
def strict_loading_takes_our_native_file(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "strict.zoo.safetensors")
    with safe_open(native, "pt") as file:
        assert file.metadata()["format"] == "pt"
    model, x = Tutorial(), pictures()
    model.load_state_dict(safetensors.torch.load_file(native), strict=True)
    reference, _ = logits(shipped(bench), x)
    require_equal_bytes("logits", logits(model.eval(), x)[0], reference)


def register_lenet():
    """LeNet as timm would have it, so that timm's own factory opens our folder."""
    from timm.models import build_model_with_cfg, register_model

    class LeNet(Tutorial):
        def __init__(self, num_classes=10, in_chans=1, **_):
            super().__init__(num_classes)
            assert in_chans == 1
            self.num_classes, self.num_features, self.in_chans = num_classes, 84, in_chans

    def lenet(pretrained=False, **kwargs):
        return build_model_with_cfg(LeNet, "lenet", pretrained, **kwargs)

    lenet.__module__ = __name__
    register_model(lenet)


@check
def timm_opens_our_folder(bench: Bench):
    from timm.data import resolve_data_config
    from timm.models import _hub, _pretrained

    register_lenet()
    labels = bench.path("labels.txt")
    labels.write_text("".join(f"name {number}\n" for number in range(10)))
    folder = bench.path("for-timm")
    bench.run("convert", bench.root / "zoo/weights/lenet-mnist.pth", "--labels", labels, "--to", "timm", "-o", folder)
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    x = pictures()
    require_equal_bytes("logits", logits(model, x)[0], logits(shipped(bench), x)[0])
    data = resolve_data_config({}, model=model)
    assert data["input_size"] == (1, 32, 32) and list(data["mean"]) == [0.1307], data
    assert list(data["std"]) == [0.3081]
    assert data["interpolation"] == "bilinear" and data["crop_pct"] == 1.0 and data["crop_mode"] == "squash"
    assert list(model.pretrained_cfg["label_names"]) == [f"name {number}" for number in range(10)]
    # Another number of classes takes the name of the head from the document.
    fewer = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=3)
    assert fewer.fc3.weight.shape == (3, 84)
    assert torch.equal(fewer.fc2.weight, model.fc2.weight)
    # The document has no member that timm's own doesn't, and every one that timm always writes.
    ours = json.loads((folder / "config.json").read_text())
    reference = timm.create_model("resnet18", num_classes=10)
    _hub.save_for_hf(reference, bench.path("by-timm"), model_config={"label_names": list("abcdefghij")},
                     safe_serialization=True)
    theirs = json.loads((bench.path("by-timm") / "config.json").read_text())
    # LeNet has no global pooling.
    assert set(theirs) - set(ours) == {"global_pool"} and set(ours) <= set(theirs), set(ours) ^ set(theirs)
    fields = set(_pretrained.PretrainedCfg.__dataclass_fields__)
    assert set(ours["pretrained_cfg"]) <= fields
    about_the_source = {"tag", "license", "origin_url", "paper_ids", "test_input_size", "test_crop_pct"}
    assert set(theirs["pretrained_cfg"]) - about_the_source <= set(ours["pretrained_cfg"])
    assert set(ours["model_args"]) <= set(theirs["model_args"])
    back = bench.convert(folder, "from-timm.zoo.safetensors")
    assert bench.run("diff", folder, bench.root / "zoo/weights/lenet-mnist.pth").returncode == 0
    assert back.exists()


@check
def differences_are_those_that_numpy_finds(bench: Bench):
    generator = np.random.default_rng(4)
    first = {f"t{n}": generator.normal(size=(3, 4, 5)).astype(np.float32) for n in range(4)}
    second = {name: value + np.float32(10.0**-n) * generator.normal(size=value.shape).astype(np.float32)
              for n, (name, value) in enumerate(first.items())}
    second["t3"] = first["t3"].copy()
    second["t3"][0, 0, 0] = first["t3"][0, 0, 0] = np.nan
    torch.save({name: torch.from_numpy(value) for name, value in first.items()}, bench.path("first.pth"))
    np.savez(bench.path("second.npz"), **second)
    document = json.loads(
        bench.run("diff", bench.path("first.pth"), bench.path("second.npz"), "--json", expect=2).stdout)
    assert document["tensors_equal"] == 1 and not document["equal"]
    assert [entry["name"] for entry in document["differences"]] == ["t0", "t1", "t2"]
    for entry in document["differences"]:
        a, b = first[entry["name"]].astype(np.float64), second[entry["name"]].astype(np.float64)
        values, distance = entry["values"], np.abs(a - b)
        assert values["max_abs"] == distance.max() and values["max_rel"] == (distance / np.abs(b)).max()
        assert abs(values["cosine"] - (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())) < 1e-12
        assert tuple(values["worst"]["index"]) == np.unravel_index(distance.argmax(), distance.shape)
        assert values["elements_different"] == (a != b).sum()
    for rtol, atol in ((0, 0.5), (0.1, 0), (0.01, 0.01), (10, 3)):
        wanted = sum(not np.allclose(first[name].astype(np.float64), second[name].astype(np.float64), rtol, atol,
                                     equal_nan=True) for name in first)
        outcome = bench.run("diff", bench.path("first.pth"), bench.path("second.npz"), "--rtol", rtol, "--atol", atol,
                            "--json", expect=2 if wanted else 0)
        assert len(json.loads(outcome.stdout)["differences"]) == wanted, (rtol, atol)

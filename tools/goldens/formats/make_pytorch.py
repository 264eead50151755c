"""Writes small PyTorch files that show what a reader meets in the wild, and what it must find in each.

Most come from torch.save itself. A few are put together by hand, because the writer no longer exists
(Python 2), needs rare hardware (big-endian machines) or would not do it (deflated members); torch.load has to
read those too, which is checked here.
"""

import argparse
import collections
import io
import os
import pickle
import struct
import sys
import types
import warnings
import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

import legacy
from common import HERE, Expectations, entry

EVIL_PATH = "/tmp/menagerie-should-not-exist"
expected = Expectations(".pth", "torch", "numpy")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(torch.flatten(torch.relu(self.bn(self.conv(x))), 1))


def trained():
    """A net after one step, so that no tensor is constant, and its optimizer with momentum buffers."""
    torch.manual_seed(7)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.randn(4, 1, 4, 4)).square().sum().backward()
    optimizer.step()
    return net, optimizer


def tensors(state):
    """What a reader must find, in the order of the dictionary."""
    found = []
    for name, value in state.items():
        value = value.detach()
        dtype = str(value.dtype).removeprefix("torch.")
        bits = value.contiguous()
        found.append(entry(name, dtype, (bits.view(torch.int16) if dtype == "bfloat16" else bits).numpy()))
    return found


def save(file, value, **options):
    torch.save(value, HERE / file, **options)


def check(file, state, choose=lambda loaded: loaded, safe=True, **options):
    """Reads the file back through torch.load and compares with what expected.json will say."""
    loaded = choose(torch.load(HERE / file, weights_only=safe, **options))
    assert tensors(loaded) == tensors(state), file


def state_dicts():
    net, optimizer = trained()
    state = net.state_dict()

    save("state-dict.pth", state)
    check("state-dict.pth", state)
    expected.add("state-dict.pth", "a plain state dict, zip format", tensors(state))

    save("state-dict-legacy.pth", state, _use_new_zipfile_serialization=False)
    legacy.tidy(HERE / "state-dict-legacy.pth")
    check("state-dict-legacy.pth", state)
    expected.add(
        "state-dict-legacy.pth", "the same state dict in the format before torch 1.6", tensors(state)
    )

    save("protocol-4.pth", state, pickle_protocol=4)
    check("protocol-4.pth", state, safe=False)
    expected.add(
        "protocol-4.pth",
        "pickle protocol 4: FRAME, STACK_GLOBAL, MEMOIZE; refused by torch's safe mode",
        tensors(state),
    )

    parameters = {name: nn.Parameter(value.detach().clone()) for name, value in net.named_parameters()}
    save("parameters.pth", parameters)
    check("parameters.pth", parameters)
    expected.add("parameters.pth", "a plain dict of nn.Parameter", tensors(parameters))

    for key, more in (
        ("state_dict", {"epoch": 3, "optimizer": optimizer.state_dict()}),
        ("model_state_dict", {"epoch": 3, "optimizer_state_dict": optimizer.state_dict(), "loss": 0.25}),
        ("model", {"args": None, "best": [0.5, 0.75]}),
    ):
        file = f"wrapped-{key.replace('_', '-')}.pth"
        save(file, {"epoch": 3, key: state} | more)
        check(file, state, lambda loaded, key=key: loaded[key])
        expected.add(
            file,
            f"a training checkpoint with the state dict under {key}",
            tensors(state),
            chosen=key,
            stripped="",
        )

    for file, prefix in (
        ("prefix-module.pth", "module."),
        ("prefix-orig-mod.pth", "_orig_mod."),
        ("prefix-both.pth", "_orig_mod.module."),
    ):
        prefixed = collections.OrderedDict((prefix + name, value) for name, value in state.items())
        save(file, prefixed)
        check(file, prefixed)
        expected.add(file, f"every name starts with {prefix}", tensors(state), chosen="", stripped=prefix)


def tensor_kinds():
    values = torch.tensor([-2.5, -1, 0, 0.15625, 1, 3, 100])
    kinds = {
        "f32": values,
        "f64": values.double() / 3,
        "f16": (values / 3).half(),
        "bf16": (values / 3).bfloat16(),
        "i64": torch.tensor([-(2**62), -1, 0, 2**40 + 1]),
        "i32": torch.tensor([-(2**30), -1, 7], dtype=torch.int32),
        "i16": torch.tensor([-32768, 5], dtype=torch.int16),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 200, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
    }
    save("dtypes.pth", kinds)
    check("dtypes.pth", kinds)
    expected.add("dtypes.pth", "every element type a vision checkpoint uses", tensors(kinds))

    save("dtypes-legacy.pth", kinds, _use_new_zipfile_serialization=False)
    legacy.tidy(HERE / "dtypes-legacy.pth")
    check("dtypes-legacy.pth", kinds)
    expected.add("dtypes-legacy.pth", "the same element types in the legacy format", tensors(kinds))

    grid = torch.arange(24.0).reshape(4, 6)
    shared = torch.arange(100.0, 112.0)
    picture = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    views = {
        "transposed": torch.arange(6.0).reshape(2, 3).t(),
        "row-slice": grid[1:3],
        "column-slice": grid[:, 2:5:2],
        "channels-last": picture.contiguous(memory_format=torch.channels_last),
        "shared-start": shared[:5],
        "shared-end": shared[4:10],
        "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 4),
    }
    for suffix, options in (("", {}), ("-legacy", {"_use_new_zipfile_serialization": False})):
        file = f"views{suffix}.pth"
        save(file, views, **options)
        if suffix:
            legacy.tidy(HERE / file)
        check(file, views)
        expected.add(
            file, "strides, offsets, channels last, two tensors in one storage, stride 0", tensors(views)
        )
    loaded = torch.load(HERE / "views.pth", weights_only=True)
    assert loaded["row-slice"].storage_offset() == 6 and loaded["expanded"].stride() == (1, 0)
    assert loaded["shared-start"].data_ptr() + 16 == loaded["shared-end"].data_ptr()

    weight = torch.arange(12.0).reshape(3, 4)
    tied = {"encoder.weight": weight, "encoder.bias": torch.arange(3.0), "decoder.weight": weight}
    save("tied.pth", tied)
    check("tied.pth", tied)
    expected.add("tied.pth", "two names for one storage", tensors(tied))

    shapes = {
        "scalar": torch.tensor(1.25),
        "count": torch.tensor(42),
        "empty": torch.empty(0),
        "empty-rows": torch.empty(2, 0, 3),
        "one": torch.tensor([3.5]),
        "rank5": torch.arange(8.0).reshape(1, 2, 1, 2, 2),
    }
    save("shapes.pth", shapes)
    check("shapes.pth", shapes)
    expected.add("shapes.pth", "rank 0, no elements at all, rank 5", tensors(shapes))


def whole_modules():
    torch.manual_seed(8)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.Sequential(nn.Flatten(), nn.Linear(8, 3, bias=False)),
    )
    model(torch.randn(4, 1, 4, 4))
    state = model.state_dict()
    note = "a pickled nn.Sequential: names come from walking _parameters, _buffers and _modules"
    save("module.pth", model)
    check("module.pth", state, lambda loaded: loaded.state_dict(), safe=False)
    expected.add("module.pth", note, tensors(state))

    # Left alone, the legacy writer would put torch's own source text and this machine's paths into the file.
    with mock.patch(
        "torch.serialization.get_source_lines_and_file", side_effect=OSError
    ), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save("module-legacy.pth", model, _use_new_zipfile_serialization=False)
    legacy.tidy(HERE / "module-legacy.pth")
    check("module-legacy.pth", state, lambda loaded: loaded.state_dict(), safe=False)
    expected.add(
        "module-legacy.pth", note + "; classes sit behind persistent ids of kind module", tensors(state)
    )


class Touch:
    """Calls os.system while it is unpickled, as a hostile file would."""

    def __reduce__(self):
        return os.system, (f"touch {EVIL_PATH}",)


class Foreign:
    """Unpickles through a function that only its owner has."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return sys.modules["vendor_codec"].decode, (self.value, 4)


def strangers():
    net, _ = trained()
    state = net.state_dict()

    save("calls-system.pth", {"state_dict": state, "hook": Touch()})
    try:
        torch.load(HERE / "calls-system.pth", weights_only=True)
        raise AssertionError("torch's safe mode let os.system pass")
    except pickle.UnpicklingError:
        pass
    assert not os.path.exists(EVIL_PATH)
    expected.add(
        "calls-system.pth",
        "an unrelated entry runs a shell command when unpickled by Python; nothing may run",
        tensors(state),
        chosen="state_dict",
        stripped="",
        mustNotExist=EVIL_PATH,
    )

    vendor = types.ModuleType("vendor_codec")

    def decode(value, bits):
        return value

    decode.__module__, decode.__qualname__ = "vendor_codec", "decode"
    vendor.decode = decode
    with mock.patch.dict(sys.modules, {"vendor_codec": vendor}):
        save("unknown-function.pth", {**state, "conv.weight": Foreign(state["conv.weight"])})
    try:
        torch.load(HERE / "unknown-function.pth", weights_only=False)
        raise AssertionError("vendor_codec should be unknown")
    except ModuleNotFoundError:
        pass
    expected.add(
        "unknown-function.pth",
        "a wanted tensor comes out of a function nobody else has",
        error="conv.weight needs vendor_codec.decode",
    )

    namespace = argparse.Namespace(lr=0.1, arch="net", milestones=[30, 60], resume=None)
    save(
        "scalars-and-namespace.pth",
        {
            "state_dict": state,
            "best_acc": np.float64(0.875),
            "args": namespace,
            "history": np.array([0.5, 0.25]),
            "path": Path("runs/1"),
            "counts": collections.defaultdict(int, {"seen": 3}),
        },
    )
    check("scalars-and-namespace.pth", state, lambda loaded: loaded["state_dict"], safe=False)
    expected.add(
        "scalars-and-namespace.pth",
        "numpy values, argparse.Namespace, a path and a defaultdict next to the state dict",
        tensors(state),
        chosen="state_dict",
        stripped="",
    )


def repacked():
    """Zip files that torch.save would not write."""
    net, _ = trained()
    state = net.state_dict()
    source = zipfile.ZipFile(HERE / "state-dict.pth")

    def rewrite(file, change=lambda name, data: data, method=zipfile.ZIP_STORED):
        with zipfile.ZipFile(HERE / file, "w", method) as target:
            for name in source.namelist():
                member = name.split("/", 1)[1]
                # These two promise a layout that only torch's own writer keeps.
                if member in (".format_version", ".storage_alignment"):
                    continue
                data = change(member, source.read(name))
                if data is not None:
                    info = zipfile.ZipInfo(f"archive/{member}")
                    info.compress_type = method
                    target.writestr(info, data)

    rewrite("deflated.pth", method=zipfile.ZIP_DEFLATED)
    check("deflated.pth", state)
    expected.add("deflated.pth", "re-zipped with deflated members; torch.load accepts it", tensors(state))

    # In the order of the dictionary, which is the order of the storage keys.
    sizes = [value.element_size() for value in state.values()]

    def swapped(member, data):
        if member == "byteorder":
            return b"big"
        if member.startswith("data/"):
            return np.frombuffer(data, f"<u{sizes[int(member[5:])]}").byteswap().tobytes()
        return data

    rewrite("big-endian.pth", swapped)
    check("big-endian.pth", state)
    expected.add(
        "big-endian.pth",
        "the byteorder member says big and the storages are; torch.load swaps them",
        tensors(state),
    )

    rewrite(
        "old-zip.pth",
        lambda member, data: None if member in ("byteorder", ".data/serialization_id") else data,
    )
    check("old-zip.pth", state)
    expected.add("old-zip.pth", "without byteorder, as older versions wrote it", tensors(state))

    rewrite("short-storage.pth", lambda member, data: data[:-4] if member == "data/0" else data)
    try:
        torch.load(HERE / "short-storage.pth", weights_only=True)
        raise AssertionError("a short storage went unnoticed")
    except RuntimeError:
        pass
    expected.add(
        "short-storage.pth",
        "the first storage is four bytes shorter than its tensor",
        error="data/0 has fewer bytes than conv.weight needs",
    )


def python2():
    net, _ = trained()
    # Files of that age have no num_batches_tracked.
    state = {name: value for name, value in net.state_dict().items() if value.dtype == torch.float32}
    body = legacy.Python2Pickler()
    body.name("collections", "OrderedDict")
    body.data += b"]("
    storages = b""
    for index, (name, value) in enumerate(state.items()):
        body.data += b"]("
        body.text(name)
        body.tensor(value, "FloatStorage", str(94_000_000_000_000 + 64 * index))
        body.data += b"e"
        storages += struct.pack("<q", value.numel()) + value.numpy().tobytes()
    body.data += b"e\x85R."

    system = legacy.Python2Pickler()
    system.data += b"}("
    system.text("type_sizes")
    system.data += b"}("
    for kind, size in (("int", 4), ("short", 2), ("long", 4)):
        system.text(kind)
        system.small(size)
    system.data += b"u"
    system.text("protocol_version")
    system.data += b"M\xe9\x03"
    system.text("little_endian")
    system.data += b"\x88u."

    keys = legacy.Python2Pickler()
    keys.data += b"]("
    for index in range(len(state)):
        keys.text(str(94_000_000_000_000 + 64 * index))
    keys.data += b"e."

    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    data = magic + b"\x80\x02M\xe9\x03." + system.data + body.data + keys.data + storages
    (HERE / "python2.pth").write_bytes(data)
    check("python2.pth", state)
    check("python2.pth", state, safe=False)
    expected.add(
        "python2.pth",
        "by hand, as Python 2 wrote it: OrderedDict from a list of pairs, SHORT_BINSTRING, "
        "LONG1 sizes, _rebuild_tensor with four arguments, no num_batches_tracked",
        tensors(state),
    )


def big_endian_legacy():
    net, _ = trained()
    state = net.state_dict()
    data = (HERE / "state-dict-legacy.pth").read_bytes()
    parts, storages = legacy.split(data)
    system = parts[2].replace(
        legacy.string("little_endian") + b"q\x02\x88", legacy.string("little_endian") + b"q\x02\x89"
    )
    assert system != parts[2] and not pickle.loads(system)["little_endian"]
    head = parts[0] + parts[1] + system + parts[3] + parts[4]
    tail = data[sum(map(len, parts)) :]

    # The flag describes the machine, not the data: torch writes counts and elements of a legacy file in
    # little-endian order everywhere, and its reader never looks at the flag. Swapping would scramble weights.
    (HERE / "big-endian-legacy.pth").write_bytes(head + tail)
    check("big-endian-legacy.pth", state)
    expected.add(
        "big-endian-legacy.pth",
        "legacy header says little_endian False; the storages are little-endian all "
        "the same, as torch writes and reads them",
        tensors(state),
    )

    swapped = b""
    for count, values in storages.values():
        size = len(values) // max(count, 1)
        swapped += struct.pack("<q", count) + np.frombuffer(values, f"<u{size}").byteswap().tobytes()
    assert len(swapped) == len(tail)
    read = torch.load(io.BytesIO(head + swapped), weights_only=True)
    assert not torch.equal(read["conv.weight"], state["conv.weight"]), "torch.load now swaps legacy storages"


def main():
    torch.set_num_threads(1)
    for make in (state_dicts, tensor_kinds, whole_modules, strangers, repacked, python2, big_endian_legacy):
        make()
    expected.save()


if __name__ == "__main__":
    main()

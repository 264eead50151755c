"""Writes files whose pickles call os.system when Python loads them, for the command's tests.

lenet-calls-system.pth   a LeNet of zeros, and beside its state dict the call (compressed, to be small)
only-calls-system.pth    nothing but the call, saved by torch.save
only-calls-system.pkl    nothing but the call, a bare pickle

Made with torch 2.15.
"""

import os
import pickle
import zipfile
from pathlib import Path

import torch

HERE = Path(__file__).parent
MARKER = "/tmp/menagerie-should-not-exist"
SHAPES = {
    "conv1": (6, 1, 5, 5),
    "conv2": (16, 6, 5, 5),
    "fc1": (120, 400),
    "fc2": (84, 120),
    "fc3": (10, 84),
}


class Touch:
    def __reduce__(self):
        return os.system, (f"touch {MARKER}",)


def save(name, value):
    """torch.save, then every member compressed and without a time, so that equal contents give equal files."""
    plain = HERE / (name + ".plain")
    torch.save(value, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(HERE / name, "w") as target:
        for entry in source.infolist():
            info = zipfile.ZipInfo(entry.filename)
            target.writestr(info, source.read(entry), zipfile.ZIP_DEFLATED)
    plain.unlink()


state = {}
for layer, shape in SHAPES.items():
    state[layer + ".weight"] = torch.zeros(shape)
    state[layer + ".bias"] = torch.zeros(shape[0])
save("lenet-calls-system.pth", {"state_dict": state, "hook": Touch()})
save("only-calls-system.pth", Touch())
(HERE / "only-calls-system.pkl").write_bytes(pickle.dumps(Touch()))
assert not os.path.exists(MARKER)

"""Writes the small files of kinds that tools/goldens/formats has none of: TorchScript and torch.export archives.

    python3 Tests/Fuzzing/Seeds/make_seeds.py     (torch 2.15 wrote what is here)
"""

import zipfile
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent


class Net(nn.Module):
    """A bit of everything: a convolution, running statistics, a shared weight and a buffer of integers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.register_buffer("steps", torch.arange(3))

    def forward(self, x):
        return self.second(self.first(self.norm(self.conv(x)).mean([2, 3])))


def slim(path, keep):
    """Leaves out the code, the debugging records and the example inputs, which aren't read."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist() if keep(name)]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)


torch.manual_seed(1)
net = Net().eval()
torch.jit.script(net).save(str(HERE / "torchscript.pt"))
slim(HERE / "torchscript.pt", lambda name: not name.endswith(".debug_pkl"))
torch.export.save(torch.export.export(net, (torch.zeros(1, 1, 5, 5),)), str(HERE / "exported.pt2"))
slim(HERE / "exported.pt2", lambda name: "/models/" not in name and "sample_inputs" not in name)

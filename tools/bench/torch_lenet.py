"""LeNet as PyTorch's tutorial writes it, for pictures of 32 × 32, and the numbers of zoo/manifests/lenet-mnist.json."""

import torch
from torch import nn
from torch.nn import functional as F

PADDING, MEAN, DEVIATION = 2, 0.1307, 0.3081


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def prepared(pictures: torch.Tensor) -> torch.Tensor:
    """Bytes [N, 28, 28] to the network's input [N, 1, 32, 32]: padded with black, 0…1, normalised."""
    return F.pad(pictures, [PADDING] * 4).float().div_(255).sub_(MEAN).div_(DEVIATION).unsqueeze(1)

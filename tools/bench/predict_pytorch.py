"""What `zoo predict lenet-mnist PICTURE` does, as a PyTorch user would write it: python predict_pytorch.py WEIGHTS PICTURE"""

import sys

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F


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


model = LeNet()
model.load_state_dict(torch.load(sys.argv[1], weights_only=True))
model.eval()
picture = Image.open(sys.argv[2]).convert("L").resize((28, 28), Image.Resampling.BILINEAR)
pixels = np.pad(np.asarray(picture), 2).astype(np.float32)
with torch.inference_mode():
    x = (torch.from_numpy(pixels) / 255 - 0.1307) / 0.3081
    probabilities = model(x[None, None]).softmax(1)[0]
for probability, index in zip(*probabilities.topk(3)):
    print(f"{probability:.6f} {index}")

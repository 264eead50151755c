"""Trains the PyTorch tutorial's LeNet on real MNIST digits and saves zoo/weights/lenet-mnist.pth.

The weights after the last epoch are kept whatever their score: picking the epoch that is best on the test
digits would make the accuracy in zoo/weights/README.md look better than it is.
"""

import hashlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common

EPOCHS, BATCH = 120, 64


class LeNet(nn.Module):
    """The tutorial variant: [N, 1, 32, 32], ReLU and max pooling."""

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


def network_input(grey):
    """Grey levels [N, 32, 32] in 0...255 to the network's input [N, 1, 32, 32], F32."""
    values = torch.from_numpy(np.asarray(grey, np.float32)) / 255
    return ((values - 0.1307) / 0.3081).unsqueeze(1)


def accuracy(model, grey, labels):
    model.eval()
    with torch.no_grad():
        return float((model(network_input(grey)).argmax(1).numpy() == labels).mean())


def main():
    torch.set_num_threads(common.THREADS)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(1998)
    random = np.random.default_rng(32)
    train, train_labels, test, test_labels = common.digits()
    train, test = common.pad_to_32(train), common.pad_to_32(test)

    model = LeNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=2e-2)
    steps = EPOCHS * -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps, pct_start=0.15)
    start = time.time()
    for epoch in range(EPOCHS):
        model.train()
        pictures = network_input(common.augment(train, random))
        total = 0.0
        for chosen in torch.from_numpy(random.permutation(len(train))).split(BATCH):
            loss = F.cross_entropy(model(pictures[chosen]), torch.from_numpy(train_labels)[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        if (epoch + 1) % 20 == 0:
            seconds = time.time() - start
            print(f"epoch {epoch + 1}: loss {total / len(train):.4f}, {seconds:.0f} s", flush=True)

    path = common.WEIGHTS / "lenet-mnist.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)

    again = LeNet()
    again.load_state_dict(torch.load(path, weights_only=True))
    score = accuracy(again, test, test_labels)
    print(f"test accuracy {score:.4f}, train accuracy {accuracy(again, train, train_labels):.4f}")
    print(f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}, {path.stat().st_size:,} bytes")
    print(common.versions("torch", "numpy", "mlxtend"))


if __name__ == "__main__":
    main()

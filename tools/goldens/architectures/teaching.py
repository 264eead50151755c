"""Networks for teaching that no library has, as courses and tutorials write them."""

from torch import nn
from torch.nn import functional as F


class TinyVGG(nn.Module):
    """learnpytorch.io's TinyVGG: `names` are conv_block_1 and conv_block_2, in the first chapters block_1 and block_2."""

    def __init__(self, classes, channels=3, side=64, padding=1, hidden=10, names="conv_block"):
        super().__init__()
        def block(inputs):
            return nn.Sequential(
                nn.Conv2d(inputs, hidden, 3, padding=padding), nn.ReLU(),
                nn.Conv2d(hidden, hidden, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2))
        self.names = names
        self.add_module(f"{names}_1", block(channels))
        self.add_module(f"{names}_2", block(hidden))
        for _ in range(2):
            side = (side + 4 * padding - 4) // 2
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(hidden * side * side, classes))

    def forward(self, x):
        for number in (1, 2):
            x = getattr(self, f"{self.names}_{number}")(x)
        return self.classifier(x)


class Autoencoder(nn.Module):
    """Three convolutions, the last one over the whole map, and three transposed ones; 28×28 or 30×30."""

    def __init__(self, channels=1, side=28):
        super().__init__()
        half = (side + 1) // 2
        quarter = (half + 1) // 2
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(32, 64, quarter))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(64, 32, quarter), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1 - half % 2), nn.ReLU(),
            nn.ConvTranspose2d(16, channels, 3, stride=2, padding=1, output_padding=1 - side % 2), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


class PooledAutoencoder(nn.Module):
    """Two convolutions with maxima and two transposed convolutions, functions between them."""

    def __init__(self, channels=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 4, 3, padding=1)
        self.t_conv1 = nn.ConvTranspose2d(4, 16, 2, stride=2)
        self.t_conv2 = nn.ConvTranspose2d(16, channels, 2, stride=2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.sigmoid(self.t_conv2(F.relu(self.t_conv1(x))))

"""Teaching networks that nobody has a document for: what zoo graph draft proposes computes what PyTorch does, once the
blanks are filled in."""

import json

import numpy as np
import torch
from torch import nn

from architecture_checks import shaken
from harness import Bench, check, error
from schema_checks import validator


class Digits(nn.Module):
    """Convolutions of 10 and 20 channels, a layer of 50 units."""

    size, known = (1, 28, 28), ["--activation", "relu", "--pooling", "maximum"]

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x):
        for convolution in (self.conv1, self.conv2):
            x = torch.relu(nn.functional.max_pool2d(convolution(x), 2))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class Letters(nn.Sequential):
    """Two convolutions with batch normalisation and LeakyReLU."""

    size, known = (1, 28, 28), ["--activation", "leaky_relu", "--pooling", "maximum"]

    def __init__(self):
        def block(inputs, outputs):
            convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
            return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(), nn.MaxPool2d(2)]
        super().__init__(*block(1, 32), *block(32, 64), nn.Flatten(), nn.Dropout(0.4), nn.Linear(64 * 7 * 7, 26))


class Strided(nn.Module):
    """An autoencoder that strides make small, down to a vector."""

    size, known = (1, 28, 28), ["--activation", "relu", "--code-activation", "none", "--output-activation", "sigmoid"]

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 7))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 7), nn.ReLU(), nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Code(nn.Module):
    """An autoencoder with a linear layer in the middle."""

    size, known = (3, 32, 32), ["--activation", "elu", "--output-activation", "none"]

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 32, 4, 2, 1), nn.Conv2d(32, 64, 4, 2, 1)
        self.fc1, self.fc2 = nn.Linear(64 * 8 * 8, 128), nn.Linear(128, 64 * 8 * 8)
        self.d1, self.d2 = nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ConvTranspose2d(32, 3, 4, 2, 1)

    def forward(self, x):
        f = nn.functional.elu
        x = f(self.fc1(f(self.c2(f(self.c1(x)))).flatten(1)))
        return self.d2(f(self.d1(f(self.fc2(x)).reshape(-1, 64, 8, 8))))


class Blocks(nn.Sequential):
    """Two blocks of two convolutions, without padding."""

    size, known = (3, 64, 64), ["--activation", "relu", "--pooling", "average"]

    def __init__(self):
        def block(inputs):
            return [nn.Conv2d(inputs, 10, 3), nn.ReLU(), nn.Conv2d(10, 10, 3), nn.ReLU(), nn.AvgPool2d(2)]
        super().__init__(*block(3), *block(10), nn.Flatten(), nn.Linear(10 * 13 * 13, 3))


@check
def drafts_of_teaching_networks_compute_what_pytorch_does(bench: Bench):
    for build in (Digits, Letters, Strided, Code, Blocks):
        torch.manual_seed(1)
        model = shaken(build())
        weights, document = bench.path(f"{build.__name__}.pth"), bench.path(f"{build.__name__}.json")
        torch.save(model.state_dict(), weights)
        draft = bench.json("graph", "draft", weights)
        validator(bench, "draft").validate(draft)
        assert draft["explanations"] and draft["blanks"], draft
        document.write_text(json.dumps(draft["document"]))
        output = bench.path("drafted.zoo.safetensors")
        refused = bench.run("convert", weights, "--graph", document, "-o", output, expect=1)
        assert "still to be filled in" in refused.stderr, refused.stderr
        options = ["--input-size", build.size[1]] if build is Blocks else []
        bench.run("graph", "draft", weights, *build.known, *options, "-o", document)
        validator(bench, "graph").validate(json.loads(document.read_text()))
        bench.run("convert", weights, "--graph", document, "-o", output)
        x = np.random.default_rng(4).normal(size=(2, *build.size)).astype(np.float32)
        with torch.no_grad():
            wanted = model(torch.from_numpy(x)).numpy()
        found = error(next(iter(bench.forward(output, x).values())), wanted)
        print(f"    {build.__name__}: {draft['explanations'][0]['text'][:90]}: {found:.1e}")
        assert found <= 1e-5

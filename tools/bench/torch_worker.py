"""PyTorch's side of tools/bench/lenet: answers one line of JSON for each line that it is sent, and measures around the
work alone. Our side is Sources/BenchmarkWorker; it knows the same words. A "variant" says how PyTorch is used:

eager           as most people write it
channels-last   eager, with the network and its inputs in channels-last memory, which is faster on a CPU
compile         torch.compile, the network as it is
loader          channels-last, pictures one by one through Dataset and DataLoader (epochs only)
"""

import gzip
import json
import re
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from torch_lenet import LeNet, prepared


def idx(folder: Path, name: str) -> np.ndarray:
    """An IDX file of the MNIST kind, gzipped or not."""
    path = folder / name
    data = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


class Pictures(Dataset):
    """The data set as tutorials write it: one picture at a time."""

    def __init__(self, pictures, labels):
        self.pictures, self.labels = pictures, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return prepared(self.pictures[index : index + 1])[0], self.labels[index]


class Workload:
    def __init__(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(0)
        self.state = torch.load(request["state_dict"], weights_only=True)
        self.rate, self.momentum = request["learning_rate"], request["momentum"]
        self.inputs = list(torch.from_numpy(np.load(request["inputs"])))
        self.labels = [x.long() for x in torch.from_numpy(np.load(request["labels"]))]
        folder = Path(request["pictures"])
        self.pictures = torch.from_numpy(idx(folder, "train-images-idx3-ubyte").copy())
        self.classes = torch.from_numpy(idx(folder, "train-labels-idx1-ubyte").astype(np.int64))
        self.compiled = None

    def model(self, variant):
        """The network with the weights that everything begins from."""
        if variant == "compile":
            if self.compiled is None:
                network = LeNet()
                self.compiled = network, torch.compile(network)
            self.compiled[0].load_state_dict(self.state)
            return self.compiled[1]
        model = LeNet()
        model.load_state_dict(self.state)
        return model if variant == "eager" else model.to(memory_format=torch.channels_last)

    def arranged(self, x, variant):
        return x if variant in ("eager", "compile") else x.contiguous(memory_format=torch.channels_last)

    def optimizer(self, model):
        return torch.optim.SGD(model.parameters(), lr=self.rate, momentum=self.momentum)

    @staticmethod
    def step(model, optimizer, x, y) -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def train(self, variant, warmup, steps):
        model = self.model(variant)
        optimizer = self.optimizer(model)
        batches = [(self.arranged(x, variant), y) for x, y in zip(self.inputs, self.labels)]
        losses = []
        for number in range(warmup + steps):
            if number == warmup:
                began = time.perf_counter()
            losses.append(self.step(model, optimizer, *batches[number % len(batches)]))
        return {"seconds": time.perf_counter() - began, "losses": losses}

    def infer(self, variant, batch, runs, output):
        model = self.model(variant).eval()
        inputs = [self.arranged(x[:batch], variant) for x in self.inputs]
        with torch.inference_mode():
            for x in inputs[:4]:
                model(x)
            results = []
            began = time.perf_counter()
            for run in range(runs):
                results.append(model(inputs[run % len(inputs)]).numpy())
            seconds = time.perf_counter() - began
        np.save(output, np.stack(results))
        return {"seconds": seconds}

    def reference(self, output):
        """Logits of all batches in double precision."""
        model = self.model("eager").double().eval()
        with torch.inference_mode():
            np.save(output, np.stack([model(x.double()).numpy() for x in self.inputs]))
        return {}

    def epoch(self, variant, batch, order=None):
        """One pass over all pictures: shuffled, prepared, learned from. `order` is a file with the order to take."""
        layout = "channels-last" if variant == "loader" else variant
        model = self.model(layout)
        optimizer = self.optimizer(model)
        count = len(self.classes)
        losses, total = [], 0.0
        began = time.perf_counter()
        for x, y in self.loader(batch) if variant == "loader" else self.tensors(layout, batch, order):
            loss = self.step(model, optimizer, x, y)
            losses.append(loss)
            total += loss * len(y)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "loss": total / count, "steps": len(losses), "losses": losses[:20]}

    def tensors(self, layout, batch, order):
        """The fast way: the pictures become one tensor at the beginning of the epoch, batches are taken by index."""
        inputs = prepared(self.pictures)
        places = torch.randperm(len(inputs)) if order is None else torch.from_numpy(np.load(order))
        for chosen in places.split(batch):
            yield self.arranged(inputs[chosen], layout), self.classes[chosen]

    def loader(self, batch):
        for x, y in DataLoader(Pictures(self.pictures, self.classes), batch_size=batch, shuffle=True):
            yield self.arranged(x, "channels-last"), y

    def answer(self, request):
        work = {"train": self.train, "infer": self.infer, "reference": self.reference, "epoch": self.epoch}
        return work[request.pop("do")](**request)


def versions():
    onednn = re.search(r"MKL-DNN v([\d.]+)", torch.__config__.show())
    library = f"PyTorch {torch.__version__}"
    if onednn:
        library += f" (oneDNN {onednn[1]})"
    return {"library": f"{library}, {torch.backends.cpu.get_cpu_capability()}"}


def main():
    workload = None
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if workload is None:
                workload = Workload(request)
                reply = versions()
            else:
                reply = workload.answer(request)
        except Exception as problem:  # whoever asked decides what it means
            traceback.print_exc()
            reply = {"error": f"{type(problem).__name__}: {problem}".splitlines()[0]}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()

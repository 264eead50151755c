"""What the peers in tools/bench/peers have in common."""

import time

import numpy as np


class Peer:
    """A framework with the network and the batches. `prepare` makes it ready and returns its name and version;
    `iteration` is what is measured: from a batch [N, C, H, W] in ordinary memory to logits there."""

    def __init__(self, settings: dict):
        self.settings = settings
        with np.load(settings["verify"]) as file:
            self.inputs = list(file["input"])
            self.labels = list(file["labels"]) if "labels" in file else [None] * len(self.inputs)

    def prepare(self) -> str:
        raise NotImplementedError

    def iteration(self, batch: np.ndarray, labels):
        raise NotImplementedError

    def logits(self, batches: int, output: str):
        np.savez(output, logits=np.stack([np.array(self.iteration(batch, None)) for batch in self.inputs[:batches]]))
        return {}

    def measure(self, iterations: int, warmup: int):
        times = []
        for number in range(warmup + iterations):
            place = number % len(self.inputs)
            began = time.perf_counter()
            self.iteration(self.inputs[place], self.labels[place])
            times.append(1e3 * (time.perf_counter() - began))
        return {"times_ms": times[warmup:]}

"""The sides of tools/bench/peers: ours is one process of `zoo bench` for each turn, a peer is a resident worker."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker import Failure, Worker, python_command

HERE = Path(__file__).parent
TORCH = {
    "eager": "PyTorch, eager", "channels-last": "PyTorch, channels-last", "compile": "torch.compile",
    "compile-channels-last": "torch.compile, channels-last",
}
MODULES = {
    "onnxruntime": ("peers_onnxruntime", "OnnxRuntime"), "openvino": ("peers_openvino", "OpenVino"),
    "tensorflow": ("peers_tensorflow", "TensorFlow"),
}
PEERS = TORCH | {"onnxruntime": "onnxruntime", "openvino": "OpenVINO", "tensorflow": "TensorFlow"}
# Seconds between turns, in which the threads of the side that has just worked stop to wait at full load.
PAUSE = 0.2


@dataclass
class Turn:
    """Milliseconds of an iteration, and of the whole turn as whoever asked saw it."""

    median: float
    whole: float
    answer: dict


class Side:
    iterations = warmup = 0

    def timed(self, iterations: int, warmup: int) -> dict:
        raise NotImplementedError

    def turn(self, iterations=None) -> Turn:
        time.sleep(PAUSE)
        began = time.perf_counter()
        answer = self.timed(iterations or self.iterations, self.warmup)
        whole = 1e3 * (time.perf_counter() - began)
        return Turn(float(np.median(answer["times_ms"])), whole, answer)

    def calibrate(self) -> float:
        """So many iterations that a turn takes about a second. Says what one takes."""
        self.warmup = 1
        median = self.turn(1).median
        if median < 500:
            median = self.turn(max(3, min(50, round(100 / median)))).median
        self.iterations = min(20_000, max(5, round(1e3 / median)))
        self.warmup = 1 if median > 500 else max(2, self.iterations // 10)
        return median

    def from_outside(self, median: float) -> dict:
        """What an iteration takes as twice as many lengthen the turn: (t2K − tK) / K; and the same turns inside."""
        count = max(1 if median > 2e3 else 2, min(self.iterations, round(500 / median)))
        pairs = [(self.turn(count), self.turn(2 * count)) for _ in range(3 if median * count < 1e3 else 1)]
        turns = [turn for pair in pairs for turn in pair]
        return {
            "outer_ms": round(float(np.median([(long.whole - short.whole) / count for short, long in pairs])), 6),
            "inner_ms": round(float(np.median([turn.median for turn in turns])), 6),
            "mean_ms": round(float(np.mean(np.concatenate([turn.answer["times_ms"] for turn in turns]))), 6),
        }


class Ours(Side):
    name = label = "Menagerie"

    def __init__(self, zoo, case, weights, threads):
        self.command = [zoo, "bench", weights, "--mode", case.mode, "--batch", case.batch, "--threads", threads]
        self.command.append("--json")
        if case.mode == "train":
            self.command.append("--no-dropout")

    def bench(self, *options) -> dict:
        result = subprocess.run(list(map(str, [*self.command, *options])), capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(f"zoo bench ended with {result.returncode}: {result.stderr.strip()[-300:]}")
        return json.loads(result.stdout)

    def timed(self, iterations, warmup):
        return self.bench("--iterations", iterations, "--warmup", warmup)

    def close(self):
        pass


class Theirs(Side):
    def __init__(self, name: str, settings: dict):
        self.name, self.label = name, PEERS.get(name, "PyTorch in double precision")
        module, kind = MODULES.get(name, ("peers_torch", "Torch"))
        threads = str(settings["threads"])
        environment = {} if name == "double" else {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        self.worker = Worker(self.label, [*python_command(HERE / "peers_serve.py"), module, kind], environment)
        try:
            self.library = self.worker.ask({**settings, "variant": name})["library"]
        except Failure:
            self.close()
            raise

    def ask(self, work: str, **request):
        return self.worker.ask({"do": work, **request})

    def timed(self, iterations, warmup):
        return self.ask("measure", iterations=iterations, warmup=warmup)

    def close(self):
        self.worker.close()


def say(text: str):
    print(text, file=sys.stderr, flush=True)

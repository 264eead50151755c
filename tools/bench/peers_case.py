"""One network at one job with one batch size: first the proof that all sides compute the same, then turns."""

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

import peers_proof as proof
from peers_sides import HERE, PEERS, TORCH, Ours, Side, Theirs, say
from report import Comparison
from worker import Failure

FASTEST = {"inference": 1.1, "train": 2.0, "frozen": 1.5}
# Of PyTorch's peak memory in a training step ours may be 0.7.
MEMORY = 1 / 0.7
AGREEMENT = 0.2


@dataclass(frozen=True)
class Case:
    model: str
    mode: str
    batch: int

    def __str__(self):
        job = {"inference": "inference", "train": "training step", "frozen": "step of the head"}[self.mode]
        return f"{self.model}, {job}, batch {self.batch}"

    @property
    def fastest_target(self) -> float:
        return 3.0 if (self.model, self.mode) == ("efficientnet_b0", "train") else FASTEST[self.mode]


@dataclass
class Found:
    """What all cases have come to."""

    comparisons: list = field(default_factory=list)
    checks: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    libraries: list = field(default_factory=list)
    startup: list = field(default_factory=list)
    outside: list = field(default_factory=list)

    def note(self, text):
        say(f"  note: {text}")
        if text not in self.notes:
            self.notes.append(text)

    def add_checks(self, checks):
        for item in checks:
            say(f"  {item['what']}: {item['difference']:.1e}, limit {item['limit']:.0e}")
        self.checks += checks

    def add_library(self, text):
        if text not in self.libraries:
            self.libraries.append(text)


class Files:
    """A network's weights, and what the peers read instead of them. Each is made when it is first asked for."""

    def __init__(self, options, model: str, folder: Path):
        self.options, self.model, self.folder, self.failed = options, model, folder, {}
        self.weights = folder / "weights.pth"
        if model == "lenet":
            self.weights = options.root / "zoo/weights/lenet-mnist.pth"
        else:
            say(f"{model}: drawing the weights")
            self.made(self.weights, sys.executable, "-B", HERE / "peers_networks.py", "weights", model, self.weights)

    def onnx(self, batch: int) -> Path:
        path = self.folder / f"batch{batch}.onnx"
        command = (sys.executable, "-B", HERE / "peers_networks.py", "onnx", self.model, self.weights, batch, path)
        return self.made(path, *command)

    def keras(self) -> Path:
        path = self.folder / "model.keras"
        return self.made(path, self.options.zoo, "convert", self.weights, "-o", path, "--to", "keras")

    def made(self, path, *command) -> Path:
        if path in self.failed:
            raise Failure(self.failed[path])
        if not path.exists():
            environment = {**os.environ, "OMP_NUM_THREADS": str(self.options.threads)}
            result = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
            if result.returncode != 0:
                lines = (result.stderr or result.stdout).strip().splitlines() or [f"code {result.returncode}"]
                self.failed[path] = f"{path.name} of {self.model} can't be made: {lines[-1][:300]}"
                raise Failure(self.failed[path])
        return path


class Measurement:
    def __init__(self, case: Case, files: Files, options, found: Found):
        self.case, self.files, self.options, self.found = case, files, options, found
        self.folder = files.folder
        self.ours = Ours(options.zoo, case, files.weights, options.threads)
        self.sides: list[Side] = [self.ours]

    def run(self):
        say(f"{self.case}: proving that all sides compute the same")
        try:
            self.prove()
            if len(self.sides) == 1:
                self.found.note(f"{self.case}: no peer to compare with")
                return
            self.measure()
            self.look_from_outside()
        finally:
            for side in self.sides:
                side.close()
        if self.case.mode == "train":
            self.measure_memory()

    # Equal work

    def prove(self):
        """Our results against PyTorch's in double precision, then each peer's against the same."""
        self.verify = self.folder / f"verify-{self.case.mode}-{self.case.batch}.npz"
        self.described = self.ours.bench("--verify", self.verify, "--iterations", proof.STEPS, "--warmup", 0)
        self.found.add_library(f"Menagerie with {self.described['library']}")
        self.batches = 4 if self.case.batch == 1 else 2
        # What PyTorch computes in double precision, and for training what its single precision makes of it.
        self.references = [self.computed(name) for name in ("double", "eager")[:1 if self.inference else 2]]
        self.found.add_checks(self.checks(str(self.case), self.verify))
        for name in self.options.peers:
            if (self.inference or name in TORCH) and (side := self.started(name)) is not None:
                self.sides.append(side)
                self.found.add_checks(self.checks(f"{self.case}, {side.label}", side.results))
                side.results.unlink()
        for path in self.references:
            path.unlink()

    @property
    def inference(self) -> bool:
        return self.case.mode == "inference"

    def computed(self, name: str) -> Path:
        side = self.start(name)
        try:
            path = self.results(side)
            return path.rename(path.with_name(f"reference-{path.name}"))
        finally:
            side.close()

    def checks(self, name: str, results: Path) -> list[dict]:
        with ExitStack() as stack:
            start, found, *references = (
                stack.enter_context(np.load(path)) for path in (self.verify, results, *self.references))
            if self.inference:
                return [proof.logits(name, found["logits"][:self.batches], references[0]["logits"])]
            return proof.steps(name, found, *references, start, strictly=results == self.verify)

    def started(self, name: str):
        """A peer that has computed once; none if it can't on this machine, which is noted."""
        say(f"  starting {PEERS[name]}")
        side = None
        try:
            side = self.start(name)
            side.results = self.results(side)
        except Failure as problem:
            if side:
                side.close()
            self.found.note(f"{self.case}: left out {name}: {problem}")
            return None
        self.found.add_library(side.library)
        return side

    def start(self, name: str) -> Theirs:
        case = self.case
        settings = {"model": case.model, "mode": case.mode, "weights": self.files.weights, "verify": self.verify,
                    "threads": self.options.threads, **self.described.get("optimizer", {})}
        if name in ("onnxruntime", "openvino"):
            settings["onnx"] = self.files.onnx(case.batch)
        elif name == "tensorflow":
            settings["keras"] = self.files.keras()
        return Theirs(name, settings)

    def results(self, side: Theirs) -> Path:
        path = self.folder / f"{side.name}.npz"
        if self.inference:
            side.ask("logits", batches=self.batches, output=path)
        else:
            side.ask("steps", count=proof.STEPS, output=path)
        return path

    # Turns

    def comparison(self, peer: str, target=None, unit="ms", scale=1.0) -> Comparison:
        what = str(self.case) if unit == "ms" else f"{self.case}: peak memory"
        return Comparison(what, peer, unit, scale, asdict(self.case), target)

    def measure(self):
        for side in self.sides:
            say(f"  {side.label}: about {side.calibrate():.3g} ms, {side.iterations} iterations a turn")
        self.turns = {side.name: [] for side in self.sides}
        for number in range(self.options.rounds):
            say(f"  round {number + 1} of {self.options.rounds}")
            # Back and forth, so that nobody always follows the same neighbour.
            for side in self.sides if number % 2 == 0 else reversed(self.sides):
                self.turns[side.name].append(side.turn())
        peers = self.sides[1:]
        for side in peers:
            aims_at = 2.0 if self.inference and side.name == "eager" else None
            self.compare(side.label, side, aims_at)
        fastest = min(peers, key=self.typical)
        self.compare(f"the fastest: {fastest.label}", fastest, self.case.fastest_target)
        answers = [turn.answer for turn in self.turns[self.ours.name]]
        self.peaks = [answer["peak_memory_bytes"] for answer in answers]
        self.found.startup.append({
            "case": asdict(self.case), "peak_memory_bytes": max(self.peaks),
            "plan_memory_bytes": answers[0]["plan_memory_bytes"],
            **{key: round(float(np.median([answer[key] for answer in answers])), 3)
               for key in ("load_ms", "plan_ms", "first_ms")},
        })

    def typical(self, side) -> float:
        return float(np.median([turn.median for turn in self.turns[side.name]]))

    def compare(self, label, side, target):
        comparison = self.comparison(label, target)
        for ours, theirs in zip(self.turns[self.ours.name], self.turns[side.name]):
            comparison.add(ours.median, theirs.median)
        self.found.comparisons.append(comparison)
        middle = comparison.document["ratio"]["median"]
        say(f"  {label}: {middle:.2f}" + (f", target {target}" if target else ""))

    def look_from_outside(self):
        say("  looking from outside")
        for side in self.sides:
            seen = side.from_outside(self.typical(side))
            outer, inner, mean = (seen[key] for key in ("outer_ms", "inner_ms", "mean_ms"))
            agrees = abs(outer - inner) <= AGREEMENT * inner
            self.found.outside.append({"case": asdict(self.case), "side": side.label, "agrees": agrees, **seen})
            if not agrees:
                self.found.note(f"{self.case}, {side.label}: from outside {outer:.3g} ms an iteration; "
                                f"inside the median is {inner:.3g} ms, the mean {mean:.3g} ms")

    def measure_memory(self):
        """The most memory of a process that does three steps and nothing else."""
        for name in ("eager", "channels-last"):
            if name not in self.turns:
                continue
            say(f"  memory: {PEERS[name]}")
            side = self.start(name)
            try:
                side.ask("steps", count=proof.STEPS)
                peak = side.worker.peak_bytes
            finally:
                side.close()
            if peak:
                comparison = self.comparison(PEERS[name], MEMORY, "MiB", 1 / (1 << 20))
                comparison.add(max(self.peaks), peak)
                self.found.comparisons.append(comparison)

"""LeNet against PyTorch: training steps, inference, and whole epochs, in turns."""

import time
from pathlib import Path

import numpy as np

from report import Comparison
from worker import Failure, Worker, python_command

BATCH, BATCHES = 64, 32
LEARNING_RATE, MOMENTUM = 0.01, 0.9
WARMUP, STEPS = 10, 50
INFERENCES = {1: 400, 64: 50}
# Seconds between turns, in which OpenMP's threads on the side that has just worked stop to wait at full load.
PAUSE = 0.05
DEBIAN = "/usr/share/datasets/fashion-mnist"


def run(options, folder) -> dict:
    settings, source = prepare(options, folder)
    environment = Worker("worker", [options.worker, "--environment"])
    recommended = environment.ask({})
    environment.close()
    ours = Worker("Menagerie", [options.worker], recommended)
    theirs = Worker("PyTorch", python_command(options.root / "tools/bench/torch_worker.py"))
    try:
        suite = Suite(ours, theirs, settings, folder, options.rounds or 15)
        suite.notes.append(f"pictures: {source}")
        if options.profile:
            suite.profile()
        checks = suite.prove()
        suite.measure()
    finally:
        ours.close()
        theirs.close()
    return {
        "libraries": suite.libraries, "checks": checks, "notes": suite.notes, "comparisons": suite.comparisons,
    }


def prepare(options, folder):
    """Writes the batches that both sides learn from, and finds or makes 60,000 pictures."""
    random = np.random.default_rng(64)
    inputs = random.standard_normal((BATCHES, BATCH, 1, 32, 32), np.float32)
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "labels.npy", random.integers(0, 10, (BATCHES, BATCH), np.int32))
    pictures, source = Path(DEBIAN), "Fashion-MNIST's 60,000, from Debian's dataset-fashion-mnist"
    if not (pictures / "train-images-idx3-ubyte.gz").exists():
        pictures, source = folder / "pictures", "60,000 made from a seed: a bright square, whose place is the class"
        write_pictures(pictures, random)
    return {
        "model": options.root / "zoo/weights/lenet-mnist.pth",
        "state_dict": options.root / "zoo/weights/lenet-mnist.pth", "inputs": folder / "inputs.npy",
        "labels": folder / "labels.npy", "pictures": pictures, "threads": options.threads,
        "learning_rate": LEARNING_RATE, "momentum": MOMENTUM,
    }, source


def write_pictures(folder, random):
    """A data set of the MNIST kind that can be learned, with noise."""
    folder.mkdir()
    labels = random.integers(0, 10, 60_000, np.uint8)
    pictures = random.integers(0, 128, (60_000, 28, 28), np.uint8)
    for label in range(10):
        row, column = 2 + 12 * (label // 5), 1 + 5 * (label % 5)
        pictures[labels == label, row : row + 10, column : column + 5] += 100
    for name, values in (("train-images-idx3-ubyte", pictures), ("train-labels-idx1-ubyte", labels)):
        head = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
        (folder / name).write_bytes(head + values.tobytes())


def require(name: str, found: float, limit: float) -> dict:
    """A check that has to hold before anything is worth measuring."""
    if not found <= limit:
        raise Failure(f"{name}: the two sides differ by {found:.2e}, at most {limit:.0e} is allowed")
    return {"what": name, "difference": float(found), "limit": limit}


def difference(ours, theirs) -> float:
    """max |ours - theirs| / max |theirs|, as in all parity tests."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


class Suite:
    def __init__(self, ours, theirs, settings, folder, rounds):
        self.ours, self.theirs, self.folder, self.rounds = ours, theirs, folder, rounds
        self.notes, self.comparisons = [], []
        self.libraries = [side.ask(settings)["library"] for side in (ours, theirs)]

    # What each side is asked for

    def train(self, side, **more):
        return side.ask({"do": "train", "warmup": WARMUP, "steps": STEPS, **more})

    def infer(self, side, batch, **more):
        path = self.folder / f"logits-{side.name}.npy"
        answer = side.ask({"do": "infer", "batch": batch, "runs": INFERENCES[batch], "output": path, **more})
        return {"seconds": answer["seconds"], "logits": np.load(path)}

    # Equal work

    def prove(self) -> list:
        """Both sides compute the same, or there is nothing to compare."""
        print("Checking that both sides compute the same", flush=True)
        self.curve = self.train(self.theirs, variant="eager")["losses"]
        checks = [self.check_curve(self.train(self.ours)["losses"])]
        path = self.folder / "reference.npy"
        self.theirs.ask({"do": "reference", "output": path})
        self.reference = np.load(path)
        for batch in INFERENCES:
            checks.append(self.check_logits(batch, self.infer(self.ours, batch)["logits"]))
        order = self.folder / "order.npy"
        self.ours.ask({"do": "order", "output": order})
        self.epoch = self.theirs.ask({"do": "epoch", "variant": "channels-last", "batch": BATCH, "order": order})
        checks += self.check_epoch(self.ours.ask({"do": "epoch"}))
        self.variants = ["channels-last", "eager"]
        began = time.perf_counter()
        compiled = self.theirs.try_ask({"do": "train", "warmup": WARMUP, "steps": STEPS, "variant": "compile"})
        if "error" in compiled:
            self.notes.append(f"torch.compile doesn't work on this machine: {compiled['error']}")
        else:
            checks.append(self.check_curve(compiled["losses"], "torch.compile's loss"))
            self.variants.append("compile")
            self.notes.append(f"torch.compile's first run took {time.perf_counter() - began:.0f} s")
        for check in checks:
            print(f"  {check['what']}: difference {check['difference']:.1e}, limit {check['limit']:.0e}")
        return checks

    def check_curve(self, losses, name="loss") -> dict:
        if len(losses) != len(self.curve):
            raise Failure(f"{name}: {len(losses)} steps instead of {len(self.curve)}")
        require(f"{name} of all {len(losses)} steps", difference(losses, self.curve), 1e-2)
        return require(f"{name} of the first 20 steps", difference(losses[:20], self.curve[:20]), 1e-4)

    def check_logits(self, batch, logits) -> dict:
        runs = np.arange(INFERENCES[batch]) % BATCHES
        return require(f"logits, batch {batch}", difference(logits, self.reference[runs, :batch]), 1e-5)

    def check_epoch(self, found) -> list:
        """Same order of the same pictures: the same first steps, as many steps, and the same loss over all."""
        if found["steps"] != self.epoch["steps"]:
            raise Failure(f"epoch: {found['steps']} steps instead of {self.epoch['steps']}")
        return [
            require("epoch, loss of the first 20 steps", difference(found["losses"], self.epoch["losses"]), 1e-4),
            require("epoch, mean loss", difference([found["loss"]], [self.epoch["loss"]]), 1e-2),
        ]

    # Turns

    def alternate(self, name, rounds, unit, scale, peers, ours, theirs):
        """In each round every side has one turn."""
        print(f"Measuring: {name}", flush=True)
        comparisons = [Comparison(name, peer, unit, scale) for peer in peers]
        for number in range(-1, rounds):
            pause()
            mine = ours()
            for comparison, peer in zip(comparisons, peers):
                pause()
                other = theirs(peer)
                # The round before the first lets both sides warm up.
                if number >= 0:
                    comparison.add(mine, other)
        self.comparisons += comparisons

    def measure(self):
        def train(side, **more):
            answer = self.train(side, **more)
            self.check_curve(answer["losses"])
            return answer["seconds"]

        self.alternate(
            f"training step, batch {BATCH}", self.rounds, "ms", 1e3 / STEPS, self.variants,
            lambda: train(self.ours), lambda variant: train(self.theirs, variant=variant))
        for batch, runs in INFERENCES.items():
            def infer(side, batch=batch, **more):
                answer = self.infer(side, batch, **more)
                self.check_logits(batch, answer["logits"])
                return answer["seconds"]

            self.alternate(
                f"inference, batch {batch}", self.rounds, "ms", 1e3 / runs, ["channels-last", "eager"],
                lambda: infer(self.ours), lambda variant: infer(self.theirs, variant=variant))

        def ours():
            answer = self.ours.ask({"do": "epoch"})
            self.check_epoch(answer)
            return answer["seconds"]

        def theirs(peer):
            variant = "loader" if peer == "DataLoader" else "channels-last"
            answer = self.theirs.ask({"do": "epoch", "variant": variant, "batch": BATCH})
            # Its order is its own, so only about the same loss can be asked for.
            require(f"epoch by {peer}, mean loss", difference([answer["loss"]], [self.epoch["loss"]]), 0.1)
            return answer["seconds"]

        self.alternate(
            "epoch, 60,000 pictures", max(3, self.rounds // 3), "s", 1, ["tensors by index", "DataLoader"], ours,
            theirs)

    def profile(self):
        """Where our training step spends its time, operation by operation."""
        answer = self.ours.ask({"do": "profile", "runs": 200})
        found, slices = answer["operations"], answer["slices"]
        total = sum(item["seconds"] for item in found)
        print("Our training step, operation by operation; loss and update not included")
        if slices > 1:
            print(f"  by one thread alone, with its share of the batch, of which there are {slices}")
        for item in found:
            layers = ", ".join(item["layers"])
            print(f"  {item['seconds'] * 1e6:7.0f} µs  {item['pass']:8}  {layers}: {item['operation']} [{item['kernel']}]")
        print(f"  {total * 1e6:7.0f} µs  in all")


def pause():
    time.sleep(PAUSE)

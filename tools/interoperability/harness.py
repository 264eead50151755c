"""What every check needs: a scratch folder, the command, comparisons by the parity rule."""

import json
import os
import random
import secrets
import subprocess
import tempfile
from pathlib import Path

import numpy as np

CHECKS = []
THREADS = 2


def check(function):
    """Registers a check under its name; the names are held against expected.txt."""
    CHECKS.append(function)
    return function


def sample(rows, fixed=1):
    """All rows with --full; else the first ones and one of the others, drawn from a seed that is printed."""
    rows = list(rows)
    chosen = rows
    if not os.environ.get("MENAGERIE_FULL_MATRIX"):
        seed = int(os.environ.get("MENAGERIE_MATRIX_SEED") or secrets.randbelow(1 << 31))
        drawn = random.Random(seed).choice(rows[fixed:])
        chosen = [*rows[:fixed], drawn]
        title = drawn[0] if isinstance(drawn, tuple) and any(map(callable, drawn)) else drawn
        print(f"    {title}; again with MENAGERIE_MATRIX_SEED={seed}")
    print(f"    {len(chosen)} of {len(rows)} rows")
    return chosen


class Bench:
    """The command under test and a folder to work in."""

    def __init__(self, zoo: str, root: str):
        self.zoo = zoo
        self.root = Path(root)
        self.folder = Path(tempfile.mkdtemp(prefix="menagerie-interop-"))

    def path(self, name: str) -> Path:
        return self.folder / name

    def run(self, *arguments, expect: int = 0) -> subprocess.CompletedProcess:
        command = [self.zoo, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if result.returncode != expect:
            raise AssertionError(f"{' '.join(command)} ended with {result.returncode}: {result.stderr or result.stdout}")
        return result

    def json(self, *arguments) -> dict:
        return json.loads(self.run(*arguments, "--json").stdout)

    def convert(self, source, target: str, *options) -> Path:
        output = self.path(target)
        self.run("convert", source, "-o", output, *options)
        return output

    def forward(self, model, x: np.ndarray, layers=(), options=()) -> dict:
        """Our logits and named activations, each a float64 array in NCHW order."""
        source, output = self.path("forward-input.npy"), self.path("forward-output.npz")
        np.save(source, x)
        named = [part for layer in layers for part in ("--layer", layer)]
        self.run("forward", model, "--input", source, "--output", output, *named, *options)
        with np.load(output) as archive:
            return {name: archive[name].astype(np.float64) for name in archive.files}


def error(ours, reference) -> float:
    """The parity rule's error of a tensor: max |ours - reference| / max |reference|."""
    ours, reference = np.asarray(ours, np.float64), np.asarray(reference, np.float64)
    assert ours.shape == reference.shape, f"shape {ours.shape}, expected {reference.shape}"
    scale = np.abs(reference).max()
    return float(np.abs(ours - reference).max() / (scale if scale > 0 else 1))


def require_parity(what: str, ours, reference64, reference32=None, tolerance: float = 1e-5):
    """Fails unless our error is within the tolerance or four times the framework's own single-precision error."""
    own = error(reference32, reference64) if reference32 is not None else 0.0
    found = error(ours, reference64)
    print(f"    {what}: ours {found:.1e}, framework's own f32 {own:.1e}, tolerance {tolerance:.0e}")
    assert found <= max(tolerance, 4 * own), f"{what}: error {found:.2e} is over the tolerance {tolerance:.0e}"


def require_equal_bytes(what: str, ours, reference):
    """Fails unless two arrays agree in type, shape and every byte."""
    ours, reference = np.ascontiguousarray(ours), np.ascontiguousarray(reference)
    assert ours.dtype == reference.dtype, f"{what}: type {ours.dtype}, expected {reference.dtype}"
    assert ours.shape == reference.shape, f"{what}: shape {ours.shape}, expected {reference.shape}"
    assert ours.tobytes() == reference.tobytes(), f"{what}: bytes differ"

"""Plain tables of tensors from every writer, of every type and layout, in every wrapping, to every reader.

A fixed sample and one random row at every run; all rows with --full (tools/full).
"""

import json
import os
import random
import secrets
import subprocess

import matrix_tables
from harness import Bench, check

SAMPLE = 40


class OldPyTorch:
    """The old PyTorch, in a process of its own."""

    def __init__(self):
        python = os.environ.get("ZOO_OLD_PYTHON") or "/usr/bin/python3"
        self.process = subprocess.Popen(
            [python, "-W", "ignore", matrix_tables.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["problem"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Matrix:
    def __init__(self, bench: Bench):
        self.bench = bench
        self.old = OldPyTorch()

    def save(self, row, seed, path):
        if row["writer"].startswith("torch-1.13"):
            return self.old.ask(do="save", row=row, seed=seed, path=str(path))
        matrix_tables.save(row, seed, str(path))

    def verify(self, row, seed, path):
        if row["reader"] == "torch-1.13":
            return self.old.ask(do="verify", row=row, seed=seed, path=str(path))
        return matrix_tables.verify(row, seed, str(path))

    def problem(self, row, seed):
        """What goes wrong in a row, or nothing."""
        writer, reader = row["writer"], row["reader"]
        source = self.bench.path("row" + (".pth" if writer.startswith("torch") else f".{writer.split('-')[0]}"))
        problem = self.save(row, seed, source)
        if problem:
            return f"{writer} doesn't write it: {problem}"
        suffix = ".pth" if reader.startswith("torch") else f".{reader.split('-')[0]}"
        target = self.bench.path("copy" + suffix)
        options = ["--max-shard-size", "200B"] if reader == "safetensors-parts" else []
        for old in self.bench.folder.glob("copy*"):
            old.unlink()
        outcome = json.loads(self.bench.run("convert", source, "-o", target, "--raw", *options, "--json").stdout)
        written = outcome["files"][-1]
        problem = self.verify(row, seed, written)
        if problem:
            return problem
        if reader != "safetensors-parts" or len(outcome["files"]) > 1:
            self.bench.run("diff", source, written)
        return None

    def run(self, rows, seed):
        problems = []
        for row in rows:
            try:
                problem = self.problem(row, seed)
            except AssertionError as error:
                problem = str(error)
            if problem:
                problems.append(f"{' '.join(row[axis] for axis in matrix_tables.AXES)} (seed {seed}): {problem}")
        self.old.close()
        assert not problems, f"{len(problems)} of {len(rows)} rows:\n" + "\n".join(problems[:20])


@check
def tables_of_every_kind_keep_their_bytes(bench: Bench):
    rows = matrix_tables.rows()
    if os.environ.get("MENAGERIE_FULL_MATRIX"):
        chosen = rows
    else:
        # Spread by a fixed shuffle, so that every axis has most of its values.
        chosen = random.Random(5).sample(rows, SAMPLE)
    print(f"    {len(chosen)} of {len(rows)} rows")
    Matrix(bench).run(chosen, seed=1)


@check
def random_row_of_the_matrix(bench: Bench):
    seed = int(os.environ.get("MENAGERIE_MATRIX_SEED") or secrets.randbelow(1 << 31))
    row = random.Random(seed).choice(matrix_tables.rows())
    print(f"    {' '.join(row[axis] for axis in matrix_tables.AXES)}; again with MENAGERIE_MATRIX_SEED={seed}")
    Matrix(bench).run([row], seed)

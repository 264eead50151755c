"""Writes the hostile corpus and what has to come of each file (expected.json).

    ~/.cache/menagerie/interop/bin/python Tests/HostileTests/Corpus/make_corpus.py [--prove]

Nothing in it is malware: what the pickles call is `touch` of one marker in /tmp. --prove loads every file that says
so in Python, unguarded, in a process of its own, and fails unless the marker appears: the calls are real ones.
Made with torch 2.15, h5py 3.14 (HDF5 1.14) and NumPy 2.4.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import files  # noqa: E402
from corpus import SAMPLES  # noqa: E402

LOADERS = {
    "torch": "import torch; torch.load({path!r}, weights_only=False)",
    "pickle": "import pickle; pickle.load(open({path!r}, 'rb'))",
    "numpy": "import numpy as np; a = np.load({path!r}, allow_pickle=True); isinstance(a, np.ndarray) or [a[k] for k in a]",
}


def write():
    import calls, keras_files, structures  # noqa: E401, F401

    for old in HERE.iterdir():
        if old.is_file() and old.suffix != ".py":
            old.unlink()
    expected = {}
    for file, entry in SAMPLES.items():
        if entry["content"] is not None:
            (HERE / file).write_bytes(entry["content"])
        expected[file] = {key: entry[key] for key in ("what", "read", "scan", "runs")}
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (HERE / "expected.json").write_text(text + "\n")
    total = sum(path.stat().st_size for path in HERE.iterdir() if path.is_file() and path.suffix != ".py")
    print(f"{len(SAMPLES)} samples, {total // 1024} KiB")


def prove():
    failures = 0
    for file, entry in SAMPLES.items():
        if entry["runs"] is None:
            continue
        Path(files.MARKER).unlink(missing_ok=True)
        code = LOADERS[entry["runs"]].format(path=str(HERE / file))
        outcome = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
        if not os.path.exists(files.MARKER):
            failures += 1
            print(f"{file}: nothing was called: {outcome.stderr.strip().splitlines()[-1:]}")
    Path(files.MARKER).unlink(missing_ok=True)
    ran = sum(entry["runs"] is not None for entry in SAMPLES.values())
    print(f"{ran - failures} of {ran} calls are real")
    return failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prove", action="store_true", help="load the files in Python, to see that they call")
    arguments = parser.parse_args()
    write()
    sys.exit(1 if arguments.prove and prove() else 0)

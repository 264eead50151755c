"""Runs every check and holds their names against expected.txt, so that none can drop out unseen."""

import argparse
import shutil
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch

torch.set_num_threads(2)

import harness
import keras_checks  # noqa: F401  (registers its checks)
import pytorch_checks  # noqa: F401
import schema_checks  # noqa: F401


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", required=True, help="the command to test")
    parser.add_argument("--root", required=True, help="the repository")
    parser.add_argument("--only", default="", help="run the checks whose names contain this (for work on one)")
    arguments = parser.parse_args()

    expected = (Path(__file__).parent / "expected.txt").read_text().split()
    found = [function.__name__ for function in harness.CHECKS]
    if sorted(expected) != sorted(found):
        print(f"expected.txt and the checks differ: {sorted(set(expected) ^ set(found))}")
        return 1

    bench = harness.Bench(arguments.zoo, arguments.root)
    passed, failed = 0, []
    for function in harness.CHECKS:
        if arguments.only not in function.__name__:
            continue
        started = time.monotonic()
        try:
            function(bench)
            passed += 1
            print(f"ok    {function.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception:  # one failing check must not hide the others
            failed.append(function.__name__)
            traceback.print_exc()
            print(f"FAIL  {function.__name__}", flush=True)
    shutil.rmtree(bench.folder, ignore_errors=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

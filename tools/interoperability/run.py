"""Runs every check and holds their names against expected.txt, so that none can drop out unseen.

Each file of checks runs in a process of its own: PyTorch's compiler and TensorFlow both bring LLVM, and only one of
them can live in a process.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent
MODULES = ["pytorch_checks", "table_checks", "matrix_checks", "keras_checks", "keras_network_checks", "schema_checks"]
sys.path.insert(0, str(HERE))


def run_module(name: str, zoo: str, root: str, only: str) -> tuple[int, list[str]]:
    """Runs one file's checks in this process."""
    import harness

    importlib.import_module(name)
    bench = harness.Bench(zoo, root)
    passed, failed = 0, []
    for function in harness.CHECKS:
        if function.__module__ != name or only not in function.__name__:
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
    return passed, failed


def results(arguments, ran: list[tuple[str, bool, str]], failed: list[str]) -> dict:
    """What zoo/results keeps of a run."""
    root = arguments.root
    commit = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "-C", root, "status", "--porcelain"], capture_output=True, text=True).stdout
    pins = (HERE.parent / "requirements.txt").read_text()
    names = re.findall(r"^([\w-]+)==", pins, re.MULTILINE)
    return {
        "schema": "menagerie/interoperability/1", "commit": commit + ("-changed" if changed else ""),
        "frameworks": {name: importlib.metadata.version(name) for name in sorted(names)},
        "matrix": "full" if arguments.full else "sample",
        "checks": {name: {"passed": ok, "rows": int(rows) if rows else None} for name, ok, rows in sorted(ran)},
        "failed": sorted(set(failed)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", required=True, help="the command to test")
    parser.add_argument("--root", required=True, help="the repository")
    parser.add_argument("--only", default="", help="run the checks whose names contain this (for work on one)")
    parser.add_argument("--full", action="store_true", help="every row of the matrices, not a sample: an hour")
    parser.add_argument("--results", help="write what passed and failed to this file, as JSON")
    parser.add_argument("--module", choices=MODULES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.module:
        passed, failed = run_module(arguments.module, arguments.zoo, arguments.root, arguments.only)
        for name in failed:
            print(f"failed: {name}")
        return 1 if failed else 0

    found = []
    for path in HERE.glob("*_checks.py"):
        found += re.findall(r"^@check\ndef (\w+)\(", path.read_text(), re.MULTILINE)
    expected = (HERE / "expected.txt").read_text().split()
    if sorted(expected) != sorted(found):
        print(f"expected.txt and the checks differ: {sorted(set(expected) ^ set(found))}")
        return 1

    if arguments.full:
        os.environ["MENAGERIE_FULL_MATRIX"] = "1"
    ran = []
    rows = ""
    for module in MODULES:
        command = [sys.executable, __file__, "--module", module, "--zoo", arguments.zoo, "--root", arguments.root]
        process = subprocess.Popen([*command, "--only", arguments.only], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            print(line, end="", flush=True)
            if match := re.match(r" +(\d+) of \d+ rows$", line):
                rows = match[1]
            if match := re.match(r"(ok|FAIL) +(\w+)", line):
                ran.append((match[2], match[1] == "ok", rows))
                rows = ""
        if process.wait() != 0:
            print(f"{module} ended with {process.returncode}")
            ran.append((module, False, ""))
    passed = sum(ok for _, ok, _ in ran)
    failed = [name for name, ok, _ in ran if not ok]
    if not arguments.only:
        failed += sorted(set(expected) - {name for name, _, _ in ran})
    if arguments.results:
        text = json.dumps(results(arguments, ran, failed), indent=2, sort_keys=True)
        Path(arguments.results).write_text(text + "\n")
    if failed:
        print(f"failed: {', '.join(dict.fromkeys(failed))}")
    print(f"{passed} passed, {len(set(failed))} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

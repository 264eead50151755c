"""Runs every check and holds their names against expected.txt, so that none can drop out unseen.

Each file of checks runs in a process of its own: PyTorch's compiler and TensorFlow both bring LLVM, and only one of
them can live in a process.
"""

import argparse
import concurrent.futures
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
MODULES = [
    "pytorch_checks", "table_checks", "matrix_checks", "keras_checks", "keras_storage_checks", "keras_network_checks",
    "keras_export_checks", "keras_application_checks", "keras_package_checks", "keras_source_checks",
    "keras_random_checks", "architecture_checks", "draft_checks", "photograph_checks", "schema_checks", "proof_checks"]
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


def frameworks(root: Path) -> dict[str, str]:
    """The versions that are installed of what tools/requirements.txt lists."""
    names = re.findall(r"^([\w-]+)==", (root / "tools/requirements.txt").read_text(), re.MULTILINE)
    return {name: importlib.metadata.version(name) for name in sorted(names)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", required=True, help="the command to test")
    parser.add_argument("--root", required=True, help="the repository")
    parser.add_argument("--only", default="", help="run the checks whose names contain this (for work on one)")
    parser.add_argument("--full", action="store_true", help="every row of the matrices, not a sample of them")
    parser.add_argument("--json", type=Path, help="a file for what ran, how long each took, and the frameworks")
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
    ran, seconds, rows = [], {}, {}

    def follow(module: str):
        """Runs one file's checks in a process of its own, and notes what it says."""
        command = [sys.executable, __file__, "--module", module, "--zoo", arguments.zoo, "--root", arguments.root]
        process = subprocess.Popen([*command, "--only", arguments.only], stdout=subprocess.PIPE, text=True)
        tried = None
        for line in process.stdout:
            print(line, end="", flush=True)
            if match := re.match(r" +(\d+) of \d+ rows$", line):
                tried = int(match[1])
            if match := re.match(r"(ok|FAIL) +(\w+)(?: \(([\d.]+) s\))?", line):
                ran.append((match[2], match[1] == "ok"))
                seconds[match[2]] = float(match[3] or 0)
                if tried:
                    rows[match[2]] = tried
                tried = None
        if process.wait() != 0:
            print(f"{module} ended with {process.returncode}")
            ran.append((module, False))

    # Several at a time: most of what they do, they do on one processor.
    with concurrent.futures.ThreadPoolExecutor(max(2, (os.cpu_count() or 2) // 2 + 1)) as pool:
        list(pool.map(follow, MODULES))
    passed = sum(ok for _, ok in ran)
    failed = [name for name, ok in ran if not ok]
    if not arguments.only:
        failed += sorted(set(expected) - {name for name, _ in ran})
    if failed:
        print(f"failed: {', '.join(dict.fromkeys(failed))}")
    print(f"{passed} passed, {len(set(failed))} failed")
    if arguments.json:
        document = {
            "schema": "menagerie/interop/1", "checks": dict(sorted(seconds.items())), "failed": sorted(set(failed)),
            "frameworks": frameworks(Path(arguments.root)), "passed": passed, "rows": rows,
        }
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

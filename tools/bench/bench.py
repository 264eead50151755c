"""Runs a suite of measurements; the scripts beside it prepare what it needs and start it."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import formats
import lenet
import predict
import report
from worker import Failure

SUITES = {"formats": formats, "lenet": lenet, "predict": predict}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/bench/bench.py", add_help=False)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--worker", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=report.usable_processors())
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if options.threads < 1 or (options.rounds is not None and options.rounds < 1):
        parser.error("--rounds and --threads must be at least 1")
    suite = SUITES[options.suite]
    with tempfile.TemporaryDirectory(prefix="menagerie-bench-") as folder:
        try:
            machine = report.machine(options.threads if options.suite == "lenet" else None)
            found = suite.run(options, Path(folder))
        except Failure as problem:
            print(f"error: {problem}", file=sys.stderr)
            return 1
    threads = machine["threads"]
    command = f"tools/bench/{options.suite}" + (f" --threads {threads}" if threads else "")
    command += f" --rounds {options.rounds}" if options.rounds else ""
    if machine["load_average"] > machine["usable_processors"] / 2:
        found["notes"].append("the machine was busy with other work: both sides would be faster alone")
    document = {
        "schema": "menagerie/benchmark/1", "suite": options.suite, "command": command, "machine": machine,
        "libraries": found["libraries"], "checks": found["checks"], "commands": found.get("commands", []),
        "notes": found["notes"], "comparisons": [item.document for item in found["comparisons"]],
    }
    report.checked(document)
    print_text(document)
    if options.json:
        options.json.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return 0


def print_text(document: dict):
    machine = document["machine"]
    print()
    print(report.table(document["comparisons"]))
    print()
    print("  Medians over the rounds. A ratio is their time divided by ours, taken within each round; above 1, we are")
    print("  ahead. The sides took turns in one run and only one worked at a time.")
    for note in document["notes"]:
        print(f"  note: {note}")
    print()
    print(f"  {machine['processor']}, {machine['processors']} processors, {machine['usable_processors']} usable here")
    sides = f"{machine['threads']} threads on each side" if machine["threads"] else "both sides as they come"
    print(f"  {sides}; load before the run {machine['load_average']}")
    for library in document["libraries"]:
        print(f"  {library}")
    for command in document["commands"]:
        print(f"  {command}")
    print(f"  {document['command']}")


if __name__ == "__main__":
    sys.exit(main())

"""Measures `zoo bench` against other frameworks; tools/bench/peers prepares what it needs and starts it."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import peers_results
import report
from bench import print_text
from peers_case import Case, Files, Found, Measurement
from peers_sides import PEERS
from worker import Failure

MODELS = ("lenet", "alexnet", "vgg16", "resnet18", "efficientnet_b0", "efficientnet_lite0")
MODES = ("inference", "train", "frozen")
USUAL_PEERS = [name for name in PEERS if name != "compile-channels-last"]


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"{message}; see tools/bench/peers --help\n")


def chosen(names):
    """Of these names the ones that a list has, in their order."""
    def parse(text: str) -> list[str]:
        if unknown := set(text.split(",")) - set(names):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
        return [name for name in names if name in text.split(",")]

    return parse


def sizes(text: str) -> list[int]:
    return sorted(set(map(int, text.split(","))))


def options() -> argparse.Namespace:
    parser = Parser(add_help=False)
    for name in ("root", "zoo", "json", "results"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--models", type=chosen(MODELS), default=list(MODELS))
    parser.add_argument("--modes", type=chosen(MODES), default=list(MODES))
    parser.add_argument("--batches", type=sizes, default=[1, 16])
    parser.add_argument("--peers", type=chosen(PEERS), default=USUAL_PEERS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=min(2, report.usable_processors()))
    return parser.parse_args()


def cases(chosen: argparse.Namespace, model: str) -> list[Case]:
    training = 64 if model == "lenet" else 16
    return [
        Case(model, mode, batch) for mode in chosen.modes
        for batch in (chosen.batches if mode == "inference" else [training if mode == "train" else 16])
    ]


def command(chosen: argparse.Namespace) -> str:
    words = ["tools/bench/peers"]
    for name, usual in (("models", MODELS), ("modes", MODES), ("batches", [1, 16]), ("peers", USUAL_PEERS)):
        if getattr(chosen, name) != list(usual):
            words.append(f"--{name} {','.join(map(str, getattr(chosen, name)))}")
    return " ".join([*words, f"--rounds {chosen.rounds} --threads {chosen.threads}"])


def print_rest(document: dict):
    print("\n  Before our first iteration:")
    for item in document["startup"]:
        reading, planning, first = (report.number(item[key]) for key in ("load_ms", "plan_ms", "first_ms"))
        print(f"  {Case(**item['case'])}: reading the file {reading} ms, planning {planning} ms, first {first} ms")
    confirmed = sum(item["agrees"] for item in document["outside"])
    print(f"\n  Seen from outside, {confirmed} of {len(document['outside'])} medians are confirmed within 20 %.")


def main() -> int:
    chosen = options()
    machine, found = report.machine(chosen.threads), Found()
    if machine["load_average"] > machine["usable_processors"] / 2:
        found.notes.append("the machine was busy with other work: all sides would be faster alone")
    for model in chosen.models:
        with tempfile.TemporaryDirectory(prefix="menagerie-peers-") as folder:
            try:
                if shutil.disk_usage(folder).free < 10 << 30:
                    raise Failure(f"the files need 10 GB in {folder}")
                files = Files(chosen, model, Path(folder))
                for case in cases(chosen, model):
                    Measurement(case, files, chosen, found).run()
            except Failure as problem:
                print(f"error: {problem}", file=sys.stderr)
                return 1
    if not found.comparisons:
        print("error: there was nobody to compare with", file=sys.stderr)
        return 1
    document = {
        "schema": "menagerie/benchmark/1", "suite": "peers", "command": command(chosen), "machine": machine,
        "libraries": found.libraries, "checks": found.checks, "commands": [], "notes": found.notes,
        "comparisons": [item.document for item in found.comparisons], "startup": found.startup,
        "outside": found.outside,
    }
    report.checked(document)
    print_text(document)
    print_rest(document)
    if chosen.json:
        peers_results.write_json(document, chosen.json)
    if chosen.results:
        peers_results.write(document, chosen.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())

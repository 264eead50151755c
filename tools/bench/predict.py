"""The whole `zoo predict` process from start to exit against the same job as a Python script."""

import json
import subprocess
import sys
import time

from report import Comparison
from worker import Failure

PAUSE = 0.05


def run(options, folder) -> dict:
    root = options.root
    weights = root / "zoo/weights/lenet-mnist.pth"
    picture = sorted((root / "zoo/data/pictures").glob("*.png"))[0]
    ours = [options.zoo, "predict", "lenet-mnist", picture]
    theirs = [sys.executable, "-B", root / "tools/bench/predict_pytorch.py", weights, picture]
    checks = prove(ours, theirs)
    launcher = compiled_launcher(root, folder)
    times = Comparison("zoo predict, whole process", "Python script", "ms", 1e3)
    memory = Comparison("zoo predict, peak memory", "Python script", "MiB", 1 / (1 << 20))
    rounds = options.rounds or 21
    print("Measuring: whole processes", flush=True)
    for number in range(-1, rounds):
        found = []
        for command in (ours, theirs):
            time.sleep(PAUSE)
            answer = json.loads(output([launcher, *command]))
            if answer["code"] != 0:
                raise Failure(f"{command[0]} ended with {answer['code']}")
            found.append(answer)
        # The round before the first brings the files into memory.
        if number >= 0:
            times.add(found[0]["seconds"], found[1]["seconds"])
            memory.add(found[0]["peak_bytes"], found[1]["peak_bytes"])
    shown = [" ".join(["zoo", *map(str, ours[1:])]), " ".join(["python", *map(str, theirs[1:])])]
    shown = [line.replace(f"{root}/", "") for line in shown]
    notes = ["the files were in the page cache", targets(times, memory)]
    library = subprocess.run([options.zoo, "--version"], capture_output=True, text=True, check=True).stdout
    peer = subprocess.run(
        [sys.executable, "-c", "import torch, PIL; print(f'PyTorch {torch.__version__}, Pillow {PIL.__version__}')"],
        capture_output=True, text=True, check=True).stdout
    name, engine = library.splitlines()[:2]
    return {
        "libraries": [f"{name}, {engine.removeprefix('engine').strip()}", peer.strip()], "checks": checks, "notes": notes, "commands": shown,
        "comparisons": [times, memory],
    }


def compiled_launcher(root, folder):
    target = folder / "launch"
    output(["cc", "-O2", "-o", target, root / "tools/bench/launch.c"])
    return target


def targets(times, memory) -> str:
    seconds, size = (item.document["ours"]["median"] for item in (times, memory))
    reached = "reached" if seconds < 60 and size < 64 else "missed"
    return f"target: below 60 ms and 64 MiB from process start; {seconds:.1f} ms and {size:.1f} MiB, {reached}"


def prove(ours, theirs) -> list:
    """Both name the same classes with the same probabilities."""
    print("Checking that both sides say the same", flush=True)
    answer = json.loads(output([*ours, "--json"]))
    mine = {item["class"]: item["probability"] for item in answer["pictures"][0]["predictions"]}
    lines = [line.split() for line in output(theirs).splitlines()]
    other = {int(index): float(probability) for probability, index in lines}
    if list(mine) != list(other):
        raise Failure(f"the classes differ: {list(mine)} and {list(other)}")
    found = max(abs(mine[index] - other[index]) for index in mine)
    if found > 1e-4:
        raise Failure(f"the probabilities differ by {found:.1e}, at most 1e-4 is allowed")
    print(f"  classes {list(mine)}: probabilities differ by {found:.1e}, limit 1e-04")
    return [{"what": "probabilities of the first three classes", "difference": found, "limit": 1e-4}]


def output(command) -> str:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode != 0:
        raise Failure(f"{command[0]} ended with {result.returncode}: {(result.stderr or result.stdout).strip()[-300:]}")
    return result.stdout

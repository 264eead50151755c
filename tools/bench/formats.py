"""Opening, converting and reading checkpoints of VGG16's size, against torch, safetensors, cp and h5py."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from predict import compiled_launcher, output
from report import Comparison
from worker import Failure, Worker, python_command

PAUSE = 0.05


def run(options, folder) -> dict:
    files = prepared(options.root)
    here = options.root / "tools/bench"
    bench = Formats(options, folder, files, compiled_launcher(options.root, folder))
    ours = Worker("menagerie", [options.worker])
    theirs = Worker("python", python_command(here / "formats_worker.py"))
    try:
        ours.ask({"zoo": options.zoo})
        checks = prove(ours, theirs, files)
        rounds = options.rounds or 7
        comparisons = [
            *bench.processes(
                "list a .pth, whole process", "torch.load(mmap=True)", rounds,
                [options.zoo, "inspect", files["pth"], "--json"],
                [sys.executable, "-B", here / "formats_open.py", files["pth"]]),
            *bench.asked("list a .pth, running process", "torch.load(mmap=True)", rounds, ours, theirs, "open", "pth"),
            *bench.asked(
                "list a safetensors file", "safetensors' Rust library", rounds, ours, theirs, "open", "safetensors"),
            *bench.converting(rounds, here),
            *bench.asked("read a Keras .h5 whole", "h5py", max(3, rounds // 2), ours, theirs, "read", "h5"),
        ]
    finally:
        ours.close()
        theirs.close()
    library = subprocess.run([options.zoo, "--version"], capture_output=True, text=True, check=True).stdout
    peers = subprocess.run(
        [sys.executable, "-c", "import torch, safetensors, h5py; print(f'PyTorch {torch.__version__}, safetensors "
         "{safetensors.__version__}, h5py {h5py.__version__}')"], capture_output=True, text=True, check=True).stdout
    size = files["pth"].stat().st_size
    return {
        "libraries": [library.splitlines()[0], peers.strip()], "checks": checks, "comparisons": comparisons,
        "notes": [f"VGG16 with random numbers, {size / 1e6:.0f} MB; the files were in the page cache"],
    }


class Formats:
    def __init__(self, options, folder, files, launcher):
        self.options, self.folder, self.files, self.launcher = options, folder, files, launcher

    def launch(self, command):
        answer = json.loads(output([self.launcher, *command]))
        if answer["code"] != 0:
            raise Failure(f"{command[0]} ended with {answer['code']}")
        return answer

    def processes(self, what, peer, rounds, ours, theirs, after=lambda: None):
        print(f"Measuring: {what}, {peer}", flush=True)
        times = Comparison(what, peer, "ms", 1e3)
        memory = Comparison(f"{what}: peak memory", peer, "MiB", 1 / (1 << 20))
        for number in range(-1, rounds):
            found = []
            for command in (ours, theirs):
                time.sleep(PAUSE)
                found.append(self.launch(command))
                after()
            if number >= 0:
                times.add(found[0]["seconds"], found[1]["seconds"])
                memory.add(found[0]["peak_bytes"], found[1]["peak_bytes"])
        return [times, memory]

    def asked(self, what, peer, rounds, ours, theirs, work, kind):
        print(f"Measuring: {what}", flush=True)
        times = Comparison(what, peer, "ms", 1e3)
        memory = Comparison(f"{what}: peak memory", peer, "MiB", 1 / (1 << 20))
        request = {"do": work, "path": str(self.files[kind]), "runs": 20}
        for number in range(-1, rounds):
            found, peaks = [], []
            for side in (ours, theirs):
                time.sleep(PAUSE)
                side.forget_peak()
                found.append(side.ask(request)["seconds"])
                peaks.append(side.peak_bytes)
            if number >= 0:
                times.add(*found)
                if all(peaks):
                    memory.add(*peaks)
        return [times, memory] if memory.ours else [times]

    def converting(self, rounds, here):
        """To a new file each time, beside the source, as both copy to the same disk."""
        target = self.files["pth"].with_name("converted.safetensors")
        ours = [self.options.zoo, "convert", "--raw", self.files["pth"], "-o", target]

        def remove():
            target.unlink(missing_ok=True)

        try:
            remove()
            copied = self.processes("convert .pth to safetensors", "cp", rounds, ours,
                                    ["/bin/cp", self.files["pth"], target], after=remove)
            # `cp` leaves the bytes to the system to bring to the disk some time; we wait until they are there.
            durable = self.processes("convert .pth to safetensors", "cp, then fsync", rounds, ours,
                                     ["/bin/sh", "-c", 'cp "$0" "$1" && sync "$1"', self.files["pth"], target],
                                     after=remove)
            scripted = self.processes(
                "convert .pth to safetensors", "torch and safetensors", max(3, rounds // 2), ours,
                [sys.executable, "-B", here / "formats_convert.py", self.files["pth"], target], after=remove)
        finally:
            remove()
        return [*copied, *durable, *scripted]


def prove(ours, theirs, files) -> list:
    """Both find the same tensors, and the same bytes in them."""
    print("Checking that both sides read the same", flush=True)
    for kind in ("pth", "safetensors"):
        request = {"do": "open", "path": str(files[kind]), "runs": 1}
        mine, other = (sorted(map(tuple_of, side.ask(request)["tensors"])) for side in (ours, theirs))
        if mine != other:
            raise Failure(f"the tables of {files[kind].name} differ")
    request = {"do": "read", "path": str(files["h5"]), "runs": 1}
    mine, other = (sorted(side.ask(request)["digests"].values()) for side in (ours, theirs))
    if mine != other:
        raise Failure(f"the arrays of {files['h5'].name} differ")
    print(f"  {len(mine)} arrays byte for byte, both tables name for name")
    return [{"what": "arrays that differ", "difference": 0, "limit": 0}]


def tuple_of(entry):
    return entry[0], tuple(entry[1])


def prepared(root) -> dict:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "menagerie/bench"
    files = {kind: cache / f"vgg16.{kind}" for kind in ("pth", "safetensors", "h5")}
    if not all(path.exists() for path in files.values()):
        cache.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(cache).free < 4 << 30:
            raise Failure(f"the files need 4 GB in {cache}")
        # TensorFlow and PyTorch in processes of their own.
        for library in ("torch", "keras"):
            print(f"Making the files ({library})", flush=True)
            output([sys.executable, "-B", root / "tools/bench/formats_make.py", cache, library])
    return files

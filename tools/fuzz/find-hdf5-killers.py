"""Finds damaged HDF5 files that kill the HDF5 library in the process that reads them.

Changes bytes of small Keras files, half of the time in places that hold metadata, and lets the command's indexer
(which is that library, in a process of its own) read each variant directly. What ends by a signal or runs into its
limits is kept as a patch: the base file and the bytes that differ. The patches go into hdf5-killers.json, which the
robustness tests read.

    python3 tools/fuzz/find-hdf5-killers.py --zoo .build/release/zoo --count 40
"""

import argparse
import json
import random
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASES = ["keras1-names.h5", "latest.h5", "full-model.h5", "keras3.weights.h5", "compressed.h5", "keras2-names.h5"]
SPECIAL = [0, 1, 0x7F, 0x80, 0xFF]


def metadata_places(data: bytes) -> list[int]:
    """Places that matter to the library: bytes within 48 of a signature, and those that aren't part of long runs."""
    places = set(range(0, min(len(data), 120)))
    for signature in (b"TREE", b"HEAP", b"SNOD", b"GCOL", b"OHDR", b"OCHK", b"FRHP", b"BTHD", b"\x89HDF"):
        start = data.find(signature)
        while start >= 0:
            places.update(range(start, min(start + 96, len(data))))
            start = data.find(signature, start + 1)
    # Version-1 object headers have no signature: they begin 01 00 and a small message count.
    for start in range(0, len(data) - 16, 8):
        if data[start] == 1 and data[start + 1] == 0 and 0 < data[start + 2] < 40 and data[start + 3] == 0:
            places.update(range(start, min(start + 160, len(data))))
    return sorted(places)


def mutate(generator: random.Random, data: bytes, places: list[int]) -> dict[int, int]:
    patch = {}
    for _ in range(generator.choice([1, 1, 2, 3])):
        place = generator.choice(places) if generator.random() < 0.9 else generator.randrange(len(data))
        for offset in range(generator.choice([1, 1, 2, 4, 8])):
            if place + offset < len(data):
                value = generator.choice(SPECIAL) if generator.random() < 0.5 else generator.randrange(256)
                patch[place + offset] = value
    return patch


def kills(zoo: str, data: bytes, patch: dict[int, int], folder: str, number: int) -> str | None:
    changed = bytearray(data)
    for place, value in patch.items():
        changed[place] = value
    path = Path(folder) / f"{number}.h5"
    path.write_bytes(changed)
    try:
        code = subprocess.run([zoo, "__index-hdf5", str(path)], capture_output=True, timeout=30).returncode
    except subprocess.TimeoutExpired:
        return "never ends"
    finally:
        path.unlink()
    return f"signal {-code}" if code < 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", required=True, help="the command")
    parser.add_argument("--count", type=int, default=40, help="how many to find")
    parser.add_argument("--tries", type=int, default=60_000, help="when to give up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()

    generator = random.Random(arguments.seed)
    bases = {name: (ROOT / "tools/goldens/formats" / name).read_bytes() for name in BASES}
    places = {name: metadata_places(data) for name, data in bases.items()}
    found, tried = [], 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        while len(found) < arguments.count and tried < arguments.tries:
            batch = []
            for _ in range(400):
                name = generator.choice(BASES)
                batch.append((name, mutate(generator, bases[name], places[name])))
            numbered = list(enumerate(batch))
            outcomes = pool.map(lambda item: kills(arguments.zoo, bases[item[1][0]], item[1][1], folder, item[0]), numbered)
            for (name, patch), outcome in zip(batch, outcomes):
                tried += 1
                if outcome:
                    found.append({"base": name, "patch": sorted(patch.items()), "how": outcome})
            print(f"{tried} tried, {len(found)} kill", flush=True)
    document = {"tried": tried, "killers": found[: arguments.count]}
    target = ROOT / "tools/fuzz/hdf5-killers.json"
    target.write_text(json.dumps(document) + "\n")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()

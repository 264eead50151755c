"""What the two format scripts share: the list of expectations in expected.json."""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent

DTYPES = {
    "float32": "f32",
    "float64": "f64",
    "float16": "f16",
    "bfloat16": "bf16",
    "int64": "i64",
    "int32": "i32",
    "int16": "i16",
    "int8": "i8",
    "uint8": "u8",
    "bool": "bool",
}


def entry(name, dtype, array, **more):
    """One tensor: what a reader must report, and the hash of its values in row-major, little-endian order.

    `array` holds the bits; `dtype` says what they mean, which is not the array's own only for bfloat16.
    """
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return {
        "name": name,
        "dtype": DTYPES[dtype],
        "shape": list(array.shape),
        "sha256": hashlib.sha256(little.tobytes()).hexdigest(),
        **more,
    }


class Expectations:
    """The entries of one script; saving replaces those and leaves the other script's alone."""

    def __init__(self, suffix, *packages):
        self.suffix = suffix
        self.writer = {"python": platform.python_version()} | {name: version(name) for name in packages}
        self.files = {}

    def add(self, file, note, tensors=None, **more):
        assert file.endswith(self.suffix) and file not in self.files, file
        assert (HERE / file).exists(), file
        self.files[file] = {"note": note, "writer": self.writer, **more}
        if tensors is not None:
            self.files[file]["tensors"] = tensors

    def save(self):
        path = HERE / "expected.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        known = {file: value for file, value in known.items() if not file.endswith(self.suffix)} | self.files
        # One tensor per line keeps a change readable without spreading every shape over many lines.
        lines = []
        for file, value in sorted(known.items()):
            fields = [
                f"    {json.dumps(key)}: {json.dumps(field)}"
                for key, field in value.items()
                if key != "tensors"
            ]
            if "tensors" in value:
                rows = ",\n".join("      " + json.dumps(tensor) for tensor in value["tensors"])
                fields.append(f'    "tensors": [\n{rows}\n    ]')
            lines.append(f"  {json.dumps(file)}: {{\n" + ",\n".join(fields) + "\n  }")
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        size = sum((HERE / file).stat().st_size for file in self.files)
        print(f"{len(self.files)} files, {size:,} bytes")

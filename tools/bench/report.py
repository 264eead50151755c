"""What was measured, as a table and as JSON."""

import json
import os
import platform
from pathlib import Path

import jsonschema
import numpy as np

SCHEMA = Path(__file__).parents[2] / "schemas/benchmark.schema.json"


class Comparison:
    """One thing that both sides did in turns, ours first in each round."""

    def __init__(self, what: str, peer: str, unit: str, scale: float = 1, case=None, target: float | None = None):
        self.what, self.peer, self.unit, self.scale = what, peer, unit, scale
        self.case, self.target = case, target
        self.ours, self.theirs = [], []

    def add(self, ours: float, theirs: float):
        self.ours.append(ours * self.scale)
        self.theirs.append(theirs * self.scale)

    @property
    def document(self) -> dict:
        # Neighbours in time met the same neighbours on the machine, so each round has its own ratio.
        ratio = summary(np.divide(self.theirs, self.ours))
        document = {
            "what": self.what, "peer": self.peer, "unit": self.unit, "rounds": len(self.ours),
            "ours": summary(self.ours), "theirs": summary(self.theirs), "ratio": ratio,
        }
        if self.case:
            document["case"] = self.case
        if self.target:
            document |= {"target": self.target, "met": ratio["median"] >= self.target}
        return document


def summary(values) -> dict:
    low, median, high = np.percentile(values, [25, 50, 75])
    return {
        "median": round(float(median), 6), "quartiles": [round(float(low), 6), round(float(high), 6)],
        "minimum": round(float(min(values)), 6),
    }


def machine(threads: int | None) -> dict:
    """The machine, and how busy it is with other things."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {
        "processor": model, "processors": os.cpu_count(), "usable_processors": usable_processors(),
        "threads": threads, "system": f"{platform.system()} {platform.machine()}",
        "load_average": round(os.getloadavg()[0], 2),
    }


def usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def table(documents) -> str:
    rows = [("", "compared with", "ours", "theirs", "", "ratio", "quartiles")]
    with_targets = any("target" in item for item in documents)
    if with_targets:
        rows[0] += ("target", "met")
    for item in documents:
        low, high = item["ratio"]["quartiles"]
        rows.append((
            item["what"], item["peer"], number(item["ours"]["median"]), number(item["theirs"]["median"]), item["unit"],
            f"{item['ratio']['median']:.2f}", f"{low:.2f} – {high:.2f}"))
        if with_targets:
            aim = item.get("target")
            rows[-1] += (f"{aim:.2f}", "yes" if item["met"] else "no") if aim else ("", "")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numeric = {2, 3, 5, 7}
    lines = []
    for place, row in enumerate(rows):
        cells = [text.rjust(width) if column in numeric else text.ljust(width)
                 for column, (text, width) in enumerate(zip(row, widths))]
        lines.append(("  " + "  ".join(cells)).rstrip())
        if place == 0:
            lines.append("  " + "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def checked(document: dict) -> dict:
    """The document, held against its schema."""
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document

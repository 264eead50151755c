"""What tools/bench/peers measured, as files: peers.json, a page with tables, and a plot. Also makes page and plot anew:
peers_results.py peers.json FOLDER"""

import json
import sys
from pathlib import Path

import report

FASTEST = "the fastest: "
HEADINGS = {"inference": "Inference", "train": "A training step", "frozen": "A step of the head, the body frozen"}
COLOURS = {
    "PyTorch, eager": "#8c8c8c", "PyTorch, channels-last": "#4c72b0", "torch.compile": "#c44e52",
    "torch.compile, channels-last": "#937860", "onnxruntime": "#55a868", "OpenVINO": "#8172b3", "TensorFlow": "#dd8452",
}


def write_json(document: dict, path: Path):
    path.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write(document: dict, folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    write_json(document, folder / "peers.json")
    (folder / "peers.md").write_text(page(document))
    plot(document, folder / "peers.svg")


def page(document: dict) -> str:
    machine = document["machine"]
    lines = [
        "# Beside other frameworks", "",
        f"Written by `{document['command']}`. {machine['processor']}, {machine['usable_processors']} processors, "
        f"{machine['threads']} threads on each side, load before the run {machine['load_average']}; "
        f"{', '.join(document['libraries'])}.", "",
        "Medians; in brackets their time divided by ours, above 1 we are ahead. The sides took turns in one run, after",
        "each had proved that it computes the same as PyTorch in double precision. Beside some ratios stand targets.", "",
        "![The ratios](peers.svg)", "",
    ]
    for mode, heading in HEADINGS.items():
        of_mode = [item for item in document["comparisons"] if item["case"]["mode"] == mode]
        times = [item for item in of_mode if item["unit"] == "ms"]
        if times:
            lines += [f"## {heading}", "", *times_table(times), ""]
        memory = [item for item in of_mode if item["unit"] == "MiB"]
        if memory:
            lines += ["## Peak memory of training", "", *memory_table(memory), ""]
    lines += ["## Before the first iteration", "", *startup_table(document["startup"]), ""]
    apart = [item for item in document["outside"] if not item["agrees"]]
    count = len(document["outside"])
    lines += [f"Seen from outside, by how much longer twice as many iterations take, {count - len(apart)} of {count} "
              "medians are confirmed within 20 %.", ""]
    if document["notes"]:
        lines += ["## Notes", "", *(f"- {note}" for note in document["notes"]), ""]
    return "\n".join(lines)


def by_case(comparisons: list) -> dict:
    groups = {}
    for item in comparisons:
        groups.setdefault((item["case"]["model"], item["case"]["batch"]), []).append(item)
    return groups


def row(cells) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def head(*cells) -> list[str]:
    return [row(cells), "|---" * len(cells) + "|"]


def ratio(item: dict) -> str:
    """With its target, where it has one."""
    text = f"{item['ratio']['median']:.2f}"
    return f"{text}, {'met' if item['met'] else 'missed'} {item['target']:.2g}" if "target" in item else text


def times_table(comparisons: list) -> list[str]:
    groups = by_case(comparisons)
    peers = [name for name in COLOURS if any(item["peer"] == name for item in comparisons)]
    lines = head("model", "batch", "Menagerie", *peers, "the fastest")
    for (model, batch), items in groups.items():
        found = {item["peer"]: item for item in items}
        cells = []
        for peer in peers:
            item = found.get(peer)
            cells.append(f"{report.number(item['theirs']['median'])} ms ({ratio(item)})" if item else "")
        fastest = next(item for item in items if item["peer"].startswith(FASTEST))
        ours = f"{report.number(fastest['ours']['median'])} ms"
        lines.append(row([model, batch, ours, *cells, ratio(fastest)]))
    return lines


def memory_table(comparisons: list) -> list[str]:
    lines = head("model", "batch", "Menagerie", "compared with", "theirs", "ratio")
    for item in comparisons:
        ours, theirs = (f"{item[side]['median']:.0f} MiB" for side in ("ours", "theirs"))
        lines.append(row([item["case"]["model"], item["case"]["batch"], ours, item["peer"], theirs, ratio(item)]))
    return lines


def startup_table(entries: list) -> list[str]:
    lines = head("model", "mode", "batch", "reading the file", "planning", "first iteration", "the plan's memory",
                 "peak memory")
    for item in entries:
        case = item["case"]
        times = [f"{report.number(item[key])} ms" for key in ("load_ms", "plan_ms", "first_ms")]
        sizes = [f"{item[key] / (1 << 20):.1f} MiB" for key in ("plan_memory_bytes", "peak_memory_bytes")]
        lines.append(row([case["model"], case["mode"], case["batch"], *times, *sizes]))
    return lines


def plot(document: dict, path: Path):
    """A row for each case, a point for each peer, on a logarithmic scale of ratios."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "menagerie", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    times = [item for item in document["comparisons"] if item["unit"] == "ms"]
    modes = [mode for mode in HEADINGS if any(item["case"]["mode"] == mode for item in times)]
    groups = {mode: by_case([item for item in times if item["case"]["mode"] == mode]) for mode in modes}
    heights = [len(groups[mode]) for mode in modes]
    figure, panels = pyplot.subplots(
        len(modes), 1, figsize=(8, 1.6 + 0.5 * len(modes) + 0.28 * sum(heights)), sharex=True, squeeze=False,
        height_ratios=[height + 0.6 for height in heights], layout="constrained")
    for mode, panel in zip(modes, panels[:, 0]):
        for place, items in enumerate(groups[mode].values()):
            for item in items:
                if item["peer"] in COLOURS:
                    panel.plot(item["ratio"]["median"], place, "o", color=COLOURS[item["peer"]], label=item["peer"])
                elif item["peer"].startswith(FASTEST):
                    panel.plot(item["target"], place, "|", color="black", markersize=13, label="target for the fastest")
        panel.set_yticks(range(len(groups[mode])), [f"{model}, {batch}" for model, batch in groups[mode]])
        panel.set_ylim(len(groups[mode]) - 0.4, -0.6)
        panel.set_title(HEADINGS[mode], loc="left", fontsize=10)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.grid(axis="x", which="both", linewidth=0.3)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
    low, high = panels[-1, 0].get_xlim()
    panels[-1, 0].set_xticks([tick for tick in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50) if low <= tick <= high])
    panels[-1, 0].set_xlabel("their time divided by ours: right of 1 we are ahead")
    labels = {label: handle for panel in panels[:, 0] for handle, label in zip(*panel.get_legend_handles_labels())}
    figure.legend(labels.values(), labels, loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))

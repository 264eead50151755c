"""Documents that the command prints, and those inside its files, follow the schemas in schemas/."""

import json
import re

import jsonschema
import referencing
from safetensors import safe_open

from harness import Bench, check


def validator(bench: Bench, name: str):
    resources = []
    for path in sorted((bench.root / "schemas").glob("*.schema.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        resources.append((schema["$id"], referencing.Resource.from_contents(schema)))
    registry = referencing.Registry().with_resources(resources)
    return jsonschema.Draft202012Validator({"$ref": f"urn:menagerie:{name}:1"}, registry=registry)


@check
def json_documents_follow_their_schemas(bench: Bench):
    pth, h5 = bench.root / "zoo/weights/lenet-mnist.pth", bench.root / "zoo/weights/lenet-mnist.h5"
    native = bench.convert(pth, "schema.zoo.safetensors")
    for source in (pth, h5, native):
        validator(bench, "inspect").validate(bench.json("inspect", source))
        validator(bench, "inspect").validate(bench.json("inspect", source, "--stats"))
        validator(bench, "scan").validate(bench.json("inspect", source, "--scan"))
        document = bench.json("convert", source, "-o", bench.path("schema-out.zoo.safetensors"))
        validator(bench, "convert").validate(document)
        validator(bench, "summary").validate(bench.json("summary", source))
    # With modules, statistics and layers that share.
    nested = bench.root / "tools/goldens/keras/nested.keras"
    validator(bench, "summary").validate(bench.json("summary", nested, "--freeze", "inner*"))
    for target in ("copy.pth", "copy.safetensors", "copy.npz"):
        validator(bench, "convert").validate(bench.json("convert", pth, "--raw", "-o", bench.path(target)))
    parts = bench.json("convert", pth, "--max-shard-size", "50KB", "-o", bench.path("parts.safetensors"))
    validator(bench, "convert").validate(parts)
    assert len(parts["files"]) == 4
    validator(bench, "convert").validate(bench.json("convert", pth, "--to", "timm", "-o", bench.path("folder")))
    validator(bench, "inspect").validate(bench.json("inspect", bench.path("folder")))
    validator(bench, "inspect").validate(bench.json("inspect", bench.path("copy.npz")))
    rules = {"schema": "menagerie/rename/1", "comment": "the classes' layer goes by another name",
             "rules": [{"pattern": "^fc3", "replacement": "head", "comment": "LeNet's last"}]}
    validator(bench, "rename").validate(rules)
    bench.path("rules.json").write_text(json.dumps(rules))
    document = bench.json("convert", pth, "--rename", bench.path("rules.json"), "--dry-run", "-o", bench.path("x.pth"))
    validator(bench, "convert").validate(document)
    assert document["copy"]["tensors"][-1]["target"] == "head.bias"
    validator(bench, "diff").validate(bench.json("diff", pth, native))
    unlike = json.loads(bench.run("diff", pth, h5, "--converted", "--json", expect=2).stdout)
    validator(bench, "diff").validate(unlike)
    validator(bench, "diff").validate(json.loads(bench.run("diff", pth, h5, "--json", expect=2).stdout))
    document = bench.json("surgery", native, "--classes", 3, "-o", bench.path("three.zoo.safetensors"))
    validator(bench, "surgery").validate(document)
    document = bench.json(
        "forward", native, "--input", bench.root / "Tests/CommandTests/Fixtures/zeros-and-ones.npy", "--output",
        bench.path("schema.npz"), "--layer", "conv1")
    validator(bench, "forward").validate(document)
    document = bench.json("evaluate", native, "--data", bench.root / "zoo/data/fashion-mnist")
    validator(bench, "evaluation").validate(document)
    for mode in ("inference", "train", "frozen"):
        call = ["bench", native, "--mode", mode, "--iterations", 3, "--profile", "--trace", bench.path("trace.json")]
        validator(bench, "bench").validate(bench.json(*call))
    pictures = sorted((bench.root / "zoo/data/pictures").glob("*.png"))
    validator(bench, "predict").validate(bench.json("predict", native, *pictures))


@check
def graph_documents_follow_their_schema(bench: Bench):
    """What zoo graph show prints, in both forms, and the README's example."""
    models = ["lenet", "lenet-d2l", bench.root / "tools/goldens/keras/nested.keras", bench.root / "zoo/weights/lenet-mnist.h5"]
    for model in models:
        short = bench.run("graph", "show", model).stdout
        whole = bench.json("graph", "show", model)
        validator(bench, "graph").validate(json.loads(short))
        validator(bench, "graph").validate(whole)
        bench.path("short.json").write_text(short)
        assert len(json.loads(short)["nodes"]) == len(whole["nodes"])
    example = re.search(r"```json\n(.*?)```", (bench.root / "README.md").read_text(), re.DOTALL)[1]
    validator(bench, "graph").validate(json.loads(example))
    unknown = json.loads(example)
    unknown["nodes"][0]["strid"] = 2
    assert list(validator(bench, "graph").iter_errors(unknown))


@check
def file_metadata_follow_their_schemas(bench: Bench):
    for source in ("zoo/weights/lenet-mnist.pth", "zoo/weights/lenet-mnist.h5"):
        native = bench.convert(bench.root / source, "metadata.zoo.safetensors")
        with safe_open(native, "np") as file:
            validator(bench, "model").validate(json.loads(file.metadata()["menagerie"]))


@check
def training_runs_follow_their_schemas(bench: Bench):
    start = bench.path("start.zoo.safetensors")
    bench.run("surgery", "lenet-mnist", "--labels", bench.root / "zoo/data/fashion-mnist/labels.txt", "-o", start)
    for optimizer in ("sgd", "adam"):
        folder = bench.path(f"run-{optimizer}")
        document = bench.json(
            "train", start, "--data", bench.root / "zoo/data/fashion-mnist", "--epochs", 1, "--optimizer", optimizer,
            "-o", folder)
        validator(bench, "train").validate(document)
        lines = (folder / "log.jsonl").read_text().splitlines()
        assert len(lines) == 1 + 47 + 1 + 1 + 1, len(lines)
        for line in lines:
            validator(bench, "run").validate(json.loads(line))
    # A run's checkpoint is a model, and plain safetensors with the optimizer's state beside the parameters.
    with safe_open(bench.path("run-adam") / "last.zoo.safetensors", "np") as file:
        assert file.get_tensor("optimizer/fc3.weight/exp_avg_sq").shape == (10, 84)
        assert float(file.get_tensor("optimizer/fc3.weight/step")) == 47


@check
def manifests_follow_their_schema(bench: Bench):
    for path in sorted((bench.root / "zoo/manifests").glob("*.json")):
        validator(bench, "manifest").validate(json.loads(path.read_text()))


@check
def results_follow_their_schema(bench: Bench):
    # Those that tools/full and tools/bench/peers have written so far.
    for path in sorted((bench.root / "zoo/results").glob("*.json")):
        schema = "benchmark" if path.name == "peers.json" else "full"
        validator(bench, schema).validate(json.loads(path.read_text()))

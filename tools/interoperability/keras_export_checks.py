"""Keras opens the whole models that we write, and they are the ones that went in: the same arrays, the same results."""

import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import torch

import graph_torch
from harness import Bench, check, error, require_equal_bytes, sample
from keras_network_checks import channels_first, pictures
from pytorch_checks import Classic, Tutorial, d2l
from schema_checks import validator

sys.path.insert(0, str(Path(__file__).parents[1] / "goldens" / "keras"))
import networks  # noqa: E402

L = keras.layers
# TensorFlow's optimizer fuses some chains of activations into kernels that it doesn't have.
tf.config.optimizer.set_experimental_options({"remapping": False})


def arrays(model):
    """Every layer's arrays by the layer's name, models taken apart. A Normalization's count computes nothing; a layer
    on each place of a map and a convolution of one element are the same matrix."""
    found = {}

    def walk(model, prefix):
        for layer in model.layers:
            name = prefix + layer.name
            if hasattr(layer, "layers"):
                walk(layer, name + "_")
                continue
            for variable in layer.weights:
                if variable.name in ("count", "seed_generator_state") or "seed" in variable.path:
                    continue
                value = np.asarray(variable)
                key = variable.name.replace("depthwise_kernel", "kernel") if value.ndim == 4 else variable.name
                if "pointwise" in variable.name:
                    key = variable.name
                found[f"{name}/{key}"] = value
    walk(model, "")
    return found


def require_same_arrays(ours, theirs):
    assert sorted(ours) == sorted(theirs), set(ours) ^ set(theirs)
    for name, value in theirs.items():
        require_equal_bytes(name, ours[name].reshape(value.shape), value)


def predict(model, x):
    # TensorFlow's own kernels don't have channels first, nor dilated transposed convolutions, on the CPU.
    needs_compiler = channels_first(model) or any(
        isinstance(layer, L.Conv2DTranspose) and max(layer.dilation_rate) > 1 for layer in networks.leaves(model))
    model.compile(jit_compile=needs_compiler)
    return model.predict(x, verbose=0)


def back_and_forth(bench: Bench, model, *options, tolerance=2e-6, other_order=()):
    """Keras file, native file, Keras file; through each kind of file."""
    name = model.name
    x = pictures(model)
    for ending in (".keras", ".h5"):
        source, target = bench.path(f"{name}{ending}"), bench.path(f"{name}-back{ending}")
        model.save(source)
        native = bench.convert(source, "between.zoo.safetensors", *options)
        document = bench.json("convert", native, "-o", target)
        validator(bench, "convert").validate(document)
        assert document["format"] == ("keras-archive" if ending == ".keras" else "keras"), document["format"]
        back = keras.models.load_model(target, compile=False)
        skipping = lambda found: {k: v for k, v in found.items() if k not in other_order}  # noqa: E731
        require_same_arrays(skipping(arrays(back)), skipping(arrays(model)))
        if not options:
            assert back.input_shape == model.input_shape, (back.input_shape, model.input_shape)
        if ending == ".keras":
            # Keras would write the same arrays to the same places.
            back.save(bench.path("again.keras"))
            require_same_members(bench.path("again.keras"), target)
        distance = error(predict(back, x), predict(model, x))
        print(f"    {name}, {ending}: {len(back.layers)} layers, results differ by {distance:.1e}")
        assert distance <= tolerance, f"{name}{ending}: {distance:.2e}"


def require_same_members(theirs, ours):
    """The variables of two archives, by path."""
    import h5py

    def content(path):
        with zipfile.ZipFile(path) as archive:
            assert set(archive.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}, archive.namelist()
            with h5py.File(archive.open("model.weights.h5")) as file:
                found = {}

                def visit(name, item):
                    if isinstance(item, h5py.Dataset) and "seed_generator" not in name:
                        found[name] = (item[()], item.parent.attrs.get("name"))
                file.visititems(visit)
                return found
    left, right = content(theirs), content(ours)
    assert sorted(left) == sorted(right), set(left) ^ set(right)
    for name, (value, owner) in left.items():
        require_equal_bytes(name, right[name][0], value)
        assert right[name][1] == owner, (name, right[name][1], owner)


@check
def keras_models_go_back_and_forth(bench: Bench):
    for build in networks.SMALL:
        keras.utils.clear_session()
        model = networks.fill(build())
        options = ["--input-size", 32] if build is networks.any_size else []
        # The rows for what channels_first moves behind the columns to flatten it come back in the usual order.
        back_and_forth(
            bench, model, *options, other_order=["second/kernel"] if build is networks.channels_first else [])


@check
def keras_applications_go_back_and_forth(bench: Bench):
    for name, options in sample([
            ("MobileNetV2", {}), ("VGG16", {}), ("ResNet50", {}), ("DenseNet121", {}), ("EfficientNetB0", {}),
            ("Xception", {"input_shape": (71, 71, 3)})]):
        keras.utils.clear_session()
        size = {"input_shape": (64, 64, 3), **options}
        model = getattr(keras.applications, name)(weights=None, classes=11, **size)
        random = np.random.default_rng(5)
        for variable in model.weights:
            if variable.name in ("moving_variance", "variance"):
                variable.assign(random.uniform(0.5, 2, variable.shape).astype(np.float32))
        for layer in networks.leaves(model):
            if isinstance(layer, L.Normalization):
                layer.finalize_state()
        back_and_forth(bench, model)
        # Somebody's own network of the same kind takes the weights alone, too.
        target = bench.convert(bench.path(f"{model.name}.keras"), "application.weights.h5")
        keras.utils.clear_session()
        fresh = getattr(keras.applications, name)(weights=None, classes=11, **size)
        fresh.load_weights(target)
        require_same_arrays(arrays(fresh), arrays(model))


class Document:
    """A native file written by hand, as a PyTorch network has it: channels first, paddings of its own."""

    def __init__(self, *shape):
        self.input, self.nodes, self.parameters = shape, [], {}
        self.random = np.random.default_rng(11)

    def add(self, path, layer, inputs=None, parameters=(), **members):
        inputs = inputs or [self.nodes[-1]["path"] if self.nodes else "input"]
        self.nodes.append({"path": path, "layer": layer, "inputs": inputs, **members})
        for role, *shape in parameters:
            value = self.random.normal(0, 0.3, shape)
            if role == "running_var":
                value = self.random.uniform(0.5, 2, shape)
            self.parameters[f"{path}.{role}"] = value.astype(np.float32)
        return path

    def convolution(self, path, i, o, kernel, stride=1, padding=(0, 0, 0, 0), dilation=1, groups=1, bias=True, **more):
        square = lambda n: n if isinstance(n, list) else [n, n]  # noqa: E731
        kernel = square(kernel)
        weights = [("weight", o, i // groups, *kernel)] + ([("bias", o)] if bias else [])
        return self.add(
            path, "convolution", parameters=weights, input_channels=i, output_channels=o, kernel=kernel,
            stride=square(stride), padding=list(padding), dilation=square(dilation), groups=groups, bias=bias, **more)

    def transposed(self, path, i, o, kernel, stride, padding, output_padding, dilation=1):
        return self.add(
            path, "transposed_convolution", parameters=[("weight", i, o, kernel, kernel), ("bias", o)],
            input_channels=i, output_channels=o, kernel=[kernel] * 2, stride=[stride] * 2, padding=list(padding),
            output_padding=output_padding, dilation=[dilation] * 2, groups=1, bias=True)

    def norm(self, path, channels):
        roles = ("weight", "bias", "running_mean", "running_var")
        return self.add(
            path, "batch_normalization", parameters=[(role, channels) for role in roles], channels=channels,
            epsilon=1e-5, momentum=0.1, scale=True, center=True, biased_variance=False)

    def pool(self, path, operation, window, stride, padding, ceil=False, counts=True):
        return self.add(
            path, "pooling", operation=operation, window=[window] * 2, stride=[stride] * 2, padding=list(padding),
            ceil_mode=ceil, counts_padding=counts)

    def linear(self, path, i, o):
        return self.add(
            path, "linear", parameters=[("weight", o, i), ("bias", o)], input_features=i, output_features=o, bias=True)

    def act(self, path, function="relu", **more):
        return self.add(path, "activation", function=function, **more)

    def write(self, file, template):
        """In a native file's frame, which another one gives."""
        from safetensors import safe_open
        from safetensors.numpy import save_file
        import json
        with safe_open(template, "np") as source:
            document = json.loads(source.metadata()["menagerie"])
        document.pop("labels", None)
        for member in ("head", "parts"):
            document["graph"].pop(member, None)
        document["graph"] = {
            **document["graph"], "architecture": "custom", "input": list(self.input), "nodes": self.nodes,
            "output": self.nodes[-1]["path"]}
        document["provenance"] = {
            "source": "x.pth", "format": "pytorch-zip", "dialect": "pytorch", "output_activation": None,
            "data_format": None, "assumptions": [], "history": []}
        save_file(self.parameters, file, {"format": "pt", "menagerie": json.dumps(document)})


def torch_like():
    """Everything that PyTorch says in another way than Keras, and that Keras can say all the same."""
    d = Document(3, 33, 30)
    d.convolution("conv1", 3, 8, 7, 2, (3, 3, 3, 3), bias=False)
    d.norm("bn1", 8)
    d.act("relu")
    d.pool("maxpool", "maximum", 3, 2, (1, 1, 1, 1))
    d.convolution("mixed", 8, 8, 3, 1, (1, 1, 1, 1))
    d.pool("peaks", "maximum", 3, 2, (1, 1, 1, 1))
    d.add("up", "upsampling", factor=[3, 4], interpolation="bilinear")
    d.act("leaky", "leaky_relu", slope=0.01)
    d.pool("mean", "average", 3, 1, (1, 1, 1, 1))
    d.pool("mean_of_all", "average", 3, 2, (1, 1, 1, 1), counts=False)
    d.act("old", "hard_sigmoid", slope=0.2)
    d.pool("ceiling", "maximum", 2, 2, (0, 0, 0, 0), ceil=True)
    d.convolution("depth", 8, 16, 3, [2, 1], (1, 1, 1, 1), groups=8)
    d.act("silu", "silu")
    d.transposed("back", 16, 6, 4, 2, (1, 1, 1, 1), [0, 0])
    d.transposed("more", 6, 6, 3, 2, (1, 1, 1, 1), [1, 1])
    d.transposed("gaps", 6, 6, 1, 2, (0, 0, 0, 0), [1, 0])
    d.transposed("cut", 6, 6, 5, 3, (0, 2, 1, 0), [0, 0])
    d.add("squeeze", "adaptive_pooling", operation="average", output=[1, 1])
    d.add("gate", "multiply", inputs=["cut", "squeeze"])
    d.convolution("last", 6, 4, 3, 2, (0, 1, 2, 0), dilation=1)
    return d


def rows_of_features():
    """Flattens in PyTorch's order: before a linear layer, before a BatchNorm, and reshapes."""
    d = Document(2, 6, 5)
    d.convolution("conv", 2, 4, 3)
    d.add("flat", "flatten", order="chw")
    d.act("tanh", "tanh")
    a = d.linear("a", 48, 5)
    d.add("other", "flatten", order="chw", inputs=["conv"])
    d.norm("bn", 48)
    b = d.linear("b", 48, 5)
    d.add("shaped", "reshape", inputs=["conv"], shape=[6, 2, 4], order="chw")
    d.convolution("mix", 6, 3, [2, 3])
    d.add("rows", "reshape", shape=[2, 3], order="chw")
    d.add("turn", "permute", axes=[0, 2, 1])
    d.add("flat2", "flatten", order="chw")
    c = d.linear("c", 6, 5)
    d.add("sum", "add", inputs=[a, b, c])
    return d


@check
def networks_in_pytorchs_order_open_in_keras(bench: Bench):
    template = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "template.zoo.safetensors")
    for build in (torch_like, rows_of_features):
        document = build()
        native = bench.path(f"{build.__name__}.zoo.safetensors")
        document.write(native, template)
        x = np.random.default_rng(4).normal(size=(2, *document.input)).astype(np.float32)
        wanted = graph_torch.run(native, x)["logits"]
        if wanted.ndim == 4:
            wanted = np.transpose(wanted, (0, 2, 3, 1))
        for ending in (".keras", ".h5"):
            target = bench.convert(native, f"{build.__name__}{ending}")
            model = keras.models.load_model(target, compile=False)
            distance = error(predict(model, np.transpose(x, (0, 2, 3, 1))), wanted)
            print(f"    {build.__name__}, {ending}: {len(model.layers)} layers, error {distance:.1e}")
            assert distance <= 1e-5, f"{build.__name__}{ending}: {distance:.2e}"
            # And our own reading of it is the same network.
            again = bench.convert(target, "again.zoo.safetensors")
            mine = graph_torch.run(again, x)["logits"]
            if mine.ndim == 4:
                mine = np.transpose(mine, (0, 2, 3, 1))
            assert error(mine, wanted) <= 1e-9, build.__name__


@check
def lenets_of_pytorch_open_in_keras(bench: Bench):
    torch.manual_seed(12)
    for name, network, size in (("tutorial", Tutorial(), 32), ("d2l", d2l(), 28), ("classic", Classic(), 32)):
        torch.save(network.state_dict(), bench.path(f"{name}.pth"))
        x = np.random.default_rng(6).normal(size=(3, 1, size, size)).astype(np.float32)
        with torch.no_grad():
            wanted = network.double().eval()(torch.from_numpy(x).double()).numpy()
        for ending in (".keras", ".h5"):
            target = bench.convert(bench.path(f"{name}.pth"), f"{name}{ending}")
            model = keras.models.load_model(target, compile=False)
            assert isinstance(model, keras.Sequential) and model.input_shape == (None, size, size, 1)
            distance = error(predict(model, np.transpose(x, (0, 2, 3, 1))), wanted)
            assert distance <= 1e-5, f"{name}{ending}: {distance:.2e}"


@check
def what_keras_cannot_express_is_named(bench: Bench):
    template = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "template.zoo.safetensors")

    def refuse(word, build):
        document = Document(4, 9, 9)
        document.convolution("stem", 4, 4, 3)
        path = build(document)
        native = bench.path("refused.zoo.safetensors")
        document.write(native, template)
        for ending in (".keras", ".h5", ".weights.h5"):
            target = bench.path(f"refused{ending}")
            message = bench.run("convert", native, "-o", target, expect=1).stderr
            assert path in message and word in message, message
            assert message == bench.run("convert", native, "-o", target, "--dry-run", expect=1).stderr
            assert not target.exists()
    refuse("divide", lambda d: d.add("head.pool", "adaptive_pooling", operation="average", output=[2, 3]))
    refuse("dilation", lambda d: d.convolution("head.conv", 4, 4, 2, 2, dilation=2))
    refuse("tanh", lambda d: d.act("head.gelu", "gelu_tanh"))
    refuse("corners", lambda d: d.add("head.up", "upsampling", factor=[2, 2], interpolation="bilinear_aligned_corners"))
    refuse("partly", lambda d: d.pool("head.mean", "average", 2, 2, (0, 0, 0, 0), ceil=True))
    refuse("padding", lambda d: d.pool("head.peak", "maximum", 2, 2, (1, 1, 1, 1)))

"""Keras reads what we write, we read what Keras writes."""

import keras
import numpy as np
import torch

from harness import Bench, check, require_equal_bytes, require_parity
from pytorch_checks import Tutorial, pictures, shipped


def network(activation="relu", pool="max", softmax=False, classes=10):
    layers = keras.layers
    pooling = layers.MaxPooling2D if pool == "max" else layers.AveragePooling2D
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(6, 5, padding="same", activation=activation), pooling(2),
        layers.Conv2D(16, 5, activation=activation), pooling(2), layers.Flatten(),
        layers.Dense(120, activation=activation), layers.Dense(84, activation=activation),
        layers.Dense(classes, activation="softmax" if softmax else None)])


def double(model):
    """The same network computing in float64."""
    config = model.get_config()
    for layer in config["layers"]:
        layer["config"]["dtype"] = "float64"
    twin = keras.Sequential.from_config(config)
    twin.build(model.input_shape)
    twin.set_weights([w.astype(np.float64) for w in model.get_weights()])
    return twin


def logits(model, x):
    """Logits of an NCHW array in double and in single precision."""
    nhwc = np.transpose(x, (0, 2, 3, 1))
    return double(model)(nhwc.astype(np.float64)).numpy(), model(nhwc).numpy()


def shipped_keras(bench: Bench):
    return keras.models.load_model(bench.root / "zoo/weights/lenet-mnist.h5", compile=False)


def reads(bench: Bench, model, file, *options):
    x = pictures(size=28)
    native = bench.convert(file, "keras-read.zoo.safetensors", *options)
    reference, single = logits(model, x)
    require_parity("logits", bench.forward(native, x)["logits"], reference, single)
    return native


@check
def shipped_keras_model(bench: Bench):
    reads(bench, shipped_keras(bench), bench.root / "zoo/weights/lenet-mnist.h5")


@check
def shipped_keras_model_layer_by_layer(bench: Bench):
    model, x = shipped_keras(bench), pictures(size=28)
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.h5", "shipped-keras.zoo.safetensors")
    twin, names = double(model), ["relu1", "pool1", "relu2", "pool2", None, "relu3", "relu4", "fc3"]
    ours = bench.forward(native, x, layers=[name for name in names if name])
    values = np.transpose(x, (0, 2, 3, 1)).astype(np.float64)
    for layer, name in zip(twin.layers, names):
        values = layer(values).numpy()
        if name:
            require_parity(name, ours[name], np.transpose(values, (0, 3, 1, 2)) if values.ndim == 4 else values)


@check
def keras_loads_our_h5_as_model_and_as_weights(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.h5", "k.zoo.safetensors")
    target, reference = bench.convert(native, "ours.h5"), shipped_keras(bench)
    whole = keras.models.load_model(target, compile=False)
    for ours, theirs in zip(whole.get_weights(), reference.get_weights(), strict=True):
        require_equal_bytes("load_model", ours, theirs)
    for by_name in (False, True):
        fresh = keras.models.clone_model(reference)
        fresh.load_weights(target, **({"by_name": True} if by_name else {}))
        for ours, theirs in zip(fresh.get_weights(), reference.get_weights(), strict=True):
            require_equal_bytes("load_weights", ours, theirs)
    x = pictures(size=28)
    require_parity("logits", bench.forward(native, x)["logits"], *logits(whole, x))


@check
def keras_loads_our_weights_h5(bench: Bench):
    target = bench.convert(bench.root / "zoo/weights/lenet-mnist.h5", "ours.weights.h5")
    reference = shipped_keras(bench)
    fresh = keras.models.clone_model(reference)
    fresh.load_weights(target)
    for ours, theirs in zip(fresh.get_weights(), reference.get_weights(), strict=True):
        require_equal_bytes("load_weights", ours, theirs)


@check
def we_read_whole_keras_models(bench: Bench):
    keras.utils.set_random_seed(1)
    for activation, pool in (("relu", "max"), ("tanh", "avg"), ("sigmoid", "avg")):
        model = network(activation, pool)
        model.save(bench.path("whole.h5"))
        reads(bench, model, bench.path("whole.h5"))


@check
def we_leave_out_a_final_softmax_and_give_it_back(bench: Bench):
    keras.utils.set_random_seed(2)
    model = network(softmax=True)
    model.save(bench.path("softmax.h5"))
    native = bench.convert(bench.path("softmax.h5"), "softmax.zoo.safetensors")
    x = pictures(size=28)
    values = bench.forward(native, x)["logits"]
    values = np.exp(values - values.max(1, keepdims=True))
    require_parity("probabilities", values / values.sum(1, keepdims=True), *logits(model, x))
    back = keras.models.load_model(bench.convert(native, "softmax-back.h5"), compile=False)
    require_parity("back in Keras", back(np.transpose(x, (0, 2, 3, 1))).numpy(), *logits(model, x))


@check
def we_read_keras_weights_only(bench: Bench):
    keras.utils.set_random_seed(3)
    model = network()
    model.save_weights(bench.path("plain.weights.h5"))
    reads(bench, model, bench.path("plain.weights.h5"), "--architecture", "lenet", "--input-size", 28)
    import h5py
    with h5py.File(bench.path("plain.h5"), "w") as file:
        from keras.src.legacy.saving import legacy_h5_format
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    reads(bench, model, bench.path("plain.h5"), "--architecture", "lenet", "--input-size", 28)
    message = bench.run("convert", bench.path("plain.h5"), "-o", bench.path("no.pth"), expect=1).stderr
    assert "--architecture" in message, message


@check
def from_torch_to_keras(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.pth", "t.zoo.safetensors")
    model = keras.models.load_model(bench.convert(native, "from-torch.h5"), compile=False)
    x, torch_model = pictures(), shipped(bench).double()
    with torch.no_grad():
        reference = torch_model(torch.from_numpy(x).double()).numpy()
    require_parity("Keras' logits", double(model)(np.transpose(x, (0, 2, 3, 1)).astype(np.float64)).numpy(), reference)


@check
def from_keras_to_torch(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.h5", "k2t.zoo.safetensors")
    state = torch.load(bench.convert(native, "from-keras.pth"), weights_only=True)
    model = Tutorial()
    model.conv1 = torch.nn.Conv2d(1, 6, 5, padding=2)
    model.load_state_dict(state, strict=True)
    x = pictures(size=28)
    with torch.no_grad():
        ours = model.double().eval()(torch.from_numpy(x).double()).numpy()
    require_parity("PyTorch's logits", ours, *logits(shipped_keras(bench), x))


@check
def keras_file_round_trip_is_exact(bench: Bench):
    native = bench.convert(bench.root / "zoo/weights/lenet-mnist.h5", "rt.zoo.safetensors")
    back = keras.models.load_model(bench.convert(native, "rt.h5"), compile=False)
    reference = shipped_keras(bench)
    assert [layer.name for layer in back.layers if layer.weights] == [
        layer.name for layer in reference.layers if layer.weights]
    for ours, theirs in zip(back.get_weights(), reference.get_weights(), strict=True):
        require_equal_bytes("weights", ours, theirs)

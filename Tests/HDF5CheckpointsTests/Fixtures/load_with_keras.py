"""Loads the files that KerasInteropTests wrote, in every way that Keras offers, and compares with the numbers that
were written: element i of a layer's weights, counted through all of them, is (start + i) / 64."""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import h5py
import keras
import numpy as np
from keras import layers

folder = sys.argv[1]
starts = {"conv": 0, "bn": 100, "hidden": 200, "top": 300}


def written(model):
    for name, start in starts.items():
        for weight in model.get_layer(name).get_weights():
            count = weight.size
            wanted = (np.arange(start, start + count, dtype=np.float32) / 64).reshape(weight.shape)
            np.testing.assert_array_equal(weight, wanted, err_msg=name)
            start += count


def fresh(functional=False):
    inputs = keras.Input((4, 4, 1))
    stack = [
        layers.Conv2D(2, 3, name="conv"),
        layers.BatchNormalization(name="bn"),
        layers.ReLU(name="act"),
        layers.Flatten(name="flat"),
        layers.Dense(5, name="hidden", activation="tanh"),
        layers.Dense(3, name="top"),
    ]
    if not functional:
        return keras.Sequential([inputs] + stack)
    result = inputs
    for layer in stack:
        result = layer(result)
    return keras.Model(inputs, result)


model = keras.models.load_model(f"{folder}/model.h5", compile=False)
written(model)
print("load_model")
for functional in (False, True):
    for file, options in [
        ("model.h5", {}),
        ("weights.h5", {}),
        ("weights.h5", {"by_name": True}),
        ("x.weights.h5", {}),
    ]:
        other = fresh(functional)
        other.load_weights(f"{folder}/{file}", **options)
        written(other)
        image = np.random.default_rng(0).uniform(size=(2, 4, 4, 1)).astype(np.float32)
        np.testing.assert_allclose(other.predict(image, verbose=0), model.predict(image, verbose=0), atol=1e-6)
        print("load_weights", file, options, "functional" if functional else "sequential")

with h5py.File(f"{folder}/all.h5") as file:
    for name, dtype in [
        ("f64", "f8"), ("f32", "f4"), ("f16", "f2"), ("i64", "i8"), ("i32", "i4"), ("i16", "i2"), ("i8", "i1"),
        ("u64", "u8"), ("u32", "u4"), ("u16", "u2"), ("u8", "u1"), ("bool", "?"),
    ]:
        assert file[f"all/all/{name}"].dtype == np.dtype(dtype), (name, file[f"all/all/{name}"].dtype)
    assert file["all/all/bf16"].dtype == np.dtype("V2") and file["all/all/bf16"].attrs["dtype"] == "bfloat16"
    assert file["all/all/scalar"].shape == () and file["all/all/scalar"][()] == 7
    assert file["all/all/empty"].shape == (3, 0)
    assert list(file.attrs["layer_names"]) == [b"all"] or list(file.attrs["layer_names"]) == ["all"]
with h5py.File(f"{folder}/model.h5") as file:
    empty = file["model_weights/act"].attrs["weight_names"]
    assert empty.dtype == np.float64 and empty.shape == (0,)
    assert all(file["model_weights"][path].id.get_offset() for path in ["conv/conv/kernel"])
print("h5py")

# What Keras saves from our file, to be read again.
model.save(f"{folder}/again.h5")
model.save_weights(f"{folder}/again.weights.h5")

# A configuration and lists of names that are too long for one attribute.
many = keras.Sequential([keras.Input((1,))] + [layers.Dense(1, name="l" * 200 + str(i)) for i in range(400)])
many.load_weights(f"{folder}/long.h5")
for i, layer in enumerate(many.layers):
    assert layer.get_weights()[0][0, 0] == i and layer.get_weights()[1][0] == -i
print("long names")

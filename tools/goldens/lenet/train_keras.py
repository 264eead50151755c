"""Trains a Keras LeNet on real MNIST digits and saves zoo/weights/lenet-mnist.h5 (full model, no optimizer).

The weights after the last epoch are kept whatever their score, as in train_pytorch.py.
"""

import hashlib
import os
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import common

EPOCHS, BATCH = 120, 64


def lenet():
    """[N, 28, 28, 1] in 0...1 to logits [N, 10]; there is no softmax at the end."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, activation="relu", name="fc1"),
            layers.Dense(84, activation="relu", name="fc2"),
            layers.Dense(10, name="fc3"),
        ],
        name="lenet",
    )


def network_input(grey):
    """Grey levels [N, 28, 28] in 0...255 to the network's input [N, 28, 28, 1], F32."""
    return (np.asarray(grey, np.float32) / np.float32(255))[..., None]


def accuracy(model, grey, labels):
    return float((model.predict(network_input(grey), verbose=0).argmax(1) == labels).mean())


def limit_threads():
    tf.config.threading.set_intra_op_parallelism_threads(common.THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def main():
    keras.utils.set_random_seed(1998)
    limit_threads()
    random = np.random.default_rng(28)
    train, train_labels, test, test_labels = common.digits()

    model = lenet()
    steps = EPOCHS * -(-len(train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, steps * 85 // 100, alpha=0.0, warmup_target=3e-3, warmup_steps=steps * 15 // 100
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=2e-2),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    start = time.time()
    for epoch in range(EPOCHS):
        order = random.permutation(len(train))
        pictures = network_input(common.augment(train, random))[order]
        history = model.fit(pictures, train_labels[order], batch_size=BATCH, shuffle=False, verbose=0)
        if (epoch + 1) % 20 == 0:
            loss = history.history["loss"][0]
            print(f"epoch {epoch + 1}: loss {loss:.4f}, {time.time() - start:.0f} s", flush=True)

    path = common.WEIGHTS / "lenet-mnist.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path, include_optimizer=False)

    again = keras.models.load_model(path, compile=False)
    score = accuracy(again, test, test_labels)
    print(f"test accuracy {score:.4f}, train accuracy {accuracy(again, train, train_labels):.4f}")
    print(f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}, {path.stat().st_size:,} bytes")
    print(common.versions("keras", "tensorflow-cpu", "h5py", "numpy", "mlxtend"))


if __name__ == "__main__":
    main()

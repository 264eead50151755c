"""Networks that nobody designed: drawn layer by layer from a seed, which is printed. MENAGERIE_NETWORK_SEED=<number>
draws the same ones again; a few at every run, many with --full (tools/full)."""

import os
import random
import sys
from pathlib import Path

import keras

from harness import Bench, check
from keras_export_checks import back_and_forth
from keras_network_checks import compare, require_keras_shapes

sys.path.insert(0, str(Path(__file__).parents[1] / "goldens" / "keras"))
import networks  # noqa: E402

L = keras.layers
COUNT = 200 if os.environ.get("MENAGERIE_FULL_MATRIX") else 6
FUNCTIONS = [
    "relu", "relu6", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "hard_sigmoid", "hard_silu",
    "leaky_relu", "linear"]


class Draw:
    """Draws one network."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.shared = {}

    def one(self, *values):
        return self.random.choice(values)

    def pair(self, low, high):
        return self.random.randint(low, high), self.random.randint(low, high)

    def chance(self, share):
        return self.random.random() < share

    def activation(self):
        return self.one(None, self.random.choice(FUNCTIONS))

    def model(self):
        x = keras.Input((*self.pair(7, 20), self.random.randint(1, 4)))
        y = x
        if self.chance(0.3):
            y = L.Rescaling(1 / 127.5, offset=-1)(y)
        if self.chance(0.3):
            y = L.Normalization()(y)
        for _ in range(self.random.randint(3, 12)):
            y = self.step(y)
        return keras.Model(x, self.head(y))

    def step(self, y):
        """One more layer, or a few that branch and meet."""
        makers = [
            self.convolution, self.depthwise, self.separable, self.transposed, self.norm, self.function, self.slopes,
            self.pool, self.pad, self.crop, self.enlarge, self.drop, self.turn, self.on_places, self.branches,
            self.gate, self.inner, self.again]
        while True:
            z = self.random.choice(makers)(y)
            if z is not None and z.shape[1] * z.shape[2] * z.shape[3] < 20_000:
                return z

    def window(self, y, stride=True):
        """Kernel, stride or dilation, and padding that fit."""
        padding = self.one("same", "valid")
        kernel = self.pair(1, min(4, y.shape[1], y.shape[2]))
        options = {"padding": padding}
        if stride and self.chance(0.4):
            options["strides"] = self.random.randint(1, 3)
        elif padding == "same" and self.chance(0.3):
            options["dilation_rate"] = self.random.randint(1, 2)
        return kernel, options

    def convolution(self, y):
        kernel, options = self.window(y)
        groups = self.one(1, 1, y.shape[3])
        return L.Conv2D(
            groups * self.random.randint(1, 4), kernel, groups=groups, use_bias=self.chance(0.7),
            activation=self.activation(), **options)(y)

    def depthwise(self, y):
        kernel, options = self.window(y)
        return L.DepthwiseConv2D(
            kernel, depth_multiplier=self.random.randint(1, 2), use_bias=self.chance(0.7),
            activation=self.activation(), **options)(y)

    def separable(self, y):
        kernel, options = self.window(y)
        return L.SeparableConv2D(
            self.random.randint(1, 5), kernel, depth_multiplier=self.random.randint(1, 2), use_bias=self.chance(0.7),
            activation=self.activation(), **options)(y)

    def transposed(self, y):
        stride = self.random.randint(1, 3)
        more = {"output_padding": self.random.randint(0, stride - 1)} if self.chance(0.3) else {}
        kernel, padding = self.random.randint(1, 4), self.one("same", "valid")
        if padding == "same" and kernel % 2 == 0:
            # TensorFlow refuses what Keras makes of it.
            more = {}
        return L.Conv2DTranspose(
            self.random.randint(1, 4), kernel, strides=stride, padding=padding,
            use_bias=self.chance(0.7), activation=self.activation(), **more)(y)

    def norm(self, y):
        return L.BatchNormalization(
            epsilon=self.one(1e-3, 1e-5), momentum=self.one(0.99, 0.9), scale=self.chance(0.8),
            center=self.chance(0.8))(y)

    def function(self, y):
        name = self.random.choice(FUNCTIONS)
        return self.one(
            L.Activation(name), L.ReLU(max_value=self.one(None, 3.0), negative_slope=0.1, threshold=0.2),
            L.LeakyReLU(0.05), L.ELU(0.5), L.Softmax())(y)

    def slopes(self, y):
        return L.PReLU(shared_axes=[1, 2])(y)

    def pool(self, y):
        kind = self.one(L.MaxPooling2D, L.AveragePooling2D)
        return kind(
            self.pair(1, min(3, y.shape[1], y.shape[2])), strides=self.one(None, 1, 2),
            padding=self.one("same", "valid"))(y)

    def pad(self, y):
        return L.ZeroPadding2D((self.pair(0, 2), self.pair(0, 2)))(y)

    def crop(self, y):
        if min(y.shape[1:3]) < 5:
            return None
        return L.Cropping2D((self.pair(0, 1), self.pair(0, 1)))(y)

    def enlarge(self, y):
        return L.UpSampling2D(self.pair(1, 2), interpolation=self.one("nearest", "bilinear"))(y)

    def drop(self, y):
        return self.one(L.Dropout(0.2), L.SpatialDropout2D(0.2))(y)

    def turn(self, y):
        order = [1, 2, 3]
        self.random.shuffle(order)
        return L.Permute(order)(y)

    def on_places(self, y):
        return L.Dense(self.random.randint(1, 5), activation=self.activation())(y)

    def branches(self, y):
        kind = self.one(L.Add, L.Multiply, L.Average, L.Concatenate)
        channels = self.random.randint(1, 4)
        parts = [L.Conv2D(channels, self.random.randint(1, 3), padding="same")(y) for _ in range(self.one(2, 3))]
        if self.chance(0.5):
            parts[0] = L.Activation("tanh")(parts[0])
        if kind is L.Concatenate and self.chance(0.5):
            parts.append(y)
        return kind()(parts)

    def gate(self, y):
        z = L.GlobalAveragePooling2D(keepdims=self.chance(0.5))(y)
        z = L.Dense(y.shape[3], activation="sigmoid")(z)
        return L.Multiply()([y, z])

    def inner(self, y):
        """A model in a layer's place, perhaps used twice."""
        x = keras.Input(y.shape[1:])
        z = L.Conv2D(y.shape[3], 3, padding="same", activation=self.activation())(x)
        z = L.BatchNormalization()(z) if self.chance(0.5) else z
        model = keras.Model(x, L.Add()([x, z]))
        return model(model(y)) if self.chance(0.5) else model(y)

    def again(self, y):
        """A layer in two places."""
        layer = L.Conv2D(y.shape[3], 3, padding="same", activation=self.activation())
        return layer(layer(y))

    def head(self, y):
        y = self.one(
            L.Flatten(), L.GlobalAveragePooling2D(), L.GlobalMaxPooling2D(), L.Reshape((-1, y.shape[3])))(y)
        if len(y.shape) == 3:
            y = L.Flatten()(L.Permute((2, 1))(y))
        for _ in range(self.random.randint(0, 2)):
            y = L.Dense(self.random.randint(2, 9), activation=self.activation())(y)
            y = self.one(L.Dropout(0.3), L.BatchNormalization(), L.ReLU())(y)
        return L.Dense(self.random.randint(2, 6), activation=self.one(None, "softmax"))(y)


@check
def random_keras_networks_go_both_ways(bench: Bench):
    if os.environ.get("MENAGERIE_FULL_MATRIX"):
        seeds = range(COUNT)
        print(f"    {COUNT} of {COUNT} rows")
    else:
        first = int(os.environ.get("MENAGERIE_NETWORK_SEED") or random.SystemRandom().randrange(10**6))
        seeds = range(first, first + COUNT)
    for seed in seeds:
        keras.utils.clear_session()
        print(f"    again with MENAGERIE_NETWORK_SEED={seed}", flush=True)
        drawn = Draw(seed).model()
        model = networks.fill(keras.Model(drawn.inputs, drawn.outputs, name=f"drawn_{seed}"), seed)
        model.save(bench.path("drawn.keras"))
        require_keras_shapes(bench, model, bench.path("drawn.keras"))
        compare(bench, model, bench.path("drawn.keras"), tolerance=1e-6)
        back_and_forth(bench, model)

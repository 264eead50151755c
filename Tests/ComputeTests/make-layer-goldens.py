"""Writes LayerGoldens.swift and MapGoldens.swift: what PyTorch computes, in float64, for single layers with unusual
numbers and for small networks.

Usage: python make-layer-goldens.py        (needs torch; and keras with tensorflow, which some formulas are held against)

Tensors hold the pattern below, which the Swift tests make again; results are given as a fingerprint of three
numbers: their products with two patterns, and their largest magnitude.
"""
import os
import pathlib

# Keras on PyTorch pads "same" averages with neighbours' values; on TensorFlow it is what its documentation says.
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import torch
import torch.nn.functional as F

keras.backend.set_floatx("float64")
SALTS = {"weight": 4, "bias": 5, "running_mean": 7, "running_var": 8}


def pattern(shape, salt):
    count = 1
    for dimension in shape:
        count *= dimension
    index = torch.arange(count, dtype=torch.int64)
    return (((index * index * 7 + index * 37 + salt * 11) % 101 - 50).double() / 64).reshape(list(shape))


def fingerprint(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    numbers = [flat @ pattern(flat.shape, 1), flat @ pattern(flat.shape, 2), flat.abs().max()]
    return "[" + ", ".join(repr(float(number)) for number in numbers) + "]"


class Parameters:
    """Leaves and buffers, made when they are first asked for; a function must ask in the graph's order."""

    def __init__(self):
        self.learned, self.buffers = {}, {}

    def __call__(self, path, role, shape):
        known = self.learned if role in ("weight", "bias") else self.buffers
        if (path, role) not in known:
            value = pattern(shape, SALTS[role])
            known[path, role] = value + 1 if role == "running_var" else value
            if known is self.learned:
                known[path, role].requires_grad_()
        return known[path, role]


# Layers with parameters. Each gives a function of the parameters, a path and the operand.

def conv(weight, stride=1, padding=(0, 0, 0, 0), dilation=1, groups=1, bias=True):
    def run(p, path, x):
        top, left, bottom, right = padding
        w, b = p(path, "weight", weight), p(path, "bias", weight[:1]) if bias else None
        return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride, 0, dilation, groups)
    return run


def transposed(weight, stride=1, padding=(0, 0, 0, 0), output_padding=(0, 0), dilation=1, groups=1, bias=True):
    def run(p, path, x):
        top, left, bottom, right = padding
        y = F.conv_transpose2d(x, p(path, "weight", weight), None, stride, 0, 0, groups, dilation)
        y = F.pad(y, (-left, output_padding[1] - right, -top, output_padding[0] - bottom))
        return y + p(path, "bias", [y.shape[1]]).reshape(1, -1, 1, 1) if bias else y
    return run


def norm(training, eps=1e-5, momentum=0.1, scale=True, center=True, biased=False):
    def run(p, path, x):
        size = [x.shape[1]]
        w = p(path, "weight", size) if scale else None
        b = p(path, "bias", size) if center else None
        mean, var = p(path, "running_mean", size), p(path, "running_var", size)
        # Copies, as PyTorch moves them in place.
        mean, moved = mean.clone(), var.clone()
        y = F.batch_norm(x, mean, moved, w, b, training, momentum, eps)
        if biased and training:
            # PyTorch moves the running variance by the unbiased one; this is the formula with the biased one.
            axes = [axis for axis in range(x.ndim) if axis != 1]
            moved = (1 - momentum) * var + momentum * x.detach().var(axes, correction=0)
        p.buffers[path, "running_mean"], p.buffers[path, "running_var"] = mean, moved
        return y
    return run


def prelu(p, path, x):
    return F.prelu(x, p(path, "weight", [x.shape[1]]))


def per_channel(values, x):
    return torch.as_tensor(values, dtype=x.dtype).reshape(1, -1, *[1] * (x.ndim - 2))


def normalization(p, path, x):
    mean, var = p(path, "running_mean", [x.shape[1]]), p(path, "running_var", [x.shape[1]])
    return (x - per_channel(mean, x)) / torch.sqrt(per_channel(var, x)).clamp(min=1e-7)


def rectifier(slope=0.0, threshold=0.0, ceiling=None):
    def run(x):
        y = torch.where(x < threshold, slope * (x - threshold), x)
        return y if ceiling is None else torch.where(x >= ceiling, ceiling, y)
    return run


def hard_sigmoid(slope):
    """By the formula: the gradient of PyTorch's own has 1/6 in single precision."""
    def run(x):
        y = slope * x + 0.5
        return torch.where(y <= 0, 0.0, torch.where(y >= 1, 1.0, y))
    return run


def same_average(x):
    """Keras' AveragePooling2D(3, strides=2, padding="same"): padding doesn't count."""
    ones = torch.ones_like(x)
    pad = (0, 1, 1, 1)
    return F.avg_pool2d(F.pad(x, pad), 3, 2) / F.avg_pool2d(F.pad(ones, pad), 3, 2)


def reshape(shape, order="chw"):
    """As Keras reshapes a map that it keeps as [N, H, W, C], when the order is hwc."""
    def run(x):
        if order == "chw":
            return x.reshape(x.shape[0], *shape)
        last = shape[1:] + shape[:1]
        y = x.movedim(1, -1).reshape(x.shape[0], *last)
        return y.movedim(-1, 1)
    return run


def layer(run):
    """A layer with parameters, alone."""
    return lambda p, x: run(p, "layer", x)


def plain(function):
    return lambda p, x: function(x)


# Small networks.

def squeezed(x):
    return x.mean((2, 3), keepdim=True)


def column(x):
    return x[:, :, :, 3:4]


def residual(p, x):
    """ResNet's basic block with a projection, in training."""
    around, two = (1, 1, 1, 1), (2, 2)
    y = conv([6, 4, 3, 3], two, around, bias=False)(p, "conv1", x)
    y = F.relu(norm(True)(p, "bn1", y))
    y = norm(True)(p, "bn2", conv([6, 6, 3, 3], 1, around, bias=False)(p, "conv2", y))
    shortcut = norm(True)(p, "downsample.1", conv([6, 4, 1, 1], two, bias=False)(p, "downsample.0", x))
    return F.relu(y + shortcut)


def excitation(p, x):
    """EfficientNet's depthwise convolution with squeeze and excitation, padded as TensorFlow does."""
    y = conv([4, 1, 5, 5], (2, 2), (2, 1, 2, 2), groups=4, bias=False)(p, "conv_dw", x)
    y = F.silu(norm(False, eps=1e-3)(p, "bn1", y))
    s = F.silu(conv([2, 4, 1, 1])(p, "se.fc1", squeezed(y)))
    return y * torch.sigmoid(conv([4, 2, 1, 1])(p, "se.fc2", s))


def inception(p, x):
    a = conv([3, 4, 1, 1])(p, "a", x)
    b = conv([2, 4, 3, 3], 1, (1, 1, 1, 1))(p, "b", x)
    return torch.cat([a, b, F.max_pool2d(x, 3, 1, 1)], 1)


def thrice(p, x):
    """One value read three times, once twice by the same layer."""
    y = torch.tanh(conv([4, 4, 1, 1])(p, "conv", x))
    return y * y + torch.sigmoid(y)


def shared(p, x):
    """One convolution in two places."""
    run = conv([4, 4, 3, 3], 1, (1, 1, 1, 1))
    y = run(p, "conv", torch.tanh(run(p, "conv", x)))
    return y


def shared_norm(p, x):
    """One batch normalisation in two places, in training: its statistics move twice."""
    run = norm(True)
    return run(p, "bn", F.relu(run(p, "bn", x)))


image, tail = [2, 4, 7, 8], [3, 10]
lrn = F.local_response_norm
windows = [
    ("convolution", image, layer(conv([6, 4, 3, 5], (2, 1), (1, 2, 0, 1), (1, 2)))),
    ("grouped", image, layer(conv([6, 2, 3, 3], (1, 2), (1, 1, 1, 1), (2, 1), 2))),
    ("depthwise", image, layer(conv([8, 1, 3, 3], 1, (0, 1, 1, 0), 1, 4))),
    ("depthwiseStrided", image, layer(conv([4, 1, 5, 5], 2, (2, 1, 2, 2), 1, 4, bias=False))),
    ("pointwise", image, layer(conv([17, 4, 1, 1]))),
    ("skipping", image, layer(conv([3, 4, 2, 1], (4, 3)))),
    ("farPadding", image, layer(conv([3, 4, 2, 2], 3, (3, 0, 2, 4)))),
    ("transposed", image, layer(transposed([4, 3, 3, 2]))),
    ("transposedStrided", image, layer(transposed([4, 3, 3, 3], 2, (1, 0, 0, 2), (1, 0)))),
    ("transposedGrouped", image, layer(transposed([4, 3, 2, 3], (3, 2), (1, 1, 1, 1), (2, 1), 1, 2, bias=False))),
    ("transposedDilated", image, layer(transposed([4, 2, 3, 2], (1, 2), (0, 1, 2, 0), (0, 1), (2, 3)))),
    ("linear", tail, lambda p, x: F.linear(x, p("layer", "weight", [7, 10]), p("layer", "bias", [7]))),
    ("maximum", image, plain(lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True))),
    ("maximumOneSided", image,
     plain(lambda x: F.max_pool2d(F.pad(x, (0, 1, 1, 0), value=-torch.inf), (2, 3), (2, 1)))),
    ("average", image, plain(lambda x: F.avg_pool2d(x, 2))),
    ("averageCeiling", image, plain(lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True))),
    ("averageCeilingNoPadding", image, plain(lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True))),
    ("averageExcluding", image,
     plain(lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False))),
    ("averageSame", image, plain(same_average)),
    ("adaptiveAverage", image, plain(lambda x: F.adaptive_avg_pool2d(x, (3, 5)))),
    ("adaptiveAverageLarger", image, plain(lambda x: F.adaptive_avg_pool2d(x, (9, 3)))),
    ("adaptiveMaximum", image, plain(lambda x: F.adaptive_max_pool2d(x, (3, 5)))),
    ("globalAverage", image, plain(lambda x: squeezed(x).flatten(1))),
    ("globalAverageKept", image, plain(squeezed)),
    ("globalMaximum", image, plain(lambda x: F.adaptive_max_pool2d(x, 1).flatten(1))),
    ("globalMaximumKept", image, plain(lambda x: F.adaptive_max_pool2d(x, 1))),
    ("batchNorm", image, layer(norm(False, eps=1e-3))),
    ("batchNormTraining", image, layer(norm(True))),
    ("batchNormTrainingBiased", image, layer(norm(True, eps=1e-3, momentum=0.01, biased=True))),
    ("batchNormTrainingNoScale", image, layer(norm(True, scale=False))),
    ("batchNormTrainingNoCenter", tail, layer(norm(True, momentum=0.3, center=False))),
    ("normalization", image, layer(normalization)),
    ("normalizationConstants", image,
     plain(lambda x: (x - per_channel([0.1, 0.2, 0.3, 0.4], x)) / per_channel([1, 2, 0.5, 4], x))),
    ("rescaling", image, plain(lambda x: x * (1 / 127.5) - 1)),
    ("rescalingChannels", image,
     plain(lambda x: x * per_channel([1, 2, 3, 4], x) + per_channel([0.1, -0.2, 0.3, 0], x))),
    ("responseOdd", image, plain(lambda x: lrn(x, 3, 0.7, 0.75, 1))),
    ("responseEven", image, plain(lambda x: lrn(x, 4, 1.5, 0.6, 2))),
    ("responseWide", image, plain(lambda x: lrn(x, 11, 1.5, 0.6, 2))),
]
maps = [
    ("flattenFirst", image, plain(lambda x: x.flatten(1))),
    ("flattenLast", image, plain(lambda x: x.permute(0, 2, 3, 1).flatten(1))),
    ("relu", image, plain(F.relu)),
    ("sigmoid", image, plain(torch.sigmoid)),
    ("tanh", image, plain(torch.tanh)),
    # Eight times as large, so that each function's every part is seen, and its corners hit.
    ("relu6", image, plain(lambda x: F.relu6(8 * x))),
    ("leakyReLU", image, plain(lambda x: F.leaky_relu(8 * x, 0.1))),
    ("rectifier", image, plain(lambda x: rectifier(0.1, 0.5625, 4.0625)(8 * x))),
    ("rectifierThreshold", image, plain(lambda x: rectifier(threshold=1.0625)(8 * x))),
    ("silu", image, plain(lambda x: F.silu(8 * x))),
    ("hardSwish", image, plain(lambda x: F.hardswish(8 * x))),
    ("hardSigmoid", image, plain(lambda x: hard_sigmoid(1 / 6)(8 * x))),
    ("hardSigmoidOld", image, plain(lambda x: hard_sigmoid(0.2)(8 * x))),
    ("elu", image, plain(lambda x: F.elu(8 * x, 1.3))),
    ("selu", image, plain(lambda x: F.selu(8 * x))),
    ("gelu", image, plain(lambda x: F.gelu(8 * x))),
    ("geluApproximate", image, plain(lambda x: F.gelu(8 * x, approximate="tanh"))),
    ("softplus", image, plain(lambda x: F.softplus(8 * x))),
    ("prelu", image, layer(prelu)),
    ("preluVector", tail, layer(prelu)),
    ("softmax", tail, plain(lambda x: F.softmax(x, -1))),
    ("softmaxMap", image, plain(lambda x: F.softmax(x, 1))),
    ("add", image, plain(lambda x: squeezed(x) + x + column(x) + x)),
    ("multiply", image, plain(lambda x: squeezed(x) * x * column(x) * x)),
    ("mean", image, plain(lambda x: (squeezed(x) + x + column(x) + x) / 4)),
    ("outerProduct", image, plain(lambda x: squeezed(x) * column(x))),
    ("concatenateChannels", image, plain(lambda x: torch.cat([x, torch.tanh(x), x], 1))),
    ("concatenateRows", image, plain(lambda x: torch.cat([x[:, :, 5:], x], 2))),
    ("concatenateColumns", image, plain(lambda x: torch.cat([x, column(x)], 3))),
    ("padding", image, plain(lambda x: F.pad(x, (0, 3, 1, 2)))),
    ("cropping", image, plain(lambda x: x[:, :, 1:5, 3:8])),
    ("nearest", image, plain(lambda x: F.interpolate(x, scale_factor=(2, 3)))),
    ("bilinear", image, plain(lambda x: F.interpolate(x, scale_factor=(2, 3), mode="bilinear"))),
    ("bilinearAligned", image,
     plain(lambda x: F.interpolate(x, scale_factor=(3, 2), mode="bilinear", align_corners=True))),
    ("reshapeFirst", image, plain(reshape([8, 14, 2]))),
    ("reshapeLast", image, plain(reshape([8, 14, 2], "hwc"))),
    ("reshapeLastVector", tail, plain(reshape([5, 1, 2], "hwc"))),
    ("permute", image, plain(lambda x: x.permute(0, 3, 1, 2))),
    ("residual", image, residual),
    ("excitation", image, excitation),
    ("inception", image, inception),
    ("thrice", image, thrice),
    ("shared", image, shared),
    ("sharedNorm", image, shared_norm),
]


def write(file, name, cases):
    version = torch.__version__.split("+")[0]
    lines = [
        f"// Made by make-layer-goldens.py with PyTorch {version}; not edited by hand.", "",
        "/// Fingerprints of what PyTorch computes in float64: output, gradients of the input and of the parameters in",
        "/// their order, and running statistics where training moves them.", f"let {name}: [String: [[Double]]] = ["]
    for case, shape, function in cases:
        x = pattern(shape, 3).requires_grad_()
        p = Parameters()
        y = function(p, x)
        results = [y, *torch.autograd.grad(y, [x, *p.learned.values()], pattern(y.shape, 6))]
        fresh = Parameters()
        if any(not value.equal(fresh(*key, value.shape)) for key, value in p.buffers.items()):
            results += p.buffers.values()
        lines += [f'    "{case}": [', *[f"        {fingerprint(tensor)}," for tensor in results], "    ],"]
    pathlib.Path(__file__).with_name(file).write_text("\n".join(lines + ["]", ""]))


def check_against_keras():
    """Holds the formulas above against Keras' own layers, on [N, H, W, C]."""
    x = 8 * pattern(image, 3)

    def maps(value):
        value = torch.from_numpy(keras.ops.convert_to_numpy(value)).double()
        return value.movedim(-1, 1) if value.ndim == 4 else value

    def compare(formula, keras_layer, tolerance=1e-12):
        theirs = maps(keras_layer(x.movedim(1, -1).numpy()))
        assert torch.allclose(formula(x), theirs, rtol=tolerance, atol=tolerance), keras_layer

    layers = keras.layers
    compare(same_average, layers.AveragePooling2D(3, strides=2, padding="same"))
    compare(lambda x: F.interpolate(x, scale_factor=(2, 3)), layers.UpSampling2D((2, 3)))
    compare(lambda x: F.interpolate(x, scale_factor=(2, 3), mode="bilinear"),
            layers.UpSampling2D((2, 3), interpolation="bilinear"), tolerance=1e-5)  # TensorFlow's is in float32
    assert torch.allclose(F.hardsigmoid(x), hard_sigmoid(1 / 6)(x), rtol=1e-12)
    compare(hard_sigmoid(1 / 6), layers.Activation("hard_sigmoid"))
    # At the threshold itself and below zero with a ceiling, Keras has rules of its own.
    compare(rectifier(0.1, 0.5625), layers.ReLU(negative_slope=0.1, threshold=0.5625))
    compare(rectifier(threshold=1.0625), layers.ReLU(threshold=1.0625))
    compare(rectifier(0.1, 0.5625, 4.0625), layers.ReLU(4.0625, 0.1, 0.5625))
    mean, variance = [0.125, 0.25, -0.375, 0.5], [1, 4, 0.25, 0]
    compare(lambda x: (x - per_channel(mean, x)) / per_channel(variance, x).sqrt().clamp(min=1e-7),
            layers.Normalization(mean=mean, variance=variance), tolerance=1e-6)  # 1e-7 is a float32
    compare(reshape([8, 14, 2], "hwc"), layers.Reshape((14, 2, 8)))
    trained = layers.BatchNormalization(momentum=0.99, epsilon=1e-3)
    theirs = trained(x.movedim(1, -1).numpy(), training=True)
    p = Parameters()
    p.learned["bn", "weight"], p.learned["bn", "bias"] = torch.ones(4).double(), torch.zeros(4).double()
    p.buffers["bn", "running_mean"], p.buffers["bn", "running_var"] = torch.zeros(4).double(), torch.ones(4).double()
    ours = norm(True, eps=1e-3, momentum=0.01, biased=True)(p, "bn", x)
    for mine, other in [(ours, theirs), (p.buffers["bn", "running_mean"], trained.moving_mean),
                        (p.buffers["bn", "running_var"], trained.moving_variance)]:
        assert torch.allclose(mine, maps(other), rtol=1e-10, atol=1e-10)


check_against_keras()
write("LayerGoldens.swift", "layerGoldens", windows)
write("MapGoldens.swift", "mapGoldens", maps)

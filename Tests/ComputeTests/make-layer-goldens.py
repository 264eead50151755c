"""Writes LayerGoldens.swift: what PyTorch computes, in float64, for single layers with unusual numbers.

Usage: python make-layer-goldens.py > LayerGoldens.swift        (needs torch)

Tensors hold the pattern below, which the Swift tests make again; results are given as a fingerprint of three
numbers: their products with two patterns, and their largest magnitude.
"""
import torch
import torch.nn.functional as F


def pattern(shape, salt):
    count = 1
    for dimension in shape:
        count *= dimension
    index = torch.arange(count, dtype=torch.int64)
    return (((index * index * 7 + index * 37 + salt * 11) % 101 - 50).double() / 64).reshape(shape)


def fingerprint(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    numbers = [flat @ pattern(flat.shape, 1), flat @ pattern(flat.shape, 2), flat.abs().max()]
    return "[" + ", ".join(repr(float(number)) for number in numbers) + "]"


def convolution(stride, padding, dilation, groups):
    top, left, bottom, right = padding
    return lambda x, w, b: F.conv2d(
        F.pad(x, (left, right, top, bottom)), w, b, stride=stride, dilation=dilation, groups=groups)


def same_average(x):
    """Keras' AveragePooling2D(3, strides=2, padding="same"): padding doesn't count."""
    ones = torch.ones_like(x)
    pad = (0, 1, 1, 1)
    return F.avg_pool2d(F.pad(x, pad), 3, 2) / F.avg_pool2d(F.pad(ones, pad), 3, 2)


image = [2, 4, 7, 8]
cases = [
    ("convolution", image, [6, 4, 3, 5], convolution((2, 1), (1, 2, 0, 1), (1, 2), 1)),
    ("grouped", image, [6, 2, 3, 3], convolution((1, 2), (1, 1, 1, 1), (2, 1), 2)),
    ("depthwise", image, [8, 1, 3, 3], convolution((1, 1), (0, 1, 1, 0), (1, 1), 4)),
    ("pointwise", image, [17, 4, 1, 1], convolution((1, 1), (0, 0, 0, 0), (1, 1), 1)),
    ("linear", [3, 10], [7, 10], F.linear),
    ("maximum", image, None, lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
    ("maximumOneSided", image, None,
     lambda x: F.max_pool2d(F.pad(x, (0, 1, 1, 0), value=-torch.inf), (2, 3), (2, 1))),
    ("average", image, None, lambda x: F.avg_pool2d(x, 2)),
    ("averageCeiling", image, None, lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)),
    ("averageCeilingNoPadding", image, None, lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True)),
    ("averageExcluding", image, None,
     lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)),
    ("averageSame", image, None, same_average),
    ("flattenFirst", image, None, lambda x: x.flatten(1)),
    ("flattenLast", image, None, lambda x: x.permute(0, 2, 3, 1).flatten(1)),
    ("relu", image, None, F.relu),
    ("sigmoid", image, None, torch.sigmoid),
    ("tanh", image, None, torch.tanh),
    ("softmax", [3, 10], None, lambda x: F.softmax(x, -1)),
]

print("// Made by make-layer-goldens.py with PyTorch %s; not edited by hand." % torch.__version__.split("+")[0])
print()
print("/// Fingerprints of what PyTorch computes in float64: output, and gradients of input, weight and bias.")
print("let layerGoldens: [String: [[Double]]] = [")
for name, shape, weight_shape, function in cases:
    x = pattern(shape, 3).requires_grad_()
    operands = [x]
    if weight_shape:
        operands.append(pattern(weight_shape, 4).requires_grad_())
        operands.append(pattern(weight_shape[:1], 5).requires_grad_())
    y = function(*operands)
    gradients = torch.autograd.grad(y, operands, pattern(y.shape, 6))
    print(f'    "{name}": [')
    for tensor in [y, *gradients]:
        print(f"        {fingerprint(tensor)},")
    print("    ],")
print("]")

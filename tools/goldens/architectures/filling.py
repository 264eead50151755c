"""The numbers that the architecture goldens are made of: a pure function of an entry's place and an element's, so that
the tests make them again instead of reading them from a file."""

import numpy as np
import torch


def uniform(entry, count, start=0):
    """u(entry, i) for i from start: murmur3's finaliser of i + entry·0x9E3779B9, as a fraction of 2³²."""
    x = np.arange(start, start + count, dtype=np.uint64) + np.uint64(entry) * np.uint64(0x9E3779B9)
    x &= np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2.0**32


def fill(model):
    """Fills a model's state dict in place. Entries are counted in the state dict's order, counters included, which
    stay 0: kernels and matrices are uniform in ±√(6 / fan-in), scales and running variances in 0.5…1.5, everything
    else in ±0.1."""
    for entry, (key, tensor) in enumerate(model.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        u = uniform(entry, tensor.numel())
        if tensor.dim() >= 2:
            values = (u - 0.5) * 2 * np.sqrt(6 / np.prod(tensor.shape[1:], dtype=np.float64))
        elif key.endswith((".weight", "running_var")):
            values = 0.5 + u
        else:
            values = (u - 0.5) * 0.2
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape))
    return model


def pictures(*shape):
    """Network inputs, uniform in ±2."""
    values = (uniform(1_000_000, int(np.prod(shape))) - 0.5) * 4
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def sample(tensor, most):
    """Up to `most` elements of a tensor, evenly spread over its row-major order: those at ⌊(2k + 1)·count / 2n⌋."""
    flat = tensor.detach().reshape(-1)
    count = min(most, flat.numel())
    places = torch.tensor([(2 * k + 1) * flat.numel() // (2 * count) for k in range(count)], dtype=torch.long)
    return flat[places].contiguous()

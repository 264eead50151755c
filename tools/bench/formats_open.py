"""What is in a checkpoint: formats_open.py FILE."""

import sys

import torch

for name, value in torch.load(sys.argv[1], mmap=True, weights_only=True).items():
    print(name, value.dtype, list(value.shape))

"""A checkpoint to safetensors as a script does it: formats_convert.py SOURCE TARGET."""

import sys

import safetensors.torch
import torch

state = torch.load(sys.argv[1], mmap=True, weights_only=True)
safetensors.torch.save_file(state, sys.argv[2])

"""Writes zeros-and-ones.npy: three 1×32×32 pictures for the command's tests (zeros, ones, a ramp)."""

from pathlib import Path

import numpy as np

pictures = np.zeros((3, 1, 32, 32), np.float32)
pictures[1] = 1
pictures[2] = np.linspace(-1, 1, 1024, dtype=np.float32).reshape(1, 32, 32)
np.save(Path(__file__).parent / "zeros-and-ones.npy", pictures)

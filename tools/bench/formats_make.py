"""Makes the files that `tools/bench/formats` reads, of VGG16's size, with random numbers: formats_make.py FOLDER"""

import os
import sys
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def whole(name, write):
    """A file gets its name when it is complete."""
    part = folder / f"part-{name}"
    write(str(part))
    part.rename(folder / name)


if sys.argv[2] == "torch":
    import safetensors.torch
    import torch
    import torchvision

    torch.manual_seed(0)
    state = torchvision.models.vgg16(weights=None).state_dict()
    whole("vgg16.safetensors", lambda path: safetensors.torch.save_file(state, path))
    whole("vgg16.pth", lambda path: torch.save(state, path))
else:
    import keras

    model = keras.applications.VGG16(weights=None)
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    def write(path):
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)

    whole("vgg16.h5", write)

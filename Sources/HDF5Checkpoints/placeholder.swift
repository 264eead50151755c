// HDF5Checkpoints

#ifndef CHDF5SHIM_H
#define CHDF5SHIM_H
int zoo_hdf5_placeholder(void);
#endif

#include "CHDF5Shim.h"
#include <hdf5.h>
int zoo_hdf5_placeholder(void) { return (int)H5_VERS_MAJOR; }

/* hdf5.h, with the 1.10 names also where a newer library is installed. */
#ifndef ZOO_HDF5_API_H
#define ZOO_HDF5_API_H

#define H5_USE_110_API 1
#include <hdf5.h>

#if !H5_VERSION_GE(1, 10, 5)
#error "libhdf5 1.10.5 or later is needed (H5Dget_chunk_info)"
#endif

#endif

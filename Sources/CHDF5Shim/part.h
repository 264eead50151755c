/* Reading a part of an open file as an HDF5 file. */
#ifndef ZOO_PART_H
#define ZOO_PART_H

#include "hdf5_api.h"

#include <stdint.h>

typedef struct {
    int descriptor;
    uint64_t offset;
    uint64_t count;
} zoo_part;

/* Makes files that are opened with `access` be this part, whatever name they are opened under. The caller gives the
 * driver that it gets back to H5FDunregister once the file is closed; it is negative on failure. */
hid_t zoo_part_use(hid_t access, zoo_part part);

#endif

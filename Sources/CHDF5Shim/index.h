/* What the parts of the indexer share. */
#ifndef ZOO_INDEX_H
#define ZOO_INDEX_H

#include "CHDF5Shim.h"
#include "hdf5_api.h"
#include "session.h"
#include "table.h"

typedef struct {
    haddr_t *slots; /* open addressing; HADDR_UNDEF is empty */
    size_t capacity;
    size_t count;
} zoo_address_set;

/* One walk through a file. */
typedef struct {
    zoo_buffer table;
    zoo_hdf5_limits limits;
    uint64_t records;
    uint64_t entries;
    uint32_t depth;
    zoo_address_set groups; /* those already walked through */
    char *path;             /* of the object at hand, without a final NUL */
    size_t path_count;
    size_t path_capacity;
    int user_block;
    int failure; /* 0, or a ZOO_HDF5_FAILURE_… */
    char text[768];
} zoo_walk;

/* Each returns -1 and notes the failure, unless an earlier one is noted already. */
int zoo_fail(zoo_walk *walk, int failure, const char *what);
int zoo_fail_library(zoo_walk *walk, const char *what); /* adds libhdf5's own reason */
int zoo_fail_memory(zoo_walk *walk);

/* Each returns 0, or -1 with the failure noted. */
int zoo_count_entries(zoo_walk *walk, uint64_t more);
int zoo_record(zoo_walk *walk, char kind);
int zoo_number(zoo_walk *walk, uint64_t value);
int zoo_string(zoo_walk *walk, const void *bytes, size_t count);
int zoo_record_path(zoo_walk *walk, char kind);
int zoo_refuse(zoo_walk *walk, int kind);

int zoo_index_attributes(zoo_walk *walk, hid_t object);
int zoo_index_dataset(zoo_walk *walk, hid_t dataset);

#endif

/* The only door between Swift and libhdf5: a few whole operations over plain structs.
 *
 * Every function takes a process-wide lock (libhdf5 isn't thread-safe in every build), keeps libhdf5 from
 * printing and from loading filter plug-ins, and puts both back as other users of the library in the same process
 * had them. One thing stays: libhdf5's clean-up at exit is left out if nobody used the library before, because it
 * crashes after a file could not be closed (the disk was full). Nothing here calls back into the caller.
 */
#ifndef CHDF5SHIM_H
#define CHDF5SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reading: a table of what a file holds ---- */

/* Bounds beyond which indexing stops with a failure record. */
typedef struct {
    uint64_t entries;     /* links, attributes and chunks together */
    uint64_t table_bytes; /* size of the table */
    uint32_t depth;       /* groups within groups */
} zoo_hdf5_limits;

/* The table. `bytes` belongs to the caller, who gives it back with zoo_hdf5_table_free. */
typedef struct {
    unsigned char *bytes;
    size_t count;
} zoo_hdf5_table;

/* Indexes the file at `path`.
 *
 * The table is a sequence of records; every number is an unsigned 64-bit little-endian word, every string a
 * number (its length) and its bytes. A record begins with its kind, one byte:
 *
 *   'G' group        path
 *   'D' dataset      path, type, space, storage (see write_dataset in index_datasets.c)
 *   'T' named type   path
 *   'A' attribute of the last object: name, kind (0 none, 1 strings, 2 integers, 3 floats), rank, count, values
 *   'L' a link or storage that is refused: kind (ZOO_HDF5_REFUSED_…), path
 *   'X' a failure    code (ZOO_HDF5_FAILURE_…), text; then nothing more
 *   'E' the end      number of records before it
 *
 * A table is complete only if it ends with an 'E' or 'X' record. Without memory for even that, `bytes` is NULL. */
void zoo_hdf5_index(const char *path, zoo_hdf5_limits limits, zoo_hdf5_table *table);

/* The same for `count` bytes from `offset` on of an open file, taken as a file of their own. */
void zoo_hdf5_index_part(int descriptor, uint64_t offset, uint64_t count, zoo_hdf5_limits limits,
                         zoo_hdf5_table *table);

void zoo_hdf5_table_free(zoo_hdf5_table *table);

enum {
    ZOO_HDF5_FAILURE_CORRUPT = 1,
    ZOO_HDF5_FAILURE_LIMIT = 2,
    ZOO_HDF5_FAILURE_UNSUPPORTED = 3,
    ZOO_HDF5_FAILURE_MEMORY = 4,
    ZOO_HDF5_FAILURE_TRUNCATED = 5
};

enum {
    ZOO_HDF5_REFUSED_SOFT_LINK = 0,
    ZOO_HDF5_REFUSED_EXTERNAL_LINK = 1,
    ZOO_HDF5_REFUSED_USER_LINK = 2,
    ZOO_HDF5_REFUSED_GROUP_TWICE = 3,
    ZOO_HDF5_REFUSED_VIRTUAL_DATASET = 4,
    ZOO_HDF5_REFUSED_EXTERNAL_STORAGE = 5
};

/* ---- Writing ---- */

/* The types of elements that can be written, little-endian. */
enum {
    ZOO_HDF5_F64 = 0,
    ZOO_HDF5_F32 = 1,
    ZOO_HDF5_F16 = 2,
    ZOO_HDF5_BF16 = 3, /* opaque, 2 bytes, with the attribute dtype = "bfloat16", as Keras writes it */
    ZOO_HDF5_I64 = 4,
    ZOO_HDF5_I32 = 5,
    ZOO_HDF5_I16 = 6,
    ZOO_HDF5_I8 = 7,
    ZOO_HDF5_U8 = 8,
    ZOO_HDF5_BOOL = 9, /* an enumeration over one byte with FALSE and TRUE, as h5py writes it */
    ZOO_HDF5_U64 = 10,
    ZOO_HDF5_U32 = 11,
    ZOO_HDF5_U16 = 12
};

typedef struct zoo_hdf5_writer zoo_hdf5_writer;

/* Creates or empties the file at `path`; NULL on failure, with the reason in `message`. */
zoo_hdf5_writer *zoo_hdf5_create(const char *path, char *message, size_t message_size);

/* Each returns 0, or -1 with the reason in `message`. Paths are absolute, parents are made as needed. */
int zoo_hdf5_write_group(zoo_hdf5_writer *writer, const char *path, char *message, size_t message_size);

/* A scalar attribute: a variable-length UTF-8 string. `object` must exist. */
int zoo_hdf5_write_string(zoo_hdf5_writer *writer, const char *object, const char *name, const char *value,
                          char *message, size_t message_size);

/* A one-dimensional attribute of `count` strings, each `width` bytes, padded with NULs. With count 0 it is an
 * empty float64 array, which is what Keras writes for an empty list. */
int zoo_hdf5_write_strings(zoo_hdf5_writer *writer, const char *object, const char *name, const void *values,
                           size_t count, size_t width, char *message, size_t message_size);

/* A contiguous dataset; `bytes` holds all elements in row-major order. */
int zoo_hdf5_write_dataset(zoo_hdf5_writer *writer, const char *path, int type, const uint64_t *dimensions,
                           size_t rank, const void *bytes, char *message, size_t message_size);

/* Closes the file and frees the writer, also when it fails. */
int zoo_hdf5_close(zoo_hdf5_writer *writer, char *message, size_t message_size);

/* ---- Processes ---- */

/* A pipe that other programs don't inherit; 0, or -1 with errno. */
int zoo_pipe(int *reading, int *writing);

/* A new empty file without a name, in `folder` where the system can make such files there, else in memory: it goes
 * with its last descriptor, however the process ends. A descriptor that other programs don't inherit, or -1 with
 * errno. */
int zoo_nameless_file(const char *folder);

/* Gives up, for good and for the whole process, what indexing doesn't need: all open files but standard input,
 * output and error; all but `memory_bytes` more address space; all but `processor_seconds` of processor time; core
 * dumps; writing to files; having more than one other file open. */
void zoo_confine(uint64_t memory_bytes, uint64_t processor_seconds);

/* The library's version, as "1.10.8". */
void zoo_hdf5_version(char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif

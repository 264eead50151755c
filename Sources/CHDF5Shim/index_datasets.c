/* Datasets: type, shape, and where in the file their bytes are. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

enum { TYPE_INTEGER = 0, TYPE_FLOAT = 1, TYPE_BOOLEAN = 2, TYPE_OPAQUE = 3, TYPE_OTHER = 4 };
enum { STORAGE_NONE = 0, STORAGE_COMPACT = 1, STORAGE_CONTIGUOUS = 2, STORAGE_CHUNKED = 3 };
enum { MAXIMUM_FILTERS = 32, MAXIMUM_FILTER_VALUES = 20 };

/* h5py's bool: an enumeration over one byte with FALSE = 0 and TRUE = 1. */
static int is_boolean(hid_t type) {
    if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return 0;
    for (unsigned i = 0; i < 2; i++) {
        unsigned char value = 0xFF;
        char *name = H5Tget_member_name(type, i);
        int fits = name != NULL && H5Tget_member_value(type, i, &value) >= 0 &&
                   ((strcmp(name, "FALSE") == 0 && value == 0) || (strcmp(name, "TRUE") == 0 && value == 1));
        if (name != NULL) H5free_memory(name);
        if (!fits) return 0;
    }
    return 1;
}

static uint64_t kind_of(hid_t type) {
    switch (H5Tget_class(type)) {
    case H5T_INTEGER: return TYPE_INTEGER;
    case H5T_FLOAT: return TYPE_FLOAT;
    case H5T_ENUM: return is_boolean(type) ? TYPE_BOOLEAN : TYPE_OTHER;
    case H5T_OPAQUE: return TYPE_OPAQUE;
    default: return TYPE_OTHER;
    }
}

/* kind, HDF5 class, size in bytes, byte order (0 little, 1 big, 2 none, 3 other);
 * integers: signed, bit offset, precision;
 * floats: bit offset, precision, sign, exponent position and size, mantissa position and size, bias, norm. */
static int put_type(zoo_walk *walk, hid_t type, uint64_t kind) {
    H5T_order_t order = H5Tget_order(type);
    uint64_t byte_order = order == H5T_ORDER_LE ? 0 : order == H5T_ORDER_BE ? 1 : order == H5T_ORDER_NONE ? 2 : 3;
    if (zoo_number(walk, kind) != 0 || zoo_number(walk, (uint64_t)(H5Tget_class(type) & 0xFF)) != 0 ||
        zoo_number(walk, H5Tget_size(type)) != 0 || zoo_number(walk, byte_order) != 0)
        return -1;
    if (kind != TYPE_INTEGER && kind != TYPE_FLOAT) return 0;
    uint64_t facts[9];
    size_t count = 0;
    if (kind == TYPE_INTEGER) facts[count++] = H5Tget_sign(type) != H5T_SGN_NONE;
    facts[count++] = (uint64_t)H5Tget_offset(type);
    facts[count++] = H5Tget_precision(type);
    if (kind == TYPE_FLOAT) {
        size_t sign = 0, exponent = 0, exponent_size = 0, mantissa = 0, mantissa_size = 0;
        if (H5Tget_fields(type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) < 0)
            return zoo_fail_library(walk, "a dataset's type is unreadable");
        facts[count++] = sign;
        facts[count++] = exponent;
        facts[count++] = exponent_size;
        facts[count++] = mantissa;
        facts[count++] = mantissa_size;
        facts[count++] = H5Tget_ebias(type);
        facts[count++] = (uint64_t)H5Tget_norm(type) & 0xFF;
    }
    for (size_t i = 0; i < count; i++)
        if (zoo_number(walk, facts[i]) != 0) return -1;
    return 0;
}

/* Whether the space holds values at all (1) or is null (0), then rank and dimensions. */
static int put_space(zoo_walk *walk, hid_t space, int *rank, hsize_t *dimensions) {
    *rank = 0;
    H5S_class_t class = H5Sget_simple_extent_type(space);
    if (class == H5S_NULL) return zoo_number(walk, 0) != 0 ? -1 : zoo_number(walk, 0);
    *rank = H5Sget_simple_extent_ndims(space);
    if (class == H5S_NO_CLASS || *rank < 0 || *rank > H5S_MAX_RANK ||
        H5Sget_simple_extent_dims(space, dimensions, NULL) < 0)
        return zoo_fail_library(walk, "a dataset's shape is unreadable");
    if (zoo_number(walk, 1) != 0 || zoo_number(walk, (uint64_t)*rank) != 0) return -1;
    for (int i = 0; i < *rank; i++)
        if (zoo_number(walk, dimensions[i]) != 0) return -1;
    return 0;
}

/* The value of elements that were never written, in the file's type; empty when it is zero. */
static int put_fill_value(zoo_walk *walk, hid_t creation, hid_t type) {
    H5D_fill_value_t state = H5D_FILL_VALUE_DEFAULT;
    if (H5Pfill_value_defined(creation, &state) < 0)
        return zoo_fail_library(walk, "a dataset's fill value is unreadable");
    if (state != H5D_FILL_VALUE_USER_DEFINED) return zoo_string(walk, NULL, 0);
    unsigned char value[16] = {0};
    size_t size = H5Tget_size(type);
    if (size > sizeof value) return zoo_fail(walk, ZOO_HDF5_FAILURE_UNSUPPORTED, "a fill value is too wide");
    if (H5Pget_fill_value(creation, type, value) < 0)
        return zoo_fail_library(walk, "a dataset's fill value is unreadable");
    return zoo_string(walk, value, size);
}

static int put_compact(zoo_walk *walk, hid_t dataset, hid_t type) {
    hsize_t size = H5Dget_storage_size(dataset);
    hid_t space = H5Dget_space(dataset);
    hssize_t points = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    if (space >= 0) H5Sclose(space);
    /* A compact dataset lives in an object header message, which is smaller than 64 KiB. */
    if (points < 0 || size > 65536 || (uint64_t)points > 65536 ||
        (uint64_t)points * H5Tget_size(type) != (uint64_t)size)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_CORRUPT, "a compact dataset has the wrong size");
    unsigned char *bytes = calloc(size == 0 ? 1 : (size_t)size, 1);
    if (bytes == NULL) return zoo_fail_memory(walk);
    int status = 0;
    /* Memory type = file type: the bytes come as they are. */
    if (size > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0)
        status = zoo_fail_library(walk, "a compact dataset is unreadable");
    if (status == 0) status = zoo_string(walk, bytes, (size_t)size);
    free(bytes);
    return status;
}

/* Whether it was ever written (1 or 0), its offset and its length. */
static int put_contiguous(zoo_walk *walk, hid_t dataset) {
    haddr_t offset = H5Dget_offset(dataset);
    hsize_t size = H5Dget_storage_size(dataset);
    int written = offset != HADDR_UNDEF && size > 0;
    if (zoo_number(walk, (uint64_t)written) != 0 || zoo_number(walk, written ? offset : 0) != 0) return -1;
    return zoo_number(walk, written ? size : 0);
}

/* Number of filters; per filter: id, number of parameters, parameters, name. */
static int put_filters(zoo_walk *walk, hid_t creation) {
    int filters = H5Pget_nfilters(creation);
    if (filters < 0) return zoo_fail_library(walk, "a dataset's filters are unreadable");
    if (filters > MAXIMUM_FILTERS) return zoo_fail(walk, ZOO_HDF5_FAILURE_CORRUPT, "too many filters");
    if (zoo_number(walk, (uint64_t)filters) != 0) return -1;
    for (int i = 0; i < filters; i++) {
        unsigned flags = 0;
        unsigned values[MAXIMUM_FILTER_VALUES] = {0};
        size_t count = MAXIMUM_FILTER_VALUES;
        char name[64] = {0};
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &count, values, sizeof name, name, NULL);
        if (id < 0) return zoo_fail_library(walk, "a dataset's filters are unreadable");
        if (count > MAXIMUM_FILTER_VALUES) count = MAXIMUM_FILTER_VALUES;
        name[sizeof name - 1] = 0;
        if (zoo_number(walk, (uint64_t)id) != 0 || zoo_number(walk, count) != 0) return -1;
        for (size_t k = 0; k < count; k++)
            if (zoo_number(walk, values[k]) != 0) return -1;
        if (zoo_string(walk, name, strlen(name)) != 0) return -1;
    }
    return 0;
}

/* Number of chunks; per chunk: logical offset of each axis, offset in the file, stored bytes, filter mask. */
static int put_chunk_table(zoo_walk *walk, hid_t dataset, int rank) {
    hid_t space = H5Dget_space(dataset);
    hsize_t chunks = 0;
    if (space < 0 || H5Dget_num_chunks(dataset, space, &chunks) < 0) {
        zoo_fail_library(walk, "a dataset's chunks are unreadable");
        if (space >= 0) H5Sclose(space);
        return -1;
    }
    int status = zoo_count_entries(walk, chunks);
    if (status == 0) status = zoo_number(walk, chunks);
    for (hsize_t i = 0; i < chunks && status == 0; i++) {
        hsize_t position[H5S_MAX_RANK + 1] = {0};
        unsigned mask = 0;
        haddr_t offset = HADDR_UNDEF;
        hsize_t size = 0;
        if (H5Dget_chunk_info(dataset, space, i, position, &mask, &offset, &size) < 0) {
            status = zoo_fail_library(walk, "a dataset's chunks are unreadable");
            break;
        }
        for (int axis = 0; axis < rank && status == 0; axis++) status = zoo_number(walk, position[axis]);
        if (status != 0) break;
        if (zoo_number(walk, offset) != 0 || zoo_number(walk, size) != 0 || zoo_number(walk, mask) != 0)
            status = -1;
    }
    H5Sclose(space);
    return status;
}

/* Rank and extents of a chunk, whether chunks at the edge skip the filters, filters, chunks. */
static int put_chunked(zoo_walk *walk, hid_t dataset, hid_t creation, int rank) {
    hsize_t extents[H5S_MAX_RANK + 1] = {0};
    int chunk_rank = H5Pget_chunk(creation, H5S_MAX_RANK, extents);
    unsigned options = 0;
    if (chunk_rank < 0 || H5Pget_chunk_opts(creation, &options) < 0)
        return zoo_fail_library(walk, "a dataset's chunk size is unreadable");
    if (chunk_rank != rank) return zoo_fail(walk, ZOO_HDF5_FAILURE_CORRUPT, "chunks have another rank");
    if (walk->user_block)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_UNSUPPORTED, "a chunked dataset stands behind a user block");
    if (zoo_number(walk, (uint64_t)chunk_rank) != 0) return -1;
    for (int i = 0; i < chunk_rank; i++)
        if (zoo_number(walk, extents[i]) != 0) return -1;
    if (zoo_number(walk, (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0) != 0) return -1;
    return put_filters(walk, creation) != 0 ? -1 : put_chunk_table(walk, dataset, rank);
}

static int put_storage(zoo_walk *walk, hid_t dataset, hid_t creation, hid_t type, uint64_t kind, int rank) {
    H5D_layout_t layout = H5Pget_layout(creation);
    /* What can't become a tensor is only listed. */
    if (kind == TYPE_OTHER) return zoo_number(walk, STORAGE_NONE);
    switch (layout) {
    case H5D_COMPACT:
        if (zoo_number(walk, STORAGE_COMPACT) != 0) return -1;
        return put_compact(walk, dataset, type);
    case H5D_CONTIGUOUS:
        if (zoo_number(walk, STORAGE_CONTIGUOUS) != 0 || put_fill_value(walk, creation, type) != 0) return -1;
        return put_contiguous(walk, dataset);
    case H5D_CHUNKED:
        if (zoo_number(walk, STORAGE_CHUNKED) != 0 || put_fill_value(walk, creation, type) != 0) return -1;
        return put_chunked(walk, dataset, creation, rank);
    default: return zoo_fail(walk, ZOO_HDF5_FAILURE_UNSUPPORTED, "a dataset has an unknown layout");
    }
}

static int write_dataset(zoo_walk *walk, hid_t dataset, hid_t creation) {
    hid_t type = H5Dget_type(dataset);
    hid_t space = type < 0 ? -1 : H5Dget_space(dataset);
    int status;
    if (space < 0) {
        status = zoo_fail_library(walk, "a dataset's type or shape is unreadable");
    } else {
        hsize_t dimensions[H5S_MAX_RANK] = {0};
        int rank = 0;
        uint64_t kind = kind_of(type);
        status = zoo_record_path(walk, 'D');
        if (status == 0) status = put_type(walk, type, kind);
        if (status == 0) status = put_space(walk, space, &rank, dimensions);
        if (status == 0) status = put_storage(walk, dataset, creation, type, kind, rank);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

int zoo_index_dataset(zoo_walk *walk, hid_t dataset) {
    hid_t creation = H5Dget_create_plist(dataset);
    if (creation < 0) return zoo_fail_library(walk, "a dataset's properties are unreadable");
    int status;
    /* Before anything else is asked of it: a virtual dataset would open other files to learn its own shape. */
    if (H5Pget_layout(creation) == H5D_VIRTUAL) {
        status = zoo_refuse(walk, ZOO_HDF5_REFUSED_VIRTUAL_DATASET);
    } else if (H5Pget_external_count(creation) > 0) {
        status = zoo_refuse(walk, ZOO_HDF5_REFUSED_EXTERNAL_STORAGE);
    } else {
        status = write_dataset(walk, dataset, creation);
        if (status == 0) status = zoo_index_attributes(walk, dataset);
    }
    H5Pclose(creation);
    return status;
}

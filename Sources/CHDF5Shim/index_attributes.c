/* Attributes: strings of both kinds, integers, floats. Other types are listed without a value. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

enum { KIND_NONE = 0, KIND_STRINGS = 1, KIND_INTEGERS = 2, KIND_FLOATS = 3 };

static int begin_values(zoo_walk *walk, uint64_t kind, int rank, uint64_t count) {
    return zoo_number(walk, kind) != 0 || zoo_number(walk, (uint64_t)rank) != 0 || zoo_number(walk, count) != 0
               ? -1
               : 0;
}

/* A fixed-length string without its padding. */
static size_t unpadded(const char *text, size_t width, H5T_str_t padding) {
    size_t length = 0;
    if (padding == H5T_STR_NULLTERM) {
        while (length < width && text[length] != 0) length++;
        return length;
    }
    length = width;
    char pad = padding == H5T_STR_SPACEPAD ? ' ' : 0;
    while (length > 0 && text[length - 1] == pad) length--;
    return length;
}

static int put_fixed_strings(zoo_walk *walk, hid_t attribute, hid_t type, int rank, size_t count) {
    size_t width = H5Tget_size(type);
    H5T_str_t padding = H5Tget_strpad(type);
    if (width == 0 || count > walk->limits.table_bytes / width)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_LIMIT, "an attribute is larger than allowed");
    char *values = calloc(count, width);
    if (values == NULL) return zoo_fail_memory(walk);
    int status = 0;
    if (H5Aread(attribute, type, values) < 0) status = zoo_fail_library(walk, "an attribute is unreadable");
    if (status == 0) status = begin_values(walk, KIND_STRINGS, rank, count);
    for (size_t i = 0; i < count && status == 0; i++)
        status = zoo_string(walk, values + i * width, unpadded(values + i * width, width, padding));
    free(values);
    return status;
}

static int put_variable_strings(zoo_walk *walk, hid_t attribute, hid_t type, hid_t space, int rank,
                                size_t count) {
    char **values = calloc(count, sizeof(char *));
    if (values == NULL) return zoo_fail_memory(walk);
    int status = 0;
    if (H5Aread(attribute, type, values) < 0) {
        status = zoo_fail_library(walk, "an attribute is unreadable");
    } else {
        status = begin_values(walk, KIND_STRINGS, rank, count);
        for (size_t i = 0; i < count && status == 0; i++)
            status = zoo_string(walk, values[i], values[i] == NULL ? 0 : strlen(values[i]));
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    }
    free(values);
    return status;
}

/* Integers as 64-bit two's complement, floats as IEEE double. */
static int put_numbers(zoo_walk *walk, hid_t attribute, uint64_t kind, hid_t memory, int rank, size_t count) {
    uint64_t *values = calloc(count, sizeof *values);
    if (values == NULL) return zoo_fail_memory(walk);
    int status = 0;
    if (H5Aread(attribute, memory, values) < 0) status = zoo_fail_library(walk, "an attribute is unreadable");
    if (status == 0) status = begin_values(walk, kind, rank, count);
    for (size_t i = 0; i < count && status == 0; i++) status = zoo_number(walk, values[i]);
    free(values);
    return status;
}

static int put_values(zoo_walk *walk, hid_t attribute, hid_t type, hid_t space) {
    if (H5Sget_simple_extent_type(space) == H5S_NULL) return begin_values(walk, KIND_NONE, 0, 0);
    int rank = H5Sget_simple_extent_ndims(space);
    hssize_t points = H5Sget_simple_extent_npoints(space);
    if (rank < 0 || points < 0) return zoo_fail_library(walk, "an attribute's shape is unreadable");
    if ((uint64_t)points > walk->limits.table_bytes / 8)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_LIMIT, "an attribute is larger than allowed");
    size_t count = (size_t)points;
    uint64_t kind = KIND_NONE;
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_STRING) kind = KIND_STRINGS;
    if (class == H5T_INTEGER) kind = KIND_INTEGERS;
    if (class == H5T_FLOAT) kind = KIND_FLOATS;
    if (kind == KIND_NONE || count == 0) return begin_values(walk, kind, rank, 0);
    if (kind == KIND_INTEGERS) {
        int is_signed = H5Tget_sign(type) != H5T_SGN_NONE;
        hid_t memory = is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
        return put_numbers(walk, attribute, kind, memory, rank, count);
    }
    if (kind == KIND_FLOATS) return put_numbers(walk, attribute, kind, H5T_NATIVE_DOUBLE, rank, count);
    if (H5Tis_variable_str(type) > 0) return put_variable_strings(walk, attribute, type, space, rank, count);
    return put_fixed_strings(walk, attribute, type, rank, count);
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *information, void *data) {
    (void)information;
    zoo_walk *walk = data;
    if (zoo_count_entries(walk, 1) != 0) return -1;
    if (zoo_record(walk, 'A') != 0 || zoo_string(walk, name, strlen(name)) != 0) return -1;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) return zoo_fail_library(walk, "an attribute is unreadable");
    int status;
    hid_t type = H5Aget_type(attribute);
    hid_t space = type < 0 ? -1 : H5Aget_space(attribute);
    if (space < 0)
        status = zoo_fail_library(walk, "an attribute's type is unreadable");
    else
        status = put_values(walk, attribute, type, space);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

int zoo_index_attributes(zoo_walk *walk, hid_t object) {
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, walk) < 0 && walk->failure == 0)
        return zoo_fail_library(walk, "the attributes of an object are unreadable");
    return walk->failure == 0 ? 0 : -1;
}

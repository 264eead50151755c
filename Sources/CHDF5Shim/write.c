/* Writing: groups, string attributes, contiguous datasets, as h5py lays them out for Keras. */
#include "CHDF5Shim.h"
#include "hdf5_api.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct zoo_hdf5_writer {
    hid_t file;
    hid_t links; /* UTF-8 names, parents made as needed */
    char path[]; /* of the file */
};

static int failed(const char *what, char *message, size_t message_size) {
    char reason[1024];
    zoo_session_reason(reason, sizeof reason);
    snprintf(message, message_size, "%s: %s", what, reason);
    return -1;
}

static hid_t new_link_properties(void) {
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    if (links < 0) return -1;
    if (H5Pset_create_intermediate_group(links, 1) < 0 || H5Pset_char_encoding(links, H5T_CSET_UTF8) < 0) {
        H5Pclose(links);
        return -1;
    }
    return links;
}

zoo_hdf5_writer *zoo_hdf5_create(const char *path, char *message, size_t message_size) {
    zoo_hdf5_writer *writer = calloc(1, sizeof *writer + strlen(path) + 1);
    if (writer == NULL) {
        snprintf(message, message_size, "no memory is left");
        return NULL;
    }
    strcpy(writer->path, path);
    zoo_session session;
    zoo_session_begin(&session);
    writer->file = -1;
    writer->links = new_link_properties();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (writer->links >= 0 && access >= 0) {
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
        /* The oldest format that holds the contents: what h5py writes, and what every reader knows. */
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
#if H5_VERSION_GE(1, 10, 7)
        H5Pset_file_locking(access, 0, 1);
#endif
        writer->file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    }
    if (writer->file < 0) {
        failed("libhdf5 cannot create the file", message, message_size);
        if (writer->links >= 0) H5Pclose(writer->links);
        free(writer);
        writer = NULL;
    }
    if (access >= 0) H5Pclose(access);
    zoo_session_end(&session);
    return writer;
}

/* Whether there is something at an absolute path; a missing parent is no error. */
static int exists(hid_t file, const char *path) {
    size_t length = strlen(path);
    char *prefix = malloc(length + 1);
    if (prefix == NULL) return -1;
    int found = 1;
    for (size_t end = 1; end <= length && found == 1; end++) {
        if (path[end] != '/' && path[end] != 0) continue;
        memcpy(prefix, path, end);
        prefix[end] = 0;
        if (end > 1 || path[0] != '/') found = H5Lexists(file, prefix, H5P_DEFAULT) > 0;
    }
    free(prefix);
    return found;
}

static int write_group(zoo_hdf5_writer *writer, const char *path, char *message, size_t message_size) {
    int found = exists(writer->file, path);
    if (found < 0) return failed("no memory is left", message, message_size);
    hid_t group = found ? H5Gopen2(writer->file, path, H5P_DEFAULT)
                        : H5Gcreate2(writer->file, path, writer->links, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return failed("a group cannot be made", message, message_size);
    H5Gclose(group);
    return 0;
}

int zoo_hdf5_write_group(zoo_hdf5_writer *writer, const char *path, char *message, size_t message_size) {
    zoo_session session;
    zoo_session_begin(&session);
    int status = write_group(writer, path, message, message_size);
    zoo_session_end(&session);
    return status;
}

/* Makes an attribute and writes it; takes over (closes) `type` and `space`. */
static int write_attribute(hid_t file, const char *object, const char *name, hid_t type, hid_t space,
                           const void *value, char *message, size_t message_size) {
    int status = -1;
    hid_t creation = H5Pcreate(H5P_ATTRIBUTE_CREATE);
    hid_t attribute = -1;
    if (creation >= 0) H5Pset_char_encoding(creation, H5T_CSET_UTF8);
    hid_t owner = H5Oopen(file, object, H5P_DEFAULT);
    if (owner >= 0 && creation >= 0 && type >= 0 && space >= 0)
        attribute = H5Acreate2(owner, name, type, space, creation, H5P_DEFAULT);
    if (attribute >= 0 && (value == NULL || H5Awrite(attribute, type, value) >= 0)) status = 0;
    if (status != 0) failed("an attribute cannot be written", message, message_size);
    if (attribute >= 0) H5Aclose(attribute);
    if (creation >= 0) H5Pclose(creation);
    if (owner >= 0) H5Oclose(owner);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

static hid_t string_type(size_t width) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return -1;
    if (H5Tset_size(type, width) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
        (width != H5T_VARIABLE && H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

int zoo_hdf5_write_string(zoo_hdf5_writer *writer, const char *object, const char *name, const char *value,
                          char *message, size_t message_size) {
    zoo_session session;
    zoo_session_begin(&session);
    int status = write_attribute(writer->file, object, name, string_type(H5T_VARIABLE), H5Screate(H5S_SCALAR),
                                 &value, message, message_size);
    zoo_session_end(&session);
    return status;
}

int zoo_hdf5_write_strings(zoo_hdf5_writer *writer, const char *object, const char *name, const void *values,
                           size_t count, size_t width, char *message, size_t message_size) {
    zoo_session session;
    zoo_session_begin(&session);
    hsize_t extent = count;
    hid_t type = count == 0 ? H5Tcopy(H5T_IEEE_F64LE) : string_type(width);
    int status = write_attribute(writer->file, object, name, type, H5Screate_simple(1, &extent, NULL),
                                 count == 0 ? NULL : values, message, message_size);
    zoo_session_end(&session);
    return status;
}

static hid_t half_type(void) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    if (type < 0) return -1;
    if (H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 || H5Tset_ebias(type, 15) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static hid_t boolean_type(void) {
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    signed char value = 0;
    if (type < 0) return -1;
    int status = H5Tenum_insert(type, "FALSE", &value) < 0;
    value = 1;
    if (status != 0 || H5Tenum_insert(type, "TRUE", &value) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static hid_t element_type(int type) {
    switch (type) {
    case ZOO_HDF5_F64: return H5Tcopy(H5T_IEEE_F64LE);
    case ZOO_HDF5_F32: return H5Tcopy(H5T_IEEE_F32LE);
    case ZOO_HDF5_F16: return half_type();
    case ZOO_HDF5_BF16: return H5Tcreate(H5T_OPAQUE, 2);
    case ZOO_HDF5_I64: return H5Tcopy(H5T_STD_I64LE);
    case ZOO_HDF5_I32: return H5Tcopy(H5T_STD_I32LE);
    case ZOO_HDF5_I16: return H5Tcopy(H5T_STD_I16LE);
    case ZOO_HDF5_I8: return H5Tcopy(H5T_STD_I8LE);
    case ZOO_HDF5_U8: return H5Tcopy(H5T_STD_U8LE);
    case ZOO_HDF5_BOOL: return boolean_type();
    case ZOO_HDF5_U64: return H5Tcopy(H5T_STD_U64LE);
    case ZOO_HDF5_U32: return H5Tcopy(H5T_STD_U32LE);
    case ZOO_HDF5_U16: return H5Tcopy(H5T_STD_U16LE);
    default: return -1;
    }
}

static int write_dataset(zoo_hdf5_writer *writer, const char *path, hid_t type, const hsize_t *dimensions,
                         size_t rank, const void *bytes, char *message, size_t message_size) {
    int status = -1;
    hid_t dataset = -1;
    hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple((int)rank, dimensions, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (space >= 0 && creation >= 0 && type >= 0) {
        /* No times: the same weights give the same bytes. */
        H5Pset_obj_track_times(creation, 0);
        H5Pset_layout(creation, H5D_CONTIGUOUS);
        dataset = H5Dcreate2(writer->file, path, type, space, writer->links, creation, H5P_DEFAULT);
    }
    if (dataset >= 0) {
        int empty = H5Sget_simple_extent_npoints(space) == 0;
        if (empty || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0) status = 0;
    }
    if (status != 0) failed("a dataset cannot be written", message, message_size);
    if (dataset >= 0 && H5Dclose(dataset) < 0 && status == 0)
        status = failed("a dataset cannot be written", message, message_size);
    if (creation >= 0) H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    return status;
}

int zoo_hdf5_write_dataset(zoo_hdf5_writer *writer, const char *path, int type, const uint64_t *dimensions,
                           size_t rank, const void *bytes, char *message, size_t message_size) {
    hsize_t extents[H5S_MAX_RANK] = {0};
    if (rank > H5S_MAX_RANK) {
        snprintf(message, message_size, "a tensor has more than %d axes", H5S_MAX_RANK);
        return -1;
    }
    for (size_t i = 0; i < rank; i++) extents[i] = dimensions[i];
    zoo_session session;
    zoo_session_begin(&session);
    hid_t element = element_type(type);
    int status = write_dataset(writer, path, element, extents, rank, bytes, message, message_size);
    if (element >= 0) H5Tclose(element);
    if (status == 0 && type == ZOO_HDF5_BF16) {
        const char *name = "bfloat16";
        status = write_attribute(writer->file, path, "dtype", string_type(H5T_VARIABLE), H5Screate(H5S_SCALAR),
                                 &name, message, message_size);
    }
    zoo_session_end(&session);
    return status;
}

int zoo_hdf5_close(zoo_hdf5_writer *writer, char *message, size_t message_size) {
    zoo_session session;
    zoo_session_begin(&session);
    int status = 0;
    if (H5Fflush(writer->file, H5F_SCOPE_LOCAL) < 0) {
        status = failed("the file cannot be finished", message, message_size);
        /* A file that libhdf5 can't close stays half-open in it for ever. Closing writes once more, so give back
         * the space that the file takes; it is lost anyway. */
        int emptied = truncate(writer->path, 0);
        (void)emptied;
    }
    if (H5Fclose(writer->file) < 0 && status == 0)
        status = failed("the file cannot be finished", message, message_size);
    H5Pclose(writer->links);
    zoo_session_end(&session);
    free(writer);
    return status;
}

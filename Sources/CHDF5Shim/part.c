/* A libhdf5 file driver that reads a part of an open file as if it were a file of its own: an HDF5 file that lies
 * uncompressed in a zip archive needs no copy. */
#include "part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The part that the next open is about; the session's lock is held around its use. */
static zoo_part wanted;

typedef struct {
    H5FD_t common; /* has to come first */
    zoo_part part;
    haddr_t end_of_allocation;
} part_file;

static H5FD_t *part_open(const char *name, unsigned flags, hid_t access, haddr_t largest) {
    (void)name, (void)access, (void)largest;
    if (flags & (H5F_ACC_RDWR | H5F_ACC_CREAT | H5F_ACC_TRUNC)) return NULL;
    part_file *file = calloc(1, sizeof *file);
    if (file != NULL) file->part = wanted;
    return (H5FD_t *)file;
}

static herr_t part_close(H5FD_t *file) {
    free(file);
    return 0;
}

static int part_compare(const H5FD_t *left, const H5FD_t *right) { return left < right ? -1 : left > right; }

static herr_t part_query(const H5FD_t *file, unsigned long *features) {
    (void)file;
    *features = H5FD_FEAT_ACCUMULATE_METADATA_READ;
    return 0;
}

static haddr_t part_allocated(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const part_file *)file)->end_of_allocation;
}

static herr_t part_allocate(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((part_file *)file)->end_of_allocation = address;
    return 0;
}

static haddr_t part_end(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return (haddr_t)((const part_file *)file)->part.count;
}

static herr_t part_read(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer
) {
    (void)type, (void)transfer;
    const zoo_part *part = &((part_file *)file)->part;
    uint64_t inside = address < part->count ? part->count - address : 0;
    size_t present = size < inside ? size : (size_t)inside;
    size_t done = 0;
    while (done < present) {
        ssize_t got = pread(
            part->descriptor, (char *)buffer + done, present - done, (off_t)(part->offset + address + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    /* What lies behind the end reads as zeros, as in libhdf5's own drivers. */
    memset((char *)buffer + done, 0, size - done);
    return 0;
}

static herr_t part_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer
) {
    (void)file, (void)type, (void)transfer, (void)address, (void)size, (void)buffer;
    return -1;
}

static const H5FD_class_t part_driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600, /* of those that anyone may use */
#endif
    .name = "menagerie_part",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .open = part_open,
    .close = part_close,
    .cmp = part_compare,
    .query = part_query,
    .get_eoa = part_allocated,
    .set_eoa = part_allocate,
    .get_eof = part_end,
    .read = part_read,
    .write = part_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t zoo_part_use(hid_t access, zoo_part part) {
    if (part.count > INT64_MAX || part.offset > INT64_MAX - part.count) return -1;
    wanted = part;
    hid_t driver = H5FDregister(&part_driver);
    if (driver >= 0 && H5Pset_driver(access, driver, NULL) < 0) {
        H5FDunregister(driver);
        return -1;
    }
    return driver;
}

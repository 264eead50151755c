/* Walks through the groups of a file and hands each object to the right hands. */
#include "index.h"
#include "part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int zoo_fail(zoo_walk *walk, int failure, const char *what) {
    if (walk->failure != 0) return -1;
    walk->failure = failure;
    int shown = walk->path_count > 300 ? 300 : (int)walk->path_count;
    if (shown > 0)
        snprintf(walk->text, sizeof walk->text, "%s (%.*s)", what, shown, walk->path);
    else
        snprintf(walk->text, sizeof walk->text, "%s", what);
    return -1;
}

int zoo_fail_library(zoo_walk *walk, const char *what) {
    char reason[1024];
    char text[1200];
    zoo_session_reason(reason, sizeof reason);
    snprintf(text, sizeof text, "%s: %s", what, reason);
    int failure = ZOO_HDF5_FAILURE_CORRUPT;
    if (strncmp(reason, "truncated file", 14) == 0) failure = ZOO_HDF5_FAILURE_TRUNCATED;
    /* A newer library's file, more often than a damaged one. */
    if (strstr(reason, "version number") != NULL) failure = ZOO_HDF5_FAILURE_UNSUPPORTED;
    return zoo_fail(walk, failure, text);
}

int zoo_fail_memory(zoo_walk *walk) {
    return zoo_fail(walk, ZOO_HDF5_FAILURE_MEMORY, "no memory is left for the file's structure");
}

static int checked(zoo_walk *walk, int status) {
    if (status == 0) return 0;
    if (status == -1) return zoo_fail_memory(walk);
    return zoo_fail(walk, ZOO_HDF5_FAILURE_LIMIT, "names and attributes take more space than allowed");
}

int zoo_count_entries(zoo_walk *walk, uint64_t more) {
    if (more > walk->limits.entries || walk->entries > walk->limits.entries - more)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_LIMIT, "more links, attributes and chunks than allowed");
    walk->entries += more;
    return 0;
}

int zoo_record(zoo_walk *walk, char kind) {
    walk->records++;
    return checked(walk, zoo_put(&walk->table, &kind, 1));
}

int zoo_number(zoo_walk *walk, uint64_t value) { return checked(walk, zoo_put_number(&walk->table, value)); }

int zoo_string(zoo_walk *walk, const void *bytes, size_t count) {
    return checked(walk, zoo_put_string(&walk->table, bytes, count));
}

int zoo_record_path(zoo_walk *walk, char kind) {
    return zoo_record(walk, kind) != 0 ? -1 : zoo_string(walk, walk->path, walk->path_count);
}

int zoo_refuse(zoo_walk *walk, int kind) {
    if (zoo_record(walk, 'L') != 0 || zoo_number(walk, (uint64_t)kind) != 0) return -1;
    return zoo_string(walk, walk->path, walk->path_count);
}

static size_t slot_of(const zoo_address_set *set, haddr_t address) {
    size_t slot = (size_t)((uint64_t)address * 0x9E3779B97F4A7C15u >> 20) & (set->capacity - 1);
    while (set->slots[slot] != HADDR_UNDEF && set->slots[slot] != address) slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

/* Whether the address was there already: 1 or 0; -1 without memory. */
static int insert(zoo_address_set *set, haddr_t address) {
    if ((set->count + 1) * 2 > set->capacity) {
        zoo_address_set larger = {NULL, set->capacity == 0 ? 256 : set->capacity * 2, set->count};
        larger.slots = malloc(larger.capacity * sizeof(haddr_t));
        if (larger.slots == NULL) return -1;
        for (size_t i = 0; i < larger.capacity; i++) larger.slots[i] = HADDR_UNDEF;
        for (size_t i = 0; i < set->capacity; i++)
            if (set->slots[i] != HADDR_UNDEF) larger.slots[slot_of(&larger, set->slots[i])] = set->slots[i];
        free(set->slots);
        *set = larger;
    }
    size_t slot = slot_of(set, address);
    if (set->slots[slot] == address) return 1;
    set->slots[slot] = address;
    set->count++;
    return 0;
}

static int push_name(zoo_walk *walk, const char *name) {
    size_t length = strlen(name);
    size_t needed = walk->path_count + 1 + length;
    if (needed > walk->limits.table_bytes)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_LIMIT, "a path is longer than allowed");
    if (needed > walk->path_capacity) {
        char *grown = realloc(walk->path, needed * 2);
        if (grown == NULL) return zoo_fail_memory(walk);
        walk->path = grown;
        walk->path_capacity = needed * 2;
    }
    walk->path[walk->path_count] = '/';
    memcpy(walk->path + walk->path_count + 1, name, length);
    walk->path_count = needed;
    return 0;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *data);

static int walk_group(zoo_walk *walk, hid_t group, haddr_t address) {
    int seen = insert(&walk->groups, address);
    if (seen < 0) return zoo_fail_memory(walk);
    /* A second way into a group may be a way in circles. */
    if (seen == 1) return zoo_refuse(walk, ZOO_HDF5_REFUSED_GROUP_TWICE);
    if (zoo_record_path(walk, 'G') != 0 || zoo_index_attributes(walk, group) != 0) return -1;
    if (walk->depth >= walk->limits.depth)
        return zoo_fail(walk, ZOO_HDF5_FAILURE_LIMIT, "groups are nested deeper than allowed");
    walk->depth++;
    herr_t status = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, walk);
    walk->depth--;
    if (status < 0 && walk->failure == 0) return zoo_fail_library(walk, "the links of a group are unreadable");
    return walk->failure == 0 ? 0 : -1;
}

static int visit_object(zoo_walk *walk, hid_t group, const char *name, haddr_t address) {
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0) return zoo_fail_library(walk, "an object is unreadable");
    int status;
    switch (H5Iget_type(object)) {
    case H5I_GROUP: status = walk_group(walk, object, address); break;
    case H5I_DATASET: status = zoo_index_dataset(walk, object); break;
    default: status = zoo_record_path(walk, 'T'); break;
    }
    H5Oclose(object);
    return status;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *data) {
    zoo_walk *walk = data;
    size_t path_count = walk->path_count;
    if (zoo_count_entries(walk, 1) != 0 || push_name(walk, name) != 0) return -1;
    int status;
    switch (link->type) {
    case H5L_TYPE_HARD: status = visit_object(walk, group, name, link->u.address); break;
    case H5L_TYPE_SOFT: status = zoo_refuse(walk, ZOO_HDF5_REFUSED_SOFT_LINK); break;
    case H5L_TYPE_EXTERNAL: status = zoo_refuse(walk, ZOO_HDF5_REFUSED_EXTERNAL_LINK); break;
    default: status = zoo_refuse(walk, ZOO_HDF5_REFUSED_USER_LINK); break;
    }
    walk->path_count = path_count;
    return status;
}

static int walk_root(zoo_walk *walk, hid_t file) {
    hid_t creation = H5Fget_create_plist(file);
    hsize_t user_block = 0;
    if (creation < 0 || H5Pget_userblock(creation, &user_block) < 0) {
        zoo_fail_library(walk, "the file's header is unreadable");
        if (creation >= 0) H5Pclose(creation);
        return -1;
    }
    H5Pclose(creation);
    walk->user_block = user_block != 0;
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    if (root < 0) return zoo_fail_library(walk, "the root group is unreadable");
    H5O_info_t information;
    int status;
    if (H5Oget_info2(root, &information, H5O_INFO_BASIC) < 0)
        status = zoo_fail_library(walk, "the root group is unreadable");
    else
        status = walk_group(walk, root, information.addr);
    H5Gclose(root);
    return status;
}

/* `part` is NULL for a whole file. */
static int walk_file(zoo_walk *walk, const char *path, const zoo_part *part) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0) return zoo_fail_library(walk, "libhdf5 doesn't start");
    hid_t driver = -1;
    if (part != NULL && (driver = zoo_part_use(access, *part)) < 0) {
        zoo_fail_library(walk, "libhdf5 doesn't read a part of a file");
        H5Pclose(access);
        return -1;
    }
    /* Whatever a damaged file leaves open goes with the file. */
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
    /* Reading needs no lock, and some network folders know none. */
    H5Pset_file_locking(access, 0, 1);
#endif
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    int status = file < 0 ? zoo_fail_library(walk, "libhdf5 cannot open the file") : walk_root(walk, file);
    H5Pclose(access);
    if (file >= 0) H5Fclose(file);
    if (driver >= 0) H5FDunregister(driver);
    return status;
}

static void make_table(const char *path, const zoo_part *part, zoo_hdf5_limits limits, zoo_hdf5_table *table) {
    zoo_walk walk = {.limits = limits, .table = {.limit = (size_t)limits.table_bytes}};
    zoo_session session;
    zoo_session_begin(&session);
    int status = walk_file(&walk, path, part);
    zoo_session_end(&session);
    /* The last record always has room. */
    walk.table.limit = SIZE_MAX;
    int written;
    if (status == 0) {
        written = zoo_put(&walk.table, "E", 1) | zoo_put_number(&walk.table, walk.records);
    } else {
        walk.table.count = 0;
        written = zoo_put(&walk.table, "X", 1) | zoo_put_number(&walk.table, (uint64_t)walk.failure) |
                  zoo_put_string(&walk.table, walk.text, strlen(walk.text));
    }
    free(walk.groups.slots);
    free(walk.path);
    if (written != 0) {
        free(walk.table.bytes);
        walk.table.bytes = NULL;
        walk.table.count = 0;
    }
    table->bytes = walk.table.bytes;
    table->count = walk.table.count;
}

void zoo_hdf5_index(const char *path, zoo_hdf5_limits limits, zoo_hdf5_table *table) {
    make_table(path, NULL, limits, table);
}

void zoo_hdf5_index_part(
    int descriptor, uint64_t offset, uint64_t count, zoo_hdf5_limits limits, zoo_hdf5_table *table
) {
    zoo_part part = {descriptor, offset, count};
    make_table("part", &part, limits, table);
}

void zoo_hdf5_table_free(zoo_hdf5_table *table) {
    free(table->bytes);
    table->bytes = NULL;
    table->count = 0;
}

void zoo_hdf5_version(char *text, size_t size) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, size, "%u.%u.%u", major, minor, release);
}

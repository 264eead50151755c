/* What a helper process needs from the system that Swift can't import the same way everywhere. */
#if defined(__linux__)
#define _GNU_SOURCE 1
#endif
#include "CHDF5Shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int zoo_pipe(int *reading, int *writing) {
    int ends[2];
#if defined(__linux__)
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
#else
    if (pipe(ends) != 0) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}

int zoo_nameless_file(const char *folder) {
#if defined(__linux__)
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return file >= 0 ? file : memfd_create("menagerie", MFD_CLOEXEC);
#else
    char path[1024];
    int length = snprintf(path, sizeof path, "%s/menagerie.XXXXXX", folder);
    if (length < 0 || (size_t)length >= sizeof path) return -1;
    int file = mkstemp(path);
    if (file < 0) return -1;
    unlink(path);
    fcntl(file, F_SETFD, FD_CLOEXEC);
    return file;
#endif
}

#define LIMIT(resource, value)                                       \
    do {                                                             \
        struct rlimit limit = {(rlim_t)(value), (rlim_t)(value)};    \
        setrlimit(resource, &limit);                                 \
    } while (0)

/* Pages of address space in use, 0 where the system doesn't tell. */
static unsigned long long present_pages(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%llu", &pages) != 1) pages = 0;
    fclose(file);
    return pages;
}

void zoo_confine(uint64_t memory_bytes, uint64_t processor_seconds) {
    for (int descriptor = 3; descriptor < 1024; descriptor++) close(descriptor);
    unsigned long long present = present_pages() * (unsigned long long)sysconf(_SC_PAGESIZE);
    if (present > 0) LIMIT(RLIMIT_AS, present + memory_bytes);
    /* The hard limit a second later, so that the end is SIGXCPU and can be told from other kills. */
    struct rlimit processor = {(rlim_t)processor_seconds, (rlim_t)processor_seconds + 1};
    setrlimit(RLIMIT_CPU, &processor);
    LIMIT(RLIMIT_CORE, 0);
    LIMIT(RLIMIT_FSIZE, 0);
    /* Standard input, output and error, and the file itself: whatever it says, no other can be opened. */
    LIMIT(RLIMIT_NOFILE, 4);
}

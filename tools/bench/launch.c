// Runs a command once, its output thrown away, and prints what it took from start to exit:
// {"seconds": …, "peak_bytes": …, "code": …}. Compiled by predict.py and formats.py.
//
// Linux counts the memory of the process that starts another into that one's peak, so whoever measures has to be
// small; a Python process isn't.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: launch COMMAND [ARGUMENT…]\n");
        return 64;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t child;
    double began = now();
    int problem = posix_spawn(&child, arguments[1], &actions, NULL, arguments + 1, environ);
    if (problem != 0) {
        fprintf(stderr, "%s doesn't start: %s\n", arguments[1], strerror(problem));
        return 1;
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) return 1;
    double seconds = now() - began;
#ifdef __APPLE__
    long long peak = usage.ru_maxrss;
#else
    long long peak = (long long)usage.ru_maxrss * 1024;
#endif
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("{\"seconds\": %.6f, \"peak_bytes\": %lld, \"code\": %d}\n", seconds, peak, code);
    return 0;
}

#include "CZooFuzzFork.h"

#include <fcntl.h>
#include <unistd.h>

pid_t zoo_fuzz_fork(int input, int output) {
    pid_t child = fork();
    if (child != 0) return child;
    int nothing = open("/dev/null", O_RDWR);
    dup2(input >= 0 ? input : nothing, 0);
    dup2(output, 1);
    dup2(nothing, 2);
    return 0;
}

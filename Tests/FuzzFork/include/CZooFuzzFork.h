// fork(2), which Swift doesn't have.
#ifndef CZOOFUZZFORK_H
#define CZOOFUZZFORK_H

#include <sys/types.h>

// Makes this process twice. In the child, `input` (or nothing, when negative) and `output` become its standard input and
// output. For programs of one thread.
pid_t zoo_fuzz_fork(int input, int output);

#endif

// The catalogue's files, inside the binary, so that it works wherever it is moved.
#ifndef CZOODATA_H
#define CZOODATA_H

#include <stddef.h>

// Path below the repository's zoo folder, and the bytes.
typedef struct {
    const char *name;
    const unsigned char *bytes;
    size_t count;
} zoo_embedded_file;

size_t zoo_embedded_file_count(void);
zoo_embedded_file zoo_embedded_file_at(size_t index);

// The program of a proof kit: 0 for PyTorch, 1 for Keras.
zoo_embedded_file zoo_proof_script(size_t framework);

#endif

#include "CZooData.h"

// #embed is C23; clang takes it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char pytorch[] = {
#embed "../../zoo/proof/check_pytorch.py"
};
static const unsigned char keras[] = {
#embed "../../zoo/proof/check_keras.py"
};

zoo_embedded_file zoo_proof_script(size_t framework) {
    if (framework == 1) return (zoo_embedded_file){"proof/check_keras.py", keras, sizeof keras};
    return (zoo_embedded_file){"proof/check_pytorch.py", pytorch, sizeof pytorch};
}

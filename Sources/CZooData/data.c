#include "CZooData.h"

// #embed is C23; clang takes it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char lenet_mnist_manifest[] = {
#embed "../../zoo/manifests/lenet-mnist.json"
};
static const unsigned char lenet_mnist_keras_manifest[] = {
#embed "../../zoo/manifests/lenet-mnist-keras.json"
};
static const unsigned char efficientnet_lite0_manifest[] = {
#embed "../../zoo/manifests/efficientnet-lite0.json"
};
static const unsigned char lenet_mnist_weights[] = {
#embed "../../zoo/weights/lenet-mnist.pth"
};

static const zoo_embedded_file files[] = {
    {"manifests/lenet-mnist.json", lenet_mnist_manifest, sizeof lenet_mnist_manifest},
    {"manifests/lenet-mnist-keras.json", lenet_mnist_keras_manifest, sizeof lenet_mnist_keras_manifest},
    {"manifests/efficientnet-lite0.json", efficientnet_lite0_manifest, sizeof efficientnet_lite0_manifest},
    {"weights/lenet-mnist.pth", lenet_mnist_weights, sizeof lenet_mnist_weights},
};

size_t zoo_embedded_file_count(void) { return sizeof files / sizeof files[0]; }

zoo_embedded_file zoo_embedded_file_at(size_t index) { return files[index]; }

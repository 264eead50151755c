#include "optimizers.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_CPU
#endif

FOR_EACH_CPU
void zoo_sgd_update(
    float *restrict parameter, const float *restrict gradient, float *restrict buffer, size_t count,
    float learning_rate, float momentum, float dampening, float weight_decay, bool nesterov, bool is_first) {
    float fresh = 1.0f - dampening;
    if (buffer == NULL) {
        for (size_t i = 0; i < count; i++) {
            float g = weight_decay == 0 ? gradient[i] : gradient[i] + weight_decay * parameter[i];
            parameter[i] = parameter[i] + -learning_rate * g;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float g = weight_decay == 0 ? gradient[i] : gradient[i] + weight_decay * parameter[i];
        float velocity = is_first ? g : buffer[i] * momentum + fresh * g;
        buffer[i] = velocity;
        float step = nesterov ? g + momentum * velocity : velocity;
        parameter[i] = parameter[i] + -learning_rate * step;
    }
}

FOR_EACH_CPU
void zoo_adam_update(
    float *restrict parameter, const float *restrict gradient, float *restrict first, float *restrict second,
    size_t count, float one_minus_beta1, float beta2, float one_minus_beta2, float step_size, float correction,
    float epsilon, float weight_decay) {
    for (size_t i = 0; i < count; i++) {
        float g = weight_decay == 0 ? gradient[i] : gradient[i] + weight_decay * parameter[i];
        float m = first[i] + one_minus_beta1 * (g - first[i]);
        float v = second[i] * beta2 + one_minus_beta2 * g * g;
        first[i] = m;
        second[i] = v;
        float denominator = sqrtf(v) / correction + epsilon;
        parameter[i] = parameter[i] + -step_size * (m / denominator);
    }
}

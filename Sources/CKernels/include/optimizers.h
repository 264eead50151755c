// The optimizers' update rules.
//
// Each is compiled for several instruction sets and picked at run time. Multiplications and additions are never
// contracted, so that every instruction set gives the same bits.
#ifndef ZOO_OPTIMIZERS_H
#define ZOO_OPTIMIZERS_H

#include <stdbool.h>
#include <stddef.h>

// torch.optim.SGD on `count` elements:
//   g = gradient + weight_decay * parameter
//   buffer = is_first ? g : momentum * buffer + (1 - dampening) * g      (only with momentum)
//   parameter += -learning_rate * (nesterov ? g + momentum * buffer : buffer)
// `buffer` is null without momentum.
void zoo_sgd_update(
    float *parameter, const float *gradient, float *buffer, size_t count, float learning_rate, float momentum,
    float dampening, float weight_decay, bool nesterov, bool is_first);

// torch.optim.Adam on `count` elements, for the step whose bias corrections are given:
//   g = gradient + weight_decay * parameter
//   first += (g - first) * (1 - beta1)
//   second = second * beta2 + (1 - beta2) * g * g
//   parameter += -step_size * (first / (sqrt(second) / correction + epsilon))
// step_size is learning_rate / (1 - beta1^t), correction is sqrt(1 - beta2^t).
void zoo_adam_update(
    float *parameter, const float *gradient, float *first, float *second, size_t count, float one_minus_beta1,
    float beta2, float one_minus_beta2, float step_size, float correction, float epsilon, float weight_decay);

#endif

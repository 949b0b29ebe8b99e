/* The model on TensorFlow Lite Micro: the one that is compiled in, or one that was loaded and has the same operators. */
#ifndef TINSMITH_TFLM_H
#define TINSMITH_TFLM_H

#include "tinsmith_board.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The functions of tinsmith_hardware. */
uint8_t tinsmith_tflm_room(void *context, const tinsmith_command *first, uint8_t **room);
uint8_t tinsmith_tflm_open(void *context, const uint8_t *file, size_t len, tinsmith_network *network);
void tinsmith_tflm_drop(void *context);
uint8_t tinsmith_tflm_run(void *context, const tinsmith_network *network, const uint8_t *input);

/* Sets up the model that is compiled in. */
uint8_t tinsmith_tflm_begin(tinsmith_network *network);

#ifdef __cplusplus
}
#endif

#endif

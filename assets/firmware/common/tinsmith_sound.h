/* Sound of I2S microphones of the INMP441's class (ICS-43434, SPH0645): 24 bits at the top of each word of 32. C99 and C++11. */
#ifndef TINSMITH_SOUND_H
#define TINSMITH_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Samples of 16 bits, louder by a factor of 2^gain_bits (0 to 8). What is too loud is clipped. */
void tinsmith_sound_from_words(const int32_t *words, size_t n, unsigned gain_bits, int16_t *out);

/* Whether these words are those of a data line that nobody drives: all 0, or all -1. A microphone's own noise moves its last bits. */
bool tinsmith_sound_is_dead(const int32_t *words, size_t n);

#ifdef __cplusplus
}
#endif

#endif

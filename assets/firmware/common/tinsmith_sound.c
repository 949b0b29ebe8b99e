/* See tinsmith_sound.h. */
#include "tinsmith_sound.h"

void tinsmith_sound_from_words(const int32_t *words, size_t n, unsigned gain_bits, int16_t *out) {
    size_t i;
    for (i = 0; i < n; i++) {
        /* Shifts of negative numbers keep their sign with gcc and clang. */
        int32_t sample = words[i] >> (16 - gain_bits);
        out[i] = (int16_t)(sample > INT16_MAX ? INT16_MAX : sample < INT16_MIN ? INT16_MIN : sample);
    }
}

bool tinsmith_sound_is_dead(const int32_t *words, size_t n) {
    size_t i;
    for (i = 0; i < n; i++) {
        if (words[i] != words[0] || (words[i] != 0 && words[i] != -1)) {
            return false;
        }
    }
    return true;
}

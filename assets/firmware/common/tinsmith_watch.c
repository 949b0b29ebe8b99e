/* See tinsmith_watch.h. */
#include "tinsmith_watch.h"

#include <math.h>
#include <string.h>

static size_t element_bytes(tinsmith_element element) {
    switch (element) {
    case TINSMITH_ELEMENT_I8:
    case TINSMITH_ELEMENT_U8:
        return 1;
    case TINSMITH_ELEMENT_I16:
        return 2;
    case TINSMITH_ELEMENT_I32:
    case TINSMITH_ELEMENT_F32:
        return 4;
    case TINSMITH_NO_ELEMENT:
        break;
    }
    return 0;
}

static void forget(tinsmith_watch *w) {
    w->filled = 0;
    w->skip = 0;
    if (w->front_end != NULL) {
        w->front_end->reset(w->front_end->context);
    }
}

uint8_t tinsmith_watch_begin(tinsmith_watch *w, const tinsmith_sensor *sensor, const tinsmith_network *network,
                             const tinsmith_front_end *front_end, uint32_t stride) {
    size_t width = element_bytes(network->element), values;
    memset(w, 0, sizeof *w);
    w->sensor = sensor;
    w->network = *network;
    w->front_end = front_end != NULL && front_end->sensor == sensor->id ? front_end : NULL;
    w->frame_values = w->front_end != NULL ? w->front_end->n_values : sensor->n_channels;
    w->stride = w->front_end != NULL ? stride / w->front_end->step : stride;
    if (w->stride == 0) {
        w->stride = 1;
    }
    if (width == 0 || w->frame_values == 0 || sensor->n_channels > TINSMITH_MAX_CHANNELS) {
        return TINSMITH_UNSUPPORTED;
    }
    values = network->about.input_bytes / width;
    if (values == 0 || values % w->frame_values != 0) {
        return TINSMITH_UNSUPPORTED;
    }
    w->window = (uint32_t)(values / w->frame_values);
    forget(w);
    return TINSMITH_DONE;
}

void tinsmith_watch_gap(tinsmith_watch *w) {
    forget(w);
}

static float real_of(const tinsmith_sensor *s, const uint8_t *instant, uint32_t channel) {
    float value;
    if (s->format == TINSMITH_F32) {
        memcpy(&value, instant + 4 * channel, sizeof value);
    } else {
        value = (int16_t)(instant[2 * channel] | instant[2 * channel + 1] << 8);
    }
    return value * s->channels[channel].step;
}

/* The model's integer for a real number, the nearest that it has. */
static int32_t integer(const tinsmith_network *n, float real, int32_t least, int32_t most) {
    float steps = roundf(real / (n->scale > 0 ? n->scale : 1.0f)) + (float)n->zero_point;
    if (!(steps > (float)least)) {
        return least;
    }
    return steps >= (float)most ? most : (int32_t)steps;
}

static void put_value(const tinsmith_network *n, size_t index, float real) {
    int16_t half;
    int32_t whole;
    switch (n->element) {
    case TINSMITH_ELEMENT_I8:
        n->window[index] = (uint8_t)integer(n, real, -128, 127);
        break;
    case TINSMITH_ELEMENT_U8:
        n->window[index] = (uint8_t)integer(n, real, 0, 255);
        break;
    case TINSMITH_ELEMENT_I16:
        half = (int16_t)integer(n, real, INT16_MIN, INT16_MAX);
        memcpy(n->window + 2 * index, &half, sizeof half);
        break;
    case TINSMITH_ELEMENT_I32:
        whole = integer(n, real, INT32_MIN, INT32_MAX);
        memcpy(n->window + 4 * index, &whole, sizeof whole);
        break;
    case TINSMITH_ELEMENT_F32:
        memcpy(n->window + 4 * index, &real, sizeof real);
        break;
    case TINSMITH_NO_ELEMENT:
        break;
    }
}

/* Makes room behind a complete window for the next. */
static void move_on(tinsmith_watch *w) {
    size_t frame = w->frame_values * element_bytes(w->network.element);
    if (w->stride >= w->window) {
        w->filled = 0;
        w->skip = w->stride - w->window;
        return;
    }
    w->filled = w->window - w->stride;
    memmove(w->network.window, w->network.window + w->stride * frame, w->filled * frame);
}

bool tinsmith_watch_push(tinsmith_watch *w, const uint8_t *instant) {
    float reals[TINSMITH_MAX_CHANNELS];
    const float *values = reals;
    uint32_t i;
    for (i = 0; i < w->sensor->n_channels; i++) {
        reals[i] = real_of(w->sensor, instant, i);
    }
    if (w->front_end != NULL) {
        if (!w->front_end->push(w->front_end->context, reals, w->front_end->values)) {
            return false;
        }
        values = w->front_end->values;
    }
    if (w->filled == w->window) {
        move_on(w);
    }
    if (w->skip > 0) {
        w->skip--;
        return false;
    }
    for (i = 0; i < w->frame_values; i++) {
        put_value(&w->network, (size_t)w->filled * w->frame_values + i, values[i]);
    }
    w->filled++;
    return w->filled == w->window;
}

uint32_t tinsmith_watch_span(const tinsmith_watch *w) {
    return w->front_end != NULL ? (w->window - 1) * w->front_end->step + w->front_end->span - 1 : w->window - 1;
}

/* From what a sensor measures to what a model takes: real numbers, a front end where there is one, windows, the model's integers.
 *
 * C99 and C++11; needs roundf of the C library. */
#ifndef TINSMITH_WATCH_H
#define TINSMITH_WATCH_H

#include "tinsmith_link.h"
#include "tinsmith_queue.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TINSMITH_MAX_CHANNELS = 16 };

typedef struct {
    const char *name, *unit;
    float step; /* units of one step of the samples */
} tinsmith_channel;

typedef struct {
    uint8_t id, kind, format, n_channels;
    uint32_t rate_mhz; /* instants in a thousand seconds, not 0 */
    const tinsmith_channel *channels;
    tinsmith_queue *queue;
} tinsmith_sensor;

/* Types of a model's input. */
typedef enum {
    TINSMITH_NO_ELEMENT = 0,
    TINSMITH_ELEMENT_I8,
    TINSMITH_ELEMENT_U8,
    TINSMITH_ELEMENT_I16,
    TINSMITH_ELEMENT_I32,
    TINSMITH_ELEMENT_F32
} tinsmith_element;

/* A model that can be run. Memory belongs to whoever opened it. */
typedef struct {
    tinsmith_model about;
    uint8_t *input;  /* about.input_bytes: all inputs, one after the other */
    uint8_t *window; /* as many again: what a sensor has measured so far */
    uint8_t *output; /* about.output_bytes */
    /* Of its only input; TINSMITH_NO_ELEMENT if it has several, which no single sensor feeds. */
    tinsmith_element element;
    float scale;
    int32_t zero_point;
} tinsmith_network;

/* Turns instants of a sensor into what the model takes, such as spectra. */
typedef struct {
    uint8_t sensor;    /* id */
    uint32_t n_values; /* floats that come out at once */
    uint32_t step;     /* instants from one time to the next */
    uint32_t span;     /* instants that go into one of them */
    float *values;     /* room for n_values */
    void *context;
    void (*reset)(void *context);
    /* Real numbers of one instant. Whether values[] are new. */
    bool (*push)(void *context, const float *instant, float *values);
} tinsmith_front_end;

/* Windows of a sensor's instants, each a stride after the one before. */
typedef struct {
    const tinsmith_sensor *sensor;
    const tinsmith_front_end *front_end; /* NULL where the model takes the instants themselves */
    tinsmith_network network;
    uint32_t frame_values; /* that come out at once */
    uint32_t window, stride, filled, skip; /* times frame_values */
} tinsmith_watch;

/* Begins, with a front end if it is one of this sensor. Stride is in instants. TINSMITH_UNSUPPORTED if the model does not take it. */
uint8_t tinsmith_watch_begin(tinsmith_watch *watch, const tinsmith_sensor *sensor, const tinsmith_network *network,
                             const tinsmith_front_end *front_end, uint32_t stride);

/* Instants are missing: what came before them belongs to no window. */
void tinsmith_watch_gap(tinsmith_watch *watch);

/* Takes the bytes of one instant. Whether network.window is complete; the model may run on it until the next instant. */
bool tinsmith_watch_push(tinsmith_watch *watch, const uint8_t *instant);

/* Instants from the first to the last of a complete window, less one. */
uint32_t tinsmith_watch_span(const tinsmith_watch *watch);

#ifdef __cplusplus
}
#endif

#endif

/* The board core as a program, for the tests.
 *
 * stdio                       commands come by stdin, answers go to stdout; no sensor measures
 * pty SPEED BLOCKS LIMIT      prints the path of a terminal and is a board behind it: its clock runs SPEED times as fast as ours, its
 *                             sensors queue so many blocks, and its link takes LIMIT bytes a second of its own time (0: any number)
 *
 * Its model is made up: output[i] = input[i % n] * factor + i. A file of it is four bytes, "TFL3", the factor; the first has 3, and a front
 * end for the microphone: of every STEP instants, the first SPAN of them count, of these the first FEATURES go to the model. */
#define _XOPEN_SOURCE 600
#include "tinsmith_board.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FLASH_BYTES 100000u
#define INPUT_BYTES 60u
#define OUTPUT_BYTES 5000u
#define FIRST_FILE "....TFL3\3"
#define FEATURES 20u
#define SPAN 40u
#define STEP 160u
/* After so many instants a sensor measures the same again: no period of the other, nor of a block. */
#define SOUND_PERIOD 31991u
#define MOTION_PERIOD 997u

static int terminal = -1;
static double speed = 1;
static double limit_bytes;
static double sent_bytes;

static uint8_t *room_for_model;
static uint32_t room_bytes;
static uint8_t input[INPUT_BYTES], window[INPUT_BYTES], output[OUTPUT_BYTES];
static unsigned factor = 3;

typedef struct {
    tinsmith_sensor about;
    tinsmith_queue queue;
    bool is_on; /* between threads */
    uint64_t next;
    void (*instant)(uint64_t index, uint8_t *out);
} sensor;

static void put(uint8_t *out, int value) {
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static void sound(uint64_t index, uint8_t *out) {
    put(out, (int)(index % SOUND_PERIOD) * 2 - (int)SOUND_PERIOD);
}

static void motion(uint64_t index, uint8_t *out) {
    int channel;
    for (channel = 0; channel < 6; channel++) {
        put(out + 2 * channel, (int)(index % MOTION_PERIOD) * (channel + 1) % 251 - 125);
    }
}

static const tinsmith_channel sound_channels[] = {{"sound", "full scale", 1.0f / 32768}};
static const tinsmith_channel motion_channels[] = {
    {"ax", "m/s2", 0.5f},    {"ay", "m/s2", 0.5f},    {"az", "m/s2", 0.5f},
    {"gx", "deg/s", 0.125f}, {"gy", "deg/s", 0.125f}, {"gz", "deg/s", 0.125f},
};
static sensor sensors[2] = {
    {{1, TINSMITH_AUDIO, TINSMITH_I16, 1, 16000000, sound_channels, &sensors[0].queue}, {0}, false, 0, sound},
    {{2, TINSMITH_IMU, TINSMITH_I16, 6, 200000, motion_channels, &sensors[1].queue}, {0}, false, 0, motion},
};

static uint64_t now_us(void *context) {
    static struct timespec first;
    struct timespec now;
    (void)context;
    if (terminal < 0) {
        return 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (first.tv_sec == 0) {
        first = now;
    }
    return (uint64_t)(((double)(now.tv_sec - first.tv_sec) * 1e6 + (double)(now.tv_nsec - first.tv_nsec) / 1e3) * speed);
}

static size_t board_read(void *context, uint8_t *bytes, size_t room) {
    ssize_t n = read(terminal < 0 ? 0 : terminal, bytes, room);
    (void)context;
    return n < 0 ? 0 : (size_t)n;
}

static size_t board_write(void *context, const uint8_t *bytes, size_t len) {
    ssize_t n;
    if (terminal < 0) {
        return fwrite(bytes, 1, len, stdout);
    }
    if (limit_bytes > 0) {
        double allowed = (double)now_us(context) * limit_bytes / 1e6 - sent_bytes;
        if (allowed < 1) {
            return 0;
        }
        len = allowed < (double)len ? (size_t)allowed : len;
    }
    n = write(terminal, bytes, len);
    sent_bytes += n < 0 ? 0 : (double)n;
    return n < 0 ? 0 : (size_t)n;
}

static uint32_t free_heap(void *context) {
    (void)context;
    /* The simulated board, which is compared by stdio, keeps models in flash. */
    return (512u << 10) - (terminal < 0 ? 0 : room_bytes);
}

static bool switch_sensor(void *context, uint8_t index, bool on) {
    (void)context;
    __atomic_store_n(&sensors[index].is_on, on, __ATOMIC_RELEASE);
    return true;
}

static void model_drop(void *context) {
    (void)context;
    free(room_for_model);
    room_for_model = NULL;
    room_bytes = 0;
}

static uint8_t model_room(void *context, const tinsmith_command *first, uint8_t **room) {
    (void)context;
    if (first->total > FLASH_BYTES) {
        return TINSMITH_WRONG_LENGTH;
    }
    if (terminal >= 0 && (first->len < 8 || memcmp(first->bytes + 4, "TFL3", 4) != 0)) {
        return TINSMITH_BAD_MODEL;
    }
    model_drop(context);
    room_for_model = malloc(first->total > 0 ? first->total : 1);
    room_bytes = room_for_model == NULL ? 0 : first->total;
    *room = room_for_model;
    return room_for_model == NULL ? TINSMITH_NO_MEMORY : TINSMITH_DONE;
}

static void describe(tinsmith_network *network) {
    tinsmith_model about = {0, INPUT_BYTES, OUTPUT_BYTES, 1234, false, 0};
    tinsmith_network made = {about, input, window, output, TINSMITH_ELEMENT_I8, 0.5f, 3};
    *network = made;
}

static uint8_t model_open(void *context, const uint8_t *file, size_t len, tinsmith_network *network) {
    if (len != 9 || memcmp(file + 4, "TFL3", 4) != 0) {
        return TINSMITH_BAD_MODEL;
    }
    factor = file[8];
    describe(network);
    /* Of the file nothing is needed any more. */
    model_drop(context);
    return TINSMITH_DONE;
}

static uint32_t front_end_at;

static void front_end_reset(void *context) {
    (void)context;
    front_end_at = 0;
}

static bool front_end_push(void *context, const float *instant, float *values) {
    uint32_t at = front_end_at++ % STEP;
    (void)context;
    if (at < FEATURES) {
        values[at] = *instant * 512;
    }
    return at == SPAN - 1;
}

static uint8_t model_run(void *context, const tinsmith_network *network, const uint8_t *in) {
    size_t i;
    (void)context;
    for (i = 0; i < OUTPUT_BYTES; i++) {
        network->output[i] = (uint8_t)(in[i % INPUT_BYTES] * factor + i);
    }
    return TINSMITH_DONE;
}

/* Measures what is due, for as long as the program runs. */
static void *measure(void *argument) {
    sensor *s = argument;
    bool was_on = false;
    struct timespec rest = {0, 1000000};
    for (;;) {
        bool on = __atomic_load_n(&s->is_on, __ATOMIC_ACQUIRE);
        uint64_t now = now_us(NULL);
        if (on && !was_on) {
            tinsmith_queue_begin(&s->queue);
            s->next = now * s->about.rate_mhz / 1000000000 + 1;
        }
        while (on && s->next * 1000000000 / s->about.rate_mhz <= now) {
            uint8_t instant[12];
            s->instant(s->next, instant);
            tinsmith_queue_add(&s->queue, s->next * 1000000000 / s->about.rate_mhz, instant);
            s->next++;
        }
        was_on = on;
        nanosleep(&rest, NULL);
    }
    return NULL;
}

static void open_queues(uint32_t blocks) {
    static const uint32_t instants[2] = {256, 4};
    int i;
    for (i = 0; i < 2; i++) {
        size_t instant_bytes = 2u * sensors[i].about.n_channels;
        size_t bytes = blocks * TINSMITH_QUEUE_SLOT(instants[i], instant_bytes);
        tinsmith_queue_init(&sensors[i].queue, malloc(bytes), bytes, instants[i], instant_bytes);
    }
}

static int serve(tinsmith_board *board, uint32_t blocks) {
    pthread_t threads[2];
    struct timespec rest = {0, 300000};
    int i;
    open_queues(blocks);
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        return 1;
    }
    now_us(NULL);
    for (i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, measure, &sensors[i]) != 0) {
            return 1;
        }
    }
    printf("%s\n", ptsname(terminal));
    fflush(stdout);
    for (;;) {
        if (!tinsmith_board_poll(board)) {
            nanosleep(&rest, NULL);
        }
    }
}

int main(int argc, char **argv) {
    static tinsmith_board board;
    tinsmith_sensor about[2];
    tinsmith_network network;
    static float features[FEATURES];
    static const tinsmith_front_end front_end = {1, FEATURES, STEP, SPAN, features, NULL, front_end_reset, front_end_push};
    tinsmith_board_settings settings = {0};
    tinsmith_hardware hardware = {NULL,      now_us,    board_read, board_write, free_heap, switch_sensor,
                                  model_room, model_open, model_drop, model_run};
    bool is_stdio = argc == 2 && strcmp(argv[1], "stdio") == 0;
    about[0] = sensors[0].about;
    about[1] = sensors[1].about;
    describe(&network);
    network.about.hash = tinsmith_content_hash((const uint8_t *)FIRST_FILE, 9);
    settings.number = 7;
    settings.name = "Board";
    settings.firmware = "test";
    settings.sensors = about;
    settings.n_sensors = 2;
    settings.network = is_stdio ? NULL : &network;
    settings.front_end = is_stdio ? NULL : &front_end;
    settings.hardware = hardware;
    tinsmith_board_init(&board, &settings);
    if (is_stdio) {
        open_queues(4);
        while (tinsmith_board_poll(&board)) {
        }
        free(sensors[0].queue.memory);
        free(sensors[1].queue.memory);
        model_drop(NULL);
        return 0;
    }
    if (argc != 5 || strcmp(argv[1], "pty") != 0) {
        return 2;
    }
    tinsmith_board_note(&board, TINSMITH_NOTE, "a note of the board");
    speed = atof(argv[2]);
    limit_bytes = atof(argv[4]);
    return serve(&board, (uint32_t)atoi(argv[3]));
}

/* A board at one end of the device link: what it answers to commands, and what it sends as its sensors measure.
 *
 * It knows no hardware: a few functions, given by whoever sets it up, read and write the serial port, switch sensors and run the
 * model. Nothing here waits or allocates. What it answers is what Tinsmith's simulated board answers; the project's tests hold
 * both against the same program. C99 and C++11. */
#ifndef TINSMITH_BOARD_H
#define TINSMITH_BOARD_H

#include "tinsmith_latency.h"
#include "tinsmith_link.h"
#include "tinsmith_watch.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TINSMITH_MAX_SENSORS = 8,
    /* Longest frame that is understood. The studio sends pieces of 1024 bytes. */
    TINSMITH_MAX_COMMAND = 2048,
    /* Longest note. */
    TINSMITH_MAX_NOTE = 200
};

typedef struct {
    void *context;
    uint64_t (*time_us)(void *context);
    /* Bytes that have come, or that were taken; 0 at once if none. */
    size_t (*read)(void *context, uint8_t *bytes, size_t room);
    size_t (*write)(void *context, const uint8_t *bytes, size_t len);
    uint32_t (*free_heap)(void *context);
    /* Whether a sensor could be switched on or off. */
    bool (*switch_sensor)(void *context, uint8_t index, bool on);
    /* The rest is NULL on a board without models. Room for a model of first->total bytes of which the
     * first have come, or why not; room is then NULL if what was there before is gone. */
    uint8_t (*model_room)(void *context, const tinsmith_command *first, uint8_t **room);
    /* Sets up a model that lies in the room. If it fails, the one before still runs. */
    uint8_t (*model_open)(void *context, const uint8_t *file, size_t len, tinsmith_network *network);
    /* What lies in the room is not wanted: it was not opened, and will not be. */
    void (*model_drop)(void *context);
    /* Runs it on this input, into network->output. */
    uint8_t (*model_run)(void *context, const tinsmith_network *network, const uint8_t *input);
} tinsmith_hardware;

typedef struct {
    uint64_t number; /* unlike that of every other board */
    const char *name, *firmware;
    const tinsmith_sensor *sensors;
    uint8_t n_sensors;
    const tinsmith_front_end *front_end; /* or NULL; of the model that it begins with, and of no other */
    const tinsmith_network *network;     /* the model that it begins with, or NULL */
    tinsmith_hardware hardware;
} tinsmith_board_settings;

/* Something that comes in pieces. */
typedef struct {
    uint32_t total, held;
    uint8_t *bytes;
} tinsmith_pieces;

typedef struct {
    tinsmith_board_settings settings;
    tinsmith_network network;
    bool has_network;
    bool has_front_end; /* for this model */
    uint64_t first_hash; /* of the model that it began with */
    bool is_on[TINSMITH_MAX_SENSORS];
    tinsmith_pieces model, input;
    tinsmith_watch watch;
    tinsmith_latency latency;
    uint32_t lost_before; /* when statistics began */
    /* The block that is being sent and watched. */
    struct {
        bool is_open;
        uint8_t sensor;
        uint32_t at;
    } block;
    /* A result that is being sent. */
    struct {
        bool is_open;
        uint8_t status;
        uint32_t request, latency_us, total, offset;
        uint64_t time_us;
    } result;
    char note[TINSMITH_MAX_NOTE + 1];
    uint8_t note_level;
    bool note_waits, note_is_due;
    const char *news; /* or NULL */
    uint8_t news_level;
    uint16_t sequence;
    tinsmith_decoder decoder;
    uint8_t inbox[64];
    size_t inbox_len, inbox_at;
    size_t out_len, out_sent;
    uint8_t received[TINSMITH_MAX_COMMAND];
    uint8_t payload[TINSMITH_MAX_PAYLOAD];
    uint8_t out[TINSMITH_MAX_ENCODED];
} tinsmith_board;

/* What settings point to has to outlive the board. */
void tinsmith_board_init(tinsmith_board *board, const tinsmith_board_settings *settings);

/* Does the next small thing: sends on, answers a command, sends a block, runs the model. Whether there may be more to do at once. */
bool tinsmith_board_poll(tinsmith_board *board);

/* What whoever connects is to know, such as a sensor that was not found: told with the answer to the first command after a Hello.
 * Replaces the note before. */
void tinsmith_board_note(tinsmith_board *board, uint8_t level, const char *text);

/* What has just happened: told at once, to whoever is there. The text has to outlive the board. */
void tinsmith_board_tell(tinsmith_board *board, uint8_t level, const char *text);

#ifdef __cplusplus
}
#endif

#endif

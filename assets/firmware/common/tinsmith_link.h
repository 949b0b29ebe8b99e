/* The device link: what a board and the studio say to each other over USB serial.
 *
 * Frames are encoded by COBS (Cheshire and Baker, 1999) and end in a zero byte. Decoded: kind, sequence (2 bytes), payload of up to
 * 4096 bytes, CRC-16/IBM-SDLC (2 bytes). Numbers are little-endian. Messages and their fields are those of Tinsmith's
 * runtime-embedded/src/link/mod.rs; the project's tests hold this file against it byte for byte.
 *
 * No allocation, no floating-point arithmetic, no other library. Every buffer is the caller's. C99 and C++11. */
#ifndef TINSMITH_LINK_H
#define TINSMITH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TINSMITH_PROTOCOL = 1,
    TINSMITH_MAX_PAYLOAD = 4096,
    TINSMITH_MAX_FRAME = TINSMITH_MAX_PAYLOAD + 5,
    TINSMITH_MAX_ENCODED = TINSMITH_MAX_FRAME + TINSMITH_MAX_FRAME / 254 + 2,
    TINSMITH_ALL_SENSORS = 255
};

/* Kinds of frames: what a board says, what the studio asks for. */
enum {
    TINSMITH_HELLO = 0x01,
    TINSMITH_SAMPLES = 0x02,
    TINSMITH_RESULT = 0x03,
    TINSMITH_STATS = 0x04,
    TINSMITH_LOG = 0x05,
    TINSMITH_ACK = 0x06,
    TINSMITH_IDENTIFY = 0x81,
    TINSMITH_START = 0x82,
    TINSMITH_STOP = 0x83,
    TINSMITH_INFER = 0x84,
    TINSMITH_WATCH = 0x85,
    TINSMITH_GET_STATS = 0x86,
    TINSMITH_LOAD = 0x87,
    TINSMITH_ACTIVATE = 0x88
};

/* How a command ended. */
enum {
    TINSMITH_DONE = 0,
    TINSMITH_UNSUPPORTED = 1,
    TINSMITH_NO_MODEL = 2,
    TINSMITH_WRONG_LENGTH = 3,
    TINSMITH_WRONG_OFFSET = 4,
    TINSMITH_WRONG_HASH = 5,
    TINSMITH_BAD_MODEL = 6,
    TINSMITH_NO_MEMORY = 7,
    TINSMITH_NO_SENSOR = 8,
    TINSMITH_FAILED = 9
};

enum { TINSMITH_AUDIO = 0, TINSMITH_IMU = 1, TINSMITH_OTHER = 2 };
enum { TINSMITH_I16 = 0, TINSMITH_F32 = 1 };
enum { TINSMITH_ERROR = 0, TINSMITH_WARNING = 1, TINSMITH_NOTE = 2, TINSMITH_DETAIL = 3 };

/* CRC-16/IBM-SDLC, begun with 0 and continued piece by piece. Of "123456789" it is 0x906e. */
uint16_t tinsmith_crc16(uint16_t crc, const uint8_t *bytes, size_t len);

/* FNV-1a of 64 bits: names a model. */
uint64_t tinsmith_content_hash(const uint8_t *bytes, size_t len);

/* Encodes a frame, its zero included. Bytes written to out; 0 if they do not fit, or the payload is too long. */
size_t tinsmith_encode_frame(uint8_t kind, uint16_t sequence, const uint8_t *payload, size_t len, uint8_t *out, size_t room);

/* What a byte has brought. */
typedef enum { TINSMITH_MORE, TINSMITH_FRAME, TINSMITH_BAD } tinsmith_step;

/* Finds frames in a stream of bytes. */
typedef struct {
    uint8_t *buffer; /* TINSMITH_MAX_FRAME bytes take every frame, fewer only shorter ones */
    size_t size;
    size_t len;
    uint8_t left;
    bool seamless, started, begun, overflowed;
    uint32_t bad_crc, bad_too_long, bad_malformed;
    /* After TINSMITH_FRAME, until the next byte. */
    uint8_t kind;
    uint16_t sequence;
    const uint8_t *payload;
    size_t payload_len;
} tinsmith_decoder;

void tinsmith_decoder_init(tinsmith_decoder *decoder, uint8_t *buffer, size_t size);
tinsmith_step tinsmith_decoder_push(tinsmith_decoder *decoder, uint8_t byte);

/* A payload that is written. What does not fit is left out, and noted in failed. */
typedef struct {
    uint8_t *out;
    size_t room;
    size_t len;
    bool failed;
} tinsmith_writer;

void tinsmith_writer_init(tinsmith_writer *writer, uint8_t *out, size_t room);
void tinsmith_put_u8(tinsmith_writer *writer, uint8_t value);
void tinsmith_put_u16(tinsmith_writer *writer, uint16_t value);
void tinsmith_put_u32(tinsmith_writer *writer, uint32_t value);
void tinsmith_put_u64(tinsmith_writer *writer, uint64_t value);
void tinsmith_put_f32(tinsmith_writer *writer, float value);
void tinsmith_put_bytes(tinsmith_writer *writer, const uint8_t *bytes, size_t len);
/* At most 255 bytes of UTF-8. */
void tinsmith_put_text(tinsmith_writer *writer, const char *text);

/* The model that a board has. */
typedef struct {
    uint64_t hash;
    uint32_t input_bytes, output_bytes, arena_bytes;
    /* Id of the sensor whose instants a front end makes ready for it, if there is one. */
    bool has_front_end;
    uint8_t front_end_sensor;
} tinsmith_model;

/* Hello: the head; each sensor with its channels; the model, or NULL. */
void tinsmith_put_hello(tinsmith_writer *writer, uint64_t number, const char *board, const char *firmware, uint8_t n_sensors);
void tinsmith_put_sensor(tinsmith_writer *writer, uint8_t id, uint8_t kind, uint32_t rate_mhz, uint8_t format, uint8_t n_channels);
void tinsmith_put_channel(tinsmith_writer *writer, float step, const char *name, const char *unit);
void tinsmith_put_model(tinsmith_writer *writer, const tinsmith_model *model);

/* Samples: the head; the instants follow by tinsmith_put_bytes or value by value. */
void tinsmith_put_samples(tinsmith_writer *writer, uint8_t sensor, uint64_t time_us, uint32_t dropped);

/* Result: the head; a piece of the output follows by tinsmith_put_bytes. */
void tinsmith_put_result(tinsmith_writer *writer, uint32_t request, uint8_t status, uint32_t latency_us, uint64_t time_us,
                         uint32_t total, uint32_t offset);

/* What running the model took. */
typedef struct {
    uint32_t inferences, mean_us, p50_us, p95_us, p99_us, max_us, arena_bytes, free_heap_bytes, dropped;
} tinsmith_stats;

void tinsmith_put_stats(tinsmith_writer *writer, const tinsmith_stats *stats);
void tinsmith_put_log(tinsmith_writer *writer, uint8_t level, const char *text);
void tinsmith_put_ack(tinsmith_writer *writer, uint16_t sequence, uint8_t status, uint32_t held);

/* What the studio asks for; fields that a command does not have are 0. */
typedef struct {
    uint8_t kind;
    uint8_t sensor;
    bool on, reset;
    uint32_t rate_mhz, stride, request;
    uint32_t total, offset; /* of a piece */
    const uint8_t *bytes;
    size_t len;
    uint64_t hash;
} tinsmith_command;

/* Reads a command from the frame that a decoder has found. False if it is none. */
bool tinsmith_read_command(const tinsmith_decoder *decoder, tinsmith_command *command);

#ifdef __cplusplus
}
#endif

#endif

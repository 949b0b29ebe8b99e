/* See tinsmith_link.h. */
#include "tinsmith_link.h"

#include <string.h>

/* A block of 254 bytes that are not zero, with no zero after them. */
#define FULL 255u

/* Remainders of the 16 values of four bits: polynomial 0x1021, bits reversed. */
static const uint16_t crc_table[16] = {
    0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387,
    0x8408, 0x9489, 0xa50a, 0xb58b, 0xc60c, 0xd68d, 0xe70e, 0xf78f,
};

uint16_t tinsmith_crc16(uint16_t crc, const uint8_t *bytes, size_t len) {
    size_t i;
    crc = (uint16_t)~crc;
    for (i = 0; i < len; i++) {
        crc = (uint16_t)(crc >> 4 ^ crc_table[(crc ^ bytes[i]) & 15u]);
        crc = (uint16_t)(crc >> 4 ^ crc_table[(crc ^ bytes[i] >> 4) & 15u]);
    }
    return (uint16_t)~crc;
}

uint64_t tinsmith_content_hash(const uint8_t *bytes, size_t len) {
    uint64_t hash = 0xcbf29ce484222325u;
    size_t i;
    for (i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

/* Writes bytes so that none is zero; the byte before each block says how far it is to the next. */
typedef struct {
    uint8_t *out;
    size_t room, len, head;
    bool failed;
} encoder;

static void put(encoder *e, uint8_t byte) {
    if (e->len < e->room) {
        e->out[e->len++] = byte;
    } else {
        e->failed = true;
    }
}

static void begin_block(encoder *e) {
    e->head = e->len;
    put(e, 1);
}

static void encode(encoder *e, const uint8_t *bytes, size_t len) {
    size_t i;
    for (i = 0; i < len && !e->failed; i++) {
        /* Only where more follows: a full block at the very end needs no other. */
        if (e->out[e->head] == FULL) {
            begin_block(e);
        }
        if (bytes[i] == 0) {
            begin_block(e);
            continue;
        }
        put(e, bytes[i]);
        if (!e->failed) {
            e->out[e->head]++;
        }
    }
}

size_t tinsmith_encode_frame(uint8_t kind, uint16_t sequence, const uint8_t *payload, size_t len, uint8_t *out, size_t room) {
    encoder e = {out, room, 0, 0, false};
    uint8_t head[3], tail[2];
    uint16_t crc;
    if (len > TINSMITH_MAX_PAYLOAD || room == 0) {
        return 0;
    }
    head[0] = kind;
    head[1] = (uint8_t)sequence;
    head[2] = (uint8_t)(sequence >> 8);
    crc = tinsmith_crc16(tinsmith_crc16(0, head, sizeof head), payload, len);
    tail[0] = (uint8_t)crc;
    tail[1] = (uint8_t)(crc >> 8);
    begin_block(&e);
    encode(&e, head, sizeof head);
    encode(&e, payload, len);
    encode(&e, tail, sizeof tail);
    put(&e, 0);
    return e.failed ? 0 : e.len;
}

void tinsmith_decoder_init(tinsmith_decoder *d, uint8_t *buffer, size_t size) {
    memset(d, 0, sizeof *d);
    d->buffer = buffer;
    d->size = size < (size_t)TINSMITH_MAX_FRAME ? size : (size_t)TINSMITH_MAX_FRAME;
}

static void count(uint32_t *counter) {
    if (*counter < UINT32_MAX) {
        ++*counter;
    }
}

static void keep(tinsmith_decoder *d, uint8_t byte) {
    if (d->len < d->size) {
        d->buffer[d->len++] = byte;
    } else {
        d->overflowed = true;
    }
}

/* A byte that is not zero. */
static void take(tinsmith_decoder *d, uint8_t byte) {
    d->begun = true;
    if (d->left > 0) {
        d->left--;
        keep(d, byte);
        return;
    }
    if (d->started && !d->seamless) {
        keep(d, 0);
    }
    d->left = (uint8_t)(byte - 1u);
    d->seamless = byte == FULL;
    d->started = true;
}

static tinsmith_step check(tinsmith_decoder *d, size_t len) {
    const uint8_t *b = d->buffer;
    uint16_t crc;
    if (len < 5) {
        count(&d->bad_malformed);
        return TINSMITH_BAD;
    }
    crc = (uint16_t)(b[len - 2] | b[len - 1] << 8);
    if (tinsmith_crc16(0, b, len - 2) != crc) {
        count(&d->bad_crc);
        return TINSMITH_BAD;
    }
    d->kind = b[0];
    d->sequence = (uint16_t)(b[1] | b[2] << 8);
    d->payload = b + 3;
    d->payload_len = len - 5;
    return TINSMITH_FRAME;
}

tinsmith_step tinsmith_decoder_push(tinsmith_decoder *d, uint8_t byte) {
    bool begun = d->begun, overflowed = d->overflowed, whole = d->left == 0;
    size_t len = d->len;
    if (byte != 0) {
        take(d, byte);
        return TINSMITH_MORE;
    }
    d->len = 0;
    d->left = 0;
    d->seamless = d->started = d->begun = d->overflowed = false;
    if (!begun) {
        return TINSMITH_MORE;
    }
    if (overflowed) {
        count(&d->bad_too_long);
        return TINSMITH_BAD;
    }
    if (!whole) {
        count(&d->bad_malformed);
        return TINSMITH_BAD;
    }
    return check(d, len);
}

void tinsmith_writer_init(tinsmith_writer *w, uint8_t *out, size_t room) {
    w->out = out;
    w->room = room;
    w->len = 0;
    w->failed = false;
}

void tinsmith_put_bytes(tinsmith_writer *w, const uint8_t *bytes, size_t len) {
    if (len > w->room - w->len) {
        w->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(w->out + w->len, bytes, len);
    }
    w->len += len;
}

void tinsmith_put_u64(tinsmith_writer *w, uint64_t value) {
    tinsmith_put_u32(w, (uint32_t)value);
    tinsmith_put_u32(w, (uint32_t)(value >> 32));
}

void tinsmith_put_u32(tinsmith_writer *w, uint32_t value) {
    tinsmith_put_u16(w, (uint16_t)value);
    tinsmith_put_u16(w, (uint16_t)(value >> 16));
}

void tinsmith_put_u16(tinsmith_writer *w, uint16_t value) {
    tinsmith_put_u8(w, (uint8_t)value);
    tinsmith_put_u8(w, (uint8_t)(value >> 8));
}

void tinsmith_put_u8(tinsmith_writer *w, uint8_t value) {
    tinsmith_put_bytes(w, &value, 1);
}

void tinsmith_put_f32(tinsmith_writer *w, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    tinsmith_put_u32(w, bits);
}

void tinsmith_put_text(tinsmith_writer *w, const char *text) {
    size_t len = strlen(text);
    if (len > 255) {
        w->failed = true;
        return;
    }
    tinsmith_put_u8(w, (uint8_t)len);
    tinsmith_put_bytes(w, (const uint8_t *)text, len);
}

void tinsmith_put_hello(tinsmith_writer *w, uint64_t number, const char *board, const char *firmware, uint8_t n_sensors) {
    tinsmith_put_u8(w, TINSMITH_PROTOCOL);
    tinsmith_put_u64(w, number);
    tinsmith_put_text(w, board);
    tinsmith_put_text(w, firmware);
    tinsmith_put_u8(w, n_sensors);
}

void tinsmith_put_sensor(tinsmith_writer *w, uint8_t id, uint8_t kind, uint32_t rate_mhz, uint8_t format, uint8_t n_channels) {
    tinsmith_put_u8(w, id);
    tinsmith_put_u8(w, kind);
    tinsmith_put_u32(w, rate_mhz);
    tinsmith_put_u8(w, format);
    tinsmith_put_u8(w, n_channels);
}

void tinsmith_put_channel(tinsmith_writer *w, float step, const char *name, const char *unit) {
    tinsmith_put_f32(w, step);
    tinsmith_put_text(w, name);
    tinsmith_put_text(w, unit);
}

void tinsmith_put_model(tinsmith_writer *w, const tinsmith_model *model) {
    tinsmith_put_u8(w, model == NULL ? 0 : model->has_front_end ? 2 : 1);
    if (model != NULL) {
        tinsmith_put_u64(w, model->hash);
        tinsmith_put_u32(w, model->input_bytes);
        tinsmith_put_u32(w, model->output_bytes);
        tinsmith_put_u32(w, model->arena_bytes);
    }
    if (model != NULL && model->has_front_end) {
        tinsmith_put_u8(w, model->front_end_sensor);
    }
}

void tinsmith_put_samples(tinsmith_writer *w, uint8_t sensor, uint64_t time_us, uint32_t dropped) {
    tinsmith_put_u8(w, sensor);
    tinsmith_put_u64(w, time_us);
    tinsmith_put_u32(w, dropped);
}

void tinsmith_put_result(tinsmith_writer *w, uint32_t request, uint8_t status, uint32_t latency_us, uint64_t time_us,
                         uint32_t total, uint32_t offset) {
    tinsmith_put_u32(w, request);
    tinsmith_put_u8(w, status);
    tinsmith_put_u32(w, latency_us);
    tinsmith_put_u64(w, time_us);
    tinsmith_put_u32(w, total);
    tinsmith_put_u32(w, offset);
}

void tinsmith_put_stats(tinsmith_writer *w, const tinsmith_stats *stats) {
    tinsmith_put_u32(w, stats->inferences);
    tinsmith_put_u32(w, stats->mean_us);
    tinsmith_put_u32(w, stats->p50_us);
    tinsmith_put_u32(w, stats->p95_us);
    tinsmith_put_u32(w, stats->p99_us);
    tinsmith_put_u32(w, stats->max_us);
    tinsmith_put_u32(w, stats->arena_bytes);
    tinsmith_put_u32(w, stats->free_heap_bytes);
    tinsmith_put_u32(w, stats->dropped);
}

void tinsmith_put_log(tinsmith_writer *w, uint8_t level, const char *text) {
    tinsmith_put_u8(w, level);
    tinsmith_put_bytes(w, (const uint8_t *)text, strlen(text));
}

void tinsmith_put_ack(tinsmith_writer *w, uint16_t sequence, uint8_t status, uint32_t held) {
    tinsmith_put_u16(w, sequence);
    tinsmith_put_u8(w, status);
    tinsmith_put_u32(w, held);
}

/* What is left of a payload that is read. */
typedef struct {
    const uint8_t *bytes;
    size_t len;
    bool failed;
} reader;

static uint64_t get(reader *r, size_t len) {
    uint64_t value = 0;
    size_t i;
    if (len > r->len) {
        r->failed = true;
        return 0;
    }
    for (i = 0; i < len; i++) {
        value |= (uint64_t)r->bytes[i] << 8 * i;
    }
    r->bytes += len;
    r->len -= len;
    return value;
}

static bool get_flag(reader *r) {
    uint64_t value = get(r, 1);
    r->failed = r->failed || value > 1;
    return value == 1;
}

static void get_piece(reader *r, tinsmith_command *c) {
    c->total = (uint32_t)get(r, 4);
    c->offset = (uint32_t)get(r, 4);
    c->bytes = r->bytes;
    c->len = r->len;
    r->bytes += r->len;
    r->len = 0;
    r->failed = r->failed || c->offset > c->total || c->len > c->total - c->offset;
}

bool tinsmith_read_command(const tinsmith_decoder *decoder, tinsmith_command *c) {
    reader r = {decoder->payload, decoder->payload_len, false};
    memset(c, 0, sizeof *c);
    c->kind = decoder->kind;
    switch (decoder->kind) {
    case TINSMITH_IDENTIFY:
        break;
    case TINSMITH_START:
        c->sensor = (uint8_t)get(&r, 1);
        c->rate_mhz = (uint32_t)get(&r, 4);
        break;
    case TINSMITH_STOP:
        c->sensor = (uint8_t)get(&r, 1);
        break;
    case TINSMITH_INFER:
        c->request = (uint32_t)get(&r, 4);
        get_piece(&r, c);
        break;
    case TINSMITH_WATCH:
        c->on = get_flag(&r);
        c->sensor = (uint8_t)get(&r, 1);
        c->stride = (uint32_t)get(&r, 4);
        break;
    case TINSMITH_GET_STATS:
        c->reset = get_flag(&r);
        break;
    case TINSMITH_LOAD:
        get_piece(&r, c);
        break;
    case TINSMITH_ACTIVATE:
        c->hash = get(&r, 8);
        break;
    default:
        return false;
    }
    return !r.failed && r.len == 0;
}

/* See tinsmith_board.h. */
#include "tinsmith_board.h"

#include <string.h>

/* Bytes of a Result frame before its output. */
#define RESULT_HEAD 25u

/* What a command came to. */
typedef struct {
    uint8_t status;
    uint32_t held;
} answer;

static answer ended(uint8_t status) {
    answer a = {status, 0};
    return a;
}

void tinsmith_board_init(tinsmith_board *b, const tinsmith_board_settings *settings) {
    memset(b, 0, sizeof *b);
    b->settings = *settings;
    tinsmith_decoder_init(&b->decoder, b->received, sizeof b->received);
    if (settings->network != NULL) {
        b->network = *settings->network;
        b->has_network = true;
        b->first_hash = b->network.about.hash;
        b->has_front_end = settings->front_end != NULL;
    } else {
        b->settings.front_end = NULL;
    }
}

void tinsmith_board_note(tinsmith_board *b, uint8_t level, const char *text) {
    size_t len = strlen(text);
    if (len > TINSMITH_MAX_NOTE) {
        len = TINSMITH_MAX_NOTE;
    }
    memcpy(b->note, text, len);
    b->note[len] = 0;
    b->note_level = level;
}

void tinsmith_board_tell(tinsmith_board *b, uint8_t level, const char *text) {
    b->news = text;
    b->news_level = level;
}

/* Sends what there is of a frame. Whether all of it is out. */
static bool flush(tinsmith_board *b) {
    const tinsmith_hardware *h = &b->settings.hardware;
    while (b->out_sent < b->out_len) {
        size_t n = h->write(h->context, b->out + b->out_sent, b->out_len - b->out_sent);
        if (n == 0) {
            return false;
        }
        b->out_sent += n;
    }
    return true;
}

static tinsmith_writer begin(tinsmith_board *b) {
    tinsmith_writer w;
    tinsmith_writer_init(&w, b->payload, sizeof b->payload);
    return w;
}

/* Only while no other frame is on its way. */
static void say(tinsmith_board *b, uint8_t kind, const tinsmith_writer *w) {
    b->out_sent = 0;
    b->out_len = w->failed ? 0 : tinsmith_encode_frame(kind, b->sequence, b->payload, w->len, b->out, sizeof b->out);
    if (b->out_len > 0) {
        b->sequence++;
    }
}

static void say_hello(tinsmith_board *b) {
    const tinsmith_board_settings *s = &b->settings;
    tinsmith_writer w = begin(b);
    tinsmith_model about = b->network.about;
    uint8_t i, c;
    tinsmith_put_hello(&w, s->number, s->name, s->firmware, s->n_sensors);
    for (i = 0; i < s->n_sensors; i++) {
        const tinsmith_sensor *sensor = &s->sensors[i];
        tinsmith_put_sensor(&w, sensor->id, sensor->kind, sensor->rate_mhz, sensor->format, sensor->n_channels);
        for (c = 0; c < sensor->n_channels; c++) {
            tinsmith_put_channel(&w, sensor->channels[c].step, sensor->channels[c].name, sensor->channels[c].unit);
        }
    }
    about.has_front_end = b->has_front_end;
    about.front_end_sensor = b->has_front_end ? s->front_end->sensor : 0;
    tinsmith_put_model(&w, b->has_network ? &about : NULL);
    say(b, TINSMITH_HELLO, &w);
    /* Whoever asks for a name may hear no more than the name. */
    b->note_waits = b->note[0] != 0;
}

static void say_log(tinsmith_board *b, uint8_t level, const char *text) {
    tinsmith_writer w = begin(b);
    tinsmith_put_log(&w, level, text);
    say(b, TINSMITH_LOG, &w);
}

static uint32_t lost(const tinsmith_board *b) {
    uint32_t all = 0;
    uint8_t i;
    for (i = 0; i < b->settings.n_sensors; i++) {
        all += tinsmith_queue_lost(b->settings.sensors[i].queue);
    }
    return all;
}

static void say_stats(tinsmith_board *b, bool reset) {
    const tinsmith_hardware *h = &b->settings.hardware;
    tinsmith_writer w = begin(b);
    tinsmith_stats stats;
    tinsmith_latency_stats(&b->latency, &stats);
    stats.arena_bytes = b->has_network ? b->network.about.arena_bytes : 0;
    stats.free_heap_bytes = h->free_heap(h->context);
    stats.dropped = lost(b) - b->lost_before;
    tinsmith_put_stats(&w, &stats);
    say(b, TINSMITH_STATS, &w);
    if (reset) {
        tinsmith_latency_reset(&b->latency);
        b->lost_before += stats.dropped;
    }
}

static void say_ack(tinsmith_board *b, uint16_t sequence, answer a) {
    tinsmith_writer w = begin(b);
    tinsmith_put_ack(&w, sequence, a.status, a.held);
    say(b, TINSMITH_ACK, &w);
}

/* The next piece of a result. */
static void say_result(tinsmith_board *b) {
    uint32_t left = b->result.total - b->result.offset;
    uint32_t len = left < TINSMITH_MAX_PAYLOAD - RESULT_HEAD ? left : TINSMITH_MAX_PAYLOAD - RESULT_HEAD;
    tinsmith_writer w = begin(b);
    tinsmith_put_result(&w, b->result.request, b->result.status, b->result.latency_us, b->result.time_us, b->result.total,
                        b->result.offset);
    if (len > 0) {
        tinsmith_put_bytes(&w, b->network.output + b->result.offset, len);
    }
    say(b, TINSMITH_RESULT, &w);
    b->result.offset += len;
    b->result.is_open = b->result.offset < b->result.total;
}

/* Runs the model and begins a result. An input of the wrong length is NULL. */
static void run(tinsmith_board *b, uint32_t request, uint64_t time_us, const uint8_t *input) {
    const tinsmith_hardware *h = &b->settings.hardware;
    uint64_t begin_us = h->time_us(h->context);
    uint8_t status = input == NULL ? TINSMITH_WRONG_LENGTH : h->model_run(h->context, &b->network, input);
    uint64_t took_us = h->time_us(h->context) - begin_us;
    bool is_done = status == TINSMITH_DONE;
    b->result.is_open = true;
    b->result.status = status;
    b->result.request = request;
    b->result.time_us = time_us;
    b->result.total = is_done ? b->network.about.output_bytes : 0;
    b->result.offset = 0;
    b->result.latency_us = !is_done ? 0 : took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;
    if (is_done) {
        tinsmith_latency_add(&b->latency, b->result.latency_us);
    }
}

/* Takes a piece into p->bytes, which are there since the first. */
static uint8_t take(tinsmith_pieces *p, const tinsmith_command *c) {
    if (c->total != p->total || c->offset != p->held || p->bytes == NULL) {
        return TINSMITH_WRONG_OFFSET;
    }
    memcpy(p->bytes + p->held, c->bytes, c->len);
    p->held += (uint32_t)c->len;
    return TINSMITH_DONE;
}

static void begin_pieces(tinsmith_pieces *p, uint32_t total, uint8_t *bytes) {
    p->total = total;
    p->held = 0;
    p->bytes = bytes;
}

/* Whether it is answered by a Result, and not by an Ack. */
static bool infer(tinsmith_board *b, const tinsmith_command *c, answer *a) {
    tinsmith_pieces *p = &b->input;
    bool is_whole;
    *a = ended(TINSMITH_NO_MODEL);
    if (!b->has_network) {
        return false;
    }
    if (c->total > b->network.about.input_bytes) {
        a->status = TINSMITH_WRONG_LENGTH;
        a->held = p->held;
        return false;
    }
    if (c->offset == 0) {
        begin_pieces(p, c->total, b->network.input);
    }
    a->status = take(p, c);
    a->held = p->held;
    if (a->status != TINSMITH_DONE || p->held != p->total) {
        return false;
    }
    is_whole = p->total == b->network.about.input_bytes;
    p->held = 0;
    run(b, c->request, 0, is_whole ? b->network.input : NULL);
    return true;
}

static answer load(tinsmith_board *b, const tinsmith_command *c) {
    const tinsmith_hardware *h = &b->settings.hardware;
    answer a = ended(TINSMITH_UNSUPPORTED);
    if (h->model_open == NULL) {
        return a;
    }
    a.status = TINSMITH_DONE;
    if (c->offset == 0) {
        uint8_t *room = b->model.bytes;
        a.status = h->model_room(h->context, c, &room);
        if (a.status == TINSMITH_DONE || room == NULL) {
            begin_pieces(&b->model, a.status == TINSMITH_DONE ? c->total : 0, room);
        }
    }
    if (a.status == TINSMITH_DONE) {
        a.status = take(&b->model, c);
    }
    a.held = b->model.held;
    return a;
}

static uint8_t open_model(const tinsmith_board *b, const tinsmith_pieces *file, uint64_t hash, tinsmith_network *network) {
    const tinsmith_hardware *h = &b->settings.hardware;
    if (file->bytes == NULL || file->held != file->total) {
        return TINSMITH_BAD_MODEL;
    }
    if (tinsmith_content_hash(file->bytes, file->total) != hash) {
        return TINSMITH_WRONG_HASH;
    }
    return h->model_open(h->context, file->bytes, file->total, network);
}

/* A front end is compiled for one model: another may have been trained on other features of the same width. */
static void replace_model(tinsmith_board *b, const tinsmith_network *network) {
    bool had_front_end = b->has_front_end;
    b->network = *network;
    b->has_front_end = b->settings.front_end != NULL && network->about.hash == b->first_hash;
    b->has_network = true;
    b->watch.sensor = NULL;
    begin_pieces(&b->input, 0, NULL);
    tinsmith_latency_reset(&b->latency);
    if (had_front_end && !b->has_front_end) {
        tinsmith_board_tell(b, TINSMITH_WARNING,
                            "The features that are compiled in are those of the model that was flashed: on a sensor, this one is "
                            "given what the sensor measures. Flash it for its own features.");
    }
}

static uint8_t activate(tinsmith_board *b, uint64_t hash) {
    const tinsmith_hardware *h = &b->settings.hardware;
    tinsmith_pieces file = b->model;
    tinsmith_network network;
    uint8_t status;
    /* It may be asked again because the answer was lost. */
    if (b->has_network && b->network.about.hash == hash && file.held == 0) {
        return TINSMITH_DONE;
    }
    if (h->model_open == NULL) {
        return TINSMITH_UNSUPPORTED;
    }
    begin_pieces(&b->model, 0, NULL);
    status = open_model(b, &file, hash, &network);
    if (status == TINSMITH_DONE) {
        network.about.hash = hash;
        replace_model(b, &network);
    } else {
        h->model_drop(h->context);
    }
    return status;
}

/* Its place in the list, or n_sensors. */
static uint8_t find(const tinsmith_board *b, uint8_t id) {
    uint8_t i = 0;
    while (i < b->settings.n_sensors && b->settings.sensors[i].id != id) {
        i++;
    }
    return i;
}

static uint8_t start(tinsmith_board *b, const tinsmith_command *c) {
    const tinsmith_hardware *h = &b->settings.hardware;
    uint8_t i = find(b, c->sensor);
    if (i == b->settings.n_sensors) {
        return TINSMITH_NO_SENSOR;
    }
    if (c->rate_mhz != 0 && c->rate_mhz != b->settings.sensors[i].rate_mhz) {
        return TINSMITH_UNSUPPORTED;
    }
    if (!b->is_on[i]) {
        tinsmith_queue_clear(b->settings.sensors[i].queue);
        b->block.is_open = b->block.is_open && b->block.sensor != i;
        if (b->watch.sensor == &b->settings.sensors[i]) {
            /* It measured nothing while it was off. */
            tinsmith_watch_gap(&b->watch);
        }
        b->is_on[i] = h->switch_sensor(h->context, i, true);
    }
    return b->is_on[i] ? TINSMITH_DONE : TINSMITH_FAILED;
}

static uint8_t stop(tinsmith_board *b, uint8_t id) {
    const tinsmith_hardware *h = &b->settings.hardware;
    uint8_t status = id == TINSMITH_ALL_SENSORS ? TINSMITH_DONE : TINSMITH_NO_SENSOR, i;
    for (i = 0; i < b->settings.n_sensors; i++) {
        if (id != TINSMITH_ALL_SENSORS && b->settings.sensors[i].id != id) {
            continue;
        }
        if (b->is_on[i]) {
            h->switch_sensor(h->context, i, false);
            b->is_on[i] = false;
        }
        status = TINSMITH_DONE;
    }
    if (id == TINSMITH_ALL_SENSORS) {
        /* Whoever connects next may want no results. */
        b->watch.sensor = NULL;
    }
    return status;
}

static uint8_t set_watch(tinsmith_board *b, const tinsmith_command *c) {
    uint8_t i = find(b, c->sensor), status;
    b->watch.sensor = NULL;
    if (!c->on) {
        return TINSMITH_DONE;
    }
    if (i == b->settings.n_sensors) {
        return TINSMITH_NO_SENSOR;
    }
    if (!b->has_network) {
        return TINSMITH_NO_MODEL;
    }
    status = tinsmith_watch_begin(&b->watch, &b->settings.sensors[i], &b->network,
                                  b->has_front_end ? b->settings.front_end : NULL, c->stride);
    if (status != TINSMITH_DONE) {
        b->watch.sensor = NULL;
    }
    return status;
}

static void command(tinsmith_board *b) {
    tinsmith_command c;
    answer a = ended(TINSMITH_UNSUPPORTED);
    bool is_known = tinsmith_read_command(&b->decoder, &c);
    if (b->note_waits && c.kind != TINSMITH_IDENTIFY) {
        b->note_waits = false;
        b->note_is_due = true;
    }
    switch (is_known ? c.kind : 0) {
    case TINSMITH_IDENTIFY:
        say_hello(b);
        return;
    case TINSMITH_GET_STATS:
        say_stats(b, c.reset);
        return;
    case TINSMITH_INFER:
        if (infer(b, &c, &a)) {
            return;
        }
        break;
    case TINSMITH_START:
        a = ended(start(b, &c));
        break;
    case TINSMITH_STOP:
        a = ended(stop(b, c.sensor));
        break;
    case TINSMITH_WATCH:
        a = ended(set_watch(b, &c));
        break;
    case TINSMITH_LOAD:
        a = load(b, &c);
        break;
    case TINSMITH_ACTIVATE:
        a = ended(activate(b, c.hash));
        break;
    default:
        break;
    }
    say_ack(b, b->decoder.sequence, a);
}

/* Answers the next command. Whether there was one, or there is more to read. */
static bool listen(tinsmith_board *b) {
    const tinsmith_hardware *h = &b->settings.hardware;
    if (b->inbox_at == b->inbox_len) {
        b->inbox_at = 0;
        b->inbox_len = h->read(h->context, b->inbox, sizeof b->inbox);
    }
    while (b->inbox_at < b->inbox_len) {
        if (tinsmith_decoder_push(&b->decoder, b->inbox[b->inbox_at++]) == TINSMITH_FRAME) {
            command(b);
            return true;
        }
    }
    return b->inbox_len > 0;
}

/* Opens the next block of a sensor and sends it. Sensors take turns. */
static bool open_block(tinsmith_board *b) {
    uint8_t n = b->settings.n_sensors, i;
    for (i = 1; i <= n; i++) {
        uint8_t index = (uint8_t)((b->block.sensor + i) % n);
        const tinsmith_sensor *sensor = &b->settings.sensors[index];
        const uint8_t *instants;
        const tinsmith_block *block = tinsmith_queue_peek(sensor->queue, &instants);
        tinsmith_writer w;
        if (block == NULL) {
            continue;
        }
        if (!b->is_on[index]) {
            /* What was still on its way when it was switched off. */
            tinsmith_queue_take(sensor->queue);
            continue;
        }
        w = begin(b);
        tinsmith_put_samples(&w, sensor->id, block->time_us, block->dropped);
        tinsmith_put_bytes(&w, instants, block->n * sensor->queue->instant_bytes);
        say(b, TINSMITH_SAMPLES, &w);
        if (b->watch.sensor == sensor && block->dropped > 0) {
            tinsmith_watch_gap(&b->watch);
        }
        b->block.is_open = true;
        b->block.sensor = index;
        b->block.at = 0;
        return true;
    }
    return false;
}

/* Lets the model see the open block, up to where it runs. */
static void watch_block(tinsmith_board *b) {
    const tinsmith_sensor *sensor = &b->settings.sensors[b->block.sensor];
    const uint8_t *instants;
    const tinsmith_block *block = tinsmith_queue_peek(sensor->queue, &instants);
    if (block != NULL && b->watch.sensor == sensor) {
        while (b->block.at < block->n) {
            uint32_t at = b->block.at++;
            if (tinsmith_watch_push(&b->watch, instants + at * sensor->queue->instant_bytes)) {
                int64_t before = (int64_t)tinsmith_watch_span(&b->watch) - at;
                int64_t before_us = before * 1000000000 / (int64_t)sensor->rate_mhz;
                run(b, 0, block->time_us - (uint64_t)before_us, b->network.window);
                return;
            }
        }
    }
    if (block != NULL) {
        tinsmith_queue_take(sensor->queue);
    }
    b->block.is_open = false;
}

bool tinsmith_board_poll(tinsmith_board *b) {
    if (!flush(b)) {
        return false;
    }
    if (b->result.is_open) {
        say_result(b);
    } else if (b->note_is_due) {
        say_log(b, b->note_level, b->note);
        b->note_is_due = false;
    } else if (b->news != NULL) {
        say_log(b, b->news_level, b->news);
        b->news = NULL;
    } else if (!listen(b)) {
        if (!b->block.is_open) {
            return open_block(b);
        }
        watch_block(b);
    }
    return true;
}

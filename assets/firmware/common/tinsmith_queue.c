/* See tinsmith_queue.h. */
#include "tinsmith_queue.h"

#include <string.h>

static uint32_t load(const uint32_t *value) {
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *value, uint32_t now) {
    __atomic_store_n(value, now, __ATOMIC_RELEASE);
}

static uint8_t *slot(const tinsmith_queue *q, uint32_t block) {
    return q->memory + (size_t)(block % q->n_slots) * q->slot_bytes;
}

/* A block that the writer fills. Slots are aligned, so it may be looked at as what it is. */
static tinsmith_block *head_of(const tinsmith_queue *q, uint32_t block) {
    return (tinsmith_block *)(void *)slot(q, block);
}

void tinsmith_queue_init(tinsmith_queue *q, uint8_t *memory, size_t bytes, uint32_t block_instants, size_t instant_bytes) {
    uint32_t n = 1;
    memset(q, 0, sizeof *q);
    q->memory = memory;
    q->instant_bytes = instant_bytes;
    q->block_instants = block_instants;
    q->slot_bytes = TINSMITH_QUEUE_SLOT(block_instants, instant_bytes);
    /* A power of two, so that counts may wrap. */
    while ((size_t)n * 2 * q->slot_bytes <= bytes) {
        n *= 2;
    }
    q->n_slots = n;
}

void tinsmith_queue_begin(tinsmith_queue *q) {
    q->is_open = false;
    q->pending = 0;
}

static void count_lost(tinsmith_queue *q, uint32_t instants) {
    q->pending += instants;
    store(&q->lost, q->lost + instants);
}

static void end_block(tinsmith_queue *q) {
    q->is_open = false;
    store(&q->written, q->written + 1);
}

static bool open_block(tinsmith_queue *q, uint64_t time_us) {
    tinsmith_block *block;
    if (q->written - load(&q->taken) >= q->n_slots) {
        return false;
    }
    block = head_of(q, q->written);
    block->time_us = time_us;
    block->dropped = q->pending;
    block->n = 0;
    q->pending = 0;
    q->is_open = true;
    return true;
}

void tinsmith_queue_add(tinsmith_queue *q, uint64_t time_us, const void *instant) {
    tinsmith_block *block;
    if (!q->is_open && !open_block(q, time_us)) {
        count_lost(q, 1);
        return;
    }
    block = head_of(q, q->written);
    memcpy(slot(q, q->written) + sizeof *block + block->n * q->instant_bytes, instant, q->instant_bytes);
    block->n++;
    if (block->n == q->block_instants) {
        end_block(q);
    }
}

void tinsmith_queue_lose(tinsmith_queue *q, uint32_t instants) {
    if (q->is_open && instants > 0) {
        end_block(q);
    }
    count_lost(q, instants);
}

const tinsmith_block *tinsmith_queue_peek(const tinsmith_queue *q, const uint8_t **instants) {
    if (load(&q->written) == q->taken) {
        return NULL;
    }
    *instants = slot(q, q->taken) + sizeof(tinsmith_block);
    return head_of(q, q->taken);
}

void tinsmith_queue_take(tinsmith_queue *q) {
    store(&q->taken, q->taken + 1);
}

void tinsmith_queue_clear(tinsmith_queue *q) {
    store(&q->taken, load(&q->written));
}

uint32_t tinsmith_queue_lost(const tinsmith_queue *q) {
    return load(&q->lost);
}

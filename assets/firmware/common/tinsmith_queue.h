/* Instants on their way from a sensor's task to the link's: one task writes, one reads, neither waits, and what is lost is counted.
 *
 * They travel in blocks, as frames of the link carry them. C99 and C++11, with the atomics of gcc and clang. */
#ifndef TINSMITH_QUEUE_H
#define TINSMITH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is known of a block; its instants follow in memory. */
typedef struct {
    uint64_t time_us; /* of the first instant */
    uint32_t dropped; /* instants lost between the block before and this one */
    uint32_t n;       /* instants */
} tinsmith_block;

/* Bytes of memory for so many blocks. */
#define TINSMITH_QUEUE_SLOT(instants, instant_bytes) (sizeof(tinsmith_block) + ((instants) * (instant_bytes) + 7u) / 8u * 8u)

typedef struct {
    uint8_t *memory;
    size_t slot_bytes, instant_bytes;
    uint32_t n_slots, block_instants;
    uint32_t written, taken; /* blocks, since the beginning */
    uint32_t lost;           /* instants, since the beginning */
    /* Only the writer's. */
    uint32_t pending;
    bool is_open;
} tinsmith_queue;

/* Memory has to be aligned to 8 bytes, and take at least one slot. */
void tinsmith_queue_init(tinsmith_queue *queue, uint8_t *memory, size_t bytes, uint32_t block_instants, size_t instant_bytes);

/* The writer's. A sensor that begins anew forgets what it left unfinished. */
void tinsmith_queue_begin(tinsmith_queue *queue);
/* An instant, or its loss if all blocks wait. The time counts for the first instant of a block. */
void tinsmith_queue_add(tinsmith_queue *queue, uint64_t time_us, const void *instant);
/* Instants that were not measured, or came too late. They end a block. */
void tinsmith_queue_lose(tinsmith_queue *queue, uint32_t instants);

/* The reader's. The oldest block and its instants; NULL if there is none. */
const tinsmith_block *tinsmith_queue_peek(const tinsmith_queue *queue, const uint8_t **instants);
/* The oldest block is done with. */
void tinsmith_queue_take(tinsmith_queue *queue);
void tinsmith_queue_clear(tinsmith_queue *queue);
/* Instants lost since the beginning; wraps. */
uint32_t tinsmith_queue_lost(const tinsmith_queue *queue);

#ifdef __cplusplus
}
#endif

#endif

/* See tinsmith_latency.h. */
#include "tinsmith_latency.h"

#include <string.h>

void tinsmith_latency_reset(tinsmith_latency *l) {
    memset(l, 0, sizeof *l);
}

void tinsmith_latency_add(tinsmith_latency *l, uint32_t latency_us) {
    l->recent[l->count % TINSMITH_RECENT_RUNS] = latency_us;
    if (l->count < UINT32_MAX) {
        l->count++;
    }
    l->sum_us += latency_us;
    if (latency_us > l->max_us) {
        l->max_us = latency_us;
    }
}

static uint32_t remembered(const tinsmith_latency *l) {
    return l->count < TINSMITH_RECENT_RUNS ? l->count : TINSMITH_RECENT_RUNS;
}

/* Counts rather than sorts: there is no room for a copy. */
static uint32_t percentile(const tinsmith_latency *l, uint32_t percent) {
    uint32_t n = remembered(l), rank = (n * percent + 99) / 100, i, j;
    for (i = 0; i < n; i++) {
        uint32_t below = 0, same = 0;
        for (j = 0; j < n; j++) {
            below += l->recent[j] < l->recent[i];
            same += l->recent[j] == l->recent[i];
        }
        if (below < rank && rank <= below + same) {
            return l->recent[i];
        }
    }
    return 0;
}

void tinsmith_latency_stats(const tinsmith_latency *l, tinsmith_stats *stats) {
    stats->inferences = l->count;
    stats->mean_us = l->count == 0 ? 0 : (uint32_t)(l->sum_us / l->count);
    stats->p50_us = percentile(l, 50);
    stats->p95_us = percentile(l, 95);
    stats->p99_us = percentile(l, 99);
    stats->max_us = l->max_us;
}

/* How long runs of the model took. C99 and C++11, no allocation. */
#ifndef TINSMITH_LATENCY_H
#define TINSMITH_LATENCY_H

#include "tinsmith_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs that are remembered for percentiles. */
#ifndef TINSMITH_RECENT_RUNS
#define TINSMITH_RECENT_RUNS 512u
#endif

typedef struct {
    uint32_t recent[TINSMITH_RECENT_RUNS];
    uint32_t count, max_us;
    uint64_t sum_us;
} tinsmith_latency;

void tinsmith_latency_reset(tinsmith_latency *latency);
void tinsmith_latency_add(tinsmith_latency *latency, uint32_t latency_us);
/* Writes the figures of time; percentiles are nearest ranks among the runs that are remembered. */
void tinsmith_latency_stats(const tinsmith_latency *latency, tinsmith_stats *stats);

#ifdef __cplusplus
}
#endif

#endif

/* chance.h - what the plugins of the virtual run share: a seeded draw, and the word for a broken promise of the host.
 */
#ifndef VIRTUAL_CHANCE_H
#define VIRTUAL_CHANCE_H
#include <stdint.h>
#include "voicegw/plugin.h"

/** splitmix64: a small generator that any seed is good for. */
static inline uint64_t chance_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t chance_below(uint64_t *state, uint64_t bound)
{
    return bound ? chance_next(state) % bound : 0;
}

/** True in `percent` of all draws. */
static inline int chance_of(uint64_t *state, uint64_t percent)
{
    return chance_below(state, 100) < percent;
}

/** A time between 0 and `most_us`, often a short one. */
static inline int64_t chance_time(uint64_t *state, int64_t most_us)
{
    uint64_t most = (uint64_t)most_us;
    return (int64_t)(chance_of(state, 50) ? chance_below(state, most / 20 + 1) : chance_below(state, most + 1));
}

/** The host broke a promise of the SDK: the run reads this from the log. */
static inline void chance_broken(const struct voicegw_host *host, const char *what)
{
    host->log(host, VOICEGW_LOG_ERROR, what, "{\"promise\":\"broken\"}");
}

#endif

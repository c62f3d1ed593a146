/* jitter.h - an adaptive jitter buffer: packets in as the network brings them, packets out at the pace of the clock
 * that pulls. Pure: time is an argument. Belongs to its leg's worker. */
#ifndef SIP_MEDIA_JITTER_H
#define SIP_MEDIA_JITTER_H
#include <stdint.h>

#define MEDIA_JITTER_SLOTS 64u
#define MEDIA_JITTER_BUCKETS 25u /* of 10 ms: how far behind the fastest packet the others came */

struct media_jitter_options {
    uint32_t clock_hz; /* units of the timestamp a second: 8000 for G.722 too (RFC 3551 4.5.2) */
    uint32_t min_ms;   /* 0 takes 20 */
    uint32_t max_ms;   /* 0 takes 200 */
};
struct media_slot {
    uint8_t *data; /* malloc()ed */
    uint32_t bytes, ext, timestamp, units;
    uint8_t payload_type, quiet, used;
};
struct media_jitter {
    struct media_jitter_options options;
    struct media_slot slots[MEDIA_JITTER_SLOTS];
    uint32_t count;
    uint32_t next_ext; /* what is to be played next */
    uint32_t playhead; /* its timestamp */
    uint32_t playing, started;
    int64_t first_us;   /* when the first packet since the last start came */
    int64_t fastest_us; /* smallest transit of this window and the one before */
    int64_t window_fastest_us, window_until_us;
    uint32_t transit_base; /* timestamp that transits are counted from */
    int64_t transit_base_us;
    uint32_t weight[MEDIA_JITTER_BUCKETS]; /* fixed point, fading */
    uint32_t target_ms;
    uint32_t least_ms; /* least depth of this window: standing delay */
    int64_t least_until_us;
    uint32_t late, overflowed, dropped, concealed, inserted; /* counted */
};

enum media_play {
    MEDIA_PLAY_PACKET,  /* decode it */
    MEDIA_PLAY_LOST,    /* one is missing: conceal as much as a packet holds */
    MEDIA_PLAY_SILENCE, /* the far side sends nothing now (DTX): comfort noise */
    MEDIA_PLAY_EMPTY,   /* nothing came in time, or nothing yet */
};
/** All zero is not valid: init first. */
void media_jitter_init(struct media_jitter *j, const struct media_jitter_options *options);
/** Frees what is kept; may be used again. A new source or a new codec begins so. */
void media_jitter_reset(struct media_jitter *j);
/** A packet: its extended sequence number, its length in timestamp units, `quiet`: nobody speaks in it. The payload is
 * copied. 0; VOICEGW_ENOTFOUND: too late, or there already; VOICEGW_ELIMIT: out of memory. */
int32_t media_jitter_put(struct media_jitter *j, uint32_t ext, uint32_t timestamp, uint32_t units, uint8_t payload_type,
                         const void *payload, uint32_t bytes, int quiet, int64_t now_us);
/** What comes next. With PACKET *ret_slot is valid until the next call of put, get or reset. `wanted_units`: how long a
 * SILENCE or an EMPTY lasts if the caller plays it. */
enum media_play media_jitter_get(struct media_jitter *j, uint32_t wanted_units, int64_t now_us,
                                 const struct media_slot **ret_slot);
/** Audio that waits, in ms. */
uint32_t media_jitter_depth_ms(const struct media_jitter *j);
#endif

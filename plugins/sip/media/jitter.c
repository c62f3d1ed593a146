/* jitter.c - how deep the buffer is follows what the network did lately; a depth that is not needed any more is let go
 * where it is not heard. */
#include "jitter.h"
#include <stdlib.h>
#include <string.h>
#include "voicegw/status.h"

#define WINDOW_US INT64_C(4000000)
#define STANDING_US INT64_C(500000)
#define ONE 65536u
#define FADE 128u        /* a packet's share of the histogram: 1/128 */
#define COVER (ONE / 50) /* of all packets this part may come later than the target */
#define JUMP_S 8u        /* a timestamp that far off is a new beginning */

static struct media_slot *slot_of(struct media_jitter *j, uint32_t ext)
{
    return &j->slots[ext % MEDIA_JITTER_SLOTS];
}

static uint32_t ms_of(const struct media_jitter *j, uint32_t units)
{
    return (uint32_t)((uint64_t)units * 1000u / j->options.clock_hz);
}

static void drop_slot(struct media_jitter *j, struct media_slot *s)
{
    free(s->data);
    *s = (struct media_slot){0};
    j->count--;
}

void media_jitter_init(struct media_jitter *j, const struct media_jitter_options *options)
{
    memset(j, 0, sizeof *j);
    j->options = *options;
    j->options.min_ms = options->min_ms ? options->min_ms : 20;
    j->options.max_ms = options->max_ms ? options->max_ms : 200;
    j->target_ms = j->options.min_ms + 20 < j->options.max_ms ? j->options.min_ms + 20 : j->options.max_ms;
}

void media_jitter_reset(struct media_jitter *j)
{
    for (uint32_t i = 0; i < MEDIA_JITTER_SLOTS; i++) {
        if (j->slots[i].used)
            drop_slot(j, &j->slots[i]);
    }
    j->playing = j->started = 0;
}

/* ---- how late packets come ---- */

static void begin(struct media_jitter *j, uint32_t ext, uint32_t timestamp, int64_t now_us)
{
    j->started = 1;
    j->playing = 0;
    j->next_ext = ext;
    j->playhead = timestamp;
    j->first_us = now_us;
    j->transit_base = timestamp;
    j->transit_base_us = now_us;
    j->fastest_us = j->window_fastest_us = 0;
    j->window_until_us = now_us + WINDOW_US;
    j->least_ms = UINT32_MAX;
    j->least_until_us = now_us + STANDING_US;
}

static void note_transit(struct media_jitter *j, uint32_t timestamp, int64_t now_us)
{
    int32_t units = (int32_t)(timestamp - j->transit_base);
    int64_t transit_us = now_us - j->transit_base_us - (int64_t)units * 1000000 / (int64_t)j->options.clock_hz;
    if (now_us >= j->window_until_us) { /* clocks drift: an old record does not count for ever */
        j->fastest_us = j->window_fastest_us;
        j->window_fastest_us = transit_us;
        j->window_until_us = now_us + WINDOW_US;
    }
    if (transit_us < j->window_fastest_us)
        j->window_fastest_us = transit_us;
    if (transit_us < j->fastest_us)
        j->fastest_us = transit_us;
    int64_t behind = (transit_us - j->fastest_us) / 10000;
    uint32_t bucket = behind < (int64_t)MEDIA_JITTER_BUCKETS ? (uint32_t)behind : MEDIA_JITTER_BUCKETS - 1;
    for (uint32_t i = 0; i < MEDIA_JITTER_BUCKETS; i++)
        j->weight[i] -= j->weight[i] / FADE;
    j->weight[bucket] += ONE / FADE;
    uint32_t over = 0, i = MEDIA_JITTER_BUCKETS;
    while (i > 0 && over + j->weight[i - 1] < COVER)
        over += j->weight[--i];
    uint32_t target = i * 10u + 10u;
    target = target < j->options.min_ms ? j->options.min_ms : target;
    j->target_ms = target > j->options.max_ms ? j->options.max_ms : target;
}

/* ---- in ---- */

static struct media_slot *first_slot(struct media_jitter *j)
{
    for (uint32_t i = 0; i < MEDIA_JITTER_SLOTS; i++) {
        struct media_slot *s = slot_of(j, j->next_ext + i);
        if (s->used && s->ext == j->next_ext + i)
            return s;
    }
    return NULL;
}

static void make_room(struct media_jitter *j, uint32_t ext)
{
    while (j->count > 0 && (int32_t)(ext - j->next_ext) >= (int32_t)MEDIA_JITTER_SLOTS) {
        struct media_slot *s = first_slot(j);
        if (!s)
            break;
        j->next_ext = s->ext + 1;
        j->playhead = s->timestamp + s->units;
        drop_slot(j, s);
        j->overflowed++;
    }
}

int32_t media_jitter_put(struct media_jitter *j, uint32_t ext, uint32_t timestamp, uint32_t units, uint8_t payload_type,
                         const void *payload, uint32_t bytes, int quiet, int64_t now_us)
{
    int32_t ahead = (int32_t)(timestamp - j->playhead), limit = (int32_t)(j->options.clock_hz * JUMP_S);
    if (j->started && (ahead > limit || ahead < -limit))
        media_jitter_reset(j);
    if (!j->started)
        begin(j, ext, timestamp, now_us);
    note_transit(j, timestamp, now_us);
    int32_t order = (int32_t)(ext - j->next_ext);
    if (order < 0 && !j->playing && order > -(int32_t)MEDIA_JITTER_SLOTS / 2) { /* came after its successor, in time */
        j->next_ext = ext;
        j->playhead = timestamp;
    } else if (order < 0) {
        j->late++;
        return VOICEGW_ENOTFOUND;
    }
    make_room(j, ext);
    if (j->count == 0 && (int32_t)(ext - j->next_ext) >= (int32_t)MEDIA_JITTER_SLOTS)
        begin(j, ext, timestamp, now_us);
    struct media_slot *s = slot_of(j, ext);
    if (s->used)
        return VOICEGW_ENOTFOUND;
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        return VOICEGW_ELIMIT;
    if (bytes)
        memcpy(copy, payload, bytes);
    *s = (struct media_slot){copy, bytes, ext, timestamp, units, payload_type, quiet != 0, 1};
    j->count++;
    return VOICEGW_OK;
}

/* ---- out ---- */

static uint32_t depth_units(const struct media_jitter *j)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < MEDIA_JITTER_SLOTS; i++) {
        const struct media_slot *s = &j->slots[i];
        uint32_t end = s->timestamp + s->units - j->playhead;
        if (s->used && (int32_t)end > 0 && end > depth)
            depth = end;
    }
    return depth;
}

uint32_t media_jitter_depth_ms(const struct media_jitter *j)
{
    return ms_of(j, depth_units(j));
}

static void take(struct media_jitter *j, struct media_slot *s)
{
    j->next_ext = s->ext + 1;
    j->playhead = s->timestamp + s->units;
}

/* Delay that stood through a whole window is not needed: one packet goes, at once where nobody speaks in it, else when
 * twice that much too much is there. */
static void shrink(struct media_jitter *j, int64_t now_us)
{
    uint32_t depth = media_jitter_depth_ms(j);
    if (depth < j->least_ms)
        j->least_ms = depth;
    if (now_us < j->least_until_us)
        return;
    uint32_t least = j->least_ms;
    struct media_slot *s = first_slot(j);
    if (s && least > j->target_ms + ms_of(j, s->units) && (s->quiet || least > j->target_ms + 2 * ms_of(j, s->units))) {
        take(j, s);
        drop_slot(j, s);
        j->dropped++;
        if (least > j->target_ms + 100) /* a burst after a stall: more follows at the next pull */
            return;
    } else if (s && least > j->target_ms + ms_of(j, s->units)) {
        return; /* the next quiet packet will do */
    }
    j->least_ms = UINT32_MAX;
    j->least_until_us = now_us + STANDING_US;
}

static enum media_play play_gap(struct media_jitter *j, const struct media_slot *s, uint32_t wanted_units)
{
    uint32_t gap = s->timestamp - j->playhead;
    if (s->ext == j->next_ext) { /* nothing is missing: the far side was silent */
        j->playhead += gap < wanted_units ? gap : wanted_units;
        return MEDIA_PLAY_SILENCE;
    }
    j->next_ext++;
    j->playhead +=
        (int32_t)gap > 0 && gap < s->units * (s->ext - j->next_ext + 2) ? gap / (s->ext - j->next_ext + 1) : 0;
    j->concealed++;
    return MEDIA_PLAY_LOST;
}

enum media_play media_jitter_get(struct media_jitter *j, uint32_t wanted_units, int64_t now_us,
                                 const struct media_slot **ret_slot)
{
    /* What was given out last is let go now. */
    struct media_slot *given = slot_of(j, j->next_ext - 1);
    if (given->used && given->ext == j->next_ext - 1)
        drop_slot(j, given);
    if (!j->started || j->count == 0) {
        if (j->playing && j->started) /* run dry: build up again from what comes next */
            j->playing = 0, j->first_us = INT64_MAX;
        return MEDIA_PLAY_EMPTY;
    }
    if (j->first_us == INT64_MAX)
        j->first_us = now_us;
    if (!j->playing && now_us - j->first_us < (int64_t)(j->target_ms - j->options.min_ms) * 1000)
        return MEDIA_PLAY_EMPTY;
    j->playing = 1;
    shrink(j, now_us);
    struct media_slot *s = first_slot(j);
    if (!s)
        return MEDIA_PLAY_EMPTY;
    if ((int32_t)(s->timestamp - j->playhead) > 0 || s->ext != j->next_ext)
        return play_gap(j, s, wanted_units);
    take(j, s);
    *ret_slot = s;
    return MEDIA_PLAY_PACKET;
}

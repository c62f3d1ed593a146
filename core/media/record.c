#include "media/record.h"
#include <string.h>
#include "base/alloc.h"
#include "media/g711.h"

#define SECOND VGW_RATE_NARROW /* samples */
#define WINDOW (2 * SECOND)    /* a side may lead by one second over the one that is being finished */
#define AHEAD_MAX (600 * (uint64_t)SECOND)
#define MAX_MS_DEFAULT (4 * 3600 * 1000u)
#define MAX_MS_BOUND (24 * 3600 * 1000u)

struct vgw_record {
    struct vgw_record_params params;
    uint64_t base;                /* first sample of the window: all before has left */
    uint64_t pos[2];              /* per side, the sample after the last */
    uint64_t pause_at, resume_at; /* pause_at <= x < resume_at is silent; no pause: both UINT64_MAX */
    uint64_t dropped;
    bool stopped;
    int16_t window[WINDOW][2]; /* index: sample % WINDOW */
};

struct vgw_record_params vgw_record_defaults(void)
{
    return (struct vgw_record_params){.encoding = VGW_L16, .max_ms = MAX_MS_DEFAULT};
}

void vgw_record_block_free(struct vgw_record_block *block)
{
    vgw_free(block);
}

int vgw_record_new(const struct vgw_record_params *params, struct vgw_record **ret, struct vgw_error *err)
{
    if (!params->on_block || params->encoding == VGW_PCMA)
        return vgw_error_set(err, VGW_EINVALID, "a recording needs on_block, and is kept as pcm16 or pcmu");
    struct vgw_record *r = VGW_NEW(r);
    if (!r)
        return vgw_error_nomem(err);
    r->params = *params;
    if (r->params.max_ms == 0 || r->params.max_ms > MAX_MS_BOUND)
        r->params.max_ms = MAX_MS_BOUND;
    r->pause_at = r->resume_at = UINT64_MAX;
    *ret = r;
    return 0;
}

void vgw_record_free(struct vgw_record *r)
{
    vgw_free(r);
}

/* WAV is little-endian. */
static uint8_t *put_pairs(enum vgw_encoding encoding, const int16_t (*pairs)[2], size_t n, uint8_t *to)
{
    if (encoding == VGW_PCMU) {
        vgw_ulaw_encode_block(pairs[0], 2 * n, to);
        return to + 2 * n;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(to, pairs, n * sizeof *pairs);
    return to + n * sizeof *pairs;
#else
    for (size_t i = 0; i < 2 * n; i++) {
        *to++ = (uint8_t)(uint16_t)pairs[i / 2][i % 2];
        *to++ = (uint8_t)((uint16_t)pairs[i / 2][i % 2] >> 8);
    }
    return to;
#endif
}

/* The first n samples of the window, which may go round its end, into `to` (NULL: nowhere); they are silent then. */
static void take_pairs(struct vgw_record *r, size_t n, uint8_t *to)
{
    for (size_t done = 0, piece; done < n; done += piece) {
        size_t from = (size_t)((r->base + done) % WINDOW);
        piece = n - done < WINDOW - from ? n - done : WINDOW - from;
        if (to)
            to = put_pairs(r->params.encoding, (const int16_t(*)[2]) & r->window[from], piece, to);
        memset(r->window[from], 0, piece * sizeof r->window[0]);
    }
}

/* The first n samples of the window leave as a block; the file grows even when there is no memory for it, so that the
 * times behind stay true (a hole in a file reads as zeros). */
static int emit_block(struct vgw_record *r, size_t n, bool last)
{
    size_t width = 2 * vgw_encoding_bytes(r->params.encoding);
    struct vgw_record_block *block = vgw_calloc(1, sizeof *block + n * width);
    if (block) {
        block->header_bytes =
            vgw_wav_header(r->params.encoding, VGW_RATE_NARROW, 2, (r->base + n) * width, block->header);
        block->offset = block->header_bytes + r->base * width;
        block->bytes = n * width;
        block->last = last;
    } else {
        r->dropped += n;
    }
    take_pairs(r, n, block ? block->data : NULL);
    if (block)
        r->params.on_block(r->params.user, block);
    r->base += n;
    return block ? 0 : VGW_ELIMIT;
}

static uint64_t max_samples(const struct vgw_record *r)
{
    return (uint64_t)r->params.max_ms * (VGW_RATE_NARROW / 1000);
}

/* Lets seconds go until `end` fits in the window; whole seconds that both sides have passed go too. */
static int make_room(struct vgw_record *r, uint64_t end)
{
    int rc = 0;
    for (;;) {
        uint64_t slower = r->pos[0] < r->pos[1] ? r->pos[0] : r->pos[1];
        if (end <= r->base + WINDOW && slower < r->base + SECOND)
            return rc;
        if (emit_block(r, SECOND, false) != 0)
            rc = VGW_ELIMIT;
        for (int side = 0; side < 2; side++)
            r->pos[side] = r->pos[side] < r->base ? r->base : r->pos[side];
    }
}

static int check(const struct vgw_record *r, uint64_t at)
{
    if (r->stopped)
        return VGW_EBUSY;
    uint64_t newest = r->pos[0] > r->pos[1] ? r->pos[0] : r->pos[1];
    return at > newest && at - newest > AHEAD_MAX ? VGW_EINVALID : 0;
}

int vgw_record_put(struct vgw_record *r, enum vgw_record_side side, uint64_t at, const int16_t *pcm, size_t n)
{
    int rc = check(r, at);
    if (rc != 0)
        return rc;
    uint64_t max = max_samples(r), end = at + n;
    if (end > max) {
        r->dropped += end - (at > max ? at : max);
        end = at > max ? at : max;
        rc = VGW_ELIMIT;
    }
    while (at < end) {
        uint64_t piece_end = end - at > SECOND ? at + SECOND : end;
        if (make_room(r, piece_end) != 0)
            rc = VGW_ELIMIT;
        uint64_t from = r->pos[side] > r->base ? r->pos[side] : r->base;
        if (at >= from && (piece_end <= r->pause_at || at >= r->resume_at)) {
            for (size_t to = (size_t)(at % WINDOW); at < piece_end; at++, to = to + 1 < WINDOW ? to + 1 : 0)
                r->window[to][side] = *pcm++;
        }
        for (; at < piece_end; at++, pcm++) { /* some of it is late, or within a pause */
            if (at < from)
                r->dropped++;
            else if (at < r->pause_at || at >= r->resume_at)
                r->window[at % WINDOW][side] = *pcm;
        }
        r->pos[side] = piece_end > r->pos[side] ? piece_end : r->pos[side];
        if (make_room(r, r->base) != 0)
            rc = VGW_ELIMIT;
    }
    return rc;
}

int vgw_record_advance(struct vgw_record *r, uint64_t at)
{
    int rc = check(r, at);
    if (rc != 0)
        return rc;
    if (at > max_samples(r)) {
        at = max_samples(r);
        rc = VGW_ELIMIT;
    }
    uint64_t final = at > SECOND ? at - SECOND : 0;
    for (int side = 0; side < 2; side++)
        r->pos[side] = r->pos[side] < final ? final : r->pos[side];
    return make_room(r, r->base) != 0 ? VGW_ELIMIT : rc;
}

static void silence_from(struct vgw_record *r, uint64_t at)
{
    uint64_t from = at > r->base ? at : r->base;
    for (int side = 0; side < 2; side++) {
        for (uint64_t i = from; i < r->pos[side] && i < r->base + WINDOW; i++)
            r->window[i % WINDOW][side] = 0;
    }
}

void vgw_record_pause(struct vgw_record *r, uint64_t at)
{
    /* Of the pause before, nothing may come late and be heard. */
    for (int side = 0; r->resume_at != UINT64_MAX && side < 2; side++)
        r->pos[side] = r->pos[side] < r->resume_at ? r->resume_at : r->pos[side];
    r->pause_at = at;
    r->resume_at = UINT64_MAX;
    silence_from(r, at);
}

void vgw_record_resume(struct vgw_record *r, uint64_t at)
{
    r->resume_at = at;
}

bool vgw_record_paused(const struct vgw_record *r)
{
    return r->pause_at != UINT64_MAX && r->resume_at == UINT64_MAX;
}

int vgw_record_stop(struct vgw_record *r)
{
    if (r->stopped)
        return VGW_EBUSY;
    int rc = 0;
    uint64_t end = vgw_record_samples(r);
    while (end - r->base > SECOND) {
        if (emit_block(r, SECOND, false) != 0)
            rc = VGW_ELIMIT;
    }
    if (emit_block(r, (size_t)(end - r->base), true) != 0)
        rc = VGW_ELIMIT;
    r->stopped = true;
    return rc;
}

uint64_t vgw_record_samples(const struct vgw_record *r)
{
    uint64_t end = r->pos[0] > r->pos[1] ? r->pos[0] : r->pos[1];
    return end > r->base ? end : r->base;
}

uint64_t vgw_record_dropped(const struct vgw_record *r)
{
    return r->dropped;
}

#include "media/playout.h"
#include <string.h>
#include "base/alloc.h"
#include "base/list.h"
#include "media/mix.h"
#include "media/tone.h"

#define BLOCK_BYTES 4096
#define ITEMS_MAX 64
#define RECENT 4
#define FADE_SAMPLES_MAX VGW_FRAME_SAMPLES_MAX

struct block {
    struct vgw_list link;
    size_t from, to; /* octets used */
    uint8_t data[BLOCK_BYTES];
};

enum item_kind { ITEM_BEGIN, ITEM_END, ITEM_MARK };
/* Something that happens at a place in the stream of samples. */
struct item {
    enum item_kind kind;
    bool cut;
    uint64_t id, at, heard;
};

struct vgw_playout {
    struct vgw_playout_params params;
    size_t width;
    uint32_t epoch;
    struct vgw_list blocks;
    struct block *spare; /* one emptied block is kept, so that steady playing never allocates */
    size_t queued;       /* samples */
    uint64_t in, out;    /* samples pushed and gone, since the start */
    uint32_t item_first, item_count;
    uint32_t item_passed; /* of them, those that playing has reached and nobody has asked for yet */
    uint64_t open;        /* utterance that is being pushed, or 0 */
    uint64_t playing;     /* utterance whose start was reached, or 0 */
    uint64_t playing_heard;
    bool running; /* start_ms was reached, or not asked for */
    size_t fade_samples;
    struct vgw_playout_stats stats;
    /* what follows is not looked at each tick */
    struct {
        uint64_t id, heard;
    } recent[RECENT];
    uint32_t recent_next;
    struct item items[ITEMS_MAX];
    struct vgw_noise noise;
    int16_t fade[FADE_SAMPLES_MAX];
};

struct vgw_playout_params vgw_playout_defaults(void)
{
    return (struct vgw_playout_params){.encoding = VGW_PCMU,
                                       .rate_hz = VGW_RATE_NARROW,
                                       .limit_ms = 30000,
                                       .start_ms = 0,
                                       .live_ms = 0,
                                       .fade_ms = 5,
                                       .comfort = false,
                                       .comfort_dbm0 = -60};
}

int vgw_playout_new(const struct vgw_playout_params *params, struct vgw_playout **ret, struct vgw_error *err)
{
    if (!vgw_rate_supported(params->rate_hz))
        return vgw_error_set(err, VGW_EINVALID, "playout at %u Hz: 8000, 16000, 24000 and 48000 are supported",
                             params->rate_hz);
    if (params->limit_ms < 20 || params->limit_ms > 600000 || params->start_ms > params->limit_ms)
        return vgw_error_set(err, VGW_EINVALID,
                             "a playout limit of %u ms with a start at %u ms: 20 to 600000 ms, and "
                             "the start within it",
                             params->limit_ms, params->start_ms);
    if (params->fade_ms > 20)
        return vgw_error_set(err, VGW_EINVALID, "a fade of %u ms: up to 20 ms", params->fade_ms);
    struct vgw_playout *p = VGW_NEW(p);
    if (!p)
        return vgw_error_nomem(err);
    p->params = *params;
    p->width = vgw_encoding_bytes(params->encoding);
    vgw_list_init(&p->blocks);
    vgw_noise_init(&p->noise, params->comfort_dbm0, 20011);
    *ret = p;
    return 0;
}

static struct block *head_block(const struct vgw_playout *p)
{
    return vgw_list_empty(&p->blocks) ? NULL : VGW_CONTAINER_OF(p->blocks.next, struct block, link);
}

static void drop_block(struct vgw_playout *p, struct block *b)
{
    vgw_list_remove(&b->link);
    if (p->spare)
        vgw_free(b);
    else
        p->spare = b;
}

void vgw_playout_free(struct vgw_playout *p)
{
    if (!p)
        return;
    for (struct block *b; (b = head_block(p));)
        drop_block(p, b);
    vgw_free(p->spare);
    vgw_free(p);
}

static struct block *tail_with_room(struct vgw_playout *p)
{
    if (!vgw_list_empty(&p->blocks)) {
        struct block *tail = VGW_CONTAINER_OF(p->blocks.prev, struct block, link);
        if (tail->to < BLOCK_BYTES)
            return tail;
    }
    struct block *b = p->spare;
    p->spare = NULL;
    if (!b && !VGW_NEW(b))
        return NULL;
    b->from = b->to = 0;
    b->link = (struct vgw_list){NULL, NULL};
    vgw_list_append(&p->blocks, &b->link);
    return b;
}

/* Moves up to `samples` from the head to `to` (NULL: nowhere). */
static size_t consume(struct vgw_playout *p, size_t samples, uint8_t *to)
{
    size_t done = 0;
    samples = samples < p->queued ? samples : p->queued;
    while (done < samples) {
        struct block *b = head_block(p);
        size_t bytes = (samples - done) * p->width;
        bytes = bytes < b->to - b->from ? bytes : b->to - b->from;
        if (to)
            memcpy(to + done * p->width, b->data + b->from, bytes);
        b->from += bytes;
        done += bytes / p->width;
        if (b->from == b->to)
            drop_block(p, b);
    }
    p->queued -= samples;
    return samples;
}

static size_t limit_samples(const struct vgw_playout *p)
{
    return VGW_SAMPLES(p->params.rate_hz, p->params.limit_ms);
}

static struct item *item_at(struct vgw_playout *p, uint32_t i)
{
    return &p->items[(p->item_first + i) % ITEMS_MAX];
}

static int add_item(struct vgw_playout *p, enum item_kind kind, uint64_t id)
{
    /* One place is kept free, so that the utterance that is open can always be ended. */
    if (p->item_count + (kind != ITEM_END) >= ITEMS_MAX)
        return VGW_ELIMIT;
    *item_at(p, p->item_count++) = (struct item){.kind = kind, .id = id, .at = p->in};
    return 0;
}

static void close_playing(struct vgw_playout *p, struct item *end)
{
    if (p->playing != end->id)
        return;
    end->heard = p->playing_heard;
    p->recent[p->recent_next].id = end->id;
    p->recent[p->recent_next].heard = end->heard;
    p->recent_next = (p->recent_next + 1) % RECENT;
    p->playing = 0;
}

/* Passes what lies at the place that playing has reached. A beginning waits for its first sample, which `more`
 * promises, unless its utterance is empty. */
static void settle(struct vgw_playout *p, bool more)
{
    while (p->item_passed < p->item_count) {
        struct item *item = item_at(p, p->item_passed);
        if (item->at > p->out)
            return;
        if (item->kind == ITEM_BEGIN) {
            struct item *next = p->item_passed + 1 < p->item_count ? item_at(p, p->item_passed + 1) : NULL;
            bool empty = next && next->kind == ITEM_END && next->at == item->at;
            if (!more && !empty)
                return;
            p->playing = item->id;
            p->playing_heard = 0;
        } else if (item->kind == ITEM_END) {
            close_playing(p, item);
        }
        p->item_passed++;
    }
}

/* Moves the place of playing on by n samples, which count as heard or not. */
static void advance(struct vgw_playout *p, size_t n, bool heard)
{
    while (n > 0) {
        settle(p, true);
        size_t step = n;
        if (p->item_passed < p->item_count && item_at(p, p->item_passed)->at - p->out < step)
            step = (size_t)(item_at(p, p->item_passed)->at - p->out);
        if (heard && p->playing)
            p->playing_heard += step;
        p->out += step;
        n -= step;
    }
    settle(p, false);
}

static bool stale(struct vgw_playout *p, uint32_t epoch)
{
    if (epoch == p->epoch)
        return false;
    p->stats.stale_pushes++;
    return true;
}

int vgw_playout_end(struct vgw_playout *p, uint32_t epoch)
{
    if (stale(p, epoch))
        return VGW_ENOTFOUND;
    if (!p->open)
        return 0;
    add_item(p, ITEM_END, p->open);
    p->open = 0;
    settle(p, false);
    return 0;
}

int vgw_playout_begin(struct vgw_playout *p, uint32_t epoch, uint64_t utterance)
{
    if (stale(p, epoch))
        return VGW_ENOTFOUND;
    /* Its own end wants a place, and so does the end of the one before. */
    if (p->item_count + 3 > ITEMS_MAX)
        return VGW_ELIMIT;
    vgw_playout_end(p, epoch);
    p->open = utterance;
    return add_item(p, ITEM_BEGIN, utterance);
}

int vgw_playout_mark(struct vgw_playout *p, uint32_t epoch, uint64_t mark)
{
    if (stale(p, epoch))
        return VGW_ENOTFOUND;
    int rc = add_item(p, ITEM_MARK, mark);
    settle(p, false);
    return rc;
}

int vgw_playout_push(struct vgw_playout *p, uint32_t epoch, const void *payload, size_t samples, size_t *ret_samples)
{
    const uint8_t *from = payload;
    size_t room = limit_samples(p) - p->queued, done = 0;
    if (stale(p, epoch))
        return VGW_ENOTFOUND;
    size_t want = samples < room ? samples : room;
    while (done < want) {
        struct block *b = tail_with_room(p);
        if (!b)
            break;
        size_t bytes = (want - done) * p->width;
        bytes = bytes < BLOCK_BYTES - b->to ? bytes : BLOCK_BYTES - b->to;
        memcpy(b->data + b->to, from + done * p->width, bytes);
        b->to += bytes;
        done += bytes / p->width;
    }
    p->queued += done;
    p->in += done;
    if (ret_samples)
        *ret_samples = done;
    size_t live = VGW_SAMPLES(p->params.rate_hz, p->params.live_ms);
    if (live && p->queued > live)
        vgw_playout_skip(p, p->queued - live);
    return samples > 0 && done == 0 ? VGW_ELIMIT : 0;
}

static uint32_t samples_to_ms(const struct vgw_playout *p, size_t samples)
{
    return (uint32_t)(samples / (p->params.rate_hz / 1000));
}

uint32_t vgw_playout_room_ms(const struct vgw_playout *p)
{
    return samples_to_ms(p, limit_samples(p) - p->queued);
}

uint32_t vgw_playout_queued_ms(const struct vgw_playout *p)
{
    return samples_to_ms(p, p->queued);
}

uint32_t vgw_playout_epoch(const struct vgw_playout *p)
{
    return p->epoch;
}

static bool may_run(const struct vgw_playout *p)
{
    return p->queued > 0 && (p->running || !p->open || p->queued >= VGW_SAMPLES(p->params.rate_hz, p->params.start_ms));
}

static enum vgw_playout_kind take_idle(struct vgw_playout *p, size_t samples, void *out)
{
    int16_t pcm[VGW_FRAME_SAMPLES_MAX];
    if (p->fade_samples > 0) {
        size_t n = p->fade_samples < samples ? p->fade_samples : samples;
        memset(pcm, 0, sizeof pcm);
        memcpy(pcm, p->fade, n * sizeof *pcm);
        vgw_encoding_encode(p->params.encoding, pcm, samples, out);
        p->fade_samples = 0;
        return VGW_PLAYOUT_AUDIO;
    }
    if (!p->params.comfort)
        return VGW_PLAYOUT_NOTHING;
    vgw_noise_run(&p->noise, pcm, samples);
    vgw_encoding_encode(p->params.encoding, pcm, samples, out);
    return VGW_PLAYOUT_COMFORT;
}

enum vgw_playout_kind vgw_playout_take(struct vgw_playout *p, size_t samples, void *out, size_t *ret_heard)
{
    if (ret_heard)
        *ret_heard = 0;
    samples = samples > VGW_FRAME_SAMPLES_MAX ? VGW_FRAME_SAMPLES_MAX : samples;
    if (p->fade_samples > 0 || !may_run(p))
        return take_idle(p, samples, out);
    p->running = true;
    size_t n = consume(p, samples, out);
    advance(p, n, true);
    p->stats.played_samples += n;
    if (n < samples)
        vgw_encoding_silence(p->params.encoding, samples - n, (uint8_t *)out + n * p->width);
    if (p->queued == 0) {
        p->running = false;
        p->stats.underruns += p->open != 0;
    }
    if (ret_heard)
        *ret_heard = n;
    return VGW_PLAYOUT_AUDIO;
}

size_t vgw_playout_skip(struct vgw_playout *p, size_t samples)
{
    size_t n = consume(p, samples, NULL);
    advance(p, n, false);
    p->stats.skipped_samples += n;
    return n;
}

/* What plays on for a moment after a clear, so that the sound does not break off with a click. */
static void prepare_fade(struct vgw_playout *p)
{
    uint8_t head[FADE_SAMPLES_MAX * 2];
    size_t want = VGW_SAMPLES(p->params.rate_hz, p->params.fade_ms);
    p->fade_samples = 0;
    if (!p->running || want == 0)
        return;
    size_t n = consume(p, want, head);
    vgw_encoding_decode(p->params.encoding, head, n, p->fade);
    if (n > 0)
        vgw_mix_ramp(p->fade, n, VGW_GAIN_UNITY, 0);
    p->fade_samples = n;
}

uint32_t vgw_playout_clear(struct vgw_playout *p)
{
    if (p->open)
        add_item(p, ITEM_END, p->open);
    p->open = 0;
    prepare_fade(p);
    consume(p, p->queued, NULL);
    while (p->item_passed < p->item_count) {
        struct item *item = item_at(p, p->item_passed);
        item->cut = true;
        if (item->kind == ITEM_END)
            close_playing(p, item);
        p->item_passed++;
    }
    p->playing = 0;
    p->out = p->in;
    p->running = false;
    return ++p->epoch;
}

bool vgw_playout_event(struct vgw_playout *p, struct vgw_playout_event *ret)
{
    while (p->item_passed > 0) {
        struct item item = p->items[p->item_first];
        p->item_first = (p->item_first + 1) % ITEMS_MAX;
        p->item_count--;
        p->item_passed--;
        /* What was cut before its first sample never started. */
        if (item.kind == ITEM_BEGIN && item.cut)
            continue;
        *ret = (struct vgw_playout_event){
            .kind = item.kind == ITEM_BEGIN ? VGW_PLAYOUT_STARTED
                    : item.kind == ITEM_END ? VGW_PLAYOUT_FINISHED
                                            : VGW_PLAYOUT_MARK,
            .id = item.id,
            .heard_samples = item.heard,
            .complete = !item.cut,
        };
        return true;
    }
    return false;
}

uint64_t vgw_playout_heard(const struct vgw_playout *p, uint64_t utterance)
{
    if (p->playing == utterance)
        return p->playing_heard;
    for (size_t i = 0; i < RECENT; i++) {
        if (p->recent[i].id == utterance)
            return p->recent[i].heard;
    }
    return 0;
}

struct vgw_playout_stats vgw_playout_stats(const struct vgw_playout *p)
{
    return p->stats;
}

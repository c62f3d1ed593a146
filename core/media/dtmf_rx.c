#include "media/dtmf.h"
#include <spandsp.h>
#include <string.h>
#include "base/alloc.h"

#define BLOCK 102 /* samples that the detector looks at in one go, 12.75 ms */
#define EVENTS_MAX 8
#define RUN_MAX 960

struct vgw_dtmf_rx {
    dtmf_rx_state_t *spandsp;
    struct vgw_dtmf_rx_params params;
    uint64_t position;   /* samples fed; while feeding, the end of the block that is looked at */
    float dc_in, dc_out; /* the detector does not bear a constant offset, which A-law silence is */
    char digit;          /* under way or held back for bridging, or 0 */
    bool tone;           /* the tone is there now */
    uint64_t start, end;
    struct vgw_dtmf_event events[EVENTS_MAX];
    size_t count;
};

struct vgw_dtmf_rx_params vgw_dtmf_rx_defaults(void)
{
    return (struct vgw_dtmf_rx_params){
        .twist_db = 8, .reverse_twist_db = 4, .threshold_dbm0 = -36, .bridge_ms = 26, .filter_dial_tone = false};
}

static void emit(struct vgw_dtmf_rx *rx, bool end)
{
    if (rx->count == EVENTS_MAX)
        return;
    rx->events[rx->count++] = (struct vgw_dtmf_event){
        .digit = rx->digit,
        .end = end,
        .start = rx->start,
        .duration_ms = (uint32_t)((rx->end - rx->start) / 8),
    };
}

static void close_digit(struct vgw_dtmf_rx *rx)
{
    if (rx->digit && !rx->tone) {
        emit(rx, true);
        rx->digit = 0;
    }
}

/* Called when the detector is sure: two blocks agree that a tone is there, or that it is not. */
static void on_tone(void *user, int code, int level, int delay)
{
    struct vgw_dtmf_rx *rx = user;
    uint64_t two_blocks_ago = rx->position > 2 * BLOCK ? rx->position - 2 * BLOCK : 0;
    if (rx->tone) {
        rx->tone = false;
        rx->end = two_blocks_ago > rx->start ? two_blocks_ago : rx->position;
    }
    if (!code)
        return;
    bool same_press = rx->digit == (char)code && two_blocks_ago - rx->end <= (uint64_t)rx->params.bridge_ms * 8;
    if (!same_press) {
        close_digit(rx);
        rx->digit = (char)code;
        rx->start = two_blocks_ago;
        rx->end = rx->position;
        emit(rx, false);
    }
    rx->tone = true;
}

int vgw_dtmf_rx_new(const struct vgw_dtmf_rx_params *params, struct vgw_dtmf_rx **ret, struct vgw_error *err)
{
    struct vgw_dtmf_rx *rx = VGW_NEW(rx);
    if (!rx)
        return vgw_error_nomem(err);
    rx->params = params ? *params : vgw_dtmf_rx_defaults();
    rx->spandsp = dtmf_rx_init(NULL, NULL, NULL);
    if (!rx->spandsp) {
        vgw_free(rx);
        return vgw_error_nomem(err);
    }
    dtmf_rx_parms(rx->spandsp, rx->params.filter_dial_tone, rx->params.twist_db, rx->params.reverse_twist_db,
                  rx->params.threshold_dbm0);
    dtmf_rx_set_realtime_callback(rx->spandsp, on_tone, rx);
    *ret = rx;
    return 0;
}

void vgw_dtmf_rx_free(struct vgw_dtmf_rx *rx)
{
    if (!rx)
        return;
    dtmf_rx_free(rx->spandsp);
    vgw_free(rx);
}

static int16_t to_pcm(float y)
{
    return (int16_t)(y > 32767.0f ? 32767.0f : y < -32768.0f ? -32768.0f : y);
}

static void remove_offset(struct vgw_dtmf_rx *rx, const int16_t *in, size_t n, int16_t *out)
{
    const float keep = 0.98f;
    float last = rx->dc_in, y = rx->dc_out;
    size_t i = 0;
    for (; i + 1 < n; i += 2) { /* two at a time: each pair waits once for the pair before */
        float in0 = in[i], in1 = in[i + 1];
        float step0 = in0 - last, step1 = (in1 - in0) + keep * step0;
        out[i] = to_pcm(step0 + keep * y);
        y = step1 + keep * keep * y;
        out[i + 1] = to_pcm(y);
        last = in1;
    }
    if (i < n) {
        y = (float)in[i] - last + keep * y;
        out[i] = to_pcm(y);
        last = in[i];
    }
    rx->dc_in = last;
    rx->dc_out = y;
}

size_t vgw_dtmf_rx_run(struct vgw_dtmf_rx *rx, const int16_t *pcm, size_t n, struct vgw_dtmf_event *events, size_t cap)
{
    int16_t clean[RUN_MAX];
    rx->count = 0;
    n = n > RUN_MAX ? RUN_MAX : n;
    remove_offset(rx, pcm, n, clean);
    /* In pieces of a block or less, so that position is right when the detector calls. */
    for (size_t at = 0; at < n;) {
        size_t to_block = BLOCK - (size_t)(rx->position % BLOCK);
        size_t piece = n - at < to_block ? n - at : to_block;
        rx->position += piece;
        dtmf_rx(rx->spandsp, clean + at, (int)piece);
        at += piece;
    }
    /* A block more than the bridge, for the detector's own delay. */
    if (rx->digit && !rx->tone && rx->position - rx->end > (uint64_t)rx->params.bridge_ms * 8 + 2 * BLOCK)
        close_digit(rx);
    size_t count = rx->count < cap ? rx->count : cap;
    memcpy(events, rx->events, count * sizeof *events);
    return count;
}

void vgw_dtmf_rx_lost(struct vgw_dtmf_rx *rx, size_t n)
{
    rx->position += n;
    dtmf_rx_fillin(rx->spandsp, (int)(n > RUN_MAX ? RUN_MAX : n));
}

bool vgw_dtmf_rx_active(const struct vgw_dtmf_rx *rx)
{
    return rx->digit != 0;
}

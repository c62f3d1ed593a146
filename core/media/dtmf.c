#include "media/dtmf.h"
#include <math.h>
#include <string.h>
#include "media/level.h"

#define OUTSIDE_MS 2000

static const char keypad[] = "123A456B789C*0#D";
static const float row_hz[4] = {697, 770, 852, 941};
static const float column_hz[4] = {1209, 1336, 1477, 1633};

void vgw_dtmf_dedupe_init(struct vgw_dtmf_dedupe *d, uint32_t window_ms)
{
    memset(d, 0, sizeof *d);
    d->window = (uint64_t)(window_ms ? window_ms : 400) * 8;
    d->window_outside = (uint64_t)OUTSIDE_MS * 8;
}

bool vgw_dtmf_dedupe_accept(struct vgw_dtmf_dedupe *d, char digit, int source, uint64_t at)
{
    const size_t slots = sizeof d->last / sizeof d->last[0];
    for (size_t i = 0; i < slots; i++) {
        uint64_t apart = at > d->last[i].at ? at - d->last[i].at : d->last[i].at - at;
        bool outside = source == VGW_DTMF_OUTSIDE || d->last[i].source == VGW_DTMF_OUTSIDE;
        if (d->last[i].open && d->last[i].digit == digit && d->last[i].source != source &&
            apart <= (outside ? d->window_outside : d->window)) {
            d->last[i].open = false;
            return false;
        }
    }
    d->last[d->next].digit = digit;
    d->last[d->next].source = source;
    d->last[d->next].at = at;
    d->last[d->next].open = true;
    d->next = (d->next + 1) % (uint32_t)slots;
    return true;
}

struct vgw_dtmf_tx_params vgw_dtmf_tx_defaults(void)
{
    return (struct vgw_dtmf_tx_params){.on_ms = 100,
                                       .off_ms = 100,
                                       .pause_w_ms = 500,
                                       .pause_big_w_ms = 1000,
                                       .row_dbm0 = -10,
                                       .twist_db = 2,
                                       .rate_hz = 8000};
}

static uint32_t within(uint32_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : value;
}

static void oscillator(float o[3], float hz, float rate_hz, float peak)
{
    float step = 2.0f * (float)M_PI * hz / rate_hz;
    o[0] = 2.0f * cosf(step);
    o[1] = 0;
    o[2] = -peak * sinf(step);
}

static float next_sample(float o[3])
{
    float y = o[0] * o[1] - o[2];
    o[2] = o[1];
    o[1] = y;
    return y;
}

static void begin_digit(struct vgw_dtmf_tx *tx)
{
    const struct vgw_dtmf_tx_params *p = &tx->params;
    char c = tx->digits[tx->at];
    tx->left_on = tx->left_off = 0;
    if (!c)
        return;
    if (c == 'w' || c == 'W') {
        tx->left_off = (c == 'w' ? p->pause_w_ms : p->pause_big_w_ms) * (p->rate_hz / 1000);
        return;
    }
    size_t key = (size_t)(strchr(keypad, c) - keypad);
    oscillator(tx->row, row_hz[key / 4], (float)p->rate_hz, vgw_level_sine_peak(p->row_dbm0));
    oscillator(tx->column, column_hz[key % 4], (float)p->rate_hz, vgw_level_sine_peak(p->row_dbm0 + p->twist_db));
    tx->left_on = p->on_ms * (p->rate_hz / 1000);
    tx->left_off = p->off_ms * (p->rate_hz / 1000);
}

int vgw_dtmf_tx_init(struct vgw_dtmf_tx *tx, const struct vgw_dtmf_tx_params *params, const char *digits,
                     struct vgw_error *err)
{
    struct vgw_dtmf_tx made = {.params = params ? *params : vgw_dtmf_tx_defaults()};
    struct vgw_dtmf_tx_params *p = &made.params;
    size_t n = 0;
    for (const char *c = digits; *c; c++) {
        if (*c == ' ' || *c == '-')
            continue;
        char digit = *c == ',' ? 'w' : *c >= 'a' && *c <= 'd' ? (char)(*c - 'a' + 'A') : *c;
        if (digit != 'w' && digit != 'W' && !strchr(keypad, digit))
            return vgw_error_set(err, VGW_EINVALID, "'%c' is no DTMF digit: 0-9 A-D * # and the pauses w W , are", *c);
        if (n + 1 == sizeof made.digits)
            return vgw_error_set(err, VGW_ELIMIT, "more than %zu DTMF digits in one sequence", n);
        made.digits[n++] = digit;
    }
    if (n == 0)
        return vgw_error_set(err, VGW_EINVALID, "no DTMF digits to send: 0-9 A-D * # and the pauses w W , are");
    p->on_ms = within(p->on_ms, 40, 5000);
    p->off_ms = within(p->off_ms, 40, 5000);
    p->pause_w_ms = within(p->pause_w_ms, 0, 10000);
    p->pause_big_w_ms = within(p->pause_big_w_ms, 0, 10000);
    p->rate_hz = within(p->rate_hz, 8000, 48000);
    *tx = made;
    begin_digit(tx);
    return 0;
}

size_t vgw_dtmf_tx_run(struct vgw_dtmf_tx *tx, int16_t *pcm, size_t n)
{
    size_t made = 0;
    while (made < n && tx->digits[tx->at]) {
        if (tx->left_on > 0) {
            float y = next_sample(tx->row) + next_sample(tx->column);
            pcm[made++] = (int16_t)(y > 32767 ? 32767 : y < -32768 ? -32768 : y);
            tx->left_on--;
        } else if (tx->left_off > 0) {
            pcm[made++] = 0;
            tx->left_off--;
        }
        if (tx->left_on == 0 && tx->left_off == 0) {
            tx->at++;
            begin_digit(tx);
        }
    }
    return made;
}

uint64_t vgw_dtmf_tx_left_ms(const struct vgw_dtmf_tx *tx)
{
    const struct vgw_dtmf_tx_params *p = &tx->params;
    if (!tx->digits[tx->at])
        return 0;
    uint64_t ms = ((uint64_t)tx->left_on + tx->left_off) / (p->rate_hz / 1000);
    for (size_t i = tx->at + 1; tx->digits[i]; i++)
        ms += tx->digits[i] == 'w' ? p->pause_w_ms : tx->digits[i] == 'W' ? p->pause_big_w_ms : p->on_ms + p->off_ms;
    return ms;
}

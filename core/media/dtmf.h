/* dtmf.h - DTMF in the audio at 8 kHz: detection (ITU-T Q.24, spandsp's Goertzel detector), generation, and a filter
 * that drops what was heard twice. Pure: time is the count of samples. */
#ifndef VGW_MEDIA_DTMF_H
#define VGW_MEDIA_DTMF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define VGW_DTMF_DIGITS "0123456789ABCD*#"

/* --- detection --- */
struct vgw_dtmf_rx_params {
    int twist_db;         /* row louder than column by at most; default 8 (Q.24) */
    int reverse_twist_db; /* column louder than row by at most; default 4 */
    int threshold_dbm0;   /* each tone at least; default -36 */
    uint32_t bridge_ms;   /* the same digit again within this after its end is the same press; default 26: two blocks */
    bool filter_dial_tone; /* notch 350 and 440 Hz out first; default false */
};
struct vgw_dtmf_rx_params vgw_dtmf_rx_defaults(void);

struct vgw_dtmf_event {
    char digit;           /* one of VGW_DTMF_DIGITS */
    bool end;             /* false: it began (report it now); true: it is over, duration_ms is final */
    uint64_t start;       /* first sample, to about 13 ms */
    uint32_t duration_ms; /* at the start event: so far */
};

struct vgw_dtmf_rx;
/** `params` may be NULL. Errors: VGW_ELIMIT out of memory. The caller owns it: vgw_dtmf_rx_free().
 *  Thread: any; the object belongs to one thread at a time. */
int vgw_dtmf_rx_new(const struct vgw_dtmf_rx_params *params, struct vgw_dtmf_rx **ret, struct vgw_error *err);
/** Takes NULL. */
void vgw_dtmf_rx_free(struct vgw_dtmf_rx *rx);
/** Feeds `n` samples (any number up to 960) and writes at most `cap` events, returning how many; 8 are always enough.
 *  A 40 ms digit gives one start and one end, the end 25 to 50 ms after the tone. No allocation. */
size_t vgw_dtmf_rx_run(struct vgw_dtmf_rx *rx, const int16_t *pcm, size_t n, struct vgw_dtmf_event *events, size_t cap);
/** `n` samples that were lost: a digit that is under way goes on through them. */
void vgw_dtmf_rx_lost(struct vgw_dtmf_rx *rx, size_t n);
/** True from the start of a digit to its end event: mute the recognizer and, for card data, the recording. */
bool vgw_dtmf_rx_active(const struct vgw_dtmf_rx *rx);

/* --- one press, several ways --- */
/* A provider may signal a digit (RFC 4733, a WebSocket message) and leave its tone in the audio too. */
struct vgw_dtmf_dedupe {
    uint64_t window, window_outside; /* samples; set by init */
    struct {
        char digit;
        int source;
        uint64_t at;
        bool open;
    } last[8];
    uint32_t next;
};
#define VGW_DTMF_OUTSIDE 3 /* source: by a callback of the provider's, which may be late by 2 s */
/** `window_ms`: how far apart two ways may report one press; 0: 400 ms. */
void vgw_dtmf_dedupe_init(struct vgw_dtmf_dedupe *d, uint32_t window_ms);
/** True if this press is new; false if another source told of it already. Presses from one source are never dropped.
 *  `at`: sample clock of the leg at 8 kHz; `source`: any small number that names the way it came. */
bool vgw_dtmf_dedupe_accept(struct vgw_dtmf_dedupe *d, char digit, int source, uint64_t at);

/* --- generation --- */
struct vgw_dtmf_tx_params {
    uint32_t on_ms, off_ms;  /* default 100 and 100; 40 to 5000 and 40 to 5000 */
    uint32_t pause_w_ms;     /* 'w' and ',': default 500 */
    uint32_t pause_big_w_ms; /* 'W': default 1000 */
    float row_dbm0;          /* level of the lower tone; default -10; the column is twist_db louder */
    float twist_db;          /* default 2 */
    uint32_t rate_hz;        /* default 8000 */
};
struct vgw_dtmf_tx_params vgw_dtmf_tx_defaults(void);

struct vgw_dtmf_tx {
    struct vgw_dtmf_tx_params params;
    char digits[129];
    size_t at; /* digit under way */
    uint32_t left_on, left_off;
    float row[3], column[3]; /* oscillators: coefficient, y[n-1], y[n-2] */
};
/** Prepares a sequence of 1 to 128 characters of "0-9 A-D a-d * # w W ,"; spaces and '-' are skipped.
 *  `params` may be NULL. Errors: VGW_EINVALID for another character or nothing to send, VGW_ELIMIT when too long. */
int vgw_dtmf_tx_init(struct vgw_dtmf_tx *tx, const struct vgw_dtmf_tx_params *params, const char *digits,
                     struct vgw_error *err);
/** Writes up to `n` samples and returns how many; less than n only when the sequence is over, 0 from then on. */
size_t vgw_dtmf_tx_run(struct vgw_dtmf_tx *tx, int16_t *pcm, size_t n);
/** Length of what is left, in ms. */
uint64_t vgw_dtmf_tx_left_ms(const struct vgw_dtmf_tx *tx);
#endif

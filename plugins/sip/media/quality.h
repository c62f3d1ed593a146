/* quality.h - how good a call sounds: the E-model of ITU-T G.107 with the equipment's figures of G.113, as far as loss,
 * delay and codec go. Pure. */
#ifndef SIP_MEDIA_QUALITY_H
#define SIP_MEDIA_QUALITY_H
#include <stdint.h>

enum media_codec_kind { MEDIA_CODEC_G711, MEDIA_CODEC_G722, MEDIA_CODEC_OPUS };
/** Mean opinion score, 1.0 to 4.5, of one direction: loss 0..1 (what was concealed counts as lost), one-way delay with
 * the jitter buffer's in it. */
double media_mos(enum media_codec_kind codec, double loss, double delay_ms);

/** Watches the score: falls below `low` for `low_s` seconds in a row, and back above `high`. */
struct media_watch {
    double low, high;
    int64_t low_us; /* for so long */
    int64_t since_us;
    uint32_t below, degraded;
};
void media_watch_init(struct media_watch *w, double low, double high, int64_t low_us);
/** 1: quality has fallen; -1: it is good again; 0: nothing new. Asked about once a second. */
int media_watch_note(struct media_watch *w, double mos, int64_t now_us);
#endif

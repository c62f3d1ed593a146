/* quality.c - R factor to score. */
#include "quality.h"

double media_mos(enum media_codec_kind codec, double loss, double delay_ms)
{
    /* Ie and Bpl of G.113 appendix I: G.711 with concealment 0 and 25.1; the wideband codecs as their narrowband
     * equivalents, so that scores of calls compare. */
    static const struct {
        double ie, bpl;
    } equipment[] = {{0, 25.1}, {4, 16.0}, {2, 19.0}};
    double percent = (loss < 0 ? 0 : loss > 1 ? 1 : loss) * 100;
    double ie_eff = equipment[codec].ie + (95 - equipment[codec].ie) * percent / (percent + equipment[codec].bpl);
    double delay = delay_ms < 0 ? 0 : delay_ms;
    double id = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
    double r = 93.2 - id - ie_eff;
    if (r <= 0)
        return 1;
    if (r >= 100)
        return 4.5;
    double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
    return mos < 1 ? 1 : mos;
}

void media_watch_init(struct media_watch *w, double low, double high, int64_t low_us)
{
    *w = (struct media_watch){.low = low, .high = high, .low_us = low_us};
}

int media_watch_note(struct media_watch *w, double mos, int64_t now_us)
{
    if (mos < w->low) {
        if (!w->below) {
            w->below = 1;
            w->since_us = now_us;
        }
        if (!w->degraded && now_us - w->since_us >= w->low_us) {
            w->degraded = 1;
            return 1;
        }
        return 0;
    }
    w->below = 0;
    if (!w->degraded || mos < w->high)
        return 0;
    w->degraded = 0;
    return -1;
}

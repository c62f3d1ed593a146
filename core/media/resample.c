#include "media/resample.h"
#include <speex/speex_resampler.h>
#include <string.h>
#include "base/alloc.h"
#include "media/frame.h"

/* speexdsp's 0 to 10: at 5, what would fold from 24 kHz into the voice band is under -60 dB and a frame costs a few
 * microseconds. */
#define FILTER_QUALITY 5

struct vgw_resampler {
    SpeexResamplerState *speex; /* NULL when the rates are equal */
    uint32_t in_hz, out_hz;
};

int vgw_resampler_new(uint32_t in_hz, uint32_t out_hz, struct vgw_resampler **ret, struct vgw_error *err)
{
    if (!vgw_rate_supported(in_hz) || !vgw_rate_supported(out_hz))
        return vgw_error_set(err, VGW_EUNSUPPORTED,
                             "cannot convert %u Hz to %u Hz: rates are 8000, 16000, 24000 and 48000", in_hz, out_hz);
    struct vgw_resampler *r = VGW_NEW(r);
    if (!r)
        return vgw_error_nomem(err);
    r->in_hz = in_hz;
    r->out_hz = out_hz;
    if (in_hz != out_hz) {
        r->speex = speex_resampler_init(1, in_hz, out_hz, FILTER_QUALITY, NULL);
        if (!r->speex) {
            vgw_free(r);
            return vgw_error_nomem(err);
        }
    }
    *ret = r;
    return 0;
}

void vgw_resampler_free(struct vgw_resampler *r)
{
    if (!r)
        return;
    if (r->speex)
        speex_resampler_destroy(r->speex);
    vgw_free(r);
}

size_t vgw_resampler_out_max(const struct vgw_resampler *r, size_t n)
{
    return (n * r->out_hz + r->in_hz - 1) / r->in_hz + 1;
}

int vgw_resampler_run(struct vgw_resampler *r, const int16_t *in, size_t n, int16_t *out, size_t cap, size_t *ret_n)
{
    if (cap < vgw_resampler_out_max(r, n) || cap > UINT32_MAX || n > UINT32_MAX)
        return VGW_ELIMIT;
    if (!r->speex) {
        memcpy(out, in, n * sizeof *in);
        *ret_n = n;
        return 0;
    }
    size_t done = 0, made = 0;
    while (done < n) {
        spx_uint32_t in_len = (spx_uint32_t)(n - done), out_len = (spx_uint32_t)(cap - made);
        speex_resampler_process_int(r->speex, 0, in + done, &in_len, out + made, &out_len);
        done += in_len;
        made += out_len;
        if (in_len == 0 && out_len == 0)
            return VGW_EINTERNAL;
    }
    *ret_n = made;
    return 0;
}

void vgw_resampler_reset(struct vgw_resampler *r)
{
    if (r->speex)
        speex_resampler_reset_mem(r->speex);
}

size_t vgw_resampler_delay(const struct vgw_resampler *r)
{
    return r->speex ? (size_t)speex_resampler_get_output_latency(r->speex) : 0;
}

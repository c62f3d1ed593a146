/* clip.c - loads audio files. */
#include "media/clip.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "media/resample.h"
#include "media/wav.h"

#define CLIP_SAMPLES_MAX VGW_CLIP_BYTES_MAX /* companded files grow twofold, and again with the rate */

static int read_file(const char *path, uint8_t **ret_data, size_t *ret_len, struct vgw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0; /* a FIFO must not hold the lane */
    struct stat st;
    uint8_t *data = NULL;
    size_t have = 0;
    if (fd < 0)
        return vgw_error_at(err, VGW_ENOTFOUND, path, "the audio file %s cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = vgw_error_at(err, VGW_EINVALID, path, "%s is not a file", path);
    else if (st.st_size > VGW_CLIP_BYTES_MAX)
        rc = vgw_error_at(err, VGW_ELIMIT, path, "the audio file %s is larger than 64 MiB", path);
    else if (!(data = vgw_calloc(1, (size_t)st.st_size + 1)))
        rc = vgw_error_nomem(err);
    while (rc == 0 && have < (size_t)st.st_size) {
        ssize_t n = read(fd, data + have, (size_t)st.st_size - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    if (rc < 0) {
        vgw_free(data);
        return rc;
    }
    *ret_data = data;
    *ret_len = have;
    return 0;
}

static int convert(const struct vgw_wav *w, const uint8_t *data, size_t len, uint32_t rate_hz, int16_t **ret_pcm,
                   size_t *ret_samples, struct vgw_error *err)
{
    int rc;
    if (w->samples * rate_hz / w->rate_hz > CLIP_SAMPLES_MAX)
        return vgw_error_set(err, VGW_ELIMIT, "the file is longer than %u minutes at %u Hz",
                             CLIP_SAMPLES_MAX / rate_hz / 60, rate_hz);
    int16_t *in = vgw_calloc(w->samples + 1, sizeof *in), *out = NULL;
    struct vgw_resampler *r = NULL;
    size_t n = in ? vgw_wav_decode(w, data + w->data_offset, len - w->data_offset, 0, w->samples, -1, in) : 0,
           total = 0;
    if (!in)
        return vgw_error_nomem(err);
    if (w->rate_hz == rate_hz) {
        *ret_pcm = in;
        *ret_samples = n;
        return 0;
    }
    if ((rc = vgw_resampler_new(w->rate_hz, rate_hz, &r, err)) < 0)
        goto out;
    size_t cap = vgw_resampler_out_max(r, n) + 64;
    if (!(out = vgw_calloc(cap, sizeof *out))) {
        rc = vgw_error_nomem(err);
        goto out;
    }
    rc = vgw_resampler_run(r, in, n, out, cap, &total);
out:
    vgw_resampler_free(r);
    vgw_free(in);
    if (rc < 0) {
        vgw_free(out);
        return rc;
    }
    *ret_pcm = out;
    *ret_samples = total;
    return 0;
}

int vgw_clip_load(const char *path, uint32_t rate_hz, int16_t **ret_pcm, size_t *ret_samples, struct vgw_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    struct vgw_wav w;
    int rc = read_file(path, &data, &len, err);
    if (rc < 0)
        return rc;
    rc = vgw_wav_parse(data, len < VGW_WAV_HEAD_BYTES ? len : VGW_WAV_HEAD_BYTES, len, &w, err);
    if (rc == 0)
        rc = convert(&w, data, len, rate_hz, ret_pcm, ret_samples, err);
    if (rc < 0)
        vgw_error_prefix(err, "%s: ", path);
    vgw_free(data);
    return rc;
}

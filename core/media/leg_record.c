/* leg_record.c - a leg's recording. The samples of both sides are placed on the leg's clock here; blocks of a second
 * are written on the io lane, one after another. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "media/leg_private.h"
#include "media/record.h"

#define RESYNC_SAMPLES 1600 /* a side that is 200 ms off the clock is set to it */

struct block_job {
    struct vgw_job job;
    struct vgw_leg_record *record;
    struct vgw_record_block *block;
};

struct vgw_leg_record {
    struct vgw_leg *leg;
    struct vgw_record *record;
    char *path;
    char id[VGW_ID_MAX];
    uint64_t strand;
    int fd;           /* pool: opened by the first block */
    int error;        /* pool: errno of the first failure */
    uint32_t writing; /* blocks under way */
    uint64_t tag;     /* of the one who stopped it and wants to hear when the file is whole; 0: nobody */
    bool stopped;
    bool lost;                          /* a block never came to the disk */
    struct vgw_resampler *tx_resampler; /* ours to 8 kHz, when the leg is wider */
    int64_t start_us;
    uint64_t end[2]; /* by side: where the next sample goes */
};

static bool write_all(int fd, const void *data, size_t len, uint64_t offset)
{
    const char *at = data;
    while (len) {
        ssize_t n = pwrite(fd, at, len, (off_t)offset);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

/* [pool] */
static void block_write(void *arg)
{
    struct block_job *j = arg;
    struct vgw_leg_record *r = j->record;
    if (r->fd < 0 && !r->error) {
        r->fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (r->fd < 0)
            r->error = 1;
    }
    if (r->fd >= 0 && !r->error &&
        (!write_all(r->fd, j->block->data, j->block->bytes, j->block->offset) ||
         !write_all(r->fd, j->block->header, j->block->header_bytes, 0)))
        r->error = 1;
    if (j->block->last && r->fd >= 0) {
        close(r->fd);
        r->fd = -1;
    }
}

static void record_free(struct vgw_leg_record *r)
{
    vgw_record_free(r->record);
    vgw_resampler_free(r->tx_resampler);
    if (r->fd >= 0) /* its last block was lost */
        close(r->fd);
    vgw_free(r->path);
    vgw_free(r);
}

static void record_finished(struct vgw_leg_record *r)
{
    struct vgw_leg *leg = r->leg;
    struct vgw_json *o = vgw_json_object();
    double duration_s = (double)vgw_record_samples(r->record) / 8000;
    uint64_t tag = r->tag;
    vgw_json_set_string(o, "recording_id", r->id);
    vgw_json_set_string(o, "path", r->path);
    vgw_json_set_double(o, "duration", duration_s);
    vgw_json_set_bool(o, "complete", !r->error && !r->lost);
    if (!leg->recordings)
        leg->recordings = vgw_json_array();
    vgw_json_append(leg->recordings, o);
    if (r->error)
        vgw_log(VGW_LOG_ERROR, &leg->scope,
                "a recording could not be written; is its folder there, writable and not full?", "path", r->path, NULL);
    record_free(r);
    if (tag && leg->p.sink->on_recorded)
        leg->p.sink->on_recorded(leg->p.sink_arg, tag, duration_s);
    leg->records_open--;
    vgw_leg_maybe_gone(leg);
}

static void block_done(void *arg)
{
    struct block_job *j = arg;
    struct vgw_leg_record *r = j->record;
    vgw_record_block_free(j->block);
    vgw_free(j);
    if (--r->writing == 0 && r->stopped)
        record_finished(r);
}

static void on_block(void *user, struct vgw_record_block *block)
{
    struct vgw_leg_record *r = user;
    struct block_job *j;
    if (!VGW_NEW(j)) {
        vgw_metric_dropped("recording_block");
        vgw_record_block_free(block);
        r->lost = true;
        return;
    }
    j->record = r;
    j->block = block;
    j->job = (struct vgw_job){.work = block_write,
                              .done = block_done,
                              .arg = j,
                              .home = r->leg->p.worker,
                              .strand = r->strand,
                              .lane = VGW_LANE_IO};
    r->writing++;
    if (vgw_pool_submit(r->leg->p.pool, &j->job) < 0) {
        r->writing--;
        r->lost = true;
        vgw_metric_dropped("recording_block");
        vgw_record_block_free(block);
        vgw_free(j);
    }
}

int vgw_leg_record_start(struct vgw_leg *leg, const char *path, const char *recording_id, struct vgw_error *err)
{
    if (leg->record)
        return vgw_error_set(err, VGW_EBUSY, "this call is being recorded already");
    if (leg->ending)
        return vgw_error_set(err, VGW_ENOTFOUND, "the call has ended");
    struct vgw_leg_record *r;
    if (!VGW_NEW(r))
        return vgw_error_nomem(err);
    *r =
        (struct vgw_leg_record){.leg = leg, .fd = -1, .strand = vgw_pool_strand(leg->p.pool), .path = vgw_strdup(path)};
    vgw_strcopy(r->id, sizeof r->id, recording_id);
    struct vgw_record_params params = vgw_record_defaults();
    params.on_block = on_block;
    params.user = r;
    int rc = r->path ? vgw_record_new(&params, &r->record, err) : vgw_error_nomem(err);
    if (rc < 0) {
        vgw_free(r->path);
        vgw_free(r);
        return rc;
    }
    r->start_us = vgw_now(leg->p.worker);
    leg->record = r;
    leg->records_open++;
    return 0;
}

/* Where on the recording's clock now is. */
static uint64_t clock_sample(const struct vgw_leg_record *r)
{
    return (uint64_t)((vgw_now(r->leg->p.worker) - r->start_us) * 8 / 1000);
}

static void put(struct vgw_leg *leg, enum vgw_record_side side, const int16_t *pcm, size_t n)
{
    static const int16_t silence[VGW_FRAME_SAMPLES_MAX];
    struct vgw_leg_record *r = leg->record;
    uint64_t now = clock_sample(r);
    if (leg->hushed)
        pcm = silence;
    if (now > r->end[side] + RESYNC_SAMPLES || r->end[side] > now + RESYNC_SAMPLES)
        r->end[side] = now > n ? now - (side == VGW_RECORD_CALLER ? n : 0) : now;
    vgw_record_put(r->record, side, r->end[side], pcm, n);
    r->end[side] += n;
}

void vgw_leg_record_rx(struct vgw_leg *leg, const int16_t *pcm, size_t n)
{
    put(leg, VGW_RECORD_CALLER, pcm, n);
}

void vgw_leg_record_tx(struct vgw_leg *leg, const void *payload, size_t samples)
{
    struct vgw_leg_record *r = leg->record;
    int16_t wide[VGW_FRAME_SAMPLES_MAX], narrow[VGW_FRAME_SAMPLES_MAX];
    size_t width = vgw_encoding_bytes(leg->encoding);
    const uint8_t *at = payload;
    if (leg->rate_hz != 8000 && !r->tx_resampler && vgw_resampler_new(leg->rate_hz, 8000, &r->tx_resampler, NULL) < 0)
        return;
    while (samples) {
        size_t n = samples < VGW_FRAME_SAMPLES_MAX ? samples : VGW_FRAME_SAMPLES_MAX, got = n;
        vgw_encoding_decode(leg->encoding, at, n, wide);
        at += n * width;
        samples -= n;
        if (leg->rate_hz == 8000)
            put(leg, VGW_RECORD_GATEWAY, wide, n);
        else if (vgw_resampler_run(r->tx_resampler, wide, n, narrow, VGW_FRAME_SAMPLES_MAX, &got) == 0)
            put(leg, VGW_RECORD_GATEWAY, narrow, got);
    }
}

void vgw_leg_record_advance(struct vgw_leg *leg)
{
    if (leg->record)
        vgw_record_advance(leg->record->record, clock_sample(leg->record));
}

int vgw_leg_record_stop(struct vgw_leg *leg, uint64_t tag)
{
    struct vgw_leg_record *r = leg->record;
    if (!r)
        return VGW_EBUSY;
    vgw_record_advance(r->record, clock_sample(r));
    leg->record = NULL;
    r->stopped = true;
    r->tag = tag;
    r->writing++; /* the last block may be done before stop() returns in virtual time */
    vgw_record_stop(r->record);
    if (--r->writing == 0)
        record_finished(r);
    return 0;
}

void vgw_leg_record_close(struct vgw_leg *leg)
{
    if (leg->record)
        vgw_leg_record_stop(leg, 0);
}

int vgw_leg_record_pause(struct vgw_leg *leg, bool paused)
{
    struct vgw_leg_record *r = leg->record;
    if (!r)
        return VGW_EBUSY;
    if (paused)
        vgw_record_pause(r->record, clock_sample(r));
    else
        vgw_record_resume(r->record, clock_sample(r));
    return 0;
}

void vgw_leg_record_hush(struct vgw_leg *leg, bool on)
{
    leg->hushed = on;
}

double vgw_leg_record_position_s(const struct vgw_leg *leg)
{
    return leg->record ? (double)clock_sample(leg->record) / 8000 : -1;
}

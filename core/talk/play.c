/* play.c - audio files: read on the io lane, played from memory, once or again and again. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "media/clip.h"
#include "talk/talk_private.h"

struct clip_job {
    struct vgw_job job;
    uint64_t leg;
    struct vgw_talk *talk;
    uint64_t utterance;
    uint32_t rate_hz;
    char *path;
    int16_t *pcm;
    size_t samples;
    int status;
    struct vgw_error err;
};

static void clip_work(void *arg)
{
    struct clip_job *j = arg;
    j->status = vgw_clip_load(j->path, j->rate_hz, &j->pcm, &j->samples, &j->err);
}

static void job_free(struct clip_job *j)
{
    if (!j)
        return;
    vgw_free(j->pcm);
    vgw_free(j->path);
    vgw_free(j);
}

static void clip_done(void *arg)
{
    struct clip_job *j = arg;
    struct vgw_talk *t =
        vgw_handle_get(j->leg, VGW_HANDLE_LEG) ? j->talk : NULL; /* a talk lives as long as its leg's name */
    struct vgw_speech *s = t && !t->ending ? vgw_speech_find(t, j->utterance) : NULL;
    if (s) {
        s->synth_done = true;
        s->status = j->status;
        if (j->status == 0) {
            s->clip = j->pcm;
            s->samples = s->clip_samples = j->samples;
            s->looped = s->looped && j->samples;
            j->pcm = NULL;
        } else {
            s->sentence = vgw_strdup(j->err.text);
            vgw_log(VGW_LOG_WARNING, &t->scope, "an audio file could not be played", "error", j->err.text, NULL);
        }
        vgw_talk_speak_pump(t);
    }
    job_free(j);
}

/* Where the file of a URL or path lies; NULL with a sentence when it cannot be played. */
static char *file_of(struct vgw_talk *t, const char *url, struct vgw_error *err)
{
    const char *path = vgw_starts_with(url, "file://") ? url + strlen("file://") : url;
    struct vgw_buf full = {0};
    if (!path[0]) {
        vgw_error_at(err, VGW_EINVALID, "url", "url must name a WAV file: a path or file:///…");
        return NULL;
    }
    if (strstr(path, "://")) {
        vgw_error_at(err, VGW_EUNSUPPORTED, "url",
                     "%s is not a file here: a WAV file on the gateway's own disk can be played (a path or file:///…)",
                     url);
        return NULL;
    }
    if (path[0] != '/' && (vgw_streq(path, "..") || vgw_starts_with(path, "../") || strstr(path, "/../"))) {
        vgw_error_at(err, VGW_EINVALID, "url", "%s leaves the audio folder: give a path below it, or a whole one", url);
        return NULL;
    }
    if (path[0] != '/' && t->audio_root)
        vgw_buf_printf(&full, "%s/", t->audio_root);
    vgw_buf_adds(&full, path);
    char *taken = vgw_buf_take(&full);
    if (!taken)
        vgw_error_nomem(err);
    return taken;
}

int vgw_talk_play(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_speech *s = NULL;
    struct clip_job *j = NULL;
    char *path = file_of(t, vgw_json_get_string(params, "url", ""), err);
    if (!path)
        return err->status;
    int rc = VGW_NEW(j) ? vgw_speech_new(t, VGW_SPEECH_PLAY, op, vgw_json_get_bool(params, "interruptible", true), NULL,
                                         NULL, &s, err)
                        : vgw_error_nomem(err);
    if (rc < 0) {
        vgw_free(path);
        job_free(j);
        return rc;
    }
    s->text_done = true;
    s->looped = vgw_json_get_bool(params, "loop", false);
    *j = (struct clip_job){
        .leg = t->leg_handle, .talk = t, .utterance = s->utterance, .rate_hz = s->rate_hz, .path = path};
    j->job = (struct vgw_job){.work = clip_work, .done = clip_done, .arg = j, .home = t->worker, .lane = VGW_LANE_IO};
    rc = vgw_pool_submit(t->p.pool, &j->job);
    if (rc < 0) {
        job_free(j);
        vgw_speech_drop(t, s);
        return vgw_error_set(err, VGW_ELIMIT, "too many files are being read; try again in a moment");
    }
    return 0;
}

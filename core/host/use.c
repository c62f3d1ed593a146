/* use.c - one plugin uses an engine through the host: synthesis with a configured tts, audio files. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "host/host_private.h"
#include "media/clip.h"
#include "media/resample.h"

#define PIECE_MS 20
#define SILENT_US (30 * VGW_US_PER_S) /* without audio: the engine hangs */
#define CLOSE_US (2 * VGW_US_PER_S)

struct use {
    struct vgw_host *host;
    struct vgw_loop *loop;
    uint64_t handle; /* VGW_HANDLE_USE */
    uint64_t target;
    void (*on_audio)(void *arg, const struct voicegw_frame *frame);
    void (*on_done)(void *arg, int32_t status, const char *sentence);
    void *arg;
    enum vgw_encoding encoding;
    uint32_t rate_hz;
    uint64_t timestamp;
    bool over, cancelled;
    /* synthesis */
    struct vgw_engine engine;
    struct vgw_engine_stream *es;
    bool es_open;
    struct vgw_timer patience; /* with an engine that is silent, or does not close */
    struct vgw_resampler *resampler;
    uint32_t resampler_in;
    /* file */
    struct vgw_job job;
    char *path;
    int16_t *pcm;
    size_t samples;
    int status;
    struct vgw_error err;
};

static bool target_there(const struct use *u)
{
    return u->target == VOICEGW_TARGET_CONTROL || vgw_handle_alive(u->target);
}

static void engine_given_back(void *arg)
{
    struct use *u = arg;
    const struct vgw_host_env *env = &u->host->env;
    if (u->engine.ref)
        env->engine_release(env->arg, u->engine.ref);
    vgw_free(u);
}

static void use_free(struct use *u)
{
    vgw_timer_stop(&u->patience);
    vgw_handle_drop(u->handle);
    vgw_engine_stream_free(u->es);
    vgw_resampler_free(u->resampler);
    vgw_free(u->path);
    vgw_free(u->pcm);
    if (vgw_loop_call(u->host->env.control, engine_given_back, u) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "control is overloaded: an engine's reference is lost", NULL);
}

static void use_over(struct use *u, int32_t status, const char *sentence)
{
    if (u->over)
        return;
    u->over = true;
    u->on_done(u->arg, status, sentence); /* also for a target that is gone: whoever asked frees what it holds */
}

/* Linear samples at the wanted rate, handed on in frames of the wanted encoding. */
static void give_pcm(struct use *u, const int16_t *pcm, size_t n)
{
    static const uint32_t encodings[] = {VOICEGW_AUDIO_PCMU, VOICEGW_AUDIO_PCMA, VOICEGW_AUDIO_L16};
    uint8_t wire[VGW_FRAME_SAMPLES_MAX * 2];
    size_t piece = VGW_SAMPLES(u->rate_hz, PIECE_MS);
    while (n && !u->over && !u->cancelled && target_there(u)) {
        size_t part = n < piece ? n : piece;
        vgw_encoding_encode(u->encoding, pcm, part, wire);
        struct voicegw_frame f = {.size = sizeof f,
                                  .encoding = encodings[u->encoding],
                                  .rate = u->rate_hz,
                                  .timestamp = u->timestamp,
                                  .data = wire,
                                  .bytes = (uint32_t)(part * vgw_encoding_bytes(u->encoding)),
                                  .samples = (uint32_t)part};
        u->timestamp += part;
        u->on_audio(u->arg, &f);
        pcm += part;
        n -= part;
    }
}

static void on_tts_audio(struct use *u, const struct vgw_engine_message *m)
{
    int16_t in[VGW_FRAME_SAMPLES_MAX], out[VGW_FRAME_SAMPLES_MAX * 6 + 64];
    const uint8_t *at = m->payload;
    size_t left = m->samples, bytes = vgw_encoding_bytes(m->encoding);
    if (m->rate_hz != u->rate_hz && u->resampler_in != m->rate_hz) {
        vgw_resampler_free(u->resampler);
        u->resampler = NULL;
        if (vgw_resampler_new(m->rate_hz, u->rate_hz, &u->resampler, NULL) < 0)
            return;
        u->resampler_in = m->rate_hz;
    }
    while (left) {
        size_t n = left < VGW_FRAME_SAMPLES_MAX ? left : VGW_FRAME_SAMPLES_MAX, got = 0;
        vgw_encoding_decode(m->encoding, at, n, in);
        at += n * bytes;
        left -= n;
        if (m->rate_hz == u->rate_hz)
            give_pcm(u, in, n);
        else if (vgw_resampler_run(u->resampler, in, n, out, sizeof out / sizeof out[0], &got) == 0)
            give_pcm(u, out, got);
    }
}

static void use_close(struct use *u)
{
    u->es_open = false;
    vgw_timer_start(&u->patience, CLOSE_US);
    u->engine.tts->close(u->es->s);
}

static void on_patience(void *arg)
{
    struct use *u = arg;
    if (u->es_open) {
        use_over(u, VOICEGW_ETIMEOUT, "the synthesis fell silent");
        use_close(u);
    } else {
        use_over(u, VOICEGW_EBUSY, "the synthesis was closed");
        use_free(u);
    }
}

static void on_tts(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct use *u = owner;
    if (m->kind == VGW_MSG_CLOSED) {
        use_over(u, VOICEGW_EBUSY, "the synthesis was closed");
        use_free(u);
        return;
    }
    if (u->over || !u->es_open)
        return;
    if (m->kind == VGW_MSG_AUDIO) {
        vgw_timer_start(&u->patience, SILENT_US);
        on_tts_audio(u, m);
    } else if (m->kind == VGW_MSG_DONE || (m->kind == VGW_MSG_ERROR && m->flag)) {
        use_over(u, m->kind == VGW_MSG_ERROR && m->status >= 0 ? VOICEGW_EINTERNAL : m->status, m->text);
        use_close(u);
    }
}

static int use_new(const struct voicegw_host *h, uint64_t target, const struct voicegw_audio_format *format,
                   void (*on_audio)(void *, const struct voicegw_frame *),
                   void (*on_done)(void *, int32_t, const char *), void *arg, struct use **ret_use)
{
    struct vgw_host *host = vgw_host_of(h)->host;
    struct vgw_loop *loop = target == VOICEGW_TARGET_CONTROL ? host->env.control : vgw_handle_loop(target);
    struct use *u;
    if (!loop)
        return VOICEGW_ENOTFOUND;
    if (!format || format->encoding < VOICEGW_AUDIO_PCMU || format->encoding > VOICEGW_AUDIO_L16 ||
        !vgw_rate_supported(format->rate) || !vgw_loop_is_here(loop))
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "the format must be PCMU, PCMA or L16 at 8 to 48 kHz, on the target's thread");
    if (!VGW_NEW(u))
        return VOICEGW_ELIMIT;
    *u = (struct use){
        .host = host, .loop = loop, .target = target, .on_audio = on_audio, .on_done = on_done, .arg = arg};
    u->encoding = format->encoding == VOICEGW_AUDIO_PCMU   ? VGW_PCMU
                  : format->encoding == VOICEGW_AUDIO_PCMA ? VGW_PCMA
                                                           : VGW_L16;
    u->rate_hz = format->rate;
    u->handle = vgw_handle_new(VGW_HANDLE_USE, loop, u);
    if (!u->handle) {
        vgw_free(u);
        return VOICEGW_ELIMIT;
    }
    *ret_use = u;
    return 0;
}

struct synthesis { /* the request, on its way to control, which alone may take references on instances, and back */
    struct vgw_host *host;
    uint64_t use;
    char *tts, *text, *voice, *language;
    bool found;
    struct vgw_engine engine;
};

static void synthesis_free(struct synthesis *s)
{
    vgw_free(s->tts);
    vgw_free(s->text);
    vgw_free(s->voice);
    vgw_free(s->language);
    vgw_free(s);
}

static void synthesis_begin(void *object, void *arg)
{
    struct use *u = object;
    struct synthesis *s = arg;
    struct voicegw_audio_format formats[] = {
        {sizeof formats[0], VOICEGW_AUDIO_L16, u ? u->rate_hz : 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 24000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
    };
    struct voicegw_tts_params params = {
        .size = sizeof params, .formats = formats, .format_count = 5, .voice = s->voice, .language = s->language};
    uint32_t chosen;
    if (!u) { /* its name lives until it has been told how it ended, so this does not happen */
        synthesis_free(s);
        return;
    }
    u->engine = s->engine;
    int rc = u->cancelled ? VOICEGW_EBUSY : !s->found ? VOICEGW_ENOTFOUND : 0;
    if (rc == 0 && !(u->es = vgw_engine_stream_new(VGW_HANDLE_TTS, u->loop, on_tts, u)))
        rc = VOICEGW_ELIMIT;
    if (rc == 0) {
        u->es->engine = &u->engine;
        rc = u->engine.tts->open(u->engine.instance, u->es->handle, &params, &u->es->s, &chosen);
    }
    if (rc < 0) {
        use_over(u, rc,
                 u->cancelled ? "cancelled"
                 : s->found   ? "the tts could not be opened"
                              : "there is no tts of that name");
        use_free(u);
    } else {
        u->es_open = true;
        vgw_timer_init(&u->patience, u->loop, on_patience, u);
        vgw_timer_start(&u->patience, SILENT_US);
        u->engine.tts->speak(u->es->s, 1, s->text, VOICEGW_SPEAK_LAST);
    }
    synthesis_free(s);
}

static void synthesis_on_control(void *arg)
{
    struct synthesis *s = arg;
    const struct vgw_host_env *env = &s->host->env;
    s->found = env->tts_engine(env->arg, s->tts, &s->engine);
    void *ref = s->found ? s->engine.ref : NULL;
    if (vgw_handle_post(s->use, synthesis_begin, s) < 0) {
        if (ref)
            env->engine_release(env->arg, ref);
        synthesis_free(s);
    }
}

static int32_t synthesize(const struct voicegw_host *h, uint64_t target, const char *tts_name, const char *text,
                          const char *voice, const char *language, const struct voicegw_audio_format *format,
                          void (*on_audio)(void *arg, const struct voicegw_frame *frame),
                          void (*on_done)(void *arg, int32_t status, const char *sentence), void *arg,
                          uint64_t *ret_use)
{
    struct use *u = NULL;
    struct synthesis *s;
    int rc = use_new(h, target, format, on_audio, on_done, arg, &u);
    if (rc < 0 || !u)
        return rc;
    if (!VGW_NEW(s)) {
        use_free(u);
        return VOICEGW_ELIMIT;
    }
    *s = (struct synthesis){.host = u->host,
                            .use = u->handle,
                            .tts = vgw_strdup(tts_name),
                            .text = vgw_strdup(text),
                            .voice = vgw_strdup(voice),
                            .language = vgw_strdup(language ? language : "en-US")};
    rc = s->text && s->language ? vgw_host_to_control(vgw_host_of(h), synthesis_on_control, s) : VOICEGW_ELIMIT;
    if (rc < 0) {
        synthesis_free(s);
        use_free(u);
        return rc;
    }
    *ret_use = u->handle;
    return 0;
}

static void use_cancel(const struct voicegw_host *h, uint64_t handle)
{
    struct vgw_loop *loop = vgw_handle_loop(handle);
    struct use *u = loop && vgw_loop_is_here(loop) ? vgw_handle_get(handle, VGW_HANDLE_USE) : NULL;
    if (!u || u->over || u->cancelled)
        return;
    u->cancelled = true;
    if (u->es_open)
        use_close(u);
}

/* ---- files ---- */

static void file_work(void *arg)
{
    struct use *u = arg;
    u->status = vgw_clip_load(u->path, u->rate_hz, &u->pcm, &u->samples, &u->err);
}

static void file_done(void *arg)
{
    struct use *u = arg;
    if (u->status == 0)
        give_pcm(u, u->pcm, u->samples);
    use_over(u, u->status, u->status < 0 ? u->err.text : NULL);
    use_free(u);
}

static int32_t read_audio(const struct voicegw_host *h, uint64_t target, const char *path,
                          const struct voicegw_audio_format *format,
                          void (*on_audio)(void *arg, const struct voicegw_frame *frame),
                          void (*on_done)(void *arg, int32_t status, const char *sentence), void *arg,
                          uint64_t *ret_use)
{
    struct use *u = NULL;
    int rc = use_new(h, target, format, on_audio, on_done, arg, &u);
    if (rc < 0 || !u)
        return rc;
    u->path = vgw_strdup(path);
    u->job = (struct vgw_job){.work = file_work, .done = file_done, .arg = u, .home = u->loop, .lane = VGW_LANE_IO};
    rc = u->path ? vgw_pool_submit(u->host->env.pool, &u->job) : VOICEGW_ELIMIT;
    if (rc < 0) {
        use_free(u);
        return rc;
    }
    *ret_use = u->handle;
    return 0;
}

const struct voicegw_host_use vgw_host_use_table = {
    .size = sizeof vgw_host_use_table, .synthesize = synthesize, .cancel = use_cancel, .read_audio = read_audio};

/* tts.c - breaks the rules of synthesizers. */
#include "mutant.h"
#include "voicegw/draft/tts.h"

static uint64_t handle, spoken[64];
static unsigned count;
#define API ((const struct voicegw_host_tts *)host->get_extension(host, VOICEGW_HOST_TTS))

static int32_t on_open(void *i, uint64_t h, const struct voicegw_tts_params *p, void **ret, uint32_t *format)
{
    (void)i;
    (void)p;
    handle = h;
    *ret = &handle;
    *format = 0;
    return VOICEGW_OK;
}
static void speak_next(void *arg)
{
    static const int16_t silence[160];
    struct voicegw_frame f = {
        .size = sizeof f, .encoding = VOICEGW_AUDIO_L16, .rate = 8000, .data = silence, .bytes = 320, .samples = 160};
    (void)arg;
    if (count == 0)
        return;
    uint64_t u = spoken[0];
    memmove(spoken, spoken + 1, --count * sizeof spoken[0]);
#ifdef BREAK_FRAME
    f.samples = 7;
#endif
#ifndef BREAK_SILENT
    API->on_audio(host, handle, u, &f);
#endif
#ifndef BREAK_DONE_NEVER
    API->on_done(host, handle, u, VOICEGW_OK, NULL);
#endif
#ifdef BREAK_DONE_TWICE
    API->on_done(host, handle, u, VOICEGW_OK, NULL);
#endif
#ifdef BREAK_AUDIO_AFTER_DONE
    API->on_audio(host, handle, u, &f);
#endif
}
static int32_t on_speak(void *s, uint64_t u, const char *text, uint32_t flags)
{
    (void)s;
    (void)text;
    (void)flags;
    if (count == 64)
        return host->set_error(host, VOICEGW_ELIMIT, "too much speech");
    spoken[count++] = u;
    host->timer_start(host, handle, 20000, speak_next, NULL);
    return VOICEGW_OK;
}
static int32_t on_flush(void *s)
{
    (void)s;
    return VOICEGW_OK;
}
static int32_t on_cancel(void *s)
{
    (void)s;
#ifndef BREAK_CANCEL
    while (count > 0)
        API->on_done(host, handle, spoken[--count], VOICEGW_EBUSY, NULL);
#endif
    return VOICEGW_OK;
}
static void closed(void *arg)
{
    (void)arg;
    API->on_closed(host, handle);
}
static void on_close(void *s)
{
    (void)s;
    host->post(host, handle, closed, NULL);
}
static int32_t cache_key(void *i, const struct voicegw_tts_params *p, const char *text, char *out, uint32_t cap)
{
    (void)i;
    (void)p;
    (void)text;
    (void)out;
#ifdef BREAK_CACHE_KEY
    return (int32_t)cap + 10;
#else
    return cap < 10 ? VOICEGW_ELIMIT : 0;
#endif
}
static const struct voicegw_tts table = {.size = sizeof table,
                                         .open = on_open,
                                         .speak = on_speak,
                                         .flush = on_flush,
                                         .cancel = on_cancel,
                                         .close = on_close,
                                         .cache_key = cache_key};
MUTANT_PLUGIN("tts", VOICEGW_KIND_TTS, table, 0, NULL)

/* stt.c - breaks the rules of recognizers. */
#include "mutant.h"
#include "voicegw/draft/stt.h"

static uint64_t handle;
#define API ((const struct voicegw_host_stt *)host->get_extension(host, VOICEGW_HOST_STT))

static int32_t on_open(void *i, uint64_t h, const struct voicegw_stt_params *p, void **ret, uint32_t *format)
{
    (void)i;
    (void)p;
    handle = h;
    *ret = &handle;
#ifdef BREAK_FORMAT
    *format = 9;
#else
    *format = 0;
#endif
    return VOICEGW_OK;
}
static int32_t on_push(void *s, const struct voicegw_frame *f)
{
    (void)s;
    (void)f;
#ifdef BREAK_PUSH_BLOCKS
    for (;;)
        ;
#endif
    return VOICEGW_OK;
}
static int32_t on_speech(void *s, uint64_t u, uint32_t started, uint64_t sample)
{
    (void)s;
    (void)u;
    (void)started;
    (void)sample;
    return VOICEGW_OK;
}
static int32_t on_finalize(void *s, uint64_t u)
{
    struct voicegw_stt_result r = {.size = sizeof r, .final = 1, .utterance = u, .text = "hi"};
    (void)s;
#ifdef BREAK_FINAL_TEXT
    r.text = NULL;
#endif
#ifndef BREAK_FINAL_NEVER
    API->on_result(host, handle, &r);
#endif
#ifdef BREAK_FINAL_TWICE
    API->on_result(host, handle, &r);
#endif
    return VOICEGW_OK;
}
static void closed(void *arg)
{
    (void)arg;
    API->on_closed(host, handle);
#ifdef BREAK_AFTER_CLOSED
    API->on_usage(host, handle, "{}");
#endif
}
static void on_close(void *s)
{
    (void)s;
#if defined(BREAK_CLOSED_INSIDE)
    closed(NULL);
#elif !defined(BREAK_CLOSED_NEVER)
    host->post(host, handle, closed, NULL);
#endif
}
static const struct voicegw_stt table = {.size = sizeof table,
                                         .open = on_open,
                                         .push = on_push,
                                         .speech = on_speech,
                                         .finalize = on_finalize,
                                         .close = on_close};
MUTANT_PLUGIN("stt", VOICEGW_KIND_STT, table, 0, NULL)

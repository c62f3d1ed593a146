/* provider.c - breaks the rules of providers and their media. */
#include <stdio.h>
#include "mutant.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_media.h"

static uint64_t handle, ops[64], the_leg;
static unsigned count;
#define API ((const struct voicegw_host_provider *)host->get_extension(host, VOICEGW_HOST_PROVIDER))
#define MEDIA ((const struct voicegw_host_media *)host->get_extension(host, VOICEGW_HOST_MEDIA))

static void done(void *arg)
{
    (void)arg;
    if (count == 0)
        return;
    uint64_t op = ops[--count];
    API->on_complete(host, op, VOICEGW_OK, NULL, "{}");
#ifdef BREAK_COMPLETE_TWICE
    API->on_complete(host, op, VOICEGW_OK, NULL, "{}");
#endif
}
static int32_t later(uint64_t op)
{
#ifdef BREAK_COMPLETE_INSIDE
    API->on_complete(host, op, VOICEGW_OK, NULL, "{}");
    return VOICEGW_OK;
#endif
#ifdef BREAK_UNKNOWN_OP
    API->on_complete(host, 4711, VOICEGW_OK, NULL, "{}");
#endif
    if (count == 64)
        return host->set_error(host, VOICEGW_ELIMIT, "too many");
    ops[count++] = op;
    return host->post(host, VOICEGW_TARGET_CONTROL, done, NULL);
}
static int32_t make_call(void *i, uint64_t op, uint64_t call, const struct voicegw_call_params *p)
{
    struct voicegw_call_state s = {.size = sizeof s, .state = VOICEGW_CALL_RINGING};
    (void)i;
#ifdef BREAK_LIMITS
    char to[64];
    strcpy(to, p->to);
    s.cause = to;
#else
    if (strlen(p->to) > 60)
        return host->set_error(host, VOICEGW_EINVALID, "to is too long");
#endif
#ifdef BREAK_STATE
    s.state = 99;
#endif
    handle = call;
    API->on_state(host, call, &s);
    return later(op);
}
static int32_t end(void *i, uint64_t op, uint64_t call)
{
    (void)i;
#ifdef BREAK_COMPLETE_NEVER
    return VOICEGW_OK;
#endif
#ifdef BREAK_SENTENCE
    return VOICEGW_ENOTFOUND;
#endif
    if (call != handle)
        return host->set_error(host, VOICEGW_ENOTFOUND, "there is no such call");
    return later(op);
}
static void cancel(void *i, uint64_t op)
{
    (void)i;
    (void)op;
#ifdef BREAK_CANCEL
    count = 0; /* forgets the operation: nobody will complete it */
#endif
}
static int32_t attach(void *i, uint64_t leg, uint64_t call, const struct voicegw_audio_format *f, uint32_t n,
                      void **ret)
{
    (void)i;
    (void)n;
    the_leg = leg;
    *ret = &the_leg;
#ifdef BREAK_MEDIA_THREAD
    API->call_leg(host, call);
#endif
    (void)call;
    return MEDIA->on_format(host, leg, f);
}
static int32_t send_frame(void *s, const struct voicegw_frame *f)
{
    (void)s;
    return MEDIA->on_frame(host, the_leg, f);
}
static int32_t clear(void *s, uint32_t epoch)
{
    (void)s;
    (void)epoch;
    return VOICEGW_OK;
}
static int32_t mark(void *s, uint64_t id)
{
    (void)s;
#ifdef BREAK_MARK
    return VOICEGW_OK;
#endif
    return MEDIA->on_mark(host, the_leg, id, 1);
}
static void detach(void *s)
{
    (void)s;
#ifndef BREAK_DETACH_NEVER
    MEDIA->on_detached(host, the_leg);
#endif
#ifdef BREAK_AFTER_DETACH
    MEDIA->on_dtmf(host, the_leg, "1", 100, "rtp");
#endif
}
static const struct voicegw_provider table = {
    .size = sizeof table, .make_call = make_call, .end = end, .cancel = cancel};
static const struct voicegw_provider_media media = {
    .size = sizeof media, .attach = attach, .send = send_frame, .clear = clear, .mark = mark, .detach = detach};
#ifdef BREAK_CAPS
#define CAPS (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_END | VOICEGW_CAP_MEDIA | VOICEGW_CAP_TRANSFER)
#elif defined(BREAK_CAP_IVR)
#define CAPS (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_END | VOICEGW_CAP_MEDIA | VOICEGW_CAP_IVR)
#else
#define CAPS (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_END | VOICEGW_CAP_MEDIA)
#endif
MUTANT_PLUGIN("provider", VOICEGW_KIND_PROVIDER, table, CAPS,
              strcmp(id, VOICEGW_KIND_PROVIDER_MEDIA) == 0 ? &media : NULL)

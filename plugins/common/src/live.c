/* live.c - a caller's stream at a vendor: its operations and its life. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "live_private.h"

const struct voicegw_host *live_host_of(const struct live *l)
{
    return l->home->streams.host;
}

void live_timer_end(struct live *l, uint64_t *timer)
{
    if (*timer)
        (void)live_host_of(l)->timer_cancel(live_host_of(l), *timer);
    *timer = 0;
}

void live_timer_begin(struct live *l, uint64_t *timer, int64_t us, voicegw_callback fn)
{
    live_timer_end(l, timer);
    *timer = live_host_of(l)->timer_start(live_host_of(l), l->handle, us, fn, l);
}

/* ---- the end ---- */

void live_end_stream(struct live *l)
{
    struct live_home *home = l->home;
    live_timer_end(l, &l->timer_retry);
    live_timer_end(l, &l->timer_keep);
    live_timer_end(l, &l->timer_final);
    live_timer_end(l, &l->timer_leave);
    (void)home->out->on_closed(home->streams.host, l->handle);
    free(l->hints);
    free(l->url);
    free(l->held);
    free(l);
    vendor_stream_closed(&home->streams);
}

static void on_ended(void *arg)
{
    live_end_stream(arg);
}

static void on_end_retry(void *arg)
{
    struct live *l = arg;
    l->timer_leave = 0;
    live_end_stream(l);
}

/* Not from inside close(): posted, or by a timer where the queue is full. */
void live_end_soon(struct live *l)
{
    if (l->ending)
        return;
    l->ending = true;
    if (live_host_of(l)->post(live_host_of(l), l->handle, on_ended, l) != VOICEGW_OK)
        live_timer_begin(l, &l->timer_leave, 1000, on_end_retry);
}

/* ---- the operations ---- */

static int32_t push(void *stream, const struct voicegw_frame *frame)
{
    struct live *l = stream;
    if (frame->encoding != l->encoding || frame->rate != l->rate || frame->bytes > FRAME_BYTES_MAX)
        return live_host_of(l)->set_error(live_host_of(l), VOICEGW_EINVALID,
                                          "the frame is not of the format that was agreed");
    size_t bytes = frame->bytes / l->width * l->width;
    if (frame->timestamp > l->position) { /* audio that we were not given */
        l->mark_sent = l->sent + l->held_used / l->width;
        l->mark_position = frame->timestamp;
        l->position = frame->timestamp;
    }
    l->position += bytes / l->width;
    if (l->state == BROKEN || l->closing)
        return VOICEGW_OK;
    if (bytes > l->held_size - l->held_used) {
        live_host_of(l)->count(live_host_of(l), "audio_dropped", 1);
        return VOICEGW_OK;
    }
    memcpy(l->held + l->held_used, frame->data, bytes);
    l->held_used += bytes;
    live_send_held(l, false);
    return VOICEGW_OK;
}

static int32_t speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct live *l = stream;
    if (started && utterance > l->utterance && l->late && !l->waiting_count) {
        l->late = 0; /* an answer that has not come by now never will: what comes from here on is new */
        live_said_clear(&l->said);
    }
    if (started)
        l->utterance = utterance;
    return VOICEGW_OK;
}

static int32_t finalize(void *stream, uint64_t utterance)
{
    struct live *l = stream;
    bool nothing = l->sent_fresh == 0 && l->held_used == 0 && !l->waiting_count;
    l->utterance = utterance > l->utterance ? utterance : l->utterance;
    if (l->waiting_count == WAITING_MAX)
        live_settle_oldest(l);
    l->waiting[l->waiting_count++] = utterance;
    if (l->state == BROKEN || l->state == LEAVING || nothing) {
        live_settle_oldest(l);
        return VOICEGW_OK;
    }
    if (l->waiting_count == 1) {
        l->news_since = false;
        live_expect_final(l);
    }
    if (l->state == OPEN)
        live_commit(l);
    return VOICEGW_OK;
}

static int32_t update(void *stream, const char *hints_json, const char *language)
{
    struct live *l = stream;
    const struct live_dialect *d = l->home->dialect;
    char message[8192];
    if (language && strcmp(language, l->language) != 0) {
        (void)snprintf(l->language, sizeof l->language, "%s", language);
        l->renew = true;
        live_renew_if_due(l);
    }
    if (!hints_json)
        return VOICEGW_OK;
    char *copy = voicegw_json_count(voicegw_json_of(hints_json)) ? strdup(hints_json) : NULL;
    free(l->hints);
    l->hints = copy;
    int64_t n = d->update && copy ? d->update(copy, message, sizeof message) : -1;
    if (n > 0 && l->state == OPEN)
        (void)live_send_text(l, message, (size_t)n);
    return VOICEGW_OK;
}

static void close_stream(void *stream)
{
    struct live *l = stream;
    l->closing = true;
    l->waiting_count = 0;
    live_timer_end(l, &l->timer_final);
    live_timer_end(l, &l->timer_retry);
    live_timer_end(l, &l->timer_keep);
    live_timer_end(l, &l->timer_leave);
    if (l->socket)
        live_leave(l);
    else
        live_end_soon(l);
}

static bool format_of(const struct live_dialect *d, const struct voicegw_stt_params *params, uint32_t *ret_format)
{
    for (uint32_t pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < params->format_count; i++) {
            const struct voicegw_audio_format *f = &params->formats[i];
            bool fits = pass == 0   ? f->encoding == VOICEGW_AUDIO_PCMU && d->g711 >= 1
                        : pass == 1 ? f->encoding == VOICEGW_AUDIO_PCMA && d->g711 >= 2
                                    : f->encoding == VOICEGW_AUDIO_L16;
            if (fits && f->rate == (pass < 2 ? 8000 : d->rate)) {
                *ret_format = i;
                return true;
            }
        }
    }
    return false;
}

static struct live *live_new(struct live_home *home, uint64_t handle, const struct voicegw_stt_params *params,
                             const struct voicegw_audio_format *format)
{
    struct live *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->home = home;
    l->handle = handle;
    l->encoding = format->encoding;
    l->rate = format->rate;
    l->width = format->encoding == VOICEGW_AUDIO_L16 ? 2 : 1;
    l->interim = params->interim != 0;
    l->held_size = (size_t)HELD_S * l->rate * l->width;
    l->held = malloc(l->held_size);
    (void)snprintf(l->language, sizeof l->language, "%s", params->language ? params->language : "");
    if (params->hints_json && voicegw_json_count(voicegw_json_of(params->hints_json)))
        l->hints = strdup(params->hints_json);
    live_said_clear(&l->said);
    if (l->held)
        return l;
    free(l->hints);
    free(l);
    return NULL;
}

static int32_t open_stream(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                           uint32_t *ret_format)
{
    struct live_home *home = instance;
    const struct voicegw_host *host = home->streams.host;
    uint32_t format;
    char why[256] = "";
    if (!format_of(home->dialect, params, &format))
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "none of the audio formats is one that this vendor takes");
    struct live *l = live_new(home, handle, params, &params->formats[format]);
    if (!l)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    int32_t rc = live_connect(l, why, sizeof why);
    if (rc != VOICEGW_OK) {
        free(l->hints);
        free(l->held);
        free(l);
        return host->set_error(host, rc, why);
    }
    vendor_stream_opened(&home->streams);
    *ret_stream = l;
    *ret_format = format;
    return VOICEGW_OK;
}

static const struct voicegw_stt listens = {.size = sizeof listens,
                                           .open = open_stream,
                                           .push = push,
                                           .speech = speech,
                                           .finalize = finalize,
                                           .update = update,
                                           .close = close_stream};
static const struct voicegw_stt takes_turns = {.size = sizeof takes_turns,
                                               .endpoints = 1,
                                               .open = open_stream,
                                               .push = push,
                                               .speech = speech,
                                               .finalize = finalize,
                                               .update = update,
                                               .close = close_stream};

const struct voicegw_stt *live_operations(const struct live_home *home)
{
    return home->own_turns ? &takes_turns : &listens;
}

int32_t live_start(void *instance)
{
    return VOICEGW_OK;
}

void live_drain(void *instance)
{
    vendor_streams_drain(&((struct live_home *)instance)->streams);
}

const void *live_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_STT) == 0 ? live_operations(instance) : NULL;
}

int32_t live_home_init(struct live_home *home, const struct voicegw_host *host, const struct voicegw_options *options,
                       const struct live_dialect *dialect)
{
    const char *turns = host->option_string(host, options, "turns");
    vendor_streams_init(&home->streams, host);
    home->dialect = dialect;
    home->out = host->get_extension(host, VOICEGW_HOST_STT);
    home->ws = host->get_extension(host, VOICEGW_HOST_WS);
    home->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    home->own_turns = turns && strcmp(turns, "engine") == 0;
    home->final_timeout_ms = (uint32_t)(host->option_int(host, options, "final_timeout", 2000000) / 1000);
    if (!home->out || !home->ws || !home->crypto)
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host lacks recognized speech, WebSockets or base64, which the plugin needs");
    return voicegw_vendor_read(host, options, &home->vendor);
}

#include "remote.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 4096                   /* bytes in which a WAV file's head has to end */
#define ANSWER_MAX (UINT64_C(16) << 20) /* bytes of one sentence's audio */

/* One sentence at the vendor. */
struct exchange {
    struct remote *home;
    struct speaker *speaker;
    uint64_t stream, request, timer;
    struct remote_request *what;
    uint32_t attempt;
    bool running; /* on_done() is to come */
    bool stopped; /* nobody wants it */
    bool stalled;
    bool heard; /* audio was handed on */
    bool text;  /* it is no audio that comes */
    int64_t last_us;
    uint64_t bytes;
    struct wav_format format;
    bool formatted;
    uint8_t head[HEAD_MAX];
    size_t head_bytes;
    uint8_t odd;
    bool has_odd;
};

static void try_now(struct exchange *x);

const char *remote_or(const char *asked, const char *own)
{
    return asked && asked[0] ? asked : own;
}

/* ---- the form of the audio ---- */

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static int format_chunk(const uint8_t *p, struct wav_format *f)
{
    uint32_t kind = le16(p), bits = le16(p + 14);
    f->rate = le32(p + 4);
    f->encoding = kind == 7 ? VOICEGW_AUDIO_PCMU : kind == 6 ? VOICEGW_AUDIO_PCMA : VOICEGW_AUDIO_L16;
    bool known = (kind == 1 && bits == 16) || ((kind == 6 || kind == 7) && bits == 8) || (kind == 0xfffe && bits == 16);
    return known && le16(p + 2) == 1 && f->rate >= 8000 && f->rate <= 48000 ? 1 : -1;
}

int wav_head(const uint8_t *data, size_t bytes, struct wav_format *ret_format)
{
    struct wav_format f = {0};
    size_t at = 12;
    if (bytes < 12)
        return memcmp(data, "RIFF", bytes < 4 ? bytes : 4) == 0 ? 0 : -1;
    if (memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0)
        return -1;
    while (at + 8 <= bytes) {
        uint32_t n = le32(data + at + 4);
        if (memcmp(data + at, "data", 4) == 0) {
            f.head_bytes = at + 8;
            *ret_format = f;
            return f.rate ? 1 : -1;
        }
        if (n > HEAD_MAX)
            return -1;
        if (memcmp(data + at, "fmt ", 4) == 0) {
            if (n < 16)
                return -1;
            if (at + 8 + n > bytes)
                return 0;
            if (format_chunk(data + at + 8, &f) < 0)
                return -1;
        }
        at += 8 + n + (n & 1u);
    }
    return 0;
}

static void feed_linear(struct exchange *x, const uint8_t *data, size_t bytes)
{
    int16_t pcm[2048];
    while (bytes > 0) {
        size_t n = 0;
        if (x->has_odd) {
            pcm[n++] = (int16_t)(x->odd | data[0] << 8);
            x->has_odd = false;
            data++;
            bytes--;
        }
        for (; n < sizeof pcm / sizeof *pcm && bytes >= 2; data += 2, bytes -= 2)
            pcm[n++] = (int16_t)le16(data);
        if (bytes == 1) {
            x->odd = *data;
            x->has_odd = true;
            bytes = 0;
        }
        if (n && speaker_take(x->speaker, VOICEGW_AUDIO_L16, x->format.rate, pcm, n * sizeof *pcm) != 0)
            return;
    }
}

static void feed(struct exchange *x, const uint8_t *data, size_t bytes)
{
    if (!bytes || x->stopped)
        return;
    x->heard = true;
    if (x->format.encoding == VOICEGW_AUDIO_L16)
        feed_linear(x, data, bytes);
    else
        (void)speaker_take(x->speaker, x->format.encoding, x->format.rate, data, bytes);
}

/* Compressed audio that was not asked for, and refusals with a wrong code. */
static bool foreign(const uint8_t *data, size_t bytes)
{
    static const char *const begins[] = {"ID3", "OggS", "fLaC", "\x1a\x45\xdf\xa3", "{\"", "<htm", "<!DO", "<?xm"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (bytes >= strlen(begins[i]) && memcmp(data, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* A server that ignores the wish for raw audio answers with a WAV file: its head says so. */
static void feed_first(struct exchange *x, const uint8_t *data, size_t bytes)
{
    size_t room = HEAD_MAX - x->head_bytes, n = bytes < room ? bytes : room;
    memcpy(x->head + x->head_bytes, data, n);
    x->head_bytes += n;
    int rc = wav_head(x->head, x->head_bytes, &x->format);
    if (rc == 0 && x->head_bytes < HEAD_MAX)
        return;
    x->formatted = true;
    if (rc == 1) {
        feed(x, x->head + x->format.head_bytes, x->head_bytes - x->format.head_bytes);
    } else if (x->what->wav || rc == 0 || foreign(x->head, x->head_bytes)) {
        x->text = true;
        return;
    } else {
        x->format = (struct wav_format){x->what->encoding, x->what->rate, 0};
        feed(x, x->head, x->head_bytes);
    }
    feed(x, data + n, bytes - n);
}

/* ---- the request ---- */

static void finish(struct exchange *x, int32_t status, const char *why)
{
    struct speaker *speaker = x->speaker;
    const struct voicegw_host *host = x->home->home.host;
    char text[400];
    (void)snprintf(text, sizeof text, "%s", why ? why : "");
    if (x->timer)
        (void)host->timer_cancel(host, x->timer);
    explicit_bzero(&x->what->headers, sizeof x->what->headers);
    free(x->what);
    free(x);
    speaker_ended(speaker, status, text);
}

static void on_stall_check(void *arg)
{
    struct exchange *x = arg;
    const struct voicegw_host *host = x->home->home.host;
    int64_t left = x->last_us + (int64_t)x->home->stall_ms * 1000 - host->now_us(host);
    x->timer = 0;
    if (left > 0) {
        x->timer = host->timer_start(host, x->stream, left, on_stall_check, x);
        return;
    }
    x->stalled = true;
    x->home->http->cancel(host, x->request);
}

static void on_try_again(void *arg)
{
    struct exchange *x = arg;
    x->timer = 0;
    if (x->stopped)
        finish(x, VOICEGW_EBUSY, "the speech was cancelled");
    else
        try_now(x);
}

static void on_body(void *arg, const void *data, uint64_t bytes)
{
    struct exchange *x = arg;
    const struct voicegw_host *host = x->home->home.host;
    x->last_us = host->now_us(host);
    if (x->stopped || x->text)
        return;
    x->bytes += bytes;
    if (x->formatted)
        feed(x, data, (size_t)bytes);
    else
        feed_first(x, data, (size_t)bytes);
}

static int32_t outcome(struct exchange *x, int32_t status, const char *sentence,
                       const struct voicegw_http_response *response, char *why, size_t cap)
{
    const char *vendor = x->home->dialect->vendor;
    char after[64];
    if (x->stalled) {
        (void)snprintf(why, cap, "%s sent no audio for %u ms", vendor, x->home->stall_ms);
        return VOICEGW_ETIMEOUT;
    }
    if (status != VOICEGW_OK) {
        (void)snprintf(why, cap, "%s cannot be reached: %s", vendor, sentence ? sentence : "no reason is known");
        return status;
    }
    if (response->http_status < 200 || response->http_status > 299) {
        int64_t n =
            voicegw_json_get_string(voicegw_json_of(response->headers_json), "retry-after", after, sizeof after);
        return vendor_refusal(vendor, response->http_status, response->body, response->body_bytes, n > 0 ? after : NULL,
                              why, cap);
    }
    if (x->text || !x->heard) {
        (void)snprintf(why, cap,
                       x->text ? "%s answered with something that is no audio which can be heard"
                               : "%s answered without any audio",
                       vendor);
        return VOICEGW_EPROVIDER;
    }
    return VOICEGW_OK;
}

static void on_done(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *response)
{
    struct exchange *x = arg;
    const struct voicegw_host *host = x->home->home.host;
    char why[400] = "", after[64] = "";
    x->running = false;
    if (x->timer)
        (void)host->timer_cancel(host, x->timer);
    x->timer = 0;
    if (x->stopped) {
        finish(x, VOICEGW_EBUSY, "the speech was cancelled");
        return;
    }
    int32_t rc = outcome(x, status, sentence, response, why, sizeof why);
    (void)voicegw_json_get_string(voicegw_json_of(response->headers_json), "retry-after", after, sizeof after);
    struct voicegw_retry_input in = {.attempt = x->attempt,
                                     .status = x->stalled ? VOICEGW_ETIMEOUT : status,
                                     .http_status = response->http_status,
                                     .repeatable = 1,
                                     .retry_after = after[0] ? after : NULL,
                                     .wall_us = host->wall_us(host)};
    int64_t wait =
        rc == VOICEGW_OK || x->heard || x->stalled || x->text ? -1 : vendor_retry_ms(&x->home->vendor.retry, &in);
    if (wait >= 0)
        x->timer = host->timer_start(host, x->stream, wait * 1000, on_try_again, x);
    if (wait < 0 || !x->timer)
        finish(x, rc, why);
}

static int32_t send_request(struct exchange *x)
{
    const struct remote *r = x->home;
    const struct voicegw_host *host = r->home.host;
    struct voicegw_http_request request = {.size = sizeof request,
                                           .flags = VOICEGW_HTTP_TRUSTED_URL | VOICEGW_HTTP_STREAM,
                                           .method = "POST",
                                           .url = x->what->url_text,
                                           .headers = x->what->headers.list,
                                           .body = x->what->body_text,
                                           .body_bytes = x->what->body.len,
                                           .timeout_ms = r->vendor.timeout_ms,
                                           .connect_timeout_ms = r->vendor.connect_timeout_ms,
                                           .max_body_bytes = ANSWER_MAX,
                                           .on_done = on_done,
                                           .on_body = on_body,
                                           .arg = x};
    x->attempt++;
    x->last_us = host->now_us(host);
    int32_t rc = r->http->request(host, x->stream, &request, &x->request);
    if (rc != VOICEGW_OK)
        return rc;
    x->running = true;
    x->timer = host->timer_start(host, x->stream, (int64_t)r->stall_ms * 1000, on_stall_check, x);
    return VOICEGW_OK;
}

static void try_now(struct exchange *x)
{
    int32_t rc = send_request(x);
    if (rc != VOICEGW_OK)
        finish(x, rc, "a request to the vendor cannot be made; see the limits of outgoing requests");
}

static int32_t write_request(struct exchange *x, const struct speaker_request *sentence, char *why, size_t cap)
{
    const struct remote *r = x->home;
    struct remote_request *q = x->what;
    q->url = voicegw_vendor_url(&r->vendor, q->url_text, sizeof q->url_text);
    q->body = voicegw_json_writer_of(q->body_text, sizeof q->body_text);
    speaker_format(x->speaker, &q->encoding, &q->rate);
    if (strlen(sentence->text) > r->dialect->text_max) {
        (void)snprintf(why, cap, "%s takes sentences of at most %zu bytes", r->dialect->vendor, r->dialect->text_max);
        return VOICEGW_EINVALID;
    }
    int32_t rc = r->dialect->write(r, sentence, q, why, cap);
    if (rc == VOICEGW_OK)
        rc = vendor_headers_finish(&q->headers, &r->vendor);
    if (rc == VOICEGW_OK && (voicegw_text_finish(&q->url) < 0 || voicegw_json_finish(&q->body) < 0))
        rc = VOICEGW_ELIMIT;
    if (rc != VOICEGW_OK && !why[0])
        (void)snprintf(why, cap, "a request to %s cannot be made of this base_url, api_key, headers and extra",
                       r->dialect->vendor);
    return rc;
}

static int32_t remote_begin(void *engine, uint64_t stream, const struct speaker_request *sentence, struct speaker *s,
                            void **ret_work, char *why, size_t cap)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x || !(x->what = calloc(1, sizeof *x->what))) {
        free(x);
        (void)snprintf(why, cap, "out of memory");
        return VOICEGW_ELIMIT;
    }
    x->home = engine;
    x->speaker = s;
    x->stream = stream;
    int32_t rc = write_request(x, sentence, why, cap);
    if (rc == VOICEGW_OK && (rc = send_request(x)) != VOICEGW_OK)
        (void)snprintf(why, cap, "a request to %s cannot be made", x->home->dialect->vendor);
    if (rc != VOICEGW_OK) {
        explicit_bzero(&x->what->headers, sizeof x->what->headers);
        free(x->what);
        free(x);
        return rc;
    }
    *ret_work = x;
    return VOICEGW_OK;
}

static void remote_stop(void *work)
{
    struct exchange *x = work;
    x->stopped = true;
    if (x->running)
        x->home->http->cancel(x->home->home.host, x->request);
}

/* ---- an instance ---- */

int32_t remote_init(struct remote *r, const struct voicegw_host *host, const struct voicegw_options *options,
                    const struct remote_dialect *dialect)
{
    r->dialect = dialect;
    r->engine =
        (struct speaker_engine){.begin = remote_begin, .stop = remote_stop, .key = dialect->key, .g711 = dialect->g711};
    r->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    r->stall_ms = (uint32_t)(host->option_int(host, options, "stall_timeout", 3000000) / 1000);
    int32_t rc = speaker_home_init(&r->home, host, &r->engine, r);
    if (rc == VOICEGW_OK && !r->http)
        rc = host->set_error(host, VOICEGW_EUNSUPPORTED, "this host has no HTTP client, which the plugin needs");
    if (rc == VOICEGW_OK)
        rc = voicegw_vendor_read(host, options, &r->vendor);
    return rc == VOICEGW_OK ? sound_cache_init(&r->home.cache, host, options) : rc;
}

int32_t remote_start(void *instance)
{
    return VOICEGW_OK;
}

void remote_drain(void *instance)
{
    speaker_home_drain(&((struct remote *)instance)->home);
}

static int32_t open_stream(void *instance, uint64_t stream, const struct voicegw_tts_params *params, void **ret_stream,
                           uint32_t *ret_format)
{
    return speaker_open(&((struct remote *)instance)->home, stream, params, ret_stream, ret_format);
}

static int32_t cache_key(void *instance, const struct voicegw_tts_params *params, const char *text, char *out,
                         uint32_t cap)
{
    return speaker_cache_key(&((struct remote *)instance)->home, params, text, out, cap);
}

const struct voicegw_tts remote_operations = {.size = sizeof remote_operations,
                                              .open = open_stream,
                                              .speak = speaker_speak,
                                              .flush = speaker_flush,
                                              .cancel = speaker_cancel,
                                              .credit = speaker_credit,
                                              .close = speaker_close,
                                              .cache_key = cache_key};

const void *remote_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_TTS) == 0 ? &remote_operations : NULL;
}

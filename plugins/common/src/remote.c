#include "remote.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "exchange.h"

#define ANSWER_MAX (UINT64_C(16) << 20) /* bytes of one sentence's audio */

/* One sentence at the vendor. */
struct sentence {
    struct remote *home;
    struct speaker *speaker;
    uint64_t stream;
    struct exchange *exchange;
    bool stopping;                /* on_gone() may come from inside */
    bool heard;                   /* audio was handed on */
    bool text;                    /* it is no audio that comes */
    uint32_t encoding, rate, wav; /* what was asked for */
    struct wav_format format;
    bool formatted;
    uint8_t head[WAV_HEAD_MAX];
    size_t head_bytes;
    uint8_t odd;
    bool has_odd;
    uint32_t characters;
    int32_t status;
    char why[400];
};

const char *remote_or(const char *asked, const char *own)
{
    return asked && asked[0] ? asked : own;
}

/* ---- the form of the audio ---- */

static void feed_linear(struct sentence *x, const uint8_t *data, size_t bytes)
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
            pcm[n++] = (int16_t)(data[0] | data[1] << 8);
        if (bytes == 1) {
            x->odd = *data;
            x->has_odd = true;
            bytes = 0;
        }
        if (n && speaker_take(x->speaker, VOICEGW_AUDIO_L16, x->format.rate, pcm, n * sizeof *pcm) != 0)
            return;
    }
}

static void feed(struct sentence *x, const uint8_t *data, size_t bytes)
{
    if (!bytes)
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
static void feed_first(struct sentence *x, const uint8_t *data, size_t bytes)
{
    size_t room = WAV_HEAD_MAX - x->head_bytes, n = bytes < room ? bytes : room;
    memcpy(x->head + x->head_bytes, data, n);
    x->head_bytes += n;
    int rc = wav_head(x->head, x->head_bytes, &x->format);
    if (rc == 0 && x->head_bytes < WAV_HEAD_MAX)
        return;
    x->formatted = true;
    if (rc == 1) {
        feed(x, x->head + x->format.head_bytes, x->head_bytes - x->format.head_bytes);
    } else if (x->wav || rc == 0 || foreign(x->head, x->head_bytes)) {
        x->text = true;
        return;
    } else {
        x->format = (struct wav_format){x->encoding, x->rate, 0};
        feed(x, x->head, x->head_bytes);
    }
    feed(x, data + n, bytes - n);
}

/* ---- the request ---- */

static uint32_t on_data(void *arg, const void *data, uint64_t bytes)
{
    struct sentence *x = arg;
    if (x->text || x->stopping)
        return 0;
    if (x->formatted)
        feed(x, data, (size_t)bytes);
    else
        feed_first(x, data, (size_t)bytes);
    return 1;
}

/* Vendors charge by the character. */
static void account(const struct sentence *x)
{
    char json[48];
    const struct speaker_home *home = &x->home->home;
    (void)snprintf(json, sizeof json, "{\"characters\":%u}", x->characters);
    (void)home->out->on_usage(home->host, x->stream, json);
}

static void on_end(void *arg, const struct exchange_end *end)
{
    struct sentence *x = arg;
    const char *vendor = x->home->dialect->vendor;
    x->status = end->status;
    if (end->http_status && (end->http_status < 200 || end->http_status > 299))
        x->status = vendor_refusal(vendor, end->http_status, end->body, end->body_bytes, x->why, sizeof x->why);
    else if (end->status != VOICEGW_OK)
        (void)snprintf(x->why, sizeof x->why, "%s", end->sentence);
    else if (x->text || !x->heard)
        (void)snprintf(x->why, sizeof x->why, "%s answered %s", vendor,
                       x->text ? "with something that is no audio which can be heard" : "without any audio");
    if (x->status == VOICEGW_OK && (x->text || !x->heard))
        x->status = VOICEGW_EPROVIDER;
    if (x->status == VOICEGW_OK)
        account(x);
}

static void end_sentence(void *arg)
{
    struct sentence *x = arg;
    speaker_ended(x->speaker, x->status, x->why);
    free(x);
}

static void on_gone(void *arg)
{
    struct sentence *x = arg;
    const struct voicegw_host *host = x->home->home.host;
    if (!x->stopping)
        end_sentence(x);
    else if (host->post(host, x->stream, end_sentence, x) != VOICEGW_OK)
        (void)host->timer_start(host, x->stream, 1000, end_sentence, x);
}

static int32_t send_request(struct sentence *x, const struct remote_request *q)
{
    const struct remote *r = x->home;
    struct exchange_request request = {.who = r->dialect->vendor,
                                       .url = q->url_text,
                                       .headers = q->headers.list,
                                       .body = q->body_text,
                                       .body_bytes = q->body.len,
                                       .connect_timeout_ms = r->vendor.connect_timeout_ms,
                                       .timeout_ms = r->vendor.timeout_ms,
                                       .first_byte_timeout_ms = r->stall_ms,
                                       .stall_timeout_ms = r->stall_ms,
                                       .max_bytes = ANSWER_MAX,
                                       .retry = r->vendor.retry,
                                       .repeatable = 1,
                                       .on_data = on_data,
                                       .on_end = on_end,
                                       .on_gone = on_gone,
                                       .arg = x};
    return exchange_start(r->home.host, r->http, x->stream, &request, &x->exchange);
}

static int32_t write_request(struct sentence *x, const struct speaker_request *sentence, struct remote_request *q,
                             char *why, size_t cap)
{
    const struct remote *r = x->home;
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
    x->encoding = q->encoding;
    x->rate = q->rate;
    x->wav = q->wav;
    return rc;
}

static int32_t remote_begin(void *engine, uint64_t stream, const struct speaker_request *sentence, struct speaker *s,
                            void **ret_work, char *why, size_t cap)
{
    struct remote_request *q = calloc(1, sizeof *q);
    struct sentence *x = q ? calloc(1, sizeof *x) : NULL;
    int32_t rc = VOICEGW_ELIMIT;
    if (!x) {
        (void)snprintf(why, cap, "out of memory");
        goto out;
    }
    x->home = engine;
    x->speaker = s;
    x->stream = stream;
    for (const char *c = sentence->text; *c; c++)
        x->characters += ((unsigned char)*c & 0xc0u) != 0x80u;
    rc = write_request(x, sentence, q, why, cap);
    if (rc == VOICEGW_OK)
        rc = send_request(x, q);
    if (rc == VOICEGW_OK)
        *ret_work = x;
    else if (!why[0])
        (void)snprintf(why, cap, "no request can be made to %s with this base_url, api_key, headers and extra",
                       x->home->dialect->vendor);
out:
    if (rc != VOICEGW_OK)
        free(x);
    if (q)
        explicit_bzero(&q->headers, sizeof q->headers);
    free(q);
    return rc;
}

static void remote_stop(void *work)
{
    struct sentence *x = work;
    x->stopping = true;
    x->status = VOICEGW_EBUSY;
    exchange_cancel(x->exchange);
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

/* request.c - a turn as it is POSTed, signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "http.h"

#define BODY_MAX (2u << 20)

static const char *event_of(uint32_t flags)
{
    return flags & VOICEGW_TURN_START      ? "start"
           : flags & VOICEGW_TURN_NO_INPUT ? "no_input"
           : flags & VOICEGW_TURN_NO_MATCH ? "no_match"
           : flags & VOICEGW_TURN_DTMF     ? "dtmf"
                                           : "speech";
}

static void write_turn(const struct http_session *s, const struct voicegw_turn *t, const char *when,
                       struct voicegw_json_writer *w)
{
    voicegw_json_put_object(w, NULL);
    voicegw_json_put_string(w, "type", "assistant.turn");
    voicegw_json_put_string(w, "timestamp", when);
    voicegw_json_put_object(w, "data");
    voicegw_json_put_json(w, "session", voicegw_json_of(s->session_json));
    if (s->agent_json)
        voicegw_json_put_json(w, "agent", voicegw_json_of(s->agent_json));
    voicegw_json_put_int(w, "turn", (int64_t)t->turn);
    voicegw_json_put_string(w, "event", event_of(t->flags));
    voicegw_json_put_bool(w, "resumed", s->resumed);
    voicegw_json_put_string(w, "text", t->text ? t->text : "");
    if (t->confidence >= 0)
        voicegw_json_put_double(w, "confidence", t->confidence);
    else
        voicegw_json_put_null(w, "confidence");
    voicegw_json_put_string(w, "language", t->language);
    if (s->cut_turn) {
        voicegw_json_put_object(w, "interrupted");
        voicegw_json_put_int(w, "turn", (int64_t)s->cut_turn);
        voicegw_json_put_string(w, "heard_text", s->cut_text ? s->cut_text : "");
        voicegw_json_put_int(w, "heard_ms", s->cut_ms);
        voicegw_json_put_end(w);
    }
    if (s->h->history_turns) {
        voicegw_json_put_array(w, "history");
        chat_history_write(&s->history, w);
        voicegw_json_put_end(w);
    }
    voicegw_json_put_end(w);
    voicegw_json_put_end(w);
}

static char *body_of(const struct http_session *s, const struct voicegw_turn *t, int64_t seconds, uint64_t *ret_bytes)
{
    char when[32] = "";
    time_t at = (time_t)seconds;
    struct tm tm;
    if (gmtime_r(&at, &tm))
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    for (uint64_t cap = 8192; cap <= BODY_MAX; cap *= 2) {
        char *out = malloc(cap);
        if (!out)
            return NULL;
        struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
        write_turn(s, t, when, &w);
        int64_t n = voicegw_json_finish(&w);
        if (n >= 0) {
            *ret_bytes = (uint64_t)n;
            return out;
        }
        free(out);
    }
    return NULL;
}

void http_sign(const struct http_instance *h, const char *id, int64_t seconds, const char *body, uint64_t bytes,
               char *out, uint64_t cap)
{
    uint8_t mac[32];
    char head[96];
    int n = snprintf(head, sizeof head, "%s.%lld.", id, (long long)seconds);
    char *all = malloc((size_t)n + bytes);
    out[0] = '\0';
    if (!all)
        return;
    memcpy(all, head, (size_t)n);
    memcpy(all + n, body, bytes);
    (void)snprintf(out, cap, "v1,");
    if (h->crypto->hmac(h->host, VOICEGW_DIGEST_SHA256, h->key, h->key_bytes, all, (uint64_t)n + bytes, mac) != 32 ||
        h->crypto->base64_encode(h->host, mac, sizeof mac, out + 3, cap - 3) < 0)
        out[0] = '\0';
    free(all);
}

static void new_id(const struct http_instance *h, char out[32])
{
    uint8_t bits[12];
    h->crypto->random(h->host, bits, sizeof bits);
    (void)snprintf(out, 32, "msg_");
    for (size_t i = 0; i < sizeof bits; i++)
        (void)snprintf(out + 4 + 2 * i, 3, "%02x", bits[i]);
}

int32_t http_ask(struct http_session *s, const struct voicegw_turn *turn, const struct exchange_request *with)
{
    const struct http_instance *h = s->h;
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 12];
    char id[32], signature[96], lines[3][160];
    uint32_t count = h->header_count;
    int64_t seconds = h->host->wall_us(h->host) / 1000000;
    struct exchange_request r = *with;
    char *body = body_of(s, turn, seconds, &r.body_bytes);
    if (!body)
        return h->host->set_error(h->host, VOICEGW_ELIMIT, "the turn is too long to be sent");
    new_id(h, id);
    memcpy(headers, h->headers, count * sizeof *headers);
    (void)snprintf(lines[0], sizeof lines[0], "webhook-id: %s", id);
    (void)snprintf(lines[1], sizeof lines[1], "webhook-timestamp: %lld", (long long)seconds);
    headers[count++] = lines[0];
    headers[count++] = lines[1];
    if (h->key_bytes) {
        http_sign(h, id, seconds, body, r.body_bytes, signature, sizeof signature);
        (void)snprintf(lines[2], sizeof lines[2], "webhook-signature: %s", signature);
        headers[count++] = lines[2];
    }
    headers[count] = NULL;
    r.who = "the service";
    r.url = h->url;
    r.headers = headers;
    r.body = body;
    int32_t status = exchange_start(h->host, h->http, s->handle, &r, &s->exchange);
    free(body);
    return status;
}

#include "wire.h"
#include <stdio.h>
#include <string.h>
#include "application.h"
#include "stream_wire.h"

static size_t written(struct voicegw_json_writer *w)
{
    int64_t n = voicegw_json_finish(w);
    return n > 0 ? (size_t)n : 0;
}

/* Numbers are texts in these frames. */
static void put_number(struct voicegw_json_writer *w, const char *name, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    voicegw_json_put_string(w, name, text);
}

size_t wire_connected(char *out, size_t cap)
{
    int n = snprintf(out, cap, "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}");
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t wire_start(const struct wire_start *s, uint64_t sequence, char *out, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "event", "start");
    put_number(&w, "sequenceNumber", sequence);
    voicegw_json_put_object(&w, "start");
    voicegw_json_put_string(&w, "accountSid", s->account_sid);
    voicegw_json_put_string(&w, "streamSid", s->stream_sid);
    voicegw_json_put_string(&w, "callSid", s->call_sid);
    voicegw_json_put_array(&w, "tracks");
    voicegw_json_put_string(&w, NULL, "inbound");
    voicegw_json_put_end(&w);
    voicegw_json_put_object(&w, "mediaFormat");
    voicegw_json_put_string(&w, "encoding", "audio/x-mulaw");
    voicegw_json_put_int(&w, "sampleRate", 8000);
    voicegw_json_put_int(&w, "channels", 1);
    voicegw_json_put_end(&w);
    application_put_parameters(&w, "customParameters", s->parameters, s->session);
    voicegw_json_put_end(&w);
    voicegw_json_put_string(&w, "streamSid", s->stream_sid);
    voicegw_json_put_end(&w);
    return written(&w);
}

size_t wire_media(const char *sid, uint64_t sequence, uint64_t chunk, uint64_t position, const uint8_t *audio,
                  size_t bytes, char *out, size_t cap)
{
    int n =
        snprintf(out, cap,
                 "{\"event\":\"media\",\"sequenceNumber\":\"%llu\",\"media\":{\"track\":\"inbound\",\"chunk\":\"%llu\","
                 "\"timestamp\":\"%llu\",\"payload\":\"",
                 (unsigned long long)sequence, (unsigned long long)chunk, (unsigned long long)(position / 8));
    if (n <= 0 || (size_t)n + (bytes + 2) / 3 * 4 + strlen(sid) + 24 >= cap)
        return 0;
    size_t at = (size_t)n + base64_encode(audio, bytes, out + n);
    n = snprintf(out + at, cap - at, "\"},\"streamSid\":\"%s\"}", sid);
    return at + (size_t)n;
}

size_t wire_dtmf(const char *sid, uint64_t sequence, const char *digit, char *out, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "event", "dtmf");
    voicegw_json_put_string(&w, "streamSid", sid);
    put_number(&w, "sequenceNumber", sequence);
    voicegw_json_put_object(&w, "dtmf");
    voicegw_json_put_string(&w, "track", "inbound_track");
    voicegw_json_put_string(&w, "digit", digit);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return written(&w);
}

size_t wire_mark(const char *sid, uint64_t sequence, const char *name, size_t bytes, char *out, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "event", "mark");
    put_number(&w, "sequenceNumber", sequence);
    voicegw_json_put_string(&w, "streamSid", sid);
    voicegw_json_put_object(&w, "mark");
    voicegw_json_put_json(&w, "name", voicegw_json_ofn(name, bytes));
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return written(&w);
}

size_t wire_stop(const struct wire_start *s, uint64_t sequence, char *out, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "event", "stop");
    put_number(&w, "sequenceNumber", sequence);
    voicegw_json_put_object(&w, "stop");
    voicegw_json_put_string(&w, "accountSid", s->account_sid);
    voicegw_json_put_string(&w, "callSid", s->call_sid);
    voicegw_json_put_end(&w);
    voicegw_json_put_string(&w, "streamSid", s->stream_sid);
    voicegw_json_put_end(&w);
    return written(&w);
}

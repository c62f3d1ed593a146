/* wire.c - events to the model. */
#include "wire.h"
#include <stdlib.h>
#include <string.h>
#include "voicegw/rest.h"

#define EVENT_MAX (1u << 20)

struct event {
    char *out;
    uint64_t cap;
    struct voicegw_json_writer w;
};

/* Begins with twice the room of the last time; 0: it will never fit. */
static uint32_t begin(struct event *e, const struct rt_dialect *d, enum rt_event type)
{
    free(e->out);
    e->cap = e->cap ? e->cap * 2 : 4096;
    e->out = e->cap <= EVENT_MAX ? malloc(e->cap) : NULL;
    if (!e->out)
        return 0;
    e->w = voicegw_json_writer_of(e->out, e->cap);
    voicegw_json_put_object(&e->w, NULL);
    voicegw_json_put_string(&e->w, "type", d->names[type]);
    return 1;
}

static uint32_t done(struct event *e)
{
    voicegw_json_put_end(&e->w);
    return voicegw_json_finish(&e->w) >= 0;
}

/* ---- the session's settings ---- */

static void write_tools(struct voicegw_json_writer *w, const struct tool_offer *offer)
{
    voicegw_json_put_array(w, "tools");
    for (uint32_t i = 0; i < offer->count; i++) {
        const struct tool_entry *t = &offer->tools[i];
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "type", "function");
        voicegw_json_put_string(w, "name", t->name);
        voicegw_json_put_string(w, "description", t->description);
        voicegw_json_put_json(w, "parameters", tool_parameters(t));
        voicegw_json_put_end(w);
    }
    voicegw_json_put_end(w);
    voicegw_json_put_string(w, "tool_choice", "auto");
}

static void write_detection(struct voicegw_json_writer *w, const struct rt_setup *s)
{
    if (!s->detection[0]) {
        voicegw_json_put_null(w, "turn_detection");
        return;
    }
    voicegw_json_put_object(w, "turn_detection");
    voicegw_json_put_string(w, "type", s->detection);
    if (strcmp(s->detection, "semantic_vad") == 0) {
        voicegw_json_put_string(w, "eagerness", s->eagerness);
    } else {
        voicegw_json_put_double(w, "threshold", s->threshold);
        voicegw_json_put_int(w, "prefix_padding_ms", s->prefix_ms);
        voicegw_json_put_int(w, "silence_duration_ms", s->silence_ms);
        if (s->idle_ms)
            voicegw_json_put_int(w, "idle_timeout_ms", s->idle_ms);
    }
    voicegw_json_put_bool(w, "create_response", 1);
    voicegw_json_put_bool(w, "interrupt_response", 1);
    voicegw_json_put_end(w);
}

static void write_transcription(struct voicegw_json_writer *w, const char *name, const struct rt_setup *s)
{
    if (!s->transcription[0])
        return;
    voicegw_json_put_object(w, name);
    voicegw_json_put_string(w, "model", s->transcription);
    if (s->language[0])
        voicegw_json_put_stringn(w, "language", s->language, strcspn(s->language, "-_"));
    voicegw_json_put_end(w);
}

static void write_format(struct voicegw_json_writer *w, const struct rt_setup *s)
{
    char type[32] = "audio/";
    strncat(type, s->encoding, sizeof type - 7);
    voicegw_json_put_object(w, "format");
    voicegw_json_put_string(w, "type", type);
    if (strcmp(s->encoding, "pcm") == 0)
        voicegw_json_put_int(w, "rate", 24000);
    voicegw_json_put_end(w);
}

static void write_instructions(struct voicegw_json_writer *w, const struct rt_setup *s)
{
    size_t n = strlen(s->instructions), m = strlen(s->more);
    char *text = malloc(n + m + 2);
    if (!text) {
        w->failed = 1;
        return;
    }
    memcpy(text, s->instructions, n);
    text[n] = '\n';
    memcpy(text + n + 1, s->more, m + 1);
    if (n || m)
        voicegw_json_put_string(w, "instructions", text);
    free(text);
}

static void write_ga(struct voicegw_json_writer *w, const struct rt_setup *s)
{
    voicegw_json_put_string(w, "type", "realtime");
    voicegw_json_put_string(w, "model", s->model);
    voicegw_json_put_array(w, "output_modalities");
    voicegw_json_put_string(w, NULL, "audio");
    voicegw_json_put_end(w);
    voicegw_json_put_object(w, "audio");
    voicegw_json_put_object(w, "input");
    write_format(w, s);
    if (s->noise_reduction[0]) {
        voicegw_json_put_object(w, "noise_reduction");
        voicegw_json_put_string(w, "type", s->noise_reduction);
        voicegw_json_put_end(w);
    }
    write_transcription(w, "transcription", s);
    write_detection(w, s);
    voicegw_json_put_end(w);
    voicegw_json_put_object(w, "output");
    write_format(w, s);
    if (s->voice[0])
        voicegw_json_put_string(w, "voice", s->voice);
    if (s->speed > 0)
        voicegw_json_put_double(w, "speed", s->speed);
    voicegw_json_put_end(w);
    voicegw_json_put_end(w);
    if (s->max_tokens)
        voicegw_json_put_int(w, "max_output_tokens", s->max_tokens);
}

static void write_beta(struct voicegw_json_writer *w, const struct rt_setup *s)
{
    const char *format = strcmp(s->encoding, "pcmu") == 0   ? "g711_ulaw"
                         : strcmp(s->encoding, "pcma") == 0 ? "g711_alaw"
                                                            : "pcm16";
    voicegw_json_put_array(w, "modalities");
    voicegw_json_put_string(w, NULL, "audio");
    voicegw_json_put_string(w, NULL, "text");
    voicegw_json_put_end(w);
    voicegw_json_put_string(w, "input_audio_format", format);
    voicegw_json_put_string(w, "output_audio_format", format);
    write_transcription(w, "input_audio_transcription", s);
    write_detection(w, s);
    if (s->voice[0])
        voicegw_json_put_string(w, "voice", s->voice);
    if (s->max_tokens)
        voicegw_json_put_int(w, "max_response_output_tokens", s->max_tokens);
}

static void write_extra(struct voicegw_json_writer *w, struct voicegw_json extra)
{
    static const char *const ours[] = {"type", "model", "instructions", "audio", "tools", "tool_choice"};
    struct voicegw_json_iter it = voicegw_json_each(extra);
    while (it.object && voicegw_json_next(&it)) {
        char name[64];
        uint32_t taken = voicegw_json_string(it.key, name, sizeof name) < 0;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            taken |= strcmp(name, ours[i]) == 0;
        if (!taken)
            voicegw_json_put_json(w, name, it.value);
    }
}

char *rt_wire_setup(const struct rt_dialect *d, const struct rt_setup *s)
{
    struct event e = {0};
    while (begin(&e, d, RT_SESSION_UPDATE)) {
        voicegw_json_put_object(&e.w, "session");
        write_instructions(&e.w, s);
        if (d->beta)
            write_beta(&e.w, s);
        else
            write_ga(&e.w, s);
        write_tools(&e.w, s->offer);
        write_extra(&e.w, s->extra);
        voicegw_json_put_end(&e.w);
        if (done(&e))
            return e.out;
    }
    return NULL;
}

/* ---- the rest ---- */

char *rt_wire_plain(const struct rt_dialect *d, enum rt_event event)
{
    struct event e = {0};
    if (!begin(&e, d, event))
        return NULL;
    (void)done(&e);
    return e.out;
}

char *rt_wire_message(const struct rt_dialect *d, const char *role, const char *text)
{
    struct event e = {0};
    uint32_t spoken = strcmp(role, "assistant") == 0;
    while (begin(&e, d, RT_ITEM_CREATE)) {
        voicegw_json_put_object(&e.w, "item");
        voicegw_json_put_string(&e.w, "type", "message");
        voicegw_json_put_string(&e.w, "role", role);
        voicegw_json_put_array(&e.w, "content");
        voicegw_json_put_object(&e.w, NULL);
        voicegw_json_put_string(&e.w, "type", !spoken ? "input_text" : d->beta ? "text" : "output_text");
        voicegw_json_put_string(&e.w, "text", text);
        voicegw_json_put_end(&e.w);
        voicegw_json_put_end(&e.w);
        voicegw_json_put_end(&e.w);
        if (done(&e))
            return e.out;
    }
    return NULL;
}

char *rt_wire_result(const struct rt_dialect *d, const char *call_id, const char *output)
{
    struct event e = {0};
    while (begin(&e, d, RT_ITEM_CREATE)) {
        voicegw_json_put_object(&e.w, "item");
        voicegw_json_put_string(&e.w, "type", "function_call_output");
        voicegw_json_put_string(&e.w, "call_id", call_id);
        voicegw_json_put_string(&e.w, "output", output);
        voicegw_json_put_end(&e.w);
        if (done(&e))
            return e.out;
    }
    return NULL;
}

char *rt_wire_heard(const struct rt_dialect *d, const char *item, uint32_t heard_ms)
{
    struct event e = {0};
    if (!begin(&e, d, heard_ms ? RT_ITEM_TRUNCATE : RT_ITEM_DELETE))
        return NULL;
    voicegw_json_put_string(&e.w, "item_id", item);
    if (heard_ms) {
        voicegw_json_put_int(&e.w, "content_index", 0);
        voicegw_json_put_int(&e.w, "audio_end_ms", heard_ms);
    }
    (void)done(&e);
    return e.out;
}

char *rt_wire_respond(const struct rt_dialect *d, const char *instructions)
{
    struct event e = {0};
    while (begin(&e, d, RT_RESPOND)) {
        if (instructions) {
            voicegw_json_put_object(&e.w, "response");
            voicegw_json_put_string(&e.w, "instructions", instructions);
            voicegw_json_put_end(&e.w);
        }
        if (done(&e))
            return e.out;
    }
    return NULL;
}

int32_t rt_wire_url(const char *base_url, const char *path, const char *model, char *out, uint64_t cap)
{
    struct voicegw_text t = voicegw_text_of(out, cap);
    uint64_t n = strlen(base_url);
    while (n && base_url[n - 1] == '/')
        n--;
    if (strncmp(base_url, "http", 4) == 0) {
        voicegw_text_add(&t, "ws");
        base_url += 4;
        n -= n >= 4 ? 4 : n;
    }
    voicegw_text_addn(&t, base_url, n);
    voicegw_text_add(&t, path);
    if (*model) {
        voicegw_text_add(&t, strchr(path, '?') ? "&model=" : "?model=");
        voicegw_text_add_escaped(&t, model);
    }
    return voicegw_text_finish(&t) < 0 ? VOICEGW_ELIMIT : VOICEGW_OK;
}

#include "answer.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/json.h"

struct text {
    char *out;
    size_t used, cap;
};

static void append(struct text *t, const char *text, size_t n)
{
    size_t room = t->cap - t->used - 1;
    n = n < room ? n : room;
    if (n)
        memcpy(t->out + t->used, text, n);
    t->used += n;
    t->out[t->used] = '\0';
}

static void append_value(struct text *t, struct voicegw_json v)
{
    char text[1024];
    uint32_t type = voicegw_json_type(v);
    if (type == VOICEGW_JSON_STRING) {
        (void)voicegw_json_string(v, text, sizeof text);
        append(t, text, strlen(text));
    } else if (type == VOICEGW_JSON_NUMBER || type == VOICEGW_JSON_BOOL) {
        append(t, v.text, v.bytes);
    }
}

static void append_name(struct text *t, const char *name, size_t bytes, const struct choice *c, const struct match *m,
                        const char *result_json)
{
    char path[128];
    if (bytes >= 6 && memcmp(name, "result", 6) == 0 && (bytes == 6 || name[6] == '.')) {
        (void)snprintf(path, sizeof path, "%.*s", bytes > 7 ? (int)(bytes - 7) : 0, bytes > 7 ? name + 7 : "");
        append_value(t, voicegw_json_get(voicegw_json_of(result_json), path));
        return;
    }
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (strlen(c->slots[i].name) == bytes && memcmp(c->slots[i].name, name, bytes) == 0 && m->values[i])
            append(t, m->values[i], strlen(m->values[i]));
}

void answer_fill(const struct choice *c, const struct match *m, const char *result_json, char *out, size_t cap)
{
    struct text t = {out, 0, cap};
    const char *at = c->say ? c->say : "";
    out[0] = '\0';
    while (*at) {
        size_t n = strcspn(at, "{");
        append(&t, at, n);
        at += n;
        if (*at != '{')
            break;
        size_t len = strcspn(at, "}");
        append_name(&t, at + 1, len - 1, c, m, result_json);
        at += at[len] ? len + 1 : len;
    }
}

void answer_slots(const struct choice *c, const struct match *m, char *out, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (m->values[i])
            voicegw_json_put_string(&w, c->slots[i].name, m->values[i]);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        (void)snprintf(out, cap, "{}");
}

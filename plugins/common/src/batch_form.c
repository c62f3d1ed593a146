/* batch_form.c - the body of a request with a file, and small texts. Pure. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "batch.h"
#include "wav.h"

static char *more(struct batch_form *f, size_t bytes)
{
    if (f->failed)
        return NULL;
    if (bytes > f->room - f->bytes) {
        size_t room = f->bytes + bytes + 4096;
        char *grown = realloc(f->data, room);
        if (!grown) {
            f->failed = 1;
            return NULL;
        }
        f->data = grown;
        f->room = room;
    }
    char *at = f->data + f->bytes;
    f->bytes += bytes;
    return at;
}

static void add(struct batch_form *f, const char *text, size_t bytes)
{
    char *at = more(f, bytes);
    if (at)
        memcpy(at, text, bytes);
}

static void add_text(struct batch_form *f, const char *text)
{
    add(f, text, strlen(text));
}

static void begin_part(struct batch_form *f, const char *name)
{
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20u || *c == '"' || *c == '\\' || *c == 0x7f)
            f->failed = 1;
    add_text(f, "--" BATCH_BOUNDARY "\r\nContent-Disposition: form-data; name=\"");
    add_text(f, name);
    add_text(f, "\"");
}

void batch_field(struct batch_form *f, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    begin_part(f, name);
    add_text(f, "\r\n\r\n");
    add_text(f, value);
    add_text(f, "\r\n");
}

void batch_file(struct batch_form *f, const char *name, const int16_t *pcm, size_t samples, uint32_t rate)
{
    begin_part(f, name);
    add_text(f, "; filename=\"speech.wav\"\r\nContent-Type: audio/wav\r\n\r\n");
    char *at = more(f, WAV_HEAD_BYTES + 2 * samples);
    if (!at)
        return;
    wav_head_write((uint8_t *)at, rate, (uint32_t)samples);
    at += WAV_HEAD_BYTES;
    for (size_t i = 0; i < samples; i++) {
        *at++ = (char)(uint8_t)(pcm[i] & 0xff);
        *at++ = (char)(uint8_t)((uint16_t)pcm[i] >> 8);
    }
    add_text(f, "\r\n");
}

void batch_fields_of(struct batch_form *f, const char *object_json)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(object_json));
    char name[128], value[4096];
    while (voicegw_json_next(&it)) {
        int64_t n = voicegw_json_type(it.value) == VOICEGW_JSON_STRING
                        ? voicegw_json_string(it.value, value, sizeof value)
                        : voicegw_json_raw(it.value, value, sizeof value);
        if (n > 0 && voicegw_json_string(it.key, name, sizeof name) > 0)
            batch_field(f, name, value);
    }
}

void batch_form_end(struct batch_form *f)
{
    add_text(f, "--" BATCH_BOUNDARY "--\r\n");
}

/* ---- texts ---- */

void batch_language(const char *language, char *out, size_t cap)
{
    size_t n = 0;
    while (n < 8 && n + 1 < cap && isalpha((unsigned char)language[n])) {
        out[n] = (char)tolower((unsigned char)language[n]);
        n++;
    }
    out[n] = '\0';
}

void batch_phrases(const char *hints_json, char *out, size_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(hints_json));
    char phrase[256];
    size_t used = 0;
    out[0] = '\0';
    while (hints_json && voicegw_json_next(&it)) {
        int64_t n = voicegw_json_string(it.value, phrase, sizeof phrase);
        if (n <= 0)
            continue;
        if (used + (size_t)n + 3 > cap)
            return;
        used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? ", " : "", phrase);
    }
}

/* Nothing but "[…]" and "(…)". */
static int remarks_only(const char *text)
{
    while (*text) {
        char close = *text == '[' ? ']' : *text == '(' ? ')' : *text == '*' ? '*' : '\0';
        const char *end = close ? strchr(text + 1, close) : NULL;
        if (!end)
            return 0;
        for (text = end + 1; isspace((unsigned char)*text); text++)
            ;
    }
    return 1;
}

void batch_tidy(char *text)
{
    size_t from = 0, n = strlen(text);
    while (isspace((unsigned char)text[from]))
        from++;
    while (n > from && isspace((unsigned char)text[n - 1]))
        n--;
    memmove(text, text + from, n - from);
    text[n - from] = '\0';
    for (char *c = text; *c; c++)
        if (isspace((unsigned char)*c))
            *c = ' ';
    if (remarks_only(text))
        text[0] = '\0';
}

#include "form.h"
#include <stdlib.h>
#include <string.h>
#include "voicegw/json.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes [at, end) to out; NULL: a broken percent code. */
static char *decode(const char *at, const char *end, char *out)
{
    for (; at < end; at++) {
        if (*at == '+') {
            *out++ = ' ';
        } else if (*at != '%') {
            *out++ = *at;
        } else {
            int high = end - at > 2 ? hex(at[1]) : -1, low = end - at > 2 ? hex(at[2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            *out++ = (char)(high * 16 + low);
            at += 2;
        }
    }
    return out;
}

static size_t pairs_in(const char *text, size_t bytes)
{
    size_t n = 1;
    for (size_t i = 0; i < bytes; i++)
        n += text[i] == '&';
    return n;
}

static char *add_field(struct form *f, const char *at, const char *end, char *out)
{
    const char *equals = memchr(at, '=', (size_t)(end - at));
    struct form_field *field = &f->fields[f->count];
    field->name = out;
    out = decode(at, equals ? equals : end, out);
    if (!out)
        return NULL;
    field->name_bytes = (size_t)(out - field->name);
    *out++ = '\0';
    field->value = out;
    out = equals ? decode(equals + 1, end, out) : out;
    if (!out)
        return NULL;
    field->value_bytes = (size_t)(out - field->value);
    *out++ = '\0';
    f->count++;
    return out;
}

int32_t form_parse(const char *text, size_t bytes, struct form *ret, const char **ret_why)
{
    const char *end = text + bytes;
    size_t pairs = pairs_in(text, bytes);
    *ret = (struct form){0};
    if (pairs > FORM_FIELDS_MAX) {
        *ret_why = "a form has at most 512 fields";
        return VOICEGW_EINVALID;
    }
    ret->text = malloc(bytes + 2 * pairs);
    ret->fields = calloc(pairs, sizeof *ret->fields);
    if (!ret->text || !ret->fields) {
        *ret_why = "out of memory";
        return VOICEGW_ELIMIT;
    }
    char *out = ret->text;
    while (text < end) {
        const char *amp = memchr(text, '&', (size_t)(end - text));
        const char *stop = amp ? amp : end;
        if (stop > text && !(out = add_field(ret, text, stop, out))) {
            *ret_why = "a percent code in the form is broken: it must be %XX in hexadecimal";
            return VOICEGW_EINVALID;
        }
        text = stop + 1;
    }
    return VOICEGW_OK;
}

void form_done(struct form *form)
{
    free(form->text);
    free(form->fields);
    *form = (struct form){0};
}

const struct form_field *form_find(const struct form *form, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < form->count; i++)
        if (form->fields[i].name_bytes == n && memcmp(form->fields[i].name, name, n) == 0)
            return &form->fields[i];
    return NULL;
}

size_t form_count(const struct form *form, const char *name)
{
    size_t n = strlen(name), count = 0;
    for (size_t i = 0; i < form->count; i++)
        count += form->fields[i].name_bytes == n && memcmp(form->fields[i].name, name, n) == 0;
    return count;
}

size_t form_clean(const char *text, size_t bytes, char *out, size_t cap)
{
    const char *at = text, *end = text + bytes;
    size_t n = 0;
    while (at < end) {
        uint32_t len = voicegw_json_utf8_len_(at, end);
        unsigned char c = (unsigned char)*at;
        if (n + (len ? len : 1) >= cap)
            break;
        if (len == 0)
            out[n++] = '?';
        else if (len == 1)
            out[n++] = c < 0x20 || c == 0x7f ? ' ' : *at;
        else
            memcpy(out + n, at, len), n += len;
        at += len ? len : 1;
    }
    out[n] = '\0';
    return n;
}

size_t form_text(const struct form *form, const char *name, char *out, size_t cap)
{
    const struct form_field *f = form_find(form, name);
    return form_clean(f ? f->value : "", f ? f->value_bytes : 0, out, cap);
}

int64_t form_int(const struct form *form, const char *name, int64_t dflt)
{
    const struct form_field *f = form_find(form, name);
    int64_t n = 0;
    if (!f || f->value_bytes == 0 || f->value_bytes > 18)
        return dflt;
    for (size_t i = 0; i < f->value_bytes; i++) {
        if (f->value[i] < '0' || f->value[i] > '9')
            return dflt;
        n = n * 10 + (f->value[i] - '0');
    }
    return n;
}

int form_is(const struct form *form, const char *name, const char *value)
{
    const struct form_field *f = form_find(form, name);
    return f && f->value_bytes == strlen(value) && memcmp(f->value, value, f->value_bytes) == 0;
}

int form_sid_valid(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
              c == '.'))
            return 0;
    }
    return bytes > 0 && bytes <= 64;
}

int32_t form_sid(const struct form *form, const char *name, char *out, size_t cap)
{
    const struct form_field *f = form_find(form, name);
    out[0] = '\0';
    if (!f || form_count(form, name) != 1 || f->value_bytes >= cap || !form_sid_valid(f->value, f->value_bytes))
        return VOICEGW_EINVALID;
    memcpy(out, f->value, f->value_bytes + 1);
    return VOICEGW_OK;
}

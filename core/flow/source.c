/* source.c - places and reports of a compilation. */
#include "flow/source.h"
#include <stdio.h>
#include <string.h>
#include "base/str.h"

#define KEYS_MAX 96

size_t vgw_compile_down(struct vgw_compile *c, const char *key)
{
    size_t before = c->len;
    int n = snprintf(c->pointer + c->len, sizeof c->pointer - c->len, "/%s", key);
    c->len += n > 0 ? (size_t)n : 0;
    if (c->len >= sizeof c->pointer)
        c->len = sizeof c->pointer - 1;
    return before;
}

size_t vgw_compile_down_index(struct vgw_compile *c, size_t index)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", index);
    return vgw_compile_down(c, text);
}

void vgw_compile_up(struct vgw_compile *c, size_t len)
{
    c->len = len;
    c->pointer[len] = '\0';
}

void vgw_compile_place(const struct vgw_compile *c, char *out, size_t cap)
{
    char pointer[sizeof c->pointer];
    (void)vgw_strcopy(pointer, sizeof pointer, c->pointer);
    if (!c->source->place) {
        (void)vgw_strcopy(out, cap, pointer);
        return;
    }
    for (;;) {
        if (c->source->place(c->source->arg, pointer, out, cap))
            return;
        char *slash = strrchr(pointer, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    (void)vgw_strcopy(out, cap, c->pointer);
}

void vgw_compile_error(struct vgw_compile *c, int status, const char *fmt, ...)
{
    struct vgw_error err = {.status = status};
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err.text, sizeof err.text, fmt, ap);
    va_end(ap);
    vgw_compile_place(c, err.place, sizeof err.place);
    if (c->errors++ == 0) {
        c->status = status;
        if (c->first)
            *c->first = err;
    }
    if (c->source->report)
        c->source->report(c->source->arg, &err);
}

void vgw_compile_inner(struct vgw_compile *c, const struct vgw_error *err)
{
    size_t up = c->len;
    if (err->place[0] == '/')
        (void)vgw_compile_down(c, err->place + 1);
    vgw_compile_error(c, err->status, "%s", err->text);
    vgw_compile_up(c, up);
}

void vgw_compile_nomem(struct vgw_compile *c)
{
    struct vgw_error err = {0};
    vgw_error_nomem(&err);
    vgw_compile_error(c, VGW_ELIMIT, "%s", err.text);
}

bool vgw_word_in(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; p && *p;) {
        size_t len = strcspn(p, " ");
        if (len == n && n > 0 && memcmp(p, word, n) == 0)
            return true;
        p += len;
        p += strspn(p, " ");
    }
    return false;
}

static const char *nearest_word(const char *words, const char *more, const char *key)
{
    static _Thread_local char text[1024];
    const char *names[KEYS_MAX];
    size_t n = 0;
    (void)snprintf(text, sizeof text, "%s %s", words, more ? more : "");
    for (char *p = text; *p && n < KEYS_MAX;) {
        size_t len = strcspn(p, " ");
        bool last = p[len] == '\0';
        p[len] = '\0';
        if (len > 0)
            names[n++] = p;
        if (last)
            break;
        p += len + 1;
    }
    return vgw_nearest(key, names, n);
}

void vgw_compile_keys(struct vgw_compile *c, const struct vgw_json *o, const char *known, const char *more)
{
    const char *key;
    struct vgw_json *value;
    for (size_t i = 0; vgw_json_object_next(o, &i, &key, &value);) {
        if (vgw_word_in(known, key) || vgw_word_in(more, key))
            continue;
        size_t up = vgw_compile_down(c, key);
        const char *near = nearest_word(known, more, key);
        if (near)
            vgw_compile_error(c, VGW_ECONFIG, "unknown key %.60s; did you mean %s?", key, near);
        else
            vgw_compile_error(c, VGW_ECONFIG, "unknown key %.60s; known are: %s%s%s", key, known, more ? " " : "",
                              more ? more : "");
        vgw_compile_up(c, up);
    }
}

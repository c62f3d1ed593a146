/* alloc.c - the allocator with failures on request, and the arena. */
#include "base/alloc.h"
#include <limits.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local long fail_at;
static _Thread_local long counted;

bool vgw_alloc_fails(void)
{
    if (counted < LONG_MAX)
        counted++;
    if (fail_at == 0 || counted != fail_at)
        return false;
    fail_at = 0;
    return true;
}

void vgw_alloc_fail_at(long n)
{
    fail_at = n > 0 ? n : 0;
    counted = 0;
}

long vgw_alloc_count(void)
{
    return counted;
}

void *vgw_calloc(size_t count, size_t size)
{
    if (vgw_alloc_fails())
        return NULL;
    /* NULL means failure to every caller, so nothing at all is a byte. */
    if (count == 0 || size == 0)
        count = size = 1;
    /* Sanitizers end the program where calloc would say NULL. */
    if (count > PTRDIFF_MAX / size)
        return NULL;
    return calloc(count, size);
}

void *vgw_realloc(void *p, size_t size)
{
    if (vgw_alloc_fails())
        return NULL;
    return realloc(p, size ? size : 1);
}

char *vgw_strndup(const char *s, size_t n)
{
    if (!s)
        return NULL;
    size_t len = strnlen(s, n);
    char *copy = vgw_calloc(len + 1, 1);
    if (copy)
        memcpy(copy, s, len);
    return copy;
}

char *vgw_strdup(const char *s)
{
    return s ? vgw_strndup(s, strlen(s)) : NULL;
}

void vgw_free(void *p)
{
    free(p);
}

#define ARENA_CHUNK_BYTES 4096
#define ARENA_LIMIT_BYTES ((size_t)64 << 20)
#define ARENA_ALIGN 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, cap;
    alignas(ARENA_ALIGN) char data[];
};

struct vgw_arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t held, limit;
};

struct vgw_arena *vgw_arena_new(size_t limit_bytes)
{
    struct vgw_arena *a;
    if (!VGW_NEW(a))
        return NULL;
    a->limit = limit_bytes ? limit_bytes : ARENA_LIMIT_BYTES;
    return a;
}

static struct arena_chunk *arena_grow(struct vgw_arena *a, size_t size)
{
    size_t cap = size > ARENA_CHUNK_BYTES ? size : ARENA_CHUNK_BYTES;
    struct arena_chunk *c = vgw_calloc(1, sizeof *c + cap);
    if (!c)
        return NULL;
    c->cap = cap;
    c->next = a->chunks;
    a->chunks = c;
    return c;
}

void *vgw_arena_alloc(struct vgw_arena *a, size_t size)
{
    if (size == 0)
        size = 1;
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (size > a->limit - a->held)
        return NULL;
    struct arena_chunk *c = a->chunks;
    if (!c || size > c->cap - c->used)
        c = arena_grow(a, size);
    if (!c)
        return NULL;
    void *p = c->data + c->used;
    c->used += size;
    a->held += size;
    return p;
}

char *vgw_arena_strndup(struct vgw_arena *a, const char *s, size_t n)
{
    if (!s)
        return NULL;
    size_t len = strnlen(s, n);
    char *copy = vgw_arena_alloc(a, len + 1);
    if (copy)
        memcpy(copy, s, len);
    return copy;
}

char *vgw_arena_printf(struct vgw_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : vgw_arena_alloc(a, (size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void vgw_arena_free(struct vgw_arena *a)
{
    if (!a)
        return;
    for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        vgw_free(c);
    }
    vgw_free(a);
}

/* text.c - rows as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "db.h"

void text_add(struct text *t, const char *data, size_t len)
{
    if (t->failed)
        return;
    if (t->len + len + 1 > t->cap) {
        size_t cap = t->cap ? t->cap : 512;
        while (cap < t->len + len + 1)
            cap *= 2;
        char *grown = realloc(t->data, cap);
        if (!grown) {
            t->failed = 1;
            return;
        }
        t->data = grown;
        t->cap = cap;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_adds(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_quote(struct text *t, const char *data, size_t len)
{
    size_t from = 0;
    text_adds(t, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        char escape[8];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else
            snprintf(escape, sizeof escape, "\\u%04x", c);
        text_add(t, data + from, i - from);
        text_adds(t, escape);
        from = i + 1;
    }
    text_add(t, data + from, len - from);
    text_adds(t, "\"");
}

static void add_real(struct text *out, double value)
{
    char number[40];
    if (!isfinite(value)) {
        text_adds(out, "null");
        return;
    }
    snprintf(number, sizeof number, "%.15g", value);
    if (strtod(number, NULL) != value)
        snprintf(number, sizeof number, "%.17g", value);
    for (char *p = number; *p; p++)
        *p = *p == ',' ? '.' : *p; /* whatever the process's locale is */
    text_adds(out, number);
}

static void add_value(struct text *out, const struct column *c, sqlite3_stmt *s, int at)
{
    char number[32];
    if (sqlite3_column_type(s, at) == SQLITE_NULL) {
        text_adds(out, "null");
        return;
    }
    switch (c->kind) {
    case COLUMN_BOOL:
        text_adds(out, sqlite3_column_int(s, at) ? "true" : "false");
        return;
    case COLUMN_INT:
        snprintf(number, sizeof number, "%lld", (long long)sqlite3_column_int64(s, at));
        text_adds(out, number);
        return;
    case COLUMN_REAL:
        add_real(out, sqlite3_column_double(s, at));
        return;
    case COLUMN_JSON:
        text_add(out, (const char *)sqlite3_column_text(s, at), (size_t)sqlite3_column_bytes(s, at));
        return;
    case COLUMN_TEXT:
        text_quote(out, (const char *)sqlite3_column_text(s, at), (size_t)sqlite3_column_bytes(s, at));
        return;
    }
}

void text_row(struct text *out, const struct table *t, sqlite3_stmt *s, int64_t time_us, int64_t rowid)
{
    text_adds(out, "{");
    for (int i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        text_adds(out, i ? ",\"" : "\"");
        text_adds(out, t->columns[i].name);
        text_adds(out, "\":");
        add_value(out, &t->columns[i], s, i);
    }
    if (rowid >= 0) {
        char cursor[64];
        snprintf(cursor, sizeof cursor, ",\"_cursor\":\"%lld_%lld\"", (long long)time_us, (long long)rowid);
        text_adds(out, cursor);
    }
    text_adds(out, "}");
}

void text_columns(struct text *out, const struct table *t)
{
    for (int i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        text_adds(out, i ? ", " : "");
        text_adds(out, t->columns[i].name);
    }
}

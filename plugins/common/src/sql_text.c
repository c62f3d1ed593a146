/* sql_text.c - text that grows, JSON's and SQL's words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sql.h"

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

void text_real(struct text *out, double value)
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

void text_columns(struct text *out, const struct table *t)
{
    for (int i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        text_adds(out, i ? ", " : "");
        text_adds(out, t->columns[i].name);
    }
}

void text_number(struct text *t, int64_t n)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)n);
    text_adds(t, number);
}

void sql_table_begin(struct text *sql, const struct table *t, const char *int_type, const char *real_type,
                     const char *text_type)
{
    text_adds(sql, "CREATE TABLE IF NOT EXISTS ");
    text_adds(sql, t->name);
    text_adds(sql, " (");
    for (size_t i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        const struct column *c = &t->columns[i];
        text_adds(sql, c->name);
        text_adds(sql, " ");
        text_adds(sql, c->kind == COLUMN_INT || c->kind == COLUMN_BOOL ? int_type
                       : c->kind == COLUMN_REAL                        ? real_type
                                                                       : text_type);
        if (strcmp(c->name, t->time) == 0 || strcmp(c->name, "attempts") == 0 || strcmp(c->name, "priority") == 0)
            text_adds(sql, " NOT NULL DEFAULT 0");
        else if (table_is_key(t, c->name))
            text_adds(sql, " NOT NULL");
        else if (strcmp(t->name, "jobs") == 0 && strcmp(c->name, "status") == 0)
            text_adds(sql, " NOT NULL DEFAULT 'queued'");
        text_adds(sql, ", ");
    }
}

void sql_table_end(struct text *sql, const struct table *t)
{
    text_adds(sql, "PRIMARY KEY (");
    for (size_t i = 0; i < KEYS_MAX && t->keys[i]; i++) {
        text_adds(sql, i ? ", " : "");
        text_adds(sql, t->keys[i]);
    }
    text_adds(sql, "));");
}

/* Longest first. */
static const struct {
    const char *sqlite, *postgresql;
} words[] = {{" IS NOT ?", " IS DISTINCT FROM $"},
             {" IS ?", " IS NOT DISTINCT FROM $"},
             {"char(", "chr("},
             {SQL_CLAIM_SKIP_LOCKED, "FOR UPDATE SKIP LOCKED"},
             {"?", "$"}};

void sql_to_postgresql(struct text *to, const char *sql)
{
    while (*sql) {
        size_t i = 0;
        while (i < sizeof words / sizeof *words && strncmp(sql, words[i].sqlite, strlen(words[i].sqlite)) != 0)
            i++;
        if (i < sizeof words / sizeof *words) {
            text_adds(to, words[i].postgresql);
            sql += strlen(words[i].sqlite);
        } else {
            text_add(to, sql++, 1);
        }
    }
}

/* ---- jobs, leases, retention ---- */

void sql_claim(struct text *sql)
{
    text_adds(
        sql,
        "UPDATE jobs SET owner = ?1, claimed_until = ?2, attempts = attempts + 1, status = 'running', updated_at = ?3"
        " WHERE rowid IN (SELECT rowid FROM jobs WHERE queue = ?4 AND status IN ('queued', 'running') AND due_at <= ?3"
        " AND (owner IS NULL OR claimed_until IS NULL OR claimed_until <= ?3)"
        " ORDER BY priority DESC, due_at, rowid LIMIT ?5 " SQL_CLAIM_SKIP_LOCKED ") RETURNING ");
    text_columns(sql, table_find("jobs"));
}

const char sql_lease_acquire[] =
    "INSERT INTO leases (name, owner, fence, expires_at) VALUES (?1, ?2, 1, ?3) ON CONFLICT (name) DO UPDATE SET"
    " fence = leases.fence + (CASE WHEN leases.owner IS NOT ?2 OR leases.expires_at <= ?4 THEN 1 ELSE 0 END),"
    " owner = ?2, expires_at = ?3 WHERE leases.owner IS ?2 OR leases.expires_at <= ?4 RETURNING fence";
/* A lease that is let go keeps its row, so that its fence goes on growing. */
const char sql_lease_touch[] = "UPDATE leases SET expires_at = ?4 WHERE name = ?1 AND owner = ?2 AND fence = ?3";

void sql_purge(struct text *sql, const struct table *t)
{
    text_adds(sql, "DELETE FROM ");
    text_adds(sql, t->name);
    text_adds(sql, " WHERE rowid IN (SELECT rowid FROM ");
    text_adds(sql, t->name);
    text_adds(sql, " WHERE ");
    text_adds(sql, t->time);
    text_adds(sql, " < ?1 ORDER BY ");
    text_adds(sql, t->time);
    text_adds(sql, " LIMIT ?2)");
}

/* registrar.c - where users' phones are. */
#include "registrar.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop(struct registrar *r, struct registrar_contact **at)
{
    struct registrar_contact *c = *at;
    *at = c->next;
    free(c);
    r->count--;
}

void registrar_sweep(struct registrar *r, int64_t now_us)
{
    for (struct registrar_contact **at = &r->first; *at;) {
        if ((*at)->until_us <= now_us)
            drop(r, at);
        else
            at = &(*at)->next;
    }
}

enum registrar_verdict registrar_put(struct registrar *r, const char *user, const char *contact, const char *target,
                                     const char *agent, uint32_t seconds, int64_t now_us)
{
    struct registrar_contact **at = &r->first, *c;
    uint32_t of_user = 0;
    if (seconds > 0 && seconds < REGISTRAR_MIN_S)
        return REGISTRAR_BRIEF;
    registrar_sweep(r, now_us);
    for (struct registrar_contact *o = r->first; o; o = o->next)
        of_user += strcmp(o->user, user) == 0;
    while (*at && (strcmp((*at)->user, user) != 0 || strcmp((*at)->contact, contact) != 0))
        at = &(*at)->next;
    if (seconds == 0) {
        if (*at)
            drop(r, at);
        return REGISTRAR_OK;
    }
    if (*at) {
        c = *at; /* the newest stands first */
        *at = c->next;
        r->count--;
    } else {
        c = r->count < r->limit && of_user < REGISTRAR_USER_CONTACTS ? calloc(1, sizeof *c) : NULL;
        if (!c)
            return REGISTRAR_FULL;
    }
    (void)snprintf(c->user, sizeof c->user, "%s", user);
    (void)snprintf(c->contact, sizeof c->contact, "%s", contact);
    (void)snprintf(c->target, sizeof c->target, "%s", target);
    (void)snprintf(c->agent, sizeof c->agent, "%s", agent);
    c->until_us = now_us + (int64_t)(seconds < REGISTRAR_MOST_S ? seconds : REGISTRAR_MOST_S) * 1000000;
    c->next = r->first;
    r->first = c;
    r->count++;
    return REGISTRAR_OK;
}

void registrar_remove_all(struct registrar *r, const char *user)
{
    for (struct registrar_contact **at = &r->first; *at;) {
        if (strcmp((*at)->user, user) == 0)
            drop(r, at);
        else
            at = &(*at)->next;
    }
}

const struct registrar_contact *registrar_find(struct registrar *r, const char *user, int64_t now_us)
{
    for (const struct registrar_contact *c = r->first; c; c = c->next)
        if (c->until_us > now_us && strcmp(c->user, user) == 0)
            return c;
    return NULL;
}

void registrar_clear(struct registrar *r)
{
    while (r->first)
        drop(r, &r->first);
}

void registrar_list(struct registrar *r, const char *user, int64_t now_us, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (const struct registrar_contact *c = r->first; c; c = c->next) {
        if (c->until_us <= now_us || strcmp(c->user, user) != 0)
            continue;
        int w = snprintf(out + n, cap - n, "Contact: <%s>;expires=%u\r\n", c->contact,
                         (unsigned)((c->until_us - now_us + 999999) / 1000000));
        if (w < 0 || n + (size_t)w >= cap) {
            out[n] = '\0';
            return;
        }
        n += (size_t)w;
    }
}

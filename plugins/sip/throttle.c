/* throttle.c - who guesses passwords waits. */
#include "throttle.h"
#include <stdio.h>
#include <string.h>

static const struct throttle_entry *find(const struct throttle *t, const char *ip)
{
    for (uint32_t i = 0; i < THROTTLE_ADDRESSES; i++)
        if (t->entries[i].ip[0] && strcmp(t->entries[i].ip, ip) == 0)
            return &t->entries[i];
    return NULL;
}

static struct throttle_entry *find_or_take(struct throttle *t, const char *ip)
{
    struct throttle_entry *oldest = &t->entries[0];
    for (uint32_t i = 0; i < THROTTLE_ADDRESSES; i++) {
        struct throttle_entry *e = &t->entries[i];
        if (e->ip[0] && strcmp(e->ip, ip) == 0)
            return e;
        if (!e->ip[0] || e->seen_us < oldest->seen_us)
            oldest = e;
        if (!e->ip[0])
            break;
    }
    memset(oldest, 0, sizeof *oldest);
    (void)snprintf(oldest->ip, sizeof oldest->ip, "%s", ip);
    return oldest;
}

uint32_t throttle_wait_s(const struct throttle *t, const char *ip, int64_t now_us)
{
    const struct throttle_entry *e = find(t, ip);
    return e && e->until_us > now_us ? (uint32_t)((e->until_us - now_us + 999999) / 1000000) : 0;
}

int throttle_failure(struct throttle *t, const char *ip, int64_t now_us)
{
    struct throttle_entry *e = find_or_take(t, ip);
    int64_t wait_us = THROTTLE_FIRST_US;
    if (now_us - e->since_us > THROTTLE_WINDOW_US) {
        if (now_us - e->seen_us > THROTTLE_MOST_US)
            e->blocks = 0;
        e->failures = 0;
        e->since_us = now_us;
    }
    e->seen_us = now_us;
    if (++e->failures < THROTTLE_FAILURES)
        return 0;
    for (uint32_t i = 0; i < e->blocks && wait_us < THROTTLE_MOST_US; i++)
        wait_us *= 2;
    e->until_us = now_us + (wait_us < THROTTLE_MOST_US ? wait_us : THROTTLE_MOST_US);
    e->blocks++;
    e->failures = 0;
    return 1;
}

void throttle_success(struct throttle *t, const char *ip)
{
    struct throttle_entry *e = (struct throttle_entry *)(uintptr_t)find(t, ip);
    if (e)
        memset(e, 0, sizeof *e);
}

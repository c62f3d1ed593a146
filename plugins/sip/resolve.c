/* resolve.c - the addresses behind a trunk's host name, asked on a pool thread. */
#include "resolve.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 300000u

struct question {
    struct sip *sip;
    char name[64], host[256], answer[TRUNK_RESOLVED_MAX * 48]; /* answer: addresses with spaces between */
};

/* [pool] */
static void ask(void *arg)
{
    struct question *q = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    char ip[64];
    size_t n = 0;
    if (getaddrinfo(q->host, NULL, &hints, &list) != 0)
        return;
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST) != 0 ||
            n + strlen(ip) + 2 > sizeof q->answer)
            continue;
        n += (size_t)snprintf(q->answer + n, sizeof q->answer - n, "%s%s", n ? " " : "", ip);
    }
    freeaddrinfo(list);
}

/* [sip] The text is the trunk's name and the addresses. */
static void take(struct sip_task *task)
{
    char *rest = NULL, *name = strtok_r(task->text, " ", &rest);
    struct trunk *t = name ? trunks_find(ua_trunks(task->sip), name) : NULL;
    uint32_t count = 0;
    for (char *ip = t ? strtok_r(NULL, " ", &rest) : NULL; ip && count < TRUNK_RESOLVED_MAX;
         ip = strtok_r(NULL, " ", &rest))
        count += sip_network_parse(ip, &t->resolved[count]) == 0;
    if (t)
        t->resolved_count = count;
}

/* [control] */
static void on_answer(void *arg)
{
    struct question *q = arg;
    char text[sizeof q->name + sizeof q->answer + 2];
    (void)snprintf(text, sizeof text, "%s %s", q->name, q->answer);
    if (q->answer[0])
        (void)sip_to_loop(q->sip, NULL, 0, 0, text, take);
    else
        sip_log(q->sip, VOICEGW_LOG_WARNING, "a trunk's host has no address", "trunk", q->name);
    free(q);
}

static void on_time(void *arg)
{
    struct trunk *t = arg;
    const struct voicegw_host *host = t->sip->host;
    struct question *q = calloc(1, sizeof *q);
    re_timer_start(t->resolve_timer, AGAIN_MS);
    if (!q)
        return;
    q->sip = t->sip;
    (void)snprintf(q->name, sizeof q->name, "%s", t->set->name);
    (void)snprintf(q->host, sizeof q->host, "%s", t->set->host);
    if (host->job(host, VOICEGW_LANE_IO, 0, VOICEGW_TARGET_CONTROL, ask, on_answer, q) != VOICEGW_OK)
        free(q);
}

void resolve_start(struct trunk *t)
{
    t->resolve_timer = re_timer_new(on_time, t);
    re_timer_start(t->resolve_timer, 0);
}

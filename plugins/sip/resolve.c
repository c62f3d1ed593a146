/* resolve.c - the addresses behind the names of a trunk, asked of the host's resolver on a pool thread. */
#include "resolve.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 300000u

struct question {
    struct sip *sip;
    char name[64], host[256], proxy[256], proxy_answer[TRUNK_RESOLVED_MAX * 48],
        answer[TRUNK_RESOLVED_MAX * 48]; /* answer: addresses with spaces between */
};

/* Addresses with spaces between; nothing when there are none. */
static void look_up(const char *host, char *out, size_t cap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    char ip[64];
    size_t n = 0;
    if (!*host || getaddrinfo(host, NULL, &hints, &list) != 0)
        return;
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST) != 0 ||
            n + strlen(ip) + 2 > cap)
            continue;
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? " " : "", ip);
    }
    freeaddrinfo(list);
}

/* [pool] */
static void ask(void *arg)
{
    struct question *q = arg;
    look_up(q->host, q->answer, sizeof q->answer);
    look_up(q->proxy, q->proxy_answer, sizeof q->proxy_answer);
}

/* The next line of the task's text: "HOST ADDRESS…". The requests to that host go there. */
static uint32_t take_line(char **rest, const char **ips)
{
    char *at = NULL, *line = strtok_r(NULL, "\n", rest), *host = line ? strtok_r(line, " ", &at) : NULL, *ip;
    uint32_t count = 0;
    while (host && count < TRUNK_RESOLVED_MAX && (ip = strtok_r(NULL, " ", &at)))
        ips[count++] = ip;
    if (count > 0) /* what does not answer now is believed a little longer */
        (void)re_hosts_set(host, ips, count);
    return count;
}

/* [sip] The text is the trunk's name and two lines of hosts. */
static void take(struct sip_task *task)
{
    const char *ips[TRUNK_RESOLVED_MAX];
    char *rest = NULL, *name = strtok_r(task->text, "\n", &rest);
    struct trunk *t = name ? trunks_find(ua_trunks(task->sip), name) : NULL;
    if (!t)
        return;
    uint32_t found = take_line(&rest, ips), count = 0;
    for (uint32_t i = 0; i < found; i++)
        count += sip_network_parse(ips[i], &t->resolved[count]) == 0;
    if (count > 0)
        t->resolved_count = count;
    (void)take_line(&rest, ips);
    trunk_begin(t);
}

/* [control] */
static void on_answer(void *arg)
{
    struct question *q = arg;
    char text[sizeof *q];
    (void)snprintf(text, sizeof text, "%s\n%s %s\n%s %s", q->name, q->host, q->answer, q->proxy, q->proxy_answer);
    if (!q->answer[0])
        sip_log(q->sip, VOICEGW_LOG_WARNING, "a trunk's host has no address that the system knows", "trunk", q->name);
    (void)sip_to_loop(q->sip, NULL, 0, 0, text, take);
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
    if (re_uri_host(t->set->outbound_proxy, q->proxy, sizeof q->proxy) < 0)
        q->proxy[0] = '\0';
    if (host->job(host, VOICEGW_LANE_IO, 0, VOICEGW_TARGET_CONTROL, ask, on_answer, q) != VOICEGW_OK)
        free(q);
}

void resolve_start(struct trunk *t)
{
    t->resolve_timer = re_timer_new(on_time, t);
    re_timer_start(t->resolve_timer, 0);
}

/* resolve.c - getaddrinfo on the pool's io lane. */
#include "net/resolve.h"
#include "base/alloc.h"
#include "base/str.h"
#include "net/tls.h"
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct lookup {
    struct vgw_job job;
    struct vgw_resolved result;
    void (*done)(void *arg, const struct vgw_resolved *resolved);
    void *arg;
    bool tls;
    char host[256];
};

static void fail(struct lookup *l, int status, const char *why)
{
    l->result.status = status;
    (void)vgw_strcopy(l->result.sentence, sizeof l->result.sentence, why);
}

static void look_up(struct lookup *l)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    struct vgw_addr addr;
    if (vgw_addr_parse(l->host, &addr)) {
        l->result.addrs[l->result.count++] = addr;
        return;
    }
    if (vgw_strieq(l->host, "localhost") || vgw_ends_with(l->host, ".localhost")) {
        /* RFC 6761 6.3: always this machine, whatever a hosts file or a name server says or lacks */
        static const char *const here[] = {"127.0.0.1", "::1"};
        for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
            if (vgw_addr_parse(here[i], &addr))
                l->result.addrs[l->result.count++] = addr;
        return;
    }
    int rc = getaddrinfo(l->host, NULL, &hints, &found);
    if (rc) {
        char text[160];
        (void)snprintf(text, sizeof text, "%.100s cannot be resolved: %s", l->host, gai_strerror(rc));
        fail(l, VGW_ENETWORK, text);
        return;
    }
    for (struct addrinfo *a = found; a && l->result.count < VGW_RESOLVE_MAX; a = a->ai_next)
        if (vgw_addr_from_sockaddr(a->ai_addr, &addr))
            l->result.addrs[l->result.count++] = addr;
    freeaddrinfo(found);
    if (l->result.count == 0)
        fail(l, VGW_ENETWORK, "the name has no address");
}

static void work(void *arg)
{
    struct lookup *l = arg;
    struct vgw_error err = {0};
    look_up(l);
    if (!l->result.status && l->tls && vgw_tls_store_load(&err) < 0)
        fail(l, VGW_ENETWORK, err.text);
}

static void finished(void *arg)
{
    struct lookup *l = arg;
    l->done(l->arg, &l->result);
    vgw_free(l);
}

int vgw_resolve(struct vgw_pool *pool, struct vgw_loop *home, const char *host, bool tls,
                void (*done)(void *arg, const struct vgw_resolved *resolved), void *arg)
{
    struct lookup *l;
    if (!VGW_NEW(l))
        return VGW_ELIMIT;
    l->done = done;
    l->arg = arg;
    l->tls = tls;
    (void)vgw_strcopy(l->host, sizeof l->host, host);
    l->job = (struct vgw_job){.work = work, .done = finished, .arg = l, .home = home, .lane = VGW_LANE_IO};
    int rc = vgw_pool_submit(pool, &l->job);
    if (rc < 0)
        vgw_free(l);
    return rc;
}

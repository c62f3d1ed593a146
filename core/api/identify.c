/* identify.c - from a request to a grant: control socket, bearer token, ticket, or nobody; and how often one may ask.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"

static int refuse(struct vgw_api *api, uint64_t exchange, int status, const char *detail)
{
    vgw_api_refuse(api, exchange, status, detail, NULL);
    return status;
}

static int too_often(struct vgw_api *api, uint64_t exchange, int64_t wait_us, const char *what, const char *detail)
{
    char header[64];
    vgw_metric_dropped(what);
    snprintf(header, sizeof header, "Retry-After: %lld", (long long)((wait_us + 999999) / 1000000));
    vgw_api_refuse(api, exchange, 429, detail, header);
    return 429;
}

/* Takes one of `name`'s, or only looks: 0, or the microseconds until there is one again. A rate of a second and more
 * may come in one burst of a second's worth, a slower one in a burst of a minute's. */
static int64_t wait_of(struct vgw_ratelimit *l, const char *name, double per_second, int64_t now_us, bool take)
{
    int64_t wait_us = 0;
    if (per_second <= 0)
        return 0;
    vgw_ratelimit_set(l, per_second, per_second >= 1 ? per_second : per_second * 60);
    bool ok = take ? vgw_ratelimit_take(l, name, now_us, &wait_us) : vgw_ratelimit_peek(l, name, now_us, &wait_us);
    return ok ? 0 : wait_us;
}

/* This machine may ask as often as it likes, unless it speaks for others. */
static bool is_exempt(const struct vgw_http_request *http)
{
    return (http->flags & VGW_HTTP_UNIX) || ((http->flags & VGW_HTTP_LOOPBACK) && !(http->flags & VGW_HTTP_PROXIED));
}

int vgw_api_pace(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http)
{
    double rate = vgw_api_config_now(api)->api_rate;
    int64_t wait_us = is_exempt(http) ? 0 : wait_of(api->rates, http->remote, rate, vgw_now(api->env.loop), true);
    return wait_us ? too_often(api, exchange, wait_us, "api_rate", "this address asks too often") : 0;
}

static bool peer_allowed(const struct vgw_api *api, const struct vgw_http_request *http)
{
    if (http->uid == 0 || http->uid == geteuid())
        return true;
    return api->env.peer_allowed && api->env.peer_allowed(api->env.arg, http->uid, http->gid);
}

/* A page of somebody else's must not use the rights that come with being on this machine. */
static bool is_foreign(const struct vgw_api_config *config, const struct vgw_http_request *http)
{
    const char *origin = vgw_http_header(http, "Origin");
    if (!origin)
        return false;
    const char *host = strstr(origin, "://");
    if (!host)
        return true;
    host += 3;
    return !vgw_strieq(host, http->host) && !(config->public_host && vgw_strieq(host, config->public_host));
}

static int by_ticket(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, char *ticket,
                     struct vgw_grant **ret_grant)
{
    double rate = vgw_api_config_now(api)->failure_rate;
    int64_t now_us = vgw_now(api->env.loop);
    int64_t wait_us = is_exempt(http) ? 0 : wait_of(api->failures, http->remote, rate, now_us, false);
    if (wait_us) {
        vgw_free(ticket);
        return too_often(api, exchange, wait_us, "auth_rate", "too many wrong tickets came from this address");
    }
    *ret_grant = vgw_tickets_take(api->tickets, ticket, now_us);
    vgw_free(ticket);
    if (*ret_grant)
        return 0;
    if (!is_exempt(http))
        wait_of(api->failures, http->remote, rate, now_us, true);
    return refuse(api, exchange, 401,
                  "this ticket is unknown, used or older than 60 s; ask for another by POST /tickets");
}

static int by_token(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, const char *header,
                    struct vgw_grant **ret_grant)
{
    const struct vgw_api_config *config = vgw_api_config_now(api);
    int64_t now_us = vgw_now(api->env.loop);
    bool exempt = is_exempt(http);
    const char *token = vgw_bearer(header);
    int64_t wait_us = exempt ? 0 : wait_of(api->failures, http->remote, config->failure_rate, now_us, false);
    if (wait_us)
        return too_often(api, exchange, wait_us, "auth_rate", "too many wrong tokens came from this address");
    struct vgw_grant *g = token ? vgw_grants_find(&config->grants, token, strlen(token)) : NULL;
    if (!g) {
        if (!exempt)
            wait_of(api->failures, http->remote, config->failure_rate, now_us, true);
        return refuse(api, exchange, 401, "the token is not known; send `Authorization: Bearer TOKEN`");
    }
    wait_us = exempt ? 0 : wait_of(api->rates, g->name, config->api_rate, now_us, true);
    if (wait_us)
        return too_often(api, exchange, wait_us, "api_rate", "this token asks too often");
    *ret_grant = vgw_grant_ref(g);
    return 0;
}

int vgw_api_identify(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, bool ticket,
                     struct vgw_grant **ret_grant)
{
    const struct vgw_api_config *config = vgw_api_config_now(api);
    const char *header = vgw_http_header(http, "Authorization");
    bool open = !vgw_api_config_has_tokens(config);
    *ret_grant = NULL;
    if (http->flags & VGW_HTTP_UNIX) {
        if (!peer_allowed(api, http))
            return refuse(api, exchange, 403,
                          "the control socket is for root, the daemon's user and the group voicegw");
        *ret_grant = vgw_grant_ref(api->open_grant);
        return 0;
    }
    char *text = ticket ? vgw_http_query(http, "ticket") : NULL;
    if (text && (!open || !header))
        return by_ticket(api, exchange, http, text, ret_grant);
    vgw_free(text);
    if (open) {
        if (is_foreign(config, http))
            return refuse(api, exchange, 403, "pages of other origins may not use an API without tokens");
        if (vgw_api_pace(api, exchange, http))
            return 429;
        *ret_grant = vgw_grant_ref(api->open_grant);
        return 0;
    }
    return header ? by_token(api, exchange, http, header, ret_grant) : 0;
}

struct vgw_grant *vgw_api_peek(struct vgw_api *api, const struct vgw_http_request *http, bool ticket)
{
    const struct vgw_api_config *config = vgw_api_config_now(api);
    const char *token = vgw_bearer(vgw_http_header(http, "Authorization"));
    if (http->flags & VGW_HTTP_UNIX)
        return peer_allowed(api, http) ? vgw_grant_ref(api->open_grant) : NULL;
    if (!vgw_api_config_has_tokens(config))
        return is_foreign(config, http) ? NULL : vgw_grant_ref(api->open_grant);
    if (token)
        return vgw_grant_ref(vgw_grants_find(&config->grants, token, strlen(token)));
    char *text = ticket ? vgw_http_query(http, "ticket") : NULL;
    struct vgw_grant *grant = text ? vgw_tickets_take(api->tickets, text, vgw_now(api->env.loop)) : NULL;
    vgw_free(text);
    return grant;
}

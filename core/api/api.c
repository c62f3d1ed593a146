/* api.c - the API's life. */
#include "api/api.h"

#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "base/time.h"
#include "net/tls.h"

int vgw_api_new(const struct vgw_api_env *env, struct vgw_api **ret_api, struct vgw_error *err)
{
    struct vgw_api *api;
    if (!VGW_NEW(api))
        return vgw_error_nomem(err);
    api->env = *env;
    vgw_list_init(&api->requests);
    vgw_list_init(&api->feeds);
    vgw_list_init(&api->downloads);
    vgw_list_init(&api->pasts);
    vgw_random_bytes(api->sign_key, sizeof api->sign_key);
    if ((api->tickets = vgw_tickets_new()) && (api->idempotency = vgw_idempotency_new(0)) &&
        (api->rates = vgw_ratelimit_new(1, 1, VGW_API_RATE_KEYS)) &&
        (api->failures = vgw_ratelimit_new(1, 1, VGW_API_RATE_KEYS)) &&
        (api->open_grant = vgw_grant_new("", VGW_SCOPE_ALL))) {
        *ret_api = api;
        return VGW_OK;
    }
    vgw_api_free(api);
    return vgw_error_nomem(err);
}

static void cut_feeds(struct vgw_api *api, bool (*keep)(void *arg, const struct vgw_grant *grant), const char *reason)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &api->feeds) {
        struct vgw_api_feed *feed = VGW_CONTAINER_OF(p, struct vgw_api_feed, link);
        if (!keep || !keep(api, feed->grant))
            feed->cut(feed, reason);
    }
}

void vgw_api_free(struct vgw_api *api)
{
    struct vgw_list *p;
    if (!api)
        return;
    cut_feeds(api, NULL, "the gateway is ending");
    vgw_pasts_end(api);
    vgw_api_downloads_end(api);
    while ((p = api->requests.next) != &api->requests)
        vgw_api_request_free(VGW_CONTAINER_OF(p, struct vgw_api_request, link));
    vgw_tickets_free(api->tickets);
    vgw_idempotency_free(api->idempotency);
    vgw_ratelimit_free(api->rates);
    vgw_ratelimit_free(api->failures);
    vgw_grant_unref(api->open_grant);
    vgw_free(api);
}

struct vgw_front_handler vgw_api_handler(struct vgw_api *api)
{
    return (struct vgw_front_handler){.on_request = vgw_api_on_request,
                                      .on_upgrade = vgw_api_on_upgrade,
                                      .body_limit = vgw_api_body_limit,
                                      .arg = api};
}

void vgw_api_set_front(struct vgw_api *api, struct vgw_front *front)
{
    api->front = front;
}

bool vgw_api_grant_holds(const struct vgw_api *api, const struct vgw_grant *grant)
{
    const struct vgw_api_config *config = vgw_api_config_now(api);
    if (grant == api->open_grant)
        return !vgw_api_config_has_tokens(config);
    return vgw_grants_successor(&config->grants, grant) != NULL;
}

static bool still_good(void *arg, const struct vgw_grant *grant)
{
    return vgw_api_grant_holds(arg, grant);
}

void vgw_api_on_config(struct vgw_api *api)
{
    cut_feeds(api, still_good, "the token is no longer valid");
    vgw_tickets_sweep(api->tickets, still_good, api);
}

char *vgw_api_recording_url(struct vgw_api *api, const char *recording_id, int64_t ttl_us)
{
    const struct vgw_api_config *config = vgw_api_config_now(api);
    int64_t most_us = INT64_C(7) * 24 * 3600 * VGW_US_PER_S;
    int64_t expires = (vgw_wall(api->env.loop) + (ttl_us > most_us ? most_us : ttl_us)) / VGW_US_PER_S;
    char signature[65];
    struct vgw_buf url;
    vgw_buf_init(&url, 4096);
    vgw_buf_adds(&url, config->public_url ? config->public_url : "");
    vgw_buf_adds(&url, vgw_streq(config->prefix, "/") ? "" : config->prefix);
    vgw_buf_adds(&url, "/recordings/");
    vgw_url_encode(&url, recording_id);
    vgw_recording_sign(api->sign_key, recording_id, expires, signature);
    vgw_buf_printf(&url, "?expires=%lld&signature=%s", (long long)expires, signature);
    return vgw_buf_take(&url);
}

void vgw_recording_sign(const uint8_t key[32], const char *recording_id, int64_t expires_s, char out[65])
{
    uint8_t mac[VGW_DIGEST_MAX];
    struct vgw_buf text;
    out[0] = '\0';
    vgw_buf_init(&text, 1024);
    vgw_buf_printf(&text, "%lld.%s", (long long)expires_s, recording_id);
    int n = text.failed ? -1 : vgw_hmac(VGW_DIGEST_SHA256, key, 32, text.data, text.len, mac);
    vgw_buf_reset(&text);
    if (n > 0)
        vgw_hex_encode(&text, mac, (size_t)n);
    vgw_strcopy(out, 65, vgw_buf_str(&text));
    vgw_buf_done(&text);
}

bool vgw_recording_verify(const uint8_t key[32], const char *recording_id, int64_t expires_s, const char *signature,
                          int64_t wall_us)
{
    char right[65];
    vgw_recording_sign(key, recording_id, expires_s, right);
    return right[0] && expires_s > wall_us / VGW_US_PER_S && vgw_streq_ct(signature, right);
}

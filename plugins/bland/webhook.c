/* webhook.c - POST webhook: what Bland tells, proved by its signature or by the token of the address. Source:
 * docs.bland.ai/tutorials/webhook-signing. */
#include "bland.h"
#include "wire.h"

static int is_signed(struct platform *p, const struct voicegw_request *r, const char *secret)
{
    static const char hex[] = "0123456789abcdef";
    char given[80], right[65];
    uint8_t digest[32];
    if (!platform_header(r, "x-webhook-signature", given, sizeof given) ||
        p->crypto->hmac(p->host, VOICEGW_DIGEST_SHA256, secret, strlen(secret), r->body, r->body_bytes, digest) != 32)
        return 0;
    for (size_t i = 0; i < 64; i++)
        right[i] = hex[i % 2 ? digest[i / 2] & 15u : digest[i / 2] >> 4];
    right[64] = '\0';
    return platform_equal(p, given, right);
}

static int is_proved(struct platform *p, const struct voicegw_request *r)
{
    char token[80];
    const char *secret = p->settings->texts[BLAND_WEBHOOK_SECRET];
    if (*secret)
        return is_signed(p, r, secret);
    return platform_query(r, "token", token, sizeof token) && platform_token_right(p, token);
}

static struct platform_call *call_of(struct platform *p, const struct voicegw_request *r, struct voicegw_json body,
                                     char *id, size_t cap)
{
    char ours[64] = "";
    if (voicegw_json_get_string(body, "call_id", id, cap) <= 0 && voicegw_json_get_string(body, "c_id", id, cap) <= 0)
        id[0] = '\0';
    struct platform_call *c = platform_call_by_id(p, id);
    if (!c && voicegw_json_get_string(body, "metadata.voicegw_call_id", ours, sizeof ours) > 0)
        c = platform_call_by_call_id(p, ours);
    if (!c && id[0] && platform_query(r, "call", ours, sizeof ours)) {
        c = platform_call_by_call_id(p, ours);
        c = c && !c->id[0] ? c : NULL; /* the address tells only of a call whose id at Bland is not known yet */
    }
    if (c && !c->id[0])
        platform_call_known(c, id);
    return c;
}

/* A call that is over: only what comes late or was overtaken is new, and a price. */
static void late(struct platform *p, struct voicegw_json body, enum bland_news news, const char *id, uint64_t handle)
{
    double price = voicegw_json_get_double(body, "price", -1);
    char json[96];
    if (news == BLAND_LATE) {
        p->host->count(p->host, "late_webhooks", 1);
        platform_tell(p, handle, id, "late", body);
    } else if (news == BLAND_PROGRESS) {
        platform_tell(p, handle, id, "progress", body);
    } else {
        p->host->count(p->host, "duplicate_webhooks", 1);
    }
    if (!handle || price < 0)
        return;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_double(&w, "cost", price);
    voicegw_json_put_string(&w, "currency", "USD");
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        (void)p->provider->on_summary(p->host, handle, json);
}

static void on_webhook(void *instance, const struct voicegw_request *r)
{
    struct platform *p = instance;
    char id[PLATFORM_ID_CAP];
    if (!is_proved(p, r)) {
        platform_refuse(p, r->id, 403,
                        "the request must carry X-Webhook-Signature, the hexadecimal HMAC-SHA256 of its body by "
                        "webhook_secret; without that option, the token of the webhook's address");
        return;
    }
    struct voicegw_json body = platform_body(p, r);
    if (!body.text)
        return;
    enum bland_news news = bland_news_of(body);
    struct platform_call *c = call_of(p, r, body, id, sizeof id);
    if (!id[0]) {
        platform_tell(p, 0, "", "unknown", body);
        p->host->count(p->host, "unknown_webhooks", 1);
    } else if (!c || c->over) {
        late(p, body, news, id, p->provider->call_find(p->host, id));
    } else if (news == BLAND_FINAL) {
        platform_call_heard(c);
        bland_apply(c, body);
    } else if (news == BLAND_LATE) { /* before the last word: that is on its way or was lost */
        platform_tell(p, c->handle, id, "late", body);
        platform_call_ask_in(c, 0);
    } else {
        platform_tell(p, c->handle, id, news == BLAND_PROGRESS ? "progress" : "unknown", body);
        platform_call_ask_in(c, 200000); /* how it stands now; several at once are one question */
    }
    platform_reply(p, r->id, 200, "{\"status\":\"ok\"}");
}

int32_t bland_routes(struct platform *p)
{
    return p->route->add_http(p->host, "POST", "webhook", VOICEGW_ROUTE_PUBLIC, on_webhook);
}

int32_t bland_identify(void *instance, const struct voicegw_request *request, char *out, uint32_t cap)
{
    struct voicegw_json body = voicegw_json_ofn(request->body, request->body_bytes);
    (void)instance;
    return voicegw_json_get_string(body, "call_id", out, cap) > 0 ? VOICEGW_OK : VOICEGW_ENOTFOUND;
}

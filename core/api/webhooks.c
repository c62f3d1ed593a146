/* webhooks.c - webhooks that wait or were given up, and sending one of these again. */
#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"

static void on_rows(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct vgw_json *items = vgw_json_array();
    size_t n = vgw_json_count(rows);
    char *cursor = NULL;
    if (status != VGW_OK) {
        vgw_json_free(items);
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    if (n)
        cursor = vgw_strdup(vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL));
    for (size_t i = 0; i < n; i++) {
        struct vgw_json *row = vgw_api_row(vgw_json_ref(vgw_json_at(rows, i)));
        vgw_json_set_string(row, "webhook_id", vgw_json_get_string(row, "outbox_id", ""));
        vgw_json_set_string(row, "url", vgw_json_get_string(row, "endpoint", ""));
        static const char *const inner[] = {"outbox_id", "endpoint",  "body",  "due_at",
                                            "sequence",  "order_key", "owner", NULL};
        for (size_t k = 0; inner[k]; k++)
            vgw_json_del(row, inner[k]);
        vgw_json_append(items, row);
    }
    vgw_json_free(rows);
    vgw_api_reply(r, 200, vgw_api_list("webhooks", items, cursor));
    vgw_free(cursor);
}

void vgw_api_webhooks(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    static const char *const names[] = {"status", "type", "call_id", "project_id", NULL};
    struct vgw_json *filter = vgw_json_object();
    char *url = vgw_api_param(r, "url"), *cursor = vgw_api_param(r, "cursor");
    uint32_t limit;
    if (vgw_api_limit(r, &limit)) {
        vgw_api_filter(r, names, filter);
        if (url)
            vgw_json_set_string(filter, "endpoint", url);
        vgw_api_query(r, "outbox", filter, limit, cursor, on_rows);
    } else {
        vgw_json_free(filter);
    }
    vgw_free(url);
    vgw_free(cursor);
}

static void on_replayed(void *arg, int status, const char *sentence)
{
    struct vgw_api_request *r = arg;
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "webhook_id", r->id[0]);
    vgw_json_set_string(o, "status", "queued");
    vgw_api_reply(r, 202, o);
}

void vgw_api_webhook_replay(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    if (env->webhook_replay)
        env->webhook_replay(env->arg, r->id[0], on_replayed, r);
    else
        vgw_api_fail(r, VGW_EUNSUPPORTED, NULL, "this gateway sends no webhooks");
}

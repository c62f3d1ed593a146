/* own_audio.c - `play` of a recording of ours: whoever fetches it, a vendor or our own client, has no token, so the
 * address goes out signed and good for a while. Calls hear what belongs to their own project. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"

#define SIGNED_FOR_US (3600 * VGW_US_PER_S) /* vendors fetch again when a sound is repeated */

struct own_audio {
    struct vgw_gateway *g;
    uint64_t call, op;
    bool by_provider;
    struct vgw_json *params;
};

static void own_free(struct own_audio *o)
{
    vgw_json_free(o->params);
    vgw_free(o);
}

/* The id in "https://voice.example.com/voice/recordings/rec-…"; "": it is something else, or signed already. */
static void id_of(const struct vgw_gateway *g, const char *url, char out[VGW_ID_MAX])
{
    struct vgw_buf prefix = {0};
    vgw_buf_printf(&prefix, "%s%s/recordings/", g->plan->public_url, vgw_options_string(g->plan->main, "http.prefix"));
    const char *id = prefix.failed || !vgw_starts_with(url, vgw_buf_str(&prefix)) ? "" : url + prefix.len;
    size_t n = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_");
    vgw_strcopy(out, VGW_ID_MAX, n && n < VGW_ID_MAX && !id[n] ? id : "");
    vgw_buf_done(&prefix);
}

static int play(struct own_audio *o, struct vgw_call *call, struct vgw_error *err)
{
    if (o->by_provider)
        return vgw_host_provider_op(o->g->host, call->instance, o->op, call, VGW_CMD_PLAY, o->params, err);
    return vgw_gateway_play_remote(o->g, call, o->op, o->params, err);
}

static void on_row(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct own_audio *o = arg;
    struct vgw_gateway *g = o->g;
    struct vgw_call *call = g->calls && !g->ending ? vgw_calls_by_handle(g->calls, o->call) : NULL;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    const char *id = vgw_json_get_string(row, "recording_id", "");
    struct vgw_error err = {0};
    if (!call || vgw_calls_op_abandoned(g->calls, o->op)) {
        if (call)
            vgw_calls_complete(g->calls, o->op, VGW_EBUSY, "the step that asked for it was given up", NULL);
        own_free(o);
        return;
    }
    bool may = row && vgw_streq(vgw_json_get_string(row, "project_id", "default"), call->session->project_id);
    char *url = may && g->sign ? g->sign(g->sign_arg, id, SIGNED_FOR_US) : NULL;
    int rc = VGW_ENOTFOUND;
    if (status < 0)
        rc = vgw_error_set(&err, status, "%s", sentence);
    else if (!url)
        vgw_error_set(&err, rc, "there is no such recording in the call's project");
    else if ((rc = vgw_json_set_string(o->params, "url", url)) == 0)
        rc = play(o, call, &err);
    if (rc < 0)
        vgw_calls_complete(g->calls, o->op, rc, err.text, NULL);
    vgw_free(url);
    own_free(o);
}

bool vgw_gateway_play_is_own(const struct vgw_gateway *g, const struct vgw_json *params)
{
    char id[VGW_ID_MAX];
    id_of(g, vgw_json_get_string(params, "url", ""), id);
    return g->store && g->sign && id[0];
}

int vgw_gateway_play_own(struct vgw_gateway *g, struct vgw_call *call, uint64_t op, bool by_provider,
                         const struct vgw_json *params, struct vgw_error *err)
{
    struct own_audio *o;
    char id[VGW_ID_MAX];
    id_of(g, vgw_json_get_string(params, "url", ""), id);
    if (!VGW_NEW(o))
        return vgw_error_nomem(err);
    *o = (struct own_audio){
        .g = g, .call = call->handle, .op = op, .by_provider = by_provider, .params = vgw_json_copy(params)};
    struct vgw_json *filter = vgw_json_object();
    int rc = vgw_json_set_string(filter, "recording_id", id);
    if (rc < 0 || !o->params)
        rc = vgw_error_nomem(err);
    else if ((rc = vgw_store_query(g->store, "recordings", filter, 1, NULL, on_row, o)) < 0)
        vgw_error_set(err, rc, "the store has too much to do now; try again in a moment");
    vgw_json_free(filter);
    if (rc < 0)
        own_free(o);
    return rc;
}

void vgw_gateway_set_signer(struct vgw_gateway *g, vgw_gateway_sign_fn sign, void *arg)
{
    g->sign = sign;
    g->sign_arg = arg;
}

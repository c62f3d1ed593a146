/* fetch.c - audio that a command names by URL: fetched by the gateway's one HTTP client under its policy, kept as a
 * file, then played. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gateway/gateway_private.h"

#define AUDIO_BYTES_MAX (16u << 20)
#define AUDIO_SLOTS 256u /* files kept; another URL of the same slot overwrites */

struct fetch {
    struct vgw_gateway *g;
    struct vgw_job job;
    uint64_t call, op;
    struct vgw_json *params;
    char *path;
    struct vgw_buf body;
    int error; /* errno of the pool's part */
};

static void fetch_free(struct fetch *f)
{
    vgw_json_free(f->params);
    vgw_free(f->path);
    vgw_buf_done(&f->body);
    vgw_free(f);
}

static void fetch_failed(struct fetch *f, int status, const char *sentence)
{
    if (f->g->calls)
        vgw_calls_complete(f->g->calls, f->op, status, sentence, NULL);
    fetch_free(f);
}

/* [pool] A file that is being played is never half another. */
static void file_write(void *arg)
{
    struct fetch *f = arg;
    f->error = vgw_gateway_file_write(f->path, f->op, &f->body);
}

static void file_written(void *arg)
{
    struct fetch *f = arg;
    struct vgw_call *call = f->g->calls ? vgw_calls_by_handle(f->g->calls, f->call) : NULL;
    struct vgw_error err = {0};
    if (f->error) {
        fetch_failed(f, VGW_ESTORAGE,
                     "the audio could not be kept as a file; is the state folder writable and not full?");
        return;
    }
    if (!call) { /* its operations have been settled with it */
        fetch_free(f);
        return;
    }
    if (vgw_calls_op_abandoned(f->g->calls, f->op)) {
        fetch_failed(f, VGW_EBUSY, "the step that asked for it was given up");
        return;
    }
    vgw_json_set_string(f->params, "url", f->path);
    int rc = vgw_gateway_media_command(f->g, call, f->op, VGW_CMD_PLAY, f->params, &err);
    if (rc < 0)
        fetch_failed(f, rc, err.text);
    else
        fetch_free(f);
}

static void on_done(void *arg, const struct vgw_client_result *r)
{
    struct fetch *f = arg;
    struct vgw_buf sentence = {0};
    if (r->status < 0 || r->http_status < 200 || r->http_status > 299) {
        if (r->status < 0)
            vgw_buf_printf(&sentence, "the audio could not be fetched: %s", r->sentence);
        else
            vgw_buf_printf(&sentence, "the audio could not be fetched: the server answered %d", r->http_status);
        fetch_failed(f, r->status < 0 ? r->status : VGW_EPROVIDER, vgw_buf_str(&sentence));
        vgw_buf_done(&sentence);
        return;
    }
    vgw_buf_init(&f->body, AUDIO_BYTES_MAX + 1);
    vgw_buf_add(&f->body, r->body, r->body_len);
    f->job =
        (struct vgw_job){.work = file_write, .done = file_written, .arg = f, .home = f->g->loop, .lane = VGW_LANE_IO};
    if (f->body.failed || vgw_pool_submit(f->g->pool, &f->job) < 0)
        fetch_failed(f, VGW_ELIMIT, "the gateway has no room for this audio now");
}

bool vgw_gateway_play_is_remote(const struct vgw_json *params)
{
    const char *url = vgw_json_get_string(params, "url", "");
    return vgw_starts_with(url, "http://") || vgw_starts_with(url, "https://");
}

int vgw_gateway_play_remote(struct vgw_gateway *g, struct vgw_call *call, uint64_t op, const struct vgw_json *params,
                            struct vgw_error *err)
{
    struct fetch *f;
    const char *url = vgw_json_get_string(params, "url", "");
    struct vgw_buf path = {0};
    if (!VGW_NEW(f))
        return vgw_error_nomem(err);
    vgw_buf_printf(&path, "%s/audio", g->options.state_dir);
    if (mkdir(vgw_buf_str(&path), 0750) < 0 && errno != EEXIST)
        vgw_log(VGW_LOG_WARNING, NULL, "the folder for fetched audio cannot be made", "path", vgw_buf_str(&path), NULL);
    vgw_buf_printf(&path, "/%02x.wav", (unsigned)(vgw_hash64(url, strlen(url)) % AUDIO_SLOTS));
    *f = (struct fetch){
        .g = g, .call = call->handle, .op = op, .params = vgw_json_copy(params), .path = vgw_buf_take(&path)};
    struct vgw_client_request r = {
        .url = url, .follow = true, .max_body_bytes = AUDIO_BYTES_MAX, .on_done = on_done, .arg = f};
    int rc = f->params && f->path ? 0 : vgw_error_nomem(err);
    if (rc == 0 && !g->control->client)
        rc = vgw_client_new(g->loop, g->pool, g->policy, NULL, &g->control->client, err);
    if (rc == 0)
        rc = vgw_client_send(g->control->client, &r, NULL, err);
    if (rc < 0)
        fetch_free(f);
    return rc;
}

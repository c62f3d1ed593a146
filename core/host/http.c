/* http.c - the HTTP client for plugins: the loop's one client, its answers in the SDK's form. */
#include "base/alloc.h"
#include "host/host_private.h"
#include "net/client.h"

struct exchange {
    struct vgw_client *client;
    uint64_t target, id, handle;
    void (*on_done)(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *response);
    void (*on_body)(void *arg, const void *data, uint64_t bytes);
    void *arg;
};

static bool target_there(const struct exchange *x)
{
    return x->target == VOICEGW_TARGET_CONTROL || vgw_handle_alive(x->target);
}

static char *headers_json(const struct vgw_client_result *result)
{
    struct vgw_json *o = vgw_json_object();
    for (size_t i = 0; i < result->header_count; i++) {
        char name[128];
        size_t n = 0;
        for (const char *c = result->headers[i].name; *c && n + 1 < sizeof name; c++)
            name[n++] = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        name[n] = '\0';
        vgw_json_set_string(o, name, result->headers[i].value);
    }
    char *text = vgw_json_text(o, false);
    vgw_json_free(o);
    return text;
}

static void on_done(void *arg, const struct vgw_client_result *result)
{
    struct exchange *x = arg;
    char *headers = headers_json(result);
    struct voicegw_http_response r = {.size = sizeof r,
                                      .http_status = (uint32_t)result->http_status,
                                      .headers_json = headers ? headers : "{}",
                                      .body = result->body,
                                      .body_bytes = result->body_len};
    if (target_there(x))
        x->on_done(x->arg, result->status, result->sentence, &r);
    vgw_free(headers);
    vgw_handle_drop(x->handle);
    vgw_free(x);
}

static void on_body(void *arg, const void *data, size_t len)
{
    struct exchange *x = arg;
    if (x->on_body && target_there(x))
        x->on_body(x->arg, data, len);
}

static int32_t http_request(const struct voicegw_host *h, uint64_t target, const struct voicegw_http_request *in,
                            uint64_t *ret_request)
{
    const struct vgw_host_env *env = &vgw_host_of(h)->host->env;
    struct vgw_loop *loop = target ? vgw_handle_loop(target) : env->control;
    struct exchange *x;
    struct vgw_error err = {0};
    if (!loop)
        return VOICEGW_ENOTFOUND;
    if (!vgw_loop_is_here(loop) || !in || !in->on_done)
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a request starts on its target's thread and has an on_done");
    struct vgw_client *client = env->client(env->arg, loop);
    if (!client || !VGW_NEW(x))
        return VOICEGW_ELIMIT;
    *x = (struct exchange){
        .client = client, .target = target, .on_done = in->on_done, .on_body = in->on_body, .arg = in->arg};
    x->handle = vgw_handle_new(VGW_HANDLE_OTHER, loop, x);
    struct vgw_client_request r = {.method = in->method,
                                   .url = in->url,
                                   .headers = in->headers,
                                   .body = in->body,
                                   .body_len = in->body_bytes,
                                   .timeout_us = (int64_t)in->timeout_ms * 1000,
                                   .connect_timeout_us = (int64_t)in->connect_timeout_ms * 1000,
                                   .max_body_bytes = in->max_body_bytes,
                                   .username = in->username,
                                   .password = in->password,
                                   .aws_sigv4 = in->aws_sigv4,
                                   .trusted = in->flags & VOICEGW_HTTP_TRUSTED_URL,
                                   .once = in->flags & VOICEGW_HTTP_ONCE,
                                   .on_done = on_done,
                                   .on_body = in->flags & VOICEGW_HTTP_STREAM ? on_body : NULL,
                                   .arg = x};
    int rc = x->handle ? vgw_client_send(client, &r, &x->id, &err) : VGW_ELIMIT;
    if (rc < 0) {
        vgw_handle_drop(x->handle);
        vgw_free(x);
        return vgw_host_set_error(h, rc, err.text);
    }
    *ret_request = x->handle;
    return 0;
}

static void http_cancel(const struct voicegw_host *h, uint64_t request)
{
    struct vgw_loop *loop = vgw_handle_loop(request);
    struct exchange *x = loop && vgw_loop_is_here(loop) ? vgw_handle_get(request, VGW_HANDLE_OTHER) : NULL;
    if (x)
        vgw_client_cancel(x->client, x->id);
}

const struct voicegw_host_http vgw_host_http_table = {
    .size = sizeof vgw_host_http_table, .request = http_request, .cancel = http_cancel};

/* route.c - routes of plugins: registered by instances, found by the API's router, requests and sockets handed over. */
#include "host/route.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "host/host_private.h"
#include "media/leg.h"
#include "net/ws.h"

#define UNPROVEN_MAX 256 /* sockets that have yet to prove themselves */
#define PROVE_TIMEOUT_US (10 * VGW_US_PER_S)
#define BODY_MAX (1u << 20)

struct vgw_host_route {
    struct vgw_list link;
    struct vgw_host_instance *hi;
    char method[8];
    char path[96];
    bool wildcard;
    uint32_t flags;
    voicegw_route_handler handler; /* NULL: a WebSocket route */
    struct voicegw_ws_route ws;
};

/* ---- registering ---- */

static int32_t route_new(const struct voicegw_host *h, const char *path, struct vgw_host_route **ret_route)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct vgw_host_route *r;
    size_t n = path ? strlen(path) : 0;
    if (!n || n >= sizeof r->path || path[0] == '/')
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "a route's path has 1 to 95 bytes and does not begin with a slash");
    if (!VGW_NEW(r))
        return VOICEGW_ELIMIT;
    r->hi = hi;
    r->wildcard = path[n - 1] == '*';
    vgw_strncopy(r->path, sizeof r->path, path, n - r->wildcard);
    vgw_list_prepend(&hi->host->routes, &r->link);
    *ret_route = r;
    return 0;
}

static int32_t add_http(const struct voicegw_host *h, const char *method, const char *path, uint32_t flags,
                        voicegw_route_handler handler)
{
    struct vgw_host_route *r = NULL;
    if (!method || strlen(method) >= sizeof r->method || !handler)
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a route needs a method and a handler");
    int rc = route_new(h, path, &r);
    if (rc < 0 || !r)
        return rc;
    vgw_strcopy(r->method, sizeof r->method, method);
    r->flags = flags;
    r->handler = handler;
    return 0;
}

static int32_t add_ws(const struct voicegw_host *h, const char *path, const struct voicegw_ws_route *route)
{
    struct vgw_host_route *r = NULL;
    if (!route || !route->on_upgrade || !route->on_open || !route->events.on_message || !route->events.on_close)
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "a WebSocket route needs on_upgrade, on_open, on_message and on_close");
    int rc = route_new(h, path, &r);
    if (rc < 0 || !r)
        return rc;
    vgw_strcopy(r->method, sizeof r->method, "GET");
    r->flags = route->flags;
    r->ws = *route;
    return 0;
}

void vgw_host_routes_end(struct vgw_host_instance *hi)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &hi->host->routes) {
        struct vgw_host_route *r = VGW_CONTAINER_OF(at, struct vgw_host_route, link);
        if (r->hi != hi)
            continue;
        vgw_list_remove(&r->link);
        vgw_free(r);
    }
}

/* ---- finding ---- */

void vgw_host_route_default(struct vgw_host *host, const char *plugin, const char *instance)
{
    char *copy = vgw_strdup(instance);
    if (!copy)
        vgw_map_remove(host->defaults, plugin);
    else if (vgw_map_set(host->defaults, plugin, copy) < 0)
        vgw_free(copy);
}

static bool path_matches(const struct vgw_host_route *r, const char *rest)
{
    if (r->wildcard)
        return vgw_starts_with(rest, r->path) && rest[strlen(r->path)];
    return vgw_streq(rest, r->path);
}

const struct vgw_host_route *vgw_host_route_find(struct vgw_host *host, const char *method, bool ws, const char *path,
                                                 struct vgw_host_route_info *info)
{
    const char *slash = strchr(path, '/');
    char name[64];
    memset(info, 0, sizeof *info);
    if (!slash || !vgw_strncopy(name, sizeof name, path, (size_t)(slash - path)))
        return NULL;
    const char *by_plugin = vgw_map_get(host->defaults, name);
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->routes) { /* newest first: the newest generation of the name owns the route */
        struct vgw_host_route *r = VGW_CONTAINER_OF(at, struct vgw_host_route, link);
        const char *instance = r->hi->instance->name;
        if ((!vgw_streq(instance, name) && !(by_plugin && vgw_streq(instance, by_plugin))) ||
            !path_matches(r, slash + 1))
            continue;
        info->path_known = true;
        if ((r->handler == NULL) != ws || !vgw_streq(r->method, method))
            continue;
        info->ws = ws;
        info->is_public = r->flags & VOICEGW_ROUTE_PUBLIC;
        info->admin = r->flags & VOICEGW_ROUTE_ADMIN;
        info->max_body_bytes = BODY_MAX;
        return r;
    }
    return NULL;
}

/* ---- requests ---- */

struct request_texts {
    struct vgw_buf headers, form, url;
    char rest[512];
};

static bool form_field(void *arg, const char *name, const char *value)
{
    struct vgw_json *form = arg, *list = vgw_json_get(form, name);
    if (!list) {
        list = vgw_json_array();
        vgw_json_set(form, name, list);
        list = vgw_json_get(form, name);
    }
    vgw_json_append_string(list, value);
    return true;
}

static void headers_text(const struct vgw_http_request *in, struct vgw_buf *out)
{
    struct vgw_json *o = vgw_json_object();
    for (size_t i = 0; i < in->header_count; i++) {
        char name[128];
        if (!vgw_strcopy(name, sizeof name, in->headers[i].name))
            continue;
        for (char *c = name; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + 32);
        const char *before = vgw_json_get_string(o, name, NULL);
        if (!before) {
            vgw_json_set_string(o, name, in->headers[i].value);
            continue;
        }
        struct vgw_buf joined = {0};
        vgw_buf_printf(&joined, "%s, %s", before, in->headers[i].value);
        vgw_json_set_string(o, name, vgw_buf_str(&joined));
        vgw_buf_done(&joined);
    }
    vgw_json_write(o, out);
    vgw_json_free(o);
}

static void request_fill(struct vgw_host *host, const struct vgw_host_route *route, uint64_t exchange,
                         const struct vgw_http_request *in, const char *path, bool authorised, struct request_texts *t,
                         struct voicegw_request *out)
{
    const char *type = vgw_http_header(in, "content-type");
    const char *slash = strchr(path, '/');
    const char *rest = slash && route->wildcard ? slash + 1 + strlen(route->path) : "";
    vgw_strcopy(t->rest, sizeof t->rest, rest);
    headers_text(in, &t->headers);
    vgw_buf_printf(&t->url, "%s%s%s%s", host->env.public_url(host->env.arg), in->raw_path, in->query[0] ? "?" : "",
                   in->query);
    if (in->body_len && type && vgw_starts_with(type, "application/x-www-form-urlencoded")) {
        struct vgw_json *form = vgw_json_object();
        if (vgw_http_form_each(in->body, in->body_len, form_field, form) == 0)
            vgw_json_write(form, &t->form);
        vgw_json_free(form);
    }
    *out = (struct voicegw_request){.size = sizeof *out,
                                    .flags = (in->flags & (VGW_HTTP_LOOPBACK | VGW_HTTP_UNIX) ? 1u : 0u) |
                                             (authorised ? 2u : 0u),
                                    .id = exchange,
                                    .method = in->method,
                                    .path = in->raw_path,
                                    .query = in->query,
                                    .rest = t->rest,
                                    .remote = in->remote,
                                    .public_url = vgw_buf_str(&t->url),
                                    .headers_json = vgw_buf_str(&t->headers),
                                    .body = in->body,
                                    .body_bytes = in->body_len,
                                    .form_json = t->form.len ? vgw_buf_str(&t->form) : NULL};
}

static void request_done(struct request_texts *t)
{
    vgw_buf_done(&t->headers);
    vgw_buf_done(&t->form);
    vgw_buf_done(&t->url);
}

/* The generation that owns the call a request is about, if an older one does. */
static const struct vgw_host_route *route_of_owner(struct vgw_host *host, const struct vgw_host_route *route,
                                                   const struct voicegw_request *request)
{
    struct vgw_instance *newest = route->hi->instance;
    const struct voicegw_provider *p = vgw_instance_extension(newest, VOICEGW_KIND_PROVIDER);
    char id[VGW_ID_MAX];
    if (!p || p->size < offsetof(struct voicegw_provider, identify) + sizeof p->identify || !p->identify ||
        p->identify(newest->plugin_instance, request, id, sizeof id) < 0)
        return route;
    struct vgw_call *call = vgw_calls_find_provider(host->env.calls(host->env.arg), newest->name, id);
    if (!call || call->instance == newest)
        return route;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->routes) {
        struct vgw_host_route *r = VGW_CONTAINER_OF(at, struct vgw_host_route, link);
        if (r->hi->instance == call->instance && vgw_streq(r->path, route->path) &&
            vgw_streq(r->method, route->method) && (r->handler == NULL) == (route->handler == NULL))
            return r;
    }
    return route;
}

void vgw_host_route_request(struct vgw_host *host, const struct vgw_host_route *route, uint64_t exchange,
                            const struct vgw_http_request *request, const char *path, bool authorised)
{
    struct request_texts texts = {0};
    struct voicegw_request out;
    request_fill(host, route, exchange, request, path, authorised, &texts, &out);
    route = route_of_owner(host, route, &out);
    vgw_host_clear_error();
    route->handler(route->hi->instance->plugin_instance, &out);
    request_done(&texts);
}

struct reply_message {
    struct vgw_host *host;
    uint64_t exchange;
    uint32_t status;
    char *type;
    char *headers[17];
    struct vgw_buf body;
};

static void reply_run(void *arg)
{
    struct reply_message *m = arg;
    const struct vgw_host_env *env = &m->host->env;
    struct vgw_http_response r = {.status = (int)m->status,
                                  .content_type = m->type,
                                  .headers = (const char *const *)m->headers,
                                  .body = m->body.data,
                                  .body_len = m->body.len};
    if (vgw_front_reply(env->front(env->arg), m->exchange, &r) < 0)
        vgw_metric_dropped("late_reply");
    vgw_free(m->type);
    for (size_t i = 0; m->headers[i]; i++)
        vgw_free(m->headers[i]);
    vgw_buf_done(&m->body);
    vgw_free(m);
}

static int32_t reply(const struct voicegw_host *h, uint64_t request, const struct voicegw_reply *in)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct reply_message *m;
    if (!in || in->http_status < 100 || in->http_status > 599)
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a reply has a status from 100 to 599");
    if (!VGW_NEW(m))
        return VOICEGW_ELIMIT;
    m->host = hi->host;
    m->exchange = request;
    m->status = in->http_status;
    m->type = vgw_strdup(in->content_type);
    for (size_t i = 0; in->headers && in->headers[i] && i < 16; i++)
        m->headers[i] = vgw_strdup(in->headers[i]);
    vgw_buf_add(&m->body, in->body, in->body_bytes);
    if (vgw_loop_is_here(hi->host->env.control)) {
        reply_run(m);
        return 0;
    }
    return vgw_host_to_control(hi, reply_run, m);
}

/* ---- sockets ---- */

struct socket_seat { /* one WebSocket of a plugin's route: made on control, lives on the leg's worker */
    struct vgw_host *host;
    struct vgw_instance *instance; /* a reference, held by control until the socket has closed */
    struct voicegw_ws_route route;
    struct vgw_ws_seat *seat; /* until the WebSocket server has taken it */
    uint64_t leg, ws;         /* leg 0: not known yet */
    uint64_t place;           /* names the socket's thread meanwhile */
    struct socket_seat *next_unplaced;
    void *arg; /* what the plugin's on_open returned */
    uint64_t tag;
    bool proven;
    struct vgw_timer prove_timer;
};

static void seat_released(void *arg)
{
    struct socket_seat *s = arg;
    const struct vgw_host_env *env = &s->host->env;
    vgw_registry_release(env->registry(env->arg), s->instance);
    vgw_free(s->seat);
    vgw_free(s);
}

/* The plugin's callback that is running is this socket's: prove() speaks of it. */
static _Thread_local struct socket_seat *running;
/* Sockets of this thread that came without a leg: they may prove themselves in a post as well. */
static _Thread_local struct socket_seat *unplaced;

static struct socket_seat *seat_of(uint64_t ws)
{
    struct socket_seat *s = running && running->ws == ws ? running : unplaced;
    while (s && s->ws != ws)
        s = s->next_unplaced;
    return s;
}

static void seat_placed(struct socket_seat *s)
{
    struct socket_seat **at = &unplaced;
    while (*at && *at != s)
        at = &(*at)->next_unplaced;
    if (*at)
        *at = s->next_unplaced;
    vgw_handle_drop(s->place);
    s->place = 0;
}

static void seat_proven(struct socket_seat *s)
{
    if (!s->proven)
        atomic_fetch_sub(&s->host->unproven, 1);
    s->proven = true;
    vgw_timer_stop(&s->prove_timer);
}

static void seat_done(struct socket_seat *s)
{
    seat_proven(s);
    seat_placed(s);
    if (vgw_loop_call(s->host->env.control, seat_released, s) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "control is overloaded: a socket's seat is lost", NULL);
}

static struct vgw_ws_hub *hub_here(struct vgw_host *host)
{
    return host->env.hub(host->env.arg, vgw_loop_here());
}

static void on_prove_timeout(void *arg)
{
    struct socket_seat *s = arg;
    if (!s->proven)
        vgw_ws_close(hub_here(s->host), s->ws, 1008, "the stream did not prove itself in time");
}

static void socket_open(void *arg, uint64_t ws)
{
    struct socket_seat *s = arg;
    s->ws = ws;
    vgw_timer_start(&s->prove_timer, PROVE_TIMEOUT_US);
    void *stream = s->leg ? vgw_leg_stream(s->leg) : NULL;
    bool here = stream || s->place;
    running = s;
    s->arg = here ? s->route.on_open(s->instance->plugin_instance, ws, s->leg ? s->leg : s->place, stream) : NULL;
    running = NULL;
    if (!s->arg)
        vgw_ws_close(hub_here(s->host), ws, 1008, here ? "the stream was refused" : "the call has ended");
}

static void socket_message(void *arg, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len)
{
    struct socket_seat *s = arg;
    running = s;
    if (s->arg)
        s->route.events.on_message(s->arg, ws, kind, data, len);
    running = NULL;
}

static void socket_writable(void *arg, uint64_t ws)
{
    struct socket_seat *s = arg;
    if (s->arg && s->route.events.on_writable)
        s->route.events.on_writable(s->arg, ws);
}

static void socket_close(void *arg, uint64_t ws, unsigned code, const char *reason)
{
    struct socket_seat *s = arg;
    vgw_leg_unclaim(s->leg, ws);
    if (s->arg)
        s->route.events.on_close(s->arg, ws, code, reason);
    seat_done(s);
}

static const struct vgw_ws_events socket_events = {
    .on_open = socket_open, .on_message = socket_message, .on_writable = socket_writable, .on_close = socket_close};

static int32_t prove(const struct voicegw_host *h, uint64_t ws, uint64_t leg)
{
    struct socket_seat *s = seat_of(ws);
    if (!s || (s->leg && s->leg != leg) || vgw_handle_loop(leg) != vgw_loop_here())
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "prove() belongs into a callback of the socket that proved itself");
    uint64_t owner = vgw_leg_owner(leg);
    /* One that its plugin is closing holds nothing any more. */
    if (owner && owner != ws && vgw_ws_is_closing(hub_here(s->host), owner))
        vgw_leg_unclaim(leg, owner);
    int rc = vgw_leg_claim(leg, ws);
    if (rc == 0) {
        s->leg = leg;
        seat_placed(s);
        seat_proven(s);
    }
    return rc;
}

/* The tag of the upgrade that is being decided: on control, one at a time. */
static uint64_t upgrade_tag;

static void tag(const struct voicegw_host *h, uint64_t value)
{
    (void)h;
    upgrade_tag = value;
}

static uint64_t tag_of(const struct voicegw_host *h, uint64_t ws)
{
    (void)h;
    return running && running->ws == ws ? running->tag : 0;
}

static uint64_t leg_near(const struct voicegw_host *h, uint64_t call, uint64_t place)
{
    const struct vgw_host_env *env = &vgw_host_of(h)->host->env;
    struct vgw_call *c = vgw_calls_by_handle(env->calls(env->arg), call);
    struct vgw_loop *loop = vgw_handle_loop(place);
    if (!c || !loop || !env->call_leg_near)
        return 0;
    uint64_t leg = env->call_leg_near(env->arg, c, loop);
    return leg && vgw_handle_loop(leg) == loop ? leg : 0;
}

static int64_t url(const struct voicegw_host *h, const char *path, char *out, uint64_t cap)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    const struct vgw_host_env *env = &hi->host->env;
    const char *prefix = env->prefix ? env->prefix(env->arg) : "/voice";
    int n = snprintf(out, cap, "%s%s/%s/%s", env->public_url(env->arg), vgw_streq(prefix, "/") ? "" : prefix,
                     hi->instance->name, path);
    if (n > 0 && (uint64_t)n < cap)
        return n;
    if (cap)
        out[0] = '\0';
    return vgw_host_set_error(h, VOICEGW_ELIMIT, "the route's public URL does not fit");
}

static void adopt_on_worker(void *arg)
{
    struct socket_seat *s = arg;
    struct vgw_ws_hub *hub = hub_here(s->host);
    uint64_t ws;
    struct vgw_ws_options options = {.max_message_bytes = s->route.max_message_bytes};
    struct vgw_ws_seat *seat = s->seat;
    s->seat = NULL;
    vgw_timer_init(&s->prove_timer, vgw_loop_here(), on_prove_timeout, s);
    if (!s->leg) {
        s->place = vgw_handle_new(VGW_HANDLE_OTHER, vgw_loop_here(), s);
        s->next_unplaced = unplaced;
        unplaced = s;
    }
    bool adopted = hub && vgw_ws_adopt(hub, seat, &options, &socket_events, s, &ws) == 0;
    vgw_free(seat);
    if (!adopted) {
        vgw_metric_dropped("socket_adopt");
        seat_done(s);
    }
}

static void refuse(struct vgw_host *host, uint64_t exchange, int32_t status)
{
    static const char *const retry[] = {"Retry-After: 5", NULL};
    const char *sentence = vgw_host_last_error();
    int http = status == VOICEGW_EAUTH ? 401 : status == VOICEGW_ENOTFOUND ? 404 : vgw_status_info(status)->http_status;
    static const char *const challenge[] = {"WWW-Authenticate: Bearer", NULL};
    vgw_front_reply_problem(host->env.front(host->env.arg), exchange, http,
                            sentence[0]   ? sentence
                            : http == 404 ? "there is no such stream"
                                          : "the stream was refused",
                            http == 401   ? challenge
                            : http == 503 ? retry
                                          : NULL);
}

void vgw_host_route_upgrade(struct vgw_host *host, const struct vgw_host_route *route, uint64_t exchange,
                            const struct vgw_http_request *request, const char *path, bool authorised)
{
    struct request_texts texts = {0};
    struct voicegw_request in;
    uint64_t leg = 0;
    request_fill(host, route, 0, request, path, authorised, &texts, &in);
    route = route_of_owner(host, route, &in);
    vgw_host_clear_error();
    upgrade_tag = 0;
    int32_t rc = atomic_load(&host->unproven) >= UNPROVEN_MAX
                     ? VOICEGW_ELIMIT
                     : route->ws.on_upgrade(route->hi->instance->plugin_instance, &in, &leg);
    request_done(&texts);
    struct vgw_loop *worker = rc < 0             ? NULL
                              : leg              ? vgw_handle_loop(leg)
                              : host->env.worker ? host->env.worker(host->env.arg)
                                                 : NULL;
    if (rc == 0 && !worker)
        rc = VOICEGW_ENOTFOUND;
    if (rc < 0) {
        refuse(host, exchange, rc);
        return;
    }
    struct socket_seat *s = NULL;
    struct vgw_ws_seat *seat = NULL;
    if (!VGW_NEW(s) || !VGW_NEW(seat)) {
        vgw_free(s);
        refuse(host, exchange, VOICEGW_ELIMIT);
        return;
    }
    s->host = host;
    s->route = route->ws;
    s->leg = leg;
    s->seat = seat;
    s->tag = upgrade_tag;
    if (vgw_front_upgrade(host->env.front(host->env.arg), exchange, seat) < 0) {
        vgw_free(seat);
        vgw_free(s);
        return;
    }
    s->instance = vgw_registry_ref(route->hi->instance);
    atomic_fetch_add(&host->unproven, 1);
    if (vgw_loop_call(worker, adopt_on_worker, s) < 0) {
        vgw_metric_dropped("socket_adopt");
        atomic_fetch_sub(&host->unproven, 1);
        close(seat->fd);
        seat_released(s);
    }
}

const struct voicegw_host_route vgw_host_route_table = {
    .size = sizeof vgw_host_route_table,
    .add_http = add_http,
    .add_ws = add_ws,
    .reply = reply,
    .prove = prove,
    .url = url,
    .tag = tag,
    .tag_of = tag_of,
    .leg_near = leg_near,
};

/* callbacks.c - calls that were promised: kept in the state, so that a restart forgets none, and placed when they are
 * due; tried again when nobody answers. */
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/tools.h"

#define SCOPE "gateway.callbacks"
#define AHEAD_MAX_US (366 * 24 * 3600 * VGW_US_PER_S)
#define DELAY_US (300 * VGW_US_PER_S) /* unless it says when */
#define TRIES_MAX 3
#define AGAIN_US (300 * VGW_US_PER_S) /* between tries */
#define TURN_US (3600 * VGW_US_PER_S) /* a timer is set no further, since wall time may be set */

struct callback {
    struct vgw_list link;
    struct vgw_gateway *g;
    char id[VGW_ID_MAX];
    struct vgw_json *what;
    struct vgw_timer timer;
    char call_id[VGW_ID_MAX]; /* of the try under way, or "" */
};

static void callback_free(struct callback *c)
{
    vgw_timer_stop(&c->timer);
    vgw_list_remove(&c->link);
    vgw_json_free(c->what);
    vgw_free(c);
}

static int keep(struct callback *c)
{
    char *text = vgw_json_text(c->what, false);
    int rc = text ? vgw_gateway_state_set(c->g, SCOPE, c->id, text) : VGW_ELIMIT;
    vgw_free(text);
    return rc;
}

static void forget(struct callback *c)
{
    (void)vgw_gateway_state_set(c->g, SCOPE, c->id, NULL);
    callback_free(c);
}

static void arm(struct callback *c)
{
    int64_t due_us = vgw_json_get_int(c->what, "at_us", 0) - vgw_wall(c->g->loop);
    due_us = due_us < 0 ? 0 : due_us > TURN_US ? TURN_US : due_us;
    if (vgw_timer_start(&c->timer, due_us) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "out of memory: a promised call waits for the next start", "callback", c->id,
                NULL);
}

/* True when there is another try. */
static bool again(struct callback *c, const char *why)
{
    int64_t tries = vgw_json_get_int(c->what, "tries", 0);
    c->call_id[0] = '\0';
    if (tries >= TRIES_MAX) {
        vgw_log(VGW_LOG_WARNING, NULL, "a promised call did not reach anybody and is given up", "callback", c->id,
                "error", why, NULL);
        forget(c);
        return false;
    }
    vgw_json_set_int(c->what, "at_us", vgw_wall(c->g->loop) + AGAIN_US);
    (void)keep(c);
    arm(c);
    return true;
}

static void place(struct callback *c)
{
    struct vgw_gateway *g = c->g;
    const struct vgw_json *w = c->what;
    struct vgw_call *call = NULL;
    struct vgw_error err = {0};
    struct vgw_json *variables = vgw_json_object();
    const char *reason = vgw_json_get_string(w, "reason", "");
    vgw_json_set_string(variables, "callback_id", c->id);
    vgw_json_set_string(variables, "callback_reason", reason);
    vgw_json_set_string(variables, "callback_of", vgw_json_get_string(w, "session_id", ""));
    struct vgw_outgoing out = {.to = vgw_json_get_string(w, "phone", ""),
                               .provider = vgw_json_get_string(w, "provider", NULL),
                               .project_id = vgw_json_get_string(w, "project_id", NULL),
                               .language = vgw_json_get_string(w, "language", NULL),
                               .workflow = vgw_json_get_string(w, "workflow", NULL),
                               .assistant = vgw_json_get_string(w, "assistant", NULL),
                               .agent = vgw_json_get_string(w, "agent", NULL),
                               .variables = variables};
    if (!out.workflow)
        out.greeting = "Hello, this is the call back that you asked for.";
    vgw_json_set_int(c->what, "tries", vgw_json_get_int(w, "tries", 0) + 1);
    (void)keep(c); /* before anybody is dialled: a crash never dials for ever */
    int rc = vgw_calls_place(g->calls, &out, &call, &err);
    vgw_json_free(variables);
    if (rc < 0) {
        vgw_log(VGW_LOG_WARNING, NULL, "a promised call could not be placed", "callback", c->id, "error", err.text,
                NULL);
        (void)again(c, err.text);
        return;
    }
    if (call->settled) {
        (void)again(c, "the call failed at once");
        return;
    }
    vgw_strcopy(c->call_id, sizeof c->call_id, call->call_id);
    vgw_log(VGW_LOG_INFO, &call->scope, "a promised call is placed", "callback", c->id, NULL);
}

static void on_due(void *arg)
{
    struct callback *c = arg;
    if (vgw_json_get_int(c->what, "at_us", 0) > vgw_wall(c->g->loop) || !c->g->calls || c->g->ending)
        arm(c);
    else if (vgw_calls_draining(c->g->calls))
        vgw_timer_start(&c->timer, VGW_US_PER_S);
    else
        place(c);
}

static void on_event(void *arg, struct vgw_event *e)
{
    struct vgw_gateway *g = arg;
    struct vgw_list *at, *next;
    bool over = e->type == VGW_EVENT_CALL_FAILED;
    if (!e->about.call_id || (!over && e->type != VGW_EVENT_CALL_ANSWERED))
        return;
    VGW_LIST_EACH (at, next, &g->callbacks) {
        struct callback *c = VGW_CONTAINER_OF(at, struct callback, link);
        if (!vgw_streq(c->call_id, e->about.call_id))
            continue;
        if (over)
            (void)again(c, "nobody answered");
        else
            forget(c);
        return;
    }
}

static struct callback *callback_new(struct vgw_gateway *g, const char *id, struct vgw_json *what)
{
    struct callback *c;
    if (!what || !VGW_NEW(c)) {
        vgw_json_free(what);
        return NULL;
    }
    c->g = g;
    c->what = what;
    vgw_strcopy(c->id, sizeof c->id, id);
    vgw_timer_init(&c->timer, g->loop, on_due, c);
    vgw_list_append(&g->callbacks, &c->link);
    return c;
}

/* ---- promising ---- */

static int when(struct vgw_gateway *g, const struct vgw_json *params, int64_t *ret_us, struct vgw_error *err)
{
    const char *text = vgw_json_get_string(params, "time", NULL);
    const struct vgw_json *delay = vgw_json_get(params, "delay");
    int64_t now_us = vgw_wall(g->loop), us = DELAY_US;
    if (text) {
        if (!vgw_time_parse(text, ret_us))
            return vgw_error_at(err, VGW_EINVALID, "time", "time must be a time such as 2026-01-15T14:30:00Z");
    } else {
        if (vgw_json_str(delay) ? !vgw_parse_duration_us(vgw_json_str(delay), &us)
                                : delay && (us = (int64_t)(vgw_json_as_double(delay, -1) * 1e6)) < 0)
            return vgw_error_at(err, VGW_EINVALID, "delay", "delay must be a duration such as 30m");
        *ret_us = now_us + us;
    }
    if (*ret_us < now_us - 60 * VGW_US_PER_S || *ret_us > now_us + AHEAD_MAX_US)
        return vgw_error_at(err, VGW_EINVALID, text ? "time" : "delay",
                            "a call back can be scheduled from now up to a year ahead");
    return 0;
}

static int check(struct vgw_gateway *g, const struct vgw_json *p, const struct vgw_session *s, const char *phone,
                 struct vgw_error *err)
{
    const char *agent = vgw_json_get_string(p, "agent", NULL), *assistant = vgw_json_get_string(p, "assistant", NULL),
               *workflow = vgw_json_get_string(p, "workflow", NULL);
    if (!phone || !vgw_is_phone_number(phone))
        return vgw_error_at(err, VGW_EINVALID, "phone", "phone must be a number such as +15551234567%s",
                            phone ? "" : "; there is no caller whose number it could be");
    if (agent && !vgw_agent_find(g, s, agent))
        return vgw_error_at(err, VGW_EINVALID, "agent", "there is no agent '%.60s'", agent);
    if (assistant && !vgw_plan_recipe(g->plan, "assistants", assistant))
        return vgw_error_at(err, VGW_EINVALID, "assistant", "there is no assistant '%.60s'", assistant);
    if (workflow && !vgw_flow_set_workflow(g->plan->flows, workflow))
        return vgw_error_at(err, VGW_EINVALID, "workflow", "there is no workflow '%.60s'", workflow);
    if (!!agent + !!assistant + !!workflow > 1)
        return vgw_error_at(err, VGW_EINVALID, "agent", "give an agent, an assistant or a workflow, not several");
    return 0;
}

static struct vgw_json *document(const struct vgw_gateway *g, const struct vgw_json *p, const struct vgw_session *s,
                                 const char *agent, const char *phone, int64_t at_us)
{
    static const char *const same[] = {"reason", "agent", "assistant", "workflow"};
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "phone", phone);
    vgw_json_set_int(o, "at_us", at_us);
    vgw_json_set_int(o, "tries", 0);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (vgw_json_get_string(p, same[i], NULL))
            vgw_json_set_string(o, same[i], vgw_json_get_string(p, same[i], NULL));
    bool named = vgw_json_has(o, "agent") || vgw_json_has(o, "assistant") || vgw_json_has(o, "workflow");
    if (!named && agent && agent[0]) {
        vgw_json_set_string(o, "agent", agent);
        named = true;
    }
    for (size_t i = 0; !named && i < g->plan->recipe_count; i++)
        if (vgw_streq(g->plan->recipes[i]->section, "assistants")) {
            vgw_json_set_string(o, "assistant", g->plan->recipes[i]->name);
            named = true;
        }
    if (s) {
        vgw_json_set_string(o, "session_id", s->session_id);
        vgw_json_set_string(o, "project_id", s->project_id);
        vgw_json_set_string(o, "language", s->language);
        if (s->provider && s->provider[0])
            vgw_json_set_string(o, "provider", s->provider);
    }
    return o;
}

int vgw_gateway_callback_add(struct vgw_gateway *g, const struct vgw_json *p, const struct vgw_session *s,
                             const char *agent, struct vgw_json **ret_result, struct vgw_error *err)
{
    const char *own = !s || vgw_streq(s->direction, "outbound") ? NULL : s->caller_id;
    const char *phone = vgw_json_get_string(p, "phone", own ? own : s ? s->caller_id : NULL);
    char id[VGW_ID_MAX], text[VGW_TIME_TEXT];
    int64_t at_us = 0;
    int rc = check(g, p, s, phone, err);
    if (rc == 0)
        rc = when(g, p, &at_us, err);
    if (rc < 0)
        return rc;
    vgw_id_make("callback", vgw_wall(g->loop), NULL, id);
    struct callback *c = callback_new(g, id, document(g, p, s, agent, phone, at_us));
    if (!c)
        return vgw_error_nomem(err);
    rc = keep(c);
    if (rc < 0) {
        callback_free(c);
        return vgw_error_set(err, rc, "too many calls are promised already, or they cannot be written down");
    }
    arm(c);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "callback_id", id);
    vgw_json_set_string(o, "at", vgw_time_format(at_us, text));
    vgw_json_set_string(o, "phone", phone);
    *ret_result = o;
    return 0;
}

/* ---- life ---- */

void vgw_gateway_callbacks_read(struct vgw_gateway *g)
{
    const char *name;
    void *value;
    size_t n = strlen(SCOPE "\n");
    for (size_t i = 0; vgw_map_next(g->state, &i, &name, &value);) {
        struct vgw_json *what = NULL;
        struct vgw_list *at, *next;
        bool there = strncmp(name, SCOPE "\n", n) != 0;
        VGW_LIST_EACH (at, next, &g->callbacks)
            there = there || vgw_streq(VGW_CONTAINER_OF(at, struct callback, link)->id, name + n);
        if (there || vgw_json_parse(value, strlen(value), &what, NULL) < 0)
            continue;
        struct callback *c = callback_new(g, name + n, what);
        if (c)
            arm(c);
    }
}

int vgw_gateway_callbacks_open(struct vgw_gateway *g, struct vgw_error *err)
{
    g->callbacks_sub = vgw_bus_subscribe(g->bus, VGW_EVENT_ALL, on_event, g);
    return g->callbacks_sub ? 0 : vgw_error_nomem(err);
}

void vgw_gateway_callbacks_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    vgw_bus_unsubscribe(g->callbacks_sub);
    g->callbacks_sub = NULL;
    VGW_LIST_EACH (at, next, &g->callbacks)
        callback_free(VGW_CONTAINER_OF(at, struct callback, link));
}

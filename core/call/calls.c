/* calls.c - the registry: making it, finding in it, and the small tools of its files. */
#include "call/calls.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"
#include "loop/handle.h"

static void limits_clamp(struct vgw_calls_limits *l)
{
    /* A lease of no time at all would end every call; a limit that is not set is the documented default. */
    int64_t *const times[] = {&l->session_timeout_us, &l->max_call_duration_us, &l->media_silence_timeout_us,
                              &l->ring_timeout_us,    &l->op_timeout_us,        &l->end_timeout_us,
                              &l->summary_timeout_us};
    static const int64_t defaults_us[] = {600 * VGW_US_PER_S, 3600 * VGW_US_PER_S, 60 * VGW_US_PER_S,
                                          30 * VGW_US_PER_S,  30 * VGW_US_PER_S,   10 * VGW_US_PER_S,
                                          500 * VGW_US_PER_MS};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (*times[i] <= 0)
            *times[i] = defaults_us[i];
    }
}

int vgw_calls_new(const struct vgw_calls_env *env, const struct vgw_calls_limits *limits, struct vgw_calls **ret_calls)
{
    struct vgw_calls *calls;
    if (!VGW_NEW(calls))
        return VGW_ELIMIT;
    calls->env = *env;
    vgw_calls_set_limits(calls, limits);
    vgw_list_init(&calls->live);
    vgw_list_init(&calls->sessions);
    vgw_list_init(&calls->conferences);
    vgw_list_init(&calls->consults);
    for (size_t i = 0; i < VGW_CALLS_OP_BUCKETS; i++)
        vgw_list_init(&calls->ops[i]);
    vgw_timer_init(&calls->drain_timer, env->loop, vgw_calls_on_drain, calls);
    calls->by_id = vgw_map_new(NULL);
    calls->by_provider = vgw_map_new(NULL);
    calls->by_session = vgw_map_new(NULL);
    if (vgw_recent_init(&calls->recent) != VGW_OK || !calls->by_id || !calls->by_provider || !calls->by_session) {
        vgw_calls_free(calls);
        return VGW_ELIMIT;
    }
    *ret_calls = calls;
    return VGW_OK;
}

void vgw_calls_free(struct vgw_calls *calls)
{
    if (!calls)
        return;
    vgw_timer_stop(&calls->drain_timer);
    for (struct vgw_list *p; (p = calls->sessions.next) != &calls->sessions;)
        vgw_session_free(VGW_CONTAINER_OF(p, struct vgw_session, link));
    vgw_call_actions_free(calls->actions);
    vgw_recent_done(&calls->recent);
    vgw_late_done(&calls->late);
    vgw_map_free(calls->by_id);
    vgw_map_free(calls->by_provider);
    vgw_map_free(calls->by_session);
    vgw_free(calls);
}

uint32_t vgw_calls_mixes(const struct vgw_calls *calls)
{
    return calls->mixes;
}

void vgw_calls_set_limits(struct vgw_calls *calls, const struct vgw_calls_limits *limits)
{
    calls->limits = *limits;
    limits_clamp(&calls->limits);
}

bool vgw_provider_key(const char *instance_name, const char *provider_call_id, char out[VGW_PROVIDER_KEY_MAX])
{
    int n = snprintf(out, VGW_PROVIDER_KEY_MAX, "%s\x1f%s", instance_name, provider_call_id);
    return n > 0 && n < VGW_PROVIDER_KEY_MAX;
}

void vgw_call_set_provider_id(struct vgw_call *call, const char *provider_call_id)
{
    char key[VGW_PROVIDER_KEY_MAX];
    if (!provider_call_id || !*provider_call_id || call->provider_call_id)
        return;
    if (strlen(provider_call_id) > VGW_CALLS_PROVIDER_ID_MAX ||
        !vgw_provider_key(call->provider, provider_call_id, key)) {
        vgw_log(VGW_LOG_WARNING, &call->scope, "the provider's id of the call is too long and was not kept", NULL);
        return;
    }
    if (vgw_map_has(call->calls->by_provider, key)) {
        vgw_log(VGW_LOG_WARNING, &call->scope, "the provider gave the id of another call", "provider_call_id",
                provider_call_id, NULL);
        return;
    }
    char *copy = vgw_strdup(provider_call_id);
    if (!copy || vgw_map_set(call->calls->by_provider, key, call) != VGW_OK) {
        vgw_free(copy);
        return;
    }
    call->provider_call_id = copy;
    if (call->session->transport_metadata)
        vgw_json_set_string(call->session->transport_metadata, "call_sid", copy);
}

const char *vgw_calls_refusal(const struct vgw_calls *calls)
{
    if (!calls->limits.enabled)
        return "the gateway is disabled (gateway.enabled is false)";
    if (calls->draining)
        return "the gateway is draining and takes no new calls";
    if (calls->session_count >= calls->limits.max_sessions)
        return "all sessions are taken (gateway.max_sessions); try again later";
    return NULL;
}

void vgw_calls_emit(const char *type, struct vgw_session *s, struct vgw_call *call, struct vgw_json *data)
{
    struct vgw_calls *calls = s->calls;
    if (calls->env.emit)
        calls->env.emit(calls->env.arg, type, s, call, data);
    else
        vgw_json_free(data);
}

void vgw_calls_journal(struct vgw_calls *calls, const char *kind, struct vgw_json *doc)
{
    if (!doc)
        vgw_log(VGW_LOG_ERROR, NULL, "memory is short, a journal entry was left out", "kind", kind, NULL);
    else if (calls->env.journal)
        calls->env.journal(calls->env.arg, kind, doc, NULL, NULL);
    else
        vgw_json_free(doc);
}

struct vgw_json *vgw_call_parties(const struct vgw_call *call)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int failed = vgw_json_set_string(o, "from", call->from);
    failed |= vgw_json_set_string(o, "to", call->to);
    failed |= vgw_json_set_string(o, "direction", call->direction);
    if (!failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

bool vgw_text_set(char **field, const char *text)
{
    char *copy = vgw_strdup(text);
    if (text && !copy)
        return false;
    vgw_free(*field);
    *field = copy;
    return true;
}

int64_t vgw_call_setting_us(const struct vgw_call *call, const char *name, int64_t otherwise)
{
    const struct vgw_calls_env *env = &call->calls->env;
    const char *text =
        env->instance_setting && call->instance ? env->instance_setting(env->arg, call->instance, name) : NULL;
    int64_t us;
    return text && vgw_parse_duration_us(text, &us) && us > 0 ? us : otherwise;
}

struct vgw_call *vgw_calls_by_handle(struct vgw_calls *calls, uint64_t handle)
{
    struct vgw_call *call = vgw_handle_get(handle, VGW_HANDLE_CALL);
    return call && call->calls == calls ? call : NULL;
}

struct vgw_call *vgw_calls_find(struct vgw_calls *calls, const char *id)
{
    struct vgw_call *call = id ? vgw_map_get(calls->by_id, id) : NULL;
    struct vgw_list *p, *pn, *q, *qn;
    if (call || !id)
        return call && call->unproven ? NULL : call;
    VGW_LIST_EACH (p, pn, &calls->sessions) {
        struct vgw_session *s = VGW_CONTAINER_OF(p, struct vgw_session, link);
        VGW_LIST_EACH (q, qn, &s->call_list) {
            call = VGW_CONTAINER_OF(q, struct vgw_call, in_session);
            if (call->provider_call_id && !call->unproven && vgw_streq(call->provider_call_id, id))
                return call;
        }
    }
    return NULL;
}

struct vgw_call *vgw_calls_find_provider(struct vgw_calls *calls, const char *instance_name,
                                         const char *provider_call_id)
{
    char key[VGW_PROVIDER_KEY_MAX];
    if (!instance_name || !provider_call_id || !vgw_provider_key(instance_name, provider_call_id, key))
        return NULL;
    return vgw_map_get(calls->by_provider, key);
}

/* A session whose one call has yet to prove itself is none to anybody. */
static bool session_hidden(const struct vgw_session *s)
{
    return !vgw_list_empty(&s->call_list) &&
           VGW_CONTAINER_OF(s->call_list.next, const struct vgw_call, in_session)->unproven;
}

struct vgw_session *vgw_calls_session_find(struct vgw_calls *calls, const char *session_id)
{
    struct vgw_session *s = session_id ? vgw_map_get(calls->by_session, session_id) : NULL;
    return s && session_hidden(s) ? NULL : s;
}

struct vgw_call *vgw_calls_next(struct vgw_calls *calls, const struct vgw_call *after)
{
    struct vgw_list *next = after ? after->link.next : calls->live.next;
    for (; next && next != &calls->live; next = next->next) {
        struct vgw_call *call = VGW_CONTAINER_OF(next, struct vgw_call, link);
        if (!call->unproven)
            return call;
    }
    return NULL;
}

struct vgw_session *vgw_calls_session_next(struct vgw_calls *calls, const struct vgw_session *after)
{
    struct vgw_list *next = after ? after->link.next : calls->sessions.next;
    for (; next && next != &calls->sessions; next = next->next) {
        struct vgw_session *s = VGW_CONTAINER_OF(next, struct vgw_session, link);
        if (s->state != VGW_SESSION_STOPPED && !session_hidden(s))
            return s;
    }
    return NULL;
}

uint32_t vgw_calls_count(const struct vgw_calls *calls)
{
    return calls->call_count;
}

uint32_t vgw_calls_session_count(const struct vgw_calls *calls)
{
    return calls->session_count;
}

static bool call_is_orphan(const struct vgw_call *call)
{
    if (!call->session || !vgw_list_linked(&call->in_session) || call->settled || !vgw_timer_armed(&call->lease_timer))
        return true;
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &call->ops) {
        const struct vgw_op *op = VGW_CONTAINER_OF(p, struct vgw_op, in_call);
        if (op->call != call || !vgw_list_linked(&op->link))
            return true;
    }
    return vgw_calls_by_handle(call->calls, call->handle) != call;
}

static bool session_is_orphan(const struct vgw_session *s)
{
    if (s->state != VGW_SESSION_STOPPED)
        return !vgw_timer_armed(&s->idle_timer);
    return !vgw_timer_armed(&s->summary_timer) && !vgw_timer_armed(&s->idle_timer);
}

uint32_t vgw_calls_orphans(const struct vgw_calls *calls)
{
    uint32_t orphans = 0, live = 0, sessions = 0, owned = 0;
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &calls->live) {
        live++;
        orphans += call_is_orphan(VGW_CONTAINER_OF(p, struct vgw_call, link));
    }
    VGW_LIST_EACH (p, n, &calls->sessions) {
        const struct vgw_session *s = VGW_CONTAINER_OF(p, struct vgw_session, link);
        sessions += s->state != VGW_SESSION_STOPPED;
        owned += s->live_calls;
        orphans += session_is_orphan(s);
    }
    /* Counts that have run apart mean that something is held outside of the lists. */
    orphans += live > calls->call_count ? live - calls->call_count : calls->call_count - live;
    orphans += sessions > calls->session_count ? sessions - calls->session_count : calls->session_count - sessions;
    return orphans + (owned > live ? owned - live : live - owned);
}

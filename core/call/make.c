/* make.c - a session with its first call comes to be: all of it, or nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"
#include "config/snapshot.h"
#include "loop/handle.h"
#include "voicegw/plugin.h"

static bool plain_id(const char *id)
{
    for (; *id; id++) {
        bool letter = (*id >= 'A' && *id <= 'Z') || (*id >= 'a' && *id <= 'z') || (*id >= '0' && *id <= '9');
        if (!letter && *id != '.' && *id != '_' && *id != '-')
            return false;
    }
    return true;
}

/* The tail is whole; a plugin's name that leaves no room for it is cut. */
static void join_id(char out[VGW_ID_MAX], const char *plugin, const char *tail)
{
    size_t room = VGW_ID_MAX - strlen(tail) - 1;
    vgw_strcopy(out, room, plugin);
    size_t len = strlen(out);
    out[len] = '-';
    vgw_strcopy(out + len + 1, VGW_ID_MAX - len - 1, tail);
}

static void hashed_id(const struct vgw_calls_env *env, const char *plugin, const char *id, char out[VGW_ID_MAX])
{
    uint8_t digest[32] = {0};
    char hex[17];
    if (env->sha256) {
        env->sha256(id, strlen(id), digest);
    } else {
        uint64_t h = vgw_hash64(id, strlen(id));
        for (int i = 0; i < 8; i++)
            digest[i] = (uint8_t)(h >> (56 - 8 * i));
    }
    for (size_t i = 0; i < 8; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    join_id(out, plugin, hex);
}

/* "<plugin>-<id>", or a hash in the id's place where it holds odd characters or would not fit. */
static void session_id_for(const struct vgw_calls_env *env, const char *plugin, const char *id, char out[VGW_ID_MAX])
{
    if (!plain_id(id) || strlen(plugin) + 1 + strlen(id) >= VGW_ID_MAX) {
        hashed_id(env, plugin, id, out);
        return;
    }
    join_id(out, plugin, id);
}

/* "twilio-CA1" goes on as "twilio-CA1-r2", that as "twilio-CA1-r3": the record of each has its own name. */
static void recovered_id(const struct vgw_calls *calls, const char *old, char out[VGW_ID_MAX])
{
    char base[VGW_ID_MAX - 8], digits[8];
    unsigned number = 2;
    vgw_strcopy(base, sizeof base, plain_id(old) ? old : "recovered");
    char *mark = strrchr(base, '-');
    int64_t n = 0;
    if (mark && mark[1] == 'r' && vgw_parse_i64(mark + 2, &n) && n >= 2 && n < 9999) {
        number = (unsigned)n + 1;
        *mark = '\0';
    }
    do {
        snprintf(digits, sizeof digits, "r%u", number++);
        join_id(out, base, digits);
    } while (vgw_map_has(calls->by_session, out) && number < 99999);
}

static bool copy_texts(struct vgw_call *call, const struct vgw_call_seed *seed)
{
    const struct vgw_calls_env *env = &call->calls->env;
    const char *name = env->instance_name(env->arg, seed->instance),
               *plugin = env->instance_plugin(env->arg, seed->instance);
    call->caps = env->instance_caps(env->arg, seed->instance);
    /* Without media there is nothing but documents, where the provider has those. */
    bool wanted = seed->documents || (seed->route && vgw_streq(seed->route->media, "twiml"));
    call->documents = (call->caps & VOICEGW_CAP_IVR) && (wanted || !(call->caps & VOICEGW_CAP_MEDIA));
    if (call->documents)
        call->caps = (call->caps & ~VOICEGW_CAP_MEDIA) | VOICEGW_CAP_SAY | VOICEGW_CAP_PLAY;
    return (call->provider = vgw_strdup(name ? name : "")) && (call->plugin = vgw_strdup(plugin ? plugin : "")) &&
           (call->direction = vgw_strdup(seed->direction)) && (call->from = vgw_strdup(seed->from ? seed->from : "")) &&
           (call->to = vgw_strdup(seed->to ? seed->to : ""));
}

static struct vgw_call *call_new(struct vgw_calls *calls, const struct vgw_call_seed *seed)
{
    struct vgw_call *call;
    if (!VGW_NEW(call))
        return NULL;
    call->calls = calls;
    vgw_list_init(&call->ops);
    call->cost = NAN;
    call->created_us = vgw_now(calls->env.loop);
    call->created_wall_us = vgw_wall(calls->env.loop);
    vgw_id_make("call", call->created_wall_us, NULL, call->call_id);
    if (copy_texts(call, seed) && (call->handle = vgw_handle_new(VGW_HANDLE_CALL, calls->env.loop, call)) &&
        vgw_map_set(calls->by_id, call->call_id, call) == VGW_OK)
        return call;
    vgw_call_free(call);
    return NULL;
}

void vgw_call_free(struct vgw_call *call)
{
    char key[VGW_PROVIDER_KEY_MAX];
    if (!call)
        return;
    struct vgw_calls *calls = call->calls;
    while (!vgw_list_empty(&call->ops))
        vgw_op_free(VGW_CONTAINER_OF(call->ops.next, struct vgw_op, in_call));
    vgw_timer_stop(&call->lease_timer);
    vgw_timer_stop(&call->media_timer);
    vgw_timer_stop(&call->turn_timer);
    if (vgw_list_linked(&call->link)) {
        vgw_list_remove(&call->link);
        calls->call_count--;
    }
    vgw_list_remove(&call->in_session);
    if (vgw_map_get(calls->by_id, call->call_id) == call)
        vgw_map_take(calls->by_id, call->call_id);
    if (call->provider_call_id && vgw_provider_key(call->provider, call->provider_call_id, key) &&
        vgw_map_get(calls->by_provider, key) == call)
        vgw_map_take(calls->by_provider, key);
    if (call->handle)
        vgw_handle_drop(call->handle);
    if (call->instance && calls->env.instance_unref)
        calls->env.instance_unref(calls->env.arg, call->instance);
    vgw_free(call->provider_call_id);
    vgw_free(call->provider);
    vgw_free(call->plugin);
    vgw_free(call->direction);
    vgw_free(call->from);
    vgw_free(call->to);
    vgw_free(call->cause);
    vgw_free(call->answered_by);
    vgw_free(call->currency);
    vgw_free(call->recording_id);
    vgw_free(call->end_cause);
    vgw_free(call->transfer_to);
    vgw_json_free(call->plan);
    vgw_free(call);
}

static struct vgw_json *transport_metadata(const struct vgw_call_seed *seed)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int failed = vgw_json_set_string(o, "call_sid", seed->provider_call_id);
    failed |= vgw_json_set_string(o, "stream_sid", NULL);
    failed |= vgw_json_set_string(o, "from_number", seed->from);
    failed |= vgw_json_set_string(o, "to_number", seed->to);
    if (!failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

static const char *language_of(const struct vgw_calls *calls, const struct vgw_call_seed *seed)
{
    const char *set = NULL;
    if (seed->language && *seed->language)
        return seed->language;
    if (seed->route && seed->route->language)
        return seed->route->language;
    if (calls->env.instance_setting)
        set = calls->env.instance_setting(calls->env.arg, seed->instance, "stt_language");
    return set && *set ? set : "en-US";
}

static bool fill_session(struct vgw_session *s, const struct vgw_call *call, const struct vgw_call_seed *seed)
{
    bool inbound = vgw_streq(seed->direction, "inbound");
    const char *project = seed->project_id                      ? seed->project_id
                          : seed->route && seed->route->project ? seed->route->project
                                                                : "default";
    const char *stt = seed->route && seed->route->stt_count ? seed->route->stt[0] : "";
    const char *caller = inbound ? call->from : call->to;
    if (!vgw_text_set(&s->project_id, project) || !vgw_text_set(&s->caller_id, caller) ||
        !vgw_text_set(&s->language, language_of(s->calls, seed)) || !vgw_text_set(&s->provider, call->provider) ||
        !vgw_text_set(&s->plugin, call->plugin) || !vgw_text_set(&s->stt_provider, stt) ||
        !vgw_text_set(&s->transport, seed->transport ? seed->transport : "none") ||
        !vgw_text_set(&s->lead_id, seed->lead_id) || !vgw_text_set(&s->reservation_id, seed->reservation_id))
        return false;
    if (!(s->transport_metadata = transport_metadata(seed)))
        return false;
    s->recovered = seed->recovers != NULL;
    if (seed->recovers && vgw_json_set_string(s->variables, "recovered_from", seed->recovers) != VGW_OK)
        return false;
    if (!seed->variables)
        return true;
    struct vgw_json *copy = vgw_json_copy(seed->variables);
    if (!copy)
        return false;
    if (seed->recovers && vgw_json_set_string(copy, "recovered_from", seed->recovers) != VGW_OK) {
        vgw_json_free(copy);
        return false;
    }
    vgw_json_free(s->variables);
    s->variables = copy;
    return true;
}

static bool join(struct vgw_session *s, struct vgw_call *call, const struct vgw_call_seed *seed)
{
    char key[VGW_PROVIDER_KEY_MAX];
    call->session = s;
    call->ring_timeout_us = seed->ring_timeout_us;
    vgw_list_append(&s->call_list, &call->in_session);
    call->scope = (struct vgw_log_scope){
        .session = s->session_id, .call = call->call_id, .provider = call->provider, .plugin = call->plugin};
    if (seed->provider_call_id && (!(call->provider_call_id = vgw_strdup(seed->provider_call_id)) ||
                                   !vgw_provider_key(call->provider, call->provider_call_id, key) ||
                                   vgw_map_set(s->calls->by_provider, key, call) != VGW_OK))
        return false;
    /* Settings that give the times are the instance's. */
    call->instance = seed->instance;
    bool armed = vgw_call_arm(call) == VGW_OK;
    call->instance = NULL;
    return armed;
}

int vgw_call_make(struct vgw_calls *calls, const struct vgw_call_seed *seed, struct vgw_call **ret_call,
                  struct vgw_error *err)
{
    char session_id[VGW_ID_MAX];
    const char *channel = vgw_streq(seed->transport, "webrtc") ? "webrtc" : "phone";
    struct vgw_session *s = NULL;
    struct vgw_call *call = call_new(calls, seed);
    if (!call)
        return vgw_error_nomem(err);
    const char *id = seed->provider_call_id ? seed->provider_call_id : call->call_id;
    if (seed->recovers)
        recovered_id(calls, seed->recovers, session_id);
    else if (seed->session_id && *seed->session_id && plain_id(seed->session_id) &&
             strlen(seed->session_id) < VGW_ID_MAX)
        vgw_strcopy(session_id, sizeof session_id, seed->session_id);
    else
        session_id_for(&calls->env, call->plugin, id, session_id);
    if (vgw_map_has(calls->by_session, session_id)) {
        vgw_call_free(call);
        return vgw_error_set(err, VGW_EBUSY, "the session %s belongs to another call", session_id);
    }
    s = vgw_session_make(calls, session_id, channel, seed->direction);
    if (!s || !fill_session(s, call, seed) || !join(s, call, seed)) {
        if (!s || !call->session)
            vgw_call_free(call);
        vgw_session_free(s);
        return vgw_error_nomem(err);
    }
    vgw_json_compact(s->transport_metadata);
    vgw_json_compact(s->variables);
    call->instance = seed->instance;
    call->plan = seed->plan;
    call->route = seed->route;
    s->snapshot = seed->snapshot;
    vgw_list_append(&calls->live, &call->link);
    calls->call_count++;
    s->live_calls++;
    *ret_call = call;
    return VGW_OK;
}

void vgw_call_announce(struct vgw_call *call)
{
    vgw_session_announce(call->session, call);
    vgw_calls_journal(call->calls, "call", vgw_call_to_json(call));
}

/* extra.c - conferences and text messages: operations to a provider's extensions, and what the provider tells of them.
 * A message is remembered until its provider has said the last word about it, or newer ones need the place. */
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "host/host_private.h"

#define OWN_OP (UINT64_C(1) << 63) /* operations of calls never have this bit */
#define MESSAGES_MAX 1000
#define SEND_TIMEOUT_US (30 * VGW_US_PER_S)

/* ---- conferences ---- */

static int conference_op(const struct voicegw_provider_conference *x, void *i, uint64_t op, uint64_t call,
                         const char *name, const struct vgw_json *params)
{
    const char *verb = vgw_json_get_string(params, "participant", "join");
    bool mute = vgw_streq(verb, "mute"), hold = vgw_streq(verb, "hold");
    if (vgw_streq(verb, "join")) {
        char *text = vgw_json_text(params, false);
        int rc = x->join ? x->join(i, op, call, name, text) : VOICEGW_EUNSUPPORTED;
        vgw_free(text);
        return rc;
    }
    if (mute || vgw_streq(verb, "unmute"))
        return x->mute ? x->mute(i, op, call, name, mute) : VOICEGW_EUNSUPPORTED;
    if (hold || vgw_streq(verb, "resume"))
        return x->hold ? x->hold(i, op, call, name, hold) : VOICEGW_EUNSUPPORTED;
    if (vgw_streq(verb, "kick"))
        return x->kick ? x->kick(i, op, call, name) : VOICEGW_EUNSUPPORTED;
    if (vgw_streq(verb, "leave"))
        return x->leave ? x->leave(i, op, call, name) : VOICEGW_EUNSUPPORTED;
    return VOICEGW_EINVALID;
}

int vgw_host_conference_op(struct vgw_instance *instance, uint64_t op, uint64_t call, const struct vgw_json *params)
{
    const struct voicegw_provider_conference *x = vgw_instance_extension(instance, VOICEGW_KIND_PROVIDER_CONFERENCE);
    const char *name = vgw_json_get_string(params, "name", "");
    return x ? conference_op(x, instance->plugin_instance, op, call, name, params) : VOICEGW_EUNSUPPORTED;
}

struct conference_news {
    struct vgw_host *host;
    uint64_t call;
    uint32_t event;
    char *name;
    struct vgw_json *data;
};

static void news_free(struct conference_news *n)
{
    vgw_free(n->name);
    vgw_json_free(n->data);
    vgw_free(n);
}

static void conference_run(void *arg)
{
    static const char *const types[] = {NULL,
                                        "conference_started",
                                        "conference_ended",
                                        "conference_joined",
                                        "conference_left",
                                        "conference_held",
                                        "conference_resumed",
                                        "conference_muted",
                                        "conference_unmuted",
                                        "conference_kicked"};
    struct conference_news *n = arg;
    const struct vgw_host_env *env = &n->host->env;
    struct vgw_call *call = n->call ? vgw_calls_by_handle(env->calls(env->arg), n->call) : NULL;
    vgw_json_set_string(n->data, "conference", n->name);
    env->emit(env->arg, types[n->event], call, n->data);
    n->data = NULL;
    news_free(n);
}

static int32_t on_conference(const struct voicegw_host *h, const char *name, uint64_t call, uint32_t event,
                             const char *data_json)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct conference_news *n;
    if (!name || !name[0] || event < VOICEGW_CONFERENCE_STARTED || event > VOICEGW_CONFERENCE_KICKED)
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "a conference has a name, and its events are VOICEGW_CONFERENCE_*");
    if (!VGW_NEW(n))
        return VOICEGW_ELIMIT;
    *n = (struct conference_news){
        .host = hi->host, .call = call, .event = event, .name = vgw_strdup(name), .data = vgw_host_json(data_json)};
    if (vgw_json_type(n->data) != VGW_JSON_OBJECT) {
        vgw_json_free(n->data);
        n->data = vgw_json_object();
    }
    int rc = n->name && n->data ? vgw_host_to_control(hi, conference_run, n) : VOICEGW_ELIMIT;
    if (rc < 0)
        news_free(n);
    return rc;
}

const struct voicegw_host_conference vgw_host_conference_table = {.size = sizeof vgw_host_conference_table,
                                                                  .on_conference = on_conference};

/* ---- text messages, going out ---- */

struct message {
    struct vgw_list link;
    struct vgw_host *host;
    struct vgw_instance *instance; /* a reference */
    uint64_t number;
    char id[VGW_ID_MAX];
    char *to, *from, *provider_message_id;
    struct vgw_timer deadline;
    void (*done)(void *arg, int status, const char *sentence, const struct vgw_json *result); /* NULL: answered */
    void *arg;
    uint32_t status; /* the newest that was told */
    bool answered;
};

static void message_free(struct message *m)
{
    const struct vgw_host_env *env = &m->host->env;
    vgw_list_remove(&m->link);
    vgw_timer_stop(&m->deadline);
    m->host->message_count--;
    if (m->instance)
        vgw_registry_release(env->registry(env->arg), m->instance);
    vgw_free(m->to);
    vgw_free(m->from);
    vgw_free(m->provider_message_id);
    vgw_free(m);
}

static struct message *message_find(struct vgw_host *host, uint64_t number)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->messages) {
        struct message *m = VGW_CONTAINER_OF(at, struct message, link);
        if (m->number == number)
            return m;
    }
    return NULL;
}

static void message_answer(struct message *m, int status, const char *sentence)
{
    void (*done)(void *arg, int status, const char *sentence, const struct vgw_json *result) = m->done;
    struct vgw_json *result = NULL;
    m->done = NULL;
    m->answered = true;
    vgw_timer_stop(&m->deadline);
    if (!done)
        return;
    if (status == 0 && (result = vgw_json_object())) {
        vgw_json_set_string(result, "message_id", m->id);
        vgw_json_set_string(result, "provider_message_id", m->provider_message_id);
        vgw_json_set_string(result, "status", "accepted");
    }
    done(m->arg, status, sentence, result);
    vgw_json_free(result);
}

static void on_deadline(void *arg)
{
    struct message *m = arg;
    message_answer(m, VGW_ETIMEOUT, "the provider did not answer within 30 s whether it takes the message");
    message_free(m);
}

bool vgw_host_message_complete(struct vgw_host *host, uint64_t op, int status, const char *sentence,
                               const struct vgw_json *result)
{
    if (!(op & OWN_OP))
        return false;
    struct message *m = message_find(host, op & ~OWN_OP);
    if (!m || m->answered) {
        vgw_metric_dropped("op_unknown");
        return true;
    }
    const char *id = vgw_json_get_string(result, "provider_message_id", NULL);
    if (id && !m->provider_message_id)
        m->provider_message_id = vgw_strdup(id);
    message_answer(m, status, status && (!sentence || !sentence[0]) ? vgw_status_info(status)->name : sentence);
    if (status < 0 || m->status >= VOICEGW_SMS_DELIVERED)
        message_free(m);
    return true;
}

/* Room for one more: the oldest that has its answer goes. */
static bool make_room(struct vgw_host *host)
{
    struct vgw_list *at, *next;
    if (host->message_count < MESSAGES_MAX)
        return true;
    VGW_LIST_EACH (at, next, &host->messages) {
        struct message *m = VGW_CONTAINER_OF(at, struct message, link);
        if (m->answered) {
            message_free(m);
            return true;
        }
    }
    return false;
}

static struct message *message_new(struct vgw_host *host, struct vgw_instance *instance,
                                   const struct vgw_host_message *what)
{
    struct message *m;
    if (!make_room(host) || !VGW_NEW(m))
        return NULL;
    m->host = host;
    m->number = ++host->last_message;
    vgw_id_make("msg", vgw_wall(host->env.control), NULL, m->id);
    vgw_timer_init(&m->deadline, host->env.control, on_deadline, m);
    vgw_list_append(&host->messages, &m->link);
    host->message_count++;
    m->instance = vgw_registry_ref(instance);
    m->to = vgw_strdup(what->to);
    m->from = vgw_strdup(what->from ? what->from : "");
    if (!m->to || !m->from || vgw_timer_start(&m->deadline, SEND_TIMEOUT_US) < 0) {
        message_free(m);
        return NULL;
    }
    return m;
}

int vgw_host_message_send(struct vgw_host *host, struct vgw_instance *instance, const struct vgw_host_message *what,
                          void (*done)(void *arg, int status, const char *sentence, const struct vgw_json *result),
                          void *arg, uint64_t *ret_number, struct vgw_error *err)
{
    const struct voicegw_provider_sms *x = vgw_instance_extension(instance, VOICEGW_KIND_PROVIDER_SMS);
    struct voicegw_sms sms = {
        .size = sizeof sms, .to = what->to, .from = what->from ? what->from : "", .text = what->text};
    if (!x || !x->send)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider '%s' cannot send text messages", instance->name);
    struct message *m = message_new(host, instance, what);
    if (!m)
        return vgw_error_set(err, VGW_ELIMIT, "%d text messages are under way, no more can be sent now", MESSAGES_MAX);
    uint64_t number = m->number;
    m->done = done;
    m->arg = arg;
    vgw_host_clear_error();
    int rc = x->validate ? x->validate(instance->plugin_instance, &sms) : 0;
    if (rc == 0)
        rc = x->send(instance->plugin_instance, OWN_OP | number, number, &sms);
    if (rc == 0) {
        *ret_number = number;
        return 0;
    }
    const char *sentence = vgw_host_last_error();
    vgw_error_set(err, rc, "%s", sentence[0] ? sentence : "the provider refused the message");
    message_free(m);
    return rc;
}

void vgw_host_message_abandon(struct vgw_host *host, uint64_t number)
{
    struct message *m = message_find(host, number);
    if (m)
        m->done = NULL;
}

void vgw_host_messages_end(struct vgw_host *host)
{
    while (!vgw_list_empty(&host->messages)) {
        struct message *m = VGW_CONTAINER_OF(host->messages.next, struct message, link);
        message_answer(m, VGW_EBUSY, "the gateway is ending");
        message_free(m);
    }
}

/* ---- what a provider tells of messages ---- */

struct message_news {
    struct vgw_host *host;
    uint64_t number; /* 0: one that came in */
    uint32_t status;
    char *id, *cause, *to, *from, *text;
};

static void message_news_free(struct message_news *n)
{
    vgw_free(n->id);
    vgw_free(n->cause);
    vgw_free(n->to);
    vgw_free(n->from);
    vgw_free(n->text);
    vgw_free(n);
}

static void tell_received(const struct message_news *n)
{
    const struct vgw_host_env *env = &n->host->env;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "provider_message_id", n->id);
    vgw_json_set_string(o, "from", n->from);
    vgw_json_set_string(o, "to", n->to);
    vgw_json_set_string(o, "text", n->text);
    env->emit(env->arg, "message_received", NULL, o);
}

static void tell_status(const struct message_news *n, struct message *m)
{
    static const char *const words[] = {"", "accepted", "sent", "delivered", "failed"};
    static const char *const types[] = {"", "message_accepted", "message_sent", "message_delivered", "message_failed"};
    const struct vgw_host_env *env = &n->host->env;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "message_id", m->id);
    vgw_json_set_string(o, "provider_message_id", m->provider_message_id ? m->provider_message_id : n->id);
    vgw_json_set_string(o, "to", m->to);
    vgw_json_set_string(o, "from", m->from);
    vgw_json_set_string(o, "status", words[n->status]);
    if (n->cause)
        vgw_json_set_string(o, "cause", n->cause);
    m->status = n->status;
    env->emit(env->arg, types[n->status], NULL, o);
}

static void message_run(void *arg)
{
    struct message_news *n = arg;
    struct message *m = n->number ? message_find(n->host, n->number) : NULL;
    if (!n->number) {
        tell_received(n);
    } else if (!m || n->status <= m->status) {
        vgw_metric_dropped("late_report");
    } else {
        uint64_t number = m->number;
        tell_status(n, m);
        m = message_find(n->host, number);
        if (m && m->answered && m->status >= VOICEGW_SMS_DELIVERED)
            message_free(m);
    }
    message_news_free(n);
}

static int32_t news_send(const struct voicegw_host *h, const struct message_news *like)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct message_news *n;
    if (!VGW_NEW(n))
        return VOICEGW_ELIMIT;
    *n = (struct message_news){.host = hi->host,
                               .number = like->number,
                               .status = like->status,
                               .id = vgw_strdup(like->id),
                               .cause = vgw_strdup(like->cause),
                               .to = vgw_strdup(like->to),
                               .from = vgw_strdup(like->from),
                               .text = vgw_strdup(like->text)};
    int rc = vgw_host_to_control(hi, message_run, n);
    if (rc < 0)
        message_news_free(n);
    return rc;
}

static int32_t on_sms(const struct voicegw_host *h, uint64_t message, const char *provider_message_id, uint32_t status,
                      const char *cause)
{
    if (message == 0 || status < VOICEGW_SMS_ACCEPTED || status > VOICEGW_SMS_FAILED)
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a message's status is one of VOICEGW_SMS_*");
    return news_send(h, &(struct message_news){.number = message,
                                               .status = status,
                                               .id = (char *)(uintptr_t)provider_message_id,
                                               .cause = (char *)(uintptr_t)cause});
}

static int32_t on_sms_received(const struct voicegw_host *h, const char *provider_message_id,
                               const struct voicegw_sms *sms)
{
    if (!provider_message_id || !sms || !sms->from || !sms->text)
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a message that came in has an id, a sender and a text");
    return news_send(h, &(struct message_news){.id = (char *)(uintptr_t)provider_message_id,
                                               .to = (char *)(uintptr_t)(sms->to ? sms->to : ""),
                                               .from = (char *)(uintptr_t)sms->from,
                                               .text = (char *)(uintptr_t)sms->text});
}

const struct voicegw_host_sms vgw_host_sms_table = {
    .size = sizeof vgw_host_sms_table, .on_sms = on_sms, .on_sms_received = on_sms_received};

/* dial.c - an attempt that stands in the store becomes a call, and the call's end becomes the message's. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/inside.h"
#include "voicegw/plugin.h"

static const char *text(const struct vgw_json *row, const char *name)
{
    return vgw_json_get_string(row, name, NULL);
}

/* ---- events ---- */

void vgw_item_emit(struct vgw_item *item, const char *type, const struct vgw_attempt_result *result)
{
    static const char *const same[] = {"message_id", "thread_id", "campaign_id", "lead_id", "channel", "voice_config"};
    struct vgw_json *data = vgw_json_object();
    const char *call = result && result->call_id ? result->call_id : item->call_id[0] ? item->call_id : NULL;
    struct vgw_event_about about = {.call_id = call,
                                    .session_id = result ? result->session_id : NULL,
                                    .provider = item->provider[0] ? item->provider : NULL,
                                    .project_id = text(item->row, "project_id")};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (text(item->row, same[i]))
            vgw_json_set_string(data, same[i], text(item->row, same[i]));
    vgw_json_set_string(data, "to", text(item->row, "to_number"));
    vgw_json_set_string(data, "status", text(item->row, "status"));
    vgw_json_set_int(data, "attempt", vgw_json_get_int(item->row, "attempts", 0));
    if (result) {
        vgw_json_set_string(data, "outcome", vgw_attempt_outcome_name(result->outcome));
        vgw_json_set_string(data, "cause", result->error);
        vgw_json_set_string(data, "error_class", result->error_class);
    }
    vgw_bus_publish(item->d->env.bus, vgw_event_new(type, &about, data, 0));
}

/* ---- settling ---- */

static void count_outcome(const struct vgw_item *item, const struct vgw_attempt_result *r, bool again)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_delivery_attempts_total",
                                     "Attempts to deliver a message by provider and outcome", "provider outcome"),
                   1, item->provider, vgw_attempt_outcome_name(r->outcome), NULL);
    if (!again)
        vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_messages_total",
                                         "Messages that have their final status", "status error_class"),
                       1, text(item->row, "status"), r->error_class ? r->error_class : "", NULL);
}

void vgw_item_settle(struct vgw_item *item, struct vgw_attempt_result *r, struct vgw_json *ops)
{
    struct vgw_delivery *d = item->d;
    const struct vgw_profile *p = item->profile;
    int64_t wall_us = vgw_wall(d->env.loop), due_us = wall_us;
    struct vgw_retry_answer answer =
        vgw_attempt_decide(item->row, &item->settings->retry, r, p ? (uint32_t)p->platform_count : 1, &d->rng);
    if (answer.again)
        due_us = vgw_delivery_open_from(d, item->row, wall_us + answer.after_us);
    int64_t due_here_us = vgw_now(d->env.loop) + (due_us - wall_us);
    if (answer.again)
        vgw_queue_due(item->queue, due_here_us);
    d->busy = true;
    if (vgw_attempt_settle(item->row, d->owner, r, &answer, due_us, wall_us, ops) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "memory is short: a message's end is not written", "message", item->message_id,
                NULL);
    if (r->call_id && r->cost < 0)
        vgw_price_awaited(d, r->call_id, item->message_id);
    count_outcome(item, r, answer.again);
    if (r->cost > 0)
        vgw_day_spent(d, r->cost);
    if (item->queue->campaign && r->cost > 0)
        vgw_campaign_spent(item->queue->campaign, r->cost);
    if (item->queue->campaign && item->queue->held == 1 && !d->refreshing)
        vgw_timer_start(&d->campaign_timer, VGW_DELIVERY_HINT_US); /* this may have been its last */
    static const char *const types[] = {"message_delivered", "message_retrying", "message_failed"};
    vgw_item_emit(item, types[r->outcome == VGW_ATTEMPT_DELIVERED ? 0 : answer.again ? 1 : 2], r);
    vgw_item_free(item);
    vgw_pump_soon(d, 0);
}

static void settle_now(struct vgw_item *item, struct vgw_attempt_result *r)
{
    struct vgw_delivery *d = item->d;
    struct vgw_json *ops = vgw_json_array();
    vgw_item_settle(item, r, ops);
    vgw_delivery_write(d, ops);
}

void vgw_item_refuse(struct vgw_item *item, const char *error_class, const char *sentence)
{
    struct vgw_attempt_result r = {
        .outcome = VGW_ATTEMPT_REFUSED, .error = sentence, .error_class = error_class, .cost = -1};
    settle_now(item, &r);
}

static void report_breaker(struct vgw_item *item, bool failed)
{
    struct vgw_delivery *d = item->d;
    struct vgw_delivery_gauge *g = vgw_delivery_gauge_of(d, item->provider);
    int64_t now_us = vgw_now(d->env.loop);
    if (!g)
        return;
    enum vgw_breaker_state before = vgw_breaker_state(&g->breaker, now_us);
    vgw_breaker_report(&g->breaker, failed, now_us);
    enum vgw_breaker_state after = vgw_breaker_state(&g->breaker, now_us);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_delivery_breaker",
                                     "1 while a provider is left alone after errors", "provider"),
                   after == VGW_BREAKER_CLOSED ? 0 : 1, item->provider, NULL, NULL);
    if (before == VGW_BREAKER_CLOSED && after != VGW_BREAKER_CLOSED)
        vgw_log(VGW_LOG_WARNING, NULL, "a provider failed too often in a row and is left alone for a while", "provider",
                item->provider, NULL);
}

/* Whose fault is an error of this class? */
static bool provider_fault(const char *error_class)
{
    static const char *const ours[] = {"validation", "configuration", "unsupported", "not_found", "internal"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (vgw_streq(error_class, ours[i]))
            return false;
    return true;
}

/* The call was not even begun: the error's class says what follows. */
static void refused_by_provider(struct vgw_item *item, int status, const char *sentence)
{
    const struct vgw_status_info *info = vgw_status_info(status);
    bool ours = status == VGW_EINVALID;
    struct vgw_attempt_result r = {.outcome = ours ? VGW_ATTEMPT_REFUSED : VGW_ATTEMPT_PROVIDER_ERROR,
                                   .retryable = info->retryable || status == VGW_ENETWORK || status == VGW_ETIMEOUT ||
                                                status == VGW_EPROVIDER,
                                   .error = sentence,
                                   .error_class = info->error_class,
                                   .cost = -1};
    report_breaker(item, provider_fault(info->error_class));
    settle_now(item, &r);
}

/* ---- text messages ---- */

struct texting {
    struct vgw_delivery *d;
    char message_id[VGW_ID_MAX];
};

static void on_texted(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct texting *t = arg;
    struct vgw_delivery *d = t->d;
    struct vgw_item *item = vgw_delivery_back(d) ? vgw_map_get(d->held, t->message_id) : NULL;
    vgw_free(t);
    if (!item)
        return;
    if (status < 0) {
        refused_by_provider(item, status, sentence);
        return;
    }
    struct vgw_attempt_result r = {.outcome = VGW_ATTEMPT_DELIVERED, .cost = -1};
    report_breaker(item, false);
    settle_now(item, &r);
}

static void send_text(struct vgw_item *item)
{
    struct vgw_delivery *d = item->d;
    struct texting *t = NULL;
    struct vgw_error err = {0};
    int rc = d->env.send_sms && VGW_NEW(t) ? 0 : vgw_error_set(&err, VGW_EUNSUPPORTED, "no text messages can be sent");
    if (rc == 0 && t) {
        t->d = d;
        vgw_strcopy(t->message_id, sizeof t->message_id, item->message_id);
        d->requests++;
        rc = d->env.send_sms(d->env.arg, item->provider, text(item->row, "to_number"), item->from,
                             vgw_json_get_string(item->row, "content", ""), on_texted, t, &err);
    }
    if (rc == 0) {
        vgw_item_emit(item, "message_sent", NULL);
        return;
    }
    d->requests -= t != NULL;
    vgw_free(t);
    refused_by_provider(item, rc, err.text);
}

/* ---- calls ---- */

static const char *of_spec(const struct vgw_item *item, const char *name, const char *profile)
{
    return vgw_json_get_string(vgw_json_get(item->row, "spec"), name, profile);
}

static const char *machine_word(enum vgw_machine_policy policy)
{
    return policy == VGW_MACHINE_LEAVE_MESSAGE ? "leave_message" : policy == VGW_MACHINE_RETRY ? "retry" : "hang_up";
}

/* What a provider that runs the conversation itself needs; see voicegw_call_params.route_json. */
static struct vgw_json *platform_of(const struct vgw_item *item)
{
    const struct vgw_profile *p = item->profile;
    struct vgw_json *o = vgw_json_object();
    const char *voice = of_spec(item, "voice_id", p->voice_id), *language = of_spec(item, "language", p->language);
    if (text(item->row, "content"))
        vgw_json_set_string(o, "content", text(item->row, "content"));
    if (voice)
        vgw_json_set_string(o, "voice_id", voice);
    if (language)
        vgw_json_set_string(o, "language", language);
    if (p->max_duration_us)
        vgw_json_set_double(o, "max_duration", (double)p->max_duration_us / (double)VGW_US_PER_S);
    vgw_json_set_bool(o, "record_call", p->record_call);
    vgw_json_set_string(o, "machine", machine_word(p->machine));
    if (p->platform_config)
        vgw_json_set(o, "platform_config", vgw_json_copy(p->platform_config));
    return o;
}

static struct vgw_json *variables_of(const struct vgw_item *item)
{
    static const char *const same[] = {"message_id", "thread_id", "campaign_id", "content", "message_type"};
    struct vgw_json *o = vgw_json_object();
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (text(item->row, same[i]))
            vgw_json_set_string(o, same[i], text(item->row, same[i]));
    if (vgw_json_get(item->row, "metadata"))
        vgw_json_set(o, "metadata", vgw_json_copy(vgw_json_get(item->row, "metadata")));
    return o;
}

/* The call's id is known now: whoever looks at the message finds it. */
static void write_call(struct vgw_item *item, const struct vgw_call *call)
{
    struct vgw_delivery *d = item->d;
    struct vgw_json *op = vgw_json_object(), *values = vgw_json_object();
    vgw_json_set_string(item->row, "call_id", call->call_id);
    vgw_json_set_string(item->row, "session_id", call->session->session_id);
    vgw_json_set_string(values, "call_id", call->call_id);
    vgw_json_set_string(values, "session_id", call->session->session_id);
    vgw_json_set_string(op, "op", "update");
    vgw_json_set_string(op, "table", "messages");
    vgw_json_set(op, "key", vgw_message_key("message_id", item->message_id));
    vgw_json_set(op, "guard", vgw_message_key("node", d->owner));
    vgw_json_set_int(vgw_json_get(op, "guard"), "attempts", vgw_json_get_int(item->row, "attempts", 0));
    vgw_json_set(op, "values", values);
    vgw_store_write(d->env.store, op, VGW_STORE_JOURNALLED, NULL);
}

static void on_record_missing(void *arg)
{
    struct vgw_item *item = arg;
    char currency[8];
    vgw_strcopy(currency, sizeof currency, item->currency);
    struct vgw_attempt_result r = {.outcome = item->outcome,
                                   .retryable = true,
                                   .error = item->error[0] ? item->error : NULL,
                                   .error_class = item->error_class,
                                   .call_id = item->call_id,
                                   .session_id = text(item->row, "session_id"),
                                   .currency = item->priced ? currency : NULL,
                                   .cost = item->priced ? item->price : -1};
    settle_now(item, &r);
}

static void place(struct vgw_item *item)
{
    struct vgw_delivery *d = item->d;
    const struct vgw_profile *p = item->profile;
    struct vgw_json *variables = variables_of(item), *platform = platform_of(item);
    struct vgw_call *call = NULL;
    struct vgw_error err = {0};
    struct vgw_outgoing out = {.to = text(item->row, "to_number"),
                               .from = item->from,
                               .provider = item->provider,
                               .project_id = text(item->row, "project_id"),
                               .lead_id = text(item->row, "lead_id"),
                               .workflow = p->workflow,
                               .assistant = p->assistant,
                               .greeting = p->assistant ? text(item->row, "content") : NULL,
                               .language = of_spec(item, "language", p->language),
                               .variables = variables,
                               .ring_timeout_us = p->ring_timeout_us,
                               .max_duration_us = p->max_duration_us,
                               .record = p->record_call,
                               .platform = platform};
    int rc = vgw_calls_place(d->env.calls, &out, &call, &err);
    vgw_json_free(variables);
    vgw_json_free(platform);
    if (rc == VGW_ELIMIT) { /* the gateway is full: nobody was called, so it is no attempt */
        struct vgw_json *ops = vgw_json_array();
        int64_t wall_us = vgw_wall(d->env.loop);
        vgw_attempt_take_back(item->row, d->owner, wall_us + VGW_DELIVERY_RELEASE_US, wall_us, ops);
        vgw_queue_due(item->queue, vgw_now(d->env.loop) + VGW_DELIVERY_RELEASE_US);
        vgw_delivery_write(d, ops);
        vgw_item_free(item);
        return;
    }
    if (rc < 0) {
        refused_by_provider(item, rc, err.text);
        return;
    }
    vgw_strcopy(item->call_id, sizeof item->call_id, call->call_id);
    vgw_map_set(d->calls, item->call_id, item);
    vgw_timer_init(&item->timer, d->env.loop, on_record_missing, item);
    write_call(item, call);
    vgw_item_emit(item, "message_sent", NULL);
}

void vgw_item_dial(struct vgw_item *item)
{
    if (item->sms)
        send_text(item);
    else
        place(item);
}

/* ---- the call's life ---- */

static bool by_machine(const char *answered_by)
{
    return answered_by && (vgw_starts_with(answered_by, "machine") || vgw_starts_with(answered_by, "voicemail") ||
                           vgw_starts_with(answered_by, "answering_machine") || vgw_streq(answered_by, "fax"));
}

struct saying {
    struct vgw_delivery *d;
    char call_id[VGW_ID_MAX];
};

static void hang_up(struct vgw_delivery *d, const char *call_id)
{
    struct vgw_call *call = vgw_calls_find(d->env.calls, call_id);
    struct vgw_error err;
    if (call)
        vgw_calls_command(d->env.calls, call, VGW_CMD_END, NULL, false, NULL, NULL, &err);
}

static void on_said(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct saying *s = arg;
    struct vgw_delivery *d = s->d;
    struct vgw_item *item = vgw_delivery_back(d) ? vgw_map_get(d->calls, s->call_id) : NULL;
    if (item && status == 0) {
        item->said = true;
    } else if (item && !item->error[0]) {
        vgw_strcopy(item->error, sizeof item->error, sentence && *sentence ? sentence : "the content was not said");
        item->error_class = vgw_status_info(status)->error_class;
    }
    if (item)
        hang_up(d, s->call_id);
    vgw_free(s);
}

static void say(struct vgw_item *item, struct vgw_call *call)
{
    struct vgw_delivery *d = item->d;
    struct vgw_json *params = vgw_json_object();
    const char *voice = of_spec(item, "voice_id", item->profile->voice_id),
               *language = of_spec(item, "language", item->profile->language);
    struct saying *s = NULL;
    struct vgw_error err = {0};
    vgw_json_set_string(params, "text", vgw_json_get_string(item->row, "content", ""));
    vgw_json_set_bool(params, "interruptible", false);
    if (voice)
        vgw_json_set_string(params, "voice", voice);
    if (language)
        vgw_json_set_string(params, "language", language);
    int rc = params && VGW_NEW(s) ? 0 : vgw_error_nomem(&err);
    if (rc == 0 && s) {
        s->d = d;
        vgw_strcopy(s->call_id, sizeof s->call_id, item->call_id);
        rc = vgw_calls_command(d->env.calls, call, VGW_CMD_SAY, params, true, on_said, s, &err);
    }
    vgw_json_free(params);
    if (rc == 0) {
        d->requests++;
        return;
    }
    vgw_free(s);
    vgw_strcopy(item->error, sizeof item->error, err.text);
    item->error_class = vgw_status_info(rc)->error_class;
    hang_up(d, item->call_id);
}

static void on_answered(struct vgw_item *item)
{
    struct vgw_call *call = vgw_calls_find(item->d->env.calls, item->call_id);
    if (!call)
        return;
    report_breaker(item, false);
    item->machine = by_machine(call->answered_by);
    if (call->caps & VOICEGW_CAP_CONVERSATION)
        return;
    if (item->machine && item->profile->machine != VGW_MACHINE_LEAVE_MESSAGE)
        hang_up(item->d, item->call_id);
    else if (!item->profile->workflow && !item->profile->assistant)
        say(item, call);
}

/* The provider has found it out while the content was being said. */
static void on_machine(struct vgw_item *item, const char *answered_by)
{
    const struct vgw_call *call = vgw_calls_find(item->d->env.calls, item->call_id);
    if (!by_machine(answered_by) || item->over)
        return;
    item->machine = true;
    if (call && !(call->caps & VOICEGW_CAP_CONVERSATION) && item->profile->machine != VGW_MACHINE_LEAVE_MESSAGE)
        hang_up(item->d, item->call_id);
}

/* How it came out, from the call as it stands at its end. */
static enum vgw_attempt_outcome outcome_of(const struct vgw_item *item, const struct vgw_call *call)
{
    bool led = item->profile->workflow || item->profile->assistant || (call->caps & VOICEGW_CAP_CONVERSATION);
    bool faulty =
        provider_fault(call->error_class) && !(vgw_streq(call->error_class, "provider") && call->provider_call_id);
    switch (call->outcome) {
    case VGW_OUTCOME_COMPLETED:
        if ((item->machine || by_machine(call->answered_by)) && item->profile->machine != VGW_MACHINE_LEAVE_MESSAGE)
            return VGW_ATTEMPT_VOICEMAIL;
        return led || item->said ? VGW_ATTEMPT_DELIVERED : VGW_ATTEMPT_FAILED;
    case VGW_OUTCOME_BUSY:
        return VGW_ATTEMPT_BUSY;
    case VGW_OUTCOME_NO_ANSWER:
        return VGW_ATTEMPT_NO_ANSWER;
    case VGW_OUTCOME_FAILED:
        return call->error_class && faulty ? VGW_ATTEMPT_PROVIDER_ERROR : VGW_ATTEMPT_FAILED;
    default:
        return VGW_ATTEMPT_FAILED;
    }
}

static void on_over(struct vgw_item *item)
{
    struct vgw_delivery *d = item->d;
    const struct vgw_call *call = vgw_calls_find(d->env.calls, item->call_id);
    if (item->over)
        return;
    item->over = true;
    item->outcome = call ? outcome_of(item, call) : VGW_ATTEMPT_FAILED;
    bool good = item->outcome == VGW_ATTEMPT_DELIVERED;
    if (call && !good && !item->error[0] && call->cause)
        vgw_strcopy(item->error, sizeof item->error, call->cause);
    if (call && !good && !item->error_class)
        item->error_class = call->error_class;
    if (item->outcome == VGW_ATTEMPT_PROVIDER_ERROR)
        report_breaker(item, true);
    else if (item->outcome != VGW_ATTEMPT_FAILED)
        report_breaker(item, false);
    vgw_item_release(item);
    vgw_timer_start(&item->timer, VGW_DELIVERY_RECORD_US); /* if it cannot: the lease settles it */
    vgw_pump_soon(d, 0);
}

void vgw_delivery_on_event(void *arg, struct vgw_event *e)
{
    struct vgw_delivery *d = arg;
    struct vgw_item *item = e->about.call_id ? vgw_map_get(d->calls, e->about.call_id) : NULL;
    if (!item || d->ended)
        return;
    if (e->type == VGW_EVENT_CALL_ANSWERED)
        on_answered(item);
    else if (e->type == VGW_EVENT_AMD_RESULT)
        on_machine(item, vgw_json_get_string(vgw_event_data(e), "answered_by", NULL));
    else if (e->type == VGW_EVENT_CALL_ENDED || e->type == VGW_EVENT_CALL_FAILED)
        on_over(item);
}

void vgw_delivery_on_record(struct vgw_delivery *d, const struct vgw_json *record, struct vgw_json *ops)
{
    const struct vgw_json *calls = vgw_json_get(record, "calls"), *shape = vgw_json_at(calls, 0);
    struct vgw_item *item =
        shape && !d->ended ? vgw_map_get(d->calls, vgw_json_get_string(shape, "call_id", "")) : NULL;
    if (!item)
        return;
    on_over(item);
    char call_id[VGW_ID_MAX], error[256], currency[8];
    vgw_strcopy(currency, sizeof currency, item->currency);
    vgw_strcopy(call_id, sizeof call_id, item->call_id);
    vgw_strcopy(error, sizeof error, item->error);
    const struct vgw_json *cost = vgw_json_get(shape, "cost");
    bool machine = item->outcome == VGW_ATTEMPT_VOICEMAIL;
    struct vgw_attempt_result r = {.outcome = item->outcome,
                                   .retryable = true,
                                   .final = machine && item->profile->machine == VGW_MACHINE_HANG_UP,
                                   .canceled = item->canceled,
                                   .error = error[0]  ? error
                                            : machine ? "a machine answered"
                                                      : NULL,
                                   .error_class = item->error_class,
                                   .call_id = call_id,
                                   .session_id = vgw_json_get_string(record, "session_id", NULL),
                                   .transcript = vgw_json_get_string(record, "transcription", NULL),
                                   .answered_by = vgw_json_get_string(shape, "answered_by", NULL),
                                   .currency = item->priced ? currency : vgw_json_get_string(shape, "currency", NULL),
                                   .cost = item->priced ? item->price
                                           : cost       ? vgw_json_as_double(cost, -1)
                                                        : -1};
    vgw_item_settle(item, &r, ops);
}

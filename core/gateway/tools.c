/* tools.c - a call of a voice tool, whoever asks for it: list and policy, schema, run, events, record. */
#include "gateway/tools.h"

#include <string.h>

#include "base/alloc.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"

enum told { TOLD_ARGUMENTS, TOLD_RESULT, TOLD_ERROR };
enum stage { STAGE_QUEUED, STAGE_ASKING, STAGE_RUNNING };
struct vgw_tool_call {
    struct vgw_list link;
    struct vgw_gateway *g;
    char name[65], call_id[VGW_ID_MAX], session_id[VGW_ID_MAX], project_id[VGW_ID_MAX];
    char run_id[VGW_ID_MAX], workflow[65];
    uint64_t turn;
    struct vgw_json *arguments;
    bool sensitive, by_assistant, url_is_constant;
    int caused_by;
    enum stage stage;
    struct vgw_consent consent;
    vgw_action_handle running;
    struct vgw_timer timer;
    bool *gone; /* set when it ends before its starter knows of it; or NULL */
    void (*done)(void *arg, int status, const struct vgw_json *result, const char *sentence);
    void *arg;
};

bool vgw_gateway_tool_known(const struct vgw_gateway *g, const char *name)
{
    const struct vgw_action_desc *d = vgw_action_find(g->actions, name);
    return d && (d->flags & VGW_ACTION_TOOL);
}

static struct vgw_session *session_of(const struct vgw_tool_call *t)
{
    return t->session_id[0] && t->g->calls ? vgw_calls_session_find(t->g->calls, t->session_id) : NULL;
}

static struct vgw_call *call_of(const struct vgw_tool_call *t)
{
    return t->call_id[0] && t->g->calls ? vgw_calls_find(t->g->calls, t->call_id) : NULL;
}

/* ---- what is told ---- */

static void emit(struct vgw_tool_call *t, const char *type, enum told what, struct vgw_json *value)
{
    static const char *const keys[] = {"arguments", "result", "error"};
    struct vgw_gateway *g = t->g;
    struct vgw_json *o = vgw_json_object();
    unsigned before = g->depth;
    vgw_json_set_string(o, "tool", t->name);
    vgw_json_set_int(o, "turn", (int64_t)t->turn);
    if (t->sensitive) {
        vgw_json_free(value);
        value = vgw_json_string("***");
    }
    vgw_json_set(o, keys[what], value);
    g->depth = t->caused_by > 0 ? (unsigned)t->caused_by : 0;
    vgw_gateway_emit(g, type, session_of(t), call_of(t), o);
    g->depth = before;
}

static void start_next(struct vgw_gateway *g, const char *call_id);

static void call_free(struct vgw_tool_call *t)
{
    if (t->gone)
        *t->gone = true;
    vgw_timer_stop(&t->timer);
    vgw_list_remove(&t->link);
    vgw_json_free(t->arguments);
    vgw_free(t);
}

static void finish(struct vgw_tool_call *t, int status, const struct vgw_json *result, const char *sentence)
{
    struct vgw_gateway *g = t->g;
    char call_id[VGW_ID_MAX];
    bool asked = t->stage == STAGE_ASKING;
    void (*done)(void *arg, int status, const struct vgw_json *result, const char *sentence) = t->done;
    void *arg = t->arg;
    struct vgw_buf text;
    vgw_buf_init(&text, VGW_TOOL_RESULT_MAX);
    if (status == 0)
        vgw_json_write(result, &text);
    if (text.failed) {
        status = VGW_ELIMIT;
        sentence = "the tool's result is larger than 64 KiB and was thrown away; ask for less";
    }
    vgw_buf_done(&text);
    if (status < 0 && !(sentence && sentence[0]))
        sentence = "the tool failed";
    emit(t, "voice.tool.finished", status == 0 ? TOLD_RESULT : TOLD_ERROR,
         status == 0 ? vgw_json_copy(result) : vgw_json_string(sentence));
    vgw_strcopy(call_id, sizeof call_id, t->call_id);
    struct vgw_buf kept = {0};
    vgw_buf_adds(&kept, sentence ? sentence : "");
    call_free(t);
    if (done)
        done(arg, status, status == 0 ? result : NULL, status < 0 ? vgw_buf_str(&kept) : NULL);
    vgw_buf_done(&kept);
    if (asked && !g->ending)
        start_next(g, call_id);
}

static void finish_error(struct vgw_tool_call *t, const struct vgw_error *err)
{
    finish(t, err->status < 0 ? err->status : VGW_EINTERNAL, NULL, err->text);
}

/* ---- running ---- */

static void on_action_done(void *arg, vgw_action_handle handle, int status, struct vgw_json *result, const char *error)
{
    struct vgw_tool_call *t = arg;
    t->running = 0;
    finish(t, status, result, error);
}

static void on_timeout(void *arg)
{
    struct vgw_tool_call *t = arg;
    if (t->running)
        vgw_action_cancel(t->g->actions, t->running);
    t->running = 0;
    finish(t, VGW_ETIMEOUT, NULL, "the tool did not answer in time");
}

static void run(struct vgw_tool_call *t)
{
    struct vgw_gateway *g = t->g;
    const struct vgw_action_desc *desc = vgw_action_find(g->actions, t->name);
    struct vgw_session *s = session_of(t);
    struct vgw_error err = {0};
    int64_t timeout_us = desc && desc->default_timeout_us ? desc->default_timeout_us : VGW_TOOL_TIMEOUT_US;
    struct vgw_action_context context = {.call_id = t->call_id[0] ? t->call_id : NULL,
                                         .session_id = t->session_id[0] ? t->session_id : NULL,
                                         .project_id = t->project_id[0] ? t->project_id : NULL,
                                         .run_id = t->run_id[0] ? t->run_id : NULL,
                                         .workflow = t->workflow[0] ? t->workflow : NULL,
                                         .variables = s ? s->variables : NULL,
                                         .caused_by = t->caused_by,
                                         .timeout_us = timeout_us,
                                         .url_is_constant = t->url_is_constant,
                                         .sensitive = t->sensitive};
    t->stage = STAGE_RUNNING;
    if (s)
        vgw_session_tool_used(s, t->name);
    vgw_timer_start(&t->timer, timeout_us);
    vgw_action_handle running = 0;
    int rc = vgw_action_start(g->actions, t->name, t->arguments, &context, on_action_done, t, &running, &err);
    if (rc < 0)
        finish_error(t, &err);
    else if (vgw_action_is_live(g->actions, running)) /* else it is done, and t is gone */
        t->running = running;
}

/* ---- asking the caller ---- */

static void ask(struct vgw_tool_call *t);

static void say_argument(struct vgw_buf *out, const char *key, const struct vgw_json *value)
{
    char *text = vgw_json_str(value) ? NULL : vgw_json_text(value, false);
    const char *said = text ? text : vgw_json_str(value);
    vgw_buf_adds(out, ", ");
    for (; *key; key++)
        vgw_buf_addc(out, *key == '_' ? ' ' : *key);
    vgw_buf_printf(out, " %.100s", said ? said : "");
    vgw_free(text);
}

/* What the caller agrees to is what will run: its arguments are said too. */
static char *question(struct vgw_tool_call *t)
{
    struct vgw_buf b;
    const char *key;
    struct vgw_json *value;
    char *own = vgw_http_tool_question(t->g, t->name, t->arguments);
    vgw_buf_init(&b, 4096);
    vgw_buf_adds(&b, own ? own : "Shall I go ahead: ");
    for (const char *p = own ? "" : t->name; *p; p++)
        vgw_buf_addc(&b, *p == '_' ? ' ' : *p);
    for (size_t i = 0; !own && vgw_json_object_next(t->arguments, &i, &key, &value);)
        say_argument(&b, key, value);
    vgw_buf_adds(&b, own ? " Please say yes, or press 1." : "? Please say yes, or press 1.");
    vgw_free(own);
    return vgw_buf_take(&b);
}

static void on_answer(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct vgw_tool_call *t = arg;
    if (status < 0) {
        finish(t, status, NULL, "the caller could not be asked, so it was not done");
        return;
    }
    switch (vgw_consent_answer(&t->consent, vgw_json_get_string(result, "digits", ""),
                               vgw_json_get_string(result, "text", ""))) {
    case VGW_CONSENT_ASK:
        ask(t);
        return;
    case VGW_CONSENT_YES: {
        char call_id[VGW_ID_MAX];
        struct vgw_gateway *g = t->g;
        vgw_strcopy(call_id, sizeof call_id, t->call_id);
        run(t);
        start_next(g, call_id);
        return;
    }
    case VGW_CONSENT_NO:
        finish(t, VGW_EBUSY, NULL, "the caller was asked and did not agree, so it was not done");
        return;
    case VGW_CONSENT_UNCLEAR:
        finish(t, VGW_EBUSY, NULL, "the caller was asked and did not say yes, so it was not done");
        return;
    }
}

static void ask(struct vgw_tool_call *t)
{
    struct vgw_call *call = call_of(t);
    struct vgw_error err = {0};
    struct vgw_json *p = vgw_json_object(), *phrases = vgw_json_array();
    char *text = question(t);
    t->stage = STAGE_ASKING;
    vgw_json_append_string(phrases, "yes");
    vgw_json_append_string(phrases, "no");
    vgw_json_set_string(p, "prompt", text);
    vgw_json_set_string(p, "input", "speech dtmf");
    vgw_json_set_int(p, "num_digits", 1);
    vgw_json_set_double(p, "timeout", (double)VGW_CONSENT_TIMEOUT_US / (double)VGW_US_PER_S);
    vgw_json_set(p, "phrases", phrases);
    int rc = !call   ? VGW_ENOTFOUND
             : !text ? VGW_ELIMIT
                     : vgw_calls_command(t->g->calls, call, VGW_CMD_GATHER, p, false, on_answer, t, &err);
    vgw_free(text);
    vgw_json_free(p);
    if (rc < 0)
        finish(t, rc, NULL, "there is no caller who could be asked, so it was not done");
}

static bool asking(const struct vgw_gateway *g, const char *call_id)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->tool_calls) {
        const struct vgw_tool_call *t = VGW_CONTAINER_OF(at, const struct vgw_tool_call, link);
        if (t->stage == STAGE_ASKING && vgw_streq(t->call_id, call_id))
            return true;
    }
    return false;
}

/* One question at a time. */
static void start_next(struct vgw_gateway *g, const char *call_id)
{
    struct vgw_list *at, *next;
    if (!call_id[0] || asking(g, call_id))
        return;
    VGW_LIST_EACH (at, next, &g->tool_calls) {
        struct vgw_tool_call *t = VGW_CONTAINER_OF(at, struct vgw_tool_call, link);
        if (t->stage == STAGE_QUEUED && vgw_streq(t->call_id, call_id)) {
            ask(t);
            return;
        }
    }
}

/* ---- what is allowed ---- */

bool vgw_gateway_verified(const struct vgw_session *s)
{
    const struct vgw_json *v = s ? vgw_json_get(s->variables, "verified") : NULL;
    return vgw_streq(vgw_json_str(v), "true") || (vgw_json_type(v) == VGW_JSON_BOOL && vgw_json_as_bool(v, false));
}

static int too_many(const struct vgw_tool_call *t, struct vgw_error *err)
{
    struct vgw_list *at, *next;
    unsigned same = 0;
    VGW_LIST_EACH (at, next, &t->g->tool_calls)
        same += vgw_streq(VGW_CONTAINER_OF(at, struct vgw_tool_call, link)->session_id, t->session_id);
    if (t->session_id[0] && same > VGW_TOOL_CALLS_MAX)
        return vgw_error_set(err, VGW_ELIMIT, "%u tools are under way for this session; wait for them",
                             VGW_TOOL_CALLS_MAX);
    return 0;
}

/* An endless loop of a model ends here. */
static int too_often(struct vgw_tool_call *t, struct vgw_conversation *c, struct vgw_error *err)
{
    if (c && c->tool_turn != t->turn) {
        c->tool_turn = t->turn;
        c->tool_count = 0;
    }
    if (c && ++c->tool_count > VGW_TOOL_TURN_MAX)
        return vgw_error_set(err, VGW_ELIMIT,
                             "no more than %u tools are run in one turn; answer the caller with what is known",
                             VGW_TOOL_TURN_MAX);
    return 0;
}

static enum vgw_tool_verdict judge(struct vgw_tool_call *t, struct vgw_error *err)
{
    struct vgw_session *s = session_of(t);
    struct vgw_call *call = call_of(t);
    struct vgw_conversation *c = call ? vgw_gateway_conversation(t->g, call->handle) : NULL;
    const struct vgw_action_desc *desc = vgw_action_find(t->g->actions, t->name);
    const struct vgw_options *agent = c && c->agent[0] ? vgw_agent_find(t->g, s, c->agent) : NULL;
    if (!desc || !(desc->flags & VGW_ACTION_TOOL)) {
        vgw_error_set(err, VGW_ENOTFOUND, "there is no tool '%s'", t->name);
        return VGW_VERDICT_REFUSE;
    }
    if (!t->by_assistant)
        return VGW_VERDICT_RUN;
    if (too_often(t, c, err) < 0)
        return VGW_VERDICT_REFUSE;
    if (c && c->agent[0] && !agent) {
        vgw_error_set(err, VGW_EUNSUPPORTED, "the agent '%s' is not configured, so it may use no tool", c->agent);
        return VGW_VERDICT_REFUSE;
    }
    enum vgw_tool_policy policy = agent ? vgw_agent_policy(agent, t->name) : VGW_POLICY_ALLOW;
    if (policy != VGW_POLICY_NEVER && (agent ? !vgw_agent_lists(agent, t->name) : desc->flags & VGW_ACTION_LISTED)) {
        vgw_error_set(err, VGW_EUNSUPPORTED, "the tool '%s' is not offered to this assistant", t->name);
        return VGW_VERDICT_REFUSE;
    }
    return vgw_tool_judge(policy, t->name, vgw_gateway_verified(s), err);
}

/* ---- starting ---- */

/* A conversation names no call but its own. */
static struct vgw_json *arguments_of(const struct vgw_tool_request *r)
{
    struct vgw_json *o = r->arguments ? vgw_json_copy(r->arguments) : vgw_json_object();
    const char *key;
    struct vgw_json *value;
    for (size_t i = 0; r->by_assistant && o && vgw_json_object_next(o, &i, &key, &value);)
        if (vgw_action_param_is_own(key)) {
            vgw_json_del(o, key);
            i = 0;
        }
    return o;
}

static struct vgw_tool_call *call_new(struct vgw_gateway *g, const struct vgw_tool_request *r)
{
    struct vgw_tool_call *t;
    const struct vgw_action_context *x = r->context;
    const struct vgw_session *s = r->session ? r->session : r->call ? r->call->session : NULL;
    if (!VGW_NEW(t))
        return NULL;
    t->g = g;
    t->turn = r->turn;
    t->by_assistant = r->by_assistant;
    t->done = r->done;
    t->arg = r->arg;
    t->sensitive = x && x->sensitive;
    t->caused_by = x ? x->caused_by : 0;
    t->url_is_constant = x && x->url_is_constant;
    vgw_strcopy(t->name, sizeof t->name, r->name);
    vgw_strcopy(t->call_id, sizeof t->call_id, r->call ? r->call->call_id : x && x->call_id ? x->call_id : "");
    vgw_strcopy(t->session_id, sizeof t->session_id, s ? s->session_id : x && x->session_id ? x->session_id : "");
    vgw_strcopy(t->project_id, sizeof t->project_id, s ? s->project_id : x && x->project_id ? x->project_id : "");
    vgw_strcopy(t->run_id, sizeof t->run_id, x && x->run_id ? x->run_id : "");
    vgw_strcopy(t->workflow, sizeof t->workflow, x && x->workflow ? x->workflow : "");
    t->arguments = arguments_of(r);
    vgw_timer_init(&t->timer, g->loop, on_timeout, t);
    vgw_list_append(&g->tool_calls, &t->link);
    return t;
}

static int check(struct vgw_tool_call *t, struct vgw_error *err)
{
    struct vgw_buf text;
    vgw_buf_init(&text, VGW_TOOL_ARGUMENTS_MAX);
    vgw_json_write(t->arguments, &text);
    int rc = text.failed ? vgw_error_set(err, VGW_EINVALID, "the arguments are larger than 64 KiB") : too_many(t, err);
    vgw_buf_done(&text);
    return rc == 0 ? vgw_action_check_arguments(t->g->actions, t->name, t->arguments, err) : rc;
}

void vgw_gateway_tool_start(struct vgw_gateway *g, const struct vgw_tool_request *r, struct vgw_tool_call **ret_call)
{
    struct vgw_tool_call *t = call_new(g, r);
    struct vgw_error err = {0};
    bool gone = false;
    if (ret_call)
        *ret_call = NULL;
    if (!t) {
        if (r->done)
            r->done(r->arg, VGW_ELIMIT, NULL, "out of memory");
        return;
    }
    emit(t, "voice.tool.called", TOLD_ARGUMENTS, vgw_json_copy(t->arguments));
    enum vgw_tool_verdict verdict = judge(t, &err);
    if (verdict == VGW_VERDICT_REFUSE || check(t, &err) < 0) {
        finish_error(t, &err);
        return;
    }
    t->gone = &gone;
    if (verdict == VGW_VERDICT_RUN)
        run(t);
    else
        start_next(g, t->call_id);
    if (gone)
        return;
    t->gone = NULL;
    if (ret_call)
        *ret_call = t;
}

void vgw_gateway_tool_cancel(struct vgw_tool_call *t)
{
    t->done = NULL;
    if (t->running)
        vgw_action_cancel(t->g->actions, t->running);
    t->running = 0;
    if (t->stage == STAGE_ASKING)
        vgw_calls_abandon(t->g->calls, on_answer, t);
    finish(t, VGW_EBUSY, NULL, "nobody waits for it any more");
}

void vgw_gateway_tools_close(struct vgw_gateway *g)
{
    struct vgw_list *at;
    while (g->tool_calls.next && (at = g->tool_calls.next) != &g->tool_calls) {
        struct vgw_tool_call *t = VGW_CONTAINER_OF(at, struct vgw_tool_call, link);
        if (t->stage == STAGE_ASKING && g->calls)
            vgw_calls_abandon(g->calls, on_answer, t);
        if (t->running)
            vgw_action_cancel(g->actions, t->running);
        t->running = 0;
        finish(t, VGW_EBUSY, NULL, "the gateway ends");
    }
}

/* ---- for the API ---- */

struct vgw_json *vgw_gateway_tools(struct vgw_gateway *g)
{
    struct vgw_json *list = vgw_json_array();
    const struct vgw_action_desc *d;
    for (size_t i = 0; vgw_action_next(g->actions, &i, &d);)
        if (d->flags & VGW_ACTION_TOOL)
            vgw_json_append(list, vgw_action_offer(g->actions, d->name, false));
    return list;
}

struct outside { /* who asked by the API */
    vgw_gateway_tool_fn done;
    void *arg;
};

static void outside_done(void *arg, int status, const struct vgw_json *result, const char *sentence)
{
    struct outside *o = arg;
    o->done(o->arg, status, sentence, result);
    vgw_free(o);
}

void vgw_gateway_tool_call(struct vgw_gateway *g, const char *name, const struct vgw_json *arguments,
                           const char *call_id, const char *session_id, const char *project_id,
                           vgw_gateway_tool_fn done, void *arg)
{
    struct outside *o;
    struct vgw_session *s = session_id ? vgw_calls_session_find(g->calls, session_id) : NULL;
    struct vgw_call *call = call_id ? vgw_calls_find(g->calls, call_id) : NULL;
    struct vgw_list *at, *next;
    if (s && !call)
        VGW_LIST_EACH (at, next, &s->call_list)
            if (!VGW_CONTAINER_OF(at, struct vgw_call, in_session)->settled)
                call = VGW_CONTAINER_OF(at, struct vgw_call, in_session);
    if (!VGW_NEW(o)) {
        done(arg, VGW_ELIMIT, "out of memory; try again in a moment", NULL);
        return;
    }
    *o = (struct outside){done, arg};
    struct vgw_action_context context = {.project_id = project_id ? project_id : "default"};
    struct vgw_tool_request r = {.name = name,
                                 .arguments = arguments,
                                 .call = call,
                                 .session = s,
                                 .context = &context,
                                 .done = outside_done,
                                 .arg = o};
    vgw_gateway_tool_start(g, &r, NULL);
}

bool vgw_gateway_agent_known(struct vgw_gateway *g, const char *name)
{
    return vgw_agent_find(g, NULL, name) != NULL;
}

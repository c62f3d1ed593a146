/* acts.c - what people and programs do to the gateway, at random times: calls, commands, workflows, reloads. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "world.h"

struct asked { /* a command that was taken */
    struct vgw_list link;
    struct world *world;
    unsigned told;
    enum vgw_command command;
};

static struct vgw_json *json(const char *text)
{
    struct vgw_json *v = NULL;
    return vgw_json_parse(text, strlen(text), &v, NULL) == 0 ? v : NULL;
}

static struct vgw_calls *calls_of(struct world *w)
{
    return vgw_gateway_rooms(w->gateway).calls;
}

static struct vgw_call *any_call(struct world *w)
{
    struct vgw_calls *calls = calls_of(w);
    uint64_t n = vgw_rng_below(&w->rng, vgw_calls_count(calls));
    struct vgw_call *c = vgw_calls_next(calls, NULL);
    while (c && n--)
        c = vgw_calls_next(calls, c);
    return c;
}

static void check_refusal(struct world *w, const char *what, int rc, const struct vgw_error *err)
{
    if (rc < 0 && !err->text[0])
        world_fail(w, "%s was refused without a sentence (status %d)", what, rc);
}

/* ---- acts ---- */

static void place(struct world *w)
{
    static const char *const numbers[] = {"+15550142", "+15550150", "+15550161", "+15550001",
                                          "+15550002", "+15550003", "+15550777", ""};
    static const char *const providers[] = {NULL, "lab", "wild", "wild", "nobody"};
    static const char *const workflows[] = {NULL, NULL, "greet", "slow", "none"};
    static const char *const who[] = {NULL, "echo", "desk", "back", "none"};
    struct vgw_call *call = NULL;
    struct vgw_error err = {0};
    struct vgw_json *variables = chance(w, 30) ? json("{\"name\":\"Ann\"}") : NULL;
    struct vgw_outgoing out = {.to = numbers[vgw_rng_below(&w->rng, 8)],
                               .provider = providers[vgw_rng_below(&w->rng, 5)],
                               .workflow = workflows[vgw_rng_below(&w->rng, 5)],
                               .variables = variables,
                               .greeting = chance(w, 30) ? "Good day." : NULL};
    if (!out.workflow)
        out.assistant = who[vgw_rng_below(&w->rng, 5)];
    check_refusal(w, "a call", vgw_calls_place(calls_of(w), &out, &call, &err), &err);
    vgw_json_free(variables);
}

static void on_told(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct asked *a = arg;
    if (++a->told > 1)
        world_fail(a->world, "the command %s came back %u times", vgw_command_name(a->command), a->told);
    if (status < 0 && (!sentence || !sentence[0]))
        world_fail(a->world, "the command %s failed (%d) without a sentence", vgw_command_name(a->command), status);
}

/* Starts a command on a call; takes p. */
static void ask(struct world *w, struct vgw_call *call, enum vgw_command command, struct vgw_json *p)
{
    struct vgw_error err = {0};
    struct asked *a;
    if (!VGW_NEW(a)) {
        vgw_json_free(p);
        return;
    }
    a->world = w;
    a->command = command;
    vgw_list_append(&w->commands, &a->link);
    w->asked++;
    int rc = vgw_calls_command(calls_of(w), call, command, p, chance(w, 50), on_told, a, &err);
    check_refusal(w, vgw_command_name(command), rc, &err);
    if (rc < 0) {
        if (a->told)
            world_fail(w, "the command %s was refused and came back as well", vgw_command_name(command));
        vgw_list_remove(&a->link);
        vgw_free(a);
        w->asked--;
    }
    vgw_json_free(p);
}

/* Calls are joined with each other: conferences, transfers by the gateway, supervisors. */
static void meet(struct world *w)
{
    static const char *const verbs[] = {"join", "join", "join", "hold", "resume", "mute", "kick", "leave"};
    static const char *const modes[] = {"listen", "whisper", "barge"};
    struct vgw_call *call = any_call(w), *other = any_call(w);
    struct vgw_json *p = call ? vgw_json_object() : NULL;
    if (!p)
        return;
    if (chance(w, 60)) {
        vgw_json_set_string(p, "name", chance(w, 70) ? "room" : "hall");
        vgw_json_set_string(p, "participant", verbs[vgw_rng_below(&w->rng, 8)]);
        vgw_json_set_bool(p, "end_on_exit", chance(w, 20));
        ask(w, call, VGW_CMD_CONFERENCE, p);
    } else if (chance(w, 50)) {
        vgw_json_set_string(p, "call", other->call_id);
        vgw_json_set_string(p, "mode", modes[vgw_rng_below(&w->rng, 3)]);
        ask(w, call, VGW_CMD_MONITOR, p);
    } else {
        vgw_json_set_string(p, "to", chance(w, 70) ? "+15550142" : "+15550001");
        vgw_json_set_string(p, "kind", chance(w, 50) ? "attended" : "blind");
        vgw_json_set_string(p, "summary", "Somebody asks for you.");
        vgw_json_set_bool(p, "bridge", true);
        ask(w, call, VGW_CMD_TRANSFER, p);
    }
}

static void command(struct world *w)
{
    static const char *const params[] = {
        "{\"text\":\"A "
        "word.\",\"url\":\"/"
        "none.wav\",\"digits\":\"12\",\"to\":\"+15550100\",\"name\":\"desk\",\"kind\":\"blind\",\"prompt\":\"Say it.\","
        "\"input\":\"dtmf speech\",\"num_digits\":1,\"timeout\":2}",
        "{\"text\":\"Long words that take their time to be said to the end of the "
        "sentence.\",\"interruptible\":false,\"to\":\"+15550100\",\"kind\":"
        "\"attended\",\"name\":\"echo\",\"digits\":\"#\",\"url\":\"https://x.example/"
        "a.wav\",\"prompt\":\"Key?\",\"input\":\"dtmf\",\"num_digits\":2,"
        "\"timeout\":1}",
        "{}"};
    struct vgw_call *call = any_call(w);
    if (call)
        ask(w, call, (enum vgw_command)(1 + vgw_rng_below(&w->rng, VGW_COMMANDS - 1)),
            json(params[vgw_rng_below(&w->rng, 3)]));
}

static void run_flow(struct world *w)
{
    static const char *const names[] = {"/greet", "/dial", "/slow", "/none"};
    struct vgw_flow_engine *flow = vgw_gateway_rooms(w->gateway).flow;
    struct vgw_call *call = any_call(w);
    struct vgw_flow_request request = {.call_id = call && chance(w, 60) ? call->call_id : NULL};
    struct vgw_error err = {0};
    char run[VGW_ID_MAX];
    request.session_id = request.call_id ? call->session->session_id : NULL;
    int rc = vgw_flow_engine_command(flow, names[vgw_rng_below(&w->rng, 4)], &request, vgw_now(w->control), run, &err);
    check_refusal(w, "a workflow", rc, &err);
    if (rc == 0 && chance(w, 20))
        (void)vgw_flow_engine_cancel(flow, run, vgw_now(w->control), &err);
}

static void end_session(struct world *w)
{
    struct vgw_call *call = any_call(w);
    struct vgw_error err = {0};
    if (call)
        check_refusal(w, "a session's end", vgw_calls_session_end(calls_of(w), call->session, "asked", &err), &err);
}

static void new_session(struct world *w)
{
    struct vgw_session *s = NULL;
    struct vgw_error err = {0};
    int rc = vgw_calls_session_new(calls_of(w), "realtime", "ann", "en-US", NULL, &s, &err);
    check_refusal(w, "a session", rc, &err);
    if (rc == 0 && chance(w, 50))
        vgw_session_add_turn(s, "user", "hello", -1, 0.5, false, NULL, NULL);
}

struct reload_asked {
    struct world *w;
    bool broken;
    uint64_t before; /* the generation, as the reload was asked for */
};

static void on_reloaded(void *arg, int status, const char *sentence, const struct vgw_json *answer,
                        const struct vgw_config_errors *errors)
{
    struct reload_asked *a = arg;
    struct world *w = a->w;
    struct vgw_buf text = {0};
    if (errors)
        vgw_config_errors_print(errors, &text);
    w->reloading = false;
    if (status == VGW_EBUSY) /* the gateway ends */
        a->before = vgw_gateway_generation(w->gateway);
    else if (a->broken != (status < 0))
        world_fail(w, "a %s configuration gave %d: %s %s", a->broken ? "broken" : "good", status, sentence,
                   vgw_buf_str(&text));
    if (vgw_gateway_generation(w->gateway) != a->before + (status == 0))
        world_fail(w, "the generation went from %llu to %llu with status %d", (unsigned long long)a->before,
                   (unsigned long long)vgw_gateway_generation(w->gateway), status);
    if ((answer != NULL) != (status == 0))
        world_fail(w, "a reload with status %d has %s answer", status, answer ? "an" : "no");
    vgw_buf_done(&text);
    vgw_free(a);
}

/* One at a time: each is held against the file that was written for it. */
static void reload(struct world *w)
{
    struct reload_asked *a;
    if (w->reloading || !VGW_NEW(a))
        return;
    char *yaml = config_random(w, 1 + (unsigned)vgw_rng_below(&w->rng, 3));
    *a = (struct reload_asked){w, chance(w, 20), vgw_gateway_generation(w->gateway)};
    if (a->broken)
        world_configure(w, "gateway: {workers: many}\nroutes: 7\n");
    else if (yaml)
        world_configure(w, yaml);
    vgw_free(yaml);
    w->reloading = true;
    vgw_gateway_reload(w->gateway, on_reloaded, a);
}

static void drain_and_back(struct world *w)
{
    if (vgw_gateway_draining(w->gateway))
        vgw_gateway_undrain(w->gateway);
    else
        vgw_gateway_drain(w->gateway, (int64_t)vgw_rng_below(&w->rng, 20) * VGW_US_PER_S, NULL, NULL);
}

static void look(struct world *w)
{
    struct vgw_call *call = any_call(w);
    struct vgw_json *o = vgw_gateway_health(w->gateway);
    vgw_json_free(o);
    vgw_json_free(vgw_flow_engine_list(vgw_gateway_rooms(w->gateway).flow, NULL, NULL, NULL, NULL, 0));
    if (!call)
        return;
    vgw_json_free(vgw_call_to_json(call));
    vgw_json_free(vgw_session_record_json(call->session));
    vgw_json_free(vgw_session_transcript_json(call->session));
}

static void act(struct world *w)
{
    static const struct {
        unsigned share;
        void (*fn)(struct world *w);
    } acts[] = {{22, place},      {38, command}, {12, meet},          {8, run_flow}, {4, end_session},
                {4, new_session}, {3, reload},   {2, drain_and_back}, {7, look}};
    uint64_t n = vgw_rng_below(&w->rng, 100);
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (n < acts[i].share) {
            acts[i].fn(w);
            return;
        }
        n -= acts[i].share;
    }
}

static void on_act(void *arg)
{
    struct world *w = arg;
    act(w);
    if (--w->acts_left)
        vgw_timer_start(&w->act_timer, (int64_t)vgw_rng_below(&w->rng, chance(w, 30) ? 5000000 : 600000));
}

void acts_start(struct world *w, unsigned count)
{
    w->acts_left = count;
    vgw_timer_init(&w->act_timer, w->control, on_act, w);
    vgw_timer_start(&w->act_timer, 0);
}

void acts_check(struct world *w)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &w->commands) {
        struct asked *a = VGW_CONTAINER_OF(at, struct asked, link);
        if (a->told != 1)
            world_fail(w, "the command %s was taken and came back %u times", vgw_command_name(a->command), a->told);
    }
}

void acts_free(struct world *w)
{
    struct vgw_list *at;
    vgw_timer_stop(&w->act_timer);
    while ((at = vgw_list_pop(&w->commands)))
        vgw_free(VGW_CONTAINER_OF(at, struct asked, link));
}

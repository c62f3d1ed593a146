/* bench_flow.c - workflow steps and events through rules, in virtual time; one JSON line each. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "flow/engine.h"

struct bench {
    struct vgw_flow_engine *engine;
    unsigned long events, logs;
    int64_t now;
};

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_emit(void *arg, const char *type, struct vgw_json *data, const struct vgw_flow_ids *ids, int caused_by)
{
    ((struct bench *)arg)->events++;
    vgw_json_free(data);
}

static void on_log(void *arg, enum vgw_log_level level, const char *message, const struct vgw_flow_ids *ids)
{
    ((struct bench *)arg)->logs++;
}

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    if (vgw_json_parse(text, strlen(text), &v, &err) < 0)
        (void)fprintf(stderr, "%s: %s\n", err.place, err.text);
    return v;
}

static int load(struct bench *b, const char *workflow, int rules)
{
    struct vgw_flow_set *set = vgw_flow_set_new();
    struct vgw_json *doc = parse(workflow);
    struct vgw_flow_source source = {.doc = doc};
    struct vgw_workflow *w = NULL;
    struct vgw_error err = {0};
    int rc = vgw_workflow_compile(&source, &w, &err);
    if (rc == 0)
        rc = vgw_flow_set_add_workflow(set, w, &err);
    vgw_json_free(doc);
    for (int i = 0; rc == 0 && i < rules; i++) {
        char text[600];
        struct vgw_rule *r = NULL;
        (void)snprintf(
            text, sizeof text,
            "{\"id\":\"rule_%d\",\"trigger\":{\"type\":\"voice_event\",\"event_type\":\"%s\"},\"conditions\":[{"
            "\"field\":"
            "\"duration\",\"operator\":\"gt\",\"value\":%d}],\"actions\":[{\"type\":\"log\",\"params\":{\"message\":"
            "\"Long call ended: {{trigger.call_id}}\"}}]}",
            i, i % 2 ? "call_ended" : "call_answered", i % 10 == 1 ? 60 : 100000);
        doc = parse(text);
        source.doc = doc;
        rc = vgw_rule_compile(&source, &r, &err);
        if (rc == 0)
            rc = vgw_flow_set_add_rule(set, r, &err);
        vgw_json_free(doc);
    }
    if (rc == 0)
        rc = vgw_flow_engine_swap(b->engine, set, &err);
    vgw_flow_set_unref(set);
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", err.place, err.text);
    return rc;
}

/* 1,000 runs at a time, each 60 rounds of five steps with a delay among them. */
static void bench_steps(struct bench *b, bool quiet)
{
    static const char items[] =
        "{\"list\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,"
        "33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60]}";
    struct vgw_json *args = parse(items);
    struct vgw_flow_request q = {.args = args};
    struct vgw_error err = {0};
    double began = seconds();
    unsigned long steps = 0;
    vgw_flow_engine_set_quiet(b->engine, quiet);
    b->events = 0;
    do {
        for (int i = 0; i < 1000; i++)
            (void)vgw_flow_engine_run(b->engine, "bench", &q, b->now, NULL, &err);
        for (int64_t at; (at = vgw_flow_engine_next_deadline(b->engine)) != INT64_MAX;) {
            b->now = at > b->now ? at : b->now;
            vgw_flow_engine_tick(b->engine, b->now);
        }
        steps += 1000UL * (1 + 60 * 5);
    } while (seconds() - began < 1.0);
    double took = seconds() - began;
    (void)printf(
        "{\"bench\":\"workflow_steps\",\"step_events\":%s,\"steps\":%lu,\"seconds\":%.3f,\"per_second\":%.0f}\n",
        quiet ? "false" : "true", steps, took, (double)steps / took);
    vgw_json_free(args);
}

static void bench_rules(struct bench *b)
{
    struct vgw_json *event =
        parse("{\"id\":1,\"type\":\"call_ended\",\"call_id\":\"call-1\",\"session_id\":\"s-1\",\"project_id\":"
              "\"default\",\"data\":{\"duration\":75,\"status\":\"completed\"}}");
    double began = seconds();
    unsigned long n = 0;
    b->logs = 0;
    do {
        for (int i = 0; i < 1000; i++, n++)
            vgw_flow_engine_on_event(b->engine, event, b->now);
    } while (seconds() - began < 1.0);
    double took = seconds() - began;
    (void)printf(
        "{\"bench\":\"rule_events\",\"rules\":%zu,\"fired\":%lu,\"events\":%lu,\"seconds\":%.3f,\"per_second\":%.0f}\n",
        vgw_flow_set_rule_count(vgw_flow_engine_set(b->engine)), b->logs, n, took, (double)n / took);
    vgw_json_free(event);
}

int main(void)
{
    struct bench b = {.now = 1};
    struct vgw_flow_driver driver = {.arg = &b, .emit = on_emit, .log = on_log};
    b.engine = vgw_flow_engine_new(&driver, NULL, NULL);
    if (!b.engine)
        return 1;
    const char *workflow =
        "{\"id\":\"bench\",\"steps\":[{\"type\":\"for_each\",\"items\":\"{{ trigger.list }}\",\"steps\":["
        "{\"type\":\"set\",\"params\":{\"x\":\"{{ item }}\"}},"
        "{\"type\":\"log\",\"message\":\"item {{ item }} of {{ loop.count }}\"},"
        "{\"type\":\"if\",\"condition\":{\"field\":\"x\",\"operator\":\"gt\",\"value\":0},\"then\":[{\"type\":"
        "\"delay\",\"seconds\":1}]},"
        "{\"type\":\"log\",\"message\":\"x\",\"when\":{\"field\":\"x\",\"operator\":\"exists\"}}]}]}";
    int rc = load(&b, workflow, 20);
    if (rc == 0) {
        bench_steps(&b, true);
        bench_steps(&b, false);
        bench_rules(&b);
    }
    vgw_flow_engine_free(b.engine);
    return rc < 0;
}

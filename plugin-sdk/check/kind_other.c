/* kind_other.c - uses actions, a store, a subscriber and a queue as the gateway would; and the rules of all kinds. */
#include <string.h>
#include "check.h"
#include "voicegw/draft/action.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/queue.h"
#include "voicegw/draft/store.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/subscriber.h"
#include "voicegw/draft/tts.h"
#include "voicegw/json.h"

/* Parameters that a schema takes: each property with a value of its type. */
static void dummy_params(const char *schema, char *out, uint64_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_get(voicegw_json_of(schema), "properties"));
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    char name[128];
    voicegw_json_put_object(&w, NULL);
    while (voicegw_json_next(&it)) {
        struct voicegw_json type = voicegw_json_get(it.value, "type"), choice = voicegw_json_get(it.value, "enum.0");
        if (voicegw_json_string(it.key, name, sizeof name) < 0)
            continue;
        if (choice.text)
            voicegw_json_put_json(&w, name, choice);
        else if (voicegw_json_equals(type, "integer") || voicegw_json_equals(type, "number"))
            voicegw_json_put_int(&w, name, voicegw_json_get_int(it.value, "minimum", 1));
        else if (voicegw_json_equals(type, "boolean"))
            voicegw_json_put_bool(&w, name, 1);
        else if (voicegw_json_equals(type, "array"))
            voicegw_json_put_json(&w, name, voicegw_json_of("[]"));
        else if (voicegw_json_equals(type, "object"))
            voicegw_json_put_json(&w, name, voicegw_json_of("{}"));
        else
            voicegw_json_put_string(&w, name, "dummy");
    }
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
}

static void check_spec(const struct voicegw_action_spec *spec)
{
    if (spec->size < sizeof *spec || !spec->name || !*spec->name ||
        strspn(spec->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(spec->name))
        fake_violation(FAKE_VALUE, "an action has a wrong size, or a name that is not [a-z0-9_]+");
    else if (!spec->description || !spec->params_schema ||
             !voicegw_json_valid(spec->params_schema, strlen(spec->params_schema)))
        fake_violation(FAKE_VALUE, "action %s lacks a description or has a params_schema that is no JSON", spec->name);
    else if (spec->result_schema && !voicegw_json_valid(spec->result_schema, strlen(spec->result_schema)))
        fake_violation(FAKE_VALUE, "action %s has a result_schema that is no JSON", spec->name);
}

static void run_action(struct subject *s, const struct voicegw_action *a, const char *name, const char *params,
                       enum scenario scenario)
{
    if (a->validate) {
        fake_sentence_clear();
        fake_status("validate()", a->validate(s->instance, name, params));
    }
    uint64_t run = fake_id("run()");
    fake_call_begin(run);
    int32_t rc = a->run(s->instance, run, name, params,
                        "{\"call_id\":\"c\",\"session_id\":\"s\",\"run_id\":\"r\",\"variables\":{}}");
    fake_call_end(run, rc);
    if (scenario == CANCEL && rc == 0 && a->cancel)
        a->cancel(s->instance, run);
}

void scenario_action(struct subject *s, enum scenario scenario)
{
    const struct voicegw_action *a = subject_table(s, VOICEGW_KIND_ACTION);
    static char params[4096], absurd[70000];
    const struct voicegw_action_spec *spec = NULL;
    for (uint32_t i = 0; i < 256 && (spec = a->list(s->instance, i)); i++) {
        check_spec(spec);
        if (fake_first(FAKE_VALUE))
            return;
        dummy_params(spec->params_schema, params, sizeof params);
        for (unsigned n = 0; n < 100; n++) /* also as many at once as a busy hour brings */
            run_action(s, a, spec->name, params, scenario);
        if (scenario != OVERSIZE)
            continue;
        struct voicegw_json_writer w = voicegw_json_writer_of(absurd, sizeof absurd);
        struct voicegw_json_iter it =
            voicegw_json_each(voicegw_json_get(voicegw_json_of(spec->params_schema), "properties"));
        char name[128] = "x";
        if (voicegw_json_next(&it))
            (void)voicegw_json_string(it.key, name, sizeof name);
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_string(&w, name, oversize_text());
        voicegw_json_put_end(&w);
        (void)voicegw_json_finish(&w);
        const char *const bad[] = {absurd, "{\"broken\":[", "", "[]", "7", "{}", "null"};
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            run_action(s, a, spec->name, bad[k], scenario);
    }
    run_action(s, a, "an_action_of_nobody", "{}", scenario);
    fake_settle();
}

static void store_refuses(const char *what, int32_t rc)
{
    fake_status(what, rc);
    if (rc == 0)
        fake_violation(FAKE_VALUE, "%s was accepted", what);
}

static int32_t on_row(void *arg, const char *row)
{
    (void)arg;
    if (!row || !voicegw_json_valid(row, strlen(row)))
        fake_violation(FAKE_VALUE, "query() brought a row that is no JSON");
    return 0;
}

static void store_on_pool(void *arg)
{
    struct subject *s = arg;
    const struct voicegw_store *t = subject_table(s, VOICEGW_KIND_STORE);
    uint32_t n = 0;
    uint64_t fence = 0, next = 0;
    fake_sentence_clear();
    int32_t rc = t->open(s->instance);
    fake_status("open()", rc);
    if (rc != 0)
        return;
    fake_status("migrate()", t->migrate(s->instance));
    rc = t->migrate(s->instance);
    if (rc != 0)
        fake_violation(FAKE_VALUE, "a second migrate() answered %d: it must be harmless", rc);
    fake_status("apply([])", t->apply(s->instance, "[]", &n));
    fake_sentence_clear();
    store_refuses("apply() of broken JSON", t->apply(s->instance, "[{\"op\":", &n));
    fake_sentence_clear();
    store_refuses("apply() to an unknown table",
                  t->apply(s->instance,
                           "[{\"op\":\"insert\",\"table\":\"x; drop table calls\",\"key\":{\"id\":1},\"values\":{}}]",
                           &n));
    fake_sentence_clear();
    store_refuses("apply() of 64 KiB that are no JSON", t->apply(s->instance, oversize_text(), &n));
    fake_sentence_clear();
    fake_status("query()", t->query(s->instance, "calls", "{}", 10, NULL, on_row, NULL));
    store_refuses("query() of an unknown table", t->query(s->instance, "nothing", "{}", 10, NULL, on_row, NULL));
    fake_sentence_clear();
    fake_status("lease_acquire()", t->lease_acquire(s->instance, "check", "a", 1000000, 5000000, &fence));
    rc = t->lease_acquire(s->instance, "check", "b", 2000000, 5000000, &next);
    if (rc != VOICEGW_EBUSY)
        fake_violation(FAKE_VALUE, "lease_acquire() of a lease that another owner holds answered %d, not VOICEGW_EBUSY",
                       rc);
    rc = t->lease_acquire(s->instance, "check", "b", 9000000, 5000000, &next);
    if (rc != 0 || next <= fence)
        fake_violation(FAKE_VALUE, "lease_acquire() of an expired lease must succeed and raise the fence");
    (void)t->lease_release(s->instance, "check", "b", next);
    fake_sentence_clear();
    fake_status("health()", t->health(s->instance));
}

void scenario_store(struct subject *s, enum scenario scenario)
{
    (void)scenario;
    fake_on_pool(store_on_pool, s);
    fake_settle();
}

void scenario_subscriber(struct subject *s, enum scenario scenario)
{
    const struct voicegw_subscriber *t = subject_table(s, VOICEGW_KIND_SUBSCRIBER);
    const char *filter = t->filter ? t->filter(s->instance) : NULL;
    if (filter && (!voicegw_json_valid(filter, strlen(filter)) ||
                   voicegw_json_type(voicegw_json_of(filter)) != VOICEGW_JSON_ARRAY))
        fake_violation(FAKE_VALUE, "filter() returned no JSON array of names");
    const char *event = "[{\"id\":1,\"type\":\"call_connected\",\"time\":\"2026-01-01T00:00:00.000000Z\",\"call_id\":"
                        "\"c\",\"data\":{}}]";
    const char *const batches[] = {"[]", event, scenario == OVERSIZE ? "[{" : event,
                                   scenario == OVERSIZE ? oversize_text() : "[]"};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        fake_sentence_clear();
        int32_t rc = t->on_events(s->instance, batches[i], i == 0 ? 0 : 1);
        if (rc != VOICEGW_EBUSY)
            fake_status("on_events()", rc);
    }
    if (t->on_gap)
        t->on_gap(s->instance, 77);
    fake_settle();
}

void scenario_queue(struct subject *s, enum scenario scenario)
{
    const struct voicegw_queue *q = subject_table(s, VOICEGW_KIND_QUEUE);
    const char *receipt = scenario == OVERSIZE ? oversize_text() : "no-such-receipt";
    uint64_t op = fake_id("receive()");
    fake_call_begin(op);
    fake_call_end(op, q->receive(s->instance, op, 10));
    op = fake_id("extend()");
    fake_call_begin(op);
    fake_call_end(op, q->extend(s->instance, op, receipt, 1000000));
    op = fake_id("remove()");
    fake_call_begin(op);
    fake_call_end(op, q->remove(s->instance, op, receipt));
    op = fake_id("reject()");
    fake_call_begin(op);
    fake_call_end(op, q->reject(s->instance, op, receipt, 1000000));
    fake_settle();
}

static void check_scenario(struct subject *s, const struct rule *rule)
{
    static const struct {
        const char *kind;
        void (*run)(struct subject *, enum scenario);
    } rows[] = {{VOICEGW_KIND_PROVIDER, scenario_provider}, {VOICEGW_KIND_STT, scenario_stt},
                {VOICEGW_KIND_TTS, scenario_tts},           {VOICEGW_KIND_ASSISTANT, scenario_assistant},
                {VOICEGW_KIND_ACTION, scenario_action},     {VOICEGW_KIND_ASSISTANT_AUDIO, scenario_assistant_audio},
                {VOICEGW_KIND_STORE, scenario_store},       {VOICEGW_KIND_SUBSCRIBER, scenario_subscriber},
                {VOICEGW_KIND_QUEUE, scenario_queue}};
    subject_start(s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].kind, s->kind) == 0)
            rows[i].run(s, (enum scenario)rule->variant);
    }
    subject_destroy(s);
    fake_run(60 * INT64_C(1000000));
    const char *text = fake_first(rule->classes);
    if (text)
        fail("%s", text);
}

#define RULES(kind)                                                                                                    \
    {"works", "sound data in every report", kind, check_scenario, FAKE_VALUE, PLAIN},                                  \
        {"completes-once", "exactly one completion for each operation", kind, check_scenario, FAKE_COUNT, PLAIN},      \
        {"never-inside", "no completion from inside the starting call", kind, check_scenario, FAKE_INSIDE, PLAIN},     \
        {"silent-after", "nothing comes after an end", kind, check_scenario, FAKE_AFTER, PLAIN},                       \
        {"threads", "each function of the host on its own thread", kind, check_scenario, FAKE_THREAD, PLAIN},          \
        {"statuses", "statuses of the table, refusals with a sentence", kind, check_scenario, FAKE_STATUS, PLAIN},     \
        {"cancel", "one completion and silence also after a cancel", kind, check_scenario, FAKE_COUNT | FAKE_AFTER,    \
         CANCEL},                                                                                                      \
    {                                                                                                                  \
        "limits", "oversized, empty and broken input is refused", kind, check_scenario, FAKE_COUNT | FAKE_STATUS,      \
            OVERSIZE                                                                                                   \
    }

const struct rule rules_kind[] = {
    RULES(VOICEGW_KIND_PROVIDER),
    RULES(VOICEGW_KIND_STT),
    RULES(VOICEGW_KIND_TTS),
    RULES(VOICEGW_KIND_ASSISTANT),
    RULES(VOICEGW_KIND_ASSISTANT_AUDIO),
    RULES(VOICEGW_KIND_ACTION),
    RULES(VOICEGW_KIND_STORE),
    RULES(VOICEGW_KIND_SUBSCRIBER),
    RULES(VOICEGW_KIND_QUEUE),
    {NULL, NULL, NULL, NULL, 0, 0},
};

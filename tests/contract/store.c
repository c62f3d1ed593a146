/* The contract of every plugin of kind voicegw.store/1. A plugin's test includes this file and calls contract_store()
 * with an instance whose open() and migrate() have run on an empty database. Criterion's assertions. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "voicegw/draft/store.h"
#include "voicegw/json.h"

struct contract_rows {
    char text[8][2048];
    size_t count, stop_after;
};

static int32_t contract_row(void *arg, const char *row_json)
{
    struct contract_rows *rows = arg;
    cr_assert(voicegw_json_valid(row_json, strlen(row_json)), "a row is valid JSON: %s", row_json);
    if (rows->count < 8)
        snprintf(rows->text[rows->count], sizeof rows->text[0], "%s", row_json);
    rows->count++;
    return rows->stop_after && rows->count >= rows->stop_after;
}

static struct contract_rows contract_query(const struct voicegw_store *s, void *i, const char *table,
                                           const char *filter, uint32_t limit, const char *cursor)
{
    struct contract_rows rows = {.count = 0};
    cr_assert_eq(s->query(i, table, filter, limit, cursor, contract_row, &rows), VOICEGW_OK, "%s %s", table, filter);
    return rows;
}

static const char *contract_field(const struct contract_rows *rows, size_t n, const char *name)
{
    static char values[4][512];
    static unsigned turn;
    char *out = values[turn++ % 4];
    if (voicegw_json_get_string(voicegw_json_of(rows->text[n]), name, out, 512) < 0)
        snprintf(out, 512, "(none)");
    return out;
}

static uint32_t contract_apply(const struct voicegw_store *s, void *i, const char *batch)
{
    uint32_t changed = 1000;
    cr_assert_eq(s->apply(i, batch, &changed), VOICEGW_OK, "%s", batch);
    return changed;
}

static void contract_writes(const struct voicegw_store *s, void *i)
{
    const char *insert =
        "[{\"op\":\"insert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"mock-1\"},\"values\":{\"channel\":"
        "\"phone\","
        "\"caller_id\":\"+1555\",\"start_time\":1000,\"duration_seconds\":61.5,\"status\":\"active\",\"variables\":"
        "{\"a\":[1,\"x\"]},\"turns\":3,\"transcription\":\"l\\u00e4uft \\\"so\\\"\\n'; DROP TABLE sessions;--\"}}]";
    cr_assert_eq(contract_apply(s, i, insert), 1);
    cr_assert_eq(contract_apply(s, i, insert), 0, "insert does nothing where the key exists");
    struct contract_rows rows = contract_query(s, i, "sessions", "{\"session_id\":\"mock-1\"}", 10, NULL);
    cr_assert_eq(rows.count, 1);
    struct voicegw_json row = voicegw_json_of(rows.text[0]);
    cr_assert_str_eq(contract_field(&rows, 0, "transcription"), "l\xc3\xa4uft \"so\"\n'; DROP TABLE sessions;--");
    cr_assert_eq(voicegw_json_get_int(row, "start_time", 0), 1000);
    cr_assert_float_eq(voicegw_json_get_double(row, "duration_seconds", 0), 61.5, 1e-9);
    cr_assert_str_eq(contract_field(&rows, 0, "variables.a.1"), "x");
    cr_assert_eq(voicegw_json_type(voicegw_json_get(row, "end_time")), VOICEGW_JSON_NULL);
    cr_assert_eq(
        contract_apply(
            s, i,
            "[{\"op\":\"upsert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"mock-1\"},\"values\":{\"status\":"
            "\"completed\",\"end_time\":2000}}]"),
        1);
    rows = contract_query(s, i, "sessions", "{\"session_id\":\"mock-1\"}", 10, NULL);
    cr_assert_str_eq(contract_field(&rows, 0, "status"), "completed");
    cr_assert_str_eq(contract_field(&rows, 0, "channel"), "phone", "upsert replaces the given columns only");
    const char *guarded =
        "[{\"op\":\"update\",\"table\":\"sessions\",\"key\":{\"session_id\":\"mock-1\"},\"values\":{\"reason\":\"x\"},"
        "\"guard\":{\"status\":\"active\"}}]";
    cr_assert_eq(contract_apply(s, i, guarded), 0, "a guard that does not hold touches nothing");
    cr_assert_eq(
        contract_apply(
            s, i,
            "[{\"op\":\"delete\",\"table\":\"sessions\",\"key\":{\"session_id\":\"mock-1\"},\"guard\":{\"status\":"
            "\"completed\"}}]"),
        1);
    cr_assert_eq(contract_query(s, i, "sessions", "{}", 10, NULL).count, 0);
}

static void contract_batches(const struct voicegw_store *s, void *i)
{
    static const char *const bad[] = {
        "[{\"op\":\"insert\",\"table\":\"nothing\",\"key\":{\"x\":1}}]",
        "[{\"op\":\"insert\",\"table\":\"calls\",\"key\":{\"call_id\":\"a\"},\"values\":{\"colour\":1}}]",
        "[{\"op\":\"insert\",\"table\":\"calls\",\"key\":{\"call_id\":\"a\"},\"values\":{\"state) VALUES (1); "
        "--\":1}}]",
        "[{\"op\":\"insert\",\"table\":\"turns\",\"key\":{\"session_id\":\"a\"},\"values\":{}}]",
        "[{\"op\":\"delete\",\"table\":\"calls\"}]",
        "[{\"op\":\"truncate\",\"table\":\"calls\",\"key\":{\"call_id\":\"a\"}}]",
        "{\"op\":\"insert\"}",
        "[{\"op\":",
    };
    uint32_t changed = 77;
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        cr_assert_eq(s->apply(i, bad[n], &changed), VOICEGW_EINVALID, "%s", bad[n]);
    cr_assert_eq(changed, 77, "outputs are untouched on failure");
    cr_assert_eq(
        s->apply(i,
                 "[{\"op\":\"insert\",\"table\":\"calls\",\"key\":{\"call_id\":\"a\"},\"values\":{\"created_at\":1}},"
                 "{\"op\":\"insert\",\"table\":\"calls\",\"key\":{\"call_id\":\"b\"},\"values\":{\"nope\":1}}]",
                 &changed),
        VOICEGW_EINVALID);
    cr_assert_eq(contract_query(s, i, "calls", "{}", 10, NULL).count, 0, "all or nothing");
    cr_assert_eq(contract_apply(s, i, "[]"), 0);
}

static void contract_queries(const struct voicegw_store *s, void *i)
{
    char batch[512], cursor[128];
    for (int n = 1; n <= 9; n++) {
        snprintf(batch, sizeof batch,
                 "[{\"op\":\"insert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c%d\"},\"values\":{\"created_at\":%d,"
                 "\"provider\":"
                 "\"%s\",\"to_number\":\"+1%d\",\"duration\":%d}}]",
                 n, n < 4 ? n : 4, n & 1 ? "lab" : "sip", n * 100, n);
        contract_apply(s, i, batch);
    }
    struct contract_rows rows = contract_query(s, i, "calls", "{}", 4, NULL);
    cr_assert_eq(rows.count, 4);
    cr_assert_str_eq(contract_field(&rows, 0, "call_id"), "c9", "newest first, also among equals");
    size_t seen = rows.count;
    while (rows.count == 4) { /* pages neither repeat nor skip, although many have one time */
        snprintf(cursor, sizeof cursor, "%s", contract_field(&rows, 3, "_cursor"));
        char last[32];
        snprintf(last, sizeof last, "%s", contract_field(&rows, 3, "call_id"));
        rows = contract_query(s, i, "calls", "{}", 4, cursor);
        if (rows.count)
            cr_assert_eq(contract_field(&rows, 0, "call_id")[1], last[1] - 1);
        seen += rows.count;
    }
    cr_assert_eq(seen, 9);
    rows = contract_query(s, i, "calls", "{\"order\":\"asc\"}", 3, NULL);
    cr_assert_str_eq(contract_field(&rows, 0, "call_id"), "c1");
    snprintf(cursor, sizeof cursor, "%s", contract_field(&rows, 2, "_cursor"));
    rows = contract_query(s, i, "calls", "{\"order\":\"asc\"}", 3, cursor);
    cr_assert_str_eq(contract_field(&rows, 0, "call_id"), "c4");
    static const struct {
        const char *filter;
        size_t count;
    } filters[] = {{"{\"provider\":\"lab\"}", 5},
                   {"{\"created_at>=\":2,\"created_at<\":4}", 2},
                   {"{\"to_number~\":\"+13\"}", 1},
                   {"{\"provider\":\"lab\",\"duration>\":5}", 2},
                   {"{\"ended_at\":null}", 8},
                   {"{\"call_id\":\"' OR 1=1 --\"}", 0},
                   {NULL, 8}};
    for (size_t n = 0; n < sizeof filters / sizeof *filters; n++) {
        struct contract_rows found = contract_query(s, i, "calls", filters[n].filter, 8, NULL);
        cr_assert_eq(found.count, filters[n].count, "%s gives %zu", filters[n].filter, found.count);
    }
    rows = (struct contract_rows){.stop_after = 2};
    cr_assert_eq(s->query(i, "calls", "{}", 8, NULL, contract_row, &rows), VOICEGW_OK);
    cr_assert_eq(rows.count, 2, "a row that says stop is the last");
    static const char *const bad[] = {"{\"colour\":1}", "{\"call_id = call_id --\":1}", "[]", "{"};
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        cr_assert_eq(s->query(i, "calls", bad[n], 8, NULL, contract_row, &rows), VOICEGW_EINVALID, "%s", bad[n]);
    cr_assert_eq(s->query(i, "nothing", "{}", 8, NULL, contract_row, &rows), VOICEGW_EINVALID);
    cr_assert_eq(s->query(i, "calls", "{}", 8, "rubbish", contract_row, &rows), VOICEGW_EINVALID);
    uint32_t deleted = 0;
    cr_assert_eq(s->purge(i, "calls", 4, 2, &deleted), VOICEGW_OK);
    cr_assert_eq(deleted, 2, "at most the limit, oldest first");
    cr_assert_eq(s->purge(i, "calls", 4, 100, &deleted), VOICEGW_OK);
    cr_assert_eq(deleted, 1);
    cr_assert_eq(s->purge(i, "nothing", 4, 100, &deleted), VOICEGW_EINVALID);
}

static void contract_jobs(const struct voicegw_store *s, void *i)
{
    contract_apply(
        s, i,
        "[{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j1\"},\"values\":{\"queue\":\"q\",\"due_at\":100,"
        "\"payload\":{\"to\":\"+1\"}}},"
        "{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j2\"},\"values\":{\"queue\":\"q\",\"due_at\":50}},"
        "{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j3\"},\"values\":{\"queue\":\"q\",\"due_at\":900}}"
        ","
        "{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j4\"},\"values\":{\"queue\":\"other\",\"due_at\":"
        "1}},"
        "{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j5\"},\"values\":{\"queue\":\"q\",\"due_at\":1,"
        "\"status\":"
        "\"done\"}}]");
    struct contract_rows rows = {.count = 0};
    cr_assert_eq(s->claim(i, "q", "me", 10, 200, 1000, contract_row, &rows), VOICEGW_OK);
    cr_assert_eq(rows.count, 2, "due, of that queue, not done");
    rows = (struct contract_rows){.count = 0};
    cr_assert_eq(s->claim(i, "q", "you", 10, 300, 1000, contract_row, &rows), VOICEGW_OK);
    cr_assert_eq(rows.count, 0, "held");
    cr_assert_eq(s->claim(i, "q", "you", 10, 1200, 1000, contract_row, &rows), VOICEGW_OK);
    cr_assert_eq(rows.count, 3, "what its holder left is taken over");
    rows = contract_query(s, i, "jobs", "{\"job_id\":\"j1\"}", 1, NULL);
    cr_assert_str_eq(contract_field(&rows, 0, "owner"), "you");
    cr_assert_eq(voicegw_json_get_int(voicegw_json_of(rows.text[0]), "attempts", 0), 2);
    cr_assert_eq(
        contract_apply(
            s, i,
            "[{\"op\":\"update\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j1\"},\"values\":{\"status\":\"done\"},"
            "\"guard\":{\"owner\":\"me\"}}]"),
        0, "who lost a job cannot finish it");
}

static void contract_leases(const struct voicegw_store *s, void *i)
{
    uint64_t first = 0, fence = 0;
    cr_assert_eq(s->lease_acquire(i, "l", "me", 1000, 100, &first), VOICEGW_OK);
    cr_assert_eq(s->lease_acquire(i, "l", "you", 1050, 100, &fence), VOICEGW_EBUSY);
    cr_assert_eq(s->lease_renew(i, "l", "me", first, 1050, 100), VOICEGW_OK);
    cr_assert_eq(s->lease_acquire(i, "l", "me", 1060, 100, &fence), VOICEGW_OK);
    cr_assert_eq(fence, first, "the same hands");
    cr_assert_eq(s->lease_acquire(i, "l", "you", 1200, 100, &fence), VOICEGW_OK, "it had run out");
    cr_assert_gt(fence, first);
    cr_assert_eq(s->lease_renew(i, "l", "me", first, 1201, 100), VOICEGW_EBUSY);
    cr_assert_eq(s->lease_release(i, "l", "me", first), VOICEGW_EBUSY);
    cr_assert_eq(s->lease_release(i, "l", "you", fence), VOICEGW_OK);
    first = fence;
    cr_assert_eq(s->lease_acquire(i, "l", "me", 1210, 100, &fence), VOICEGW_OK);
    cr_assert_gt(fence, first);
}

static void contract_store(const struct voicegw_store *s, void *instance)
{
    cr_assert_geq(s->size, sizeof *s);
    cr_assert_eq(s->migrate(instance), VOICEGW_OK, "harmless when it is there");
    cr_assert_eq(s->health(instance), VOICEGW_OK);
    contract_writes(s, instance);
    contract_batches(s, instance);
    contract_queries(s, instance);
    contract_jobs(s, instance);
    contract_leases(s, instance);
}

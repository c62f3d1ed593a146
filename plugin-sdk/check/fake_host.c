/* fake_host.c - struct voicegw_host. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "fake.h"
#include "voicegw/json.h"

void fake_sentence_set(const char *text); /* fake_ledger.c */

static bool alive, services = true;
static unsigned drained_count;
static uint64_t strands;
static char once_ids[64][64];
static unsigned once_count;

static bool check(const char *function)
{
    if (!alive)
        fake_violation(FAKE_AFTER, "host->%s() was called after destroy() had returned", function);
    return alive;
}

static void on_log(const struct voicegw_host *host, uint32_t level, const char *message, const char *fields)
{
    (void)host;
    if (!check("log"))
        return;
    if (level > VOICEGW_LOG_DEBUG || !message || !*message)
        fake_violation(FAKE_VALUE, "host->log() needs a level of VOICEGW_LOG_* and a message");
    if (fields && !voicegw_json_valid(fields, strlen(fields)))
        fake_violation(FAKE_VALUE, "host->log() was given fields that are no JSON: %.80s", fields);
}

static int32_t on_set_error(const struct voicegw_host *host, int32_t status, const char *sentence)
{
    (void)host;
    (void)check("set_error");
    if (status >= 0 || status < VOICEGW_EINTERNAL)
        fake_violation(FAKE_STATUS, "host->set_error() was given %d, which is no negative status", status);
    fake_sentence_set(sentence);
    return status;
}

static const char *on_last_error(const struct voicegw_host *host)
{
    (void)host;
    return fake_sentence();
}

static int64_t on_now(const struct voicegw_host *host)
{
    (void)host;
    return fake_now();
}

static int64_t on_wall(const struct voicegw_host *host)
{
    (void)host;
    return fake_now() + INT64_C(1700000000000000);
}

/* A target's functions are for its own thread. */
static void need_target(uint64_t target, const char *function)
{
    fake_need(target == VOICEGW_TARGET_CONTROL ? VOICEGW_THREAD_CONTROL : VOICEGW_THREAD_MEDIA, function);
}

static uint64_t on_timer_start(const struct voicegw_host *host, uint64_t target, int64_t delay, voicegw_callback fn,
                               void *arg)
{
    (void)host;
    if (!check("timer_start"))
        return 0;
    need_target(target, "host->timer_start()");
    return fake_timer(target, delay, fn, arg);
}

static int32_t on_timer_cancel(const struct voicegw_host *host, uint64_t timer)
{
    (void)host;
    fake_need(VOICEGW_THREAD_CONTROL | VOICEGW_THREAD_MEDIA, "host->timer_cancel()");
    return fake_timer_cancel(timer) ? 1 : 0;
}

static int32_t on_post(const struct voicegw_host *host, uint64_t target, voicegw_callback fn, void *arg)
{
    (void)host;
    if (!check("post"))
        return VOICEGW_ENOTFOUND;
    if (target != VOICEGW_TARGET_CONTROL && fake_is_done(target))
        return VOICEGW_ENOTFOUND;
    return fake_post(target, fn, arg) ? VOICEGW_OK : VOICEGW_ELIMIT;
}

static int32_t on_job(const struct voicegw_host *host, uint32_t lane, uint64_t strand, uint64_t target,
                      voicegw_callback work, voicegw_callback done, void *arg)
{
    (void)host;
    (void)strand;
    if (!check("job"))
        return VOICEGW_ENOTFOUND;
    if (lane > VOICEGW_LANE_IO)
        fake_violation(FAKE_VALUE, "host->job() was given lane %u, there are VOICEGW_LANE_CPU and VOICEGW_LANE_IO",
                       lane);
    return fake_job(target, work, done, arg) ? VOICEGW_OK : VOICEGW_ELIMIT;
}

static uint64_t on_strand(const struct voicegw_host *host)
{
    (void)host;
    return __atomic_add_fetch(&strands, 1, __ATOMIC_RELAXED);
}

static void on_drained(const struct voicegw_host *host)
{
    (void)host;
    if (check("drained"))
        drained_count++;
}

static void on_health(const struct voicegw_host *host, const char *part, uint32_t up, const char *sentence)
{
    (void)host;
    (void)part;
    if (check("health") && !up && (!sentence || !*sentence))
        fake_violation(FAKE_VALUE, "host->health() reported a failure without a sentence");
}

static void on_count(const struct voicegw_host *host, const char *name, uint64_t by)
{
    (void)host;
    (void)by;
    if (check("count") && (!name || !*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name)))
        fake_violation(FAKE_VALUE, "host->count() was given the name \"%.40s\", it must be [a-z0-9_]+",
                       name ? name : "");
}

static uint32_t on_thread(const struct voicegw_host *host)
{
    (void)host;
    return fake_tag();
}

static int32_t on_once(const struct voicegw_host *host, const char *id)
{
    (void)host;
    for (unsigned i = 0; i < once_count; i++) {
        if (strcmp(once_ids[i], id) == 0)
            return 0;
    }
    if (once_count < 64)
        snprintf(once_ids[once_count++], sizeof once_ids[0], "%s", id);
    return 1;
}

static const void *on_extension(const struct voicegw_host *host, const char *id)
{
    (void)host;
    if (!services)
        return NULL;
    const void *table = fake_kind_table(id);
    return table ? table : fake_service_table(id);
}

static struct voicegw_host table = {
    .size = sizeof table,
    .abi_major = VOICEGW_ABI_MAJOR,
    .abi_minor = VOICEGW_ABI_MINOR,
    .log = on_log,
    .set_error = on_set_error,
    .last_error = on_last_error,
    .option_string = fake_option_string,
    .option_int = fake_option_int,
    .option_double = fake_option_double,
    .option_json = fake_option_json,
    .now_us = on_now,
    .wall_us = on_wall,
    .timer_start = on_timer_start,
    .timer_cancel = on_timer_cancel,
    .post = on_post,
    .job = on_job,
    .strand_new = on_strand,
    .drained = on_drained,
    .health = on_health,
    .count = on_count,
    .thread = on_thread,
    .once = on_once,
    .get_extension = on_extension,
};

const struct voicegw_host *fake_host_begin(const char *instance, const char *plugin)
{
    table.name = instance;
    table.plugin = plugin;
    alive = true;
    drained_count = 0;
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_sentence_clear();
    return &table;
}

void fake_host_end(void)
{
    fake_loop_clear();
    alive = false;
}

void fake_services(bool present)
{
    services = present;
}

unsigned fake_drained_count(void)
{
    return drained_count;
}

#include "fakehost.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "voicegw/json.h"

#define TARGETS 64
#define REPORTS 200000

struct task {
    struct task *next;
    voicegw_callback fn, done;
    void *arg;
    uint64_t target, id;
    int64_t due_us;
};

struct queue {
    struct task *head, *tail;
};

struct fakehost {
    struct voicegw_host host; /* first: the plugin's pointer is ours */
    char *options;
    const struct voicegw_factory *factory;
    char values[64][512]; /* texts handed out by option_string and option_json */
    char *json_values[64];
    struct queue posts, jobs;
    struct task *timers;
    uint64_t next_id, next_strand, targets[TARGETS];
    unsigned refuse;
    int hold, threaded, stop;
    pthread_t thread, loop;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned running;
    int64_t now_us;
    struct fakehost_report *reports;
    size_t report_count;
    uint8_t *audio;
    size_t audio_bytes, audio_cap;
    char *log[1000];
    size_t log_count;
    char *joined;
    char error[1024];
    void (*on_audio)(void *, const struct voicegw_frame *);
    void *on_audio_arg;
};

static struct fakehost *of(const struct voicegw_host *host)
{
    return (struct fakehost *)(uintptr_t)host;
}

static void *must(void *p)
{
    if (!p) {
        (void)fprintf(stderr, "fakehost: out of memory\n");
        abort();
    }
    return p;
}

static char *copy(const char *text)
{
    return text ? must(strdup(text)) : NULL;
}

static int64_t real_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t clock_us(const struct fakehost *fake)
{
    return fake->threaded ? real_us() : fake->now_us;
}

static void put(struct queue *q, struct task *t)
{
    t->next = NULL;
    if (q->tail)
        q->tail->next = t;
    else
        q->head = t;
    q->tail = t;
}

static struct task *take(struct queue *q)
{
    struct task *t = q->head;
    if (t) {
        q->head = t->next;
        if (!q->head)
            q->tail = NULL;
    }
    return t;
}

static struct task *task_of(struct fakehost *fake, uint64_t target, voicegw_callback fn, voicegw_callback done,
                            void *arg)
{
    struct task *t = must(calloc(1, sizeof *t));
    *t = (struct task){.fn = fn, .done = done, .arg = arg, .target = target, .id = ++fake->next_id};
    return t;
}

static int alive(const struct fakehost *fake, uint64_t target)
{
    if (target == VOICEGW_TARGET_CONTROL)
        return 1;
    for (size_t i = 0; i < TARGETS; i++)
        if (fake->targets[i] == target)
            return 1;
    return 0;
}

static int refused(struct fakehost *fake)
{
    if (fake->refuse == 0)
        return 0;
    fake->refuse--;
    return 1;
}

/* ---- the host's table ---- */

static void host_log(const struct voicegw_host *host, uint32_t level, const char *message, const char *fields_json)
{
    struct fakehost *fake = of(host);
    (void)pthread_mutex_lock(&fake->lock);
    if (fake->log_count < sizeof fake->log / sizeof *fake->log) {
        char line[2048];
        (void)snprintf(line, sizeof line, "%u %s %s", level, message, fields_json ? fields_json : "");
        fake->log[fake->log_count++] = copy(line);
    }
    (void)pthread_mutex_unlock(&fake->lock);
    if (getenv("FAKEHOST_LOG"))
        (void)fprintf(stderr, "log %u: %s %s\n", level, message, fields_json ? fields_json : "");
}

static int32_t host_set_error(const struct voicegw_host *host, int32_t status, const char *sentence)
{
    struct fakehost *fake = of(host);
    (void)snprintf(fake->error, sizeof fake->error, "%s", sentence);
    return status;
}

static const char *host_last_error(const struct voicegw_host *host)
{
    return of(host)->error;
}

static int option_index(const struct fakehost *fake, const char *name)
{
    for (uint32_t i = 0; fake->factory && i < fake->factory->option_count; i++)
        if (strcmp(fake->factory->options[i].name, name) == 0)
            return (int)i;
    return -1;
}

static struct voicegw_json option_value(const struct fakehost *fake, const char *name)
{
    return voicegw_json_member(voicegw_json_of(fake->options), name);
}

static const char *host_option_string(const struct voicegw_host *host, const struct voicegw_options *options,
                                      const char *name)
{
    struct fakehost *fake = of(host);
    int i = option_index(fake, name);
    if (i < 0)
        return NULL;
    if (voicegw_json_string(option_value(fake, name), fake->values[i], sizeof fake->values[i]) >= 0)
        return fake->values[i];
    return fake->factory->options[i].dflt;
}

static int64_t duration_us(const char *text)
{
    char *unit;
    double v = strtod(text, &unit);
    if (strcmp(unit, "ms") == 0)
        return (int64_t)(v * 1000);
    if (strcmp(unit, "m") == 0)
        return (int64_t)(v * 60e6);
    if (strcmp(unit, "h") == 0)
        return (int64_t)(v * 3600e6);
    return (int64_t)(v * 1e6);
}

static int64_t number_of(uint32_t type, const char *text)
{
    if (type == VOICEGW_OPTION_DURATION)
        return duration_us(text);
    if (type == VOICEGW_OPTION_BOOL)
        return strcmp(text, "true") == 0;
    char *unit;
    long long v = strtoll(text, &unit, 10);
    if (strcmp(unit, "KiB") == 0)
        v *= 1024;
    if (strcmp(unit, "MiB") == 0)
        v *= 1024 * 1024;
    return v;
}

static int64_t host_option_int(const struct voicegw_host *host, const struct voicegw_options *options, const char *name,
                               int64_t dflt)
{
    struct fakehost *fake = of(host);
    int i = option_index(fake, name);
    if (i < 0)
        return dflt;
    const struct voicegw_option *o = &fake->factory->options[i];
    struct voicegw_json v = option_value(fake, name);
    switch (voicegw_json_type(v)) {
    case VOICEGW_JSON_BOOL:
        return voicegw_json_bool(v, 0);
    case VOICEGW_JSON_NUMBER:
        return o->type == VOICEGW_OPTION_DURATION ? (int64_t)(voicegw_json_double(v, 0) * 1e6)
                                                  : voicegw_json_int(v, dflt);
    case VOICEGW_JSON_STRING:
        return number_of(o->type, host_option_string(host, options, name));
    default:
        return o->dflt ? number_of(o->type, o->dflt) : dflt;
    }
}

static double host_option_double(const struct voicegw_host *host, const struct voicegw_options *options,
                                 const char *name, double dflt)
{
    struct fakehost *fake = of(host);
    int i = option_index(fake, name);
    if (i < 0)
        return dflt;
    const char *text = fake->factory->options[i].dflt;
    return voicegw_json_double(option_value(fake, name), text ? strtod(text, NULL) : dflt);
}

static const char *host_option_json(const struct voicegw_host *host, const struct voicegw_options *options,
                                    const char *name)
{
    struct fakehost *fake = of(host);
    int i = option_index(fake, name);
    if (i < 0)
        return NULL;
    struct voicegw_json v = option_value(fake, name);
    if (voicegw_json_type(v) == VOICEGW_JSON_ABSENT)
        return fake->factory->options[i].dflt;
    free(fake->json_values[i]);
    fake->json_values[i] = must(strndup(v.text, v.bytes));
    return fake->json_values[i];
}

static int64_t host_now(const struct voicegw_host *host)
{
    return clock_us(of(host));
}

static int64_t host_wall(const struct voicegw_host *host)
{
    return INT64_C(1700000000000000) + clock_us(of(host));
}

static uint64_t host_timer_start(const struct voicegw_host *host, uint64_t target, int64_t delay_us,
                                 voicegw_callback fn, void *arg)
{
    struct fakehost *fake = of(host);
    (void)pthread_mutex_lock(&fake->lock);
    struct task *t = task_of(fake, target, fn, NULL, arg);
    t->due_us = clock_us(fake) + delay_us;
    struct task **at = &fake->timers;
    while (*at && (*at)->due_us <= t->due_us)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    uint64_t id = t->id;
    (void)pthread_mutex_unlock(&fake->lock);
    return id;
}

static int32_t host_timer_cancel(const struct voicegw_host *host, uint64_t timer)
{
    struct fakehost *fake = of(host);
    int32_t found = 0;
    (void)pthread_mutex_lock(&fake->lock);
    for (struct task **at = &fake->timers; *at; at = &(*at)->next) {
        if ((*at)->id == timer) {
            struct task *t = *at;
            *at = t->next;
            free(t);
            found = 1;
            break;
        }
    }
    (void)pthread_mutex_unlock(&fake->lock);
    return found;
}

static int32_t enqueue(struct fakehost *fake, struct queue *q, uint64_t target, voicegw_callback fn,
                       voicegw_callback done, void *arg)
{
    int32_t rc = VOICEGW_OK;
    (void)pthread_mutex_lock(&fake->lock);
    if (refused(fake))
        rc = VOICEGW_ELIMIT;
    else if (q == &fake->posts && !alive(fake, target))
        rc = VOICEGW_ENOTFOUND;
    else
        put(q, task_of(fake, target, fn, done, arg));
    (void)pthread_cond_broadcast(&fake->wake);
    (void)pthread_mutex_unlock(&fake->lock);
    return rc;
}

static int32_t host_post(const struct voicegw_host *host, uint64_t target, voicegw_callback fn, void *arg)
{
    return enqueue(of(host), &of(host)->posts, target, fn, NULL, arg);
}

static int32_t host_job(const struct voicegw_host *host, uint32_t lane, uint64_t strand, uint64_t target,
                        voicegw_callback work, voicegw_callback done, void *arg)
{
    return enqueue(of(host), &of(host)->jobs, target, work, done, arg);
}

static uint64_t host_strand_new(const struct voicegw_host *host)
{
    return ++of(host)->next_strand;
}

static void report(struct fakehost *fake, const char *what, uint64_t stream, uint64_t id, int32_t status,
                   const char *text, const char *json)
{
    (void)pthread_mutex_lock(&fake->lock);
    if (fake->report_count == REPORTS)
        abort();
    fake->reports[fake->report_count++] = (struct fakehost_report){.what = what,
                                                                   .stream = stream,
                                                                   .id = id,
                                                                   .status = status,
                                                                   .text = copy(text),
                                                                   .json = copy(json),
                                                                   .at_us = clock_us(fake),
                                                                   .confidence = -1};
    (void)pthread_cond_broadcast(&fake->wake);
    (void)pthread_mutex_unlock(&fake->lock);
}

static void host_drained(const struct voicegw_host *host)
{
    report(of(host), "drained", 0, 0, 0, NULL, NULL);
}

static void host_health(const struct voicegw_host *host, const char *part, uint32_t up, const char *sentence)
{
    report(of(host), "health", 0, 0, (int32_t)up, sentence, NULL);
}

static void host_count(const struct voicegw_host *host, const char *name, uint64_t by)
{
    report(of(host), "count", 0, by, 0, name, NULL);
}

static uint32_t host_thread(const struct voicegw_host *host)
{
    struct fakehost *fake = of(host);
    if (fake->threaded)
        return pthread_equal(pthread_self(), fake->loop) ? VOICEGW_THREAD_MEDIA : VOICEGW_THREAD_POOL;
    return VOICEGW_THREAD_CONTROL | VOICEGW_THREAD_MEDIA | VOICEGW_THREAD_POOL;
}

static int32_t host_once(const struct voicegw_host *host, const char *id)
{
    static char seen[32][64];
    static int count;
    for (int i = 0; i < count; i++)
        if (strcmp(seen[i], id) == 0)
            return 0;
    if (count < 32)
        (void)snprintf(seen[count++], sizeof seen[0], "%s", id);
    return 1;
}

/* ---- what speech and assistant plugins report ---- */

static int32_t stt_result(const struct voicegw_host *host, uint64_t stream, const struct voicegw_stt_result *r)
{
    struct fakehost *fake = of(host);
    report(fake, r->final ? "final" : "partial", stream, r->utterance, (int32_t)r->final, r->text, r->words_json);
    fake->reports[fake->report_count - 1].confidence = r->confidence;
    return VOICEGW_OK;
}

static int32_t on_speech(const struct voicegw_host *host, uint64_t stream, uint32_t started, int64_t sample)
{
    report(of(host), "speech", stream, (uint64_t)sample, (int32_t)started, NULL, NULL);
    return VOICEGW_OK;
}

static int32_t on_usage(const struct voicegw_host *host, uint64_t stream, const char *usage_json)
{
    report(of(host), "usage", stream, 0, 0, NULL, usage_json);
    return VOICEGW_OK;
}

static int32_t on_error(const struct voicegw_host *host, uint64_t stream, uint32_t fatal, int32_t status,
                        const char *sentence)
{
    report(of(host), fatal ? "fatal" : "error", stream, 0, status, sentence, NULL);
    return VOICEGW_OK;
}

static int32_t on_closed(const struct voicegw_host *host, uint64_t stream)
{
    report(of(host), "closed", stream, 0, 0, NULL, NULL);
    return VOICEGW_OK;
}

static void keep_audio(struct fakehost *fake, const struct voicegw_frame *frame)
{
    (void)pthread_mutex_lock(&fake->lock);
    if (fake->audio_bytes + frame->bytes > fake->audio_cap) {
        fake->audio_cap = (fake->audio_bytes + frame->bytes) * 2;
        fake->audio = must(realloc(fake->audio, fake->audio_cap));
    }
    memcpy(fake->audio + fake->audio_bytes, frame->data, frame->bytes);
    fake->audio_bytes += frame->bytes;
    (void)pthread_mutex_unlock(&fake->lock);
}

static int32_t tts_audio(const struct voicegw_host *host, uint64_t stream, uint64_t utterance,
                         const struct voicegw_frame *frame)
{
    struct fakehost *fake = of(host);
    keep_audio(fake, frame);
    report(fake, "audio", stream, utterance, (int32_t)frame->samples, NULL, NULL);
    if (fake->on_audio)
        fake->on_audio(fake->on_audio_arg, frame);
    return VOICEGW_OK;
}

static int32_t tts_align(const struct voicegw_host *host, uint64_t stream, uint64_t utterance, uint32_t characters,
                         uint64_t samples)
{
    report(of(host), "align", stream, utterance, (int32_t)characters, NULL, NULL);
    return VOICEGW_OK;
}

static int32_t tts_done(const struct voicegw_host *host, uint64_t stream, uint64_t utterance, int32_t status,
                        const char *sentence)
{
    report(of(host), "done", stream, utterance, status, sentence, NULL);
    return VOICEGW_OK;
}

static int32_t as_delta(const struct voicegw_host *host, uint64_t session, uint64_t turn, const char *text)
{
    report(of(host), "delta", session, turn, 0, text, NULL);
    return VOICEGW_OK;
}

static int32_t as_tool(const struct voicegw_host *host, uint64_t session, uint64_t turn, uint64_t tool_call,
                       const char *name, const char *arguments_json)
{
    struct fakehost *fake = of(host);
    report(fake, "tool", session, turn, 0, name, arguments_json);
    fake->reports[fake->report_count - 1].tool_call = tool_call;
    return VOICEGW_OK;
}

static int32_t as_action(const struct voicegw_host *host, uint64_t session, uint64_t turn, const char *action,
                         const char *params_json)
{
    report(of(host), strcmp(action, "hints") == 0 ? "hints" : "action", session, turn, 0, action, params_json);
    return VOICEGW_OK;
}

static int32_t as_turn_done(const struct voicegw_host *host, uint64_t session, uint64_t turn, int32_t status,
                            const char *sentence, const char *usage_json)
{
    report(of(host), "turn_done", session, turn, status, sentence, usage_json);
    return VOICEGW_OK;
}

static int32_t as_audio(const struct voicegw_host *host, uint64_t session, const char *item,
                        const struct voicegw_frame *frame)
{
    struct fakehost *fake = of(host);
    keep_audio(fake, frame);
    report(fake, "audio", session, frame->timestamp, (int32_t)frame->samples, item, NULL);
    if (fake->on_audio)
        fake->on_audio(fake->on_audio_arg, frame);
    return VOICEGW_OK;
}

static int32_t as_clear(const struct voicegw_host *host, uint64_t session)
{
    report(of(host), "clear", session, 0, 0, NULL, NULL);
    return VOICEGW_OK;
}

static int32_t as_transcript(const struct voicegw_host *host, uint64_t session, const char *role, uint32_t final,
                             const char *text)
{
    report(of(host), "transcript", session, 0, (int32_t) final, text, NULL);
    return VOICEGW_OK;
}

static int32_t as_item_done(const struct voicegw_host *host, uint64_t session, const char *item)
{
    report(of(host), "item_done", session, 0, 0, item, NULL);
    return VOICEGW_OK;
}

static int32_t as_expiring(const struct voicegw_host *host, uint64_t session, uint32_t ms)
{
    report(of(host), "expiring", session, ms, 0, NULL, NULL);
    return VOICEGW_OK;
}

static const struct voicegw_host_stt stt_table = {sizeof stt_table, 0,        stt_result, on_speech,
                                                  on_usage,         on_error, on_closed};
static const struct voicegw_host_tts tts_table = {sizeof tts_table, 0,        tts_audio, tts_align,
                                                  tts_done,         on_usage, on_error,  on_closed};
static const struct voicegw_host_assistant as_table = {
    sizeof as_table, 0,        as_delta, as_tool,   as_action,     as_turn_done, on_error,
    on_closed,       as_audio, as_clear, on_speech, as_transcript, as_item_done, as_expiring};

static const void *host_extension(const struct voicegw_host *host, const char *id)
{
    if (strcmp(id, VOICEGW_HOST_STT) == 0)
        return &stt_table;
    if (strcmp(id, VOICEGW_HOST_TTS) == 0)
        return &tts_table;
    if (strcmp(id, VOICEGW_HOST_ASSISTANT) == 0)
        return &as_table;
    return NULL;
}

/* ---- the harness ---- */

struct fakehost *fakehost_new(const struct voicegw_factory *factory, const char *options_json)
{
    struct fakehost *fake = must(calloc(1, sizeof *fake));
    fake->host = (struct voicegw_host){sizeof fake->host, VOICEGW_ABI_MAJOR,  VOICEGW_ABI_MINOR, 0,
                                       "under-test",      "under-test",       host_log,          host_set_error,
                                       host_last_error,   host_option_string, host_option_int,   host_option_double,
                                       host_option_json,  host_now,           host_wall,         host_timer_start,
                                       host_timer_cancel, host_post,          host_job,          host_strand_new,
                                       host_drained,      host_health,        host_count,        host_thread,
                                       host_once,         host_extension};
    fake->options = copy(options_json ? options_json : "{}");
    fake->factory = factory;
    fake->reports = must(calloc(REPORTS, sizeof *fake->reports));
    fake->targets[0] = FAKEHOST_STREAM;
    fake->now_us = 1000000;
    fake->loop = pthread_self();
    (void)pthread_mutex_init(&fake->lock, NULL);
    (void)pthread_cond_init(&fake->wake, NULL);
    return fake;
}

static int drop(struct queue *q, const char *what)
{
    int n = 0;
    for (struct task *t; (t = take(q)) != NULL; n++)
        free(t);
    if (n)
        (void)fprintf(stderr, "fakehost: %d %s left\n", n, what);
    return n;
}

int fakehost_free(struct fakehost *fake)
{
    if (!fake)
        return 0;
    if (fake->threaded) {
        (void)pthread_mutex_lock(&fake->lock);
        fake->stop = 1;
        (void)pthread_cond_broadcast(&fake->wake);
        (void)pthread_mutex_unlock(&fake->lock);
        (void)pthread_join(fake->thread, NULL);
    }
    struct queue timers = {fake->timers, NULL};
    int leaks = drop(&fake->posts, "posts") + drop(&fake->jobs, "jobs") + drop(&timers, "timers");
    fakehost_forget(fake);
    for (size_t i = 0; i < fake->log_count; i++)
        free(fake->log[i]);
    for (size_t i = 0; i < sizeof fake->json_values / sizeof *fake->json_values; i++)
        free(fake->json_values[i]);
    free(fake->reports);
    free(fake->audio);
    free(fake->joined);
    free(fake->options);
    (void)pthread_mutex_destroy(&fake->lock);
    (void)pthread_cond_destroy(&fake->wake);
    free(fake);
    return leaks;
}

const struct voicegw_host *fakehost_host(struct fakehost *fake)
{
    return &fake->host;
}

const struct voicegw_options *fakehost_options(struct fakehost *fake)
{
    return (const struct voicegw_options *)(uintptr_t)fake->options;
}

const struct voicegw_plugin *fakehost_load(const char *path)
{
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        (void)fprintf(stderr, "fakehost: %s\n", dlerror());
        return NULL;
    }
    const struct voicegw_plugin *(*entry)(uint32_t, uint32_t);
    void *symbol = dlsym(so, "voicegw_plugin_entry");
    memcpy(&entry, &symbol, sizeof entry);
    return entry ? entry(VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR) : NULL;
}

const struct voicegw_factory *fakehost_factory(const struct voicegw_plugin *plugin, const char *kind)
{
    for (uint32_t i = 0; plugin && i < plugin->factory_count; i++)
        if (strcmp(plugin->factories[i]->kind, kind) == 0)
            return plugin->factories[i];
    return NULL;
}

void fakehost_target(struct fakehost *fake, uint64_t handle, int live)
{
    for (size_t i = 0; i < TARGETS; i++) {
        if (fake->targets[i] == (live ? 0 : handle)) {
            fake->targets[i] = live ? handle : 0;
            return;
        }
    }
}

void fakehost_refuse(struct fakehost *fake, unsigned n)
{
    fake->refuse = n;
}

void fakehost_hold_jobs(struct fakehost *fake, int hold)
{
    fake->hold = hold;
}

static void finish_job(struct fakehost *fake, struct task *t)
{
    (void)pthread_mutex_lock(&fake->lock);
    fake->running--;
    if (t->done) {
        t->fn = t->done;
        t->target = VOICEGW_TARGET_CONTROL; /* done runs in any case */
        put(&fake->posts, t);
        t = NULL;
    }
    (void)pthread_cond_broadcast(&fake->wake);
    (void)pthread_mutex_unlock(&fake->lock);
    free(t);
}

static void *job_thread(void *arg)
{
    struct fakehost *fake = arg;
    for (;;) {
        (void)pthread_mutex_lock(&fake->lock);
        while (!fake->stop && (!fake->jobs.head || fake->hold))
            (void)pthread_cond_wait(&fake->wake, &fake->lock);
        struct task *t = fake->stop ? NULL : take(&fake->jobs);
        if (t)
            fake->running++;
        (void)pthread_mutex_unlock(&fake->lock);
        if (!t)
            return NULL;
        t->fn(t->arg);
        finish_job(fake, t);
    }
}

void fakehost_threaded(struct fakehost *fake)
{
    fake->threaded = 1;
    if (pthread_create(&fake->thread, NULL, job_thread, fake) != 0)
        abort();
}

static int step(struct fakehost *fake)
{
    (void)pthread_mutex_lock(&fake->lock);
    struct task *t = take(&fake->posts);
    int is_job = 0;
    if (!t && !fake->threaded && !fake->hold) {
        t = take(&fake->jobs);
        is_job = t != NULL;
        fake->running += is_job ? 1u : 0u;
    }
    if (!t && fake->timers && fake->timers->due_us <= clock_us(fake)) {
        t = fake->timers;
        fake->timers = t->next;
    }
    int live = t && (is_job || alive(fake, t->target));
    (void)pthread_mutex_unlock(&fake->lock);
    if (!t)
        return 0;
    if (live)
        t->fn(t->arg);
    if (is_job)
        finish_job(fake, t);
    else
        free(t);
    return 1;
}

void fakehost_run(struct fakehost *fake)
{
    for (;;) {
        while (step(fake)) {
        }
        (void)pthread_mutex_lock(&fake->lock);
        int busy = fake->threaded && (fake->running > 0 || (fake->jobs.head && !fake->hold));
        if (busy && !fake->posts.head)
            (void)pthread_cond_wait(&fake->wake, &fake->lock);
        (void)pthread_mutex_unlock(&fake->lock);
        if (!busy && !fake->posts.head)
            return;
    }
}

void fakehost_advance(struct fakehost *fake, int64_t us)
{
    int64_t until = fake->now_us + us;
    fakehost_run(fake);
    while (fake->timers && fake->timers->due_us <= until) {
        if (fake->timers->due_us > fake->now_us)
            fake->now_us = fake->timers->due_us;
        fakehost_run(fake);
    }
    fake->now_us = until;
}

int fakehost_wait(struct fakehost *fake, const char *what, uint64_t id, int64_t timeout_us)
{
    int64_t until = real_us() + timeout_us;
    size_t at = 0;
    for (;;) {
        while (step(fake)) {
        }
        for (; at < fake->report_count; at++)
            if (strcmp(fake->reports[at].what, what) == 0 && fake->reports[at].id == id)
                return 1;
        if (real_us() >= until)
            return 0;
        struct timespec t;
        (void)clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 2000000;
        if (t.tv_nsec >= 1000000000) {
            t.tv_sec++;
            t.tv_nsec -= 1000000000;
        }
        (void)pthread_mutex_lock(&fake->lock);
        if (!fake->posts.head && at == fake->report_count)
            (void)pthread_cond_timedwait(&fake->wake, &fake->lock, &t);
        (void)pthread_mutex_unlock(&fake->lock);
    }
}

size_t fakehost_count(const struct fakehost *fake, const char *what)
{
    size_t n = 0;
    for (size_t i = 0; i < fake->report_count; i++)
        n += strcmp(fake->reports[i].what, what) == 0;
    return n;
}

const struct fakehost_report *fakehost_report(const struct fakehost *fake, const char *what, size_t n)
{
    for (size_t i = 0; i < fake->report_count; i++)
        if (strcmp(fake->reports[i].what, what) == 0 && n-- == 0)
            return &fake->reports[i];
    return NULL;
}

const struct fakehost_report *fakehost_last(const struct fakehost *fake, const char *what)
{
    size_t n = fakehost_count(fake, what);
    return n ? fakehost_report(fake, what, n - 1) : NULL;
}

const char *fakehost_text(struct fakehost *fake, const char *what)
{
    size_t len = 0;
    free(fake->joined);
    fake->joined = must(calloc(1, 1));
    for (size_t i = 0; i < fake->report_count; i++) {
        const struct fakehost_report *r = &fake->reports[i];
        if (strcmp(r->what, what) != 0 || !r->text)
            continue;
        size_t n = strlen(r->text);
        fake->joined = must(realloc(fake->joined, len + n + 1));
        memcpy(fake->joined + len, r->text, n + 1);
        len += n;
    }
    return fake->joined;
}

void fakehost_forget(struct fakehost *fake)
{
    for (size_t i = 0; i < fake->report_count; i++) {
        free(fake->reports[i].text);
        free(fake->reports[i].json);
    }
    fake->report_count = 0;
    fake->audio_bytes = 0;
}

const uint8_t *fakehost_audio(const struct fakehost *fake, size_t *ret_bytes)
{
    *ret_bytes = fake->audio_bytes;
    return fake->audio;
}

const char *fakehost_logged(const struct fakehost *fake, const char *part)
{
    for (size_t i = fake->log_count; i-- > 0;)
        if (strstr(fake->log[i], part))
            return fake->log[i];
    return NULL;
}

size_t fakehost_log_count(const struct fakehost *fake, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < fake->log_count; i++)
        n += strstr(fake->log[i], part) != NULL;
    return n;
}

const char *fakehost_error(const struct fakehost *fake)
{
    return fake->error;
}

void fakehost_on_audio(struct fakehost *fake, void (*fn)(void *arg, const struct voicegw_frame *frame), void *arg)
{
    fake->on_audio = fn;
    fake->on_audio_arg = arg;
}

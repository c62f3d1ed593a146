/* world.c - opening, watching and ending one seed's gateway. */
#include "world.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "loop/handle.h"
#include "loop/impl.h"
#include "store/store.h"

struct world *world_now;

void world_fail(struct world *w, const char *fmt, ...)
{
    va_list args;
    if (w->failure[0])
        return;
    va_start(args, fmt);
    int n = vsnprintf(w->failure, sizeof w->failure, fmt, args);
    va_end(args);
    if (n <= 0)
        vgw_strcopy(w->failure, sizeof w->failure, "something failed");
}

/* ---- files ---- */

static void remove_tree(const char *path, int depth)
{
    DIR *dir = depth < 6 ? opendir(path) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct vgw_buf full = {0};
        if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.'))
            continue;
        vgw_buf_printf(&full, "%s/%s", path, e->d_name);
        if (unlink(vgw_buf_str(&full)) < 0)
            remove_tree(vgw_buf_str(&full), depth + 1);
        vgw_buf_done(&full);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

void world_clean(const struct world_options *options)
{
    remove_tree(options->dir, 0);
}

bool world_configure(struct world *w, const char *yaml)
{
    FILE *f = fopen(w->config, "we");
    if (!f || fputs(yaml, f) < 0 || fclose(f) != 0) {
        world_fail(w, "the file %s could not be written", w->config);
        return false;
    }
    return true;
}

/* ---- what is seen ---- */

static struct seen *seen_of(struct vgw_map *map, const char *id)
{
    struct seen *s = vgw_map_get(map, id);
    if (!s && VGW_NEW(s) && vgw_map_set(map, id, s) < 0)
        abort();
    return s;
}

static void on_event(void *arg, struct vgw_event *e)
{
    struct world *w = arg;
    if (e->id <= w->last_event)
        world_fail(w, "event %llu came after %llu", (unsigned long long)e->id, (unsigned long long)w->last_event);
    w->last_event = e->id;
    struct seen *c = e->about.call_id ? seen_of(w->calls, e->about.call_id) : NULL;
    struct seen *s = e->about.session_id ? seen_of(w->sessions, e->about.session_id) : NULL;
    if (c && (e->type == VGW_EVENT_CALL_ENDED || e->type == VGW_EVENT_CALL_FAILED) && ++c->ended > 1)
        world_fail(w, "call %s ended %u times (%s)", e->about.call_id, c->ended, e->name);
    if (c && e->type == VGW_EVENT_CALL_INITIATED && ++c->began > 1)
        world_fail(w, "call %s began twice", e->about.call_id);
    if (c && c->ended &&
        (e->type == VGW_EVENT_CALL_RINGING || e->type == VGW_EVENT_CALL_ANSWERED || e->type == VGW_EVENT_HOLD_STARTED ||
         e->type == VGW_EVENT_TRANSFER_INITIATED))
        world_fail(w, "%s came after the end of call %s", e->name, e->about.call_id);
    if (s && e->type == VGW_EVENT_SESSION_CREATED && ++s->began > 1)
        world_fail(w, "session %s began twice", e->about.session_id);
    if (s && e->type == VGW_EVENT_SESSION_STOPPED && ++s->ended > 1)
        world_fail(w, "session %s stopped %u times", e->about.session_id, s->ended);
}

static void on_line(const char *line, void *arg)
{
    const struct world_options *o = arg;
    if (o->verbose)
        fputs(line, stderr);
    if (world_now && strstr(line, "promise") && strstr(line, "broken"))
        world_fail(world_now, "%s", line);
}

/* ---- life ---- */

static bool gateway_open(struct world *w)
{
    w->dirs[0] = w->options->plugins;
    w->dirs[1] = w->options->chaos;
    struct vgw_gateway_options o = {.loop = w->control,
                                    .config_path = w->config,
                                    .plugin_dirs = w->dirs,
                                    .plugin_dir_count = 2,
                                    .state_dir = w->state,
                                    .driver = w->driver};
    struct vgw_config_reader reader = {0};
    struct vgw_error err = {0};
    struct vgw_buf text = {0};
    int rc = vgw_gateway_new(&o, &reader, &w->gateway, &err);
    if (rc < 0) {
        vgw_config_errors_print(&reader.errors, &text);
        world_fail(w, "the gateway did not start: %s %s", err.text, vgw_buf_str(&text));
        w->gateway = NULL;
    }
    vgw_buf_done(&text);
    vgw_config_reader_done(&reader);
    if (rc < 0)
        return false;
    w->sub = vgw_bus_subscribe(vgw_gateway_rooms(w->gateway).bus, VGW_EVENT_ALL, on_event, w);
    return w->sub != NULL;
}

static bool all_started(struct world *w)
{
    struct vgw_json *parts = vgw_gateway_health(w->gateway);
    char *text = vgw_json_text(parts, false);
    if (vgw_gateway_degraded(w->gateway))
        world_fail(w, "a part is not well at the start: %s", text ? text : "");
    vgw_free(text);
    vgw_json_free(parts);
    return !w->failure[0];
}

bool world_open(struct world *w, const struct world_options *options, uint64_t seed, const char *yaml)
{
    char *drawn = NULL;
    *w = (struct world){.options = options, .seed = seed};
    world_now = w;
    vgw_log_capture(on_line, (void *)(uintptr_t)options);
    vgw_log_set_level(options->verbose ? VGW_LOG_DEBUG : VGW_LOG_INFO);
    vgw_rng_seed(&w->rng, seed + 77);
    vgw_list_init(&w->commands);
    (void)snprintf(w->state, sizeof w->state, "%s/state", options->dir);
    (void)snprintf(w->data, sizeof w->data, "%s/data", options->dir);
    (void)snprintf(w->config, sizeof w->config, "%s/data/voicegw.yaml", options->dir);
    remove_tree(w->data, 0);
    mkdir(w->state, 0750);
    mkdir(w->data, 0750);
    for (int k = VGW_HANDLE_CALL; k <= VGW_HANDLE_USE; k++)
        w->names_before[k] = vgw_handle_count((enum vgw_handle_kind)k);
    w->calls = vgw_map_new(vgw_free);
    w->sessions = vgw_map_new(vgw_free);
    w->driver = vgw_driver_new(seed, WORLD_WALL_US);
    w->control = w->driver ? vgw_driver_loop(w->driver, "control") : NULL;
    if (!w->calls || !w->sessions || !w->control)
        abort();
    if (!yaml)
        yaml = drawn = config_random(w, 0);
    bool ok = world_configure(w, yaml) && gateway_open(w) && all_started(w);
    vgw_free(drawn);
    return ok;
}

static void gateway_close(struct world *w)
{
    if (!w->gateway)
        return;
    vgw_timer_stop(&w->act_timer);
    vgw_driver_invariant(w->driver, NULL, NULL);
    vgw_calls_interrupt_all(vgw_gateway_rooms(w->gateway).calls); /* the last events, before we stop listening */
    vgw_bus_unsubscribe(w->sub);
    w->sub = NULL;
    vgw_gateway_free(w->gateway);
    w->gateway = NULL;
    vgw_driver_settle(w->driver);
}

bool world_restart(struct world *w)
{
    gateway_close(w);
    w->restarted = true;
    char *yaml = config_random(w, 0);
    bool ok = yaml && world_configure(w, yaml) && gateway_open(w);
    vgw_free(yaml);
    return ok;
}

static void check_names(struct world *w)
{
    static const char *const names[] = {"", "call", "leg", "stt", "tts", "assistant", "use"};
    for (int k = VGW_HANDLE_CALL; k <= VGW_HANDLE_USE; k++)
        if (vgw_handle_count((enum vgw_handle_kind)k) != w->names_before[k])
            world_fail(w, "%u names of kind %s are left",
                       vgw_handle_count((enum vgw_handle_kind)k) - w->names_before[k], names[k]);
}

void world_close(struct world *w)
{
    gateway_close(w);
    acts_free(w);
    if (vgw_heap_head(&w->control->timers))
        world_fail(w, "a timer of control is armed after the gateway has gone");
    vgw_loop_free(w->control);
    vgw_driver_free(w->driver);
    check_names(w);
    vgw_map_free(w->calls);
    vgw_map_free(w->sessions);
    remove_tree(w->data, 0);
    world_now = NULL;
}

/* ---- what holds ---- */

void world_check(struct world *w)
{
    uint32_t orphans = vgw_calls_orphans(vgw_gateway_rooms(w->gateway).calls);
    if (orphans)
        world_fail(w, "%u calls or sessions will never end", orphans);
}

static bool is_quiet(void *arg)
{
    struct world *w = arg;
    struct vgw_gateway_rooms r = vgw_gateway_rooms(w->gateway);
    return w->drained && !vgw_flow_engine_counts(r.flow).live && !vgw_store_backlog(vgw_gateway_store(w->gateway));
}

static void on_drained(void *arg)
{
    ((struct world *)arg)->drained = true;
}

static void check_instances(struct world *w)
{
    struct vgw_registry *registry = vgw_gateway_rooms(w->gateway).registry;
    const char *section, *name;
    struct vgw_instance *i;
    size_t current = 0;
    for (size_t at = 0; vgw_registry_next(registry, &at, &section, &name, &i);) {
        current += i != NULL;
        if (i && i->refs)
            world_fail(w, "%s.%s is still held %u times", section, name, i->refs);
    }
    if (vgw_registry_alive(registry) != current)
        world_fail(w, "%zu instances are alive, %zu are current", vgw_registry_alive(registry), current);
}

static void check_loops(struct world *w)
{
    struct vgw_loop *loops[VGW_GATEWAY_LOOPS_MAX];
    size_t n = vgw_gateway_loops(w->gateway, loops);
    for (size_t i = 0; i < n; i++) {
        const struct vgw_timer *t = vgw_heap_head(&loops[i]->timers);
        if (t)
            world_fail(w, "%zu timers of worker %s are still armed, the next at %lld µs from now",
                       loops[i]->timers.count, vgw_loop_name(loops[i]),
                       (long long)(t->deadline_us - vgw_driver_now(w->driver)));
    }
}

static void check_seen(struct world *w)
{
    const char *id;
    void *value;
    for (size_t i = 0; vgw_map_next(w->calls, &i, &id, &value);)
        if (((struct seen *)value)->ended != 1)
            world_fail(w, "call %s has %u terminal events", id, ((struct seen *)value)->ended);
    for (size_t i = 0; vgw_map_next(w->sessions, &i, &id, &value);)
        if (((struct seen *)value)->ended != ((struct seen *)value)->began)
            world_fail(w, "session %s began %u times and stopped %u times", id, ((struct seen *)value)->began,
                       ((struct seen *)value)->ended);
}

/* ---- the store ---- */

static void rows_check(struct world *w, const struct vgw_json *rows, struct vgw_map *seen, const char *key,
                       const char *table)
{
    size_t known = 0;
    for (size_t i = 0; i < vgw_json_count(rows); i++) {
        const struct vgw_json *r = vgw_json_at(rows, i);
        const char *id = vgw_json_get_string(r, key, ""), *status = vgw_json_get_string(r, "status", "");
        bool unseen = !vgw_map_has(seen, id); /* what was refused while the gateway went down is in the store alone */
        if (unseen && !(w->restarted && vgw_streq(status, "busy")))
            world_fail(w, "the store's %s has %s, which nobody has seen: %s", table, id, status);
        known += !unseen;
        if (!status[0] || vgw_streq(status, "active"))
            world_fail(w, "the store's %s says of %s that it is '%s'", table, id, status);
    }
    if (known != vgw_map_count(seen))
        world_fail(w, "the store's %s has %zu rows for %zu that were seen", table, known, vgw_map_count(seen));
}

static void on_sessions(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct world *w = arg;
    if (status < 0)
        world_fail(w, "the store did not answer: %s", sentence);
    rows_check(w, rows, w->sessions, "session_id", "sessions");
}

static void on_calls(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct world *w = arg;
    if (status < 0)
        world_fail(w, "the store did not answer: %s", sentence);
    rows_check(w, rows, w->calls, "call_id", "calls");
    w->rows_read = true;
}

static bool rows_read(void *arg)
{
    return ((struct world *)arg)->rows_read;
}

static void check_store(struct world *w)
{
    struct vgw_store *store = vgw_gateway_store(w->gateway);
    vgw_store_query(store, "sessions", NULL, VGW_STORE_ROWS_MAX, NULL, on_sessions, w);
    vgw_store_query(store, "calls", NULL, VGW_STORE_ROWS_MAX, NULL, on_calls, w);
    if (!vgw_driver_run_until(w->driver, rows_read, w, 60 * VGW_US_PER_S))
        world_fail(w, "the store does not answer");
}

void world_settle(struct world *w)
{
    struct vgw_gateway_rooms r = vgw_gateway_rooms(w->gateway);
    w->drained = false;
    vgw_gateway_drain(w->gateway, (int64_t)vgw_rng_below(&w->rng, 100) * VGW_US_PER_S, on_drained, w);
    if (!vgw_driver_run_until(w->driver, is_quiet, w, 600 * VGW_US_PER_S))
        world_fail(
            w, "not quiet 10 minutes after the drain began: drained %d, %u calls, %u sessions, %zu runs, %zu writes",
            w->drained, vgw_calls_count(r.calls), vgw_calls_session_count(r.calls), vgw_flow_engine_counts(r.flow).live,
            vgw_store_backlog(vgw_gateway_store(w->gateway)));
    vgw_driver_run(w->driver, 60 * VGW_US_PER_S); /* late callbacks, generations that drain */
    world_check(w);
    uint32_t mixes = vgw_calls_mixes(vgw_gateway_rooms(w->gateway).calls);
    if (mixes)
        world_fail(w, "%u mixes are left", mixes);
    if (vgw_calls_count(r.calls) || vgw_calls_session_count(r.calls))
        world_fail(w, "%u calls and %u sessions are live after all was drained", vgw_calls_count(r.calls),
                   vgw_calls_session_count(r.calls));
    check_instances(w);
    check_loops(w);
    check_names(w);
    check_seen(w);
    acts_check(w);
    if (vgw_action_counts(r.actions).live)
        world_fail(w, "%zu actions are still under way", vgw_action_counts(r.actions).live);
    check_store(w);
}

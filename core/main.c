/* main.c - voicegwd: options, signals, readiness; makes gateway, front and API, and runs the control loop. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "config/main_table.h"
#include "config/schema.h"
#include "gateway/gateway.h"
#include "gateway/limits.h"
#include "gateway/archive.h"
#include "gateway/trial.h"
#include "loop/notify.h"
#include "loop/watchdog.h"
#include "net/front.h"
#include "net/tls.h"
#include "plugin/probe.h"
#include "store/store.h"

#define EXIT_USAGE 64
#define EXIT_UNAVAILABLE 69
#define EXIT_CONFIG 78
#define PLUGIN_DIRS_MAX 32
#define FILES_WANTED 16384

static const char default_config[] = VGW_SYSCONFDIR "/voicegw/voicegw.yaml";

struct daemon {
    const char *config;
    const char *plugin_dirs[PLUGIN_DIRS_MAX];
    size_t plugin_dir_count;
    const char *state_dir;
    struct vgw_loop *loop;
    struct vgw_gateway *gateway;
    struct vgw_front *front;
    struct vgw_api *api;
    struct vgw_api_config *api_config;
    struct vgw_tls_server *tls;
    struct vgw_tls_thread *tls_thread;
    struct vgw_watchdog *watchdog;
    char node[64];
    unsigned reloads; /* that somebody waits for */
    bool ending, closing, has_group;
    gid_t group; /* voicegw, when there is one: it may use the control socket */
};

static const char *env_get(const char *name, void *arg)
{
    return getenv(name);
}

/* ---- --check and the hidden printing options ---- */

static void print_errors(const struct vgw_config_reader *reader)
{
    struct vgw_buf out = {0};
    vgw_config_errors_print(&reader->errors, &out);
    fputs(vgw_buf_str(&out), stderr);
    vgw_buf_done(&out);
}

/* What later rooms make of the main file, as errors of the whole: the API's part, and the files of TLS. */
static void check_main(void *arg, const struct vgw_options *main, struct vgw_config_errors *errors)
{
    const struct vgw_options *tls = vgw_options_section(main, "http.tls");
    struct vgw_api_config *config = NULL;
    struct vgw_tls_server *server = NULL;
    struct vgw_error err = {0};
    if (vgw_api_compile(main, errors, &config) == 0)
        vgw_api_config_free(config);
    if (tls &&
        vgw_tls_server_new(vgw_options_string(tls, "certificate"), vgw_options_string(tls, "key"), &server, &err) < 0)
        vgw_options_error(tls, "certificate", errors, "%s", err.text);
    vgw_tls_server_free(server);
    for (size_t i = 0; i < vgw_options_count(main, "http.trusted_proxies"); i++) {
        struct vgw_cidr cidr;
        struct vgw_error bad = {0};
        if (vgw_cidr_parse(vgw_options_item(main, "http.trusted_proxies", i), &cidr, &bad) < 0)
            vgw_options_error(main, "http.trusted_proxies", errors, "%s", bad.text);
    }
}

static struct vgw_plan_source source_of(const struct daemon *d, struct vgw_plugin_prober *prober)
{
    return (struct vgw_plan_source){.path = d->config,
                                    .plugin_dirs = d->plugin_dirs,
                                    .plugin_dir_count = d->plugin_dir_count,
                                    .prober = prober,
                                    .check = check_main,
                                    .try_instances = true,
                                    .plugins_must_load = true};
}

static int check(const struct daemon *d)
{
    struct vgw_plugin_prober prober = {0};
    struct vgw_plan_source source = source_of(d, &prober);
    struct vgw_config_reader reader = {.getenv = env_get};
    struct vgw_plan *plan = NULL;
    struct vgw_action_registry *actions = vgw_gateway_check_actions();
    source.actions = actions;
    int rc = vgw_plan_compile(&source, &reader, &plan);
    print_errors(&reader);
    if (rc == 0) {
        printf("%s: the configuration is fine\n", d->config ? d->config : "embedded defaults");
        for (size_t i = 0; i < reader.supplied_count; i++)
            printf("from the environment: %s\n", reader.supplied[i]);
    }
    vgw_plan_unref(plan);
    vgw_action_registry_free(actions);
    vgw_config_reader_done(&reader);
    return rc == 0 ? 0 : EXIT_CONFIG;
}

static int print_schema(const struct daemon *d)
{
    struct vgw_json *schema = vgw_gateway_schema(d->plugin_dirs, d->plugin_dir_count);
    char *text = vgw_json_text(schema, true);
    puts(text ? text : "{}");
    vgw_free(text);
    vgw_json_free(schema);
    return 0;
}

static int print_mdoc(bool limits)
{
    struct vgw_buf out = {0};
    if (limits)
        vgw_limits_mdoc(&out);
    else
        vgw_schema_mdoc(vgw_main_table(), &out);
    fputs(vgw_buf_str(&out), stdout);
    vgw_buf_done(&out);
    return 0;
}

/* ---- the API's view of the gateway ---- */

static const struct vgw_api_config *api_config(void *arg)
{
    return ((struct daemon *)arg)->api_config;
}
static struct vgw_ws_hub *api_hub(void *arg, struct vgw_loop *side)
{
    return vgw_gateway_hub(((struct daemon *)arg)->gateway, side);
}
static const struct vgw_policy *api_policy(void *arg)
{
    return vgw_gateway_policy(((struct daemon *)arg)->gateway);
}
static const char *api_department(void *arg, const char *name)
{
    return vgw_gateway_department(((struct daemon *)arg)->gateway, name);
}
static const char *api_department_nearest(void *arg, const char *name)
{
    return vgw_gateway_department_nearest(((struct daemon *)arg)->gateway, name);
}

static bool api_peer_allowed(void *arg, uint32_t uid, uint32_t gid)
{
    const struct daemon *d = arg;
    return uid == 0 || uid == geteuid() || (d->has_group && gid == d->group);
}

struct rows_request {
    struct daemon *daemon;
    vgw_api_rows_fn done;
    void *arg;
};

static void rows_done(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct rows_request *r = arg;
    if (r->daemon->api) /* the store ends after the API */
        r->done(r->arg, status, sentence, status < 0 ? NULL : vgw_json_copy(rows));
    vgw_free(r);
}

static void api_store_query(void *arg, const char *table, struct vgw_json *filter, uint32_t limit, const char *cursor,
                            vgw_api_rows_fn done, void *done_arg)
{
    struct vgw_store *store = vgw_gateway_store(((struct daemon *)arg)->gateway);
    struct rows_request *r = NULL;
    int rc = VGW_ESTORAGE;
    if (store && VGW_NEW(r)) {
        *r = (struct rows_request){arg, done, done_arg};
        rc = vgw_store_query(store, table, filter, limit, cursor, rows_done, r);
    }
    vgw_json_free(filter);
    if (rc < 0) {
        vgw_free(r);
        done(done_arg, rc, store ? "too many requests to the store; try again in a moment" : "there is no store", NULL);
    }
}

static bool api_store_well(void *arg)
{
    struct vgw_store *store = vgw_gateway_store(((struct daemon *)arg)->gateway);
    return store && vgw_store_is_well(store);
}

static int api_store_tally(void *arg, const char *table, const struct vgw_json *filter, const struct vgw_json *what,
                           vgw_store_fn done, void *done_arg)
{
    struct vgw_store *store = vgw_gateway_store(((struct daemon *)arg)->gateway);
    return store ? vgw_store_tally(store, table, filter, what, done, done_arg) : VGW_ESTORAGE;
}

static int api_recording_address(void *arg, const char *id, char **ret_url)
{
    struct vgw_archive *archive = vgw_gateway_archive(((struct daemon *)arg)->gateway);
    struct vgw_buf url = {0};
    if (!vgw_archive_on(archive))
        return VGW_ENOTFOUND;
    int rc = vgw_archive_redirects(archive) ? vgw_archive_address(archive, id, &url, NULL) : VGW_EBUSY;
    *ret_url = vgw_buf_take(&url);
    return rc;
}

static int api_recording_fetch(void *arg, const char *id,
                               void (*done)(void *done_arg, int status, const char *sentence, const char *path),
                               void *done_arg)
{
    struct vgw_archive *archive = vgw_gateway_archive(((struct daemon *)arg)->gateway);
    return vgw_archive_on(archive) ? vgw_archive_fetch(archive, id, done, done_arg, NULL) : VGW_ENOTFOUND;
}

static void api_recording_erase(void *arg, const char *id)
{
    vgw_archive_erase(vgw_gateway_archive(((struct daemon *)arg)->gateway), id);
}

static void api_store_apply(void *arg, struct vgw_json *batch, vgw_api_done_fn done, void *done_arg)
{
    struct vgw_store *store = vgw_gateway_store(((struct daemon *)arg)->gateway);
    int rc = store ? 0 : VGW_ESTORAGE;
    for (size_t i = 0; rc == 0 && i < vgw_json_count(batch); i++)
        rc = vgw_store_write(store, vgw_json_copy(vgw_json_at(batch, i)), VGW_STORE_JOURNALLED, NULL);
    vgw_json_free(batch);
    done(done_arg, rc, rc < 0 ? "the store refused" : "");
}

static struct vgw_json *errors_json(const struct vgw_config_errors *errors)
{
    struct vgw_json *list = vgw_json_array();
    for (size_t i = 0; i < errors->count; i++) {
        const struct vgw_config_error *e = &errors->items[i];
        struct vgw_json *o = vgw_json_object();
        struct vgw_buf place = {0};
        vgw_buf_adds(&place, e->file);
        if (e->line)
            vgw_buf_printf(&place, ":%d:%d", e->line, e->column);
        vgw_json_set_string(o, "field", vgw_buf_str(&place));
        vgw_json_set_string(o, "detail", e->text);
        vgw_buf_done(&place);
        vgw_json_append(list, o);
    }
    return list;
}

static int log_setup(const struct vgw_plan *plan, struct vgw_error *err)
{
    static const enum vgw_log_format formats[] = {VGW_LOG_TEXT, VGW_LOG_JSON, VGW_LOG_JOURNAL};
    const char *format = vgw_options_string(plan->main, "log.format");
    enum vgw_log_level level = VGW_LOG_INFO;
    vgw_log_level_parse(vgw_options_string(plan->main, "log.level"), &level);
    size_t f = vgw_streq(format, "json") ? 1 : vgw_streq(format, "journal") ? 2 : 0;
    return vgw_log_open(formats[f], vgw_options_string(plan->main, "log.target"), level, err);
}

static int trust_proxies(struct daemon *d, const struct vgw_options *main, struct vgw_error *err)
{
    struct vgw_cidr cidrs[64];
    size_t n = 0;
    for (size_t i = 0; i < vgw_options_count(main, "http.trusted_proxies") && n < 64; i++) {
        const char *text = vgw_options_item(main, "http.trusted_proxies", i);
        if (vgw_cidr_parse(text, &cidrs[n], err) < 0)
            return vgw_error_prefix(err, "http.trusted_proxies: ");
        n++;
    }
    return vgw_front_trust(d->front, cidrs, n);
}

/* The swap has been made: what later rooms read of the configuration follows, before anybody is answered. */
static void on_reloaded(void *arg)
{
    struct daemon *d = arg;
    struct vgw_api_config *next = NULL, *old = d->api_config;
    const struct vgw_plan *plan = vgw_gateway_plan(d->gateway);
    const struct vgw_options *tls = vgw_options_section(plan->main, "http.tls");
    struct vgw_error log_err = {0}, tls_err = {0}, trust_err = {0};
    if (vgw_api_compile(plan->main, NULL, &next) == 0) {
        d->api_config = next;
        vgw_api_on_config(d->api);
        vgw_api_config_free(old);
    }
    if (trust_proxies(d, plan->main, &trust_err) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "http.trusted_proxies stay as they were", "error", trust_err.text, NULL);
    if (log_setup(plan, &log_err) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "the log stays where it is", "error", log_err.text, NULL);
    if (tls && d->tls &&
        vgw_tls_server_reload(d->tls, vgw_options_string(tls, "certificate"), vgw_options_string(tls, "key"),
                              &tls_err) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "the certificate could not be read again; the old one stays in use", "error",
                tls_err.text, NULL);
}

struct reload_request { /* by the API or by SIGHUP */
    struct daemon *d;
    vgw_api_reload_fn done; /* NULL: the log is told */
    void *done_arg;
};

static void log_refusal(const char *sentence, const struct vgw_config_errors *errors)
{
    struct vgw_buf text = {0};
    if (errors)
        vgw_config_errors_print(errors, &text);
    vgw_log(VGW_LOG_ERROR, NULL, sentence, "errors", text.len ? vgw_buf_str(&text) : NULL, NULL);
    vgw_buf_done(&text);
}

static void reload_done(void *arg, int status, const char *sentence, const struct vgw_json *answer,
                        const struct vgw_config_errors *errors)
{
    struct reload_request *r = arg;
    if (--r->d->reloads == 0 && !r->d->closing)
        vgw_notify("READY=1");
    if (r->done)
        r->done(r->done_arg, status, status < 0 ? sentence : "", answer ? vgw_json_copy(answer) : NULL,
                status < 0 && errors && vgw_config_errors_total(errors) ? errors_json(errors) : NULL);
    else if (status < 0)
        log_refusal(sentence, errors);
    vgw_free(r);
}

static void reload(struct daemon *d, vgw_api_reload_fn done, void *done_arg)
{
    struct reload_request *r;
    if (!VGW_NEW(r)) {
        vgw_log(VGW_LOG_ERROR, NULL, "out of memory: the configuration is not loaded anew", NULL);
        if (done)
            done(done_arg, VGW_ELIMIT, "out of memory", NULL, NULL);
        return;
    }
    *r = (struct reload_request){d, done, done_arg};
    d->reloads++;
    vgw_notifyf("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)vgw_now(d->loop));
    vgw_gateway_reload(d->gateway, reload_done, r);
}

static void api_reload(void *arg, vgw_api_reload_fn done, void *done_arg)
{
    reload(arg, done, done_arg);
}

/* Until here the port was open: calls that are left need their callbacks, and who asks for new ones gets a sentence. */
static void on_drained_exit(void *arg)
{
    struct daemon *d = arg;
    vgw_front_drain(d->front);
    vgw_loop_stop(d->loop);
}

static void api_drain(void *arg, int64_t timeout_us, bool exit_after)
{
    struct daemon *d = arg;
    vgw_gateway_drain(d->gateway, timeout_us, exit_after ? on_drained_exit : NULL, d);
}
static void api_undrain(void *arg)
{
    vgw_gateway_undrain(((struct daemon *)arg)->gateway);
}
static struct vgw_json *api_health(void *arg)
{
    return vgw_gateway_health(((struct daemon *)arg)->gateway);
}
static bool api_enabled(void *arg)
{
    return vgw_gateway_enabled(((struct daemon *)arg)->gateway);
}
static uint32_t api_max_sessions(void *arg)
{
    return vgw_gateway_max_sessions(((struct daemon *)arg)->gateway);
}
static struct vgw_json *api_plugins(void *arg)
{
    return vgw_gateway_plugins(((struct daemon *)arg)->gateway);
}

static struct vgw_json *api_tools(void *arg)
{
    return vgw_gateway_tools(((struct daemon *)arg)->gateway);
}

static bool api_agent_known(void *arg, const char *name)
{
    return vgw_gateway_agent_known(((struct daemon *)arg)->gateway, name);
}

struct tool_request {
    vgw_api_rows_fn done;
    void *arg;
};

static void tool_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct tool_request *r = arg;
    r->done(r->arg, status, sentence, status < 0 ? NULL : vgw_json_copy(result));
    vgw_free(r);
}

static void api_tool(void *arg, const char *name, const struct vgw_json *arguments, const char *call_id,
                     const char *session_id, const char *project_id, vgw_api_rows_fn done, void *done_arg)
{
    struct tool_request *r;
    if (!VGW_NEW(r)) {
        done(done_arg, VGW_ELIMIT, "out of memory", NULL);
        return;
    }
    *r = (struct tool_request){done, done_arg};
    vgw_gateway_tool_call(((struct daemon *)arg)->gateway, name, arguments, call_id, session_id, project_id, tool_done,
                          r);
}

static void api_plugin(void *arg, const char *name, vgw_api_rows_fn done, void *done_arg)
{
    struct rows_request *r;
    if (!VGW_NEW(r)) {
        done(done_arg, VGW_ELIMIT, "out of memory", NULL);
        return;
    }
    *r = (struct rows_request){arg, done, done_arg};
    vgw_gateway_plugin(((struct daemon *)arg)->gateway, name, rows_done, r);
}

struct done_request {
    struct daemon *daemon;
    vgw_api_done_fn done;
    void *arg;
};

static void replay_done(void *arg, int status, const char *sentence)
{
    struct done_request *r = arg;
    if (r->daemon->api) /* the store ends after the API */
        r->done(r->arg, status, sentence);
    vgw_free(r);
}

static void api_webhook_replay(void *arg, const char *id, vgw_api_done_fn done, void *done_arg)
{
    struct done_request *r;
    if (!VGW_NEW(r)) {
        done(done_arg, VGW_ELIMIT, "out of memory");
        return;
    }
    *r = (struct done_request){arg, done, done_arg};
    vgw_gateway_webhook_replay(((struct daemon *)arg)->gateway, id, replay_done, r);
}

static int api_open(struct daemon *d, struct vgw_error *err)
{
    struct vgw_gateway_rooms rooms = vgw_gateway_rooms(d->gateway);
    struct vgw_api_env env = {.arg = d,
                              .loop = rooms.control,
                              .side = rooms.side,
                              .pool = rooms.pool,
                              .calls = rooms.calls,
                              .flow = rooms.flow,
                              .bus = rooms.bus,
                              .registry = rooms.registry,
                              .host = rooms.host,
                              .delivery = rooms.delivery,
                              .node = d->node,
                              .version = VGW_VERSION,
                              .config = api_config,
                              .hub = api_hub,
                              .policy = api_policy,
                              .department = api_department,
                              .department_nearest = api_department_nearest,
                              .peer_allowed = api_peer_allowed,
                              .store_query = api_store_query,
                              .store_tally = api_store_tally,
                              .store_apply = api_store_apply,
                              .store_well = api_store_well,
                              .reload = api_reload,
                              .drain = api_drain,
                              .undrain = api_undrain,
                              .health_parts = api_health,
                              .enabled = api_enabled,
                              .max_sessions = api_max_sessions,
                              .plugins = api_plugins,
                              .plugin = api_plugin,
                              .webhook_replay = api_webhook_replay,
                              .recording_address = api_recording_address,
                              .recording_fetch = api_recording_fetch,
                              .recording_erase = api_recording_erase,
                              .tools = api_tools,
                              .tool = api_tool,
                              .agent_known = api_agent_known};
    return vgw_api_new(&env, &d->api, err);
}

/* ---- listeners ---- */

static void tls_accept(void *arg, int fd, const struct vgw_peer *peer)
{
    vgw_tls_thread_take(((struct daemon *)arg)->tls_thread, fd, peer);
}

struct plain_socket {
    struct daemon *d;
    int fd;
    struct vgw_peer peer;
};

static void plain_on_control(void *arg)
{
    struct plain_socket *p = arg;
    vgw_front_adopt(p->d->front, p->fd, &p->peer);
    vgw_free(p);
}

static void on_plain(void *arg, int fd, const struct vgw_peer *peer)
{
    struct daemon *d = arg;
    struct plain_socket *p;
    if (!VGW_NEW(p)) {
        close(fd);
        return;
    }
    *p = (struct plain_socket){d, fd, *peer};
    if (vgw_loop_call(d->loop, plain_on_control, p) < 0) {
        close(fd);
        vgw_free(p);
    }
}

static int tls_open(struct daemon *d, const struct vgw_options *tls, struct vgw_error *err)
{
    int rc = vgw_tls_server_new(vgw_options_string(tls, "certificate"), vgw_options_string(tls, "key"), &d->tls, err);
    return rc < 0 ? rc : vgw_tls_thread_new(d->tls, NULL, on_plain, d, &d->tls_thread, err);
}

static int listen_all(struct daemon *d, struct vgw_error *err)
{
    const struct vgw_options *main = vgw_gateway_plan(d->gateway)->main;
    const struct vgw_options *tls = vgw_options_section(main, "http.tls");
    const struct group *group = getgrnam("voicegw"); /* asked once: name services may block */
    d->has_group = group != NULL;
    d->group = group ? group->gr_gid : 0;
    struct vgw_buf control = {0};
    int rc = tls ? tls_open(d, tls, err) : 0;
    for (size_t i = 0; rc == 0 && i < vgw_options_count(main, "http.listen"); i++) {
        struct vgw_listen l = {
            .address = vgw_options_item(main, "http.listen", i), .on_accept = tls ? tls_accept : NULL, .arg = d};
        rc = vgw_front_listen(d->front, &l, NULL, err);
        if (rc == 0)
            vgw_log(VGW_LOG_INFO, NULL, "listening", "address", l.address, "tls", tls ? "yes" : "no", NULL);
    }
    vgw_buf_printf(&control, "unix:%s", vgw_options_string(main, "gateway.control_socket"));
    struct vgw_listen c = {.address = vgw_buf_str(&control),
                           .mode = 0660,
                           .gid = group && geteuid() == 0 ? group->gr_gid : 0,
                           .keep_in_drain = true};
    if (rc == 0)
        rc = vgw_front_listen(d->front, &c, NULL, err);
    vgw_buf_done(&control);
    return rc;
}

/* ---- signals ---- */

static void end_now(struct daemon *d)
{
    vgw_notify("STOPPING=1");
    vgw_loop_stop(d->loop);
}

static void on_signal(void *arg, int signo)
{
    struct daemon *d = arg;
    if (d->closing) { /* what is left of the end goes faster */
        if (signo == SIGTERM || signo == SIGINT)
            vgw_loop_stop(d->loop);
    } else if (signo == SIGUSR1) {
        vgw_log_reopen();
    } else if (signo == SIGHUP) {
        reload(d, NULL, NULL);
    } else if (d->ending || vgw_calls_session_count(vgw_gateway_rooms(d->gateway).calls) == 0) {
        end_now(d);
    } else {
        d->ending = true;
        vgw_notify("STOPPING=1\nSTATUS=draining");
        vgw_gateway_drain(d->gateway, -1, on_drained_exit, d);
    }
}

static int signals_open(struct daemon *d)
{
    static const int all[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        signal(all[i], SIG_IGN); /* what is restored when the loop lets go of it, at the very end */
        if (vgw_loop_on_signal(d->loop, all[i], on_signal, d) < 0)
            return VGW_EINTERNAL;
    }
    return 0;
}

/* ---- watchdog ---- */

static void on_fed(void *arg)
{
    struct daemon *d = arg;
    struct vgw_gateway_rooms rooms = vgw_gateway_rooms(d->gateway);
    vgw_notifyf("WATCHDOG=1\nSTATUS=%u calls, %u sessions", vgw_calls_count(rooms.calls),
                vgw_calls_session_count(rooms.calls));
}

static void on_late(void *arg, const char *name)
{
    vgw_log(VGW_LOG_ERROR, NULL, "a thread does not answer; the service manager is not told that all is well", "thread",
            name, NULL);
}

static int watchdog_open(struct daemon *d, struct vgw_error *err)
{
    struct vgw_loop *loops[VGW_GATEWAY_LOOPS_MAX];
    size_t n = vgw_gateway_loops(d->gateway, loops);
    int64_t period_us = vgw_notify_watchdog_us() / 2;
    if (d->tls_thread && n < VGW_GATEWAY_LOOPS_MAX)
        loops[n++] = vgw_tls_thread_loop(d->tls_thread);
    return vgw_watchdog_new(d->loop, loops, n, vgw_gateway_rooms(d->gateway).pool,
                            period_us > 0 ? period_us : 10 * VGW_US_PER_S, on_fed, on_late, d, &d->watchdog) < 0
               ? vgw_error_nomem(err)
               : 0;
}

/* ---- life ---- */

static void node_name(struct daemon *d)
{
    vgw_strcopy(d->node, sizeof d->node, vgw_gateway_node(d->gateway));
}

static void files_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != FILES_WANTED) {
        r.rlim_cur = r.rlim_max < FILES_WANTED ? r.rlim_max : FILES_WANTED; /* libwebsockets' tables grow with it */
        if (setrlimit(RLIMIT_NOFILE, &r) < 0)
            vgw_log(VGW_LOG_DEBUG, NULL, "the limit of open files could not be raised", NULL);
    }
}

static char *sign_recording(void *arg, const char *recording_id, int64_t ttl_us)
{
    return vgw_api_recording_url(((struct daemon *)arg)->api, recording_id, ttl_us);
}

static int daemon_open(struct daemon *d, struct vgw_config_reader *reader, struct vgw_error *err)
{
    struct vgw_gateway_options options = {.config_path = d->config,
                                          .plugin_dirs = d->plugin_dirs,
                                          .plugin_dir_count = d->plugin_dir_count,
                                          .state_dir = d->state_dir,
                                          .check = check_main,
                                          .getenv = env_get};
    int rc = vgw_loop_new_control(&d->loop, err);
    options.loop = d->loop;
    if (rc == 0)
        rc = vgw_gateway_new(&options, reader, &d->gateway, err);
    if (rc < 0)
        return rc;
    node_name(d);
    const struct vgw_plan *plan = vgw_gateway_plan(d->gateway);
    if ((rc = log_setup(plan, err)) < 0 || (rc = vgw_api_compile(plan->main, &reader->errors, &d->api_config)) < 0 ||
        (rc = api_open(d, err)) < 0)
        return rc;
    struct vgw_front_handler handler = vgw_api_handler(d->api);
    if ((rc = vgw_front_new(d->loop, &handler, NULL, &d->front, err)) < 0 ||
        (rc = trust_proxies(d, plan->main, err)) < 0)
        return rc;
    vgw_api_set_front(d->api, d->front);
    vgw_gateway_set_front(d->gateway, d->front);
    vgw_gateway_set_signer(d->gateway, sign_recording, d);
    vgw_gateway_on_reload(d->gateway, on_reloaded, d);
    if ((rc = listen_all(d, err)) < 0)
        return rc;
    if (signals_open(d) < 0)
        return vgw_error_set(err, VGW_EINTERNAL, "signals could not be taken over");
    return watchdog_open(d, err);
}

/* False: work that nobody can stop goes on, and the process has to end around it. */
static bool daemon_close(struct daemon *d)
{
    d->closing = true;
    if (d->gateway) /* while those who wait can still be answered */
        vgw_gateway_reload_stop(d->gateway);
    vgw_watchdog_free(d->watchdog);
    vgw_tls_thread_free(d->tls_thread);
    vgw_api_free(d->api);
    d->api = NULL;
    if (d->gateway)
        vgw_gateway_set_front(d->gateway, NULL);
    vgw_front_free(d->front);
    if (!vgw_gateway_free(d->gateway))
        return false;
    vgw_api_config_free(d->api_config);
    vgw_tls_server_free(d->tls);
    vgw_loop_free(d->loop);
    return true;
}

static int run(struct daemon *d)
{
    struct vgw_config_reader reader = {.getenv = env_get};
    struct vgw_error err = {0};
    files_limit();
    int rc = daemon_open(d, &reader, &err);
    if (rc < 0) {
        print_errors(&reader);
        if (err.text[0] && !vgw_config_errors_total(&reader.errors))
            fprintf(stderr, "voicegwd: %s\n", err.text);
        (void)daemon_close(d);
        bool config = vgw_config_errors_total(&reader.errors) || rc == VGW_ECONFIG;
        vgw_config_reader_done(&reader);
        return config ? EXIT_CONFIG : rc == VGW_ENETWORK || rc == VGW_EBUSY ? EXIT_UNAVAILABLE : 70;
    }
    vgw_log(VGW_LOG_INFO, NULL, "voicegw is ready", "version", VGW_VERSION, "node", d->node, "configuration",
            d->config ? d->config : "embedded defaults", NULL);
    vgw_notify("READY=1");
    vgw_loop_run(d->loop);
    vgw_notify("STOPPING=1");
    vgw_log(VGW_LOG_INFO, NULL, "voicegw ends", NULL);
    if (!daemon_close(d)) {
        fflush(NULL);
        _exit(0);
    }
    vgw_config_reader_done(&reader);
    return 0;
}

static int usage(FILE *out)
{
    fputs("usage: voicegwd [-c FILE] [-p DIR]... [-t] [-V] [-h]\n"
          "  -c, --config FILE      configuration (default " VGW_SYSCONFDIR
          "/voicegw/voicegw.yaml; embedded defaults when that is absent, or with an\n"
          "                         empty FILE)\n"
          "  -t, --check            check the configuration, print each error as FILE:LINE:COLUMN: sentence, and exit "
          "(0 or 78)\n"
          "  -p, --plugin-path DIR  folder of plugins, ahead of the configured ones; may be given again\n"
          "  -V, --version          print the version\n"
          "  -h, --help             print this\n",
          out);
    return out == stdout ? 0 : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"check", no_argument, NULL, 't'},
                                          {"plugin-path", required_argument, NULL, 'p'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"print-schema", no_argument, NULL, 1},
                                          {"print-mdoc", no_argument, NULL, 2},
                                          {"print-limits", no_argument, NULL, 3},
                                          {NULL, 0, NULL, 0}};
    struct daemon d = {0};
    bool only_check = false, schema = false;
    if (argc == 3 && vgw_streq(argv[1], VGW_PLUGIN_PROBE_ARGUMENT))
        _exit(vgw_probe_main(argv[2]));
    if (argc == 2 && vgw_streq(argv[1], VGW_TRIAL_ARGUMENT))
        _exit(vgw_trial_main());
    for (int c; (c = getopt_long(argc, argv, "c:p:tVh", longs, NULL)) != -1;) {
        if (c == 'c')
            d.config = optarg;
        else if (c == 'p' && d.plugin_dir_count < PLUGIN_DIRS_MAX)
            d.plugin_dirs[d.plugin_dir_count++] = optarg;
        else if (c == 't')
            only_check = true;
        else if (c == 'V')
            return puts("voicegwd " VGW_VERSION), 0;
        else if (c == 'h')
            return usage(stdout);
        else if (c == 1)
            schema = true;
        else if (c == 2 || c == 3)
            return print_mdoc(c == 3);
        else
            return usage(stderr);
    }
    if (optind < argc)
        return usage(stderr);
    if (schema)
        return print_schema(&d);
    if (d.config && !d.config[0])
        d.config = NULL; /* -c "": the embedded defaults, whatever lies in the default place */
    else if (!d.config && access(default_config, F_OK) == 0)
        d.config = default_config;
    d.state_dir = getenv("VOICEGW_STATE_DIR");
    if (!d.state_dir || !d.state_dir[0])
        d.state_dir = getenv("STATE_DIRECTORY") ? getenv("STATE_DIRECTORY") : VGW_STATEDIR;
    return only_check ? check(&d) : run(&d);
}

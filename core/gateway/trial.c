/* trial.c - the request is a file in memory: a list of {"file","section","name","kind","source","options"}. */
#include "gateway/trial.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "config/main_table.h"
#include "host/host.h"
#include "plugin/child.h"
#include "plugin/load.h"

/* ---- the gateway's side ---- */

static struct vgw_json *request_new(const struct vgw_recipe *r, const struct vgw_node *instance)
{
    struct vgw_json *o = vgw_json_object(), *options = NULL;
    vgw_json_set_string(o, "file", r->file);
    vgw_json_set_string(o, "section", r->section);
    vgw_json_set_string(o, "name", r->name);
    vgw_json_set_string(o, "kind", r->kind);
    vgw_json_set_string(o, "source", vgw_node_file(instance));
    if (vgw_node_json(instance, true, &options) < 0 || vgw_json_set(o, "options", options) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

/* In memory and by a descriptor: secrets are on no disk and in no argument. */
static int request_write(const char *text, size_t len, struct vgw_error *err)
{
    int fd = memfd_create("voicegw-trial", MFD_CLOEXEC);
    bool ok = fd >= 0;
    for (size_t at = 0; ok && at < len;) {
        ssize_t n = write(fd, text + at, len - at);
        ok = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? (size_t)n : 0;
    }
    if (ok && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    vgw_error_set(err, VGW_ELIMIT, "it cannot be tried out (%s): raise the limits of open files and memory",
                  strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int run(struct vgw_plugin_prober *prober, struct vgw_buf *text, const char *file, struct vgw_error *err)
{
    struct vgw_json *answer = NULL;
    int fd = request_write(text->data, text->len, err), rc = fd < 0 ? err->status : 0;
    if (rc == 0)
        rc = vgw_plugin_child_run(prober, VGW_TRIAL_ARGUMENT, NULL, fd, file, &answer, err);
    if (fd >= 0)
        close(fd);
    vgw_json_free(answer);
    return rc;
}

static void text_done(struct vgw_buf *text)
{
    if (text->data)
        explicit_bzero(text->data, text->len);
    vgw_buf_done(text);
}

/* Adds a request to a list of them. False: out of memory, or there are too many bytes. */
static bool text_add(struct vgw_buf *text, const struct vgw_recipe *recipe, const struct vgw_node *instance)
{
    struct vgw_json *request = request_new(recipe, instance);
    vgw_buf_addc(text, text->len ? ',' : '[');
    vgw_json_write(request, text);
    vgw_json_free(request);
    return request && !text->failed;
}

int vgw_trial_run(struct vgw_plugin_prober *prober, const struct vgw_recipe *recipe, const struct vgw_node *instance,
                  struct vgw_error *err)
{
    struct vgw_buf text;
    vgw_buf_init(&text, VGW_TRIAL_BYTES_MAX);
    bool ok = text_add(&text, recipe, instance);
    vgw_buf_addc(&text, ']');
    int rc = ok && !text.failed ? run(prober, &text, recipe->file, err) : vgw_error_nomem(err);
    text_done(&text);
    return rc;
}

/* ---- what has been tried out before ---- */

#define KEY_BYTES (VGW_PLUGIN_HASH_TEXT + 8)

/* The same code, options and gateway: create() does what it did. */
static void key_of(const struct vgw_recipe *recipe, const char *request, size_t len, char ret_key[KEY_BYTES])
{
    struct vgw_plugin_hash hash;
    vgw_strcopy(ret_key, KEY_BYTES, "trial:");
    vgw_plugin_hash_init(&hash);
    vgw_plugin_hash_add(&hash, VGW_VERSION, sizeof VGW_VERSION);
    vgw_plugin_hash_add(&hash, recipe->hash, strlen(recipe->hash));
    vgw_plugin_hash_add(&hash, request, len);
    vgw_plugin_hash_text(&hash, ret_key + 6);
}

static bool known(struct vgw_plugin_cache *cache, const char *key)
{
    struct vgw_json *kept = cache ? vgw_plugin_cache_get(cache, key) : NULL;
    vgw_json_free(kept);
    return kept;
}

/* A cache that cannot take it costs one more trial at the next start. */
static void know(struct vgw_plugin_cache *cache, const char *key)
{
    struct vgw_json *yes = cache ? vgw_json_bool(true) : NULL;
    if (yes)
        (void)vgw_plugin_cache_put(cache, key, yes);
}

static void each_alone(struct vgw_plugin_prober *prober, struct vgw_trial *trials, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        trials[i].status = vgw_trial_run(prober, trials[i].recipe, trials[i].node, &trials[i].err);
        if (trials[i].status == 0)
            know(prober->cache, trials[i].key);
    }
}

size_t vgw_trial_first(struct vgw_plugin_prober *prober, struct vgw_trial *trials, size_t count)
{
    struct vgw_buf text;
    struct vgw_error err = {0};
    size_t left = 0;
    vgw_buf_init(&text, VGW_TRIAL_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct vgw_trial t = trials[i];
        size_t before = text.len;
        bool ok = text_add(&text, t.recipe, t.node);
        key_of(t.recipe, ok ? (const char *)text.data + before + 1 : "", ok ? text.len - before - 1 : 0, t.key);
        if (ok && known(prober->cache, t.key))
            text.len = before;
        else
            trials[left++] = t;
    }
    memset(trials + left, 0, (count - left) * sizeof *trials);
    vgw_buf_addc(&text, ']');
    bool all = left && !text.failed && run(prober, &text, trials[0].recipe->file, &err) == 0;
    text_done(&text);
    for (size_t i = 0; all && i < left; i++)
        know(prober->cache, trials[i].key);
    if (!all)
        each_alone(prober, trials, left);
    return left;
}

/* ---- the helper's side ---- */

static struct vgw_json *request_read(void)
{
    struct vgw_buf text;
    struct vgw_json *request = NULL;
    char chunk[4096];
    vgw_buf_init(&text, VGW_TRIAL_BYTES_MAX);
    for (ssize_t n; !text.failed && (n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0;)
        vgw_buf_add(&text, chunk, (size_t)n);
    if (!text.failed)
        vgw_json_parse(vgw_buf_str(&text), text.len, &request, NULL);
    vgw_buf_done(&text);
    return request;
}

static struct vgw_node *node_of(struct vgw_source *source, const struct vgw_json *v);

static struct vgw_node *map_of(struct vgw_source *source, const struct vgw_json *v)
{
    struct vgw_node *map = vgw_node_new(VGW_NODE_MAPPING, source, 1, 1);
    const char *key;
    struct vgw_json *value;
    for (size_t at = 0; map && vgw_json_object_next(v, &at, &key, &value);)
        if (vgw_node_put(map, key, 1, 1, node_of(source, value)) < 0) {
            vgw_node_free(map);
            map = NULL;
        }
    return map;
}

static struct vgw_node *list_of(struct vgw_source *source, const struct vgw_json *v)
{
    struct vgw_node *list = vgw_node_new(VGW_NODE_SEQUENCE, source, 1, 1);
    for (size_t i = 0; list && i < vgw_json_count(v); i++)
        if (vgw_node_append(list, node_of(source, vgw_json_at(v, i))) < 0) {
            vgw_node_free(list);
            list = NULL;
        }
    return list;
}

/* Back from JSON to what vgw_node_json() made it of: quoted texts are quoted, all else is plain. */
static struct vgw_node *node_of(struct vgw_source *source, const struct vgw_json *v)
{
    const char *text = vgw_json_str(v);
    switch (vgw_json_type(v)) {
    case VGW_JSON_OBJECT:
        return map_of(source, v);
    case VGW_JSON_ARRAY:
        return list_of(source, v);
    case VGW_JSON_NULL:
        return vgw_node_new(VGW_NODE_NULL, source, 1, 1);
    default:
        break;
    }
    char *written = text ? NULL : vgw_json_text(v, false);
    const char *use = text ? text : written;
    struct vgw_node *node = use ? vgw_node_scalar(source, 1, 1, use, strlen(use), text ? 0 : VGW_NODE_PLAIN) : NULL;
    vgw_free(written);
    return node;
}

/* The environment may have supplied what this plugin has no option for; it has been passed over once already. */
static void drop_unknown(struct vgw_node *instance, const struct vgw_option_table *table)
{
    for (size_t i = vgw_node_count(instance); i-- > 0;) {
        const char *key = vgw_node_key_at(instance, i, NULL, NULL);
        if (!vgw_option_find(table, key))
            vgw_node_free(vgw_node_take(instance, key));
    }
}

static const char *no_state(void *arg, const char *instance, const char *key)
{
    return NULL;
}
static int no_state_set(void *arg, const char *instance, const char *key, const char *value)
{
    return VGW_EBUSY;
}
static struct vgw_calls *no_calls(void *arg)
{
    return NULL;
}
static struct vgw_registry *no_registry(void *arg)
{
    return NULL;
}
static const struct vgw_policy *no_policy(void *arg)
{
    return NULL;
}
static struct vgw_ws_hub *no_hub(void *arg, struct vgw_loop *loop)
{
    return NULL;
}
static struct vgw_client *no_client(void *arg, struct vgw_loop *loop)
{
    return NULL;
}
static struct vgw_front *no_front(void *arg)
{
    return NULL;
}
static const char *some_url(void *arg)
{
    return "http://127.0.0.1";
}
static bool no_engine(void *arg, const char *name, struct vgw_engine *ret_engine)
{
    return false;
}
static void release_nothing(void *arg, void *ref) {}

/* A host of whose loop no turn is ever run: nothing that create() could start goes on. */
static int host_open(struct vgw_host **ret_host, struct vgw_error *err)
{
    struct vgw_host_env env = {.calls = no_calls,
                               .registry = no_registry,
                               .policy = no_policy,
                               .hub = no_hub,
                               .client = no_client,
                               .front = no_front,
                               .state_get = no_state,
                               .state_set = no_state_set,
                               .public_url = some_url,
                               .tts_engine = no_engine,
                               .engine_release = release_nothing};
    int rc = vgw_loop_new_control(&env.control, err);
    if (rc == 0)
        rc = vgw_pool_new(1, NULL, &env.pool, err);
    return rc == 0 ? vgw_host_new(&env, ret_host, err) : rc;
}

static int options_of(const struct vgw_json *request, const struct vgw_plugin_desc *desc,
                      struct vgw_options **ret_options, struct vgw_error *err)
{
    int i = vgw_plugin_desc_factory(desc, vgw_json_get_string(request, "kind", ""));
    if (i < 0)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "it has no such kind any more");
    struct vgw_plugin_table *table = vgw_plugin_table_new(
        &desc->factories[i], desc->name, vgw_plan_section_table(vgw_json_get_string(request, "section", "")));
    struct vgw_source *source = vgw_source_new(vgw_json_get_string(request, "source", ""));
    struct vgw_node *instance = node_of(source, vgw_json_get(request, "options"));
    struct vgw_config_errors errors = {0};
    if (!table || !instance)
        return vgw_error_nomem(err);
    drop_unknown(instance, vgw_plugin_table_get(table));
    int rc = vgw_options_check(vgw_plugin_table_get(table), instance, &errors, ret_options);
    if (rc < 0)
        vgw_error_set(err, rc, "%s", errors.count ? errors.items[0].text : "out of memory");
    vgw_node_free(instance);
    vgw_source_unref(source);
    return rc; /* the table is the options': it stays for the process's life */
}

static int try_out(int fd, struct vgw_host *host, const struct vgw_json *request, struct vgw_error *err)
{
    struct vgw_plugin_module *module = NULL;
    struct vgw_options *options = NULL;
    struct vgw_instance *instance = NULL;
    vgw_plugin_child_stage(fd, "constructor");
    int rc = vgw_plugin_open(vgw_json_get_string(request, "file", ""), &module, err);
    if (rc == 0)
        rc = options_of(request, vgw_plugin_module_desc(module), &options, err);
    if (rc < 0)
        return rc;
    struct vgw_plugin_hostops ops = vgw_host_ops(host);
    rc = vgw_instance_new(module, vgw_json_get_string(request, "section", ""), vgw_json_get_string(request, "name", ""),
                          vgw_json_get_string(request, "kind", ""), &ops, &instance, err);
    vgw_plugin_child_stage(fd, "create");
    if (rc == 0)
        rc = vgw_instance_create(instance, vgw_host_options(options), err);
    if (rc < 0)
        return rc;
    vgw_plugin_child_stage(fd, "destroy");
    vgw_instance_destroy(instance);
    return 0;
}

int vgw_trial_main(void)
{
    struct vgw_error err = {0};
    int fd = vgw_plugin_child_begin();
    struct vgw_json *request = request_read(), *done = vgw_json_bool(true);
    signal(SIGPIPE, SIG_IGN);
    vgw_log_set_level(VGW_LOG_ERROR);
    struct vgw_host *host = NULL;
    int rc = request ? host_open(&host, &err) : vgw_error_set(&err, VGW_EINTERNAL, "the request cannot be read");
    for (size_t i = 0; rc == 0 && i < vgw_json_count(request); i++)
        rc = try_out(fd, host, vgw_json_at(request, i), &err);
    if (rc < 0)
        vgw_plugin_child_error(fd, &err);
    else
        vgw_plugin_child_answer(fd, done);
    return rc < 0;
}

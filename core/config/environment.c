/* environment.c - variables into the tree. */
#include "config/environment.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

/* A variable and the key of an instance that it fills. */
struct fill {
    const char *name;
    const char *key;
    bool secret;
};

/* To the default provider. */
static const struct fill provider_fills[] = {
    {"VOICE_API_KEY", "api_key", true},
    {"VOICE_API_SECRET", "api_secret", true},
    {"VOICE_ACCOUNT_ID", "account_id", false},
    {"VOICE_TIMEOUT", "default_timeout_seconds", false},
    {"VOICE_RECORDING", "recording_enabled", false},
    {"VOICE_RECORDING_ENABLED", "recording_enabled", false},
    {"VOICE_TTS_VOICE", "tts_voice", false},
    {"VOICE_TTS_LANGUAGE", "tts_language", false},
    {"DEFAULT_LANGUAGE", "tts_language", false},
    {"DEFAULT_LANGUAGE", "stt_language", false},
};

/* To every instance of a plugin, by a pattern of its name. */
static const struct {
    const char *plugin;
    struct fill fill;
} plugin_fills[] = {
    {"twilio", {"TWILIO_ACCOUNT_SID", "account_id", false}},
    {"twilio", {"TWILIO_AUTH_TOKEN", "auth_token", true}},
    {"twilio", {"TWILIO_PHONE_NUMBER", "default_from", false}},
    {"bland", {"BLAND_AI_API_KEY", "api_key", true}},
    {"bland_ai", {"BLAND_AI_API_KEY", "api_key", true}},
    {"vapi", {"VAPI_API_KEY", "api_key", true}},
    {"openai*", {"OPENAI_API_KEY", "api_key", true}},
    {"openai*", {"OPENAI_PROJECT_ID", "project_id", false}},
    {"openai*realtime*", {"OPENAI_REALTIME_MODEL", "model", false}},
    {"openai*", {"OPENAI_VOICE", "voice", false}},
};

/* To sections of the main file. */
static const struct {
    const char *section;
    struct fill fill;
} main_fills[] = {
    {"gateway", {"VOICE_ENABLED", "enabled", false}},
    {"http", {"WEBHOOK_BASE_URL", "public_url", false}},
    {"departments", {"FRONT_DESK_PHONE", "front_desk", false}},
    {"departments", {"HOUSEKEEPING_PHONE", "housekeeping", false}},
    {"departments", {"MANAGEMENT_PHONE", "management", false}},
    {"departments", {"MAINTENANCE_PHONE", "maintenance", false}},
    {"recordings", {"RECORDING_STORAGE", "storage", false}},
};

static const struct fill s3_fills[] = {
    {"S3_RECORDINGS_BUCKET", "bucket", false},
    {"AWS_ACCESS_KEY_ID", "access_key_id", true},
    {"AWS_SECRET_ACCESS_KEY", "secret_access_key", true},
    {"AWS_SESSION_TOKEN", "session_token", true},
    {"AWS_REGION", "region", false},
};

static const char *get(const struct vgw_config_reader *reader, const char *name)
{
    const char *value = vgw_config_getenv(reader, name);
    return value && *value ? value : NULL;
}

static struct vgw_source *source_of(const char *name)
{
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "environment %s", name);
    struct vgw_source *source = b.failed ? NULL : vgw_source_new(vgw_buf_str(&b));
    vgw_buf_done(&b);
    return source;
}

static struct vgw_node *make_node(const char *name, enum vgw_node_kind kind, const char *text, unsigned flags)
{
    struct vgw_source *source = source_of(name);
    if (!source)
        return NULL;
    struct vgw_node *node = kind == VGW_NODE_SCALAR
                                ? vgw_node_scalar(source, 0, 0, text, strlen(text), flags | VGW_NODE_ENVIRONMENT)
                                : vgw_node_new(kind, source, 0, 0);
    if (node)
        vgw_node_add_flags(node, VGW_NODE_ENVIRONMENT);
    vgw_source_unref(source);
    return node;
}

/* Sets a key that the file leaves out. Takes `value`. */
static int put(struct vgw_node *mapping, const char *key, struct vgw_node *value)
{
    vgw_node_free(vgw_node_take(mapping, key));
    return vgw_node_put(mapping, key, 0, 0, value);
}

static int refuse_text(struct vgw_config_reader *reader, const char *name, const char *sentence)
{
    struct vgw_buf place = {0};
    vgw_buf_printf(&place, "environment %s", name);
    int rc = vgw_config_errors_add(&reader->errors, vgw_buf_str(&place), 0, 0, "%s", sentence);
    vgw_buf_done(&place);
    return rc;
}

/* One variable into one mapping, unless the key has a value. */
static int fill_text(struct vgw_config_reader *reader, struct vgw_node *mapping, const struct fill *f,
                     const char *value)
{
    if (!value || !vgw_node_is_null(vgw_node_get(mapping, f->key)))
        return 0;
    if (!vgw_utf8_valid(value, strlen(value)))
        return refuse_text(reader, f->name, "the value is not UTF-8; set it anew");
    int rc = vgw_config_supply(reader, f->name);
    return rc ? rc : put(mapping, f->key, make_node(f->name, VGW_NODE_SCALAR, value, f->secret ? VGW_NODE_SECRET : 0));
}

static int fill_key(struct vgw_config_reader *reader, struct vgw_node *mapping, const struct fill *f)
{
    return fill_text(reader, mapping, f, get(reader, f->name));
}

/* A section of the main file, made when the file has none. A section of another kind is left to the checker: 0 and
 * NULL. */
static int need_section(struct vgw_node *root, const char *section, const char *name, struct vgw_node **ret_section)
{
    struct vgw_node *there = vgw_node_get(root, section);
    *ret_section = NULL;
    if (vgw_node_is_null(there)) {
        int rc = put(root, section, make_node(name, VGW_NODE_MAPPING, NULL, 0));
        if (rc)
            return rc;
        there = vgw_node_get(root, section);
    }
    if (vgw_node_kind(there) == VGW_NODE_MAPPING)
        *ret_section = there;
    return 0;
}

static bool is_plugin(const struct vgw_node *instance, const char *plugin)
{
    const char *text = vgw_node_text(vgw_node_get(instance, "plugin"));
    bool bland = vgw_streq(plugin, "bland") && vgw_streq(text, "bland_ai");
    return bland || (text && vgw_streq(text, plugin));
}

/* The name of the instance that VOICE_PROVIDER chooses. */
static const char *choose_instance(const struct vgw_node *providers, const char *plugin)
{
    const char *chosen = NULL;
    const char *key;
    struct vgw_node *instance;
    for (size_t i = 0; vgw_node_next(providers, &i, &key, &instance);) {
        bool marked = false;
        const char *text = vgw_node_text(vgw_node_get(instance, "default"));
        if (!is_plugin(instance, plugin))
            continue;
        if (text && vgw_parse_bool(text, &marked) && marked)
            return key;
        chosen = chosen ? chosen : key;
    }
    return chosen;
}

static int make_instance(struct vgw_config_reader *reader, struct vgw_node *providers, const char *plugin)
{
    if (vgw_node_get(providers, plugin))
        return vgw_node_key_error(&reader->errors, providers, plugin,
                                  "'%s' is no instance of the plugin that VOICE_PROVIDER names; add one, or name it in "
                                  "'default_provider'",
                                  plugin);
    struct vgw_node *instance = make_node("VOICE_PROVIDER", VGW_NODE_MAPPING, NULL, 0);
    struct vgw_node *text = make_node("VOICE_PROVIDER", VGW_NODE_SCALAR, plugin, 0);
    if (!instance || !text) {
        vgw_node_free(instance);
        vgw_node_free(text);
        return VGW_ELIMIT;
    }
    if (vgw_node_put(instance, "plugin", 0, 0, text)) {
        vgw_node_free(instance);
        return VGW_ELIMIT;
    }
    return vgw_node_put(providers, plugin, 0, 0, instance);
}

static int apply_provider(struct vgw_config_reader *reader, struct vgw_node *root)
{
    const char *plugin = get(reader, "VOICE_PROVIDER");
    struct vgw_node *providers;
    if (!plugin || !vgw_node_is_null(vgw_node_get(root, "default_provider")))
        return 0;
    if (!vgw_utf8_valid(plugin, strlen(plugin)))
        return refuse_text(reader, "VOICE_PROVIDER", "the value is not UTF-8; name a plugin such as mock or twilio");
    plugin = vgw_streq(plugin, "bland_ai") ? "bland" : plugin;
    int rc = need_section(root, "providers", "VOICE_PROVIDER", &providers);
    if (rc || !providers)
        return rc;
    const char *name = choose_instance(providers, plugin);
    if (!name) {
        rc = make_instance(reader, providers, plugin);
        name = plugin;
    }
    if (rc == 0)
        rc = put(root, "default_provider", make_node("VOICE_PROVIDER", VGW_NODE_SCALAR, name, 0));
    return rc ? rc : vgw_config_supply(reader, "VOICE_PROVIDER");
}

static struct vgw_node *default_instance(const struct vgw_node *root)
{
    const struct vgw_node *providers = vgw_node_get(root, "providers");
    const char *name = vgw_node_text(vgw_node_get(root, "default_provider"));
    struct vgw_node *instance = NULL;
    if (name)
        instance = vgw_node_get(providers, name);
    else if (vgw_node_kind(providers) == VGW_NODE_MAPPING && vgw_node_count(providers) == 1)
        instance = vgw_node_at(providers, 0);
    return vgw_node_kind(instance) == VGW_NODE_MAPPING ? instance : NULL;
}

/* Two names of one setting must not say different things, whoever wins in the end. */
static int check_recording(struct vgw_config_reader *reader)
{
    const char *a = get(reader, "VOICE_RECORDING");
    const char *b = get(reader, "VOICE_RECORDING_ENABLED");
    bool x;
    bool y;
    if (!a || !b)
        return 0;
    bool same = vgw_parse_bool(a, &x) && vgw_parse_bool(b, &y) ? x == y : vgw_streq(a, b);
    return same ? 0
                : refuse_text(reader, "VOICE_RECORDING",
                              "VOICE_RECORDING and VOICE_RECORDING_ENABLED say different things; set one of them");
}

static int fill_minutes(struct vgw_config_reader *reader, struct vgw_node *instance)
{
    static const struct fill f = {"MAX_CALL_DURATION_MINUTES", "max_call_duration_seconds", false};
    const char *text = get(reader, f.name);
    double minutes;
    if (!text)
        return 0;
    if (!vgw_parse_double(text, &minutes) || minutes <= 0 || minutes > 1440)
        return refuse_text(reader, f.name, "the value must be a number of minutes, more than 0 and at most 1440");
    struct vgw_buf seconds = {0};
    vgw_buf_printf(&seconds, "%.15g", minutes * 60.0);
    int rc = seconds.failed ? VGW_ELIMIT : fill_text(reader, instance, &f, vgw_buf_str(&seconds));
    vgw_buf_done(&seconds);
    return rc;
}

static int apply_default(struct vgw_config_reader *reader, struct vgw_node *root)
{
    struct vgw_node *instance = default_instance(root);
    int rc = check_recording(reader);
    if (!instance)
        return rc;
    for (size_t i = 0; i < sizeof provider_fills / sizeof provider_fills[0] && rc != VGW_ELIMIT; i++) {
        int one = fill_key(reader, instance, &provider_fills[i]);
        rc = one ? one : rc;
    }
    int one = rc == VGW_ELIMIT ? rc : fill_minutes(reader, instance);
    return one ? one : rc;
}

/* The file's api_secret is the auth token when there is no api_key: the environment must not beat it. */
static bool has_own_token(const struct vgw_node *instance)
{
    return vgw_node_len(vgw_node_get(instance, "api_secret")) > 0 &&
           vgw_node_len(vgw_node_get(instance, "api_key")) == 0 &&
           !(vgw_node_flags(vgw_node_get(instance, "api_secret")) & VGW_NODE_ENVIRONMENT);
}

static int fill_instance(struct vgw_config_reader *reader, struct vgw_node *instance)
{
    const char *plugin = vgw_node_text(vgw_node_get(instance, "plugin"));
    int rc = 0;
    for (size_t i = 0; plugin && i < sizeof plugin_fills / sizeof plugin_fills[0] && rc != VGW_ELIMIT; i++) {
        const struct fill *f = &plugin_fills[i].fill;
        if (!vgw_glob_match(plugin_fills[i].plugin, plugin) ||
            (vgw_streq(f->key, "auth_token") && has_own_token(instance)))
            continue;
        int one = fill_key(reader, instance, f);
        rc = one ? one : rc;
    }
    return rc;
}

static int apply_plugins(struct vgw_config_reader *reader, struct vgw_node *root)
{
    static const char *const sections[] = {"providers", "stt", "tts", "assistants"};
    int rc = 0;
    for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++) {
        struct vgw_node *instance;
        for (size_t i = 0; vgw_node_next(vgw_node_get(root, sections[s]), &i, NULL, &instance) && rc != VGW_ELIMIT;) {
            int one = vgw_node_kind(instance) == VGW_NODE_MAPPING ? fill_instance(reader, instance) : 0;
            rc = one ? one : rc;
        }
    }
    return rc;
}

static int fill_main(struct vgw_config_reader *reader, struct vgw_node *root, const char *section, const struct fill *f)
{
    struct vgw_node *mapping;
    if (!get(reader, f->name))
        return 0;
    int rc = need_section(root, section, f->name, &mapping);
    return rc || !mapping ? rc : fill_key(reader, mapping, f);
}

static int apply_main(struct vgw_config_reader *reader, struct vgw_node *root)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof main_fills / sizeof main_fills[0] && rc != VGW_ELIMIT; i++) {
        int one = fill_main(reader, root, main_fills[i].section, &main_fills[i].fill);
        rc = one ? one : rc;
    }
    bool s3 = vgw_streq(vgw_node_text(vgw_node_path(root, "recordings.storage")), "s3");
    for (size_t i = 0; s3 && i < sizeof s3_fills / sizeof s3_fills[0] && rc != VGW_ELIMIT; i++) {
        int one = fill_main(reader, root, "recordings", &s3_fills[i]);
        rc = one ? one : rc;
    }
    return rc;
}

static int apply_listen(struct vgw_config_reader *reader, struct vgw_node *root)
{
    const char *host = get(reader, "WEBHOOK_HOST");
    const char *port = get(reader, "WEBHOOK_PORT");
    const char *name = host ? "WEBHOOK_HOST" : "WEBHOOK_PORT";
    struct vgw_node *http;
    int64_t number;
    if ((!host && !port) || !vgw_node_is_null(vgw_node_path(root, "http.listen")))
        return 0;
    if (port && (!vgw_parse_i64(port, &number) || number < 1 || number > 65535))
        return refuse_text(reader, "WEBHOOK_PORT", "the value must be a port, between 1 and 65535");
    if (host && !vgw_utf8_valid(host, strlen(host)))
        return refuse_text(reader, "WEBHOOK_HOST", "the value is not UTF-8; set an address such as 127.0.0.1");
    int rc = need_section(root, "http", name, &http);
    if (rc || !http)
        return rc;
    bool bare6 = host && strchr(host, ':') && host[0] != '[';
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "%s%s%s:%s", bare6 ? "[" : "", host ? host : "127.0.0.1", bare6 ? "]" : "",
                   port ? port : "8080");
    struct vgw_node *list = make_node(name, VGW_NODE_SEQUENCE, NULL, 0);
    rc = b.failed || vgw_node_append(list, make_node(name, VGW_NODE_SCALAR, vgw_buf_str(&b), 0)) ? VGW_ELIMIT : 0;
    vgw_buf_done(&b);
    if (rc) {
        vgw_node_free(list);
        return rc;
    }
    rc = put(http, "listen", list);
    if (rc == 0 && host)
        rc = vgw_config_supply(reader, "WEBHOOK_HOST");
    return rc == 0 && port ? vgw_config_supply(reader, "WEBHOOK_PORT") : rc;
}

static struct vgw_node *make_token(const char *value)
{
    static const char *const scopes[] = {"read", "call", "admin"};
    const char *name = "VOICEGW_TOKEN";
    struct vgw_node *token = make_node(name, VGW_NODE_MAPPING, NULL, 0);
    struct vgw_node *list = make_node(name, VGW_NODE_SEQUENCE, NULL, 0);
    int rc = token && list ? 0 : VGW_ELIMIT;
    for (size_t i = 0; i < 3 && rc == 0; i++)
        rc = vgw_node_append(list, make_node(name, VGW_NODE_SCALAR, scopes[i], 0));
    if (rc == 0)
        rc = vgw_node_put(token, "name", 0, 0, make_node(name, VGW_NODE_SCALAR, "environment", 0));
    if (rc == 0)
        rc = vgw_node_put(token, "token", 0, 0, make_node(name, VGW_NODE_SCALAR, value, VGW_NODE_SECRET));
    if (rc == 0) {
        rc = vgw_node_put(token, "scopes", 0, 0, list);
        list = NULL;
    }
    if (rc) {
        vgw_node_free(token);
        token = NULL;
    }
    vgw_node_free(list);
    return token;
}

static int apply_token(struct vgw_config_reader *reader, struct vgw_node *root)
{
    const char *value = get(reader, "VOICEGW_TOKEN");
    struct vgw_node *auth;
    const struct vgw_node *tokens = vgw_node_path(root, "auth.tokens");
    if (!value || vgw_node_count(tokens) > 0 || vgw_node_kind(tokens) == VGW_NODE_SCALAR)
        return 0;
    if (!vgw_utf8_valid(value, strlen(value)))
        return refuse_text(reader, "VOICEGW_TOKEN", "the value is not UTF-8; set it anew");
    int rc = need_section(root, "auth", "VOICEGW_TOKEN", &auth);
    if (rc || !auth)
        return rc;
    struct vgw_node *list = make_node("VOICEGW_TOKEN", VGW_NODE_SEQUENCE, NULL, 0);
    if (vgw_node_append(list, make_token(value))) {
        vgw_node_free(list);
        return VGW_ELIMIT;
    }
    rc = put(auth, "tokens", list);
    return rc ? rc : vgw_config_supply(reader, "VOICEGW_TOKEN");
}

int vgw_environment_apply(struct vgw_config_reader *reader, struct vgw_node *root)
{
    static int (*const steps[])(struct vgw_config_reader * reader, struct vgw_node * root) = {
        apply_provider, apply_default, apply_plugins, apply_main, apply_listen, apply_token};
    int rc = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && rc != VGW_ELIMIT; i++) {
        int one = steps[i](reader, root);
        rc = one ? one : rc;
    }
    return rc == VGW_ELIMIT ? vgw_config_errors_nomem(&reader->errors, "environment") : rc;
}

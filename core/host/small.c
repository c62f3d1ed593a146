/* small.c - the small services: crypto, events, state. */
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "host/host_private.h"
#include "net/tls.h"

/* ---- crypto ---- */

static int32_t crypto_digest(const struct voicegw_host *h, uint32_t algorithm, const void *data, uint64_t bytes,
                             uint8_t *out)
{
    return vgw_digest((enum vgw_digest)algorithm, data, bytes, out);
}
static int32_t crypto_hmac(const struct voicegw_host *h, uint32_t algorithm, const void *key, uint64_t key_bytes,
                           const void *data, uint64_t bytes, uint8_t *out)
{
    return vgw_hmac((enum vgw_digest)algorithm, key, key_bytes, data, bytes, out);
}
static void crypto_random(const struct voicegw_host *h, void *out, uint64_t bytes)
{
    vgw_random_bytes(out, bytes);
}
static uint32_t crypto_equal(const struct voicegw_host *h, const void *a, const void *b, uint64_t bytes)
{
    return vgw_equal_ct(a, b, bytes);
}
static int64_t crypto_base64_encode(const struct voicegw_host *h, const void *data, uint64_t bytes, char *out,
                                    uint64_t cap)
{
    struct vgw_buf b = {0};
    vgw_base64_encode(&b, data, bytes);
    int64_t n = b.failed || b.len + 1 > cap ? VOICEGW_ELIMIT : (int64_t)b.len;
    if (n >= 0)
        memcpy(out, vgw_buf_str(&b), (size_t)n + 1);
    vgw_buf_done(&b);
    return n;
}
static int64_t crypto_base64_decode(const struct voicegw_host *h, const char *text, uint64_t bytes, void *out,
                                    uint64_t cap)
{
    long n = vgw_base64_decode(text, bytes, out, cap);
    return n < 0 ? VOICEGW_EINVALID : n;
}
const struct voicegw_host_crypto vgw_host_crypto_table = {
    .size = sizeof vgw_host_crypto_table,
    .digest = crypto_digest,
    .hmac = crypto_hmac,
    .random = crypto_random,
    .equal = crypto_equal,
    .base64_encode = crypto_base64_encode,
    .base64_decode = crypto_base64_decode,
};

/* ---- events ---- */

struct emit_message {
    struct vgw_host *host;
    uint64_t call;
    char *type;
    struct vgw_json *data;
};

static void emit_run(void *arg)
{
    struct emit_message *m = arg;
    const struct vgw_host_env *env = &m->host->env;
    struct vgw_call *call = m->call ? vgw_calls_by_handle(env->calls(env->arg), m->call) : NULL;
    env->emit(env->arg, m->type, call, m->data);
    vgw_free(m->type);
    vgw_free(m);
}

/* Types of the catalogue that providers bring, whatever their name. */
static bool is_shared(const char *type)
{
    static const char *const types[] = {"amd_result"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (vgw_streq(type, types[i]))
            return true;
    return false;
}

static int32_t event_emit(const struct voicegw_host *h, uint64_t call, const char *type, const char *data_json)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    size_t n = strlen(h->plugin);
    struct emit_message *m;
    if (!type || strlen(type) > 63 || (!is_shared(type) && (strncmp(type, h->plugin, n) != 0 || type[n] != '.')))
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a plugin's event type begins with the plugin's name and a dot");
    if (!VGW_NEW(m))
        return VOICEGW_ELIMIT;
    *m = (struct emit_message){hi->host, call, vgw_strdup(type), vgw_host_json(data_json)};
    if (!m->data)
        m->data = vgw_json_object();
    int rc = m->type ? vgw_host_to_control(hi, emit_run, m) : VOICEGW_ELIMIT;
    if (rc < 0) {
        vgw_json_free(m->data);
        vgw_free(m->type);
        vgw_free(m);
    }
    return rc;
}

struct subscription {
    struct vgw_list link;
    struct vgw_host_instance *hi;
    uint64_t id, call;
    char glob[64];
    void (*fn)(void *arg, const char *event_json);
    void *arg;
    bool dead; /* unsubscribed from inside a delivery */
};

static uint64_t event_subscribe(const struct voicegw_host *h, uint64_t call, const char *type_glob,
                                void (*fn)(void *arg, const char *event_json), void *arg)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct subscription *s;
    if (hi->host->subscription_count >= VGW_HOST_SUBSCRIPTIONS_MAX || !VGW_NEW(s))
        return 0;
    *s = (struct subscription){.hi = hi, .id = ++hi->host->next_subscription, .call = call, .fn = fn, .arg = arg};
    vgw_strcopy(s->glob, sizeof s->glob, type_glob ? type_glob : "*");
    vgw_list_append(&hi->host->subscriptions, &s->link);
    hi->host->subscription_count++;
    return s->id;
}

static void subscription_free(struct vgw_host *host, struct subscription *s)
{
    vgw_list_remove(&s->link);
    host->subscription_count--;
    vgw_free(s);
}

static void event_unsubscribe(const struct voicegw_host *h, uint64_t id)
{
    struct vgw_host *host = vgw_host_of(h)->host;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->subscriptions) {
        struct subscription *s = VGW_CONTAINER_OF(at, struct subscription, link);
        if (s->id == id && s->hi == vgw_host_of(h))
            s->dead = true; /* freed by the next delivery: this may be inside one */
    }
}

void vgw_host_subscriptions_end(struct vgw_host_instance *hi)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &hi->host->subscriptions) {
        struct subscription *s = VGW_CONTAINER_OF(at, struct subscription, link);
        if (s->hi == hi)
            subscription_free(hi->host, s);
    }
}

void vgw_host_on_event(struct vgw_host *host, const char *type, uint64_t call, const char *text)
{
    uint64_t last = host->next_subscription; /* those made meanwhile begin with the next event */
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->subscriptions) {
        struct subscription *s = VGW_CONTAINER_OF(at, struct subscription, link);
        if (s->dead) {
            subscription_free(host, s);
            continue;
        }
        if (s->id <= last && (!s->call || s->call == call) && vgw_glob_match(s->glob, type))
            s->fn(s->arg, text);
    }
}

const struct voicegw_host_event vgw_host_event_table = {
    .size = sizeof vgw_host_event_table,
    .emit = event_emit,
    .subscribe = event_subscribe,
    .unsubscribe = event_unsubscribe,
};

/* ---- state ---- */

static const char *state_get(const struct voicegw_host *h, const char *key)
{
    const struct vgw_host_env *env = &vgw_host_of(h)->host->env;
    return env->state_get(env->arg, h->name, key);
}

static int32_t state_set(const struct voicegw_host *h, const char *key, const char *value)
{
    const struct vgw_host_env *env = &vgw_host_of(h)->host->env;
    if (!key || !key[0] || strlen(key) > 64 || (value && strlen(value) > 4096))
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a state key has 1 to 64 bytes, its value at most 4 KiB");
    return env->state_set(env->arg, h->name, key, value);
}

const struct voicegw_host_state vgw_host_state_table = {
    .size = sizeof vgw_host_state_table, .get = state_get, .set = state_set};

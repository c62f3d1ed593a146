#include <string.h>
#include "event/event.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

#define TEXT_MAX (1u << 20)
#define TREE_GUESS 1024u /* what a data tree takes, on the safe side */

static const char *keep(char **at, const char *s)
{
    if (!s)
        return NULL;
    size_t size = strlen(s) + 1;
    char *copy = *at;
    memcpy(copy, s, size);
    *at += size;
    return copy;
}

static size_t room(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

struct vgw_event *vgw_event_new(const char *name, const struct vgw_event_about *about, struct vgw_json *data,
                                unsigned depth)
{
    static const struct vgw_event_about nothing;
    const struct vgw_event_about *a = about ? about : &nothing;
    size_t size = sizeof(struct vgw_event) + room(name) + room(a->session_id) + room(a->call_id) +
                  room(a->provider_call_id) + room(a->provider) + room(a->plugin) + room(a->project_id);
    struct vgw_event *e = vgw_calloc(1, size);
    if (!e) {
        vgw_json_free(data);
        return NULL;
    }
    char *at = (char *)(e + 1);
    e->type = vgw_event_type_of(name);
    e->name = keep(&at, name);
    e->about.session_id = keep(&at, a->session_id);
    e->about.call_id = keep(&at, a->call_id);
    e->about.provider_call_id = keep(&at, a->provider_call_id);
    e->about.provider = keep(&at, a->provider);
    e->about.plugin = keep(&at, a->plugin);
    e->about.project_id = keep(&at, a->project_id);
    e->depth = depth;
    e->data = data;
    e->refs = 1;
    return e;
}

struct vgw_event *vgw_event_ref(struct vgw_event *e)
{
    __atomic_add_fetch(&e->refs, 1, __ATOMIC_RELAXED);
    return e;
}

void vgw_event_unref(struct vgw_event *e)
{
    if (!e || __atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    vgw_json_free(e->data);
    vgw_free(e->text);
    vgw_free(e);
}

const struct vgw_json *vgw_event_data(const struct vgw_event *e)
{
    return e->data;
}

const struct vgw_json *vgw_event_field(const struct vgw_event *e, const char *path, const char **ret_text)
{
    const struct vgw_json *value = e->data ? vgw_json_path(e->data, path) : NULL;
    if (value)
        return value;
    const struct {
        const char *name, *text;
    } envelope[] = {
        {"type", e->name},
        {"session_id", e->about.session_id},
        {"call_id", e->about.call_id},
        {"provider_call_id", e->about.provider_call_id},
        {"provider", e->about.provider},
        {"plugin", e->about.plugin},
        {"project_id", e->about.project_id},
    };
    for (size_t i = 0; i < sizeof envelope / sizeof *envelope; i++) {
        if (strcmp(envelope[i].name, path) == 0)
            *ret_text = envelope[i].text;
    }
    return NULL;
}

static void add_member(struct vgw_buf *out, const char *name, const char *value)
{
    vgw_buf_adds(out, name);
    if (value)
        vgw_json_quote(out, value, strlen(value));
    else
        vgw_buf_add(out, "null", 4);
}

static void add_id(struct vgw_buf *out, uint64_t id)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + id % 10);
        id /= 10;
    } while (id);
    vgw_buf_add(out, digits + at, sizeof digits - at);
}

const char *vgw_event_text(struct vgw_event *e, size_t *ret_len)
{
    if (!e->text) {
        struct vgw_buf out;
        char time[VGW_TIME_TEXT];
        vgw_buf_init(&out, TEXT_MAX);
        vgw_buf_adds(&out, "{\"id\":");
        add_id(&out, e->id);
        add_member(&out, ",\"type\":", e->name);
        add_member(&out, ",\"time\":", vgw_time_format(e->wall_us, time));
        add_member(&out, ",\"session_id\":", e->about.session_id);
        add_member(&out, ",\"call_id\":", e->about.call_id);
        add_member(&out, ",\"provider_call_id\":", e->about.provider_call_id);
        add_member(&out, ",\"provider\":", e->about.provider);
        add_member(&out, ",\"plugin\":", e->about.plugin);
        add_member(&out, ",\"project_id\":", e->about.project_id);
        vgw_buf_adds(&out, ",\"data\":");
        if (e->data)
            vgw_json_write(e->data, &out);
        else
            vgw_buf_adds(&out, "{}");
        vgw_buf_addc(&out, '}');
        e->text_len = out.len;
        e->text = vgw_buf_take(&out);
        char *fit = e->text ? vgw_realloc(e->text, e->text_len + 1) : NULL; /* it stays as long as the log keeps it */
        e->text = fit ? fit : e->text;
    }
    if (e->text && ret_len)
        *ret_len = e->text_len;
    return e->text;
}

size_t vgw_event_size(const struct vgw_event *e)
{
    return sizeof *e + 160 + (e->text ? e->text_len : 0) + (e->data ? TREE_GUESS : 0);
}

void vgw_event_settle(struct vgw_event *e)
{
    if (!vgw_event_text(e, NULL) || __atomic_load_n(&e->refs, __ATOMIC_ACQUIRE) != 1)
        return;
    vgw_json_free(e->data);
    e->data = NULL;
}

/* workflow.c - the head of a workflow, and its life. */
#include "flow/workflow.h"
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"

char *vgw_compile_text(struct vgw_compile *c, const char *s)
{
    if (!s)
        return NULL;
    char *copy = vgw_strdup(s);
    if (!copy)
        vgw_compile_nomem(c);
    return copy;
}

bool vgw_compile_name(struct vgw_compile *c, const char *what, const char *s)
{
    if (s && *s && strlen(s) <= 64 &&
        strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(s))
        return true;
    if (!s)
        vgw_compile_error(c, VGW_ECONFIG, "%s is missing; give it a name of letters, digits, '_', '-' or '.'", what);
    else
        vgw_compile_error(c, VGW_ECONFIG, "%s cannot be \"%.80s\"; use 1 to 64 letters, digits, '_', '-' or '.'", what,
                          s);
    return false;
}

bool vgw_compile_duration(struct vgw_compile *c, const struct vgw_json *v, int64_t *ret_us)
{
    enum vgw_json_type t = vgw_json_type(v);
    const char *s = vgw_json_str(v);
    if (s && vgw_parse_duration_us(s, ret_us))
        return true;
    double seconds = t == VGW_JSON_INT || t == VGW_JSON_DOUBLE ? vgw_json_as_double(v, -1) : -1;
    if (seconds >= 0 && seconds < 1e9) {
        *ret_us = (int64_t)(seconds * 1e6);
        return true;
    }
    vgw_compile_error(c, VGW_ECONFIG, "this must be a duration such as 500ms, 30s or 10m, or a number of seconds");
    return false;
}

static bool head_bool(struct vgw_compile *c, const struct vgw_json *doc, const char *key)
{
    const struct vgw_json *v = vgw_json_get(doc, key);
    const char *s = vgw_json_str(v);
    bool b = false;
    if (!v)
        return false;
    if (vgw_json_type(v) == VGW_JSON_BOOL)
        return vgw_json_as_bool(v, false);
    if (s && vgw_parse_bool(s, &b))
        return b;
    size_t up = vgw_compile_down(c, key);
    vgw_compile_error(c, VGW_ECONFIG, "%s must be true or false", key);
    vgw_compile_up(c, up);
    return false;
}

static void compile_command(struct vgw_compile *c, const struct vgw_json *doc, struct vgw_workflow *w)
{
    const char *s = vgw_json_get_string(doc, "trigger_command", NULL);
    if (!vgw_json_has(doc, "trigger_command"))
        return;
    size_t up = vgw_compile_down(c, "trigger_command");
    if (s && *s == '/')
        s++;
    if (vgw_compile_name(c, "trigger_command", s))
        w->trigger_command = vgw_compile_text(c, s);
    vgw_compile_up(c, up);
}

static void compile_head(struct vgw_compile *c, const struct vgw_json *doc, struct vgw_workflow *w)
{
    const char *id = vgw_json_get_string(doc, "id", NULL);
    const char *hangup = vgw_json_get_string(doc, "on_hangup", "end");
    size_t up = c->len;
    vgw_compile_keys(c, doc, "id name description trigger_command on_hangup strict steps", NULL);
    if (vgw_json_has(doc, "id"))
        up = vgw_compile_down(c, "id");
    if (vgw_compile_name(c, "id", id))
        w->id = vgw_compile_text(c, id);
    vgw_compile_up(c, up);
    w->name = vgw_compile_text(c, vgw_json_get_string(doc, "name", id));
    w->description = vgw_compile_text(c, vgw_json_get_string(doc, "description", NULL));
    compile_command(c, doc, w);
    w->strict = head_bool(c, doc, "strict");
    w->hangup_continues = vgw_streq(hangup, "continue");
    if (!w->hangup_continues && !vgw_streq(hangup, "end")) {
        up = vgw_compile_down(c, "on_hangup");
        vgw_compile_error(c, VGW_ECONFIG, "on_hangup cannot be \"%.40s\"; choose end or continue", hangup);
        vgw_compile_up(c, up);
    }
}

int vgw_workflow_compile(const struct vgw_flow_source *source, struct vgw_workflow **ret_workflow,
                         struct vgw_error *err)
{
    struct vgw_compile c = {.source = source, .first = err};
    struct vgw_workflow *w;
    if (!VGW_NEW(w))
        return vgw_error_nomem(err);
    w->refs = 1;
    if (source->place)
        (void)source->place(source->arg, "", w->place, sizeof w->place);
    if (vgw_json_type(source->doc) != VGW_JSON_OBJECT) {
        vgw_compile_error(&c, VGW_ECONFIG, "a workflow is a map with id and steps");
    } else {
        compile_head(&c, source->doc, w);
        const struct vgw_json *steps = vgw_json_get(source->doc, "steps");
        size_t up = c.len;
        if (steps)
            up = vgw_compile_down(&c, "steps");
        if (vgw_json_count(steps) == 0)
            vgw_compile_error(&c, VGW_ECONFIG, "steps must be a list of at least one step");
        else
            vgw_block_compile(&c, steps, 0, &w->root);
        vgw_compile_up(&c, up);
    }
    w->step_count = c.steps;
    w->action_flags = c.flags;
    if (c.errors) {
        vgw_workflow_unref(w);
        return c.status;
    }
    *ret_workflow = w;
    return 0;
}

struct vgw_workflow *vgw_workflow_ref(struct vgw_workflow *w)
{
    w->refs++;
    return w;
}

void vgw_workflow_unref(struct vgw_workflow *w)
{
    if (!w || --w->refs > 0)
        return;
    vgw_block_done(&w->root);
    vgw_free(w->id);
    vgw_free(w->name);
    vgw_free(w->description);
    vgw_free(w->trigger_command);
    vgw_free(w);
}

bool vgw_workflow_needs_twiml(const struct vgw_workflow *w)
{
    return (w->action_flags & VGW_ACTION_TWIML) != 0;
}

struct vgw_json *vgw_workflow_describe(const struct vgw_workflow *w)
{
    struct vgw_json *o = vgw_json_object();
    char command[80] = "/";
    if (w->trigger_command)
        (void)vgw_strcopy(command + 1, sizeof command - 1, w->trigger_command);
    if (!o || vgw_json_set_string(o, "id", w->id) < 0 || vgw_json_set_string(o, "name", w->name) < 0 ||
        vgw_json_set_string(o, "description", w->description) < 0 ||
        vgw_json_set_string(o, "trigger_command", w->trigger_command ? command : NULL) < 0 ||
        vgw_json_set_string(o, "on_hangup", w->hangup_continues ? "continue" : "end") < 0 ||
        vgw_json_set_bool(o, "strict", w->strict) < 0 || vgw_json_set_int(o, "steps", (int64_t)w->step_count) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

bool vgw_event_type_is_reserved(const char *type)
{
    static const char *const types =
        "call_initiated call_ringing call_answered call_ended call_failed dtmf_received speech_detected "
        "recording_started "
        "recording_stopped hold_started hold_ended transfer_initiated transfer_completed error workflow_started "
        "workflow_step workflow_finished workflow_failed";
    return vgw_starts_with(type, "voice.") || vgw_word_in(types, type);
}

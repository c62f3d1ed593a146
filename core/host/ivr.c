/* ivr.c - commands of a call as the verbs of a provider that leads calls by documents (voicegw/draft/provider_ivr.h).
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "host/host_private.h"

#define GATHER_TIMEOUT_MS 5000

static void put(struct vgw_json *out, const char *key, const struct vgw_json *value)
{
    if (vgw_json_type(value) != VGW_JSON_NULL)
        vgw_json_set(out, key, vgw_json_copy(value));
}

static void put_ms(struct vgw_json *out, const char *key, const struct vgw_json *params, const char *from)
{
    int64_t us;
    if (vgw_command_duration_us(params, from, &us))
        vgw_json_set_int(out, key, us / VGW_US_PER_MS);
}

static const char *language_of(const struct vgw_call *call, const struct vgw_json *params)
{
    return vgw_json_get_string(params, "language", call->session->language);
}

static struct vgw_json *inputs(const char *input)
{
    struct vgw_json *list = vgw_json_array();
    if (!*input || strstr(input, "speech"))
        vgw_json_append_string(list, "speech");
    if (!*input || strstr(input, "dtmf"))
        vgw_json_append_string(list, "dtmf");
    return list;
}

static void gather(struct vgw_json *out, const struct vgw_call *call, const struct vgw_json *params)
{
    const char *voice = call->route ? call->route->voice : NULL;
    put(out, "prompt", vgw_json_get(params, "prompt"));
    vgw_json_set(out, "input", inputs(vgw_json_get_string(params, "input", "")));
    vgw_json_set_string(out, "language", language_of(call, params));
    if (vgw_json_get_string(params, "voice", voice))
        vgw_json_set_string(out, "voice", vgw_json_get_string(params, "voice", voice));
    put(out, "num_digits", vgw_json_get(params, "num_digits"));
    vgw_json_set_string(out, "finish_on", vgw_json_get_string(params, "finish_on", "#"));
    vgw_json_set_int(out, "timeout_ms", GATHER_TIMEOUT_MS);
    put_ms(out, "timeout_ms", params, "timeout");
    put(out, "phrases", vgw_json_get(params, "phrases"));
    vgw_json_set_bool(out, "sensitive", vgw_json_get_bool(params, "sensitive", false));
}

static void dial(struct vgw_json *out, const struct vgw_call *call, const struct vgw_json *params)
{
    put(out, "to", vgw_json_get(params, "to"));
    put(out, "from", vgw_json_get(params, "from"));
    if (!vgw_json_has(out, "from") && call->route && call->route->caller_id)
        vgw_json_set_string(out, "from", call->route->caller_id);
    put_ms(out, "timeout_ms", params, "timeout");
    if (!vgw_json_has(out, "timeout_ms"))
        vgw_json_set_int(out, "timeout_ms", call->ring_timeout_us / VGW_US_PER_MS);
    put_ms(out, "max_duration_ms", params, "max_duration");
    vgw_json_set_bool(out, "record", vgw_json_as_bool(vgw_json_get(params, "record"), false));
}

static void record(struct vgw_json *out, const struct vgw_json *params)
{
    put_ms(out, "max_duration_ms", params, "max_duration");
    put(out, "finish_on", vgw_json_get(params, "finish_on"));
    put_ms(out, "silence_ms", params, "silence");
    vgw_json_set_bool(out, "beep", vgw_json_as_bool(vgw_json_get(params, "beep"), true));
}

static const char *fill(struct vgw_json *out, const struct vgw_call *call, int command, const struct vgw_json *params)
{
    switch (command) {
    case VGW_CMD_GATHER:
        gather(out, call, params);
        return "gather";
    case VGW_CMD_TRANSFER:
    case VGW_CMD_DIAL:
        dial(out, call, params);
        return "dial";
    case VGW_CMD_RECORD_MESSAGE:
        record(out, params);
        return "record";
    case VGW_CMD_ENQUEUE:
        put(out, "queue", vgw_json_get(params, "queue"));
        put(out, "wait_url", vgw_json_get(params, "wait_url"));
        return "enqueue";
    case VGW_CMD_CONFERENCE:
        put(out, "name", vgw_json_get(params, "name"));
        vgw_json_set_bool(out, "muted", vgw_json_as_bool(vgw_json_get(params, "muted"), false));
        vgw_json_set_bool(out, "start_on_enter", vgw_json_as_bool(vgw_json_get(params, "start_on_enter"), true));
        vgw_json_set_bool(out, "end_on_exit", vgw_json_as_bool(vgw_json_get(params, "end_on_exit"), false));
        put(out, "music", vgw_json_get(params, "music"));
        return "conference";
    case VGW_CMD_REDIRECT:
        put(out, "url", vgw_json_get(params, "url"));
        return "redirect";
    default:
        put_ms(out, "duration_ms", params, "duration");
        return "pause";
    }
}

int vgw_host_ivr_op(struct vgw_instance *instance, uint64_t op, const struct vgw_call *call, int command,
                    const struct vgw_json *params)
{
    const struct voicegw_provider_ivr *ivr = vgw_instance_extension(instance, VOICEGW_KIND_PROVIDER_IVR);
    struct vgw_json *out = vgw_json_object();
    if (!ivr || !ivr->perform) {
        vgw_json_free(out);
        return VOICEGW_EUNSUPPORTED;
    }
    const char *verb = fill(out, call, command, params);
    char *text = vgw_json_text(out, false);
    int rc = text ? ivr->perform(instance->plugin_instance, op, call->handle, verb, text) : VOICEGW_ELIMIT;
    vgw_free(text);
    vgw_json_free(out);
    return rc;
}

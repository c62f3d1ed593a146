/* engine.c - what media and engines report: checked, and handed to leg and talk. */
#include "base/alloc.h"
#include "base/str.h"
#include "host/host_private.h"
#include "media/leg.h"

/* ---- media ---- */

static int32_t media_format(const struct voicegw_host *h, uint64_t leg, const struct voicegw_audio_format *format)
{
    return format ? vgw_leg_on_format(leg, format) : VOICEGW_EINVALID;
}
static int32_t media_frame(const struct voicegw_host *h, uint64_t leg, const struct voicegw_frame *frame)
{
    return vgw_leg_on_frame(leg, frame);
}
static int32_t media_writable(const struct voicegw_host *h, uint64_t leg)
{
    return vgw_leg_on_writable(leg);
}
static int32_t media_mark(const struct voicegw_host *h, uint64_t leg, uint64_t mark, uint32_t heard)
{
    return vgw_leg_on_mark(leg, mark, heard != 0);
}
static int32_t media_dtmf(const struct voicegw_host *h, uint64_t leg, const char *digit, uint32_t ms,
                          const char *source)
{
    return vgw_leg_on_dtmf(leg, digit, ms, source);
}
static int32_t media_quality(const struct voicegw_host *h, uint64_t leg, double loss, double jitter_ms, double rtt_ms)
{
    return vgw_leg_on_quality(leg, loss, jitter_ms, rtt_ms);
}
static int32_t media_lost(const struct voicegw_host *h, uint64_t leg, const char *sentence)
{
    return vgw_leg_on_lost(leg, sentence);
}
static int32_t media_detached(const struct voicegw_host *h, uint64_t leg)
{
    return vgw_leg_on_detached(leg);
}
const struct voicegw_host_media vgw_host_media_table = {
    .size = sizeof vgw_host_media_table,
    .on_format = media_format,
    .on_frame = media_frame,
    .on_writable = media_writable,
    .on_mark = media_mark,
    .on_dtmf = media_dtmf,
    .on_quality = media_quality,
    .on_lost = media_lost,
    .on_detached = media_detached,
};

const struct voicegw_provider_media *vgw_host_media(struct vgw_instance *instance)
{
    return vgw_instance_extension(instance, VOICEGW_KIND_PROVIDER_MEDIA);
}

/* ---- recognition ---- */

static char *text_of(const char *s)
{
    return (char *)(uintptr_t)s; /* borrowed: vgw_engine_post() copies */
}

static int32_t stt_result(const struct voicegw_host *h, uint64_t stream, const struct voicegw_stt_result *r)
{
    if (!r || !r->text || !vgw_utf8_valid(r->text, __builtin_strlen(r->text)))
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a result has a text in UTF-8");
    struct vgw_engine_message m = {.kind = VGW_MSG_RESULT,
                                   .flag = r->final,
                                   .utterance = r->utterance,
                                   .number = r->confidence,
                                   .a = r->start_sample,
                                   .b = r->end_sample,
                                   .text = text_of(r->text),
                                   .text2 = text_of(r->language)};
    return vgw_engine_post(stream, &m);
}
static int32_t stt_speech(const struct voicegw_host *h, uint64_t stream, uint32_t started, int64_t sample)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_SPEECH, .flag = started, .a = sample};
    return vgw_engine_post(stream, &m);
}
static int32_t any_usage(const struct voicegw_host *h, uint64_t stream, const char *usage_json)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_USAGE, .text = text_of(usage_json)};
    return vgw_engine_post(stream, &m);
}
static int32_t any_error(const struct voicegw_host *h, uint64_t stream, uint32_t fatal, int32_t status,
                         const char *sentence)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_ERROR, .flag = fatal, .status = status, .text = text_of(sentence)};
    return vgw_engine_post(stream, &m);
}
static int32_t any_closed(const struct voicegw_host *h, uint64_t stream)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_CLOSED};
    return vgw_engine_post(stream, &m);
}
const struct voicegw_host_stt vgw_host_stt_table = {
    .size = sizeof vgw_host_stt_table,
    .on_result = stt_result,
    .on_speech = stt_speech,
    .on_usage = any_usage,
    .on_error = any_error,
    .on_closed = any_closed,
};

/* ---- synthesis ---- */

static int32_t tts_audio(const struct voicegw_host *h, uint64_t stream, uint64_t utterance,
                         const struct voicegw_frame *frame)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_AUDIO, .utterance = utterance};
    if (!frame || !vgw_engine_frame(&m, frame))
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "a frame is PCMU, PCMA or L16 at 8, 16, 24 or 48 kHz, up to a second of it");
    return vgw_engine_post(stream, &m);
}
static int32_t tts_align(const struct voicegw_host *h, uint64_t stream, uint64_t utterance, uint32_t characters,
                         uint64_t samples)
{
    struct vgw_engine_message m = {
        .kind = VGW_MSG_ALIGN, .utterance = utterance, .a = characters, .b = (int64_t)samples};
    return vgw_engine_post(stream, &m);
}
static int32_t tts_done(const struct voicegw_host *h, uint64_t stream, uint64_t utterance, int32_t status,
                        const char *sentence)
{
    struct vgw_engine_message m = {
        .kind = VGW_MSG_DONE, .utterance = utterance, .status = status, .text = text_of(sentence)};
    return vgw_engine_post(stream, &m);
}
const struct voicegw_host_tts vgw_host_tts_table = {
    .size = sizeof vgw_host_tts_table,
    .on_audio = tts_audio,
    .on_align = tts_align,
    .on_done = tts_done,
    .on_usage = any_usage,
    .on_error = any_error,
    .on_closed = any_closed,
};

/* ---- assistants ---- */

static int32_t assistant_delta(const struct voicegw_host *h, uint64_t session, uint64_t turn, const char *text)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_DELTA, .utterance = turn, .text = text_of(text)};
    return text ? vgw_engine_post(session, &m) : VOICEGW_EINVALID;
}
static int32_t assistant_tool(const struct voicegw_host *h, uint64_t session, uint64_t turn, uint64_t tool_call,
                              const char *name, const char *arguments_json)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_TOOL,
                                   .utterance = turn,
                                   .a = (int64_t)tool_call,
                                   .text = text_of(name),
                                   .text2 = text_of(arguments_json)};
    return name ? vgw_engine_post(session, &m) : VOICEGW_EINVALID;
}
static int32_t assistant_action(const struct voicegw_host *h, uint64_t session, uint64_t turn, const char *action,
                                const char *params_json)
{
    struct vgw_engine_message m = {
        .kind = VGW_MSG_ACTION, .utterance = turn, .text = text_of(action), .text2 = text_of(params_json)};
    return action ? vgw_engine_post(session, &m) : VOICEGW_EINVALID;
}
static int32_t assistant_turn_done(const struct voicegw_host *h, uint64_t session, uint64_t turn, int32_t status,
                                   const char *sentence, const char *usage_json)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_TURN_DONE,
                                   .utterance = turn,
                                   .status = status,
                                   .text = text_of(sentence),
                                   .text2 = text_of(usage_json)};
    return vgw_engine_post(session, &m);
}
static int32_t assistant_audio(const struct voicegw_host *h, uint64_t session, const char *item,
                               const struct voicegw_frame *frame)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_AUDIO, .text = text_of(item)};
    if (!frame || !vgw_engine_frame(&m, frame))
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "a frame is PCMU, PCMA or L16 at 8, 16, 24 or 48 kHz, up to a second of it");
    return vgw_engine_post_now(session, &m);
}
static int32_t assistant_clear(const struct voicegw_host *h, uint64_t session)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_CLEAR};
    return vgw_engine_post_now(session, &m); /* in the order of on_audio(): what comes after it is to be heard */
}
static int32_t assistant_transcript(const struct voicegw_host *h, uint64_t session, const char *role, uint32_t final,
                                    const char *text)
{
    struct vgw_engine_message m = {
        .kind = VGW_MSG_TRANSCRIPT, .flag = final, .text = text_of(text), .text2 = text_of(role)};
    return vgw_engine_post(session, &m);
}
static int32_t assistant_item_done(const struct voicegw_host *h, uint64_t session, const char *item)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_ITEM_DONE, .text = text_of(item)};
    return vgw_engine_post(session, &m);
}
static int32_t assistant_expiring(const struct voicegw_host *h, uint64_t session, uint32_t ms)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_EXPIRING, .a = ms};
    return vgw_engine_post(session, &m);
}
const struct voicegw_host_assistant vgw_host_assistant_table = {
    .size = sizeof vgw_host_assistant_table,
    .on_delta = assistant_delta,
    .on_tool = assistant_tool,
    .on_action = assistant_action,
    .on_turn_done = assistant_turn_done,
    .on_error = any_error,
    .on_closed = any_closed,
    .on_audio = assistant_audio,
    .on_clear = assistant_clear,
    .on_speech = stt_speech,
    .on_transcript = assistant_transcript,
    .on_item_done = assistant_item_done,
    .on_expiring = assistant_expiring,
};

void vgw_host_engine(struct vgw_instance *instance, struct vgw_engine *e)
{
    *e = (struct vgw_engine){.instance = instance->plugin_instance,
                             .stt = vgw_instance_extension(instance, VOICEGW_KIND_STT),
                             .tts = vgw_instance_extension(instance, VOICEGW_KIND_TTS),
                             .assistant = vgw_instance_extension(instance, VOICEGW_KIND_ASSISTANT),
                             .audio = vgw_instance_extension(instance, VOICEGW_KIND_ASSISTANT_AUDIO)};
    vgw_strcopy(e->name, sizeof e->name, instance->name);
    vgw_strcopy(e->plugin, sizeof e->plugin, vgw_plugin_module_desc(instance->module)->name);
}

/* ---- actions ---- */

struct action_report {
    struct vgw_host *host;
    uint64_t run;
    int32_t status;
    char *sentence;
    struct vgw_json *result;
};

static void action_told(void *arg)
{
    struct action_report *r = arg;
    const struct vgw_host_env *env = &r->host->env;
    env->action_complete(env->arg, r->run, r->status, r->sentence, r->result);
    vgw_free(r->sentence);
    vgw_free(r);
}

static int32_t action_complete(const struct voicegw_host *h, uint64_t run, int32_t status, const char *sentence,
                               const char *result_json)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct action_report *r;
    if (!VGW_NEW(r))
        return VOICEGW_ELIMIT;
    *r = (struct action_report){hi->host, run, status, vgw_strdup(sentence), vgw_host_json(result_json)};
    int rc = vgw_host_to_control(hi, action_told, r);
    if (rc < 0) {
        vgw_json_free(r->result);
        vgw_free(r->sentence);
        vgw_free(r);
    }
    return rc;
}

const struct voicegw_host_action vgw_host_action_table = {.size = sizeof vgw_host_action_table,
                                                          .complete = action_complete};

int vgw_host_action_run(struct vgw_instance *instance, uint64_t run, const char *name, const struct vgw_json *params,
                        const struct vgw_json *context, struct vgw_error *err)
{
    const struct voicegw_action *a = vgw_instance_extension(instance, VOICEGW_KIND_ACTION);
    char *p = vgw_json_text(params, false), *c = vgw_json_text(context, false);
    int rc = VOICEGW_EUNSUPPORTED;
    vgw_host_clear_error();
    if (a && p && c)
        rc = a->run(instance->plugin_instance, run, name, p, c);
    vgw_free(p);
    vgw_free(c);
    if (rc < 0)
        vgw_error_set(err, rc, "%s",
                      vgw_host_last_error()[0] ? vgw_host_last_error()
                                               : "the plugin refused the action without a word");
    return rc;
}

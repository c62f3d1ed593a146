#include <pthread.h>
#include <string.h>
#include "event/catalogue.h"
#include "base/str.h"

/* clang-format off */
#define S(name, help) {name, VGW_EVENT_STRING, help}
#define N(name, help) {name, VGW_EVENT_NUMBER, help}
#define O(name, help) {name, VGW_EVENT_OBJECT, help}
#define A(name, help) {name, VGW_EVENT_ANY, help}
#define B(name, help) {name, VGW_EVENT_BOOL, help}
#define FROM_TO S("from", "the calling number or address"), S("to", "the called one")
#define DIRECTION S("direction", "inbound or outbound")
#define TURN N("turn", "number of the turn in the session, from 1; 0 before the first")
#define ERROR_CLASS S("error_class", "as in the table of error classes")
#define MONITOR S("monitored", "the call that is listened to"), S("mode", "listen, whisper or barge")
#define CONFERENCE S("conference", "its name"), A("participants", "how many take part, where the provider says")
#define MESSAGE S("message_id", "the message"), S("provider_message_id", "the provider's id of it"), FROM_TO, \
    S("status", "of a text message sent by a workflow: accepted, sent, delivered or failed; of one that is delivered: queued, calling, retrying, delivered, failed or canceled"), \
    S("cause", "why it failed"), S("thread_id", "the history with the lead"), S("campaign_id", "the campaign, if it has one"), \
    S("lead_id", "the lead, if it has an id"), S("channel", "voice or sms"), S("voice_config", "the profile that it names"), N("attempt", "number of the attempt"), \
    S("outcome", "of the attempt: delivered, busy, no_answer, voicemail, failed, provider_error or refused"), ERROR_CLASS
#define RUN S("run_id", "the run"), S("workflow", "id of the workflow")

static const struct vgw_event_info table[VGW_EVENT_TYPES] = {
    [VGW_EVENT_CALL_INITIATED] = {"call_initiated", "a call exists", {FROM_TO, DIRECTION}},
    [VGW_EVENT_CALL_RINGING] = {"call_ringing", "the called party is alerted", {FROM_TO, DIRECTION}},
    [VGW_EVENT_CALL_ANSWERED] = {"call_answered", "the call is connected",
        {FROM_TO, S("answered_by", "human, machine or what the provider says"), DIRECTION}},
    [VGW_EVENT_CALL_ENDED] = {"call_ended", "an answered call is over, or one was lost by a crash",
        {S("status", "completed or interrupted"), N("duration", "seconds from answer"),
         N("total_duration", "seconds from the beginning"), S("cause", "why it ended"), FROM_TO, DIRECTION}},
    [VGW_EVENT_CALL_FAILED] = {"call_failed", "a call was never answered",
        {S("status", "failed, busy, no_answer or canceled"), S("cause", "why"), ERROR_CLASS, FROM_TO, DIRECTION}},
    [VGW_EVENT_DTMF_RECEIVED] = {"dtmf_received", "a key was pressed",
        {S("digit", "0-9 * # A-D"), N("duration_ms", "how long"), S("source", "how it came: stream, rfc4733, info, inband, signalled or a provider's word")}},
    [VGW_EVENT_SPEECH_DETECTED] = {"speech_detected", "the caller begins to speak",
        {N("start_ms", "onset, from the beginning of the stream")}},
    [VGW_EVENT_RECORDING_STARTED] = {"recording_started", "recording runs", {S("recording_id", "the recording")}},
    [VGW_EVENT_RECORDING_STOPPED] = {"recording_stopped", "a recording is complete",
        {S("recording_id", "the recording"), S("url", "where it can be fetched"), N("duration", "seconds")}},
    [VGW_EVENT_RECORDING_AVAILABLE] = {"recording_available", "a recording that a provider made can be fetched here",
        {S("recording_id", "the recording"), S("url", "where it can be fetched"), N("duration", "seconds")}},
    [VGW_EVENT_HOLD_STARTED] = {"hold_started", "the call is on hold", {S("by", "who asked")}},
    [VGW_EVENT_HOLD_ENDED] = {"hold_ended", "the call is back", {S("by", "who asked")}},
    [VGW_EVENT_TRANSFER_INITIATED] = {"transfer_initiated", "a transfer begins",
        {S("to", "target"), S("kind", "blind or attended"), S("outcome", "pending")}},
    [VGW_EVENT_TRANSFER_COMPLETED] = {"transfer_completed", "a transfer is settled",
        {S("to", "target"), S("kind", "blind or attended"), S("outcome", "completed, busy, no_answer or failed")}},
    [VGW_EVENT_ERROR] = {"error", "something went wrong",
        {S("error", "a sentence"), ERROR_CLASS, S("where", "the part"), B("retryable", "whether it may be tried again")}},
    [VGW_EVENT_SESSION_CREATED] = {"voice.session.created", "a conversation begins",
        {S("channel", "phone, webrtc or realtime"), DIRECTION,
         S("recovered_from", "the session of an earlier run that it goes on from, if any")}},
    [VGW_EVENT_SESSION_STOPPED] = {"voice.session.stopped", "a conversation is over",
        {S("status", "as in its record"), S("reason", "why"), N("turns", "turns that were spoken")}},
    [VGW_EVENT_STT_PARTIAL] = {"voice.stt.partial", "what the caller says, so far",
        {S("text", "heard so far"), N("confidence", "0 to 1; null when the engine has no measure of it"), S("language", "BCP 47")}},
    [VGW_EVENT_STT_FINAL] = {"voice.stt.final", "what the caller said",
        {S("text", "what was said"), N("confidence", "0 to 1; null when the engine has no measure of it"), S("language", "BCP 47"), TURN}},
    [VGW_EVENT_ASSISTANT_TEXT] = {"voice.assistant.text", "what the caller is answered",
        {S("text", "the answer"), TURN,
         N("latency_ms", "end of the caller's speech to first frame heard; null for what no turn of the caller's brought: greeting, say, prompt"),
         O("stages", "milliseconds of each stage: speech_end final first_text tts_first_byte first_frame heard, from the end of the caller's speech; without such a turn tts_first_byte first_frame heard, from when it was asked for")}},
    [VGW_EVENT_ASSISTANT_INTERRUPTED] = {"voice.assistant.interrupted", "the caller spoke into the answer",
        {TURN, S("heard_text", "what was heard of it"), N("heard_ms", "how long it was heard")}},
    [VGW_EVENT_TOOL_CALLED] = {"voice.tool.called", "the assistant uses a tool",
        {S("tool", "its name"), A("arguments", "as given"), TURN}},
    [VGW_EVENT_TOOL_FINISHED] = {"voice.tool.finished", "a tool has answered",
        {S("tool", "its name"), A("result", "what it gave"), A("error", "why not"), TURN}},
    [VGW_EVENT_WORKFLOW_STARTED] = {"workflow_started", "a run begins", {RUN}},
    [VGW_EVENT_WORKFLOW_STEP] = {"workflow_step", "a step is done",
        {RUN, A("step", "its index"), S("type", "its type"), S("status", "completed, failed, skipped or canceled"),
         A("output", "its result"), A("error", "why it failed")}},
    [VGW_EVENT_WORKFLOW_FINISHED] = {"workflow_finished", "a run is complete",
        {RUN, S("status", "completed or canceled"), S("error", "of a canceled run: why"), ERROR_CLASS}},
    [VGW_EVENT_WORKFLOW_FAILED] = {"workflow_failed", "a run has failed",
        {RUN, S("status", "failed"), S("error", "why"), ERROR_CLASS}},
    [VGW_EVENT_CONFERENCE_STARTED] = {"conference_started", "the first participant has joined", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_ENDED] = {"conference_ended", "the last participant has left", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_JOINED] = {"conference_joined", "the call takes part", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_LEFT] = {"conference_left", "the call takes part no more", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_HELD] = {"conference_held", "the participant is on hold", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_RESUMED] = {"conference_resumed", "the participant is back from hold", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_MUTED] = {"conference_muted", "the participant is not heard", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_UNMUTED] = {"conference_unmuted", "the participant is heard again", {CONFERENCE}},
    [VGW_EVENT_CONFERENCE_KICKED] = {"conference_kicked", "the participant was put out", {CONFERENCE}},
    [VGW_EVENT_MONITOR_STARTED] = {"monitor_started", "the call listens in on another, or does so in another way", {MONITOR}},
    [VGW_EVENT_MONITOR_STOPPED] = {"monitor_stopped", "the call does not listen in any more", {MONITOR}},
    [VGW_EVENT_MESSAGE_ACCEPTED] = {"message_accepted", "a message is in the store, or the provider took a text message", {MESSAGE}},
    [VGW_EVENT_MESSAGE_SENT] = {"message_sent", "a message is on its way: an attempt begins", {MESSAGE}},
    [VGW_EVENT_MESSAGE_DELIVERED] = {"message_delivered", "a message has reached its receiver", {MESSAGE}},
    [VGW_EVENT_MESSAGE_RETRYING] = {"message_retrying", "an attempt did not deliver the message; another follows", {MESSAGE}},
    [VGW_EVENT_MESSAGE_FAILED] = {"message_failed", "a message was not delivered, and is not tried again", {MESSAGE}},
    [VGW_EVENT_MESSAGE_RECEIVED] = {"message_received", "a text message came in",
        {S("provider_message_id", "the provider's id of it"), FROM_TO, S("text", "what it says")}},
    [VGW_EVENT_AMD_RESULT] = {"amd_result", "who answered has been found out, by the provider or by the sound",
        {S("answered_by", "human, machine_start, machine_end_beep, machine_end_silence, machine_end_other, fax, unknown or what the provider says"),
         N("duration_ms", "how long it took, where that is known"), N("confidence", "0 to 1, where it was found out here"),
         S("reason", "by what, where it was found out here")}},
    [VGW_EVENT_CAMPAIGN_CHANGED] = {"campaign_changed", "a campaign runs, rests, or is over",
        {S("campaign_id", "the campaign"), S("name", "its name"), S("status", "running, paused, canceled or finished"),
         S("reason", "why, as budget")}},
    [VGW_EVENT_ENGINE_FAILOVER] = {"voice.engine.failover", "another engine takes over in mid-call",
        {S("kind", "stt, tts or assistants"), S("from", "the engine that failed or was too slow"), S("to", "who takes over; null when nobody is left")}},
    [VGW_EVENT_LANGUAGE_CHANGED] = {"voice.language.changed", "the conversation goes on in another language",
        {S("language", "BCP 47"), S("by", "tool or detection")}},
    [VGW_EVENT_SENTIMENT] = {"voice.sentiment", "how the caller's words sound, from -1 to 1; told of turns in which a word is known",
        {N("score", "of this turn"), N("mean", "of the turns so far, the newest count most"),
         S("trend", "rising, falling or steady"), S("phrase", "words that call for attention, such as speak to a manager; null: none"), TURN}},
    [VGW_EVENT_STT_DEAF] = {"voice.stt.deaf", "every recognizer of the call has failed; they are tried again",
        {S("engine", "the one that failed last"), N("timeout", "seconds until a call that needs one ends; 0: never")}},
    [VGW_EVENT_STT_RESTORED] = {"voice.stt.restored", "a recognizer works again after all had failed",
        {S("engine", "which"), N("tries", "how often one was opened"), N("duration", "seconds without one that worked")}},
};
/* clang-format on */

/* Perfect enough: open addressing over twice as many slots, filled once. */
#define SLOTS 128u
static uint8_t slots[SLOTS]; /* type + 1 */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_slots(void)
{
    for (unsigned type = 0; type < VGW_EVENT_TYPES; type++) {
        uint64_t at = vgw_hash64(table[type].name, strlen(table[type].name));
        while (slots[at % SLOTS])
            at++;
        slots[at % SLOTS] = (uint8_t)(type + 1);
    }
}

const struct vgw_event_info *vgw_event_info(enum vgw_event_type type)
{
    return (unsigned)type < VGW_EVENT_TYPES ? &table[type] : NULL;
}

enum vgw_event_type vgw_event_type_of(const char *name)
{
    pthread_once(&once, fill_slots);
    for (uint64_t at = vgw_hash64(name, strlen(name)); slots[at % SLOTS]; at++) {
        unsigned type = slots[at % SLOTS] - 1u;
        if (strcmp(table[type].name, name) == 0)
            return (enum vgw_event_type)type;
    }
    return VGW_EVENT_OTHER;
}

static bool fits(enum vgw_event_kind kind, const struct vgw_json *value)
{
    enum vgw_json_type t = vgw_json_type(value);
    switch (kind) {
    case VGW_EVENT_STRING:
        return t == VGW_JSON_STRING || t == VGW_JSON_NULL;
    case VGW_EVENT_NUMBER:
        return t == VGW_JSON_INT || t == VGW_JSON_DOUBLE || t == VGW_JSON_NULL;
    case VGW_EVENT_BOOL:
        return t == VGW_JSON_BOOL || t == VGW_JSON_NULL;
    case VGW_EVENT_OBJECT:
        return t == VGW_JSON_OBJECT || t == VGW_JSON_NULL;
    case VGW_EVENT_ANY:
        return true;
    }
    return false;
}

static const struct vgw_event_field *find_field(const struct vgw_event_info *info, const char *name)
{
    for (size_t i = 0; i < VGW_EVENT_FIELDS_MAX && info->fields[i].name; i++) {
        if (strcmp(info->fields[i].name, name) == 0)
            return &info->fields[i];
    }
    return NULL;
}

int vgw_event_check(const char *name, const struct vgw_json *data, struct vgw_error *err)
{
    const struct vgw_event_info *info = vgw_event_info(vgw_event_type_of(name));
    if (data && vgw_json_type(data) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_EINVALID, "the data of an event is an object; that of %s is not", name);
    if (!info)
        return VGW_OK;
    const char *key;
    struct vgw_json *value;
    for (size_t i = 0; data && vgw_json_object_next(data, &i, &key, &value);) {
        const struct vgw_event_field *field = find_field(info, key);
        if (!field)
            return vgw_error_at(err, VGW_EINVALID, key, "an event %s has no field \"%s\"", name, key);
        if (!fits(field->kind, value))
            return vgw_error_at(err, VGW_EINVALID, key, "field \"%s\" of an event %s has the wrong type", key, name);
    }
    return VGW_OK;
}

#include "verb.h"
#include <stdlib.h>
#include <string.h>

#define TEXT_CAP 8192u

static const char *const names[] = {"say",  "play",   "dtmf",    "pause",      "gather",
                                    "dial", "record", "enqueue", "conference", "redirect"};

int verb_kind_of(const char *name, enum verb_kind *ret)
{
    for (size_t i = VERB_PAUSE; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum verb_kind)i;
            return 1;
        }
    }
    return 0;
}

int verb_has_result(enum verb_kind kind)
{
    return kind >= VERB_GATHER;
}

static int has_text(struct voicegw_json params, const char *name)
{
    struct voicegw_json v = voicegw_json_member(params, name);
    return voicegw_json_type(v) == VOICEGW_JSON_STRING && v.bytes > 2 && v.bytes < 1000;
}

const char *verb_check(enum verb_kind kind, struct voicegw_json params)
{
    if (params.text && voicegw_json_type(params) != VOICEGW_JSON_OBJECT)
        return "a verb's params are an object";
    if (kind == VERB_DIAL && !has_text(params, "to"))
        return "dial needs to: a number, a SIP address or a client";
    if (kind == VERB_ENQUEUE && !has_text(params, "queue"))
        return "enqueue needs queue: its name";
    if (kind == VERB_CONFERENCE && !has_text(params, "name"))
        return "conference needs name";
    if (kind == VERB_REDIRECT && !has_text(params, "url"))
        return "redirect needs url";
    return NULL;
}

/* ---- into TwiML ---- */

static void attr_text(struct twiml *t, const char *attribute, struct voicegw_json params, const char *name)
{
    char text[1024];
    struct voicegw_json v = voicegw_json_member(params, name);
    if (voicegw_json_type(v) == VOICEGW_JSON_STRING && voicegw_json_string(v, text, sizeof text) >= 0)
        twiml_attr(t, attribute, text);
}

static void attr_bool(struct twiml *t, const char *attribute, struct voicegw_json params, const char *name)
{
    struct voicegw_json v = voicegw_json_member(params, name);
    if (voicegw_json_type(v) == VOICEGW_JSON_BOOL)
        twiml_attr(t, attribute, voicegw_json_bool(v, 0) ? "true" : "false");
}

static void attr_seconds(struct twiml *t, const char *attribute, struct voicegw_json params, const char *name)
{
    int64_t ms = voicegw_json_get_int(params, name, 0);
    if (ms > 0)
        twiml_attr_int(t, attribute, (ms + 999) / 1000);
}

/* A list of words joined by `between`. */
static void attr_list(struct twiml *t, const char *attribute, struct voicegw_json list, const char *between)
{
    char text[2048] = "", word[256];
    size_t n = 0;
    struct voicegw_json_iter it = voicegw_json_each(list);
    while (voicegw_json_type(list) == VOICEGW_JSON_ARRAY && voicegw_json_next(&it)) {
        int64_t bytes = voicegw_json_string(it.value, word, sizeof word);
        if (bytes <= 0 || n + (size_t)bytes + 3 > sizeof text)
            continue;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? between : "", word);
    }
    if (n)
        twiml_attr(t, attribute, text);
}

static void put_action(struct twiml *t, const char *url)
{
    twiml_attr(t, "action", url);
    twiml_attr(t, "method", "POST");
}

static void put_gather(struct twiml *t, struct voicegw_json p, const char *url, const char *voice, const char *language)
{
    char prompt[TEXT_CAP] = "", own_voice[64] = "", own_language[32] = "";
    struct voicegw_json input = voicegw_json_member(p, "input");
    if (voicegw_json_get_string(p, "prompt", prompt, sizeof prompt) == VOICEGW_ELIMIT)
        t->failed = 1;
    (void)voicegw_json_get_string(p, "voice", own_voice, sizeof own_voice);
    (void)voicegw_json_get_string(p, "language", own_language, sizeof own_language);
    twiml_open(t, "Gather");
    if (voicegw_json_type(input) == VOICEGW_JSON_ARRAY)
        attr_list(t, "input", input, " ");
    else
        attr_text(t, "input", p, "input");
    put_action(t, url);
    attr_seconds(t, "timeout", p, "timeout_ms");
    if (voicegw_json_get_int(p, "num_digits", 0) > 0)
        twiml_attr_int(t, "numDigits", voicegw_json_get_int(p, "num_digits", 0));
    attr_text(t, "finishOnKey", p, "finish_on");
    if (own_language[0] || *language)
        twiml_attr(t, "language", own_language[0] ? own_language : language);
    attr_list(t, "hints", voicegw_json_member(p, "phrases"), ",");
    twiml_attr(t, "speechTimeout", "auto");
    twiml_attr(t, "actionOnEmptyResult", "true");
    if (prompt[0])
        twiml_say(t, prompt, own_voice[0] ? own_voice : voice, own_language);
    twiml_close(t);
}

static void put_dial(struct twiml *t, struct voicegw_json p, const char *url)
{
    char to[TWILIO_PARTY_CAP] = "";
    (void)voicegw_json_get_string(p, "to", to, sizeof to);
    twiml_open(t, "Dial");
    put_action(t, url);
    attr_seconds(t, "timeout", p, "timeout_ms");
    attr_text(t, "callerId", p, "from");
    attr_seconds(t, "timeLimit", p, "max_duration_ms");
    if (voicegw_json_get_bool(p, "record", 0))
        twiml_attr(t, "record", "record-from-answer-dual");
    if (strncmp(to, "sip:", 4) == 0)
        twiml_leaf(t, "Sip", to);
    else if (strncmp(to, "client:", 7) == 0)
        twiml_leaf(t, "Client", to + 7);
    else
        twiml_leaf(t, "Number", to);
    twiml_close(t);
}

static void put_record(struct twiml *t, struct voicegw_json p, const char *url)
{
    twiml_open(t, "Record");
    put_action(t, url);
    attr_seconds(t, "timeout", p, "silence_ms");
    attr_text(t, "finishOnKey", p, "finish_on");
    attr_seconds(t, "maxLength", p, "max_duration_ms");
    attr_bool(t, "playBeep", p, "beep");
    twiml_close(t);
}

static void put_enqueue(struct twiml *t, struct voicegw_json p, const char *url)
{
    char queue[1024] = "";
    (void)voicegw_json_get_string(p, "queue", queue, sizeof queue);
    twiml_open(t, "Enqueue");
    put_action(t, url);
    attr_text(t, "waitUrl", p, "wait_url");
    twiml_text(t, queue);
    twiml_close(t);
}

static void put_conference(struct twiml *t, struct voicegw_json p, const char *url, const char *callback)
{
    char name[1024] = "";
    (void)voicegw_json_get_string(p, "name", name, sizeof name);
    twiml_open(t, "Dial");
    put_action(t, url);
    twiml_open(t, "Conference");
    attr_bool(t, "muted", p, "muted");
    attr_bool(t, "startConferenceOnEnter", p, "start_on_enter");
    attr_bool(t, "endConferenceOnExit", p, "end_on_exit");
    attr_text(t, "waitUrl", p, "music");
    if (callback) {
        twiml_attr(t, "statusCallback", callback);
        twiml_attr(t, "statusCallbackEvent", "start end join leave mute hold");
    }
    twiml_text(t, name);
    twiml_close(t);
    twiml_close(t);
}

static void put_redirect(struct twiml *t, struct voicegw_json p)
{
    char url[1024] = "";
    (void)voicegw_json_get_string(p, "url", url, sizeof url);
    twiml_leaf(t, "Redirect", url);
}

void verb_put(struct twiml *t, const struct twilio_verb *v, const char *url, const char *voice, const char *language)
{
    struct voicegw_json p = voicegw_json_of(v->params);
    switch (v->kind) {
    case VERB_SAY:
        twiml_say(t, v->text, v->voice[0] ? v->voice : voice, v->language);
        return;
    case VERB_PLAY:
        twiml_open(t, "Play");
        if (v->loop != 1)
            twiml_attr_int(t, "loop", v->loop);
        twiml_text(t, v->text);
        twiml_close(t);
        return;
    case VERB_DTMF:
        twiml_open(t, "Play");
        twiml_attr(t, "digits", v->text);
        twiml_close(t);
        return;
    case VERB_PAUSE:
        twiml_pause(t, (voicegw_json_get_int(p, "duration_ms", 1000) + 999) / 1000);
        return;
    case VERB_GATHER:
        put_gather(t, p, url, voice, language);
        return;
    case VERB_DIAL:
        put_dial(t, p, url);
        return;
    case VERB_RECORD:
        put_record(t, p, url);
        return;
    case VERB_ENQUEUE:
        put_enqueue(t, p, url);
        return;
    case VERB_CONFERENCE:
        put_conference(t, p, url, v->text);
        return;
    case VERB_REDIRECT:
        put_redirect(t, p);
        return;
    case VERB_CONTROL:
        return;
    }
}

/* ---- from the answer ---- */

static void copy(struct voicegw_json_writer *w, const char *name, const struct form *f, const char *field)
{
    char text[2048];
    if (form_find(f, field)) {
        (void)form_text(f, field, text, sizeof text);
        voicegw_json_put_string(w, name, text);
    }
}

static void put_gathered(struct voicegw_json_writer *w, const struct form *f)
{
    const struct form_field *digits = form_find(f, "Digits"), *speech = form_find(f, "SpeechResult");
    char text[32];
    if (digits && digits->value_bytes) {
        voicegw_json_put_string(w, "input", "dtmf");
        copy(w, "digits", f, "Digits");
    } else if (speech && speech->value_bytes) {
        voicegw_json_put_string(w, "input", "speech");
        copy(w, "text", f, "SpeechResult");
        if (form_text(f, "Confidence", text, sizeof text))
            voicegw_json_put_double(w, "confidence", strtod(text, NULL));
    } else {
        voicegw_json_put_string(w, "input", "none");
    }
}

int64_t verb_result(enum verb_kind kind, const struct form *f, char *out, size_t cap)
{
    char text[64];
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    switch (kind) {
    case VERB_GATHER:
        put_gathered(&w, f);
        break;
    case VERB_DIAL:
        (void)form_text(f, "DialCallStatus", text, sizeof text);
        voicegw_json_put_string(&w, "outcome", twilio_outcome_of(text));
        voicegw_json_put_int(&w, "duration", form_int(f, "DialCallDuration", 0));
        break;
    case VERB_RECORD:
        copy(&w, "recording_id", f, "RecordingSid");
        copy(&w, "url", f, "RecordingUrl");
        voicegw_json_put_int(&w, "duration", form_int(f, "RecordingDuration", 0));
        copy(&w, "digits", f, "Digits");
        break;
    case VERB_ENQUEUE:
        copy(&w, "outcome", f, "QueueResult");
        voicegw_json_put_int(&w, "wait_seconds", form_int(f, "QueueTime", 0));
        break;
    case VERB_CONFERENCE:
        voicegw_json_put_string(&w, "outcome", "completed");
        break;
    default:
        break;
    }
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}

#include "wire.h"
#include <string.h>
#include "application.h"

#define PLAYS_MAX 100 /* times that a sound may be asked for with one message */
#define DIGITS "0123456789*#ABCDwW"

static size_t written(struct voicegw_json_writer *w)
{
    voicegw_json_put_end(w);
    int64_t n = voicegw_json_finish(w);
    return n > 0 ? (size_t)n : 0;
}

static struct voicegw_json_writer begun(const char *type, char *out, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", type);
    return w;
}

static void put_member(struct voicegw_json_writer *w, const char *name, struct voicegw_json session, const char *member)
{
    struct voicegw_json v = voicegw_json_member(session, member);
    if (voicegw_json_type(v) == VOICEGW_JSON_STRING)
        voicegw_json_put_json(w, name, v);
    else
        voicegw_json_put_string(w, name, "");
}

size_t wire_setup(const struct wire_setup *s, char *out, size_t cap)
{
    struct voicegw_json_writer w = begun("setup", out, cap);
    uint32_t outbound = voicegw_json_equals(voicegw_json_member(s->session, "direction"), "outbound");
    voicegw_json_put_string(&w, "sessionId", s->session_sid);
    voicegw_json_put_string(&w, "accountSid", s->account_sid);
    voicegw_json_put_string(&w, "parentCallSid", "");
    voicegw_json_put_string(&w, "callSid", s->call_sid);
    put_member(&w, "from", s->session, "from");
    put_member(&w, "to", s->session, "to");
    voicegw_json_put_string(&w, "forwardedFrom", "");
    voicegw_json_put_string(&w, "callType", "PSTN");
    voicegw_json_put_string(&w, "callerName", "");
    voicegw_json_put_string(&w, "direction", outbound ? "outbound-api" : "inbound");
    voicegw_json_put_string(&w, "callStatus", "IN-PROGRESS");
    application_put_parameters(&w, "customParameters", s->parameters, s->session);
    return written(&w);
}

size_t wire_prompt(const char *text, const char *language, uint32_t last, char *out, size_t cap)
{
    struct voicegw_json_writer w = begun("prompt", out, cap);
    voicegw_json_put_string(&w, "voicePrompt", text);
    voicegw_json_put_string(&w, "lang", language);
    voicegw_json_put_bool(&w, "last", last);
    return written(&w);
}

size_t wire_dtmf(const char *digit, char *out, size_t cap)
{
    struct voicegw_json_writer w = begun("dtmf", out, cap);
    voicegw_json_put_string(&w, "digit", digit);
    return written(&w);
}

size_t wire_interrupt(const char *heard_text, uint32_t heard_ms, char *out, size_t cap)
{
    struct voicegw_json_writer w = begun("interrupt", out, cap);
    voicegw_json_put_string(&w, "utteranceUntilInterrupt", heard_text);
    voicegw_json_put_int(&w, "durationUntilInterruptMs", heard_ms);
    return written(&w);
}

size_t wire_error(const char *description, char *out, size_t cap)
{
    struct voicegw_json_writer w = begun("error", out, cap);
    voicegw_json_put_string(&w, "description", description);
    return written(&w);
}

/* ---- from the application ---- */

static int is_text(struct voicegw_json v)
{
    return voicegw_json_type(v) == VOICEGW_JSON_STRING;
}

/* Truth, or the text of one, as both are sent. */
static uint32_t truth(struct voicegw_json v, uint32_t dflt)
{
    return voicegw_json_equals(v, "true") ? 1 : voicegw_json_equals(v, "false") ? 0 : voicegw_json_bool(v, dflt);
}

static const char *parse_text(struct voicegw_json doc, struct wire_message *m)
{
    m->text = voicegw_json_member(doc, "token");
    m->lang = voicegw_json_member(doc, "lang");
    m->last = truth(voicegw_json_member(doc, "last"), 0);
    if (!is_text(m->text))
        return "a text message needs the text token";
    return m->lang.text && !is_text(m->lang) ? "lang must be a language such as en-US" : NULL;
}

static const char *parse_play(struct voicegw_json doc, struct wire_message *m)
{
    char start[9];
    struct voicegw_json loop = voicegw_json_member(doc, "loop");
    int64_t times = loop.text ? voicegw_json_int(loop, -1) : 1;
    m->text = voicegw_json_member(doc, "source");
    if (!is_text(m->text) || m->text.bytes < 10)
        return "a play message needs the URL source";
    memcpy(start, m->text.text + 1, sizeof start - 1);
    start[8] = '\0';
    if (strncmp(start, "http://", 7) != 0 && strncmp(start, "https://", 8) != 0)
        return "source must be an http or https URL";
    if (times < 0 || times > PLAYS_MAX)
        return "loop must be a number from 0 to 100";
    m->times = (uint32_t)times;
    return NULL;
}

static const char *parse_digits(struct voicegw_json doc, struct wire_message *m)
{
    m->text = voicegw_json_member(doc, "digits");
    if (!is_text(m->text) || m->text.bytes < 3 || m->text.bytes > 130)
        return "a sendDigits message needs the text digits, of at most 128";
    for (uint64_t i = 1; i + 1 < m->text.bytes; i++)
        if (!strchr(DIGITS, m->text.text[i]))
            return "digits are 0-9 * # A-D and the pauses w and W";
    return NULL;
}

static const char *parse_language(struct voicegw_json doc, struct wire_message *m)
{
    m->tts = voicegw_json_member(doc, "ttsLanguage");
    m->stt = voicegw_json_member(doc, "transcriptionLanguage");
    if ((m->tts.text && !is_text(m->tts)) || (m->stt.text && !is_text(m->stt)) || (!m->tts.text && !m->stt.text))
        return "a language message needs the texts ttsLanguage or transcriptionLanguage";
    return NULL;
}

static const char *parse_end(struct voicegw_json doc, struct wire_message *m)
{
    m->handoff = voicegw_json_member(doc, "handoffData");
    return m->handoff.text && !is_text(m->handoff) ? "handoffData must be a text" : NULL;
}

int32_t wire_parse(const char *text, size_t bytes, struct wire_message *ret, const char **ret_why)
{
    static const struct {
        const char *type;
        enum wire_kind kind;
        const char *(*parse)(struct voicegw_json doc, struct wire_message *m);
    } kinds[] = {{"text", WIRE_TEXT, parse_text},
                 {"play", WIRE_PLAY, parse_play},
                 {"sendDigits", WIRE_DIGITS, parse_digits},
                 {"language", WIRE_LANGUAGE, parse_language},
                 {"end", WIRE_END, parse_end}};
    struct wire_message m = {0};
    const char *why = "type must be one of text, play, sendDigits, language, end";
    if (!voicegw_json_valid(text, bytes)) {
        *ret_why = "a message must be one JSON object in UTF-8";
        return VOICEGW_EINVALID;
    }
    struct voicegw_json doc = voicegw_json_ofn(text, bytes), type = voicegw_json_member(doc, "type");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (voicegw_json_equals(type, kinds[i].type)) {
            m.kind = kinds[i].kind;
            why = kinds[i].parse(doc, &m);
            break;
        }
    m.interruptible = truth(voicegw_json_member(doc, "interruptible"), WIRE_UNSAID);
    if (why) {
        *ret_why = why;
        return VOICEGW_EINVALID;
    }
    *ret = m;
    return VOICEGW_OK;
}

/* session.c - one conversation with its application. What the application says belongs to the caller's newest turn;
 * what it says of its own accord opens that turn again. */
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire.h"

struct waiting { /* a message for the application */
    struct waiting *next;
    size_t bytes;
    char text[];
};

struct session {
    struct relay *r;
    uint64_t handle;
    struct application app;
    char *json; /* of the session, as the host gave it */
    char session_sid[35], call_sid[256];
    struct waiting *first, **end;
    uint32_t waiting;
    uint64_t turn;          /* of the caller, the newest */
    uint32_t asked;         /* that turn is not answered to its end yet */
    uint32_t talking;       /* tokens have come and their last has not */
    uint32_t cut;           /* the caller cut in: what is left of these tokens is not wanted */
    uint32_t protected_now; /* what is said now may not be cut */
    uint32_t ended;         /* the application has ended the session */
    char *end_params;
    char language[SESSION_LANGUAGE_CAP], token_language[SESSION_LANGUAGE_CAP];
    char heard_language[SESSION_LANGUAGE_CAP];
};

static void session_free(struct session *s)
{
    struct relay *r = s->r;
    while (s->first) {
        struct waiting *w = s->first;
        s->first = w->next;
        free(w);
    }
    free(s->end_params);
    free(s->json);
    free(s);
    atomic_fetch_sub(&r->sessions, 1);
    relay_tell_drained(r);
}

/* ---- to the application ---- */

static void flush(struct session *s)
{
    while (s->first && application_is_open(&s->app)) {
        struct waiting *w = s->first;
        if (application_send(&s->app, w->text, w->bytes) == VOICEGW_EBUSY)
            return;
        s->first = w->next;
        if (!s->first)
            s->end = &s->first;
        s->waiting--;
        free(w);
    }
}

static void tell(struct session *s, const char *text, size_t bytes)
{
    struct waiting *w = NULL;
    if (!bytes || s->ended)
        return;
    if (!s->first && application_is_open(&s->app) && application_send(&s->app, text, bytes) != VOICEGW_EBUSY)
        return;
    if (s->waiting < SESSION_WAITING_MAX && (w = malloc(sizeof *w + bytes))) {
        w->next = NULL;
        w->bytes = bytes;
        memcpy(w->text, text, bytes);
        *s->end = w;
        s->end = &w->next;
        s->waiting++;
    } else {
        s->r->host->count(s->r->host, "application_dropped_messages", 1);
    }
}

static void tell_prompt(struct session *s, const char *text, uint32_t last)
{
    size_t cap = strlen(text) * 6 + 256; /* each of its bytes may need an escape */
    char *out = malloc(cap);
    if (out)
        tell(s, out, wire_prompt(text, s->heard_language, last, out, cap));
    free(out);
}

static void tell_digit(struct session *s, const char *digit)
{
    char text[64];
    s->cut = 0;
    if (s->r->digits)
        tell(s, text, wire_dtmf(digit, text, sizeof text));
}

static void on_open(void *arg)
{
    struct session *s = arg;
    size_t cap = APPLICATION_PARAMETERS_MAX + 2048;
    char *text = malloc(cap);
    struct wire_setup setup = {.session_sid = s->session_sid,
                               .account_sid = s->r->settings.account_sid,
                               .call_sid = s->call_sid,
                               .parameters = s->r->settings.parameters,
                               .session = voicegw_json_of(s->json)};
    size_t n = text ? wire_setup(&setup, text, cap) : 0;
    if (!n) {
        application_fail(&s->app, 1011, "the custom parameters are too long");
    } else {
        (void)application_send(&s->app, text, n);
        flush(s);
    }
    free(text);
}

static void on_room(void *arg)
{
    flush(arg);
}

/* ---- to the caller ---- */

static void act(const struct session *s, const char *action, const char *params)
{
    (void)s->r->out->on_action(s->r->host, s->handle, s->turn, action, params);
}

/* Once for each turn, and once more for each time that it was opened again. */
static void finish_turn(struct session *s)
{
    if (!s->asked && !s->talking)
        return;
    s->asked = s->talking = 0;
    (void)s->r->out->on_turn_done(s->r->host, s->handle, s->turn, VOICEGW_OK, NULL, NULL);
}

static void set_language(struct session *s, const char *tts, const char *stt)
{
    char json[256];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    if (tts)
        voicegw_json_put_string(&w, "tts", tts);
    if (stt)
        voicegw_json_put_string(&w, "stt", stt);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        act(s, "language", json);
}

static void set_barge_in(const struct session *s, uint32_t protect)
{
    char json[64];
    (void)snprintf(json, sizeof json, "{\"barge_in\":%s,\"barge_in_keys\":%s}",
                   s->r->by_speech && !protect ? "true" : "false", s->r->by_keys && !protect ? "true" : "false");
    act(s, "talk", json);
}

/* A token's own language and protection hold for that token. */
static void prepare(struct session *s, const struct wire_message *m)
{
    char lang[SESSION_LANGUAGE_CAP];
    uint32_t protect = m->interruptible == 0;
    if (voicegw_json_string(m->lang, lang, sizeof lang) <= 0)
        memcpy(lang, s->language, sizeof lang);
    if (strcmp(lang, s->token_language) != 0) {
        memcpy(s->token_language, lang, sizeof lang);
        set_language(s, lang, NULL);
    }
    if (protect != s->protected_now) {
        s->protected_now = protect;
        set_barge_in(s, protect);
    }
}

static void on_token(struct session *s, const struct wire_message *m)
{
    size_t cap = (size_t)m->text.bytes + 1;
    char *text = s->cut ? NULL : malloc(cap);
    if (text && voicegw_json_string(m->text, text, cap) > 0) {
        prepare(s, m);
        (void)s->r->out->on_delta(s->r->host, s->handle, s->turn, text);
    }
    free(text);
    s->talking = !s->cut;
    if (m->last && s->cut)
        s->cut = 0;
    else if (m->last)
        finish_turn(s);
}

/* What is said before it is complete: the sound comes behind it. */
static void on_play(struct session *s, const struct wire_message *m)
{
    size_t cap = (size_t)m->text.bytes + 128;
    char *json = malloc(cap);
    if (!json)
        return;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_json(&w, "url", m->text);
    voicegw_json_put_bool(&w, "loop", m->times == 0);
    voicegw_json_put_bool(&w, "interruptible", m->interruptible != 0);
    voicegw_json_put_end(&w);
    finish_turn(s);
    for (uint32_t i = 0; voicegw_json_finish(&w) > 0 && i < (m->times ? m->times : 1); i++)
        act(s, "play", json);
    free(json);
}

static void on_digits(struct session *s, const struct wire_message *m)
{
    char json[256];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_json(&w, "digits", m->text);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        act(s, "dtmf", json);
}

static void on_language(struct session *s, const struct wire_message *m)
{
    char tts[SESSION_LANGUAGE_CAP], stt[SESSION_LANGUAGE_CAP];
    int64_t t = voicegw_json_string(m->tts, tts, sizeof tts), h = voicegw_json_string(m->stt, stt, sizeof stt);
    if (t > 0) {
        memcpy(s->language, tts, sizeof tts);
        memcpy(s->token_language, tts, sizeof tts);
    }
    if (h > 0)
        memcpy(s->heard_language, stt, sizeof stt);
    set_language(s, t > 0 ? tts : NULL, h > 0 ? stt : NULL);
}

static void on_end(struct session *s, const struct wire_message *m)
{
    size_t cap = (size_t)m->handoff.bytes + 128;
    s->end_params = malloc(cap);
    if (s->end_params) {
        struct voicegw_json_writer w = voicegw_json_writer_of(s->end_params, cap);
        voicegw_json_put_object(&w, NULL);
        if (m->handoff.text)
            voicegw_json_put_json(&w, "handoff", m->handoff);
        voicegw_json_put_string(&w, "cause", "the application ended the session");
        voicegw_json_put_end(&w);
        (void)voicegw_json_finish(&w);
    }
    finish_turn(s);
    s->ended = 1;
    act(s, "end", s->end_params);
}

static void on_text(void *arg, const char *text, size_t bytes)
{
    static void (*const carry_out[])(struct session * s, const struct wire_message *m) = {[WIRE_TEXT] = on_token,
                                                                                          [WIRE_PLAY] = on_play,
                                                                                          [WIRE_DIGITS] = on_digits,
                                                                                          [WIRE_LANGUAGE] = on_language,
                                                                                          [WIRE_END] = on_end};
    struct session *s = arg;
    struct wire_message m;
    const char *why = "";
    char error[512];
    if (s->ended)
        return;
    if (wire_parse(text, bytes, &m, &why) == VOICEGW_OK) {
        application_good(&s->app);
        carry_out[m.kind](s, &m);
    } else if (!application_bad(&s->app, why)) {
        tell(s, error, wire_error(why, error, sizeof error));
    }
}

/* ---- the end ---- */

static void on_over(void *arg, uint32_t done, const char *sentence)
{
    struct session *s = arg;
    if (s->ended)
        return;
    s->ended = 1;
    finish_turn(s);
    application_end_call(s->r->host, s->r->out, s->handle, &s->r->settings, done, sentence);
}

static void on_gone(void *arg)
{
    session_free(arg);
}

static const struct application_events events = {
    .on_open = on_open, .on_text = on_text, .on_room = on_room, .on_over = on_over, .on_gone = on_gone};

/* ---- the host's ---- */

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            void **ret_session)
{
    struct relay *r = instance;
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return r->host->set_error(r->host, VOICEGW_ELIMIT, "out of memory");
    s->r = r;
    s->handle = handle;
    s->end = &s->first;
    s->json = strdup(params->session_json ? params->session_json : "{}");
    atomic_fetch_add(&r->sessions, 1);
    int32_t rc = s->json
                     ? application_open(&s->app, r->host, r->ws, &r->settings, handle, SESSION_MESSAGE_MAX, &events, s)
                     : r->host->set_error(r->host, VOICEGW_ELIMIT, "out of memory");
    if (rc < 0) {
        session_free(s);
        return rc;
    }
    struct voicegw_json session = voicegw_json_of(s->json);
    if (r->language[0])
        memcpy(s->language, r->language, sizeof s->language);
    else if (voicegw_json_get_string(session, "language", s->language, sizeof s->language) < 0)
        s->language[0] = '\0';
    memcpy(s->token_language, s->language, sizeof s->language);
    memcpy(s->heard_language, s->language, sizeof s->language);
    application_random_sid(r->host, r->crypto, "VX", s->session_sid);
    application_call_sid(session, s->call_sid, sizeof s->call_sid);
    *ret_session = s;
    return VOICEGW_OK;
}

static void begin(struct session *s)
{
    const struct relay *r = s->r;
    if (r->language[0])
        set_language(s, r->language, r->language);
    if (!r->by_speech || !r->by_keys)
        set_barge_in(s, 0);
    if (r->hints)
        act(s, "hints", r->hints);
    if (r->greeting[0])
        (void)r->out->on_delta(r->host, s->handle, s->turn, r->greeting);
    finish_turn(s);
}

static int32_t session_turn(void *session, const struct voicegw_turn *turn)
{
    struct session *s = session;
    const char *text = turn->text ? turn->text : "";
    s->turn = turn->turn;
    s->asked = 1;
    s->cut = s->talking = 0;
    if (turn->flags & VOICEGW_TURN_START) {
        begin(s);
    } else if (s->ended || !text[0] || (turn->flags & (VOICEGW_TURN_NO_INPUT | VOICEGW_TURN_NO_MATCH))) {
        finish_turn(s); /* such an application hears of words only */
    } else if (turn->flags & VOICEGW_TURN_DTMF) {
        for (const char *p = text; *p; p++)
            tell_digit(s, (const char[]){*p, '\0'});
        finish_turn(s);
    } else {
        if (turn->language && *turn->language)
            (void)snprintf(s->heard_language, sizeof s->heard_language, "%s", turn->language);
        tell_prompt(s, text, 1);
    }
    return VOICEGW_OK;
}

static int32_t session_partial(void *session, const char *text)
{
    struct session *s = session;
    if (s->r->partials && text && *text)
        tell_prompt(s, text, 0);
    return VOICEGW_OK;
}

static int32_t session_dtmf(void *session, const char *digit)
{
    tell_digit(session, digit);
    return 1;
}

static int32_t session_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    struct session *s = session;
    const char *heard = heard_text ? heard_text : "";
    size_t cap = strlen(heard) * 6 + 256;
    char *text = heard_ms ? malloc(cap) : NULL; /* of several utterances, the one that was heard */
    if (text)
        tell(s, text, wire_interrupt(heard, heard_ms, text, cap));
    free(text);
    if (turn == s->turn && s->talking)
        s->cut = 1;
    if (turn == s->turn)
        finish_turn(s);
    if (s->ended && s->end_params) /* the wish to end is void when the caller cuts in; the application's was not */
        act(s, "end", s->end_params);
    return VOICEGW_OK;
}

static int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    struct session *s = session;
    return s->r->host->set_error(s->r->host, VOICEGW_ENOTFOUND, "conversationrelay asks for no tools");
}

static void on_closed(void *arg)
{
    struct session *s = arg;
    (void)s->r->out->on_closed(s->r->host, s->handle);
    if (application_close(&s->app, "the call is over"))
        session_free(s);
}

static void session_close(void *session)
{
    struct session *s = session;
    const struct voicegw_host *host = s->r->host;
    if (host->post(host, s->handle, on_closed, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_closed, s))
        on_closed(s);
}

const struct voicegw_assistant session_operations = {.size = sizeof session_operations,
                                                     .open = session_open,
                                                     .turn = session_turn,
                                                     .partial = session_partial,
                                                     .dtmf = session_dtmf,
                                                     .interrupt = session_interrupt,
                                                     .tool_result = session_tool_result,
                                                     .close = session_close};

/* ivr.c - calls that Twilio leads by our documents: verbs queue up, go out as one document, and are done when Twilio
 * asks for the next. All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "verb.h"

/* ---- the queue ---- */

static struct twilio_verb *verb_new(uint64_t op, enum verb_kind kind)
{
    struct twilio_verb *v = calloc(1, sizeof *v);
    if (v) {
        v->op = op;
        v->kind = kind;
    }
    return v;
}

static void verb_free(struct twilio_verb *v)
{
    free(v->text);
    free(v->params);
    free(v);
}

static void pop(struct twilio_call *c)
{
    struct twilio_verb *v = c->verbs;
    c->verbs = v->next;
    if (!c->verbs)
        c->verbs_end = &c->verbs;
    verb_free(v);
}

void twilio_ivr_end(struct twilio_call *c)
{
    while (c->verbs) {
        twilio_complete(c->m, c->verbs->op, VOICEGW_ENOTFOUND, "the call has ended", NULL);
        pop(c);
    }
}

/* ---- documents out ---- */

static void on_flush(struct twilio_task *t);

static void watch(struct twilio_call *c, int64_t delay_us)
{
    twilio_task_cancel(c->watch);
    c->watch = twilio_task_start(c->m, delay_us, on_flush);
    if (c->watch)
        c->watch->call = c->handle;
}

static void put_redirect(struct twiml *t, const char *url)
{
    twiml_open(t, "Redirect");
    twiml_attr(t, "method", "POST");
    twiml_text(t, url);
    twiml_close(t);
}

static void enter_conference(struct twilio_call *c, const struct twilio_verb *v)
{
    char name[TWILIO_NAME_CAP];
    if (voicegw_json_get_string(voicegw_json_of(v->params), "name", name, sizeof name) > 0 &&
        strcmp(c->conference, name) != 0) /* the document may have been asked for again */
        twilio_conference_enter(c, name);
}

/* Verbs up to the first that has a result, or leads the call away. */
static void write_document(struct twilio_call *c, struct twiml *t)
{
    char url[TWILIO_URL_CAP], more[32];
    enum verb_kind last = VERB_SAY;
    (void)snprintf(more, sizeof more, "&doc=%u", ++c->document);
    twilio_call_url(c, "next", more, url, sizeof url);
    twiml_begin(t);
    for (struct twilio_verb *v = c->verbs; v; v = v->next) {
        struct twiml before = {.bytes = t->bytes, .depth = t->depth};
        verb_put(t, v, url, c->settings->voice, c->settings->language);
        if (t->failed && v != c->verbs) { /* the rest goes into the next one */
            t->bytes = before.bytes;
            t->depth = before.depth;
            t->open = t->failed = 0;
            break;
        }
        v->document = c->document;
        last = v->kind;
        if (v->kind == VERB_CONFERENCE)
            enter_conference(c, v);
        if (verb_has_result(v->kind))
            break;
    }
    if (last != VERB_REDIRECT)
        put_redirect(t, url);
    (void)twiml_end(t);
}

static void on_flush(struct twilio_task *task)
{
    struct twilio *m = task->m;
    struct twilio_call *c = twilio_call_of(m, task->call);
    struct twiml t;
    if (!c || c->over)
        return;
    c->watch = NULL;
    uint64_t request = c->request;
    if (!request)
        return;
    c->request = 0;
    write_document(c, &t);
    twilio_reply_twiml(m, request, &t);
    if (c->verbs && c->verbs->kind == VERB_REDIRECT && c->verbs->document) {
        /* The vendor leads the call from there on. */
        twilio_complete(m, c->verbs->op, VOICEGW_OK, NULL, "{}");
        pop(c);
    }
}

/* ---- results back ---- */

static void tell_digits(struct twilio_call *c, const struct form *f)
{
    char digits[64];
    (void)form_text(f, "Digits", digits, sizeof digits);
    for (const char *p = digits; *p; p++) {
        const char digit[2] = {*p, '\0'};
        if (strchr("0123456789*#ABCD", *p))
            (void)c->m->provider->on_dtmf(c->m->host, c->handle, digit, 0, "gather");
    }
}

static void control(struct twilio_call *c, const struct twilio_verb *v)
{
    if (twilio_record_now(c, v->op, v->loop) != VOICEGW_OK)
        twilio_complete(c->m, v->op, VOICEGW_EPROVIDER, "Twilio's interface cannot be asked now", NULL);
}

static void finish_document(struct twilio_call *c, const struct form *f)
{
    char json[4096];
    while (c->verbs && c->verbs->document) {
        struct twilio_verb *v = c->verbs;
        if (v->kind == VERB_GATHER && !v->sensitive)
            tell_digits(c, f);
        if (v->kind == VERB_CONFERENCE)
            twilio_conference_left(c);
        if (v->kind == VERB_CONTROL)
            control(c, v);
        else if (verb_result(v->kind, f, json, sizeof json) < 0)
            twilio_complete(c->m, v->op, VOICEGW_ELIMIT, "the verb's result is longer than 4 KiB", NULL);
        else
            twilio_complete(c->m, v->op, VOICEGW_OK, NULL, json);
        pop(c);
    }
}

void twilio_ivr_interrupted(struct twilio_call *c)
{
    for (struct twilio_verb *v = c->verbs; v && v->document; v = v->next)
        if (v->kind <= VERB_GATHER || v->kind == VERB_ENQUEUE)
            v->document = 0;
}

void twilio_ivr_next(struct twilio_call *c, uint64_t request, const struct form *f, uint32_t document)
{
    twilio_resumed(c);
    if (f && document == c->document)
        finish_document(c, f);
    if (c->request) { /* its sender has given up on it */
        struct twiml t;
        twiml_begin(&t);
        (void)twiml_end(&t);
        twilio_reply_twiml(c->m, c->request, &t);
    }
    c->request = request;
    watch(c, c->verbs ? 0 : TWILIO_DOCUMENT_WAIT_US);
}

/* ---- verbs in ---- */

static int32_t add(struct twilio_call *c, struct twilio_verb *v)
{
    struct twilio *m = c->m;
    struct twiml t;
    uint32_t count = 0;
    if (c->led_away) {
        verb_free(v);
        return m->host->set_error(m->host, VOICEGW_EBUSY, "another document leads this call, by its Url or Twiml");
    }
    for (const struct twilio_verb *at = c->verbs; at; at = at->next)
        count++;
    twiml_begin(&t);
    verb_put(&t, v, c->base, c->settings->voice, c->settings->language);
    if (twiml_end(&t) < 0 || t.bytes > TWIML_MAX - 2 * TWILIO_URL_CAP || count >= VERBS_MAX) {
        verb_free(v);
        return count >= VERBS_MAX ? m->host->set_error(m->host, VOICEGW_ELIMIT, "at most 64 verbs may wait on a call")
                                  : m->host->set_error(m->host, VOICEGW_EINVALID,
                                                       "the verb's texts are too long for a TwiML document");
    }
    *c->verbs_end = v;
    c->verbs_end = &v->next;
    if (c->request)
        watch(c, 0);
    return VOICEGW_OK;
}

int32_t twilio_ivr_simple(struct twilio_call *c, uint64_t op, const char *verb, const char *text, const char *voice,
                          const char *language, uint32_t loop)
{
    struct twilio *m = c->m;
    struct twilio_verb *v = verb_new(op, strcmp(verb, "say") == 0    ? VERB_SAY
                                         : strcmp(verb, "play") == 0 ? VERB_PLAY
                                                                     : VERB_DTMF);
    if (!v || !(v->text = strdup(text ? text : ""))) {
        free(v);
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    }
    (void)snprintf(v->voice, sizeof v->voice, "%s", voice ? voice : "");
    (void)snprintf(v->language, sizeof v->language, "%s", language ? language : "");
    v->loop = loop;
    return add(c, v);
}

int32_t twilio_ivr_record(struct twilio_call *c, uint64_t op, uint32_t action)
{
    struct twilio_verb *v = verb_new(op, VERB_CONTROL);
    if (!v)
        return c->m->host->set_error(c->m->host, VOICEGW_ELIMIT, "out of memory");
    v->loop = action;
    return add(c, v);
}

static int32_t ivr_perform(void *instance, uint64_t op, uint64_t call, const char *verb, const char *params_json)
{
    struct twilio *m = instance;
    int32_t rc = VOICEGW_OK;
    enum verb_kind kind;
    struct twilio_call *c = twilio_talking(m, call, &rc);
    if (!c)
        return rc;
    if (!c->media_twiml)
        return m->host->set_error(m->host, VOICEGW_EUNSUPPORTED,
                                  "this call's audio is streamed; its route needs media: twiml");
    if (!verb_kind_of(verb, &kind))
        return m->host->set_error(m->host, VOICEGW_EUNSUPPORTED,
                                  "Twilio's verbs are gather, dial, record, enqueue, conference, redirect and pause");
    const char *why = verb_check(kind, voicegw_json_of(params_json));
    if (why)
        return m->host->set_error(m->host, VOICEGW_EINVALID, why);
    struct twilio_verb *v = verb_new(op, kind);
    if (!v || !(v->params = strdup(params_json ? params_json : "{}"))) {
        free(v);
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    }
    if (kind == VERB_CONFERENCE) {
        char url[TWILIO_URL_CAP];
        twilio_call_url(c, "conference", NULL, url, sizeof url);
        v->text = strdup(url);
    }
    v->sensitive = voicegw_json_get_bool(voicegw_json_of(v->params), "sensitive", 0);
    return add(c, v);
}

const struct voicegw_provider_ivr twilio_ivr = {.size = sizeof twilio_ivr, .perform = ivr_perform};

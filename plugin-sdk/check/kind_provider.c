/* kind_provider.c - uses a provider as the gateway would: every operation, then a leg. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "check.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_ivr.h"
#include "voicegw/draft/provider_media.h"

static struct voicegw_call_params params_of(enum scenario scenario)
{
    struct voicegw_call_params p = {.size = sizeof p, .ring_timeout_ms = 30000, .max_duration_ms = 3600000};
    p.to = scenario == OVERSIZE ? oversize_text() : "+15550002";
    p.from = scenario == OVERSIZE ? "" : "+15550001";
    p.session_id = "check-session";
    p.call_id = "check-call";
    p.variables_json = scenario == OVERSIZE ? "{\"broken\":[" : "{}";
    p.route_json = scenario == OVERSIZE ? "" : "{}";
    return p;
}

/* One operation of the table: 0 owes a completion, -1: the plugin has no such function. */
static int32_t operate(struct subject *s, const struct voicegw_provider *p, unsigned which, uint64_t op, uint64_t call,
                       enum scenario scenario)
{
    const char *text = scenario == OVERSIZE ? oversize_text() : "1";
    struct voicegw_call_params params = params_of(scenario);
    switch (which) {
    case 0:
        return p->make_call(s->instance, op, call, &params);
    case 1:
        return p->answer(s->instance, op, call);
    case 2:
        return p->hold(s->instance, op, call, 1, text);
    case 3:
        return p->hold(s->instance, op, call, 0, NULL);
    case 4:
        return p->transfer(s->instance, op, call, VOICEGW_TRANSFER_BLIND, text, scenario == OVERSIZE ? "{" : "{}");
    case 5:
        return p->play(s->instance, op, call, text, 0);
    case 6:
        return p->say(s->instance, op, call, text, "", "en-US");
    case 7:
        return p->record(s->instance, op, call, scenario == OVERSIZE ? 99 : VOICEGW_RECORD_START);
    case 8:
        return p->dtmf(s->instance, op, call, text);
    case 9:
        return p->mute(s->instance, op, call, 1);
    case 10:
        return p->status(s->instance, op, call);
    case 11:
        return p->reconcile(s->instance, op, scenario == OVERSIZE ? text : "", 0);
    case 12:
        return p->settle(s->instance, op, text, scenario == OVERSIZE ? 99 : VOICEGW_SETTLE_RECOVER, "check-session");
    case 13:
        return p->reject(s->instance, op, call, "busy");
    default:
        return p->end(s->instance, op, call);
    }
}

static const char *const op_names[] = {"make_call()", "answer()",    "hold(1)",  "hold(0)",  "transfer()",
                                       "play()",      "say()",       "record()", "dtmf()",   "mute()",
                                       "status()",    "reconcile()", "settle()", "reject()", "end()"};

static bool has(const struct voicegw_provider *p, unsigned which)
{
    bool settles = p->size >= offsetof(struct voicegw_provider, settle) + sizeof p->settle && p->settle;
    const bool there[] = {p->make_call, p->answer, p->hold,   p->hold,      p->transfer, p->play,   p->say, p->record,
                          p->dtmf,      p->mute,   p->status, p->reconcile, settles,     p->reject, p->end};
    return there[which];
}

static void check_caps(struct subject *s, const struct voicegw_provider *p)
{
    const struct {
        uint64_t cap;
        bool there;
        const char *name;
    } rows[] = {
        {VOICEGW_CAP_MAKE_CALL, p->make_call, "make_call"},
        {VOICEGW_CAP_ANSWER, p->answer, "answer"},
        {VOICEGW_CAP_END, p->end, "end"},
        {VOICEGW_CAP_HOLD, p->hold, "hold"},
        {VOICEGW_CAP_TRANSFER, p->transfer, "transfer"},
        {VOICEGW_CAP_PLAY, p->play || (s->f->caps & VOICEGW_CAP_MEDIA), "play"},
        {VOICEGW_CAP_SAY, p->say || (s->f->caps & VOICEGW_CAP_MEDIA), "say"},
        {VOICEGW_CAP_RECORD, p->record || (s->f->caps & VOICEGW_CAP_MEDIA), "record"},
        {VOICEGW_CAP_DTMF, p->dtmf || (s->f->caps & VOICEGW_CAP_MEDIA), "dtmf"},
        {VOICEGW_CAP_MUTE, p->mute || (s->f->caps & VOICEGW_CAP_MEDIA), "mute"},
        {VOICEGW_CAP_STATUS, p->status, "status"},
        {VOICEGW_CAP_IVR, s->f->get_extension(s->instance, VOICEGW_KIND_PROVIDER_IVR) != NULL, "provider.ivr/1"},
        {VOICEGW_CAP_MEDIA, s->f->get_extension(s->instance, VOICEGW_KIND_PROVIDER_MEDIA) != NULL, "provider.media/1"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((s->f->caps & rows[i].cap) && !rows[i].there)
            fake_violation(FAKE_VALUE, "its caps promise %s, which it does not have", rows[i].name);
    }
}

static void use_leg(struct subject *s, uint64_t call)
{
    const struct voicegw_provider_media *m = s->f->get_extension(s->instance, VOICEGW_KIND_PROVIDER_MEDIA);
    const struct voicegw_audio_format formats[] = {{sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
                                                   {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20}};
    static const uint8_t silence[160];
    void *stream = NULL;
    if (!m)
        return;
    uint64_t leg = fake_id("the leg");
    fake_tag_set(VOICEGW_THREAD_MEDIA);
    fake_sentence_clear();
    int32_t rc = m->attach(s->instance, leg, call, formats, 2, &stream);
    fake_status("attach()", rc);
    if (rc == 0) {
        for (unsigned i = 0; i < 50; i++) {
            struct voicegw_frame f = {sizeof f, VOICEGW_AUDIO_PCMU, 8000, 0, (uint64_t)i * 160, i, 1, silence, 160,
                                      160};
            if (m->send(stream, &f) > 0)
                fake_violation(FAKE_STATUS, "send() returned a positive number");
        }
        struct voicegw_frame nothing = {
            .size = sizeof nothing, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .data = silence};
        (void)m->send(stream, &nothing);
        if (m->mark) {
            uint64_t mark = fake_id("mark()");
            fake_call_begin(mark);
            fake_call_end(mark, m->mark(stream, mark));
        }
        if (m->clear)
            (void)m->clear(stream, 2);
        fake_tag_set(VOICEGW_THREAD_CONTROL);
        fake_run(1000000);
        fake_tag_set(VOICEGW_THREAD_MEDIA);
        fake_call_begin(leg);
        m->detach(stream);
        fake_call_end(leg, 0);
    }
    fake_tag_set(VOICEGW_THREAD_CONTROL);
}

/* Calls that it leads by documents: each verb, one that there is not, on a call and on one that never was. */
static void use_documents(struct subject *s, uint64_t call, enum scenario scenario)
{
    static const char *const verbs[][2] = {{"gather", "{\"prompt\":\"Which?\",\"input\":[\"speech\",\"dtmf\"],"
                                                      "\"finish_on\":\"#\",\"timeout_ms\":5000}"},
                                           {"dial", "{\"to\":\"+15550003\",\"timeout_ms\":30000}"},
                                           {"record", "{\"max_duration_ms\":60000,\"beep\":true}"},
                                           {"enqueue", "{\"queue\":\"desk\"}"},
                                           {"conference", "{\"name\":\"room\"}"},
                                           {"redirect", "{\"url\":\"https://vendor.example/x\"}"},
                                           {"pause", "{\"duration_ms\":1000}"},
                                           {"somersault", "{}"}};
    const struct voicegw_provider_ivr *x = s->f->get_extension(s->instance, VOICEGW_KIND_PROVIDER_IVR);
    if (!x)
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        for (unsigned known = 0; known < 2; known++) {
            uint64_t op = fake_id("perform()");
            fake_call_begin(op);
            int32_t rc = x->perform(s->instance, op, known ? call : UINT64_C(0x7fffffff12345678), verbs[i][0],
                                    scenario == OVERSIZE ? oversize_text() : verbs[i][1]);
            if (rc == 0 && strcmp(verbs[i][0], "somersault") == 0)
                fake_violation(FAKE_VALUE, "perform() took a verb that there is not");
            fake_call_end(op, rc);
            fake_run(100000);
        }
    }
}

void scenario_provider(struct subject *s, enum scenario scenario)
{
    const struct voicegw_provider *p = subject_table(s, VOICEGW_KIND_PROVIDER);
    struct voicegw_call_params params = params_of(scenario);
    uint64_t call = fake_id("the call");
    check_caps(s, p);
    if (p->validate) {
        fake_sentence_clear();
        fake_status("validate()", p->validate(s->instance, &params));
    }
    for (unsigned which = 0; which < sizeof op_names / sizeof op_names[0]; which++) {
        if (!has(p, which))
            continue;
        /* The last but two on the call, the rest also on one that never was. */
        uint64_t op = fake_id(op_names[which]);
        fake_call_begin(op);
        int32_t rc = operate(s, p, which, op, call, scenario);
        fake_call_end(op, rc);
        if (scenario == CANCEL && p->cancel && rc == 0)
            p->cancel(s->instance, op);
        fake_run(which == 0 ? 20 * INT64_C(1000000) : 100000);
        if (which == 0 && rc == 0 && scenario == PLAIN)
            use_leg(s, call);
        if (which == 1)
            use_documents(s, call, scenario);
        if (which == 0)
            continue;
        uint64_t unknown = fake_id(op_names[which]);
        fake_call_begin(unknown);
        fake_call_end(unknown, operate(s, p, which, unknown, UINT64_C(0x7fffffff12345678), scenario));
    }
    if (p->poll)
        p->poll(s->instance);
    fake_settle();
    if (p->forget)
        p->forget(s->instance, call);
    fake_settle();
}

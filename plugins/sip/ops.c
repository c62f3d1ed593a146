/* ops.c - the operations of a provider: each is looked at here and done on the SIP thread, which completes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sip.h"
#include "brief.h"
#include "voicegw/json.h"
#include "voicegw/json_writer.h"

void sip_complete(struct sip *sip, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    if (op && sip->provider->on_complete(sip->host, op, status, sentence, json) == VOICEGW_ELIMIT)
        sip->host->count(sip->host, "completions_lost", 1);
}

static int32_t start(struct sip *sip, uint64_t op, uint64_t call, uint32_t arg, const char *text,
                     void (*run)(struct sip_task *))
{
    struct sip_call *c = sip_call_of(sip, call);
    if (!c)
        return sip->host->set_error(sip->host, VOICEGW_ENOTFOUND, "no such call");
    int32_t rc = sip_to_loop(sip, c, op, arg, text, run);
    sip_call_drop(c);
    return rc == VOICEGW_OK ? rc : sip->host->set_error(sip->host, rc, "the signalling is overloaded");
}

static int32_t sip_validate(void *instance, const struct voicegw_call_params *p)
{
    struct sip *sip = instance;
    if (!p->to || !*p->to || strlen(p->to) >= SIP_NUMBER_CAP)
        return sip->host->set_error(sip->host, VOICEGW_EINVALID,
                                    "to must have 1 to 129 bytes: a number, a user or a sip: URI");
    for (const char *c = p->to; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '<' || *c == '>' || *c == '"')
            return sip->host->set_error(sip->host, VOICEGW_EINVALID,
                                        "to must be free of spaces, quotes and angle brackets");
    if (p->from && strlen(p->from) >= SIP_NUMBER_CAP)
        return sip->host->set_error(sip->host, VOICEGW_EINVALID, "from must have at most 129 bytes");
    for (const char *c = p->from ? p->from : ""; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '<' || *c == '>' || *c == '"')
            return sip->host->set_error(sip->host, VOICEGW_EINVALID,
                                        "from must be free of quotes, angle brackets and control characters");
    return VOICEGW_OK;
}

static char *dial_text(const struct voicegw_call_params *p)
{
    size_t cap = strlen(p->variables_json ? p->variables_json : "") + strlen(p->route_json ? p->route_json : "") + 128;
    char *text = malloc(cap);
    if (!text)
        return NULL;
    struct voicegw_json_writer w = voicegw_json_writer_of(text, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_int(&w, "ring_ms", p->ring_timeout_ms);
    voicegw_json_put_json(&w, "variables", voicegw_json_of(p->variables_json ? p->variables_json : "{}"));
    voicegw_json_put_json(&w, "route", voicegw_json_of(p->route_json ? p->route_json : "{}"));
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) >= 0)
        return text;
    free(text);
    return NULL;
}

static int32_t sip_make_call(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *p)
{
    struct sip *sip = instance;
    int32_t rc = sip_validate(sip, p);
    if (rc != VOICEGW_OK)
        return rc;
    if (atomic_load(&sip->draining))
        return sip->host->set_error(sip->host, VOICEGW_EBUSY, "the instance is about to end");
    struct sip_call *c = sip_call_new(sip, sip->settings);
    char *text = c ? dial_text(p) : NULL;
    if (!text) {
        if (c)
            sip_call_drop(c);
        return sip->host->set_error(sip->host, VOICEGW_ELIMIT, "out of memory");
    }
    c->outbound = 1;
    (void)snprintf(c->from, sizeof c->from, "%s", p->from ? p->from : "");
    (void)snprintf(c->to, sizeof c->to, "%s", p->to);
    (void)snprintf(c->call_id, sizeof c->call_id, "%s", p->call_id ? p->call_id : "");
    rc = sip_call_lease(c);
    if (rc == VOICEGW_OK) {
        sip_call_enter(c, call);
        rc = sip_to_loop(sip, c, op, 0, text, line_dial);
        if (rc != VOICEGW_OK) {
            sip_call_leave(sip, call);
            (void)sip->host->set_error(sip->host, rc, "the signalling is overloaded");
        }
    }
    free(text);
    sip_call_drop(c);
    return rc;
}

static int32_t sip_answer(void *instance, uint64_t op, uint64_t call)
{
    return start(instance, op, call, 0, NULL, line_answer);
}

static int32_t sip_reject(void *instance, uint64_t op, uint64_t call, const char *reason)
{
    return start(instance, op, call, 0, reason, line_reject);
}

static int32_t sip_end(void *instance, uint64_t op, uint64_t call)
{
    return start(instance, op, call, 0, NULL, line_end);
}

static int32_t sip_hold(void *instance, uint64_t op, uint64_t call, uint32_t on, const char *music_url)
{
    (void)music_url;
    return start(instance, op, call, on, NULL, line_hold);
}

static int32_t sip_transfer(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                            const char *params_json)
{
    struct sip *sip = instance;
    struct voicegw_json summary = voicegw_json_member(voicegw_json_of(params_json), "summary");
    char text[6 * SIP_NUMBER_CAP + 6 * SIP_BRIEF_CAP + 64];
    struct voicegw_json_writer w = voicegw_json_writer_of(text, sizeof text);
    if (!to || !*to || strlen(to) >= SIP_NUMBER_CAP)
        return sip->host->set_error(sip->host, VOICEGW_EINVALID, "to must have 1 to 129 bytes");
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "to", to);
    if (voicegw_json_type(summary) == VOICEGW_JSON_STRING && summary.bytes < 6 * SIP_BRIEF_CAP)
        voicegw_json_put_json(&w, "summary", summary);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        return sip->host->set_error(sip->host, VOICEGW_EINVALID, "to and summary are too long");
    return start(sip, op, call, kind, text, line_transfer);
}

static int32_t sip_status(void *instance, uint64_t op, uint64_t call)
{
    return start(instance, op, call, 0, NULL, line_status);
}

static void sip_forget(void *instance, uint64_t call)
{
    struct sip *sip = instance;
    struct sip_call *c = sip_call_of(sip, call);
    if (!c)
        return;
    sip_call_leave(sip, call);
    (void)sip_to_loop(sip, c, 0, 0, NULL, line_forget);
    sip_call_drop(c);
}

const struct voicegw_provider sip_operations = {.size = sizeof sip_operations,
                                                .make_call = sip_make_call,
                                                .validate = sip_validate,
                                                .answer = sip_answer,
                                                .reject = sip_reject,
                                                .end = sip_end,
                                                .hold = sip_hold,
                                                .transfer = sip_transfer,
                                                .status = sip_status,
                                                .forget = sip_forget};

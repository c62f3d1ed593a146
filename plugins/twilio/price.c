/* price.c - what a call cost: Twilio knows it some time after the call's end, so it is asked a few times. All on
 * [control]. Source: twilio.com/docs/voice/api/call-resource ("price ... may not be immediately available"). */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define PRICES_MAX 1000u /* calls whose price is being waited for; the host remembers as many */

static const int64_t delays_us[] = {500000, 2000000, 15000000, 120000000, 600000000};
#define TRIES (sizeof delays_us / sizeof delays_us[0])
#define LEGACIES 10u /* values of the host's small state that hold what an older generation left to be asked */
#define LEGACY_CAP 4000u

static void wait_for(struct twilio *m, uint64_t call, const char *sid, uint32_t attempt);

static void on_priced(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio *m = r->m;
    char unit[8] = "", json[96];
    double price = a->status == VOICEGW_OK ? twilio_price(voicegw_json_member(a->json, "price")) : -1;
    m->prices--;
    if (price < 0) {
        wait_for(m, r->call, r->text, r->what + 1);
        return;
    }
    (void)voicegw_json_get_string(a->json, "price_unit", unit, sizeof unit);
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_double(&w, "cost", price);
    voicegw_json_put_string(&w, "currency", unit[0] ? unit : "USD");
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        return;
    const struct voicegw_call_state report = {.size = sizeof report, .state = VOICEGW_CALL_ENDED, .data_json = json};
    (void)m->provider->on_state(m->host, r->call, &report);
}

static void ask(struct twilio_task *t)
{
    struct twilio *m = t->m;
    struct twilio_rest *r = twilio_rest_new(m, m->settings, "GET", on_priced);
    m->prices--;
    if (!r)
        return;
    voicegw_text_add(&r->url_text, "Calls/");
    voicegw_text_add_escaped(&r->url_text, t->json);
    r->call = t->call;
    r->what = (uint32_t)t->status;
    (void)snprintf(r->text, sizeof r->text, "%s", t->json);
    if (twilio_rest_send(r) == VOICEGW_OK)
        m->prices++;
}

/* ---- between generations ---- */

static void legacy_name(uint32_t number, char out[16])
{
    (void)snprintf(out, 16, "prices-%u", number);
}

/* Whoever bears the instance's name next asks on. 1: it was noted. */
static int leave(struct twilio *m, const char *sid)
{
    char key[16], value[LEGACY_CAP];
    for (uint32_t i = 0; m->state && i < LEGACIES; i++) {
        legacy_name(i, key);
        const char *before = m->state->get(m->host, key);
        int n = snprintf(value, sizeof value, "%s%s ", before ? before : "", sid);
        if (n > 0 && (size_t)n < sizeof value)
            return m->state->set(m->host, key, value) == VOICEGW_OK;
    }
    return 0;
}

void twilio_prices_leave(struct twilio *m)
{
    struct twilio_task *next;
    for (struct twilio_task *t = m->tasks; t; t = next) {
        next = t->next;
        if (t->run != ask)
            continue;
        m->prices--;
        if (!leave(m, t->json))
            m->host->count(m->host, "prices_missed", 1);
        twilio_task_cancel(t);
    }
}

void twilio_prices_take(struct twilio *m)
{
    char key[16], value[LEGACY_CAP], *rest = NULL;
    for (uint32_t i = 0; m->state && i < LEGACIES && !atomic_load(&m->draining); i++) {
        legacy_name(i, key);
        const char *left = m->state->get(m->host, key);
        if (!left || !*left)
            return;
        (void)snprintf(value, sizeof value, "%s", left);
        (void)m->state->set(m->host, key, NULL);
        for (const char *sid = strtok_r(value, " ", &rest); sid; sid = strtok_r(NULL, " ", &rest)) {
            uint64_t call = m->provider->call_find(m->host, sid);
            if (call)
                wait_for(m, call, sid, 0);
            else /* of an earlier run: nobody remembers it */
                m->host->count(m->host, "prices_missed", 1);
        }
    }
}

static void wait_for(struct twilio *m, uint64_t call, const char *sid, uint32_t attempt)
{
    struct twilio_task *t = NULL;
    if (attempt < TRIES && m->prices < PRICES_MAX && !atomic_load(&m->draining))
        t = twilio_task_start(m, delays_us[attempt], ask);
    if (!t && atomic_load(&m->draining) == 1 && attempt < TRIES && leave(m, sid)) {
        return;
    } else if (!t) {
        m->host->count(m->host, "prices_missed", 1);
        return;
    }
    t->call = call;
    t->status = (int32_t)attempt;
    (void)snprintf(t->json, sizeof t->json, "%s", sid);
    m->prices++;
}

void twilio_price_watch(struct twilio_call *c)
{
    twilio_prices_take(c->m);
    if (c->sid[0] && *c->settings->vendor.account_id && *c->settings->password)
        wait_for(c->m, c->handle, c->sid, 0);
}

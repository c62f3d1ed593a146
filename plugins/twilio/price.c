/* price.c - what a call cost: Twilio knows it some time after the call's end, so it is asked a few times. All on
 * [control]. Source: twilio.com/docs/voice/api/call-resource ("price ... may not be immediately available"). */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define PRICES_MAX 1000u /* calls whose price is being waited for; the host remembers as many */

static const int64_t delays_us[] = {500000, 2000000, 15000000, 120000000, 600000000};
#define TRIES (sizeof delays_us / sizeof delays_us[0])

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

static void wait_for(struct twilio *m, uint64_t call, const char *sid, uint32_t attempt)
{
    struct twilio_task *t = NULL;
    if (attempt < TRIES && m->prices < PRICES_MAX && !atomic_load(&m->draining))
        t = twilio_task_start(m, delays_us[attempt], ask);
    if (!t) {
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
    if (c->sid[0] && *c->settings->vendor.account_id && *c->settings->password)
        wait_for(c->m, c->handle, c->sid, 0);
}

/* call_storm.c - random lives of calls: whatever comes in whatever order, each ends once, with one record, and nothing
 * is left. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "call_fake.h"
#include "loop/handle.h"

#define SEEDS 1500
#define STEPS 60
#define CALLS 6

struct storm {
    struct fake *f;
    struct vgw_rng rng;
    char ids[CALLS * 40][VGW_ID_MAX];
    size_t made;
    size_t asked, told; /* commands that were taken, and their ends */
};

static void on_told(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    ((struct storm *)arg)->told++;
}

static struct vgw_call *pick(struct storm *s)
{
    return s->made ? vgw_calls_find(s->f->calls, s->ids[vgw_rng_below(&s->rng, s->made)]) : NULL;
}

static void remember(struct storm *s, const struct vgw_call *call)
{
    for (size_t i = 0; i < s->made; i++) {
        if (vgw_streq(s->ids[i], call->call_id))
            return;
    }
    vgw_strcopy(s->ids[s->made++], VGW_ID_MAX, call->call_id);
}

static void make_one(struct storm *s)
{
    struct vgw_call *call = NULL;
    char id[16] = "CA0";
    id[2] = (char)('0' + vgw_rng_below(&s->rng, 5));
    struct vgw_outgoing out = {.to = "+1555", .workflow = vgw_rng_below(&s->rng, 2) ? "w" : NULL};
    struct vgw_incoming in = {.instance = &s->f->instance,
                              .provider_call_id = id,
                              .from = "+1",
                              .to = vgw_rng_below(&s->rng, 4) ? "+15551" : "none",
                              .answered = vgw_rng_below(&s->rng, 4) == 0};
    if (s->made + 2 >= sizeof s->ids / sizeof *s->ids)
        return;
    int status = vgw_rng_below(&s->rng, 2) ? vgw_calls_place(s->f->calls, &out, &call, NULL)
                                           : vgw_calls_incoming(s->f->calls, &in, &call, NULL);
    if (status == VGW_OK)
        remember(s, call);
}

static void report_one(struct storm *s)
{
    struct vgw_call *call = pick(s);
    struct vgw_state_report r = {.state = (enum vgw_call_state)vgw_rng_below(&s->rng, VGW_CALL_STATES),
                                 .outcome = (enum vgw_outcome)vgw_rng_below(&s->rng, VGW_OUTCOMES),
                                 .sequence = (uint32_t)vgw_rng_below(&s->rng, 6),
                                 .provider_call_id = vgw_rng_below(&s->rng, 3) ? NULL : "CAx"};
    /* Ends are rarer than in a fair draw, or nothing would live long. */
    if (vgw_call_state_terminal(r.state) && vgw_rng_below(&s->rng, 3))
        r.state = VGW_CALL_CONNECTED;
    for (uint64_t n = 1 + vgw_rng_below(&s->rng, 2); call && n > 0; n--)
        vgw_calls_report(s->f->calls, call, &r);
}

static void command_one(struct storm *s)
{
    static const char *const params =
        "{\"text\":\"hi\",\"url\":\"http://x/\",\"digits\":\"1\",\"to\":\"+1\",\"name\":\"n\",\"kind\":\"blind\"}";
    struct vgw_call *call = pick(s);
    struct vgw_json *v = fake_json(params);
    struct vgw_error err = {0};
    if (call) {
        int status = vgw_calls_command(s->f->calls, call, (enum vgw_command)vgw_rng_below(&s->rng, VGW_COMMANDS), v,
                                       vgw_rng_below(&s->rng, 2) == 0, on_told, s, &err);
        s->asked += status == VGW_OK;
        cr_assert(status == VGW_OK || *err.text);
    }
    vgw_json_free(v);
}

static void complete_one(struct storm *s)
{
    struct fake *f = s->f;
    static const int statuses[] = {VGW_OK, VGW_OK, VGW_OK, VGW_ENOTFOUND, VGW_ETIMEOUT, VGW_EPROVIDER};
    if (f->op_count == 0)
        return;
    size_t i = (size_t)vgw_rng_below(&s->rng, f->op_count);
    struct fake_op op = f->ops[i];
    struct vgw_json *v = vgw_rng_below(&s->rng, 2)
                             ? fake_json("{\"outcome\":\"busy\",\"provider_call_id\":\"CAy\",\"state\":\"ended\"}")
                             : NULL;
    f->ops[i] = f->ops[--f->op_count];
    for (uint64_t n = 1 + vgw_rng_below(&s->rng, 2); n > 0; n--)
        vgw_calls_complete(f->calls, op.id, statuses[vgw_rng_below(&s->rng, 6)], "told", v);
    vgw_json_free(v);
    vgw_json_free(op.params);
}

static void media_one(struct storm *s)
{
    struct vgw_call *call = pick(s);
    if (!call)
        return;
    switch (vgw_rng_below(&s->rng, 7)) {
    case 0:
        vgw_calls_media_lost(s->f->calls, call, "gone");
        break;
    case 1:
        vgw_session_hold(call->session);
        break;
    case 2:
        vgw_session_release(call->session);
        break;
    case 3:
        vgw_calls_session_end(s->f->calls, call->session, "asked", NULL);
        break;
    case 4:
        vgw_calls_report_dtmf(s->f->calls, call, "1", 80, "rfc4733");
        break;
    case 5:
        vgw_calls_media_summary(s->f->calls, call->handle, NULL);
        break;
    default:
        vgw_session_add_turn(call->session, "user", "hello", -1, -1, false, NULL, NULL);
        vgw_calls_activity(s->f->calls, call);
    }
}

static void step(struct storm *s)
{
    static const int64_t waits_us[] = {0, 1000, FAKE_SECOND, 11 * FAKE_SECOND, 31 * FAKE_SECOND, 700 * FAKE_SECOND};
    uint64_t what = vgw_rng_below(&s->rng, 20);
    s->f->op_status = vgw_rng_below(&s->rng, 12) ? VGW_OK : VGW_ENETWORK;
    s->f->keep_summary = vgw_rng_below(&s->rng, 3) == 0;
    s->f->workflow_ok = vgw_rng_below(&s->rng, 4) != 0;
    if (what < 3)
        make_one(s);
    else if (what < 9)
        report_one(s);
    else if (what < 13)
        command_one(s);
    else if (what < 16)
        complete_one(s);
    else if (what < 18)
        media_one(s);
    else
        fake_run(s->f, waits_us[vgw_rng_below(&s->rng, 6)]);
    cr_assert_eq(vgw_calls_orphans(s->f->calls), 0);
}

static void settle_accounts(struct storm *s, uint64_t seed)
{
    struct fake *f = s->f;
    size_t created = fake_events(f, "voice.session.created", NULL);
    size_t terminal = fake_events(f, "call_ended", NULL) + fake_events(f, "call_failed", NULL);
    cr_assert_eq(terminal, fake_events(f, "call_initiated", NULL), "seed %lu", (unsigned long)seed);
    cr_assert_eq(fake_journal(f, "ended"), terminal, "seed %lu", (unsigned long)seed);
    cr_assert_eq(fake_journal(f, "record"), created, "seed %lu", (unsigned long)seed);
    cr_assert_eq(f->record_count, created, "seed %lu", (unsigned long)seed);
    cr_assert_eq(fake_events(f, "voice.session.stopped", NULL), created, "seed %lu", (unsigned long)seed);
    cr_assert_eq(fake_events(f, "transfer_initiated", NULL), fake_events(f, "transfer_completed", NULL), "seed %lu",
                 (unsigned long)seed);
    cr_assert_eq(fake_events(f, "recording_started", NULL), fake_events(f, "recording_stopped", NULL), "seed %lu",
                 (unsigned long)seed);
    for (size_t i = 0; i < s->made; i++)
        cr_assert_eq(fake_events(f, "call_ended", s->ids[i]) + fake_events(f, "call_failed", s->ids[i]), 1, "seed %lu",
                     (unsigned long)seed);
    cr_assert_eq(s->told, s->asked, "seed %lu: %zu commands, %zu ends", (unsigned long)seed, s->asked, s->told);
}

Test(call_storm, every_order_ends_each_call_once_and_leaves_nothing)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct storm *s;
        cr_assert_not_null(VGW_NEW(s));
        vgw_rng_seed(&s->rng, seed);
        s->f = fake_new(seed, vgw_rng_below(&s->rng, 2) ? FAKE_CAPS_MEDIA : FAKE_CAPS_ALL & ~vgw_rng_next(&s->rng));
        s->f->caps |= 1;
        s->f->limits.max_sessions = CALLS;
        vgw_calls_set_limits(s->f->calls, &s->f->limits);
        for (int i = 0; i < STEPS; i++)
            step(s);
        fake_run(s->f, 9000 * FAKE_SECOND);
        settle_accounts(s, seed);
        fake_free(s->f);
        cr_assert_eq(vgw_handle_count(VGW_HANDLE_CALL), 0);
        vgw_free(s);
    }
}

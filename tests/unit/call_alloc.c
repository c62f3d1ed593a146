/* call_alloc.c - every allocation fails in turn: a call comes whole or not at all, and what came still ends once. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "call_fake.h"
#include "loop/handle.h"

typedef void (*act_fn)(struct fake *f);

static void place(struct fake *f)
{
    struct vgw_call *call = NULL;
    struct vgw_outgoing out = {.to = "+1555", .greeting = "hi", .lead_id = "l"};
    int status = vgw_calls_place(f->calls, &out, &call, NULL);
    cr_assert_eq(status == VGW_OK, call != NULL);
}

static void incoming(struct fake *f)
{
    struct vgw_call *call = NULL;
    struct vgw_incoming in = {.instance = &f->instance, .provider_call_id = "CA1", .from = "+1", .to = "+15551"};
    int status = vgw_calls_incoming(f->calls, &in, &call, NULL);
    cr_assert_eq(status == VGW_OK, call != NULL);
    fake_run(f, 0);
}

static void refused(struct fake *f)
{
    struct vgw_call *call = NULL;
    struct vgw_incoming in = {.instance = &f->instance, .provider_call_id = "CA1", .to = "+15551"};
    vgw_calls_drain(f->calls, NULL, NULL);
    cr_assert_eq(vgw_calls_incoming(f->calls, &in, &call, NULL), VGW_ELIMIT);
    fake_run(f, FAKE_SECOND);
}

static void whole_life(struct fake *f)
{
    struct vgw_call *call = vgw_calls_next(f->calls, NULL);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    vgw_calls_command(f->calls, call, VGW_CMD_RECORD_START, NULL, false, NULL, NULL, NULL);
    vgw_calls_command(f->calls, call, VGW_CMD_HOLD, NULL, false, NULL, NULL, NULL);
    vgw_session_add_turn(call->session, "user", "hello", -1, -1, false, NULL, NULL);
    vgw_calls_command(f->calls, call, VGW_CMD_END, NULL, false, NULL, NULL, NULL);
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, 2 * FAKE_SECOND);
}

static void sweep(act_fn before, act_fn act)
{
    for (long n = 1; n < 3000; n++) {
        struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
        if (before)
            before(f);
        vgw_alloc_fail_at(n);
        act(f);
        bool all = vgw_alloc_count() < n;
        vgw_alloc_fail_at(0);
        cr_assert_eq(vgw_calls_orphans(f->calls), 0, "allocation %ld", n);
        fake_run(f, 8000 * FAKE_SECOND);
        size_t created = fake_events(f, "voice.session.created", NULL);
        cr_assert_eq(fake_events(f, "call_ended", NULL) + fake_events(f, "call_failed", NULL), created,
                     "allocation %ld", n);
        cr_assert_eq(f->record_count, created, "allocation %ld", n);
        fake_free(f);
        cr_assert_eq(vgw_handle_count(VGW_HANDLE_CALL), 0);
        if (all)
            return;
    }
    cr_assert_fail("the sweep did not come to its end");
}

Test(call_alloc, placing_is_all_or_nothing)
{
    sweep(NULL, place);
}

Test(call_alloc, incoming_is_all_or_nothing)
{
    sweep(NULL, incoming);
}

Test(call_alloc, a_refusal_is_recorded_or_not_at_all)
{
    sweep(NULL, refused);
}

Test(call_alloc, a_call_ends_once_with_its_record_whatever_fails)
{
    sweep(place, whole_life);
}

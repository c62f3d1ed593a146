/* call_conference.c - calls that hear each other through the gateway: who takes part, what is told of it, and that the
 * end of one leaves no other hanging. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"
#include "call/conference.h"
#include "call_fake.h"
#include "voicegw/plugin.h"

#define CAPS                                                                                                           \
    (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END | VOICEGW_CAP_HOLD | VOICEGW_CAP_MEDIA |             \
     VOICEGW_CAP_TRANSFER)

/* Calls that are over can be looked at for half a second: their legs do not answer. */
static struct fake *world(void)
{
    struct fake *f = fake_new(1, CAPS);
    f->keep_summary = true;
    return f;
}

static struct vgw_call *talking(struct fake *f)
{
    struct vgw_call *call = fake_place(f);
    fake_complete(f, VGW_CMD_MAKE_CALL, 0, NULL);
    fake_report(f, call, VGW_CALL_RINGING, 0);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_assert_eq(call->state, VGW_CALL_CONNECTED);
    return call;
}

static void done(struct fake *f, int status)
{
    int before = f->done_count;
    fake_run(f, 1000);
    cr_assert_eq(f->done_count, before + 1);
    cr_assert_eq(f->done_status, status, "%s", f->done_text);
}

static void join(struct fake *f, struct vgw_call *call, const char *params)
{
    cr_assert_eq(fake_command(f, call, VGW_CMD_CONFERENCE, params, false), VGW_OK);
    done(f, VGW_OK);
}

static void monitor(struct fake *f, struct vgw_call *who, const struct vgw_call *whom, const char *mode)
{
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "{\"call\":\"%s\",\"mode\":\"%s\"}", whom->call_id, mode);
    cr_assert_eq(fake_command(f, who, VGW_CMD_MONITOR, vgw_buf_str(&b), false), VGW_OK);
    vgw_buf_done(&b);
    done(f, VGW_OK);
}

static int64_t participants(const struct fake *f, const char *type)
{
    const struct fake_event *e = fake_last(f, type);
    cr_assert_not_null(e, "%s", type);
    return vgw_json_get_int(e->data, "participants", -1);
}

static void hang_up(struct fake *f, struct vgw_call *call)
{
    fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
    fake_run(f, 1000);
}

/* Every call whose end the gateway asked for is ended by its provider. */
static void ends(struct fake *f)
{
    while (fake_has_op(f, VGW_CMD_END)) {
        for (size_t i = 0; i < f->op_count; i++)
            if (f->ops[i].command == VGW_CMD_END) {
                struct vgw_call *call = vgw_calls_by_handle(f->calls, f->ops[i].call);
                fake_complete(f, VGW_CMD_END, 0, NULL);
                if (call && !call->settled)
                    fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
                break;
            }
        fake_run(f, 1000);
    }
}

static struct vgw_mixer_role role(const struct vgw_call *call);

Test(call_conference, it_begins_with_the_first_goes_on_without_those_who_leave_and_ends_with_the_last)
{
    struct fake *f = world();
    struct vgw_call *a = talking(f), *b = talking(f), *c = talking(f);
    join(f, a, "{\"name\":\"team\"}");
    cr_assert_eq(fake_events(f, "conference_started", a->call_id), 1);
    cr_assert(role(a).music && !role(a).hears, "who is alone hears music");
    join(f, b, "{\"name\":\"team\"}");
    cr_assert(role(a).hears && !role(a).music && role(a).heard_by == VGW_MIXER_ALL && role(a).aside);
    join(f, c, "{\"name\":\"team\",\"muted\":true}");
    cr_assert_eq(fake_events(f, "conference_started", NULL), 1);
    cr_assert_eq(participants(f, "conference_joined"), 3);
    cr_assert_str_eq(vgw_json_get_string(f->done_result, "conference", ""), "team");
    cr_assert(role(c).hears && role(c).heard_by == 0);
    cr_assert_eq(fake_command(f, a, VGW_CMD_CONFERENCE, "{\"name\":\"other\"}", false), VGW_EBUSY);
    hang_up(f, c);
    cr_assert_eq(participants(f, "conference_left"), 2);
    cr_assert_eq(a->state, VGW_CALL_CONNECTED);
    hang_up(f, b);
    cr_assert(role(a).music, "who is left alone hears music");
    cr_assert(!a->ending);
    hang_up(f, a);
    cr_assert_eq(fake_events(f, "conference_left", NULL), 3);
    cr_assert_eq(fake_events(f, "conference_ended", NULL), 1);
    fake_run(f, 10000);
    cr_assert_eq(vgw_calls_mixes(f->calls), 0, "the mix goes with the last");
    fake_free(f);
}

static struct vgw_mixer_role role(const struct vgw_call *call)
{
    struct vgw_mixer_role none = {0};
    return call->member ? vgw_conference_role(call->member) : none;
}

Test(call_conference, participants_are_held_muted_and_put_out)
{
    struct fake *f = world();
    struct vgw_call *a = talking(f), *b = talking(f);
    join(f, a, "{\"name\":\"team\"}");
    join(f, b, "{\"name\":\"team\"}");
    static const struct {
        const char *verb, *event;
        bool hears, music, heard;
    } rows[] = {{"hold", "conference_held", false, true, false},
                {"resume", "conference_resumed", true, false, true},
                {"mute", "conference_muted", true, false, false},
                {"unmute", "conference_unmuted", true, false, true}};
    for (size_t i = 0; i < 4; i++) {
        struct vgw_buf p = {0};
        vgw_buf_printf(&p, "{\"name\":\"team\",\"participant\":\"%s\"}", rows[i].verb);
        join(f, a, vgw_buf_str(&p));
        vgw_buf_done(&p);
        cr_assert_eq(fake_events(f, rows[i].event, a->call_id), 1);
        struct vgw_mixer_role r = role(a);
        cr_assert(r.hears == rows[i].hears && r.music == rows[i].music && (r.heard_by != 0) == rows[i].heard, "row %zu",
                  i);
    }
    cr_assert_eq(fake_command(f, a, VGW_CMD_CONFERENCE, "{\"name\":\"no\",\"participant\":\"mute\"}", false),
                 VGW_ENOTFOUND);
    join(f, a, "{\"name\":\"team\",\"participant\":\"kick\"}");
    cr_assert_eq(fake_events(f, "conference_kicked", a->call_id), 1);
    cr_assert_eq(fake_events(f, "conference_left", a->call_id), 0);
    ends(f);
    cr_assert(a->settled && !b->settled);
    hang_up(f, b);
    fake_free(f);
}

Test(call_conference, one_that_ends_with_somebody_ends_for_all_and_one_that_waits_begins_with_another)
{
    struct fake *f = world();
    struct vgw_call *a = talking(f), *b = talking(f), *c = talking(f);
    join(f, a, "{\"name\":\"team\",\"start_on_enter\":false}");
    join(f, b, "{\"name\":\"team\",\"start_on_enter\":false}");
    cr_assert(role(a).music && role(b).music, "it has not begun");
    join(f, c, "{\"name\":\"team\",\"end_on_exit\":true}");
    cr_assert(role(a).hears && role(b).hears);
    hang_up(f, c);
    cr_assert_eq(fake_events(f, "conference_ended", NULL), 1);
    ends(f);
    cr_assert(a->settled && b->settled, "nobody else holds them");
    fake_free(f);
}

static struct vgw_call *other_than(struct fake *f, const struct vgw_call *one)
{
    struct vgw_call *call = NULL;
    while ((call = vgw_calls_next(f->calls, call)))
        if (call != one)
            return call;
    return NULL;
}

static void answers(struct fake *f, struct vgw_call *call)
{
    fake_complete(f, VGW_CMD_MAKE_CALL, 0, NULL);
    fake_report(f, call, VGW_CALL_RINGING, 0);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
}

Test(call_conference, an_attended_transfer_says_the_summary_first_and_joins_both)
{
    struct fake *f = world();
    struct vgw_call *a = talking(f);
    cr_assert_eq(fake_command(f, a, VGW_CMD_TRANSFER,
                              "{\"to\":\"+1777\",\"kind\":\"attended\",\"summary\":\"Ann wants a room.\"}", false),
                 VGW_OK);
    cr_assert_eq(a->state, VGW_CALL_TRANSFERRING);
    cr_assert(role(a).music && role(a).aside);
    struct vgw_call *b = other_than(f, a);
    cr_assert_not_null(b);
    cr_assert_str_eq(b->to, "+1777");
    cr_assert_str_eq(vgw_json_get_string(b->session->variables, "transfer_of", ""), a->call_id);
    cr_assert_str_neq(b->session->session_id, a->session->session_id);
    answers(f, b);
    cr_assert(fake_has_op(f, VGW_CMD_SAY));
    cr_assert_null(b->member, "first it hears why");
    fake_complete(f, VGW_CMD_SAY, 0, NULL);
    cr_assert_eq(f->done_count, 1);
    cr_assert_str_eq(vgw_json_get_string(f->done_result, "outcome", ""), "completed");
    cr_assert(role(a).hears && role(b).hears && role(a).heard_by == VGW_MIXER_ALL);
    cr_assert_eq(a->state, VGW_CALL_CONNECTED);
    cr_assert_str_eq(vgw_json_get_string(fake_last(f, "transfer_completed")->data, "outcome", ""), "completed");
    fake_run(f, 30 * FAKE_SECOND);
    hang_up(f, b);
    ends(f);
    cr_assert(a->settled, "the end of one does not leave the other hanging");
    cr_assert_str_eq(a->cause, "bridge_over");
    cr_assert_eq(fake_events(f, "call_ended", NULL), 2);
    fake_run(f, FAKE_SECOND);
    cr_assert_eq(f->record_count, 2, "each has its record");
    fake_free(f);
}

Test(call_conference, a_transfer_that_comes_to_nothing_brings_the_caller_back)
{
    static const struct {
        enum vgw_outcome outcome;
        const char *told;
    } rows[] = {{VGW_OUTCOME_BUSY, "busy"}, {VGW_OUTCOME_NO_ANSWER, "no_answer"}, {VGW_OUTCOME_FAILED, "failed"}};
    for (size_t i = 0; i < 3; i++) {
        struct fake *f = world();
        struct vgw_call *a = talking(f);
        cr_assert_eq(fake_command(f, a, VGW_CMD_TRANSFER, "{\"to\":\"+1777\",\"bridge\":true}", false), VGW_OK);
        struct vgw_call *b = other_than(f, a);
        fake_complete(f, VGW_CMD_MAKE_CALL, 0, NULL);
        fake_report(f, b, VGW_CALL_FAILED, rows[i].outcome);
        cr_assert_eq(f->done_count, 1);
        cr_assert_str_eq(vgw_json_get_string(f->done_result, "outcome", ""), rows[i].told);
        cr_assert_eq(a->state, VGW_CALL_CONNECTED);
        fake_run(f, 20 * FAKE_SECOND);
        cr_assert(!a->ending && !a->settled && !a->member, "it goes on as it was");
        cr_assert_str_eq(vgw_json_get_string(fake_last(f, "transfer_completed")->data, "outcome", ""), rows[i].told);
        hang_up(f, a);
        fake_free(f);
    }
}

Test(call_conference, whoever_hangs_up_while_the_other_side_is_asked_ends_it)
{
    static const char *const attended = "{\"to\":\"+1777\",\"bridge\":true,\"kind\":\"attended\",\"summary\":\"Ann.\"}";
    for (int stage = 0; stage < 4; stage++) {
        struct fake *f = world();
        struct vgw_call *a = talking(f);
        cr_assert_eq(fake_command(f, a, VGW_CMD_TRANSFER, attended, false), VGW_OK);
        struct vgw_call *b = other_than(f, a);
        if (stage > 0)
            answers(f, b);
        hang_up(f, stage == 3 ? b : a);
        cr_assert_eq(f->done_count, 1);
        if (stage == 3) {
            cr_assert_str_eq(vgw_json_get_string(f->done_result, "outcome", ""), "failed");
            cr_assert_eq(a->state, VGW_CALL_CONNECTED);
            hang_up(f, a);
        } else {
            cr_assert_eq(f->done_status, VGW_ENOTFOUND);
            cr_assert(b->ending || b->settled, "stage %d", stage);
            cr_assert_str_eq(vgw_json_get_string(fake_last(f, "transfer_completed")->data, "outcome", ""), "failed");
        }
        fake_free(f);
    }
}

Test(call_conference, who_listens_in_is_heard_by_nobody_or_by_one_or_by_all_and_the_call_goes_on_as_it_was)
{
    struct fake *f = world();
    struct vgw_call *a = talking(f), *s = talking(f);
    monitor(f, s, a, "listen");
    cr_assert(role(a).shares && !role(a).aside && role(a).hears);
    cr_assert(role(s).hears && role(s).heard_by == 0 && role(s).aside);
    cr_assert_eq(fake_events(f, "monitor_started", s->call_id), 1);
    cr_assert_eq(fake_events(f, "conference_started", NULL), 0);
    monitor(f, s, a, "whisper");
    cr_assert_eq(role(s).heard_by, vgw_mixer_port_bit(a->member->port));
    cr_assert_not(role(a).aside);
    monitor(f, s, a, "barge");
    cr_assert_eq(role(s).heard_by, VGW_MIXER_ALL);
    cr_assert(role(a).aside, "who breaks in takes over");
    monitor(f, s, a, "listen");
    hang_up(f, s);
    cr_assert_eq(fake_events(f, "monitor_stopped", s->call_id), 1);
    cr_assert(!a->member && !a->ending, "the call does not notice");
    struct vgw_call *t = talking(f);
    monitor(f, t, a, "listen");
    hang_up(f, a);
    ends(f);
    cr_assert(t->settled);
    cr_assert_str_eq(t->cause, "monitored_call_over");
    fake_free(f);
}

Test(call_conference, who_listens_in_comes_along_into_a_conference_and_hears_an_agent_there)
{
    struct fake *f = world();
    struct vgw_call *a = talking(f), *agent = talking(f), *s = talking(f), *late = talking(f);
    monitor(f, s, a, "whisper");
    join(f, a, "{\"name\":\"desk\"}");
    cr_assert_eq(s->member->conference, a->member->conference);
    cr_assert(role(a).music, "who is watched is still alone");
    join(f, agent, "{\"name\":\"desk\"}");
    cr_assert(role(a).hears && !role(a).shares && role(s).hears);
    cr_assert_eq(role(s).heard_by, vgw_mixer_port_bit(a->member->port));
    monitor(f, late, agent, "whisper");
    cr_assert_eq(role(late).heard_by, vgw_mixer_port_bit(agent->member->port), "heard by the agent only");
    hang_up(f, agent);
    ends(f);
    cr_assert(late->settled && !s->settled && !a->settled);
    hang_up(f, a);
    ends(f);
    cr_assert(s->settled);
    cr_assert_eq(fake_events(f, "conference_ended", NULL), 1);
    fake_free(f);
}

Test(call_conference, nobody_listens_in_on_what_is_not_there_or_of_another_project)
{
    struct fake *f = world();
    struct vgw_call *s = talking(f), *ringing = fake_place(f);
    struct vgw_buf p = {0};
    cr_assert_eq(fake_command(f, s, VGW_CMD_MONITOR, "{\"call\":\"none\"}", false), VGW_ENOTFOUND);
    cr_assert_eq(fake_command(f, s, VGW_CMD_MONITOR, "{\"call\":\"none\",\"mode\":\"shout\"}", false), VGW_EINVALID);
    vgw_buf_printf(&p, "{\"call\":\"%s\"}", s->call_id);
    cr_assert_eq(fake_command(f, s, VGW_CMD_MONITOR, vgw_buf_str(&p), false), VGW_ENOTFOUND, "not itself");
    vgw_buf_reset(&p);
    vgw_buf_printf(&p, "{\"call\":\"%s\"}", ringing->call_id);
    cr_assert_eq(fake_command(f, s, VGW_CMD_MONITOR, vgw_buf_str(&p), false), VGW_EBUSY);
    vgw_buf_done(&p);
    hang_up(f, s);
    fake_report(f, ringing, VGW_CALL_FAILED, VGW_OUTCOME_BUSY);
    fake_free(f);
}

/* ---- anything, in any order ---- */

static struct vgw_call *any(struct fake *f)
{
    struct vgw_rng *rng = vgw_driver_rng(f->driver);
    uint64_t n = vgw_rng_below(rng, vgw_calls_count(f->calls));
    struct vgw_call *call = vgw_calls_next(f->calls, NULL);
    while (call && n--)
        call = vgw_calls_next(f->calls, call);
    return call;
}

/* Whoever hears of something may act from inside. */
static void meddle(struct fake *f, struct vgw_call *call, const char *type)
{
    struct vgw_rng *rng = vgw_driver_rng(f->driver);
    if ((!vgw_starts_with(type, "conference") && !vgw_starts_with(type, "monitor")) || vgw_rng_below(rng, 4))
        return;
    struct vgw_call *other = any(f);
    if (other && !other->settled && vgw_rng_below(rng, 2))
        fake_report(f, other, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
    else if (other)
        (void)vgw_calls_command(f->calls, other, VGW_CMD_END, NULL, false, NULL, NULL, NULL);
}

static void act(struct fake *f)
{
    static const char *const verbs[] = {"join", "hold", "resume", "mute", "kick", "leave"};
    static const char *const modes[] = {"listen", "whisper", "barge"};
    struct vgw_rng *rng = vgw_driver_rng(f->driver);
    struct vgw_call *call = any(f), *other = any(f);
    struct vgw_buf p = {0};
    struct vgw_error err = {0};
    struct vgw_outgoing out = {.to = "+15551234"};
    enum vgw_command command = VGW_CMD_CONFERENCE;
    uint64_t what = vgw_rng_below(rng, 10);
    if (!call || what == 0) {
        (void)vgw_calls_place(f->calls, &out, &call, &err);
        return;
    }
    if (what == 1) {
        fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
        return;
    }
    if (what <= 3) {
        fake_report(f, call, VGW_CALL_CONNECTED, 0);
        return;
    }
    if (what == 4) {
        command = VGW_CMD_TRANSFER;
        vgw_buf_adds(&p, "{\"to\":\"+1777\",\"kind\":\"attended\",\"bridge\":true,\"summary\":\"Ann.\"}");
    } else if (what <= 6) {
        command = VGW_CMD_MONITOR;
        vgw_buf_printf(&p, "{\"call\":\"%s\",\"mode\":\"%s\"}", other->call_id, modes[vgw_rng_below(rng, 3)]);
    } else {
        vgw_buf_printf(
            &p, "{\"name\":\"%c\",\"participant\":\"%s\",\"end_on_exit\":%s}", (char)('a' + vgw_rng_below(rng, 2)),
            vgw_rng_below(rng, 2) ? "join" : verbs[vgw_rng_below(rng, 6)], vgw_rng_below(rng, 4) ? "false" : "true");
    }
    struct vgw_json *params = fake_json(vgw_buf_str(&p));
    int status = vgw_calls_command(f->calls, call, command, params, false, NULL, NULL, &err);
    cr_assert(status == VGW_OK || err.text[0]);
    vgw_json_free(params);
    vgw_buf_done(&p);
}

static void no_dangling(void *arg)
{
    struct fake *f = arg;
    struct vgw_call *call = NULL;
    while (f->calls && (call = vgw_calls_next(f->calls, call)))
        if (call->member)
            cr_assert_eq(call->member->call, call);
}

Test(call_conference, in_any_order_of_joins_transfers_and_ends_nothing_is_left)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct fake *f = fake_new(seed, CAPS);
        struct vgw_rng *rng = vgw_driver_rng(f->driver);
        f->on_event = meddle;
        for (int i = 0; i < 120; i++) {
            act(f);
            no_dangling(f);
            while (f->op_count && vgw_rng_below(rng, 3) == 0)
                fake_complete(f, f->ops[vgw_rng_below(rng, f->op_count)].command,
                              vgw_rng_below(rng, 5) ? VGW_OK : VGW_EPROVIDER, NULL);
            fake_run(f, (int64_t)vgw_rng_below(rng, 50000));
        }
        f->on_event = NULL;
        fake_free(f);
    }
}

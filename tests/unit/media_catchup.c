/* media_catchup.c - a live voice against a clock that stands still now and then. */
#include <criterion/criterion.h>

#include "media/catchup.h"

#define FRAME 160u
#define PERIOD_US 20000

struct sim {
    struct vgw_catchup c;
    int64_t now_us, tick_us, push_us;
    int64_t push_period_us; /* of 20 ms of voice */
    uint32_t level, skipped, underruns;
};

static void sim_push(struct sim *s)
{
    for (; s->push_us <= s->now_us; s->push_us += s->push_period_us)
        s->level += FRAME;
}

static void sim_tick(struct sim *s)
{
    uint32_t due = 0, played = 0;
    bool late = s->now_us - s->tick_us >= 5000;
    for (; s->tick_us <= s->now_us; s->tick_us += PERIOD_US)
        due++;
    for (uint32_t i = 0; i < due && i < 2; i++) { /* a late tick sends two frames at most */
        uint32_t n = s->level < FRAME ? s->level : FRAME;
        s->level -= n;
        played += n;
    }
    s->underruns += played < FRAME;
    uint32_t missed = played < due * FRAME && (late || s->level) ? due * FRAME - played : 0;
    uint32_t skip = vgw_catchup_tick(&s->c, s->level, played, missed);
    cr_assert_leq(skip, s->level);
    s->level -= skip;
    s->skipped += skip;
}

/* Until `end_us`; the process stands still for `stall_us` from `stall_at_us` on, and then sees its clock or what came
 * first. */
static void sim_run(struct sim *s, int64_t end_us, int64_t stall_at_us, int64_t stall_us, bool clock_first)
{
    while (s->now_us < end_us) {
        int64_t next = s->tick_us < s->push_us ? s->tick_us : s->push_us;
        bool stalled = next >= stall_at_us && next < stall_at_us + stall_us;
        s->now_us = stalled ? stall_at_us + stall_us : next;
        if (clock_first && s->tick_us <= s->now_us)
            sim_tick(s);
        sim_push(s);
        if (!clock_first && s->tick_us <= s->now_us)
            sim_tick(s);
    }
}

static struct sim sim_new(int64_t phase_us, int64_t push_period_us, uint32_t lead)
{
    struct sim s = {
        .now_us = 0, .tick_us = PERIOD_US, .push_us = phase_us, .push_period_us = push_period_us, .level = lead};
    vgw_catchup_init(&s.c, 8000);
    return s;
}

/* The voice's place behind its own clock, in samples: what is queued just after a tick. */
static uint32_t standing(struct sim *s)
{
    uint32_t low = UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        sim_run(s, s->tick_us, INT64_MAX, 0, false);
        low = s->level < low ? s->level : low;
    }
    return low;
}

Test(media_catchup, no_stall_leaves_standing_delay_after_200_ms)
{
    static const uint32_t leads[] = {0, 160, 1600};
    /* A shorter one may end before the clock could see it, and leaves less than a tick. */
    unsigned caught_up = 0;
    for (size_t lead = 0; lead < 3; lead++)
        for (int64_t stall_us = 25500; stall_us <= 500000; stall_us = stall_us * 3 / 2)
            for (int64_t phase = 1000; phase < PERIOD_US; phase += 3000)
                for (int64_t place = 0; place < PERIOD_US; place += 3000)
                    for (int order = 0; order < 2; order++) {
                        struct sim s = sim_new(phase, PERIOD_US, leads[lead]);
                        sim_run(&s, 900000, INT64_MAX, 0, order);
                        uint32_t before = standing(&s);
                        int64_t at = s.now_us + 1 + place, end = at + stall_us;
                        sim_run(&s, end + 120000, at, stall_us, order);
                        uint32_t after = standing(&s);
                        cr_assert_leq(after, before, "stall %lld us, phase %lld, place %lld, lead %u: %u, then %u",
                                      (long long)stall_us, (long long)phase, (long long)place, leads[lead], before,
                                      after);
                        cr_assert_leq(s.skipped, (uint32_t)((stall_us + 2 * PERIOD_US) / PERIOD_US * FRAME));
                        caught_up += s.skipped > 0;
                    }
    cr_assert_gt(caught_up, 500, "only %u of the stalls left anything to leave out", caught_up);
}

Test(media_catchup, stalls_that_follow_one_another_do_not_add_up)
{
    for (int order = 0; order < 2; order++) {
        struct sim s = sim_new(7000, PERIOD_US, 0);
        sim_run(&s, 900000, INT64_MAX, 0, order);
        uint32_t before = standing(&s);
        for (int64_t at = 1000000; at < 6000000; at += 170000)
            sim_run(&s, at + 160000, at, 50000, order);
        sim_run(&s, s.now_us + 200000, INT64_MAX, 0, order);
        cr_assert_leq(standing(&s), before);
    }
}

Test(media_catchup, a_voice_that_runs_ahead_of_the_clock_loses_nothing)
{
    static const int64_t periods[] = {4000, 10000, 14000};
    for (size_t i = 0; i < 3; i++) {
        struct sim s = sim_new(1000, periods[i], 0);
        sim_run(&s, 1500000, 1000000, 50000, false);
        cr_assert_eq(s.skipped, 0, "one frame each %lld us", (long long)periods[i]);
    }
}

Test(media_catchup, what_was_all_given_before_loses_nothing)
{
    struct sim s = sim_new(INT64_MAX / 2, PERIOD_US, 200 * FRAME);
    sim_run(&s, 2000000, 1000000, 50000, true);
    cr_assert_eq(s.skipped, 0);
}

Test(media_catchup, a_stall_before_the_voice_has_shown_its_pace_is_made_up_for_once_it_has)
{
    for (int64_t stall_us = 50000; stall_us <= 1000000; stall_us *= 2)
        for (int order = 0; order < 2; order++) {
            struct sim s = sim_new(1000, PERIOD_US, 0);
            sim_run(&s, 60000 + stall_us, 60000, stall_us, order);
            sim_run(&s, 60000 + stall_us + 900000, INT64_MAX, 0, order);
            cr_assert_leq(standing(&s), FRAME / 8, "%lld us", (long long)stall_us);
        }
}

Test(media_catchup, a_voice_that_pauses_loses_nothing_of_what_comes_next)
{
    struct sim s = sim_new(3000000, 1000, 0); /* silent, then all at once */
    sim_run(&s, 3500000, 2960000, 50000, true);
    cr_assert_eq(s.skipped, 0);
}

Test(media_catchup, what_the_far_side_did_not_take_does_not_stand_either)
{
    struct vgw_catchup c;
    uint32_t level = 0, skipped = 0;
    vgw_catchup_init(&c, 8000);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(vgw_catchup_tick(&c, 0, FRAME, 0), 0);
    for (int i = 0; i < 50; i++) { /* a second in which nothing is taken */
        level += FRAME;
        uint32_t n = vgw_catchup_tick(&c, level, 0, FRAME);
        level -= n;
        skipped += n;
    }
    for (int i = 0; i < VGW_CATCHUP_TICKS; i++)
        level -= vgw_catchup_tick(&c, level, FRAME, 0);
    cr_assert_eq(level, 0);
    cr_assert_gt(skipped, 40 * FRAME);
}

Test(media_catchup, a_clock_in_time_never_leaves_anything_out)
{
    for (int64_t phase = 0; phase < PERIOD_US; phase += 1000) {
        struct sim s = sim_new(phase, PERIOD_US, 0);
        sim_run(&s, 20000000, INT64_MAX, 0, true);
        cr_assert_eq(s.skipped, 0);
    }
}

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "media/g711.h"
#include "media/playout.h"
#include "media/preroll.h"

static struct vgw_playout *queue(uint32_t limit_ms, uint32_t start_ms)
{
    struct vgw_playout_params params = vgw_playout_defaults();
    struct vgw_playout *p = NULL;
    params.limit_ms = limit_ms;
    params.start_ms = start_ms;
    cr_assert_eq(vgw_playout_new(&params, &p, NULL), 0);
    return p;
}

static void push(struct vgw_playout *p, uint32_t epoch, uint8_t octet, size_t samples)
{
    uint8_t data[16000];
    memset(data, octet, samples);
    size_t taken;
    cr_assert_eq(vgw_playout_push(p, epoch, data, samples, &taken), 0);
    cr_assert_eq(taken, samples);
}

static void expect_event(struct vgw_playout *p, enum vgw_playout_event_kind kind, uint64_t id, uint64_t heard,
                         bool complete)
{
    struct vgw_playout_event e;
    cr_assert(vgw_playout_event(p, &e), "event for %lu is missing", (unsigned long)id);
    cr_assert_eq(e.kind, kind, "of %lu", (unsigned long)id);
    cr_assert_eq(e.id, id);
    cr_assert_eq(e.complete, complete);
    if (kind == VGW_PLAYOUT_FINISHED)
        cr_assert_eq(e.heard_samples, heard, "heard %lu", (unsigned long)e.heard_samples);
}

static void expect_none(struct vgw_playout *p)
{
    struct vgw_playout_event e;
    cr_assert_not(vgw_playout_event(p, &e));
}

Test(media_playout, octets_come_out_as_they_went_in_over_block_borders)
{
    struct vgw_playout *p = queue(30000, 0);
    uint8_t in[50000], out[160];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 31 + i / 256);
    cr_assert_eq(vgw_playout_push(p, 0, in, sizeof in, NULL), 0);
    size_t at = 0, heard;
    while (vgw_playout_take(p, 160, out, &heard) == VGW_PLAYOUT_AUDIO) {
        cr_assert_arr_eq(out, in + at, heard);
        at += heard;
    }
    cr_assert_eq(at, sizeof in);
    for (size_t i = 50000 % 160; i < 160; i++)
        cr_assert_eq(out[i], VGW_ULAW_SILENCE, "the last frame is filled up");
    vgw_playout_free(p);
}

Test(media_playout, audio_time_is_bounded_and_what_does_not_fit_is_told)
{
    struct vgw_playout *p = queue(1000, 0);
    uint8_t data[9000] = {0}, out[160];
    size_t taken = 0;
    cr_assert_eq(vgw_playout_room_ms(p), 1000);
    cr_assert_eq(vgw_playout_push(p, 0, data, sizeof data, &taken), 0);
    cr_assert_eq(taken, 8000);
    cr_assert_eq(vgw_playout_queued_ms(p), 1000);
    cr_assert_eq(vgw_playout_push(p, 0, data, 1, &taken), VGW_ELIMIT);
    cr_assert_eq(taken, 0);
    vgw_playout_take(p, 160, out, NULL);
    cr_assert_eq(vgw_playout_push(p, 0, data, 1000, &taken), 0);
    cr_assert_eq(taken, 160);
    vgw_playout_free(p);
}

Test(media_playout, utterances_and_marks_are_told_in_order_with_what_was_heard)
{
    struct vgw_playout *p = queue(30000, 0);
    uint8_t out[160];
    vgw_playout_begin(p, 0, 11);
    push(p, 0, 1, 200);
    vgw_playout_mark(p, 0, 900);
    push(p, 0, 1, 40);
    vgw_playout_begin(p, 0, 12);
    push(p, 0, 2, 100);
    vgw_playout_end(p, 0);
    vgw_playout_mark(p, 0, 901);
    expect_none(p);
    vgw_playout_take(p, 160, out, NULL);
    expect_event(p, VGW_PLAYOUT_STARTED, 11, 0, true);
    expect_none(p);
    cr_assert_eq(vgw_playout_heard(p, 11), 160);
    vgw_playout_take(p, 160, out, NULL);
    cr_assert(out[79] == 1 && out[80] == 2);
    expect_event(p, VGW_PLAYOUT_MARK, 900, 0, true);
    expect_event(p, VGW_PLAYOUT_FINISHED, 11, 240, true);
    expect_event(p, VGW_PLAYOUT_STARTED, 12, 0, true);
    expect_none(p);
    vgw_playout_take(p, 160, out, NULL);
    expect_event(p, VGW_PLAYOUT_FINISHED, 12, 100, true);
    expect_event(p, VGW_PLAYOUT_MARK, 901, 0, true);
    cr_assert_eq(vgw_playout_heard(p, 11), 240);
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_NOTHING);
    vgw_playout_free(p);
}

Test(media_playout, an_empty_utterance_and_a_mark_on_an_empty_queue_are_through_at_once)
{
    struct vgw_playout *p = queue(30000, 0);
    vgw_playout_mark(p, 0, 5);
    expect_event(p, VGW_PLAYOUT_MARK, 5, 0, true);
    vgw_playout_begin(p, 0, 1);
    expect_none(p);
    vgw_playout_end(p, 0);
    expect_event(p, VGW_PLAYOUT_STARTED, 1, 0, true);
    expect_event(p, VGW_PLAYOUT_FINISHED, 1, 0, true);
    vgw_playout_free(p);
}

Test(media_playout, clear_cuts_at_once_tells_what_was_heard_and_turns_late_audio_away)
{
    struct vgw_playout *p = queue(30000, 0);
    uint8_t out[160];
    vgw_playout_begin(p, 0, 1);
    push(p, 0, 0x80, 1000);
    vgw_playout_mark(p, 0, 70);
    vgw_playout_begin(p, 0, 2);
    push(p, 0, 0x80, 500);
    vgw_playout_take(p, 160, out, NULL);
    vgw_playout_take(p, 160, out, NULL);
    cr_assert_eq(vgw_playout_clear(p), 1);
    expect_event(p, VGW_PLAYOUT_STARTED, 1, 0, true);
    expect_event(p, VGW_PLAYOUT_MARK, 70, 0, false);
    expect_event(p, VGW_PLAYOUT_FINISHED, 1, 320, false);
    expect_event(p, VGW_PLAYOUT_FINISHED, 2, 0, false);
    expect_none(p);
    cr_assert_eq(vgw_playout_queued_ms(p), 0);
    cr_assert_eq(vgw_playout_push(p, 0, out, 160, NULL), VGW_ENOTFOUND);
    cr_assert_eq(vgw_playout_begin(p, 0, 3), VGW_ENOTFOUND);
    cr_assert_eq(vgw_playout_stats(p).stale_pushes, 2);
    /* five milliseconds of fade, then nothing */
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_AUDIO);
    for (size_t i = 1; i < 40; i++)
        cr_assert_leq(vgw_ulaw_decode(out[i]), vgw_ulaw_decode(out[i - 1]));
    cr_assert_gt(vgw_ulaw_decode(out[0]), 30000);
    cr_assert_eq(vgw_ulaw_decode(out[40]), 0);
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_NOTHING);
    vgw_playout_begin(p, 1, 4);
    push(p, 1, 9, 160);
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_AUDIO);
    cr_assert_eq(out[0], 9);
    expect_event(p, VGW_PLAYOUT_STARTED, 4, 0, true);
    vgw_playout_free(p);
}

Test(media_playout, an_utterance_waits_for_its_start_buffer_or_its_end)
{
    struct vgw_playout *p = queue(30000, 100);
    uint8_t out[160];
    vgw_playout_begin(p, 0, 1);
    push(p, 0, 1, 640);
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_NOTHING);
    push(p, 0, 1, 160);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_AUDIO);
    cr_assert_eq(vgw_playout_stats(p).underruns, 1);
    push(p, 0, 1, 160);
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_NOTHING, "it fills up again after running dry");
    vgw_playout_end(p, 0);
    cr_assert_eq(vgw_playout_take(p, 160, out, NULL), VGW_PLAYOUT_AUDIO);
    vgw_playout_free(p);
}

Test(media_playout, live_audio_never_stands_in_the_queue_and_skipped_audio_is_not_heard)
{
    struct vgw_playout_params params = vgw_playout_defaults();
    struct vgw_playout *p;
    uint8_t out[160];
    params.live_ms = 60;
    cr_assert_eq(vgw_playout_new(&params, &p, NULL), 0);
    vgw_playout_begin(p, 0, 1);
    for (uint8_t f = 1; f <= 10; f++)
        push(p, 0, f, 160);
    cr_assert_eq(vgw_playout_queued_ms(p), 60);
    cr_assert_eq(vgw_playout_stats(p).skipped_samples, 7 * 160);
    vgw_playout_take(p, 160, out, NULL);
    cr_assert_eq(out[0], 8);
    cr_assert_eq(vgw_playout_skip(p, 160), 160);
    cr_assert_eq(vgw_playout_heard(p, 1), 160);
    vgw_playout_free(p);
}

Test(media_playout, comfort_noise_fills_the_pauses_when_asked)
{
    struct vgw_playout_params params = vgw_playout_defaults();
    struct vgw_playout *p;
    uint8_t out[160];
    size_t heard = 9;
    params.comfort = true;
    params.comfort_dbm0 = -50;
    cr_assert_eq(vgw_playout_new(&params, &p, NULL), 0);
    cr_assert_eq(vgw_playout_take(p, 160, out, &heard), VGW_PLAYOUT_COMFORT);
    cr_assert_eq(heard, 0);
    int different = 0;
    for (int i = 0; i < 160; i++)
        different += out[i] != VGW_ULAW_SILENCE;
    cr_assert_gt(different, 50);
    vgw_playout_free(p);
}

Test(media_playout, waiting_utterances_and_marks_are_bounded_and_the_open_one_still_ends)
{
    struct vgw_playout *p = queue(30000, 0);
    uint8_t out[160];
    vgw_playout_begin(p, 0, 1);
    push(p, 0, 1, 10);
    uint64_t marks = 0;
    while (vgw_playout_mark(p, 0, 1000 + marks) == 0)
        marks++;
    cr_assert_eq(marks, 62);
    cr_assert_eq(vgw_playout_begin(p, 0, 2), VGW_ELIMIT);
    vgw_playout_end(p, 0);
    vgw_playout_take(p, 160, out, NULL);
    struct vgw_playout_event e;
    size_t count = 0;
    while (vgw_playout_event(p, &e))
        count++;
    cr_assert_eq(count, 64);
    cr_assert_eq(e.kind, VGW_PLAYOUT_FINISHED);
    cr_assert_eq(vgw_playout_begin(p, 0, 2), 0);
    vgw_playout_free(p);
}

Test(media_playout, steady_playing_does_not_allocate)
{
    struct vgw_playout *p = queue(30000, 0);
    uint8_t out[160];
    push(p, 0, 1, 8000);
    for (int i = 0; i < 200; i++) {
        push(p, 0, 1, 160);
        vgw_playout_take(p, 160, out, NULL);
    }
    vgw_alloc_fail_at(0);
    for (int i = 0; i < 2000; i++) {
        push(p, 0, 1, 160);
        vgw_playout_take(p, 160, out, NULL);
    }
    cr_assert_eq(vgw_alloc_count(), 0);
    vgw_playout_free(p);
}

Test(media_playout, want_of_memory_is_told_and_costs_only_what_did_not_fit)
{
    struct vgw_playout *p = queue(30000, 0);
    uint8_t data[8192] = {0};
    size_t taken = 0;
    vgw_alloc_fail_at(2);
    cr_assert_eq(vgw_playout_push(p, 0, data, sizeof data, &taken), 0);
    cr_assert_eq(taken, 4096);
    vgw_alloc_fail_at(1);
    cr_assert_eq(vgw_playout_push(p, 0, data, sizeof data, &taken), VGW_ELIMIT);
    vgw_alloc_fail_at(0);
    cr_assert_eq(vgw_playout_push(p, 0, data, sizeof data, &taken), 0);
    vgw_playout_free(p);
    vgw_playout_free(NULL);
}

Test(media_playout, values_out_of_bounds_are_refused)
{
    static const struct {
        uint32_t rate, limit, start, fade;
    } rows[] = {
        {11025, 1000, 0, 5}, {8000, 10, 0, 5}, {8000, 700000, 0, 5}, {8000, 1000, 2000, 5}, {8000, 1000, 0, 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_playout_params q = vgw_playout_defaults();
        struct vgw_playout *p = NULL;
        struct vgw_error err = {0};
        q.rate_hz = rows[i].rate, q.limit_ms = rows[i].limit, q.start_ms = rows[i].start, q.fade_ms = rows[i].fade;
        cr_assert_eq(vgw_playout_new(&q, &p, &err), VGW_EINVALID);
        cr_assert_null(p);
        cr_assert_gt(strlen(err.text), 10);
    }
}

Test(media_pace, late_ticks_drop_and_the_grid_stays)
{
    static const struct {
        int64_t now_ms;
        uint32_t frames, lost;
    } rows[] = {
        {1000, 1, 0}, {1010, 0, 0}, {1020, 1, 0},   {1043, 1, 0}, {1060, 1, 0}, {1130, 1, 2}, {1139, 0, 0},
        {1140, 1, 0}, {1160, 1, 0}, {9160, 1, 399}, {9180, 1, 0}, {5000, 1, 0}, {5020, 1, 0},
    };
    struct vgw_pace pace;
    vgw_pace_init(&pace, 20000, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t lost = 99;
        cr_assert_eq(vgw_pace_due(&pace, rows[i].now_ms * 1000, &lost), rows[i].frames, "row %zu", i);
        cr_assert_eq(lost, rows[i].lost, "row %zu: %u", i, lost);
    }
    cr_assert_eq(pace.dropped, 401);
    vgw_pace_init(&pace, 20000, 2);
    vgw_pace_due(&pace, 1000000, NULL);
    cr_assert_eq(vgw_pace_due(&pace, 1070000, NULL), 2, "a burst that was allowed");
    cr_assert_eq(pace.dropped, 1);
}

Test(media_preroll, keeps_the_newest_in_one_piece)
{
    struct vgw_preroll *p;
    uint8_t frame[160], out[4000];
    uint64_t at = 0;
    cr_assert_eq(vgw_preroll_new(VGW_PCMU, 8000, 300, &p, NULL), 0);
    for (uint64_t f = 0; f < 40; f++) {
        memset(frame, (int)f, sizeof frame);
        vgw_preroll_push(p, frame, 160, f * 160);
    }
    cr_assert_eq(vgw_preroll_samples(p), 2400);
    cr_assert_eq(vgw_preroll_read(p, 0, out, sizeof out, &at), 2400);
    cr_assert_eq(at, 6400 - 2400);
    for (size_t i = 0; i < 2400; i++)
        cr_assert_eq(out[i], (at + i) / 160);
    cr_assert_eq(vgw_preroll_read(p, 6000, out, sizeof out, &at), 400);
    cr_assert_eq(at, 6000);
    cr_assert_eq(out[0], 37);
    cr_assert_eq(vgw_preroll_read(p, 0, out, 160, &at), 160);
    cr_assert_eq(out[0], 39);
    cr_assert_eq(vgw_preroll_read(p, 7000, out, 160, &at), 0);
    vgw_preroll_push(p, frame, 160, 9000);
    cr_assert_eq(vgw_preroll_samples(p), 160, "a jump forgets what was before");
    vgw_preroll_reset(p);
    cr_assert_eq(vgw_preroll_read(p, 0, out, 160, &at), 0);
    vgw_preroll_free(p);
}

Test(media_preroll, a_push_longer_than_the_ring_keeps_its_end)
{
    struct vgw_preroll *p;
    int16_t in[1000], out[400];
    uint64_t at;
    for (int i = 0; i < 1000; i++)
        in[i] = (int16_t)i;
    cr_assert_eq(vgw_preroll_new(VGW_L16, 8000, 20, &p, NULL), 0);
    vgw_preroll_push(p, in, 1000, 0);
    cr_assert_eq(vgw_preroll_read(p, 0, out, 400, &at), 160);
    cr_assert(out[0] == 840 && out[159] == 999 && at == 840);
    vgw_preroll_free(p);
    vgw_preroll_free(NULL);
    cr_assert_eq(vgw_preroll_new(VGW_L16, 8000, 6000, &p, NULL), VGW_EINVALID);
}

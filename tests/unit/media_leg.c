/* media_leg.c - a leg in virtual time: its clock, its queue, its far side, its caller. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"
#include "loop/driver.h"
#include "media/g711.h"
#include "media/leg_private.h"
#include "media_signal.h"

#define MS VGW_US_PER_MS

struct world {
    struct vgw_driver *d;
    struct vgw_loop *control, *worker;
    struct vgw_pool *pool;
    struct voicegw_provider_media ops;
    struct vgw_leg *leg;
    uint64_t handle;
    int attached, detached, gone, ups, losts, rooms, qualities, abandoned, ended, alive;
    bool no_detach, sink_hangs, refuse, dtmf_signals;
    int busy; /* sends that are refused; negative: all */
    uint64_t sent, low_epoch, marks, clears, sent_at_clear;
    uint32_t epoch, frame_epoch;
    uint64_t mark_id[64];
    int started[64], played[64];
    uint64_t heard[64];
    bool complete[64];
    char digits[32];
    int vad_starts, vad_ends;
    uint64_t vad_at;
    struct vgw_json *summary;
    const char *recording; /* what on_recorded() looks at */
    int recorded;
    uint64_t tag;
    double recorded_s;
    int64_t recorded_bytes;
};

static int32_t attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                      uint32_t count, void **ret_stream)
{
    struct world *w = instance;
    cr_assert_eq(call, 5);
    cr_assert_eq(formats[0].encoding, VOICEGW_AUDIO_PCMU);
    if (w->refuse)
        return VOICEGW_EPROVIDER;
    w->attached++;
    *ret_stream = w;
    return 0;
}

static int32_t send_frame(void *stream, const struct voicegw_frame *frame)
{
    struct world *w = stream;
    if (w->busy) {
        w->busy -= w->busy > 0;
        return VOICEGW_EBUSY;
    }
    w->sent++;
    w->low_epoch += frame->epoch < w->epoch;
    w->frame_epoch = frame->epoch;
    return 0;
}

static int32_t clear(void *stream, uint32_t epoch)
{
    struct world *w = stream;
    cr_assert_gt(epoch, w->epoch);
    w->epoch = epoch;
    w->clears++;
    w->sent_at_clear = w->sent;
    for (uint64_t i = 0; i < w->marks; i++) /* the far side gives its marks back at once, from inside */
        vgw_leg_on_mark(w->handle, w->mark_id[i], false);
    w->marks = 0;
    return 0;
}

static int32_t mark(void *stream, uint64_t id)
{
    struct world *w = stream;
    w->mark_id[w->marks++] = id;
    return 0;
}

static int32_t dtmf(void *stream, const char *digits)
{
    struct world *w = stream;
    return w->dtmf_signals ? 0 : VOICEGW_EUNSUPPORTED;
}

static void detach(void *stream)
{
    struct world *w = stream;
    w->detached++;
    if (!w->no_detach)
        vgw_leg_on_detached(w->handle);
}

#define COUNT(name, field)                                                                                             \
    static void name(void *arg)                                                                                        \
    {                                                                                                                  \
        ((struct world *)arg)->field++;                                                                                \
    }
COUNT(on_up, ups)
COUNT(on_room, rooms)
COUNT(on_alive, alive)
COUNT(on_abandon, abandoned)

static void on_lost(void *arg, const char *sentence)
{
    cr_assert_gt(strlen(sentence), 10);
    ((struct world *)arg)->losts++;
}
static void on_quality(void *arg, double loss, double jitter_ms, double rtt_ms)
{
    ((struct world *)arg)->qualities++;
}
static void on_vad(void *arg, enum vgw_vad_event_kind kind, uint64_t sample)
{
    struct world *w = arg;
    if (kind == VGW_VAD_START)
        w->vad_at = sample;
    w->vad_starts += kind == VGW_VAD_START;
    w->vad_ends += kind == VGW_VAD_END;
}
static void on_dtmf(void *arg, char digit, uint32_t duration_ms, const char *source)
{
    struct world *w = arg;
    w->digits[strlen(w->digits)] = digit;
}
static void on_started(void *arg, uint64_t utterance)
{
    ((struct world *)arg)->started[utterance]++;
}
static void on_played(void *arg, uint64_t utterance, uint64_t heard, bool complete)
{
    struct world *w = arg;
    w->played[utterance]++;
    cr_assert_eq(w->played[utterance], 1, "utterance %d is reported once", (int)utterance);
    w->heard[utterance] = heard;
    w->complete[utterance] = complete;
}
static void on_end(void *arg)
{
    struct world *w = arg;
    w->ended++;
    if (!w->sink_hangs)
        vgw_leg_sink_done(w->leg);
}
static void on_recorded(void *arg, uint64_t tag, double duration_s)
{
    struct world *w = arg;
    struct stat st = {0};
    w->recorded++;
    w->tag = tag;
    w->recorded_s = duration_s;
    w->recorded_bytes = w->recording && stat(w->recording, &st) == 0 ? (int64_t)st.st_size : -1;
}
static void on_gone(void *arg, struct vgw_json *summary)
{
    struct world *w = arg;
    w->gone++;
    w->summary = summary;
}

static const struct vgw_leg_sink sink = {.on_up = on_up,
                                         .on_vad = on_vad,
                                         .on_dtmf = on_dtmf,
                                         .on_started = on_started,
                                         .on_played = on_played,
                                         .on_room = on_room,
                                         .on_lost = on_lost,
                                         .on_alive = on_alive,
                                         .on_quality = on_quality,
                                         .on_recorded = on_recorded,
                                         .on_end = on_end,
                                         .on_abandon = on_abandon};

static void format(struct world *w, uint32_t encoding, uint32_t rate)
{
    struct voicegw_audio_format f = {sizeof f, encoding, rate, 20};
    cr_assert_eq(vgw_leg_on_format(w->handle, &f), 0);
}

static struct world *world(bool far_queue, uint32_t limit_ms, bool up)
{
    struct world *w = calloc(1, sizeof *w);
    w->d = vgw_driver_new(1, 0);
    w->control = vgw_driver_loop(w->d, "control");
    w->worker = vgw_driver_loop(w->d, "worker");
    vgw_pool_new(0, w->d, &w->pool, NULL);
    w->ops = (struct voicegw_provider_media){.size = sizeof w->ops,
                                             .far_queue = far_queue,
                                             .attach = attach,
                                             .send = send_frame,
                                             .clear = clear,
                                             .mark = mark,
                                             .dtmf = dtmf,
                                             .detach = detach};
    struct vgw_leg_params p = {.worker = w->worker,
                               .control = w->control,
                               .pool = w->pool,
                               .call = 5,
                               .ops = &w->ops,
                               .instance = w,
                               .playout_limit_ms = limit_ms,
                               .silence_timeout_us = 3000 * MS,
                               .sink = &sink,
                               .sink_arg = w,
                               .gone = on_gone,
                               .gone_arg = w};
    cr_assert_eq(vgw_leg_new(&p, &w->leg, &w->handle, NULL), 0);
    if (up) {
        vgw_driver_settle(w->d);
        format(w, VOICEGW_AUDIO_PCMU, 8000);
    }
    return w;
}

static void run(struct world *w, int64_t us)
{
    vgw_driver_run(w->d, us);
}

static void over(struct world *w)
{
    if (!w->gone) {
        vgw_leg_end(w->leg);
        vgw_leg_end(w->leg);
        run(w, 3000 * MS);
    }
    cr_assert_eq(w->gone, 1);
    cr_assert_eq(w->attached, w->detached);
    cr_assert_eq(w->low_epoch, 0);
    cr_assert_eq(vgw_handle_count(VGW_HANDLE_LEG), 0);
    vgw_json_free(w->summary);
    vgw_pool_free(w->pool);
    vgw_loop_free(w->worker);
    vgw_loop_free(w->control);
    vgw_driver_free(w->d);
    free(w);
}

static void say(struct world *w, uint64_t id, size_t samples)
{
    static uint8_t audio[240000];
    memset(audio, 0x20, sizeof audio);
    cr_assert_eq(vgw_leg_begin(w->leg, id), 0);
    cr_assert_eq(vgw_leg_push(w->leg, id, VGW_PCMU, 8000, audio, samples), 0);
    cr_assert_eq(vgw_leg_finish(w->leg, id), 0);
}

Test(media_leg, an_utterance_of_any_length_is_heard_to_its_last_sample_once)
{
    for (size_t rest = 0; rest < 160; rest += rest < 10 ? 1 : 50) {
        struct world *w = world(false, 0, true);
        say(w, 1, 1600 + rest);
        run(w, 400 * MS);
        cr_assert_eq(w->started[1], 1);
        cr_assert_eq(w->played[1], 1, "%zu samples over", rest);
        cr_assert_eq(w->heard[1], 1600 + rest);
        cr_assert(w->complete[1]);
        cr_assert_eq(w->sent, 10 + (rest > 0));
        cr_assert_not(vgw_timer_armed(&w->leg->tick), "an idle leg has no clock");
        over(w);
    }
}

Test(media_leg, frames_leave_on_the_grid_and_a_late_tick_is_dropped_and_leaves_no_delay)
{
    static const struct {
        int64_t late_us;
        uint64_t at_once; /* frames that the late tick sends */
    } rows[] = {{15 * MS, 1}, {50 * MS, 2}, {500 * MS, 2}};
    for (size_t i = 0; i < 3; i++) {
        struct world *w = world(false, 0, true);
        say(w, 1, 80000);
        run(w, 1000 * MS);
        uint64_t sent = w->sent;
        int64_t due = w->leg->pace.due_us;
        vgw_timer_start_at(&w->leg->tick, due + rows[i].late_us); /* as when the loop stands still */
        run(w, due + rows[i].late_us - vgw_driver_now(w->d));
        cr_assert_eq(w->sent - sent, rows[i].at_once, "row %zu: %d", i, (int)(w->sent - sent));
        sent = w->sent;
        run(w, 10000 * MS);
        cr_assert_eq((w->leg->pace.due_us - due) % (20 * MS), 0, "the grid stays");
        cr_assert_eq(w->heard[1], 80000, "nothing of it is lost");
        cr_assert_leq(w->sent, 501);
        over(w);
    }
}

/* Like a stream that keeps to the pace of speech: 20 ms each 20 ms. */
static void live_frames(struct world *w, int n, int64_t each_us)
{
    static const uint8_t audio[160] = {0x20};
    for (int i = 0; i < n; i++) {
        cr_assert_eq(vgw_leg_push(w->leg, 1, VGW_PCMU, 8000, audio, 160), 0);
        run(w, each_us);
    }
}

Test(media_leg, a_live_voice_has_no_standing_delay_200_ms_after_the_loop_stood_still)
{
    for (int clock_first = 0; clock_first < 2; clock_first++) {
        struct world *w = world(false, 0, true);
        cr_assert_eq(vgw_leg_live(w->leg, 1), VGW_ENOTFOUND);
        cr_assert_eq(vgw_leg_begin(w->leg, 1), 0);
        cr_assert_eq(vgw_leg_live(w->leg, 1), 0);
        live_frames(w, 100, 20 * MS);
        uint32_t before = vgw_playout_queued_ms(w->leg->playout);
        int64_t end = w->leg->pace.due_us + 50 * MS;
        vgw_timer_start_at(&w->leg->tick, end); /* the loop stands still; three frames come meanwhile */
        run(w, end - vgw_driver_now(w->d) - (clock_first ? 0 : 1));
        live_frames(w, 3, 0);
        run(w, clock_first ? 5 * MS : 1);
        live_frames(w, 8, 20 * MS);
        cr_assert_leq(vgw_playout_queued_ms(w->leg->playout), before, "%u ms before, %u after", before,
                      vgw_playout_queued_ms(w->leg->playout));
        uint64_t sent = w->sent;
        live_frames(w, 50, 20 * MS);
        cr_assert_eq(w->sent - sent, 50, "no frame is missing once it has caught up");
        cr_assert_eq(vgw_leg_finish(w->leg, 1), 0);
        run(w, 200 * MS);
        cr_assert_eq(w->played[1], 1);
        cr_assert_lt(w->heard[1], 161 * 160, "what was left out was not heard");
        cr_assert_geq(w->heard[1], 157 * 160, "no more is left out than was late");
        over(w);
    }
}

Test(media_leg, a_full_queue_takes_nothing_and_says_when_there_is_room)
{
    for (int small = 0; small < 2; small++) {
        struct world *w = world(false, small ? 400 : 2000, true);
        static uint8_t audio[16000];
        cr_assert_eq(vgw_leg_begin(w->leg, 1), 0);
        int taken = 0;
        while (vgw_leg_push(w->leg, 1, VGW_PCMU, 8000, audio, 800) == 0)
            taken++;
        cr_assert_eq(taken, small ? 3 : 19);
        cr_assert_eq(vgw_leg_push(w->leg, 1, VGW_PCMU, 8000, audio, 800), VGW_EBUSY);
        cr_assert_eq(vgw_leg_push(w->leg, 2, VGW_PCMU, 8000, audio, 800), VGW_ENOTFOUND);
        cr_assert_eq(vgw_leg_push(w->leg, 1, VGW_PCMU, 0, audio, 800), VGW_EINVALID);
        run(w, 1500 * MS);
        cr_assert_eq(w->rooms, 1);
        over(w);
    }
}

Test(media_leg, a_clear_reaches_the_far_side_before_anything_new_and_each_utterance_is_cut_once)
{
    struct world *w = world(true, 0, true);
    say(w, 1, 1600);
    say(w, 2, 1600);
    say(w, 3, 8000);
    run(w, 450 * MS); /* the first two have left, their marks are out */
    cr_assert_eq(w->marks, 2);
    cr_assert_eq(w->played[1], 0);
    cr_assert_eq(vgw_leg_on_mark(w->handle, 1, true), 0);
    cr_assert(w->complete[1]);
    w->mark_id[0] = w->mark_id[1];
    w->marks = 1;
    uint64_t sent = w->sent;
    vgw_leg_clear(w->leg);
    cr_assert_eq(w->clears, 1);
    cr_assert_eq(w->sent_at_clear, sent);
    cr_assert_eq(w->played[2] + w->played[3], 2);
    cr_assert_not(w->complete[2]);
    cr_assert_eq(w->heard[2], 1600);
    cr_assert_float_eq((double)w->heard[3], 480, 160);
    cr_assert_eq(vgw_leg_on_mark(w->handle, 2, true), VGW_ENOTFOUND, "a mark that comes late finds nothing");
    run(w, 100 * MS);
    cr_assert_eq(w->sent, sent + 1, "the end fades, at once");
    say(w, 4, 800);
    run(w, 200 * MS);
    cr_assert_eq(w->frame_epoch, w->epoch);
    run(w, 3000 * MS);
    cr_assert(w->complete[4], "a mark that never comes is not waited for");
    over(w);
}

Test(media_leg, a_frame_that_the_provider_refused_is_held_and_not_counted_when_it_is_cut)
{
    struct world *w = world(false, 0, true);
    w->busy = -1;
    say(w, 1, 320);
    run(w, 200 * MS);
    cr_assert_eq(w->sent, 0);
    w->busy = 0;
    cr_assert_eq(vgw_leg_on_writable(w->handle), 0);
    run(w, 200 * MS);
    cr_assert_eq(w->sent, 2, "none is lost");
    cr_assert(w->complete[1]);
    w->busy = -1;
    say(w, 2, 160);
    run(w, 200 * MS);
    cr_assert_eq(w->played[2], 0, "its last frame is not out");
    vgw_leg_clear(w->leg);
    cr_assert_eq(w->played[2], 1);
    cr_assert_eq(w->heard[2], 0);
    cr_assert_not(w->complete[2]);
    over(w);
}

Test(media_leg, music_that_the_provider_refused_is_not_heard_when_it_is_over)
{
    struct world *w = world(false, 0, true);
    w->busy = -1;
    vgw_leg_music(w->leg, true);
    run(w, 200 * MS);
    vgw_leg_music(w->leg, false);
    w->busy = 0;
    cr_assert_eq(vgw_leg_on_writable(w->handle), 0);
    run(w, 200 * MS);
    cr_assert_eq(w->sent, 0);
    w->busy = -1;
    cr_assert_eq(vgw_leg_dtmf(w->leg, "1", NULL), 0);
    run(w, 40 * MS);
    vgw_leg_music(w->leg, true);
    vgw_leg_music(w->leg, false);
    w->busy = 0;
    cr_assert_eq(vgw_leg_on_writable(w->handle), 0);
    run(w, 500 * MS);
    cr_assert_geq(w->sent, 5, "a tone is whole");
    over(w);
}

Test(media_leg, another_format_cuts_what_was_queued_and_never_lowers_the_epoch)
{
    struct world *w = world(true, 0, true);
    say(w, 1, 8000);
    run(w, 100 * MS);
    vgw_leg_clear(w->leg);
    vgw_leg_music(w->leg, true);
    uint32_t epoch = vgw_leg_epoch(w->leg);
    say(w, 2, 8000);
    format(w, VOICEGW_AUDIO_L16, 16000);
    cr_assert_eq(w->played[2], 1);
    cr_assert_gt(vgw_leg_epoch(w->leg), epoch);
    cr_assert_eq(w->ups, 2);
    cr_assert_eq(vgw_leg_begin(w->leg, 3), 0);
    static int16_t pcm[24000];
    cr_assert_eq(vgw_leg_push(w->leg, 3, VGW_L16, 24000, pcm, 2400), 0);
    cr_assert_eq(vgw_leg_finish(w->leg, 3), 0);
    run(w, 300 * MS);
    cr_assert_eq(vgw_leg_on_mark(w->handle, 3, true), 0);
    cr_assert_float_eq((double)w->heard[3], 1600, 4);
    struct voicegw_audio_format bad = {sizeof bad, VOICEGW_AUDIO_PCMU, 11025, 20};
    cr_assert_eq(vgw_leg_on_format(w->handle, &bad), VGW_EINVALID);
    over(w);
}

Test(media_leg, digits_are_signalled_or_sent_as_tones_one_after_another)
{
    struct world *w = world(false, 0, true);
    w->dtmf_signals = true;
    cr_assert_eq(vgw_leg_dtmf(w->leg, "12", NULL), 0);
    run(w, 500 * MS);
    cr_assert_eq(w->sent, 0);
    w->dtmf_signals = false;
    cr_assert_eq(vgw_leg_dtmf(w->leg, "12", NULL), 0);
    cr_assert_eq(vgw_leg_dtmf(w->leg, "34", NULL), 0);
    run(w, 2000 * MS);
    cr_assert_float_eq((double)w->sent, 40, 2, "four digits of 200 ms");
    struct vgw_error err = {0};
    cr_assert_eq(vgw_leg_dtmf(w->leg, "x", &err), VGW_EINVALID);
    cr_assert_eq(vgw_leg_on_dtmf(w->handle, "7", 100, "rfc4733"), 0);
    cr_assert_eq(vgw_leg_on_dtmf(w->handle, "77", 100, "rfc4733"), VGW_EINVALID);
    cr_assert_eq(vgw_leg_on_dtmf(w->handle, NULL, 100, NULL), VGW_EINVALID);
    cr_assert_str_eq(w->digits, "7");
    over(w);
}

static void frames(struct world *w, const int16_t *pcm, size_t n)
{
    uint8_t wire[160];
    static const int16_t quiet[160];
    for (size_t i = 0; i < n; i++) {
        vgw_encoding_encode(VGW_PCMU, pcm ? pcm + i * 160 : quiet, 160, wire);
        struct voicegw_frame f = {
            .size = sizeof f, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .data = wire, .bytes = 160, .samples = 160};
        vgw_leg_on_frame(w->handle, &f);
        run(w, 20 * MS);
    }
}

Test(media_leg, a_place_in_speech_is_counted_from_the_beginning_of_media_and_mute_ends_it)
{
    struct world *w = world(false, 0, true);
    struct signal s = signal_clip("slt", 1);
    frames(w, NULL, 100); /* nobody listens yet */
    vgw_leg_listen(w->leg, false, true, true);
    frames(w, NULL, 100);
    frames(w, s.pcm, 50);
    cr_assert_eq(w->vad_starts, 1);
    cr_assert_float_eq((double)w->vad_at, 32000, 4000, "%d", (int)w->vad_at);
    cr_assert_gt(vgw_leg_speech_ms(w->leg), 300);
    vgw_leg_mute(w->leg, true);
    cr_assert_eq(w->vad_ends, 1);
    frames(w, s.pcm, 50);
    cr_assert_eq(w->vad_starts, 1);
    cr_assert_eq(vgw_leg_position(w->leg), 300 * 160);
    signal_free(&s);
    over(w);
}

Test(media_leg, silence_on_the_line_is_told_and_so_are_life_and_quality)
{
    struct world *w = world(false, 0, true);
    frames(w, NULL, 600);
    cr_assert_eq(w->losts, 0);
    cr_assert_geq(w->alive, 1);
    cr_assert_leq(w->alive, 2);
    cr_assert_eq(vgw_leg_on_quality(w->handle, 0.01, 5, -1), 0);
    cr_assert_eq(w->qualities, 1);
    run(w, 2900 * MS);
    cr_assert_eq(w->losts, 0);
    run(w, 200 * MS);
    cr_assert_eq(w->losts, 1);
    cr_assert_eq(vgw_leg_on_lost(w->handle, NULL), 0);
    cr_assert_eq(w->losts, 2);
    vgw_leg_end(w->leg);
    run(w, 100 * MS);
    cr_assert_eq(vgw_json_get_int(vgw_json_get(w->summary, "quality"), "frames", 0), 600);
    cr_assert_eq(vgw_json_get_int(vgw_json_get(w->summary, "quality"), "lost", 1), 0);
    over(w);
}

Test(media_leg, it_goes_once_also_when_nobody_lets_go)
{
    for (int how = 0; how < 6; how++) {
        struct world *w = world(true, 0, how > 1);
        w->refuse = how == 0;
        w->no_detach = how == 3 || how == 5;
        w->sink_hangs = how == 4 || how == 5;
        if (how)
            vgw_driver_settle(w->d);
        else
            run(w, 10 * MS);
        cr_assert_eq(w->losts, how == 0);
        if (how > 1)
            say(w, 1, 8000);
        run(w, 100 * MS);
        vgw_leg_end(w->leg);
        run(w, 1990 * MS);
        cr_assert_eq(w->gone, how < 3, "%d", how);
        run(w, 20 * MS);
        cr_assert_eq(w->gone, 1);
        cr_assert_eq(w->ended, 1);
        cr_assert_eq(w->abandoned, w->sink_hangs);
        cr_assert_eq(w->played[1], how > 1);
        struct voicegw_frame f = {0};
        cr_assert_eq(vgw_leg_on_frame(w->handle, &f), VGW_ENOTFOUND);
        cr_assert_eq(vgw_leg_on_detached(w->handle), VGW_ENOTFOUND);
        over(w);
    }
}

Test(media_leg, whoever_hears_that_a_recording_is_over_finds_it_whole_on_disk)
{
    static uint8_t frame[160];
    char path[64];
    snprintf(path, sizeof path, "/tmp/voicegw-leg-%d.wav", (int)getpid());
    for (int ends = 0; ends < 2; ends++) { /* the leg ends right behind the stop, or goes on */
        unlink(path);
        struct world *w = world(false, 0, true);
        w->recording = path;
        cr_assert_eq(vgw_leg_record_start(w->leg, path, "rec_1", NULL), 0);
        struct voicegw_frame in = {.size = sizeof in, .data = frame, .bytes = sizeof frame};
        for (int i = 0; i < 125; i++, in.timestamp += 160) {
            cr_assert_eq(vgw_leg_on_frame(w->handle, &in), 0);
            run(w, 20 * MS);
        }
        cr_assert_eq(vgw_leg_record_stop(w->leg, 9), 0);
        cr_assert_eq(vgw_leg_record_stop(w->leg, 10), VGW_EBUSY);
        if (ends)
            vgw_leg_end(w->leg);
        run(w, 100 * MS);
        cr_assert_eq(w->recorded, 1);
        cr_assert_eq(w->tag, 9);
        cr_assert_float_eq(w->recorded_s, 2.5, 0.05);
        cr_assert_geq(w->recorded_bytes, (int64_t)(w->recorded_s * 32000));
        over(w);
    }
    unlink(path);
}

/* Everything a leg can be asked to do, with audio both ways. What cannot be had is refused or left out. */
static void all_it_can(struct world *w, const uint8_t *frame)
{
    struct voicegw_frame in = {.size = sizeof in, .data = frame, .bytes = 160};
    (void)unlink("/tmp/voicegw-leg-alloc.wav");
    (void)vgw_leg_record_start(w->leg, "/tmp/voicegw-leg-alloc.wav", "rec_1", NULL);
    vgw_leg_listen(w->leg, true, true, true);
    (void)vgw_leg_dtmf(w->leg, "1", NULL);
    (void)vgw_leg_dtmf(w->leg, "23", NULL);
    bool begun = vgw_leg_begin(w->leg, 1) == 0;
    if (begun) {
        (void)vgw_leg_live(w->leg, 1);
        (void)vgw_leg_push(w->leg, 1, VGW_L16, 16000, frame, 80);
        (void)vgw_leg_push(w->leg, 1, VGW_PCMU, 8000, frame, 160);
    }
    for (int i = 0; i < 60; i++) {
        in.timestamp += 160;
        cr_assert_eq(vgw_leg_on_frame(w->handle, &in), 0);
        run(w, 20 * MS);
    }
    if (begun)
        cr_assert_eq(vgw_leg_finish(w->leg, 1), 0);
    vgw_leg_music(w->leg, true);
    run(w, 100 * MS);
    format(w, VOICEGW_AUDIO_L16, 16000);
    in.bytes = 640;
    cr_assert_eq(vgw_leg_on_frame(w->handle, &in), 0);
    run(w, 100 * MS);
    (void)vgw_leg_record_stop(w->leg, 7);
    vgw_leg_music(w->leg, false);
    run(w, 100 * MS);
    cr_assert_eq(w->played[1], begun ? 1 : 0);
}

Test(media_leg, any_allocation_may_fail_and_the_leg_goes_whole)
{
    static uint8_t frame[640];
    memset(frame, 0x35, sizeof frame);
    vgw_log_set_level(VGW_LOG_ERROR);
    for (long n = 1;; n++) {
        cr_assert_lt(n, 2000, "the sweep did not come to its end");
        struct world *w = world(false, 0, true);
        vgw_alloc_fail_at(n);
        all_it_can(w, frame);
        bool all = vgw_alloc_count() < n;
        vgw_alloc_fail_at(0);
        over(w);
        if (all)
            break;
    }
}

Test(media_leg, a_leg_that_cannot_be_had_leaves_nothing)
{
    for (long n = 1; n < 100; n++) {
        struct world *w = calloc(1, sizeof *w);
        w->d = vgw_driver_new(1, 0);
        w->worker = vgw_driver_loop(w->d, "worker");
        struct vgw_leg_params p = {
            .worker = w->worker, .control = w->worker, .ops = &w->ops, .instance = w, .sink = &sink, .sink_arg = w};
        p.gone = on_gone;
        p.gone_arg = w;
        vgw_alloc_fail_at(n);
        int rc = vgw_leg_new(&p, &w->leg, &w->handle, NULL);
        vgw_alloc_fail_at(0);
        if (rc == 0) {
            vgw_leg_end(w->leg);
            run(w, 3000 * MS);
            cr_assert_eq(w->gone, 1);
            vgw_json_free(w->summary);
        }
        cr_assert_eq(vgw_handle_count(VGW_HANDLE_LEG), 0, "allocation %ld", n);
        vgw_loop_free(w->worker);
        vgw_driver_free(w->d);
        free(w);
        if (rc == 0)
            return;
        cr_assert_eq(rc, VGW_ELIMIT);
    }
}

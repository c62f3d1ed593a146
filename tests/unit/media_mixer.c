/* media_mixer.c - legs that hear each other, in virtual time, on workers of their own: each caller is a tone, and what
 * is sent to a leg is searched for the tones of all. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/time.h"
#include "loop/driver.h"
#include "loop/handle.h"
#include "media/leg_private.h"
#include "media/mixer_private.h"
#include "media_signal.h"

#define MS VGW_US_PER_MS
#define LEGS 4
#define KEEP 48000 /* samples of what was sent to a leg last */

static const double tones[LEGS] = {500, 900, 1300, 2100};

struct end { /* a caller at its leg */
    struct world *w;
    struct vgw_loop *worker;
    struct vgw_leg *leg;
    uint64_t handle, spoken;
    uint32_t rate_hz, encoding;
    struct vgw_timer mouth; /* speaks a frame each 20 ms */
    bool silent, gone, aside;
    int busy; /* sends that are refused */
    int16_t heard[KEEP];
    size_t heard_samples;
    double amplitude;
};

struct world {
    struct vgw_driver *d;
    struct vgw_loop *control;
    struct vgw_pool *pool;
    struct vgw_mixer *mixer;
    struct end ends[LEGS];
    struct vgw_mixer_port *ports[LEGS];
    struct voicegw_provider_media ops;
    int mixer_gone;
};

static int32_t attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                      uint32_t count, void **ret_stream)
{
    *ret_stream = instance;
    return 0;
}

static int32_t send_frame(void *stream, const struct voicegw_frame *frame)
{
    struct end *e = stream;
    static const enum vgw_encoding encodings[] = {
        [VOICEGW_AUDIO_PCMU] = VGW_PCMU, [VOICEGW_AUDIO_PCMA] = VGW_PCMA, [VOICEGW_AUDIO_L16] = VGW_L16};
    if (e->busy) {
        e->busy--;
        return VOICEGW_EBUSY;
    }
    if (e->heard_samples + frame->samples > KEEP)
        e->heard_samples = 0;
    vgw_encoding_decode(encodings[frame->encoding], frame->data, frame->samples, e->heard + e->heard_samples);
    e->heard_samples += frame->samples;
    return 0;
}

static int32_t clear(void *stream, uint32_t epoch)
{
    return 0;
}

static void detach(void *stream)
{
    vgw_leg_on_detached(((struct end *)stream)->handle);
}

static void on_end(void *arg)
{
    vgw_leg_sink_done(((struct end *)arg)->leg);
}

static void on_mix(void *arg, bool aside)
{
    ((struct end *)arg)->aside = aside;
}

static const struct vgw_leg_sink sink = {.on_end = on_end, .on_mix = on_mix};

static void on_gone(void *arg, struct vgw_json *summary)
{
    ((struct end *)arg)->gone = true;
    vgw_json_free(summary);
}

static void on_mixer_gone(void *arg)
{
    ((struct world *)arg)->mixer_gone++;
}

static void on_mouth(void *arg)
{
    struct end *e = arg;
    int16_t pcm[VGW_FRAME_SAMPLES_MAX];
    uint8_t wire[sizeof pcm];
    size_t k = (size_t)(e - e->w->ends), n = VGW_SAMPLES(e->rate_hz, 20);
    for (size_t i = 0; i < n; i++, e->spoken++)
        pcm[i] = (int16_t)lrint(e->amplitude * sin(2 * M_PI * tones[k] * (double)e->spoken / e->rate_hz) * !e->silent);
    enum vgw_encoding encoding = e->encoding == VOICEGW_AUDIO_L16 ? VGW_L16 : VGW_PCMU;
    vgw_encoding_encode(encoding, pcm, n, wire);
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = e->encoding,
                              .rate = e->rate_hz,
                              .data = wire,
                              .bytes = (uint32_t)(n * vgw_encoding_bytes(encoding)),
                              .samples = (uint32_t)n};
    vgw_leg_on_frame(e->handle, &f);
    vgw_timer_start(&e->mouth, 20 * MS);
}

static void leg_make(struct world *w, size_t k, struct vgw_loop *worker, uint32_t rate_hz)
{
    struct end *e = &w->ends[k];
    e->w = w;
    e->worker = worker;
    e->rate_hz = rate_hz;
    e->encoding = rate_hz == 8000 ? VOICEGW_AUDIO_PCMU : VOICEGW_AUDIO_L16;
    e->amplitude = 6000;
    struct vgw_leg_params p = {.worker = worker,
                               .control = w->control,
                               .pool = w->pool,
                               .ops = &w->ops,
                               .instance = e,
                               .sink = &sink,
                               .sink_arg = e,
                               .gone = on_gone,
                               .gone_arg = e};
    cr_assert_eq(vgw_leg_new(&p, &e->leg, &e->handle, NULL), 0);
    vgw_driver_settle(w->d);
    struct voicegw_audio_format f = {sizeof f, e->encoding, rate_hz, 20};
    cr_assert_eq(vgw_leg_on_format(e->handle, &f), 0);
    vgw_timer_init(&e->mouth, worker, on_mouth, e);
    vgw_timer_start(&e->mouth, (int64_t)(3 + 7 * k) * MS); /* nobody's frames come together */
}

/* `workers`: how many the legs are spread over; the mixer is on the first. */
static struct world *world(uint64_t seed, unsigned workers, const uint32_t rates[LEGS])
{
    struct world *w = calloc(1, sizeof *w);
    struct vgw_loop *loops[LEGS];
    w->d = vgw_driver_new(seed, 0);
    w->control = vgw_driver_loop(w->d, "control");
    vgw_pool_new(0, w->d, &w->pool, NULL);
    w->ops = (struct voicegw_provider_media){
        .size = sizeof w->ops, .attach = attach, .send = send_frame, .clear = clear, .detach = detach};
    for (unsigned i = 0; i < workers; i++)
        loops[i] = vgw_driver_loop(w->d, "worker");
    for (size_t k = 0; k < LEGS; k++)
        leg_make(w, k, loops[k % workers], rates ? rates[k] : 8000);
    cr_assert_eq(vgw_mixer_new(loops[0], w->control, on_mixer_gone, w, &w->mixer, NULL), 0);
    return w;
}

static const struct vgw_mixer_role talks = {.heard_by = VGW_MIXER_ALL, .hears = true, .aside = true};

static void join(struct world *w, size_t k, struct vgw_mixer_role role)
{
    cr_assert_eq(vgw_mixer_join(w->mixer, w->ends[k].handle, &role, &w->ports[k], NULL), 0);
}

static void set(struct world *w, size_t k, struct vgw_mixer_role role)
{
    vgw_mixer_port_set(w->ports[k], &role);
}

static void run(struct world *w, int64_t us)
{
    vgw_driver_run(w->d, us);
}

/* How loud the tone of `of` is in the last 400 ms that were sent to k. */
static double heard(struct world *w, size_t k, size_t of)
{
    struct end *e = &w->ends[k];
    size_t n = VGW_SAMPLES(e->rate_hz, 400);
    e->heard_samples = 0;
    run(w, 500 * MS);
    n = n < e->heard_samples ? n : e->heard_samples;
    return n < VGW_SAMPLES(e->rate_hz, 100)
               ? 0
               : signal_amplitude_at(e->heard + e->heard_samples - n, n, tones[of], e->rate_hz);
}

/* Row k, column of: '#' where the one is to hear the other. */
static void check(struct world *w, const char *const rows[LEGS])
{
    for (size_t k = 0; k < LEGS; k++)
        for (size_t of = 0; of < LEGS; of++) {
            double a = heard(w, k, of);
            if (rows[k][of] == '#')
                cr_assert(a > 5000 && a < 7000, "%zu hears %zu at %.0f", k, of, a);
            else
                cr_assert_lt(a, 150, "%zu hears %zu at %.0f", k, of, a);
        }
}

static void leave(struct world *w, size_t k)
{
    vgw_mixer_port_leave(w->ports[k]);
    w->ports[k] = NULL;
}

static void over(struct world *w)
{
    for (size_t k = 0; k < LEGS; k++)
        if (w->ports[k])
            leave(w, k);
    vgw_mixer_end(w->mixer);
    run(w, 100 * MS);
    cr_assert_eq(w->mixer_gone, 1);
    struct vgw_loop *freed[LEGS] = {NULL};
    for (size_t k = 0; k < LEGS; k++) {
        vgw_timer_stop(&w->ends[k].mouth);
        if (!w->ends[k].gone)
            vgw_leg_end(w->ends[k].leg);
    }
    run(w, 3000 * MS);
    cr_assert_eq(vgw_handle_count(VGW_HANDLE_LEG), 0);
    vgw_pool_free(w->pool);
    for (size_t k = 0; k < LEGS; k++) {
        bool before = false;
        for (size_t i = 0; i < k; i++)
            before = before || freed[i] == w->ends[k].worker;
        freed[k] = w->ends[k].worker;
        if (!before)
            vgw_loop_free(w->ends[k].worker);
    }
    vgw_loop_free(w->control);
    vgw_driver_free(w->d);
    free(w);
}

Test(media_mixer, each_hears_all_the_others_and_not_itself_on_any_workers_in_any_order)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct world *w = world(seed, 1 + seed % 4, NULL);
        for (size_t k = 0; k < 3; k++)
            join(w, k, talks);
        run(w, 200 * MS);
        check(w, (const char *const[]){".##.", "#.#.", "##..", "...."});
        cr_assert(w->ends[0].aside && !w->ends[3].aside);
        join(w, 3, talks);
        leave(w, 1);
        run(w, 200 * MS);
        cr_assert_not(w->ends[1].aside);
        check(w, (const char *const[]){"..##", "....", "#..#", "#.#."});
        over(w);
    }
}

Test(media_mixer, legs_of_other_rates_are_joined_and_two_wide_ones_hear_each_other_wide)
{
    static const uint32_t rates[LEGS] = {16000, 8000, 48000, 24000};
    struct world *w = world(5, 2, rates);
    for (size_t k = 0; k < LEGS; k++)
        join(w, k, talks);
    run(w, 300 * MS);
    cr_assert_eq(vgw_mixer_rate_hz(w->mixer), 16000);
    check(w, (const char *const[]){".###", "#.##", "##.#", "###."});
    leave(w, 2);
    leave(w, 3);
    run(w, 300 * MS);
    cr_assert_eq(vgw_mixer_rate_hz(w->mixer), 8000, "one alone hears nothing wide");
    check(w, (const char *const[]){".#..", "#...", "....", "...."});
    over(w);
}

Test(media_mixer, who_listens_is_not_heard_who_whispers_is_heard_by_one_who_is_muted_by_none)
{
    struct world *w = world(7, 3, NULL);
    struct vgw_mixer_role listens = {.hears = true, .aside = true}, whispers = listens, deaf = talks, music = listens;
    for (size_t k = 0; k < 2; k++)
        join(w, k, talks);
    join(w, 2, listens);
    run(w, 200 * MS);
    check(w, (const char *const[]){".#..", "#...", "##..", "...."});
    whispers.heard_by = vgw_mixer_port_bit(w->ports[1]);
    set(w, 2, whispers);
    check(w, (const char *const[]){".#..", "#.#.", "##..", "...."});
    set(w, 2, talks); /* breaks in */
    check(w, (const char *const[]){".##.", "#.#.", "##..", "...."});
    set(w, 0, listens); /* muted */
    check(w, (const char *const[]){".##.", "..#.", ".#..", "...."});
    deaf.hears = false;
    set(w, 0, deaf);
    check(w, (const char *const[]){"....", "#.#.", "##..", "...."});
    music.music = true;
    set(w, 0, music);
    w->ends[0].heard_samples = 0;
    check(w, (const char *const[]){"....", "..#.", ".#..", "...."});
    cr_assert(w->ends[0].leg->music, "the held one hears music");
    leave(w, 0);
    run(w, 100 * MS);
    cr_assert_not(w->ends[0].leg->music);
    over(w);
}

Test(media_mixer, what_the_gateway_says_on_a_shared_leg_is_heard_by_its_caller_and_by_those_who_listen)
{
    struct world *w = world(9, 2, NULL);
    struct vgw_mixer_role shared = talks, listens = {.hears = true, .aside = true};
    static int16_t said[8000 * 6];
    shared.aside = false;
    shared.shares = true;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        said[i] = (int16_t)lrint(6000 * sin(2 * M_PI * tones[3] * (double)i / 8000));
    join(w, 0, shared);
    join(w, 1, listens);
    cr_assert_eq(vgw_leg_begin(w->ends[0].leg, 1), 0);
    cr_assert_eq(vgw_leg_push(w->ends[0].leg, 1, VGW_L16, 8000, said, sizeof said / sizeof *said), 0);
    run(w, 200 * MS);
    double own = heard(w, 0, 3), other = heard(w, 1, 3), caller = heard(w, 1, 0), echo = heard(w, 0, 0);
    cr_assert(own > 5000 && own < 7000, "the caller hears it at %.0f, once", own);
    cr_assert(other > 5000 && other < 7000, "who listens hears it at %.0f", other);
    cr_assert_gt(caller, 5000);
    cr_assert_lt(echo, 150);
    over(w);
}

Test(media_mixer, loud_voices_saturate_and_wrap_never)
{
    struct world *w = world(3, 1, NULL);
    for (size_t k = 0; k < LEGS; k++) {
        w->ends[k].amplitude = 32000;
        join(w, k, talks);
    }
    run(w, 200 * MS);
    for (size_t of = 1; of < LEGS; of++) { /* a clipped sum keeps its voices; one that wraps is noise */
        double a = heard(w, 0, of);
        cr_assert(a > 12000 && a < 32000, "%zu is heard at %.0f", of, a);
    }
    over(w);
}

static double dropped(const char *what)
{
    return vgw_metric_value(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", "", "what"), what, NULL,
                            NULL);
}

/* Frames between a caller's mouth and another's ear: what stands in the rings. */
static uint32_t standing(struct world *w, size_t from, size_t to)
{
    return vgw_frame_ring_level(&w->ports[from]->from_leg) + vgw_frame_ring_level(&w->ports[to]->to_leg);
}

Test(media_mixer, a_stall_of_clock_or_network_leaves_no_standing_delay_and_is_counted)
{
    struct world *w = world(11, 2, NULL);
    join(w, 0, talks);
    join(w, 1, talks);
    run(w, 1000 * MS);
    uint32_t before = standing(w, 0, 1);
    cr_assert_leq(before, 3, "%u frames stand", before);
    double late = dropped("mix_late");
    for (int i = 0; i < 12; i++) { /* the network held 240 ms back: they come at once */
        vgw_timer_stop(&w->ends[0].mouth);
        on_mouth(&w->ends[0]);
    }
    cr_assert_geq(standing(w, 0, 1), 11);
    run(w, 1200 * MS);
    cr_assert_leq(standing(w, 0, 1), before + 1);
    cr_assert_geq(dropped("mix_late") - late, 10);
    for (int i = 0; i < 40; i++) { /* more than a ring takes */
        vgw_timer_stop(&w->ends[0].mouth);
        on_mouth(&w->ends[0]);
    }
    cr_assert_geq(dropped("mix_overrun"), 20);
    w->ends[1].busy = 30; /* the far side takes nothing for a while */
    run(w, 600 * MS);
    cr_assert_eq(w->ends[1].busy, 29, "nothing is tried before it says that it takes more");
    w->ends[1].busy = 0;
    vgw_leg_on_writable(w->ends[1].handle);
    run(w, 1000 * MS);
    cr_assert_leq(standing(w, 0, 1), before + 1);
    check(w, (const char *const[]){".#..", "#...", "....", "...."});
    over(w);
}

Test(media_mixer, a_leg_that_ends_first_and_one_that_was_never_there_leave_nothing_behind)
{
    struct world *w = world(13, 3, NULL);
    struct vgw_mixer_port *p = NULL;
    struct vgw_error err = {0};
    join(w, 0, talks);
    join(w, 1, talks);
    join(w, 2, talks);
    vgw_timer_stop(&w->ends[1].mouth);
    vgw_leg_end(w->ends[1].leg); /* in the same moment */
    leave(w, 2);
    run(w, 300 * MS);
    cr_assert(w->ends[1].gone);
    check(w, (const char *const[]){"....", "....", "....", "...."});
    cr_assert_eq(vgw_mixer_join(w->mixer, w->ends[1].handle, &talks, &p, &err), VGW_ENOTFOUND);
    cr_assert_gt(strlen(err.text), 5);
    vgw_mixer_end(w->mixer);
    run(w, 100 * MS);
    cr_assert_eq(w->mixer_gone, 0, "it waits for its ports");
    over(w);
}

Test(media_mixer, a_full_mix_takes_nobody_more)
{
    struct world *w = world(15, 1, NULL);
    struct vgw_mixer_port *ports[VGW_MIXER_PLACES_MAX], *p = NULL;
    struct vgw_error err = {0};
    for (unsigned i = 0; i < VGW_MIXER_PLACES_MAX; i++)
        cr_assert_eq(vgw_mixer_join(w->mixer, w->ends[3].handle, &talks, &ports[i], NULL), 0);
    cr_assert_eq(vgw_mixer_join(w->mixer, w->ends[0].handle, &talks, &p, &err), VGW_ELIMIT);
    cr_assert_gt(strlen(err.text), 5);
    for (unsigned i = 0; i < VGW_MIXER_PLACES_MAX; i++)
        vgw_mixer_port_leave(ports[i]);
    run(w, 100 * MS);
    cr_assert_eq(vgw_mixer_join(w->mixer, w->ends[0].handle, &talks, &w->ports[0], &err), 0);
    over(w);
}

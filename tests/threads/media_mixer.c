/* Legs on workers of their own, joined by a mixer on another, while control joins, moves and ends them: frames cross
 * threads without a lock, and all that was made comes back. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/time.h"
#include "check.h"
#include "loop/handle.h"
#include "media/leg.h"
#include "media/mixer.h"

#define LEGS 4
#define ROUNDS 60

struct end {
    struct vgw_loop *worker;
    struct vgw_leg *leg;
    uint64_t handle;
    struct vgw_timer mouth;
    struct vgw_mixer_port *port; /* control's */
    _Atomic unsigned sent;
    bool started, gone;
};

static struct vgw_loop *control, *home;
static struct end ends[LEGS];
static struct vgw_mixer *mixer;
static struct vgw_timer act;
static unsigned rounds, mixers_gone, legs_gone, seed = 7;
static bool closing;

static int32_t attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                      uint32_t count, void **ret_stream)
{
    struct voicegw_audio_format f = {sizeof f, VOICEGW_AUDIO_PCMU, 8000, 20};
    struct end *e = instance;
    (void)call;
    (void)formats;
    (void)count;
    *ret_stream = e;
    e->handle = leg;
    vgw_timer_start(&e->mouth, 0);
    return vgw_leg_on_format(leg, &f) < 0 ? VOICEGW_EPROVIDER : 0;
}

static int32_t send_frame(void *stream, const struct voicegw_frame *frame)
{
    (void)frame;
    ((struct end *)stream)->sent++;
    return 0;
}

static int32_t clear(void *stream, uint32_t epoch)
{
    (void)stream;
    (void)epoch;
    return 0;
}

static void detach(void *stream)
{
    struct end *e = stream;
    vgw_timer_stop(&e->mouth);
    vgw_leg_on_detached(e->handle);
}

static const struct voicegw_provider_media ops = {
    .size = sizeof ops, .attach = attach, .send = send_frame, .clear = clear, .detach = detach};

static void on_mouth(void *arg)
{
    struct end *e = arg;
    uint8_t frame[160];
    memset(frame, 0x20, sizeof frame);
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = VOICEGW_AUDIO_PCMU,
                              .rate = 8000,
                              .data = frame,
                              .bytes = sizeof frame,
                              .samples = 160};
    vgw_leg_on_frame(e->handle, &f);
    vgw_timer_start(&e->mouth, 2000); /* faster than life: the rings fill and run over */
}

static void on_end(void *arg)
{
    vgw_leg_sink_done(((struct end *)arg)->leg);
}

static const struct vgw_leg_sink sink = {.on_end = on_end};

static void over(void)
{
    if (closing && legs_gone == LEGS && mixers_gone == 1)
        vgw_loop_stop(control);
}

static void on_gone(void *arg, struct vgw_json *summary)
{
    (void)arg;
    vgw_json_free(summary);
    legs_gone++;
    over();
}

static void on_mixer_gone(void *arg)
{
    (void)arg;
    mixers_gone++;
    over();
}

static unsigned below(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % n;
}

static void close_all(void)
{
    closing = true;
    for (size_t k = 0; k < LEGS; k++) {
        if (k % 2) /* some legs end before their port leaves, some after */
            vgw_leg_end(ends[k].leg);
        if (ends[k].port)
            vgw_mixer_port_leave(ends[k].port);
        vgw_leg_end(ends[k].leg);
    }
    vgw_mixer_end(mixer);
}

static void on_act(void *arg)
{
    struct end *e = &ends[below(LEGS)];
    struct vgw_mixer_role role = {.heard_by = below(2) ? VGW_MIXER_ALL : below(16),
                                  .hears = below(4) > 0,
                                  .music = below(4) == 0,
                                  .shares = below(2)};
    (void)arg;
    if (++rounds > ROUNDS) {
        close_all();
        return;
    }
    if (!e->port) {
        CHECK(vgw_mixer_join(mixer, vgw_leg_handle(e->leg), &role, &e->port, NULL) == 0);
    } else if (below(3) == 0) {
        vgw_mixer_port_leave(e->port);
        e->port = NULL;
    } else {
        vgw_mixer_port_set(e->port, &role);
    }
    vgw_timer_start(&act, 10000);
}

int main(void)
{
    CHECK(vgw_loop_new_control(&control, NULL) == 0);
    CHECK(vgw_loop_new_worker("home", NULL, NULL, &home, NULL) == 0);
    for (size_t k = 0; k < LEGS; k++) {
        struct end *e = &ends[k];
        CHECK(vgw_loop_new_worker("leg", NULL, NULL, &e->worker, NULL) == 0);
        vgw_timer_init(&e->mouth, e->worker, on_mouth, e);
        struct vgw_leg_params p = {.worker = e->worker,
                                   .control = control,
                                   .ops = &ops,
                                   .instance = e,
                                   .sink = &sink,
                                   .sink_arg = e,
                                   .gone = on_gone,
                                   .gone_arg = e};
        uint64_t handle;
        CHECK(vgw_leg_new(&p, &e->leg, &handle, NULL) == 0);
    }
    CHECK(vgw_mixer_new(home, control, on_mixer_gone, NULL, &mixer, NULL) == 0);
    vgw_timer_init(&act, control, on_act, NULL);
    vgw_timer_start(&act, 0);
    vgw_loop_run(control);
    unsigned sent = 0;
    for (size_t k = 0; k < LEGS; k++) {
        sent += ends[k].sent;
        vgw_loop_stop(ends[k].worker);
        vgw_loop_free(ends[k].worker);
    }
    vgw_loop_stop(home);
    vgw_loop_free(home);
    vgw_loop_free(control);
    CHECK(sent > 0);
    CHECK(vgw_handle_count(VGW_HANDLE_LEG) == 0);
    return check_end();
}

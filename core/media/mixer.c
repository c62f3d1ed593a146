/* mixer.c - a mixer: ports on control, one clock on its worker. */
#include "media/mixer_private.h"

#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/metric.h"
#include "loop/handle.h"
#include "media/frame.h"
#include "media/mix.h"

#define TICK_US 20000
#define BURST 2 /* frames that a late tick may still mix */

#define ROLE_HEARS (UINT64_C(1) << 32)
#define ROLE_MUSIC (UINT64_C(1) << 33)
#define ROLE_ASIDE (UINT64_C(1) << 34)
#define ROLE_SHARES (UINT64_C(1) << 35)

struct vgw_mixer {
    struct vgw_loop *worker, *control;
    _Atomic uint32_t rate_hz;

    /* control */
    void (*gone)(void *arg);
    void *arg;
    uint32_t taken; /* places, as bits */
    bool ended;
    struct vgw_task stop_task;

    /* worker */
    struct vgw_mixer_port *ports[VGW_MIXER_PLACES_MAX];
    uint32_t port_count;
    struct vgw_timer tick;
    struct vgw_pace pace;
};

uint64_t vgw_mixer_role_pack(const struct vgw_mixer_role *role)
{
    return role->heard_by | (role->hears ? ROLE_HEARS : 0) | (role->music ? ROLE_MUSIC : 0) |
           (role->aside ? ROLE_ASIDE : 0) | (role->shares ? ROLE_SHARES : 0);
}

struct vgw_mixer_role vgw_mixer_role_unpack(uint64_t packed)
{
    return (struct vgw_mixer_role){.heard_by = (uint32_t)packed,
                                   .hears = packed & ROLE_HEARS,
                                   .music = packed & ROLE_MUSIC,
                                   .aside = packed & ROLE_ASIDE,
                                   .shares = packed & ROLE_SHARES};
}

uint32_t vgw_mixer_rate_hz(const struct vgw_mixer *m)
{
    return atomic_load_explicit(&m->rate_hz, memory_order_relaxed);
}

void vgw_mixer_dropped(const char *what, uint32_t frames)
{
    if (frames)
        vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", "What was dropped", "what"),
                       frames, what, NULL, NULL);
}

static struct vgw_metric *mixes_gauge(void)
{
    return vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_mixes", "Mixes of several legs that run", NULL);
}

/* ---- the clock, on the worker ---- */

static void rate_choose(struct vgw_mixer *m)
{
    unsigned wide = 0;
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++)
        wide += m->ports[k] && atomic_load_explicit(&m->ports[k]->wide, memory_order_relaxed);
    atomic_store_explicit(&m->rate_hz, wide >= 2 ? VGW_MIXER_WIDE_HZ : VGW_RATE_NARROW, memory_order_relaxed);
}

/* One frame of a ring at the rate of the mix; what still comes at another rate is left out, for one or two frames. */
static bool frame_of(struct vgw_frame_ring *ring, uint32_t rate_hz, int16_t *pcm)
{
    uint32_t late, got = vgw_frame_ring_take(ring, pcm, &late);
    vgw_mixer_dropped("mix_late", late);
    return got == rate_hz;
}

/* What is heard of a participant now: itself, and what the gateway says on its leg. */
static bool heard_of(struct vgw_mixer_port *p, uint32_t rate_hz)
{
    int16_t voice[VGW_FRAME_RING_SAMPLES];
    size_t n = VGW_SAMPLES(rate_hz, VGW_FRAME_MS);
    bool heard = frame_of(&p->from_leg, rate_hz, p->in);
    bool said = p->voice && frame_of(p->voice, rate_hz, voice);
    if (said && heard)
        vgw_mix_add(p->in, voice, n);
    else if (said)
        memcpy(p->in, voice, n * sizeof *voice);
    return heard || said;
}

static void whisper(struct vgw_mixer *m, uint32_t from, uint32_t heard_by, int16_t *const *out, size_t n)
{
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++)
        if (k != from && out[k] && (heard_by & (1u << k)))
            vgw_mix_add(out[k], m->ports[from]->in, n);
}

static void mix_once(struct vgw_mixer *m)
{
    const int16_t *in[VGW_MIXER_PLACES_MAX] = {NULL};
    int16_t *out[VGW_MIXER_PLACES_MAX] = {NULL};
    uint32_t whispers[VGW_MIXER_PLACES_MAX] = {0};
    int32_t sum[VGW_FRAME_RING_SAMPLES];
    uint32_t rate_hz = vgw_mixer_rate_hz(m);
    size_t n = VGW_SAMPLES(rate_hz, VGW_FRAME_MS);
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++) {
        struct vgw_mixer_port *p = m->ports[k];
        if (!p)
            continue;
        struct vgw_mixer_role role = vgw_mixer_port_role(p);
        bool heard = heard_of(p, rate_hz) && role.heard_by;
        in[k] = heard && role.heard_by == VGW_MIXER_ALL ? p->in : NULL;
        whispers[k] = heard && !in[k] ? role.heard_by : 0;
        out[k] = role.hears ? p->out : NULL;
    }
    vgw_mix_minus_one(out, in, VGW_MIXER_PLACES_MAX, n, sum);
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++)
        if (whispers[k])
            whisper(m, k, whispers[k], out, n);
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++)
        if (out[k] && !vgw_frame_ring_put(&m->ports[k]->to_leg, rate_hz, out[k]))
            vgw_metric_dropped("mix_overrun");
}

/* Live voices: what stood in the rings while the clock stood still is not played later. */
static void lose(struct vgw_mixer *m, uint32_t ticks)
{
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++) {
        struct vgw_mixer_port *p = m->ports[k];
        if (!p)
            continue;
        vgw_mixer_dropped("mix_late", vgw_frame_ring_skip(&p->from_leg, ticks));
        if (p->voice)
            vgw_mixer_dropped("mix_late", vgw_frame_ring_skip(p->voice, ticks));
    }
}

static void on_tick(void *arg)
{
    struct vgw_mixer *m = arg;
    uint32_t lost = 0, due = vgw_pace_due(&m->pace, vgw_now(m->worker), &lost);
    rate_choose(m);
    if (lost)
        lose(m, lost);
    while (due--)
        mix_once(m);
    if (m->port_count)
        vgw_timer_start_at(&m->tick, m->pace.due_us);
}

/* ---- ports, on the workers ---- */

static void on_add(struct vgw_task *task)
{
    struct vgw_mixer_port *p = VGW_CONTAINER_OF(task, struct vgw_mixer_port, add_task);
    struct vgw_mixer *m = p->mixer;
    m->ports[p->place] = p;
    if (m->port_count++)
        return;
    vgw_pace_init(&m->pace, TICK_US, BURST);
    vgw_timer_start(&m->tick, 0);
}

static void on_set(struct vgw_task *task)
{
    struct vgw_mixer_port *p = VGW_CONTAINER_OF(task, struct vgw_mixer_port, set_task);
    vgw_leg_mix_set(vgw_handle_get(p->leg, VGW_HANDLE_LEG), p);
}

static void port_free(struct vgw_mixer_port *p)
{
    vgw_resampler_free(p->rx);
    vgw_resampler_free(p->tx);
    vgw_resampler_free(p->share);
    vgw_free(p->voice);
    vgw_free(p);
}

static void on_stopped(struct vgw_task *task)
{
    struct vgw_mixer *m = VGW_CONTAINER_OF(task, struct vgw_mixer, stop_task);
    void (*gone)(void *arg) = m->gone;
    void *arg = m->arg;
    vgw_metric_add(mixes_gauge(), -1, NULL, NULL, NULL);
    vgw_free(m);
    if (gone)
        gone(arg);
}

static void on_stop(struct vgw_task *task)
{
    struct vgw_mixer *m = VGW_CONTAINER_OF(task, struct vgw_mixer, stop_task);
    vgw_timer_stop(&m->tick);
    m->stop_task.fn = on_stopped;
    vgw_loop_post(m->control, &m->stop_task);
}

static void maybe_stop(struct vgw_mixer *m)
{
    if (!m->ended || m->taken)
        return;
    m->stop_task.fn = on_stop;
    vgw_loop_post(m->worker, &m->stop_task);
}

/* On control, then on the leg's worker, then on the mixer's, then on control again. */
static void on_back(struct vgw_task *task)
{
    struct vgw_mixer_port *p = VGW_CONTAINER_OF(task, struct vgw_mixer_port, leave_task);
    struct vgw_mixer *m = p->mixer;
    m->taken &= ~(1u << p->place);
    port_free(p);
    maybe_stop(m);
}

static void on_remove(struct vgw_task *task)
{
    struct vgw_mixer_port *p = VGW_CONTAINER_OF(task, struct vgw_mixer_port, leave_task);
    struct vgw_mixer *m = p->mixer;
    m->ports[p->place] = NULL;
    if (!--m->port_count)
        vgw_timer_stop(&m->tick);
    p->leave_task.fn = on_back;
    vgw_loop_post(m->control, &p->leave_task);
}

static void on_leave(struct vgw_task *task)
{
    struct vgw_mixer_port *p = VGW_CONTAINER_OF(task, struct vgw_mixer_port, leave_task);
    vgw_leg_mix_leave(vgw_handle_get(p->leg, VGW_HANDLE_LEG), p);
    p->leave_task.fn = on_remove;
    vgw_loop_post(p->mixer->worker, &p->leave_task);
}

/* ---- control ---- */

int vgw_mixer_new(struct vgw_loop *worker, struct vgw_loop *control, void (*gone)(void *arg), void *arg,
                  struct vgw_mixer **ret_mixer, struct vgw_error *err)
{
    struct vgw_mixer *m;
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    m->worker = worker;
    m->control = control;
    m->gone = gone;
    m->arg = arg;
    atomic_store_explicit(&m->rate_hz, VGW_RATE_NARROW, memory_order_relaxed);
    vgw_timer_init(&m->tick, worker, on_tick, m);
    vgw_metric_add(mixes_gauge(), 1, NULL, NULL, NULL);
    *ret_mixer = m;
    return 0;
}

void vgw_mixer_end(struct vgw_mixer *m)
{
    if (m->ended)
        return;
    m->ended = true;
    maybe_stop(m);
}

static int place_free(const struct vgw_mixer *m)
{
    for (uint32_t k = 0; k < VGW_MIXER_PLACES_MAX; k++)
        if (!(m->taken & (1u << k)))
            return (int)k;
    return -1;
}

int vgw_mixer_join(struct vgw_mixer *m, uint64_t leg, const struct vgw_mixer_role *role,
                   struct vgw_mixer_port **ret_port, struct vgw_error *err)
{
    struct vgw_mixer_port *p;
    struct vgw_loop *leg_loop = vgw_handle_loop(leg);
    int place = place_free(m);
    if (!leg_loop)
        return vgw_error_set(err, VGW_ENOTFOUND, "the call's media is gone");
    if (place < 0)
        return vgw_error_set(err, VGW_ELIMIT, "at most %u calls can be joined with each other", VGW_MIXER_PLACES_MAX);
    if (!VGW_NEW(p) || (role->shares && !VGW_NEW(p->voice))) {
        vgw_free(p);
        return vgw_error_nomem(err);
    }
    p->mixer = m;
    p->place = (uint32_t)place;
    p->leg = leg;
    p->leg_loop = leg_loop;
    p->add_task.fn = on_add;
    p->set_task.fn = on_set;
    p->leave_task.fn = on_leave;
    m->taken |= 1u << place;
    p->role_set = vgw_mixer_role_pack(role);
    atomic_store_explicit(&p->role, p->role_set, memory_order_relaxed);
    vgw_loop_post(m->worker, &p->add_task);
    vgw_loop_post(leg_loop, &p->set_task);
    *ret_port = p;
    return 0;
}

uint32_t vgw_mixer_port_bit(const struct vgw_mixer_port *port)
{
    return 1u << port->place;
}

void vgw_mixer_port_set(struct vgw_mixer_port *p, const struct vgw_mixer_role *role)
{
    uint64_t packed = vgw_mixer_role_pack(role);
    if (packed == p->role_set)
        return;
    p->role_set = packed;
    atomic_store_explicit(&p->role, packed, memory_order_relaxed);
    vgw_loop_post(p->leg_loop, &p->set_task);
}

void vgw_mixer_port_leave(struct vgw_mixer_port *port)
{
    vgw_loop_post(port->leg_loop, &port->leave_task);
}

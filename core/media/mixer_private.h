/* mixer_private.h - a mixer's inside, shared by mixer.c (its clock) and leg_mix.c (a leg's end of a port) only. */
#ifndef VGW_MEDIA_MIXER_PRIVATE_H
#define VGW_MEDIA_MIXER_PRIVATE_H
#include <stdatomic.h>

#include "media/frame_ring.h"
#include "media/mixer.h"
#include "media/playout.h"
#include "media/resample.h"

#define VGW_MIXER_WIDE_HZ 16000u

struct vgw_leg;

struct vgw_mixer_port {
    struct vgw_mixer *mixer;
    uint32_t place;
    uint64_t leg;              /* handle */
    struct vgw_loop *leg_loop; /* where it lives */
    struct vgw_task add_task, set_task, leave_task;
    _Atomic uint64_t role; /* control writes; see vgw_mixer_role_pack() */
    uint64_t role_set;     /* control's copy */
    _Atomic bool wide;     /* the leg's worker writes: it can give and take 16 kHz */

    /* the leg's worker */
    struct vgw_resampler *rx, *tx, *share; /* made when the rates differ */
    uint32_t rx_hz, tx_hz, share_hz;       /* of the other end of each */
    int16_t fill[VGW_FRAME_RING_SAMPLES];  /* of the caller: less than 20 ms */
    uint32_t filled, fill_hz;
    int16_t said[VGW_FRAME_RING_SAMPLES]; /* of us, for the others */
    uint32_t said_filled, said_hz;

    /* the mixer's worker */
    int16_t in[VGW_FRAME_RING_SAMPLES], out[VGW_FRAME_RING_SAMPLES];

    struct vgw_frame_ring from_leg, to_leg;
    struct vgw_frame_ring *voice; /* from the leg: what the gateway says on it; NULL: it does not share */
};

uint64_t vgw_mixer_role_pack(const struct vgw_mixer_role *role);
struct vgw_mixer_role vgw_mixer_role_unpack(uint64_t packed);
static inline struct vgw_mixer_role vgw_mixer_port_role(struct vgw_mixer_port *port)
{
    return vgw_mixer_role_unpack(atomic_load_explicit(&port->role, memory_order_relaxed));
}
/** The rate of the mix now: what a leg gives and gets. [any] */
uint32_t vgw_mixer_rate_hz(const struct vgw_mixer *m);
void vgw_mixer_dropped(const char *what, uint32_t frames);

/* leg_mix.c: on the leg's worker */
/** The port's role has changed, the first time: the leg takes part. `leg` NULL: it is gone. */
void vgw_leg_mix_set(struct vgw_leg *leg, struct vgw_mixer_port *port);
void vgw_leg_mix_leave(struct vgw_leg *leg, struct vgw_mixer_port *port);
#endif

/* mixer.h - several legs that hear each other. A mixer lives on a worker and has a clock of its own: every 20 ms it
 * takes a frame of each participant and gives each the sum of the others, at 8 kHz, or at 16 kHz while two of them are
 * that wide. Legs on any worker take part through bounded rings of frames (frame_ring.h); sockets never move.
 *
 * Control makes mixers and ports and ends them; nothing of it can fail once it is made: messages use nodes of the port.
 * A port is freed by itself after leg and mixer have let go of it. */
#ifndef VGW_MEDIA_MIXER_H
#define VGW_MEDIA_MIXER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/loop.h"

#define VGW_MIXER_PLACES_MAX 32u /* participants of one mix, listeners included */
#define VGW_MIXER_ALL UINT32_MAX /* all places */

struct vgw_mixer;
struct vgw_mixer_port; /* one participant */

/** What a participant may do. */
struct vgw_mixer_role {
    uint32_t heard_by; /* a bit for each place that hears it: VGW_MIXER_ALL, 0, or those whom it whispers to */
    bool hears;        /* the mix is sent to it */
    bool music;        /* it hears the hold music instead */
    bool aside;        /* its own conversation (assistant, reprompts) is set aside meanwhile */
    bool shares;       /* the others also hear what the gateway says on its leg. Fixed when it joins */
};

/** A mixer on `worker`. `gone(arg)` runs on `control` once it was ended and the last port is back; then it is freed.
 * [control] */
int vgw_mixer_new(struct vgw_loop *worker, struct vgw_loop *control, void (*gone)(void *arg), void *arg,
                  struct vgw_mixer **ret_mixer, struct vgw_error *err);
/** No more joins; it goes when its last port has left. Once. [control] */
void vgw_mixer_end(struct vgw_mixer *m);

/** A leg takes part, by its handle; a leg that has gone meanwhile is a silent participant until its port leaves. A leg
 * is in one mix at a time. VGW_ELIMIT: all places are taken, or no memory. VGW_ENOTFOUND: there is no such leg.
 * [control] */
int vgw_mixer_join(struct vgw_mixer *m, uint64_t leg, const struct vgw_mixer_role *role,
                   struct vgw_mixer_port **ret_port, struct vgw_error *err);
/** The bit of its place, for others' heard_by. [control] */
uint32_t vgw_mixer_port_bit(const struct vgw_mixer_port *port);
/** Another role, within a tick. [control] */
void vgw_mixer_port_set(struct vgw_mixer_port *port, const struct vgw_mixer_role *role);
/** The leg is on its own again. The port is not the caller's any more. [control] */
void vgw_mixer_port_leave(struct vgw_mixer_port *port);
#endif

/* catchup.h - what stands in the queue of a live voice after the clock was late, and how it goes again. A voice that
 * comes at the pace of speech is heard one place later for each tick that was lost, for the rest of the call, unless as
 * much of it is left out. A voice that runs ahead of the clock loses nothing: its delay is its own. Pure. One owner. */
#ifndef VGW_MEDIA_CATCHUP_H
#define VGW_MEDIA_CATCHUP_H
#include <stdbool.h>
#include <stdint.h>

#define VGW_CATCHUP_TICKS 6 /* so many ticks after a late one, nothing that it left stands any more */

struct vgw_catchup {
    uint32_t spread_max; /* samples: a queue that varies by more is not at the pace of the clock */
    /* [0] the window of ticks that fills, [1] the one before */
    uint32_t low[2], high[2], ticks[2], played[2];
    uint32_t owed, owed_max; /* samples that the clock did not play in time and that still may stand */
    uint32_t since, low_since;
    bool active; /* they are being left out */
};
/** `rate_hz`: of the samples that are counted from here on. Thread: any. */
void vgw_catchup_init(struct vgw_catchup *c, uint32_t rate_hz);
/** After each tick: `level` samples are queued now, `played` were played by it, and `missed` should have been and were
 *  not, because the tick was late or the far side took nothing. Returns how many samples to leave out from the head of
 *  the queue now: never more than were missed, and none unless the voice keeps to the pace of the clock, which it has
 * shown after 16 ticks. */
uint32_t vgw_catchup_tick(struct vgw_catchup *c, uint32_t level, uint32_t played, uint32_t missed);
#endif

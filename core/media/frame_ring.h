/* frame_ring.h - 20 ms frames from one thread to another: bounded, without a lock, one writer and one reader. What the
 * reader cannot use in time does not become delay: frames that always stand there are left out again. */
#ifndef VGW_MEDIA_FRAME_RING_H
#define VGW_MEDIA_FRAME_RING_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define VGW_FRAME_RING_SLOTS 16u   /* 320 ms; a power of two */
#define VGW_FRAME_RING_SAMPLES 320 /* 20 ms at 16 kHz */
#define VGW_FRAME_RING_WINDOW 25u  /* frames that stood there at every one of so many takes are too late */

struct vgw_frame_slot {
    uint32_t rate_hz; /* 8000 or 16000: how many samples count */
    int16_t pcm[VGW_FRAME_RING_SAMPLES];
};

/** Zeroed is empty. */
struct vgw_frame_ring {
    _Atomic uint32_t written, read;
    uint32_t takes, low; /* the reader's: since the window began, and the fewest frames left behind in it */
    struct vgw_frame_slot slots[VGW_FRAME_RING_SLOTS];
};

/** Adds 20 ms at 8 or 16 kHz; copies. False: the reader is behind by a full ring, nothing was taken. Thread: the
 * writer. */
bool vgw_frame_ring_put(struct vgw_frame_ring *r, uint32_t rate_hz, const int16_t *pcm);
/** The oldest frame into `pcm` (room for VGW_FRAME_RING_SAMPLES): its rate; 0: there is none. *ret_late: frames that
 * were left out behind it, because as many stood there for a whole window. Thread: the reader. */
uint32_t vgw_frame_ring_take(struct vgw_frame_ring *r, int16_t *pcm, uint32_t *ret_late);
/** Forgets up to n of the oldest, for ticks that were lost; returns how many. Thread: the reader. */
uint32_t vgw_frame_ring_skip(struct vgw_frame_ring *r, uint32_t n);
/** Frames that wait. Thread: either. */
uint32_t vgw_frame_ring_level(const struct vgw_frame_ring *r);
#endif

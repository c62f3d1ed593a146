/* record.h - a call's recording: stereo WAV at 8 kHz, caller left, gateway right, aligned by the sample clock. It
 * leaves in blocks of one second, each with the header that is true once it is written, so that a crash never costs
 * more than what was not yet written. Pure apart from memory: the owner carries the blocks to the io lane. One thread
 * at a time. */
#ifndef VGW_MEDIA_RECORD_H
#define VGW_MEDIA_RECORD_H
#include "base/error.h"
#include "media/frame.h"
#include "media/wav.h"

enum vgw_record_side { VGW_RECORD_CALLER, VGW_RECORD_GATEWAY };

/* One second, or the rest at the end. Write `data` at `offset` first, then `header` at 0: in this order the file is
 * playable at every moment. Each block can be written by itself; order among blocks matters only for the header. */
struct vgw_record_block {
    uint64_t offset; /* in the file; never 0 */
    size_t bytes;    /* of data */
    uint8_t header[VGW_WAV_HEADER_MAX];
    size_t header_bytes;
    bool last;
    uint8_t data[];
};
/** Takes NULL. Any thread: blocks are handed over for good. */
void vgw_record_block_free(struct vgw_record_block *block);

/* Called on the recording's thread from within put, advance and stop. Owns `block` from then on. */
typedef void (*vgw_record_on_block)(void *user, struct vgw_record_block *block);

struct vgw_record_params {
    enum vgw_encoding encoding; /* in the file: VGW_L16 (default) or VGW_PCMU */
    uint32_t max_ms;            /* of length; default 4 h, up to 24 h */
    vgw_record_on_block on_block;
    void *user;
};
struct vgw_record;
struct vgw_record_params vgw_record_defaults(void);
/** Errors: VGW_EINVALID without on_block or with another encoding; VGW_ELIMIT out of memory.
 *  The caller owns it: vgw_record_free(). Sample 0 is the moment of this call. */
int vgw_record_new(const struct vgw_record_params *params, struct vgw_record **ret, struct vgw_error *err);
/** Takes NULL. Without a stop before, what is not in a block yet is lost. */
void vgw_record_free(struct vgw_record *r);

/** Puts 8 kHz linear samples of one side in their place, `at` samples after the start. Gaps become silence; what comes
 *  again or for a second that is gone already is dropped. A side may run up to a second ahead of the other; beyond that
 *  the other is taken to be silent. No allocation but one block a second.
 *  Errors: VGW_ELIMIT the length is reached or memory is out (the second is lost, the rest goes on); VGW_EBUSY stopped;
 *  VGW_EINVALID more than 10 minutes ahead of the last sample. */
int vgw_record_put(struct vgw_record *r, enum vgw_record_side side, uint64_t at, const int16_t *pcm, size_t n);
/** Time goes on without sound: everything before `at` less one second is final. Errors as for put. */
int vgw_record_advance(struct vgw_record *r, uint64_t at);
/** From sample `at` on both sides are recorded as silence (card data), until resume: times in the file stay true. */
void vgw_record_pause(struct vgw_record *r, uint64_t at);
void vgw_record_resume(struct vgw_record *r, uint64_t at);
bool vgw_record_paused(const struct vgw_record *r);
/** The end, at the later of the two sides: the rest goes out as the last block (also when nothing was recorded: a block
 *  without data, so that the file gets its header). Further calls answer VGW_EBUSY. */
int vgw_record_stop(struct vgw_record *r);
/** Length so far, in samples. */
uint64_t vgw_record_samples(const struct vgw_record *r);
/** Samples that were dropped: late, doubled, over the length, or for want of memory. */
uint64_t vgw_record_dropped(const struct vgw_record *r);
#endif

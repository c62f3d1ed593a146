/* options.h - how a conversation takes turns: `talk:` of the configuration, of a route, of a step. Pure
 * but for the table of shared options, which is one a process, under a lock held for a look at it. */
#ifndef VGW_TALK_OPTIONS_H
#define VGW_TALK_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"

#define VGW_TALK_BACKCHANNELS 32
#define VGW_TALK_BACKCHANNELS_BYTES 384 /* together, each with its NUL */
struct vgw_talk_options {
    int64_t endpoint_silence_us; /* silence after speech that ends the caller's turn; 700 ms */
    int64_t min_duration_us;     /* speech over our audio shorter than this does not interrupt; 200 ms */
    int64_t no_input_timeout_us; /* 7 s; 0: never */
    int64_t deaf_timeout_us;     /* 30 s without any recognizer end a call that needs one; 0: never */
    int64_t filler_after_us;     /* 1.5 s without audio after a final: the filler is said; 0: never */
    bool barge_in;
    bool amd;             /* of calls that we place: find out who answers */
    bool follow_language; /* the language that the recognizer detects becomes the conversation's */
    bool barge_in_keys;   /* a key that is pressed cuts what may be cut */
    uint32_t min_words;   /* words over our audio fewer than this do not interrupt; 0 */
    uint32_t max_reprompts, max_turns;
    char no_input_prompt[256], no_match_prompt[256], filler[256], deaf_prompt[256];
    char backchannels[VGW_TALK_BACKCHANNELS_BYTES]; /* "uh-huh", one after the other: never a turn while we speak */
    uint32_t backchannel_count;
};
/** Options that calls share: counted, never changed. A thousand calls of a route have one copy of its texts. */
const struct vgw_talk_options *vgw_talk_options_share(const struct vgw_talk_options *value); /* NULL: out of memory */
/** Gives one reference back; takes NULL. Thread: any, as for share(). */
void vgw_talk_options_unshare(const struct vgw_talk_options *shared);
/** The defaults of options.md. */
struct vgw_talk_options vgw_talk_defaults(void);
/** Lays the keys of `talk` (an object, or NULL) over `inout`. Durations may be text ("700ms") or seconds. Unknown keys
 * and bad values are errors that name the key; then nothing is changed. */
int vgw_talk_options_apply(struct vgw_talk_options *inout, const struct vgw_json *talk, struct vgw_error *err);
/** One more of them. False: there are VGW_TALK_BACKCHANNELS, or no room is left. */
bool vgw_talk_backchannel_add(struct vgw_talk_options *o, const char *text);
/** True when `text` is one of the backchannels (case and punctuation do not count). */
bool vgw_talk_is_backchannel(const struct vgw_talk_options *o, const char *text);
#endif

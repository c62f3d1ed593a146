/* stream_wire.h - the frames of a media stream in Twilio's format, to and from bytes. Pure; every function: any thread.
 * Source: twilio.com/docs/voice/media-streams/websocket-messages. */
#ifndef STREAM_WIRE_H
#define STREAM_WIRE_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/json.h"

#define STREAM_SID_CAP 65         /* longest stream id, with its NUL */
#define STREAM_FAST_PAYLOAD 2048u /* audio bytes that the fast path takes from one frame: 256 ms */
#define STREAM_PREFIX_CAP 160     /* room for what stands before a media frame's payload */
#define STREAM_FRAME_SLACK 8u     /* what stands behind it */

enum stream_event {
    STREAM_UNKNOWN,
    STREAM_CONNECTED,
    STREAM_START,
    STREAM_MEDIA,
    STREAM_DTMF,
    STREAM_MARK,
    STREAM_STOP
};

/** A media frame's numbers; absent ones are 0. */
struct stream_media {
    uint64_t timestamp_ms;
    uint64_t chunk;
    uint64_t sequence;
    uint32_t bytes;    /* audio decoded into the caller's buffer */
    uint32_t outbound; /* 1: track "outbound": our own voice, to be ignored */
};

/** Base64 with padding (RFC 4648 section 4), as long as 4 * ((bytes + 2) / 3); no NUL. Returns the length. */
size_t base64_encode(const uint8_t *data, size_t bytes, char *out);
/** Decodes until the first character that is none of base64's, `*ret_used` characters in. Padding must be right.
 *  Returns the bytes, or -1: wrong padding or length, or more than `cap`. */
int64_t base64_decode(const char *text, size_t chars, uint8_t *out, size_t cap, size_t *ret_used);

/** The usual frame, read in one pass: 1 and the audio in `out` for a media frame in plain JSON; 0: anything else, also
 * what is broken: ask stream_wire_parse(). */
int stream_wire_media(const char *text, size_t bytes, uint8_t *out, size_t cap, struct stream_media *ret);

/** A frame of any kind. Texts are spans of the frame. */
struct stream_wire {
    enum stream_event event;
    struct voicegw_json stream_sid, call_sid, custom; /* start; custom: the object customParameters, or absent */
    struct voicegw_json payload;                      /* media: base64 text, a string */
    struct stream_media media;                        /* media: numbers only */
    struct voicegw_json digit;                        /* dtmf */
    struct voicegw_json mark;                         /* mark: its name */
};

/** 0; or VOICEGW_EINVALID and a sentence (constant) in *ret_why: no JSON, no event, a required field is missing or of
 * another type. An event of an unknown name is 0 with STREAM_UNKNOWN. */
int32_t stream_wire_parse(const char *text, size_t bytes, struct stream_wire *ret, const char **ret_why);

/** 1: the text is fit for a stream id: 1 to 64 of letters, digits, '_', '-', '.'. */
int stream_wire_sid_valid(const char *sid);
/** What stands before the payload of each media frame of this stream. Returns its length. `sid` is valid, `out` holds
 * STREAM_PREFIX_CAP. */
size_t stream_wire_prefix(const char *sid, char *out);
/** A media frame: prefix, payload, end. `out` holds prefix_bytes + 4 * ((bytes + 2) / 3) + STREAM_FRAME_SLACK. Returns
 * the length. */
size_t stream_wire_put_media(const char *prefix, size_t prefix_bytes, const uint8_t *data, size_t bytes, char *out);
/** A mark or clear frame with a NUL behind it. Returns the length, 0 when `cap` is too small. */
size_t stream_wire_put_mark(const char *sid, uint64_t mark_id, char *out, size_t cap);
size_t stream_wire_put_clear(const char *sid, char *out, size_t cap);
/** The number that stream_wire_put_mark() wrote into a mark's name; 0: a name that is not ours. */
uint64_t stream_wire_mark_id(struct voicegw_json name);
#endif

/* wire.h - what the telephone's side of a media stream says, as an application of Twilio's expects it. Pure; texts go
 * into the caller's buffer with a NUL behind them and their length is returned, 0 when `cap` is too small. Source:
 * twilio.com/docs/voice/media-streams/websocket-messages. The frames that come back: common/stream_wire.h. */
#ifndef MEDIASTREAM_WIRE_H
#define MEDIASTREAM_WIRE_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/json.h"

#define WIRE_FRAME 160u                                     /* bytes of audio in a frame: 20 ms */
#define WIRE_MEDIA_CAP (256u + (WIRE_FRAME + 2u) / 3u * 4u) /* room for a media frame */
#define WIRE_MARK_NAME_MAX 1024u                            /* of a mark's name, as JSON */

struct wire_start {
    const char *stream_sid, *account_sid, *call_sid;
    const char *parameters; /* JSON object of texts, see application_put_parameters() */
    struct voicegw_json session;
};

size_t wire_connected(char *out, size_t cap);
size_t wire_start(const struct wire_start *s, uint64_t sequence, char *out, size_t cap);
/** `position`: samples at 8000 Hz since the start. */
size_t wire_media(const char *sid, uint64_t sequence, uint64_t chunk, uint64_t position, const uint8_t *audio,
                  size_t bytes, char *out, size_t cap);
size_t wire_dtmf(const char *sid, uint64_t sequence, const char *digit, char *out, size_t cap);
/** `name`: as JSON, with its quotes, as the application wrote it. */
size_t wire_mark(const char *sid, uint64_t sequence, const char *name, size_t bytes, char *out, size_t cap);
size_t wire_stop(const struct wire_start *s, uint64_t sequence, char *out, size_t cap);

#endif

/* voicegw/audio.h - audio as it crosses the plugin boundary. Part of the voicegw plugin SDK (MIT).
 *
 * One frame is 20 ms unless a kind says otherwise. Timestamps count samples of the stream's rate from its start and
 * never go back. Payload is borrowed: it is valid during the call that brings it; copy what you keep. */
#ifndef VOICEGW_AUDIO_H
#define VOICEGW_AUDIO_H
#include <stdint.h>

#define VOICEGW_AUDIO_PCMU 1u /* G.711 mu-law, one octet a sample, 8000 Hz */
#define VOICEGW_AUDIO_PCMA 2u /* G.711 A-law, one octet a sample, 8000 Hz */
#define VOICEGW_AUDIO_L16 3u  /* 16-bit linear, host byte order, mono */

#define VOICEGW_FRAME_LOST 1u    /* nothing came: the payload (if any) is concealment */
#define VOICEGW_FRAME_COMFORT 2u /* comfort noise or silence, nobody speaks */
#define VOICEGW_FRAME_MARKER 4u  /* first frame after a pause */
#define VOICEGW_FRAME_LAST 8u    /* no more audio of this utterance */

struct voicegw_audio_format {
    uint32_t size;     /* sizeof(struct voicegw_audio_format) of the writer */
    uint32_t encoding; /* VOICEGW_AUDIO_* */
    uint32_t rate;     /* samples a second: 8000, 16000, 24000, 48000 (others where a kind allows) */
    uint32_t frame_ms; /* 20 unless agreed otherwise */
};

struct voicegw_frame {
    uint32_t size; /* sizeof(struct voicegw_frame) of the writer */
    uint32_t encoding;
    uint32_t rate;
    uint32_t flags;     /* VOICEGW_FRAME_* */
    uint64_t timestamp; /* first sample's position in the stream, in samples */
    uint32_t sequence;  /* the sender's count where it has one, else 0 */
    uint32_t epoch;     /* the leg's epoch that this audio belongs to; audio of an older epoch is dropped */
    const void *data;   /* borrowed during the call */
    uint32_t bytes;     /* length of data */
    uint32_t samples;   /* how many samples that is */
};

#endif

/* elevenlabs.h - ElevenLabs' interfaces: realtime recognition over a WebSocket (scribe), synthesis over HTTP. Source:
 * elevenlabs.io/docs/api-reference, elevenlabs-python. */
#ifndef VOICEGW_ELEVENLABS_H
#define VOICEGW_ELEVENLABS_H
#include "live.h"
#include "remote.h"

extern const struct voicegw_factory elevenlabs_stt_factory, elevenlabs_tts_factory;

struct elevenlabs_ear {
    struct live_home home;
    const char *model, *language;
    double vad_silence_s;
};
/** The address of /v1/speech-to-text/realtime. Pure. */
int32_t elevenlabs_address(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                           struct vendor_headers *headers, char *why, size_t cap);
/** Messages of it. Pure. */
void elevenlabs_read(struct voicegw_json message, struct live_news *news);

struct elevenlabs_voice {
    struct remote remote;
    const char *model, *voice, *settings_json;
    int64_t seed; /* negative: none */
};
/** The request to /v1/text-to-speech/{voice}/stream. Pure. */
int32_t elevenlabs_speech_write(const void *engine, const struct speaker_request *sentence,
                                struct remote_request *request, char *why, size_t cap);
#endif

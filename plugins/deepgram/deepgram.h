/* deepgram.h - Deepgram's interfaces: live recognition over a WebSocket (listen v1 for nova models, v2 for flux),
 * synthesis over HTTP (speak v1). Source: developers.deepgram.com, deepgram-python-sdk 7.6. */
#ifndef VOICEGW_DEEPGRAM_H
#define VOICEGW_DEEPGRAM_H
#include "live.h"

extern const struct voicegw_factory deepgram_stt_factory, deepgram_tts_factory;

/** An instance for recognition. */
struct deepgram_ear {
    struct live_home home;
    const char *model, *language, *extra_json; /* language "": the call's */
    const char *keyterms_json;                 /* array, or NULL */
    int64_t endpointing_ms, utterance_end_ms;  /* negative: left to the vendor */
    uint32_t smart_format, flux;
};

/** The address for listen. Pure. */
int32_t deepgram_address(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                         struct vendor_headers *headers, char *why, size_t cap);
/** Messages of listen v1: Results, SpeechStarted, UtteranceEnd, Metadata, Error; and of v2: TurnInfo. Pure. */
void deepgram_read(struct voicegw_json message, struct live_news *news);
#endif

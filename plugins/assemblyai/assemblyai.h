/* assemblyai.h - AssemblyAI's streaming interface, version 3. Source: assemblyai.com/docs, assemblyai-python-sdk,
 * streaming/v3. */
#ifndef VOICEGW_ASSEMBLYAI_H
#define VOICEGW_ASSEMBLYAI_H
#include "live.h"

struct assemblyai {
    struct live_home home;
    const char *model, *keyterms_json;
    double end_confidence;                            /* negative: left to the vendor */
    int64_t min_turn_silence_ms, max_turn_silence_ms; /* negative: left to the vendor */
};
/** The address of /v3/ws. Pure. */
int32_t assemblyai_address(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                           struct vendor_headers *headers, char *why, size_t cap);
/** Begin, Turn, SpeechStarted, Termination, Error. Pure. */
void assemblyai_read(struct voicegw_json message, struct live_news *news);
/** UpdateConfiguration with these phrases. Pure. */
int64_t assemblyai_update(const char *hints_json, char *out, uint64_t cap);
#endif

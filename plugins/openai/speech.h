/* speech.h - OpenAI's audio interfaces: transcriptions and speech. Source: openai-python, types/audio. */
#ifndef OPENAI_SPEECH_H
#define OPENAI_SPEECH_H
#include "batch.h"
#include "openai.h"
#include "remote.h"

/** Reads the answer of /audio/transcriptions: one object, or the events transcript.text.delta and .done. Pure. */
void openai_transcript_read(struct voicegw_json message, struct batch_answer *answer);

struct openai_voice {
    struct remote remote;
    const char *model, *voice, *instructions;
    double speed;
};
/** The body of /audio/speech. Pure. */
int32_t openai_speech_write(const void *engine, const struct speaker_request *sentence, struct remote_request *request,
                            char *why, size_t cap);
#endif

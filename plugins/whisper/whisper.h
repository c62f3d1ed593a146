/* whisper.h - the server of whisper.cpp, its own endpoint. Source: ggml-org/whisper.cpp, examples/server. */
#ifndef VOICEGW_WHISPER_H
#define VOICEGW_WHISPER_H
#include "batch.h"

/** Reads what /inference answers as verbose_json or json. Pure. */
void whisper_read(struct voicegw_json message, struct batch_answer *answer);
#endif

/* openai.h - the plugin's factories; openai.c puts them into the descriptor. */
#ifndef OPENAI_OPENAI_H
#define OPENAI_OPENAI_H
#include "voicegw/plugin.h"

/* Where the vendor's interface begins, for every factory: paths such as /chat/completions follow. */
#define OPENAI_BASE_URL "https://api.openai.com/v1"

extern const struct voicegw_factory openai_chat_factory, openai_stt_factory, openai_tts_factory;
#endif

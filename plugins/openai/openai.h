/* openai.h - the plugin's factories; openai.c puts them into the descriptor. */
#ifndef OPENAI_OPENAI_H
#define OPENAI_OPENAI_H
#include "chat_model.h"

extern const struct voicegw_factory openai_stt_factory, openai_tts_factory;
#endif

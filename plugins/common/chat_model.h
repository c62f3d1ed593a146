/* chat_model.h - assistants at chat models of OpenAI's or a compatible server's: one assistant (plugins/openai,
 * chat*.c) that speaks either of two interfaces; each stands in a plugin of its name. */
#ifndef COMMON_CHAT_MODEL_H
#define COMMON_CHAT_MODEL_H
#include "voicegw/plugin.h"

/* Where the vendor's interface begins, for every factory: paths such as /chat/completions follow. */
#define OPENAI_BASE_URL "https://api.openai.com/v1"

extern const struct voicegw_factory openai_chat_factory, openai_responses_factory;
#endif

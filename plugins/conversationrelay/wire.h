/* wire.h - ConversationRelay's messages, to and from JSON. Pure; what is written goes into the caller's buffer with a
 * NUL behind it and its length is returned, 0 when `cap` is too small. Source:
 * twilio.com/docs/voice/conversationrelay/websocket-messages. */
#ifndef CONVERSATIONRELAY_WIRE_H
#define CONVERSATIONRELAY_WIRE_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/json.h"

struct wire_setup {
    const char *session_sid, *account_sid, *call_sid;
    const char *parameters; /* JSON object of texts, see application_put_parameters() */
    struct voicegw_json session;
};

size_t wire_setup(const struct wire_setup *s, char *out, size_t cap);
size_t wire_prompt(const char *text, const char *language, uint32_t last, char *out, size_t cap);
size_t wire_dtmf(const char *digit, char *out, size_t cap);
size_t wire_interrupt(const char *heard_text, uint32_t heard_ms, char *out, size_t cap);
size_t wire_error(const char *description, char *out, size_t cap);

enum wire_kind { WIRE_TEXT, WIRE_PLAY, WIRE_DIGITS, WIRE_LANGUAGE, WIRE_END };
#define WIRE_UNSAID 2u /* of interruptible: the message says nothing of it */

/** A message of the application. Texts are spans of it; absent where they may be left out and are. */
struct wire_message {
    enum wire_kind kind;
    struct voicegw_json text; /* token, source or digits */
    struct voicegw_json lang; /* text: of this token */
    struct voicegw_json tts, stt;
    struct voicegw_json handoff; /* a text, as it came */
    uint32_t last;
    uint32_t times;         /* play: so often; 0: again and again */
    uint32_t interruptible; /* 1, 0 or WIRE_UNSAID */
};
/** 0; or VOICEGW_EINVALID and a sentence (constant) in *ret_why. */
int32_t wire_parse(const char *text, size_t bytes, struct wire_message *ret, const char **ret_why);

#endif

/* twiml.h - writing TwiML documents. Pure; every function: any thread. All texts are escaped here and nowhere else;
 * broken UTF-8 and characters that XML forbids become '?' and spaces. Source: twilio.com/docs/voice/twiml. */
#ifndef TWILIO_TWIML_H
#define TWILIO_TWIML_H
#include <stddef.h>
#include <stdint.h>

#define TWIML_MAX 32768u /* a document's longest text, with its NUL; Twilio takes 64 KiB */
#define TWIML_DEPTH 8u

struct twiml {
    size_t bytes;
    uint32_t depth, open, failed; /* open: the last tag still takes attributes */
    const char *tags[TWIML_DEPTH];
    char text[TWIML_MAX];
};

/** Begins <Response>. */
void twiml_begin(struct twiml *t);
/** Opens an element; `tag` is constant text. */
void twiml_open(struct twiml *t, const char *tag);
/** An attribute of the element that was opened last, before its content. NULL: none. */
void twiml_attr(struct twiml *t, const char *name, const char *value);
void twiml_attr_int(struct twiml *t, const char *name, int64_t value);
void twiml_text(struct twiml *t, const char *text);
void twiml_close(struct twiml *t);
/** <tag>text</tag>. */
void twiml_leaf(struct twiml *t, const char *tag, const char *text);
/** Ends the document. Its length, or VOICEGW_ELIMIT when it did not fit; then text is "". */
int64_t twiml_end(struct twiml *t);

/** <Say voice language>text</Say>; voice NULL or "": alice; language NULL or "": none. */
void twiml_say(struct twiml *t, const char *text, const char *voice, const char *language);
/** <Pause length>. */
void twiml_pause(struct twiml *t, int64_t seconds);
/** A whole document: an apology and the end. */
int64_t twiml_apology(struct twiml *t, const char *text);
#endif

/* verb.h - the verbs of calls that Twilio leads by our documents: into TwiML, and from its answers. Pure. */
#ifndef TWILIO_VERB_H
#define TWILIO_VERB_H
#include "twilio.h"

#define VERBS_MAX 64u

enum verb_kind {
    VERB_SAY,
    VERB_PLAY,
    VERB_DTMF,
    VERB_PAUSE,
    VERB_GATHER,
    VERB_DIAL,
    VERB_RECORD,
    VERB_ENQUEUE,
    VERB_CONFERENCE,
    VERB_REDIRECT,
    VERB_CONTROL /* no verb of Twilio's: an order by its interface that waits for its turn */
};

struct twilio_verb {
    struct twilio_verb *next;
    uint64_t op;
    enum verb_kind kind;
    uint32_t document; /* that Twilio performs it in, 0: it waits */
    uint32_t loop, sensitive;
    char voice[64], language[32];
    char *text, *params; /* one of the two; a conference's text is the address of its callbacks */
};

/** 1: a verb of voicegw.provider.ivr/1. */
int verb_kind_of(const char *name, enum verb_kind *ret);
/** What is wrong with a verb's parameters: a constant sentence, or NULL. */
const char *verb_check(enum verb_kind kind, struct voicegw_json params);
/** 1: the document ends with it, since its result decides what follows. */
int verb_has_result(enum verb_kind kind);
/** Puts a verb into a document. `url`: where Twilio goes with its result. */
void verb_put(struct twiml *t, const struct twilio_verb *v, const char *url, const char *voice, const char *language);
/** A verb's result by the form that Twilio came back with: an object. Its length, or VOICEGW_ELIMIT. */
int64_t verb_result(enum verb_kind kind, const struct form *f, char *out, size_t cap);
#endif

/* brief.h - what somebody is told who is called for a caller, before the caller is there: spoken to the consulted peer
 * from the call's own port, on the worker of the call's leg. */
#ifndef SIP_BRIEF_H
#define SIP_BRIEF_H
#include "sip.h"

#define SIP_BRIEF_CAP 1024u    /* of the text */
#define SIP_BRIEF_MS 35000u    /* longer nobody is told: the caller waits */
#define SIP_BRIEF_SPEECH_S 60u /* of speech that is kept at most */

struct stream;
struct brief;
/** Has `text` spoken to where `media` says; line_briefed() runs once it was heard or could not be said. -1: no memory.
 * [sip] */
int brief_start(struct sip_call *call, const struct sip_media *media, const char *text);
/** Whoever is being told is gone. [sip] */
void brief_stop(struct sip_call *call);
/** Nobody has taken it: the call is freed. */
void brief_free(struct brief *brief);
/** Twenty milliseconds have passed. [media] */
void brief_tick(struct stream *stream);
/** The stream ends. [media] */
void brief_leave(struct stream *stream);
#endif

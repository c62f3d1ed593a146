/* strict.h - a look at a message before libre sees it: what its parser would drop in silence or wave through is
 * answered or counted here. Pure. */
#ifndef SIP_STRICT_H
#define SIP_STRICT_H
#include <stddef.h>

#define SIP_STRICT_OK 0
#define SIP_STRICT_DROP 1   /* not to be answered: a response, an ACK, or nothing that could be answered */
#define SIP_STRICT_REFUSE 2 /* a request that is wrong: `answer` holds the response */

/** Checks a whole message (RFC 3261, 7, 8.1.1, 18.3, 20; RFC 4475 has the examples). `answer` is a complete response
 * with the request's Via, From, To, Call-ID and CSeq, or "" when those cannot be read. *ret_what: constant words. */
int sip_strict_check(const char *text, size_t bytes, char *answer, size_t cap, const char **ret_what);

/** The answer to a request that nobody can read further: 400. Returns as above. */
int sip_strict_refuse(const char *text, size_t bytes, char *answer, size_t cap);

#define SIP_FRAME_WHOLE 0
#define SIP_FRAME_MORE 1
#define SIP_FRAME_BAD 2
/** Where the first message of a stream ends, by its Content-Length (RFC 3261, 18.3). */
int sip_strict_frame(const char *text, size_t bytes, size_t *ret_bytes);
#endif

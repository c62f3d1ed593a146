/* signature.h - X-Twilio-Signature: base64(HMAC-SHA1(auth token, URL + sorted form)). Pure but for the digests, which
 * are the host's; every function: any thread. Source: twilio.com/docs/usage/security, twilio-python's
 * request_validator.py. */
#ifndef TWILIO_SIGNATURE_H
#define TWILIO_SIGNATURE_H
#include <stddef.h>
#include <stdint.h>
#include "form.h"
#include "voicegw/draft/host_crypto.h"

#define SIGNATURE_URL_MAX 4096u
#define SIGNATURE_VARIANTS 6u

/** What was signed, and by whom it may have been. */
struct signature {
    const char *url;         /* public URL of the request, with its query */
    const struct form *form; /* POST fields; NULL for GET, JSON and upgrades */
    const void *body;        /* of a request that is no form: then the query must carry its bodySHA256 */
    size_t body_bytes;
    const char *header;    /* X-Twilio-Signature, or NULL */
    const char *tokens[2]; /* primary and secondary; NULL or "": none */
    const struct voicegw_host *host;
    const struct voicegw_host_crypto *crypto;
};

/** 1: the header is the signature of this request under one of the tokens; whether or not the sender put the port into
 * the URL, and an apostrophe of the query as %27. Constant time for a given token. */
int signature_valid(const struct signature *s);

/** The n-th form in which the URL may have been signed, from 0; 0 when there is no such. `out` holds SIGNATURE_URL_MAX
 * +
 * 8. Returns the length. */
size_t signature_url(const char *url, unsigned n, char *out);
/** http to ws, https to wss (and back with ws = 0), the rest as it is. 0 when it does not fit. */
size_t signature_scheme(const char *url, int ws, char *out, size_t cap);
#endif

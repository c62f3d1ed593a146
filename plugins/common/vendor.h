/* vendor.h - what plugins for speech vendors share: an instance's streams and its drain, addresses, headers, and
 * sentences about refusals that carry no secret. */
#ifndef VOICEGW_PLUGIN_VENDOR_H
#define VOICEGW_PLUGIN_VENDOR_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/vendor_options.h"

#define VENDOR_HEADERS_MAX 40
#define VENDOR_URL_MAX 4096

/** The streams of one instance, counted from any worker; the first member of what needs it. */
struct vendor_streams {
    const struct voicegw_host *host;
    atomic_uint open, draining;
};
void vendor_streams_init(struct vendor_streams *streams, const struct voicegw_host *host);
/** One more is open. [any] */
void vendor_stream_opened(struct vendor_streams *streams);
/** One is closed: tells host->drained() when it was the last of a drain. [any] */
void vendor_stream_closed(struct vendor_streams *streams);
/** factory.drain(). [control] */
void vendor_streams_drain(struct vendor_streams *streams);

/** Begins a WebSocket's URL: base_url with ws for http and wss for https. Pure. */
struct voicegw_text vendor_socket_url(const struct voicegw_vendor *vendor, char *out, uint64_t cap);

/** Headers of a request: first the plugin's own, then the operator's. */
struct vendor_headers {
    const char *list[VENDOR_HEADERS_MAX + 1];
    uint32_t count;
    uint64_t used;
    char texts[8192];
};
/** "name: before value"; a value with a control character is refused. VOICEGW_ELIMIT, VOICEGW_ECONFIG or 0. Pure. */
int32_t vendor_header_add(struct vendor_headers *headers, const char *name, const char *before, const char *value);
/** The operator's behind them. */
int32_t vendor_headers_finish(struct vendor_headers *headers, const struct voicegw_vendor *vendor);

/** The text member at the first of these paths ("error.message") that is there; "" for none. Without control characters
 * and cut to `cap`. Pure. */
void vendor_pick(struct voicegw_json json, const char *const *paths, char *out, size_t cap);

/** What an answer that is no success means: the status, and a sentence of `cap` bytes. What the vendor says itself is
 * left out where it refuses the key, as some repeat it. Pure. */
int32_t vendor_refusal(const char *vendor, uint32_t http_status, const void *body, uint64_t bytes, char *out,
                       size_t cap);
/** The status that a vendor's word for an error stands for, as in "rate_limit_exceeded", "quota_exceeded",
 * "auth_error"; VOICEGW_EPROVIDER for all others. Pure. */
int32_t vendor_word_status(const char *word);

/** How long to wait before the same request is tried again on a call that waits for it: milliseconds, or -1 for not at
 * all. As voicegw_retry_decide(), but no wait longer than a second: the next engine is quicker. Pure. */
int64_t vendor_retry_ms(const struct voicegw_retry *retry, const struct voicegw_retry_input *in);

/** `extra` of the operator's, behind name=value pairs of a query: texts, numbers, booleans, and lists of them as
 * repeated pairs. Pure. */
void vendor_query_extra(struct voicegw_text *query, const char *extra_json);
/** The members of `extra` into an object that is open. Pure. */
void vendor_json_extra(struct voicegw_json_writer *w, const char *extra_json);
#endif

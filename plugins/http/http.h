/* http.h - an assistant at the operator's own URL: instance and session. Sessions live on their worker; the instance is
 * read only after create(). */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H
#include <stdatomic.h>
#include "chat_history.h"
#include "exchange.h"
#include "reply.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/vendor_options.h"

#define HTTP_ANSWER_MAX (4u << 20) /* octets of one answer */
#define HTTP_KEY_MAX 128u

struct http_instance {
    const struct voicegw_host *host;
    const struct voicegw_host_http *http;
    const struct voicegw_host_assistant *out;
    const struct voicegw_host_crypto *crypto;
    /* Strings are the options block's. */
    const char *url, *greeting, *error_text;
    uint8_t key[HTTP_KEY_MAX];
    uint64_t key_bytes; /* 0: requests are not signed */
    char block[4096];   /* the texts behind `headers` */
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 8];
    uint32_t header_count;
    struct voicegw_retry retry;
    enum reply_kind format;
    uint32_t connect_ms, timeout_ms, first_byte_ms, stall_ms, history_turns;
    atomic_uint sessions, draining;
};

struct http_session {
    struct http_instance *h;
    uint64_t handle;
    char *session_json, *agent_json;
    struct chat_history history;
    uint64_t turn;
    uint32_t open; /* on_turn_done() is due */
    uint32_t resumed;
    struct exchange *exchange;
    struct reply reply;
    char *said; /* of this turn, for the history */
    uint64_t said_bytes, said_cap;
    /* of the last answer that the caller cut: told with the next turn */
    uint64_t cut_turn;
    uint32_t cut_ms;
    char *cut_text;
    uint32_t live, closing;
};

/* session.c */
extern const struct voicegw_assistant http_operations;
void http_tell_drained(struct http_instance *h);

/* request.c */
/** POSTs the turn; 0 or a negative status with host->set_error(). */
int32_t http_ask(struct http_session *s, const struct voicegw_turn *turn, const struct exchange_request *with);
/** Standard Webhooks 1.0.0: "v1,<base64>" of id, time and body into `out` (at least 64 bytes). */
void http_sign(const struct http_instance *h, const char *id, int64_t seconds, const char *body, uint64_t bytes,
               char *out, uint64_t cap);
#endif

/* wire.h - what Vapi is sent and what it says: pure. Source: VapiAI/docs fern/apis/api/openapi.json, fern/server-url.
 */
#ifndef VAPI_WIRE_H
#define VAPI_WIRE_H
#include "platform.h"

#define VAPI_TOOLS_MAX 16u
#define VAPI_RESULT_MAX 2000u

/** Indexes into platform_sources.own. */
enum vapi_own { VAPI_OWN_PHONE_NUMBER, VAPI_OWN_ASSISTANT, VAPI_OWN_SECRET };

/** The fields of POST /call that a caller or the operator may set, with their limits. */
extern const struct field_rule vapi_fields[];
extern const size_t vapi_field_count;

/** Is this object of call parameters one that Vapi takes? 0, or VOICEGW_EINVALID with a sentence in `why`. */
int32_t vapi_validate_payload(struct voicegw_json parameters, char *why, size_t cap);
/** Writes the body of POST /call. Its length, or a negative status with a sentence in `why`. */
int64_t vapi_format_payload(const struct platform_sources *sources, char *out, uint64_t cap, char *why, size_t why_cap);
/** Writes the answer to assistant-request: the agent source and its overrides, by the same sources. `first` or NULL:
 * what the assistant says first. Its length, or a negative status. */
int64_t vapi_format_inbound(const struct platform_sources *sources, const char *first, char *out, uint64_t cap,
                            char *why, size_t why_cap);
void vapi_path(struct voicegw_text *url, enum platform_path path, const char *id, int64_t since_us);
int vapi_read_id(struct voicegw_json answer, char *out, size_t cap);
int vapi_find_id(struct voicegw_json answer, const char *call_id, char *out, size_t cap);
int vapi_is_error(struct voicegw_json answer);
void vapi_explain(struct voicegw_json answer, char *out, size_t cap);
/** A call object, or a message about one: status, endedReason, cost. */
void vapi_view(struct voicegw_json call, struct platform_view *ret_view);
/** How an endedReason is to be read: the state and outcome of the call that ended so; ended_by a machine: 1. */
struct vapi_reason {
    uint32_t state, outcome, machine;
};
struct vapi_reason vapi_reason_of(const char *reason);
/** The control address of a call object, "<" and ">" around it stripped; 0 when there is none. */
int vapi_control_url(struct voicegw_json call, char *out, size_t cap);
/** "user", "assistant" or "" of a message's role. */
const char *vapi_role(struct voicegw_json message);

/** One call of a tool, in any of the three shapes that are published. */
struct vapi_tool_call {
    char id[PLATFORM_ID_CAP], name[80];
    struct voicegw_json arguments; /* an object, or a string that holds one */
};
/** 1, or 0 for what is no call of a tool. */
int vapi_read_tool_call(struct voicegw_json item, struct vapi_tool_call *ret_call);
/** Makes a result fit: one line, at most VAPI_RESULT_MAX bytes. */
void vapi_one_line(const char *text, uint64_t bytes, char *out, size_t cap);
/** The answer to transfer-destination-request: to a number or a sip: address. Its length. */
int64_t vapi_format_destination(const char *to, char *out, uint64_t cap);

enum vapi_message {
    VAPI_UNKNOWN,
    VAPI_STATUS,
    VAPI_REPORT,
    VAPI_TRANSCRIPT,
    VAPI_ASSISTANT_REQUEST,
    VAPI_TOOL_CALLS,
    VAPI_TRANSFER_REQUEST,
    VAPI_TRANSFER_UPDATE,
    VAPI_CONTROL,
    VAPI_HANG,
    VAPI_TOLD,     /* published as an event of ours */
    VAPI_FREQUENT, /* too many and too large to publish; counted */
    VAPI_REQUEST   /* wants an answer that we do not have */
};
enum vapi_message vapi_message_of(struct voicegw_json message);
/** The message without what may hold secrets or is large (phoneNumber, assistant, call, artifact and so on): fit for an
 * event. Its length, or VOICEGW_ELIMIT. */
int64_t vapi_redact(struct voicegw_json message, char *out, uint64_t cap);
/** Splits a payloadFormat and writes the octets that are signed. -1 when they do not fit. */
struct vapi_signed {
    const char *timestamp, *method, *url, *id;
    const char *body;
    uint64_t body_bytes;
};
int64_t vapi_signed_bytes(const char *format, const struct vapi_signed *s, char *out, uint64_t cap);
#endif

/* wire.h - what Bland is sent and what it says: pure. Source: docs.bland.ai/api-v1/post/calls, get/calls-id,
 * tutorials/webhook-signing. */
#ifndef BLAND_WIRE_H
#define BLAND_WIRE_H
#include "platform.h"

/** The fields of POST /v1/calls that a caller or the operator may set, with their limits. */
extern const struct field_rule bland_fields[];
extern const size_t bland_field_count;

/** Is this object of call parameters one that Bland takes? 0, or VOICEGW_EINVALID with a sentence in `why`. */
int32_t bland_validate_payload(struct voicegw_json parameters, char *why, size_t cap);
/** Writes the body of POST /v1/calls. Its length, or a negative status with a sentence in `why`. */
int64_t bland_format_payload(const struct platform_sources *sources, char *out, uint64_t cap, char *why,
                             size_t why_cap);
void bland_path(struct voicegw_text *url, enum platform_path path, const char *id, int64_t since_us);
int bland_read_id(struct voicegw_json answer, char *out, size_t cap);
int bland_find_id(struct voicegw_json answer, const char *call_id, char *out, size_t cap);
/** Fails: `status` is "error", or `errors` is a list that holds something. */
int bland_is_error(struct voicegw_json answer);
void bland_explain(struct voicegw_json answer, char *out, size_t cap);
void bland_view(struct voicegw_json call, struct platform_view *ret_view);
/** "human", "machine" or "unknown" of answered_by; "" when Bland does not say. */
const char *bland_answered_by(struct voicegw_json call);
/** "user" or "assistant" of a line of the transcript; "" for what nobody said. */
const char *bland_role(struct voicegw_json line);
/** Whether a call object says that the caller can be spoken with: a line was said, somebody answered, or it started. */
int bland_is_answered(struct voicegw_json call);

/** What a webhook is about. */
enum bland_news { BLAND_FINAL, BLAND_LATE, BLAND_PROGRESS, BLAND_UNKNOWN };
enum bland_news bland_news_of(struct voicegw_json body);
#endif

/* vapi.h - the parts of the Vapi provider. All on [control]. */
#ifndef VAPI_VAPI_H
#define VAPI_VAPI_H
#include "platform.h"
#include "wire.h"

#define VAPI_KEPT_RESULTS 8u
#define VAPI_ASSISTANT_US INT64_C(6000000) /* Vapi waits 7.5 s for the answer to assistant-request, all in all */
#define VAPI_TOOLS_US INT64_C(12000000)    /* the gateway's own deadline for an answer is 15 s */

enum vapi_text {
    VAPI_CALL,
    VAPI_WEBHOOK_URL,
    VAPI_PHONE_NUMBER_ID,
    VAPI_ASSISTANT_ID,
    VAPI_SERVER_SECRET,
    VAPI_BEARER_TOKEN,
    VAPI_BEARER,
    VAPI_HMAC_SECRET,
    VAPI_HMAC,
    VAPI_PUBLIC_KEY,
    VAPI_TOOLS,
    VAPI_DEPARTMENTS,
    VAPI_TRANSFER_TO,
    VAPI_TEXTS
};

/* What a tool said, for the same question once more. */
struct vapi_result {
    char id[PLATFORM_ID_CAP];
    char text[VAPI_RESULT_MAX + 1];
    uint32_t is_error;
};

struct vapi_call {
    struct platform_call base;
    uint64_t answer_request, answer_timer; /* Vapi waits for an assistant */
    uint64_t transfer_op;
    uint32_t inbound, answered, spoken; /* spoken: lines that were told while they were said */
    uint32_t result_count;
    struct vapi_result *results[VAPI_KEPT_RESULTS];
    char control[PLATFORM_URL_CAP / 2]; /* "": not known yet. Whoever has it steers the call: never logged */
};

/* proof.c */
/** Does a request prove to be Vapi's? */
int vapi_is_proved(struct platform *p, const struct voicegw_request *r);
/** Holds the options `hmac` and `bearer` against their rules. */
int32_t vapi_check_proof(const struct voicegw_host *host, const struct platform_settings *s);

/* api.c */
int32_t vapi_stop(struct platform *p, struct platform_settings *s, struct platform_call *c, const char *id,
                  uint64_t op);
int32_t vapi_say(void *instance, uint64_t op, uint64_t call, const char *text, const char *voice, const char *language);
int32_t vapi_mute(void *instance, uint64_t op, uint64_t call, uint32_t on);
int32_t vapi_transfer(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                      const char *params_json);
/** Sends a call elsewhere because Vapi asks us to. */
void vapi_forward(struct vapi_call *c, const char *to);

/* calls.c */
extern const struct voicegw_provider vapi_operations;
void vapi_apply(struct platform_call *c, struct voicegw_json call);
void vapi_freed(struct platform_call *c);
/** The transfer under way came to this: "completed", "busy", "no_answer" or "failed". */
void vapi_transfer_over(struct vapi_call *c, const char *outcome);

/* inbound.c */
/** An incoming call: known to the host from now on, or NULL after the sentence was left. */
struct vapi_call *vapi_incoming(struct platform *p, struct voicegw_json message, const char *id, uint32_t answered);
/** Vapi asks for an assistant for this call, or for one that the host refused (NULL). */
void vapi_on_assistant_request(struct platform *p, struct vapi_call *c, uint64_t request);
int32_t vapi_answer(void *instance, uint64_t op, uint64_t call);
int32_t vapi_reject(void *instance, uint64_t op, uint64_t call, const char *reason);

/* tools.c */
void vapi_on_tool_calls(struct platform *p, struct vapi_call *c, const char *id, struct voicegw_json message,
                        uint64_t request);
int32_t vapi_check_tools(const struct voicegw_host *host, const struct platform_settings *s);
void vapi_tools_end(struct platform *p);

/* webhook.c */
int32_t vapi_routes(struct platform *p);
int32_t vapi_identify(void *instance, const struct voicegw_request *request, char *out, uint32_t cap);
#endif

/* chat_wire.h - a chat model on the wire: what is asked, and how an answer is put together from its pieces. Pure. Two
 * interfaces: chat completions (POST /v1/chat/completions, object chat.completion.chunk) and responses (POST
 * /v1/responses, events response.*). Source: the vendor's references of both. */
#ifndef OPENAI_CHAT_WIRE_H
#define OPENAI_CHAT_WIRE_H
#include <stdint.h>
#include "chat_history.h"
#include "tool_offer.h"
#include "voicegw/json.h"

#define CHAT_CALLS_MAX 16u             /* in one answer */
#define CHAT_ARGUMENTS_MAX (32u << 10) /* bytes of one call's arguments */
#define CHAT_BODY_MAX (4u << 20)       /* of a request */

struct chat_call {
    int64_t index;
    char id[CHAT_ID_MAX], name[TOOL_NAME_MAX];
    char *arguments; /* JSON text as it came, perhaps broken; NULL: none came */
    uint64_t bytes, cap;
};

/** An answer that is being put together. Zeroed is ready. */
struct chat_answer {
    char *text;
    uint64_t bytes, cap;
    struct chat_call calls[CHAT_CALLS_MAX];
    uint32_t call_count;
    char finish[24]; /* finish_reason, "" until it came */
    int64_t input_tokens, output_tokens;
    uint32_t chunks; /* of the model, so far */
    uint32_t done;   /* "[DONE]" came */
};

void chat_answer_free(struct chat_answer *a);
/** Adds a JSON string to its text; what is none adds nothing. VOICEGW_OK, VOICEGW_ELIMIT, VOICEGW_EPROVIDER. */
int32_t chat_answer_text(struct chat_answer *a, struct voicegw_json piece);
/** The call with that index, made when there is none; NULL: too many. */
struct chat_call *chat_answer_call(struct chat_answer *a, int64_t index);
/** Adds a JSON string to its arguments; as chat_answer_text(). */
int32_t chat_call_arguments(struct chat_call *c, struct voicegw_json piece);
/** One event's data as an object. VOICEGW_EPROVIDER and *ret_why: it is none, or tells of a failure. */
int32_t chat_event_read(const char *data, uint64_t bytes, struct voicegw_json *ret_doc, const char **ret_why);
/** The sentence for a status of these; NULL: none is needed. */
const char *chat_answer_why(int32_t status);
/** The calls as the array that the next request repeats, arguments that are no JSON object replaced by {}. malloc();
 * NULL: no memory. */
char *chat_answer_calls(const struct chat_answer *a);
/** 1: the call's arguments are one JSON object. */
uint32_t chat_call_valid(const struct chat_call *c);

struct chat_body {
    const char *model;
    const char *const *system; /* texts, NULL-ended; empty ones are passed over */
    const struct chat_history *history;
    const struct tool_entry *tools;
    uint32_t tool_count;
    const char *tokens_field;  /* "max_completion_tokens" or "max_tokens" */
    uint32_t max_tokens;       /* of the answer; 0: not said */
    double temperature, top_p; /* negative: not said */
    struct voicegw_json extra; /* object: members of the request beside ours */
};

/** What `write` writes, in as much room as it takes; malloc(), NULL: no memory or longer than CHAT_BODY_MAX. */
char *chat_written(void (*write)(const void *of, struct voicegw_json_writer *w), const void *of, uint64_t *ret_bytes);
/** The members that are the same in every interface: how freely words are chosen, and `extra` but for the names in
 * `ours` (NULL-ended). */
void chat_body_rest(const struct chat_body *b, const char *const *ours, struct voicegw_json_writer *w);

/** One interface of a model's server. */
struct chat_wire {
    const char *path; /* behind base_url */
    /** The request's body, as chat_written(). */
    void (*write)(const void *body, struct voicegw_json_writer *w);
    /** One event's data. *ret_delta: the text that it added, within a->text ("" for none). VOICEGW_OK also for what is
     * not known; VOICEGW_EPROVIDER for broken JSON or an error of the vendor, VOICEGW_ELIMIT for too much, with
     * *ret_why. */
    int32_t (*take)(struct chat_answer *a, const char *data, uint64_t bytes, const char **ret_delta,
                    const char **ret_why);
};
extern const struct chat_wire chat_completions_wire, chat_responses_wire;
#endif

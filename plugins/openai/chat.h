/* chat.h - the assistant of a chat model: an instance's settings and a session. Sessions live on their worker; the
 * instance is read only after create(). */
#ifndef OPENAI_CHAT_H
#define OPENAI_CHAT_H
#include <stdatomic.h>
#include "chat_history.h"
#include "chat_wire.h"
#include "exchange.h"
#include "sse.h"
#include "tool_offer.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/vendor_options.h"

#define CHAT_ROUNDS_MAX 64u
#define CHAT_ANSWER_MAX (4u << 20) /* octets of one answer on the wire */

struct chat_instance {
    const struct voicegw_host *host;
    const struct voicegw_host_http *http;
    const struct voicegw_host_assistant *out;
    const struct chat_wire *wire;
    struct voicegw_vendor vendor;
    /* Strings are the options block's. */
    const char *model, *prompt, *greeting, *no_input, *no_match, *error_text, *rounds_text, *limit_text;
    const char *transfer_to;
    const char *project_id, *organization, *tokens_field, *tools_json, *builtin_json;
    char url[1024];
    char block[4096]; /* the texts behind `headers` */
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 8];
    double temperature, top_p, max_cost, price_input, price_output;
    uint32_t first_byte_ms, stall_ms, max_answer_tokens, max_rounds, max_turns, history_turns;
    int64_t tool_timeout_us, max_tokens;
    uint64_t history_bytes;
    uint32_t generate_greeting, tell_context;
    atomic_uint sessions, draining;
    atomic_uint refused; /* 1: the vendor refused the key, and /health says so */
};

/* What the model may call that is not the host's tool. */
enum chat_builtin { CHAT_NO_BUILTIN, CHAT_END_CALL, CHAT_TRANSFER, CHAT_HAND_OFF };

struct chat {
    struct chat_instance *o;
    uint64_t handle;
    struct chat_history history;
    struct tool_offer offer;
    char *context; /* about the call, for the model */
    char *prompt, *greeting;
    char model[128];
    double max_cost;
    int64_t max_tokens;
    uint32_t max_turns, resumed;

    /* the turn */
    uint64_t turn;
    uint32_t open;           /* on_turn_done() is due */
    uint32_t rounds, ending; /* ending: an action was asked for, no further round */
    uint32_t spoke, gap;     /* text was handed on in this turn; a space is due before more */
    uint32_t pending;        /* tools whose results are awaited */
    uint64_t tool_from;      /* calls below this number are of turns that are over */
    uint64_t tool_calls;
    uint64_t tool_timer;
    int64_t turn_input, turn_output;
    struct exchange *exchange; /* NULL: none is under way */
    struct chat_answer answer;
    struct sse sse;
    const char *broken; /* why the answer was given up */
    int32_t broken_status;

    /* the conversation */
    uint32_t turns;
    int64_t input_tokens, output_tokens;
    uint32_t live; /* exchanges that are not gone */
    uint32_t closing;
};

/* chat_session.c */
extern const struct voicegw_assistant chat_operations;
void chat_tell_drained(struct chat_instance *o);
/** The agent's own settings over the instance's; NULL: none. */
int32_t chat_agent_read(struct chat *c, const char *agent_json);
/** An exchange of this session is gone; `arg` is the session. */
void chat_exchange_gone(void *arg);

/* chat_turn.c */
/** Ends the turn that is under way, as cut. */
void chat_turn_cut(struct chat *c);
/** Ends it: on_turn_done(). */
void chat_turn_finish(struct chat *c, int32_t status, const char *sentence);
/** Says what no model said; it stands in the history when `keep`. */
void chat_say(struct chat *c, const char *text, uint32_t keep);
/** Asks the model with what the history holds. */
void chat_ask(struct chat *c);
/** A tool has answered; text as the model shall read it. 1: it was awaited. */
uint32_t chat_tool_answered(struct chat *c, uint64_t tool_call, const char *text);
/** 1: the conversation has used what it may; the caller was told, and the call ends. */
uint32_t chat_limit_reached(struct chat *c);
#endif

/* voicegw/draft/assistant.h - who answers: text in, text out (assistant/1), or audio in, audio out (assistant.audio/1).
 * Part of the voicegw plugin SDK (MIT). Draft: may change until version 1 is cut.
 *
 * All functions run on [media], the worker of the session's leg (on [control] for a session without a leg). Answers may
 * be reported from any thread, also from inside the call that asks; the host hands them on in order. */
#ifndef VOICEGW_DRAFT_ASSISTANT_H
#define VOICEGW_DRAFT_ASSISTANT_H
#include <stdint.h>
#include "voicegw/audio.h"
#include "voicegw/host.h"

#define VOICEGW_KIND_ASSISTANT "voicegw.assistant/1"
#define VOICEGW_KIND_ASSISTANT_AUDIO "voicegw.assistant.audio/1"
#define VOICEGW_HOST_ASSISTANT "voicegw.host.assistant/1"

struct voicegw_assistant_params {
    uint32_t size;
    uint32_t resumed; /* 1: the conversation goes on from another assistant; history_json tells what was said */
    const char
        *session_json;      /* {"session_id","call_id","provider_call_id","provider","channel","direction","from","to",
                               "language","variables","project_id"} */
    const char *tools_json; /* [{"name","description","parameters":{JSON Schema}}] */
    const char *history_json; /* [{"role","content"}] or NULL */
    const char *agent_json;   /* the agent's YAML as an object, or NULL */
};

struct voicegw_turn {
    uint32_t size;
    uint32_t flags;    /* VOICEGW_TURN_* */
    uint64_t turn;     /* grows by one for each turn of the session */
    const char *text;  /* what the caller said; "" for a no-input turn */
    double confidence; /* negative: unknown */
    const char *language;
};
#define VOICEGW_TURN_START 1u    /* the conversation begins: greet, or stay silent (on_turn_done at once) */
#define VOICEGW_TURN_NO_INPUT 2u /* the caller said nothing in time */
#define VOICEGW_TURN_NO_MATCH 4u /* the caller spoke but nothing was understood */
#define VOICEGW_TURN_DTMF 8u     /* text holds digits */

struct voicegw_assistant {
    uint32_t size;
    uint32_t reserved;
    int32_t (*open)(void *instance, uint64_t session, const struct voicegw_assistant_params *params,
                    void **ret_session);
    /** One turn of the caller. Deltas follow, then exactly one on_turn_done(turn). A newer turn or interrupt() ends an
     * older one. An assistant that has more to say of its own accord opens its newest turn again: deltas under that
     * number, then on_turn_done(turn) once more. */
    int32_t (*turn)(void *s, const struct voicegw_turn *turn);
    /** Text recognised so far, for assistants that prepare. May be NULL. */
    int32_t (*partial)(void *s, const char *text);
    /** A digit, at once, before any turn is made of it. 1: it was consumed; 0: the host collects it. May be NULL. */
    int32_t (*dtmf)(void *s, const char *digit);
    /** The caller cut in: of this turn so much was heard. Its on_turn_done still comes. */
    int32_t (*interrupt)(void *s, uint64_t turn, const char *heard_text, uint32_t heard_ms);
    /** The answer to on_tool(). */
    int32_t (*tool_result)(void *s, uint64_t tool_call, int32_t status, const char *result_json);
    /** New agent, prompt or tools from now on; NULL parts stay. May be NULL. */
    int32_t (*update)(void *s, const char *agent_json, const char *tools_json);
    /** Ends the session's part: exactly one on_closed() follows. */
    void (*close)(void *s);
};

/** Speech to speech, loopback, raw media to an application. An instance offers this or voicegw_assistant, or both. */
struct voicegw_assistant_audio {
    uint32_t size;
    uint32_t flags; /* VOICEGW_ASSISTANT_AUDIO_* */
    int32_t (*open)(void *instance, uint64_t session, const struct voicegw_assistant_params *params,
                    const struct voicegw_audio_format *formats, uint32_t count, void **ret_session,
                    uint32_t *ret_format);
    int32_t (*audio)(void *s, const struct voicegw_frame *frame);
    /** The host's detector: speech began (1), stopped (0). May be NULL. */
    int32_t (*speech)(void *s, uint32_t started, uint64_t sample);
    /** The caller's turn is over. May be NULL. */
    int32_t (*commit)(void *s);
    /** Of this item so much was heard before the caller cut in. May be NULL. */
    int32_t (*truncated)(void *s, const char *item, uint32_t heard_ms);
    int32_t (*credit)(void *s, uint32_t ms);                                                      /* may be NULL */
    int32_t (*dtmf)(void *s, const char *digit);                                                  /* may be NULL */
    int32_t (*tool_result)(void *s, uint64_t tool_call, int32_t status, const char *result_json); /* may be NULL */
    void (*close)(void *s);
    /** This item, which on_item_done() ended, was heard to its end: `heard_ms` of it. What was cut is told by
     * truncated() instead, and what came while the call was on hold by neither. May be NULL. */
    int32_t (*heard)(void *s, const char *item, uint32_t heard_ms);
};
#define VOICEGW_ASSISTANT_AUDIO_PACED                                                                                  \
    1u /* its audio comes at the pace of speech: the host passes frames on at once                                     \
        */
#define VOICEGW_ASSISTANT_AUDIO_TURNS                                                                                  \
    2u /* it does turn-taking itself: the host runs no detector for it, and no key cuts its voice */
#define VOICEGW_ASSISTANT_AUDIO_WHOLE                                                                                  \
    4u /* every sample of it is played: none is left out to make up for a late clock */

/** The host's side, by get_extension(VOICEGW_HOST_ASSISTANT). [any] */
struct voicegw_host_assistant {
    uint32_t size;
    uint32_t reserved;
    /** More text of the answer, to be spoken; sentence ends let it be spoken early. */
    int32_t (*on_delta)(const struct voicegw_host *host, uint64_t session, uint64_t turn, const char *text);
    /** Asks for a tool: `tool_call` is the assistant's number; tool_result() brings the answer. */
    int32_t (*on_tool)(const struct voicegw_host *host, uint64_t session, uint64_t turn, uint64_t tool_call,
                       const char *name, const char *arguments_json);
    /** action "end" {"handoff","cause"}, "transfer" {"to" or "department","kind","summary"}, "handoff" {"agent"},
     * "workflow" {"id","variables"}, "assistant" {"name"}, "dtmf" {"digits"}, "play" {"url" of a WAV file,
     * "loop","interruptible"}, "say" {"text","interruptible"}, "language" {"tts","stt"} (of what is said and understood
     * from here on), "hints" {"phrases":[…]} (what the recognizer should expect next), "talk" {talk options for the
     * next turn}. Carried out when what was said before it has been heard; but "hints", "talk" and "language" at once,
     * and "say" takes its place behind what was said before. The session's variable `handoff` is the value of "handoff"
     * afterwards, so that it stands in the session's record; "cause" (at most 200 bytes) is the call's cause of end.
     * params: object or NULL. */
    int32_t (*on_action)(const struct voicegw_host *host, uint64_t session, uint64_t turn, const char *action,
                         const char *params_json);
    int32_t (*on_turn_done)(const struct voicegw_host *host, uint64_t session, uint64_t turn, int32_t status,
                            const char *sentence, const char *usage_json);
    int32_t (*on_error)(const struct voicegw_host *host, uint64_t session, uint32_t fatal, int32_t status,
                        const char *sentence);
    int32_t (*on_closed)(const struct voicegw_host *host, uint64_t session);
    /* assistant.audio/1 */
    int32_t (*on_audio)(const struct voicegw_host *host, uint64_t session, const char *item,
                        const struct voicegw_frame *frame);
    int32_t (*on_clear)(const struct voicegw_host *host, uint64_t session);
    /** The caller begins to speak (1), or the caller's turn is over (0): from there its answer's latency counts.
     * `sample`: that place of the stream at 8 kHz; negative: now. */
    int32_t (*on_speech)(const struct voicegw_host *host, uint64_t session, uint32_t started, int64_t sample);
    /** What was said. An answer's text is told in the order of speaking, once it was heard or cut, and as far. */
    int32_t (*on_transcript)(const struct voicegw_host *host, uint64_t session, const char *role, uint32_t final,
                             const char *text);
    int32_t (*on_item_done)(const struct voicegw_host *host, uint64_t session, const char *item);
    int32_t (*on_expiring)(const struct voicegw_host *host, uint64_t session, uint32_t ms);
};

#endif

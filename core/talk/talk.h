/* talk.h - the conversation on a call's leg: listening, endpointing, barge-in, turns, speaking, their latency. It lives
 * on the leg's worker; control makes it, tells it what to do and hears from it through `home`. */
#ifndef VGW_TALK_TALK_H
#define VGW_TALK_TALK_H
#include "base/json.h"
#include "media/leg.h"
#include "talk/engine.h"
#include "talk/options.h"

#define VGW_TALK_ENGINES_MAX 8

struct vgw_talk;

struct vgw_talk_usage { /* of an agent's model, as its assistant tells it */
    int64_t tokens;
    double cost;
};
/** An agent that comes in: what its assistant is told when it is opened, and its limits. Texts are owned, NULL: as
 * before. */
struct vgw_talk_role {
    char *tools_json, *agent_json, *history_json, *voice;
    uint32_t max_turns; /* 0: the conversation's */
    struct vgw_talk_usage usage_limit;
};
void vgw_talk_role_free(struct vgw_talk_role *role); /* takes NULL */

/** What control hears of a talk. All on control; `call` is the handle that was given. */
struct vgw_talk_home {
    void *arg;
    void (*up)(void *arg, uint64_t call);
    void (*activity)(void *arg, uint64_t call);
    void (*lost)(void *arg, uint64_t call, const char *sentence);
    /** An event of the catalogue; takes ownership of data. */
    void (*event)(void *arg, uint64_t call, const char *type, struct vgw_json *data);
    /** A line of the transcript:
     * {"role","content","latency_ms","confidence","interrupted","stages","audio_from","audio_to"}; takes ownership. */
    void (*turn)(void *arg, uint64_t call, struct vgw_json *turn);
    void (*complete)(void *arg, uint64_t op, int status, const char *sentence,
                     struct vgw_json *result); /* takes ownership */
    /** The assistant wishes: end, transfer, workflow, assistant, handoff. Takes ownership. */
    void (*action)(void *arg, uint64_t call, const char *action, struct vgw_json *params);
    /** The assistant asks for a tool: answer by vgw_talk_tool_result() with the same `by` and `tool_call`, whatever
     * becomes of it. Takes ownership. */
    void (*tool)(void *arg, uint64_t call, uint64_t turn, uint64_t by, uint64_t tool_call, const char *name,
                 struct vgw_json *arguments);
    /** An engine of the talk is not used any more. */
    void (*engine_release)(void *arg, void *ref);
    /** The talk and its leg are gone; takes ownership of summary. */
    void (*gone)(void *arg, uint64_t call, struct vgw_json *summary);
    /** What vgw_talk_summarize() brought; "": nothing. */
    void (*summary)(void *arg, uint64_t call, uint64_t number, const char *text);
};

struct vgw_talk_params {
    struct vgw_loop *control, *worker;
    struct vgw_pool *pool;
    uint64_t call;
    const struct voicegw_provider_media *media;
    void *media_instance;
    int64_t silence_timeout_us;
    const char *session, *call_id, *provider;
    const struct vgw_talk_home *home; /* constant */
    /** Where the files of `play` lie. */
    const char *audio_root; /* relative paths are below it; NULL: the working folder */
};
/** Makes a talk with its leg. [control] */
int vgw_talk_new(const struct vgw_talk_params *params, struct vgw_talk **ret_talk, uint64_t *ret_leg,
                 struct vgw_error *err);

/** How a conversation begins. Owned by the receiver of vgw_talk_begin(). */
struct vgw_talk_begin {
    char *greeting, *language, *voice;
    char *speech_language;        /* of what we say; NULL: `language` */
    struct vgw_engine *stt, *tts; /* room for VGW_TALK_ENGINES_MAX of each until the talk has begun */
    uint32_t stt_count, tts_count;
    struct vgw_engine *shadow;    /* hears what stt hears and only reports; NULL: none */
    struct vgw_engine *stand_ins; /* for the assistant, in this order; room as above, NULL: none */
    uint32_t stand_in_count;
    bool has_assistant;
    bool find_answerer;                /* by the sound, from the first frame on */
    char *session_json, *tools_json;   /* for the assistant */
    char *agent_json, *history_json;   /* of the agent that it is, or NULL; what was said before, or NULL */
    struct vgw_talk_usage usage_limit; /* of the agent; zeros: none */
    /* last: their memory goes back once the talk has them */
    struct vgw_engine assistant;
    struct vgw_talk_options options;
};
struct vgw_talk_begin *vgw_talk_begin_new(void);
/** The call is connected. Takes ownership of `begin`. Engines' refs go back by home.engine_release. [control] */
int vgw_talk_begin(struct vgw_talk *talk, struct vgw_talk_begin *begin);

/** Commands, as the call room's (say, play, dtmf, hold, resume, mute, unmute, record_*, gather, assistant) and
 * language; `op` completes by home.complete() exactly once. For assistant, `engine` is the one to switch to (ownership
 * of its ref passes). [control] */
int vgw_talk_command(struct vgw_talk *talk, uint64_t op, const char *command, const struct vgw_json *params,
                     const struct vgw_engine *engine, struct vgw_error *err);
/** The command assistant with an agent: `role` (may be NULL) is taken when 0 is returned. [control] */
int vgw_talk_assistant(struct vgw_talk *talk, uint64_t op, const struct vgw_json *params,
                       const struct vgw_engine *engine, struct vgw_talk_role *role, struct vgw_error *err);
/** A digit that the provider signalled outside of the media stream. It is what a digit in the stream is, once when it
 * came both ways. [control] */
int vgw_talk_digit(struct vgw_talk *talk, char digit, uint32_t duration_ms, const char *source);
/** `by`: the session that asked; when another assistant has taken its place the result is dropped, since each counts
 * its tool calls by itself. Of a failure `result` is {"error": a sentence}. [control] */
int vgw_talk_tool_result(struct vgw_talk *talk, uint64_t by, uint64_t tool_call, int status,
                         const struct vgw_json *result);
/** Asks the assistant in use for a summary of the conversation, unheard by the caller; `history_json`: what was said,
 * as in voicegw_assistant_params. home.summary() follows once, with `number`, within VGW_TALK_SUMMARY_US, but not
 * when the leg is gone. VGW_ELIMIT, VGW_ENOTFOUND: it does not. [control] */
int vgw_talk_summarize(struct vgw_talk *talk, uint64_t number, const char *history_json);
/** Ends talk and leg; open ops complete with VGW_ENOTFOUND; home.gone() is last. Once. [control] */
void vgw_talk_end(struct vgw_talk *talk);

/* ---- from engines, by host/ [any]: see engine.h for the streams' handles ---- */
#endif

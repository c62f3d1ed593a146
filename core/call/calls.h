/* calls.h - the registry of live calls and sessions, and all that may be done to them. Control thread. Every call ends
 * exactly once: a lease on each (ring time, hard cap from answer, forced end), one terminal event, one record. */
#ifndef VGW_CALL_CALLS_H
#define VGW_CALL_CALLS_H
#include "base/error.h"
#include "call/call.h"
#include "call/late.h"

/** What the registry needs of the rooms around it; filled by gateway/ (and by tests). All on control. `arg` is the
 * first argument. */
struct vgw_calls_env {
    void *arg;
    struct vgw_loop *loop;
    /** Publishes an event about a call and/or a session; takes ownership of data
     *  (NULL when memory was short: an empty object). `session` and `call` may be NULL, not both. */
    void (*emit)(void *arg, const char *type, const struct vgw_session *session, const struct vgw_call *call,
                 struct vgw_json *data);
    /** Appends to the journal: kind "session" (began), "call" (began or changed), "ended" (call is over), "record"
     * (session's record). Takes ownership of doc. `synced` (may be NULL) runs on control once it is on disk; exactly
     * once, maybe from inside. */
    void (*journal)(void *arg, const char *kind, struct vgw_json *doc, void (*synced)(void *synced_arg),
                    void *synced_arg);
    /** Stores the session's record, its calls and turns (idempotent by ids). Takes ownership. */
    void (*store_record)(void *arg, struct vgw_json *record);
    /** The current snapshot (a new reference) and its routes. */
    struct vgw_snapshot *(*snapshot)(void *arg);
    const struct vgw_route_set *(*routes)(void *arg, struct vgw_snapshot *snapshot);
    /** Takes and drops a reference on a provider instance; find by name ("" or NULL: the default provider). find
     * returns a new reference, or NULL. */
    void *(*instance_find)(void *arg, const char *provider_name);
    void (*instance_ref)(void *arg, void *instance);
    void (*instance_unref)(void *arg, void *instance);
    const char *(*instance_name)(void *arg, void *instance);
    const char *(*instance_plugin)(void *arg, void *instance);
    uint64_t (*instance_caps)(void *arg, void *instance);
    /** An instance's own setting ("default_from", "default_timeout_seconds", "max_call_duration_seconds",
     * "recording_enabled"), or NULL. Borrowed. */
    const char *(*instance_setting)(void *arg, void *instance, const char *name);
    /** Starts a provider operation: `command` of enum vgw_command, params per command. 0: exactly one
     * vgw_calls_complete(op) follows later. */
    int (*provider_op)(void *arg, void *instance, uint64_t op, struct vgw_call *call, int command,
                       const struct vgw_json *params, struct vgw_error *err);
    /** Nobody waits for this operation any more. May be NULL. */
    void (*provider_cancel)(void *arg, void *instance, uint64_t op);
    void (*provider_forget)(void *arg, void *instance, struct vgw_call *call);
    /** Media (NULL functions: no media). attach: makes a leg for the call (sets *ret_leg); begin: the call is
     * connected, start the conversation; command: say, play, dtmf, record, mute, hold, gather …, completes by
     * vgw_calls_complete(op); release: the call is over: the leg answers with one vgw_calls_media_summary() and is
     * gone. */
    int (*media_attach)(void *arg, struct vgw_call *call, uint64_t *ret_leg, struct vgw_error *err);
    void (*media_begin)(void *arg, struct vgw_call *call);
    int (*media_command)(void *arg, struct vgw_call *call, uint64_t op, int command, const struct vgw_json *params,
                         struct vgw_error *err);
    void (*media_release)(void *arg, struct vgw_call *call);
    /** The call is connected and its plan names a workflow: start a run. Returns false when it could not (then the
     * caller hears an apology and the call ends). */
    bool (*workflow_start)(void *arg, struct vgw_call *call, const char *workflow);
    /** A digit that was signalled outside of the call's stream goes to its talk, which tells of it. False: it has none.
     * May be NULL. */
    bool (*media_digit)(void *arg, struct vgw_call *call, char digit, uint32_t duration_ms, const char *source);
    /** The call went on hold or came back, whoever asked for it: its leg plays music or listens again. May be NULL. */
    void (*media_held)(void *arg, struct vgw_call *call, bool on);
    /** The address under which the gateway's own recording of that id can be fetched. NULL: none is told. */
    void (*recording_url)(void *arg, const char *recording_id, char *out, size_t cap);
    /** What `seconds` of an answered call with that number cost by the operator's table; `ret_currency` holds
     * VGW_RATE_CURRENCY bytes. May be NULL. */
    bool (*price)(void *arg, void *instance, const char *number, double seconds, double *ret_cost, char *ret_currency);
    /** The provider told the price of a call that is over: `late->call` has it. May be NULL. */
    void (*late_cost)(void *arg, const struct vgw_late_call *late);
    /** SHA-256 (FIPS 180-4) for session ids of odd provider ids. NULL: a hash of our own stands in (tests). */
    void (*sha256)(const void *data, size_t len, uint8_t *ret_digest32);
};

/** Limits, from the configuration; replaced at reload (running calls keep their timers). */
struct vgw_calls_limits {
    uint32_t max_sessions;
    int64_t session_timeout_us, max_call_duration_us, media_silence_timeout_us, ring_timeout_us;
    int64_t op_timeout_us;      /* 30 s */
    int64_t end_timeout_us;     /* 10 s after an asked end without the provider's word: forced */
    int64_t summary_timeout_us; /* 500 ms */
    bool enabled;
};

int vgw_calls_new(const struct vgw_calls_env *env, const struct vgw_calls_limits *limits, struct vgw_calls **ret_calls);
/** Ends what is left as interrupted is the caller's work (vgw_calls_end_all); frees. Takes NULL. */
void vgw_calls_free(struct vgw_calls *calls);
void vgw_calls_set_limits(struct vgw_calls *calls, const struct vgw_calls_limits *limits);

/* ---- life of a call ---- */
struct vgw_incoming {
    void *instance;
    const char *provider_call_id, *from, *to, *caller_name, *script, *trunk;
    const char *session_id; /* NULL: made by the rule */
    const char *recovers;   /* the session of an earlier run that the call goes on from, or NULL; then the new one is
                             * named after it */
    const struct vgw_json *variables;
    bool answered;
    bool unproven;         /* with `answered`: a media socket that is no call to anybody before it has proved itself */
    const char *transport; /* "mock_stream" …, or NULL */
};
/** A provider's incoming call; the same provider_call_id of the same instance name finds the same call. VGW_ELIMIT:
 * full, draining or disabled (a failed call with status busy is recorded). On success the route is followed (answer is
 * asked for on the next turn of the loop). */
int vgw_calls_incoming(struct vgw_calls *calls, const struct vgw_incoming *in, struct vgw_call **ret_call,
                       struct vgw_error *err);

struct vgw_outgoing {
    const char *to, *from, *provider, *project_id, *lead_id, *reservation_id;
    const char *workflow, *assistant, *agent, *greeting, *language;
    const struct vgw_json *variables;
    int64_t ring_timeout_us;         /* 0: default */
    bool documents;                  /* media: twiml */
    int64_t max_duration_us;         /* from the answer; 0: as configured */
    bool record;                     /* from the answer */
    const struct vgw_json *platform; /* object: what a provider that runs the conversation itself is told beside the
                                      * numbers (voicegw_call_params.route_json); may be NULL */
};
/** Places a call. Errors name the field in err->place. */
int vgw_calls_place(struct vgw_calls *calls, const struct vgw_outgoing *out, struct vgw_call **ret_call,
                    struct vgw_error *err);

struct vgw_state_report { /* what a provider says; any order, any number of times */
    enum vgw_call_state state;
    enum vgw_outcome outcome;
    uint32_t sequence;
    int64_t provider_wall_us;
    const char *cause, *provider_call_id;
    const struct vgw_json *data;
};
/** Applies it, or drops it (late, repeated, illegal: counted in voicegw_dropped_total). */
void vgw_calls_report(struct vgw_calls *calls, struct vgw_call *call, const struct vgw_state_report *report);
/** What the provider says the call costs, so far or at its end: `cost` and `currency` of data, if they are there. */
void vgw_calls_report_cost(struct vgw_calls *calls, struct vgw_call *call, const struct vgw_json *data);
/** A report about a call that is over and gone: its price is taken. False: it ended too long ago. */
bool vgw_calls_report_late(struct vgw_calls *calls, uint64_t handle, const struct vgw_state_report *report);
/** What is remembered of a call that ended, by its handle or by its provider's id; NULL: nothing. */
const struct vgw_late_call *vgw_calls_late(struct vgw_calls *calls, uint64_t handle);
const struct vgw_late_call *vgw_calls_late_provider(struct vgw_calls *calls, const char *instance_name,
                                                    const char *provider_call_id);
/** A recording of the provider's has begun, or is over (`url` may be NULL): told once, whoever asked for it. */
void vgw_calls_report_recording(struct vgw_call *call, const char *recording_id, bool started, const char *url,
                                double duration_s);
/** Who answered was found out after the answer; copies. */
void vgw_calls_answerer(struct vgw_call *call, const char *answered_by);
void vgw_calls_report_dtmf(struct vgw_calls *calls, struct vgw_call *call, const char *digit, uint32_t duration_ms,
                           const char *source);

/* ---- commands ---- */
enum vgw_command {
    VGW_CMD_MAKE_CALL, /* internal */
    VGW_CMD_RECONCILE, /* internal: an operation timed out; what became of the call? → {state, provider_call_id} */
    VGW_CMD_ANSWER,
    VGW_CMD_REJECT,
    VGW_CMD_END,
    VGW_CMD_HOLD, /* {music} */
    VGW_CMD_RESUME,
    VGW_CMD_TRANSFER, /* {to | department (resolved by the caller of this), kind: blind | attended, summary, bridge} */
    VGW_CMD_PLAY,     /* {url, loop, interruptible} */
    VGW_CMD_SAY,      /* {text, voice, language, interruptible} */
    VGW_CMD_DTMF,     /* {digits} */
    VGW_CMD_MUTE,
    VGW_CMD_UNMUTE,
    VGW_CMD_RECORD_START,
    VGW_CMD_RECORD_STOP,
    VGW_CMD_RECORD_PAUSE,
    VGW_CMD_RECORD_RESUME,
    VGW_CMD_STATUS,
    VGW_CMD_GATHER, /* {prompt, input, num_digits, finish_on, timeout, phrases} → {input, text, digits, confidence} */
    VGW_CMD_ASSISTANT,  /* {name, agent, until, greeting} */
    VGW_CMD_MONITOR,    /* {call, mode: listen | whisper | barge}: this call listens in on that one */
    VGW_CMD_CONFERENCE, /* {name}; on calls led by documents also {muted, start_on_enter, end_on_exit, music} */
    /* Only on calls led by their provider's documents (media: twiml); see voicegw/draft/provider_ivr.h. */
    VGW_CMD_DIAL,           /* {to, from, timeout, max_duration, record} → {outcome, duration} */
    VGW_CMD_ENQUEUE,        /* {queue, wait_url} → {outcome, wait_seconds} */
    VGW_CMD_REDIRECT,       /* {url} */
    VGW_CMD_PAUSE,          /* {duration} */
    VGW_CMD_RECORD_MESSAGE, /* {max_duration, finish_on, silence, beep} → {recording_id, url, duration, digits} */
    VGW_COMMANDS
};
const char *vgw_command_name(enum vgw_command c);
/** A duration among a command's parameters ("5s" or seconds), more than 0 and up to a day; false: absent or wrong. */
bool vgw_command_duration_us(const struct vgw_json *params, const char *key, int64_t *ret_us);
/** Is this command on this call one of the provider's verbs? */
bool vgw_command_is_verb(const struct vgw_call *call, int command, const struct vgw_json *params);
typedef void (*vgw_command_done)(void *arg, int status, const char *sentence, const struct vgw_json *result);
/** Checks state, capability and parameters; then starts it. 0: `done` (may be NULL) runs exactly once, later, also when
 * the call ends first (VGW_ENOTFOUND, "the call has ended"). A command on a call that is not connected yet waits for it
 * when `wait` (30 s), else VGW_EBUSY. Hold, transfer, recording, end emit their events. */
int vgw_calls_command(struct vgw_calls *calls, struct vgw_call *call, enum vgw_command command,
                      const struct vgw_json *params, bool wait, vgw_command_done done, void *arg,
                      struct vgw_error *err);
/** Forgets the waiter of a command (its `done` will not run): for cancelled runs. */
void vgw_calls_abandon(struct vgw_calls *calls, vgw_command_done done, void *arg);
/** Was what the operation asked for given up by whoever asked? */
bool vgw_calls_op_abandoned(struct vgw_calls *calls, uint64_t op);
/** The completion of an operation by provider or media, by id. Unknown or repeated ids are dropped and counted. */
void vgw_calls_complete(struct vgw_calls *calls, uint64_t op, int status, const char *sentence,
                        const struct vgw_json *result);

/** The leg of a call's media, attached when there is none yet. VGW_ENOTFOUND: the call has ended; VGW_EUNSUPPORTED: its
 * provider has no media. */
int vgw_calls_leg(struct vgw_calls *calls, struct vgw_call *call, uint64_t *ret_leg, struct vgw_error *err);

/* ---- from media (control thread, after the worker's message) ---- */
void vgw_calls_media_up(struct vgw_calls *calls, struct vgw_call *call); /* first media: session active */
void vgw_calls_media_lost(struct vgw_calls *calls, struct vgw_call *call, const char *why);
void vgw_calls_activity(struct vgw_calls *calls,
                        struct vgw_call *call); /* audio or speech: media silence and idle clocks start anew */
/** After media_release: {"recording_url","duration","heard","quality"…}. */
void vgw_calls_media_summary(struct vgw_calls *calls, uint64_t call_handle, const struct vgw_json *summary);
/** Adds a line to the transcript (and the event where `event` is set is emitted by the caller). Copies. */
int vgw_session_add_turn(struct vgw_session *s, const char *role, const char *content, double latency_ms,
                         double confidence, bool interrupted, const struct vgw_json *stages, uint32_t *ret_number);
/** The cut of the recording in which a turn is heard, for its audio_url. Copies; a turn that is not there is passed
 * over. */
void vgw_session_turn_audio(struct vgw_session *s, uint32_t turn_number, const char *url);
void vgw_session_touch(struct vgw_session *s);
/** The conversation goes on in this language. Copies; false: out of memory. */
bool vgw_session_speaks(struct vgw_session *s, const char *language);
/** Where the session's recording can be fetched. Copies. */
void vgw_session_recorded(struct vgw_session *s, const char *url);
void vgw_session_tool_used(struct vgw_session *s, const char *tool);
/** Runs and assistants hold a session; when the last lets go of a live call, it is hung up on the next turn of the
 * loop. */
void vgw_session_hold(struct vgw_session *s);
void vgw_session_release(struct vgw_session *s);

/** [{"conference","project_id","participants":[{"call_id","mode","muted","held"}]}] of the named conferences that the
 * gateway mixes itself, of projects that `sees`. New value. */
struct vgw_json *vgw_conferences_json(struct vgw_calls *calls, bool (*sees)(void *arg, const char *project_id),
                                      void *arg);
/** Mixes that have not gone yet: workers may not end before. */
uint32_t vgw_calls_mixes(const struct vgw_calls *calls);

/* ---- sessions without a call ---- */
int vgw_calls_session_new(struct vgw_calls *calls, const char *channel, const char *caller_id, const char *language,
                          const char *project_id, struct vgw_session **ret_session, struct vgw_error *err);
/** Ends a session and its calls. */
int vgw_calls_session_end(struct vgw_calls *calls, struct vgw_session *s, const char *reason, struct vgw_error *err);

/* ---- finding ---- */
struct vgw_call *vgw_calls_by_handle(struct vgw_calls *calls, uint64_t handle);
/** By call_id or provider_call_id. */
struct vgw_call *vgw_calls_find(struct vgw_calls *calls, const char *id);
struct vgw_call *vgw_calls_find_provider(struct vgw_calls *calls, const char *instance_name,
                                         const char *provider_call_id);
struct vgw_session *vgw_calls_session_find(struct vgw_calls *calls, const char *session_id);
/** Live ones, oldest first: `for (c = vgw_calls_next(calls, NULL); c; c = vgw_calls_next(calls, c))`. */
struct vgw_call *vgw_calls_next(struct vgw_calls *calls, const struct vgw_call *after);
struct vgw_session *vgw_calls_session_next(struct vgw_calls *calls, const struct vgw_session *after);
uint32_t vgw_calls_count(const struct vgw_calls *calls);         /* live calls */
uint32_t vgw_calls_session_count(const struct vgw_calls *calls); /* live sessions */
/** Calls and sessions that nothing will ever end: must be 0. Checks every timer and link. */
uint32_t vgw_calls_orphans(const struct vgw_calls *calls);

/* ---- draining ---- */
/** Refuses new calls; `drained(arg)` runs once no session is left. */
void vgw_calls_drain(struct vgw_calls *calls, void (*drained)(void *arg), void *arg);
void vgw_calls_undrain(struct vgw_calls *calls);
bool vgw_calls_draining(const struct vgw_calls *calls);
/** Hangs up all, with this reason. */
void vgw_calls_end_all(struct vgw_calls *calls, const char *reason);
/** Writes "interrupted" records for all that is live, without telling providers (the process is about to end). */
void vgw_calls_interrupt_all(struct vgw_calls *calls);

/* ---- actions ---- */
struct vgw_action_registry;
/** Registers voice_make_call … voice_get_status with the action registry. `calls` NULL: their names and parameters
 * alone, for --check. `department(arg, name)` gives a number or NULL. Once for a registry of calls; free the registry
 * of actions first. */
int vgw_call_actions_register(struct vgw_calls *calls, struct vgw_action_registry *registry,
                              const char *(*department)(void *arg, const char *name), void *arg, struct vgw_error *err);
#endif

/* voicegw/draft/provider.h - telephones: a carrier, a trunk, a browser, a call platform. Part of the voicegw plugin SDK
 * (MIT). Draft: may change until version 1 is cut.
 *
 * Operations run on [control], return at once, and complete through host_provider.on_complete(op) exactly once and
 * never from inside the starting call. The host's deadline (30 s) completes an operation with VOICEGW_ETIMEOUT; what
 * comes later is dropped. `call` is the host's handle; it is valid until the plugin reported `ended` or `failed` for
 * it, or end() completed. */
#ifndef VOICEGW_DRAFT_PROVIDER_H
#define VOICEGW_DRAFT_PROVIDER_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_PROVIDER "voicegw.provider/1"
#define VOICEGW_HOST_PROVIDER "voicegw.host.provider/1"

/* States of a call as a provider reports them. */
#define VOICEGW_CALL_INITIATING 1u
#define VOICEGW_CALL_RINGING 2u
#define VOICEGW_CALL_CONNECTED 3u
#define VOICEGW_CALL_ON_HOLD 4u
#define VOICEGW_CALL_TRANSFERRING 5u
#define VOICEGW_CALL_ENDED 6u  /* was answered */
#define VOICEGW_CALL_FAILED 7u /* never was */

/* Why a call failed or ended: voicegw_call_state.outcome. */
#define VOICEGW_OUTCOME_NONE 0u
#define VOICEGW_OUTCOME_COMPLETED 1u
#define VOICEGW_OUTCOME_FAILED 2u
#define VOICEGW_OUTCOME_BUSY 3u
#define VOICEGW_OUTCOME_NO_ANSWER 4u
#define VOICEGW_OUTCOME_CANCELED 5u

#define VOICEGW_TRANSFER_BLIND 0u
#define VOICEGW_TRANSFER_ATTENDED 1u

#define VOICEGW_RECORD_START 0u
#define VOICEGW_RECORD_STOP 1u
#define VOICEGW_RECORD_PAUSE 2u
#define VOICEGW_RECORD_RESUME 3u

/* What settle() is asked for. */
#define VOICEGW_SETTLE_END 0u     /* hang up */
#define VOICEGW_SETTLE_RECOVER 1u /* bring it back: on_incoming() with `recovers` follows */

struct voicegw_call_params {
    uint32_t size;
    uint32_t ring_timeout_ms;
    uint32_t max_duration_ms;
    uint32_t reserved;
    const char *to;
    const char *from; /* "" when the operator set none */
    const char *session_id;
    const char *call_id;        /* ours; put it into callbacks that name the call */
    const char *variables_json; /* object */
    const char *route_json;     /* the route's provider-specific keys, object; of a message that is delivered:
                                 * {"content", "voice_id", "language", "max_duration" (seconds), "record_call",
                                 * "machine" (leave_message, hang_up or retry), "platform_config" (object, the
                                 * operator's, as it is)}, each left out when nobody said anything. A provider that runs
                                 * the conversation itself (VOICEGW_CAP_CONVERSATION) says `content`; the message counts
                                 * as delivered when the call ends as completed and `answered_by` does not tell of a
                                 * machine */
};

/** A request that came to one of the instance's routes, for identify(). Pure data, borrowed. */
struct voicegw_request;

struct voicegw_provider {
    uint32_t size;
    uint32_t reserved;
    /** Places a call. States follow by on_state(); the operation completes once the provider accepted or refused it,
     * with
     *  {"provider_call_id": "…"}. */
    int32_t (*make_call)(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *params);
    int32_t (*answer)(void *instance, uint64_t op, uint64_t call);
    /** Refuses an incoming call: reason "busy", "rejected" or a sentence. */
    int32_t (*reject)(void *instance, uint64_t op, uint64_t call, const char *reason);
    /** Hangs up; also while it rings (then the outcome is `canceled`). Completes when the provider accepted it; `ended`
     * follows. */
    int32_t (*end)(void *instance, uint64_t op, uint64_t call);
    int32_t (*hold)(void *instance, uint64_t op, uint64_t call, uint32_t on, const char *music_url);
    /** kind VOICEGW_TRANSFER_*; completes when settled, with {"outcome": "completed" | "busy" | "no_answer" |
     * "failed"}. */
    int32_t (*transfer)(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                        const char *params_json);
    /** For providers whose audio does not pass through us; with VOICEGW_CAP_MEDIA the core does these three itself. */
    int32_t (*play)(void *instance, uint64_t op, uint64_t call, const char *url, uint32_t loop);
    int32_t (*say)(void *instance, uint64_t op, uint64_t call, const char *text, const char *voice,
                   const char *language);
    int32_t (*record)(void *instance, uint64_t op, uint64_t call, uint32_t action);
    int32_t (*dtmf)(void *instance, uint64_t op, uint64_t call, const char *digits);
    int32_t (*mute)(void *instance, uint64_t op, uint64_t call, uint32_t on);
    /** Completes with {"state": "connected", …} as the provider sees it. */
    int32_t (*status)(void *instance, uint64_t op, uint64_t call);
    /** Pure: may these call parameters be sent? 0, or VOICEGW_EINVALID with a sentence that names the field and the
     * limit. May be NULL. */
    int32_t (*validate)(void *instance, const struct voicegw_call_params *params);
    /** After an operation timed out or a restart: find out what became of a call. `provider_call_id` may be "".
     * Completes with
     *  {"state": …} or VOICEGW_ENOTFOUND. May be NULL. */
    int32_t (*reconcile)(void *instance, uint64_t op, const char *provider_call_id, int64_t since_wall_us);
    /** Gives up an operation; it still completes, with VOICEGW_ETIMEOUT. May be NULL. */
    void (*cancel)(void *instance, uint64_t op);
    /** Pure: which call does a request to one of the instance's routes belong to? Writes its provider_call_id (at most
     * `cap` bytes with the NUL) and returns 0, so that the host hands the request to the generation that owns the call;
     * VOICEGW_ENOTFOUND: a new call or none: the newest generation takes it. May be NULL. */
    int32_t (*identify)(void *instance, const struct voicegw_request *request, char *out, uint32_t cap);
    /** Called every 30 s while calls are live, for providers whose callbacks can be lost: ask for their state. May be
     * NULL. */
    void (*poll)(void *instance);
    /** The host let go of the call (terminal state reached or forced): free what belongs to it. No completion. May be
     * NULL. */
    void (*forget)(void *instance, uint64_t call);
    /** After a restart: a call of an earlier run that reconcile() found alive at the vendor. VOICEGW_SETTLE_END hangs
     * it up; VOICEGW_SETTLE_RECOVER brings it back to a fresh stream, where it comes by on_incoming() with the same
     * provider_call_id and `recovers` naming `session_id`, the session it had. Completes when the vendor accepted it.
     * May be NULL: the call is left to the vendor's own limit, with a warning. */
    int32_t (*settle)(void *instance, uint64_t op, const char *provider_call_id, uint32_t how, const char *session_id);
};

/* voicegw_incoming.answered */
#define VOICEGW_INCOMING_RINGS 0u    /* the host answers or rejects it */
#define VOICEGW_INCOMING_ANSWERED 1u /* the provider answered it already: it is connected at once */
#define VOICEGW_INCOMING_UNPROVEN                                                                                      \
    2u /* a media socket of which nobody knows yet whose it is. It has a handle and a leg, but is no call to anybody   \
        * until the first on_state(VOICEGW_CALL_CONNECTED), whose data_json may bring from, to, transport and          \
        * stream_sid: only then it is routed and told of. When it ends before, nothing was there. */

struct voicegw_incoming {
    uint32_t size;
    uint32_t answered;            /* VOICEGW_INCOMING_* */
    const char *provider_call_id; /* the same id again finds the same call */
    const char *from;
    const char *to;
    const char *caller_name;    /* or NULL */
    const char *variables_json; /* object or NULL */
    const char *session_id;     /* NULL: <plugin>-<provider_call_id> */
    const char *script;         /* free text for the operator's route match, or NULL */
    const char *recovers;       /* the session of an earlier run that this call goes on from, or NULL; then the host
                                 * names the new session itself */
    const char *trunk;          /* by which of the instance's lines it came, for the operator's route match, or NULL */
    const char *transport;      /* what carries its audio: "twilio_stream", "sip_rtp"…; or NULL: none */
};

struct voicegw_call_state {
    uint32_t size;
    uint32_t state;               /* VOICEGW_CALL_* */
    uint32_t outcome;             /* VOICEGW_OUTCOME_* for ended and failed */
    uint32_t sequence;            /* the provider's order, from 1; 0: unknown. Older than the last applied: dropped */
    int64_t provider_time_us;     /* wall clock of the provider, 0: unknown */
    const char *cause;            /* a word or sentence, or NULL */
    const char *provider_call_id; /* when it is known now, else NULL */
    const char *data_json; /* answered_by, cost, currency, greeting_said (true: the route's greeting was spoken by
                            * the provider, the host does not repeat it) …; object or NULL */
};

/** The host's side, by get_extension(VOICEGW_HOST_PROVIDER). */
struct voicegw_host_provider {
    uint32_t size;
    uint32_t reserved;
    /** An incoming call. 0 and *ret_call (the same for a repeated provider_call_id), or VOICEGW_ELIMIT (full, draining,
     * disabled: be busy) with a sentence. The host answers by answer() or reject() soon after. [control] */
    int32_t (*on_incoming)(const struct voicegw_host *host, const struct voicegw_incoming *incoming,
                           uint64_t *ret_call);
    /** A call's new state, in any order, any number of times. Unknown call: VOICEGW_ENOTFOUND. For a call that ended
     * not long ago, `cost` and `currency` of data_json still reach its record, with state ENDED or FAILED. [any] */
    int32_t (*on_state)(const struct voicegw_host *host, uint64_t call, const struct voicegw_call_state *state);
    /** A digit that was signalled outside of the media stream. [any] */
    int32_t (*on_dtmf)(const struct voicegw_host *host, uint64_t call, const char *digit, uint32_t duration_ms,
                       const char *source);
    /** A recording that the provider made: state "started", "stopped", "available". With "available" the host fetches
     * `url` into its own storage, where it stands in the record: a WAV, MP3 or Ogg file, with HTTP Basic credentials
     * if the URL holds them (https://user:password@host/…; percent-encoded, and never seen in logs, events or records),
     * else below the instance's base_url with its api_key as bearer token; again with growing waits while the answer is
     * 404, 408, 429, 5xx or none. `recording_id` must be of [A-Za-z0-9._-]. Also for calls that ended not long ago.
     * duration_s: negative when not known. [any] */
    int32_t (*on_recording)(const struct voicegw_host *host, uint64_t call, const char *recording_id, const char *state,
                            const char *url, double duration_s);
    /** One spoken line, where the provider runs the conversation. role "user", "assistant", "system". [any] */
    int32_t (*on_transcript)(const struct voicegw_host *host, uint64_t call, const char *role, const char *text,
                             int64_t wall_us);
    /** The provider's own summary of a call: object; after the end of the call its `cost` and `currency` count. [any]
     */
    int32_t (*on_summary)(const struct voicegw_host *host, uint64_t call, const char *summary_json);
    /** The completion of an operation. `status` 0 or negative with a sentence; result: object or NULL. [any] */
    int32_t (*on_complete)(const struct voicegw_host *host, uint64_t op, int32_t status, const char *sentence,
                           const char *result_json);
    /** The call with this provider id, 0 when unknown. One that ended not long ago (the last 1,000) is found as well;
     * its handle serves on_state() and on_recording() only. [control] */
    uint64_t (*call_find)(const struct voicegw_host *host, const char *provider_call_id);
    /** The leg of a call's media, made when needed; 0 when the call is over. [control] */
    uint64_t (*call_leg)(const struct voicegw_host *host, uint64_t call);
    /** {"call_id","session_id","from","to","state","variables","direction","language","media","greeting","route"} of a
     * call; media: "stream" or "twiml" (voicegw/draft/provider_ivr.h), greeting: the route's or null, route: its
     * provider-specific keys. Valid until the callback returns; NULL when unknown. [control] */
    const char *(*call_describe)(const struct voicegw_host *host, uint64_t call);
};

#endif

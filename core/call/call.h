/* call.h - calls and sessions on the control thread. A call is one leg at a provider; a session owns its calls and its
 * record. Fields are read by other rooms and written by this one only (calls.c, session.c). */
#ifndef VGW_CALL_CALL_H
#define VGW_CALL_CALL_H
#include <stdint.h>
#include "base/id.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "call/route.h"
#include "call/state.h"
#include "loop/loop.h"

struct vgw_calls;
struct vgw_member;
struct vgw_snapshot;

struct vgw_turn_entry { /* one line of the transcript */
    struct vgw_list link;
    uint32_t turn_number; /* from 1 */
    char *role;           /* "user" "assistant" "system" */
    char *content;
    char *audio_url;
    double latency_ms; /* negative: none */
    double confidence; /* negative: unknown */
    bool interrupted;
    int64_t wall_us;
    struct vgw_json *stages; /* or NULL */
};

struct vgw_session {
    struct vgw_list link;
    struct vgw_calls *calls;
    char session_id[VGW_ID_MAX];
    char *project_id;
    char *channel;   /* "phone" "webrtc" "realtime" */
    char *direction; /* "inbound" "outbound" */
    char *caller_id;
    char *language;
    char *provider, *plugin; /* "" for sessions without a call */
    char *stt_provider;      /* name of the stt instance, or "" */
    char *transport;         /* "mock_stream" … "none" */
    struct vgw_json *transport_metadata;
    struct vgw_json *variables;      /* object */
    struct vgw_json *tools_executed; /* array of names */
    char *lead_id, *reservation_id;  /* or NULL */
    enum vgw_session_state state;
    enum vgw_outcome outcome;
    char *reason; /* why it stopped */
    int64_t created_wall_us, ended_wall_us, last_activity_wall_us;
    int64_t last_activity_us;
    struct vgw_list call_list; /* of vgw_call.in_session */
    struct vgw_list turns;     /* of vgw_turn_entry; bounded: 2,000 */
    uint32_t turn_count;
    double sentiment_score; /* NAN: unknown */
    char *recording_url;    /* or NULL */
    struct vgw_timer idle_timer;
    struct vgw_timer summary_timer; /* record is composed at summary or deadline */
    uint32_t holds;                 /* runs and assistants that keep the session; 0 after the last run: hang up */
    bool record_done;
    bool recovered;                /* goes on from a session of an earlier run: variables.recovered_from */
    struct vgw_snapshot *snapshot; /* what the session began with; a reference */
    uint32_t live_calls;           /* not settled yet */
    uint32_t summaries_due;        /* legs that were let go and have not answered */
    uint32_t record_tries;         /* compositions that failed for want of memory */
};

struct vgw_call {
    struct vgw_list link;
    struct vgw_list in_session;
    struct vgw_calls *calls;
    struct vgw_session *session;
    uint64_t handle; /* for plugins: slot and generation */
    char call_id[VGW_ID_MAX];
    char *provider_call_id; /* or NULL until known */
    char *provider, *plugin;
    void *instance; /* struct vgw_instance, a reference held until the call is forgotten */
    uint64_t caps;  /* VOICEGW_CAP_* of its provider that hold for this call */
    char *direction, *from, *to;
    enum vgw_call_state state;
    enum vgw_call_state state_before_transfer;
    enum vgw_outcome outcome;
    char *cause;
    const char *error_class;                                  /* static, or NULL */
    uint32_t sequence;                                        /* the last one applied */
    int64_t created_wall_us, answered_wall_us, ended_wall_us; /* 0: not yet */
    int64_t answered_us;
    char *answered_by;
    double cost; /* NAN: unknown */
    char *currency;
    uint64_t leg; /* media leg's handle, 0: none */
    bool leg_started;
    bool muted;
    bool ending;        /* end was asked for */
    bool settled;       /* terminal event and record are out */
    char *recording_id; /* while recording, else NULL */
    int64_t recording_since_us;
    const struct vgw_route *route; /* of session->snapshot, or NULL */
    struct vgw_json
        *plan; /* {"greeting","assistant","agent","workflow","voice"} asked for by who placed it; overrides the route */
    struct vgw_timer lease_timer; /* ring time, hard cap from answer, forced end */
    struct vgw_timer media_timer; /* media silence */
    struct vgw_log_scope scope;
    struct vgw_timer turn_timer;  /* work for the next turn of the loop: answer, hang up after the last run */
    int64_t created_us, ended_us; /* the same moments on the loop's clock */
    int64_t media_activity_us;
    struct vgw_list ops; /* of struct vgw_op: what is under way or waits for the connection */
    uint32_t op_count;
    bool documents;               /* led by the provider's own documents (media: twiml): there is no leg */
    bool greeting_said;           /* the provider spoke the greeting */
    bool redirected;              /* a document that is not ours leads it: the end of a run does not end it */
    bool connecting;              /* answered, and its media is not there yet: commands wait */
    bool known;                   /* the provider knows the handle */
    bool route_due;               /* the route is to be followed at the next turn */
    bool release_due;             /* the last run let go: hang up at the next turn unless it is held again */
    bool answered_before;         /* the provider answered before it told us */
    bool unproven;                /* nobody was told of it: its stream has yet to say whose it is */
    bool handed_over;             /* the provider ended it by itself: a transfer under way had worked */
    bool summary_due;             /* the leg was let go and has not answered */
    enum vgw_outcome end_outcome; /* what the end will be called that we asked for; NONE: as the provider says */
    char *end_cause;
    const char *end_class;
    char *transfer_to;         /* while a transfer is under way */
    const char *transfer_kind; /* "blind", "attended"; NULL: none under way */
    struct vgw_member *member; /* its place among calls that hear each other (conference.h), or NULL */
    int64_t ring_timeout_us;
    int64_t lease_deadline_us; /* when lease_timer means it; earlier it stands in for turn_timer */
};

/** What is said when the call is answered, by who placed it or by its route; NULL: nothing. */
const char *vgw_call_greeting(const struct vgw_call *call);
/** {"call_id","provider_call_id",…} as options.md "Shapes" says. New value. */
struct vgw_json *vgw_call_to_json(const struct vgw_call *call);
/** The session shape; `older` gives the alias /sessions' form (epoch seconds, the call's state). */
struct vgw_json *vgw_session_to_json(const struct vgw_session *s, bool older);
/** {"session_id","turns":[…]}. */
struct vgw_json *vgw_session_transcript_json(const struct vgw_session *s);
/** The record (history) shape with its calls; of an ended or a live session. */
struct vgw_json *vgw_session_record_json(const struct vgw_session *s);
#endif

/* state.h - the state machines of call and session, as tables. Pure. */
#ifndef VGW_CALL_STATE_H
#define VGW_CALL_STATE_H
#include <stdbool.h>
#include <stdint.h>

enum vgw_call_state {
    VGW_CALL_IDLE,
    VGW_CALL_INITIATING,
    VGW_CALL_RINGING,
    VGW_CALL_CONNECTED,
    VGW_CALL_ON_HOLD,
    VGW_CALL_TRANSFERRING,
    VGW_CALL_ENDED,
    VGW_CALL_FAILED,
    VGW_CALL_STATES
};
enum vgw_session_state { VGW_SESSION_CREATED, VGW_SESSION_ACTIVE, VGW_SESSION_STOPPED };
enum vgw_outcome {
    VGW_OUTCOME_NONE, /* still active */
    VGW_OUTCOME_COMPLETED,
    VGW_OUTCOME_FAILED,
    VGW_OUTCOME_BUSY,
    VGW_OUTCOME_NO_ANSWER,
    VGW_OUTCOME_CANCELED,
    VGW_OUTCOME_INTERRUPTED,
    VGW_OUTCOMES
};

/** May a call go from `from` to `to`? Terminal states lead nowhere; a state does not lead to itself. */
bool vgw_call_state_allows(enum vgw_call_state from, enum vgw_call_state to);
static inline bool vgw_call_state_terminal(enum vgw_call_state s)
{
    return s == VGW_CALL_ENDED || s == VGW_CALL_FAILED;
}
/** Connected, on hold or transferring. */
static inline bool vgw_call_state_answered(enum vgw_call_state s)
{
    return s == VGW_CALL_CONNECTED || s == VGW_CALL_ON_HOLD || s == VGW_CALL_TRANSFERRING;
}
const char *vgw_call_state_name(enum vgw_call_state s); /* "on_hold" */
bool vgw_call_state_parse(const char *name, enum vgw_call_state *ret);
bool vgw_session_state_allows(enum vgw_session_state from, enum vgw_session_state to);
const char *vgw_session_state_name(enum vgw_session_state s);
/** "active" "completed" "failed" "busy" "no_answer" "canceled" "interrupted". */
const char *vgw_outcome_name(enum vgw_outcome o);
bool vgw_outcome_parse(const char *name, enum vgw_outcome *ret);
/** The terminal state that belongs to an outcome: completed and interrupted are ENDED, the rest FAILED. An answered
 * call always ends as ENDED: `answered` turns busy, failed, … into completed. */
enum vgw_call_state vgw_outcome_state(enum vgw_outcome *inout_outcome, bool answered);
#endif

/* state.c - the tables of states and words. */
#include "call/state.h"

#include "base/str.h"

#define TO(state) (1u << VGW_CALL_##state)
#define OVER (TO(ENDED) | TO(FAILED))

/* Row: from; bits: to. An answered call can only end; one that was never answered may also be ended, because a
 * provider's word of the answer can be lost. */
static const unsigned call_moves[VGW_CALL_STATES] = {
    [VGW_CALL_IDLE] = TO(INITIATING) | TO(RINGING) | OVER,
    [VGW_CALL_INITIATING] = TO(RINGING) | TO(CONNECTED) | OVER,
    [VGW_CALL_RINGING] = TO(CONNECTED) | OVER,
    [VGW_CALL_CONNECTED] = TO(ON_HOLD) | TO(TRANSFERRING) | TO(ENDED),
    [VGW_CALL_ON_HOLD] = TO(CONNECTED) | TO(TRANSFERRING) | TO(ENDED),
    [VGW_CALL_TRANSFERRING] = TO(CONNECTED) | TO(ON_HOLD) | TO(ENDED),
};

static const char *const call_names[VGW_CALL_STATES] = {
    "idle", "initiating", "ringing", "connected", "on_hold", "transferring", "ended", "failed",
};
static const char *const session_names[] = {"created", "active", "stopped"};
static const char *const outcome_names[VGW_OUTCOMES] = {
    "active", "completed", "failed", "busy", "no_answer", "canceled", "interrupted",
};

bool vgw_call_state_allows(enum vgw_call_state from, enum vgw_call_state to)
{
    if ((unsigned)from >= VGW_CALL_STATES || (unsigned)to >= VGW_CALL_STATES)
        return false;
    return (call_moves[from] & (1u << to)) != 0;
}

const char *vgw_call_state_name(enum vgw_call_state s)
{
    return (unsigned)s < VGW_CALL_STATES ? call_names[s] : "unknown";
}

bool vgw_call_state_parse(const char *name, enum vgw_call_state *ret)
{
    for (unsigned i = 0; i < VGW_CALL_STATES; i++) {
        if (name && vgw_streq(name, call_names[i])) {
            *ret = (enum vgw_call_state)i;
            return true;
        }
    }
    return false;
}

bool vgw_session_state_allows(enum vgw_session_state from, enum vgw_session_state to)
{
    return (unsigned)from < VGW_SESSION_STOPPED && (unsigned)to <= VGW_SESSION_STOPPED && to > from;
}

const char *vgw_session_state_name(enum vgw_session_state s)
{
    return (unsigned)s <= VGW_SESSION_STOPPED ? session_names[s] : "unknown";
}

const char *vgw_outcome_name(enum vgw_outcome o)
{
    return (unsigned)o < VGW_OUTCOMES ? outcome_names[o] : "unknown";
}

bool vgw_outcome_parse(const char *name, enum vgw_outcome *ret)
{
    for (unsigned i = 0; i < VGW_OUTCOMES; i++) {
        if (name && vgw_streq(name, outcome_names[i])) {
            *ret = (enum vgw_outcome)i;
            return true;
        }
    }
    return false;
}

enum vgw_call_state vgw_outcome_state(enum vgw_outcome *inout_outcome, bool answered)
{
    enum vgw_outcome o = *inout_outcome;
    if (answered && o != VGW_OUTCOME_INTERRUPTED)
        o = VGW_OUTCOME_COMPLETED;
    else if (o == VGW_OUTCOME_NONE || (unsigned)o >= VGW_OUTCOMES)
        o = VGW_OUTCOME_FAILED;
    *inout_outcome = o;
    return o == VGW_OUTCOME_COMPLETED || o == VGW_OUTCOME_INTERRUPTED ? VGW_CALL_ENDED : VGW_CALL_FAILED;
}

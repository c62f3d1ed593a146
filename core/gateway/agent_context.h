/* agent_context.h - what an agent is told when it takes a call, and what it may wish: this room's own. Control thread.
 */
#ifndef VGW_GATEWAY_AGENT_CONTEXT_H
#define VGW_GATEWAY_AGENT_CONTEXT_H
#include "gateway/tools.h"

#define VGW_CONTEXT_BYTES_MAX 32768u /* of what context_url answers */
#define VGW_CONTEXT_CALLS 3u         /* earlier calls of a caller that an agent remembers */
#define VGW_HISTORY_TURNS_MAX 100u   /* lines of the transcript that a new agent is told */

/** The agent that the call begins with: of who placed it, else of its route; "" for none. */
const char *vgw_gateway_agent_of(const struct vgw_call *call);
/** The assistant that an agent is, or that the call names (`agent` NULL); NULL: none. */
const char *vgw_gateway_assistant_of(const struct vgw_gateway *g, const struct vgw_call *call,
                                     const struct vgw_options *agent);
/** Gets what the agent is to know. True: it goes on by `there` later, once; the call may be gone by then (then it is
 * called nevertheless, but not after the gateway's end). False: there is nothing to get. */
bool vgw_gateway_context(struct vgw_gateway *g, struct vgw_call *call, struct vgw_conversation *c, const char *agent,
                         void (*there)(struct vgw_gateway *g, uint64_t call, void *arg), void *arg);
void vgw_gateway_contexts_close(struct vgw_gateway *g);
/** What the agent's assistant is told; `agent` NULL: an assistant that is none. NULL: out of memory. */
struct vgw_talk_role *vgw_gateway_role(struct vgw_gateway *g, const struct vgw_call *call,
                                       const struct vgw_conversation *c, const char *agent);
/** May the agent that talks now wish for that (VGW_EUNSUPPORTED and why), or is it no agent? */
bool vgw_gateway_agent_may(struct vgw_gateway *g, const struct vgw_call *call, const char *action,
                           const struct vgw_json *params, struct vgw_error *err);
/** What was said in a session, newest last, as voicegw_assistant_params has it; a new text, or NULL. */
char *vgw_gateway_session_history(const struct vgw_session *s);
/** What an earlier conversation is told as: {"count","calls"}. */
struct vgw_json *vgw_gateway_history_json(const struct vgw_json *rows, const char *own_session);
#endif

/* tools.h - voice tools inside the gateway: one way to call one, for assistants, workflows and the API; agents and what
 * they may do. Shared by this room's files only. Control thread. */
#ifndef VGW_GATEWAY_TOOLS_H
#define VGW_GATEWAY_TOOLS_H
#include "action/policy.h"
#include "config/reader.h"
#include "gateway/gateway_private.h"
#include "gateway/plan.h"

#define VGW_TOOL_RESULT_MAX 65536u                 /* bytes of a result as JSON */
#define VGW_TOOL_ARGUMENTS_MAX 65536u              /* bytes of arguments as JSON */
#define VGW_TOOL_CALLS_MAX 16u                     /* under way for one session */
#define VGW_TOOL_TURN_MAX 32u                      /* that an assistant may ask for in one turn */
#define VGW_TOOL_TIMEOUT_US (30 * VGW_US_PER_S)    /* of a tool that names no time of its own */
#define VGW_CONSENT_TIMEOUT_US (10 * VGW_US_PER_S) /* silence after the question */

/** One call of a tool. All borrowed. */
struct vgw_tool_request {
    const char *name;
    const struct vgw_json *arguments; /* NULL: none */
    struct vgw_call *call;            /* on whose behalf; either or both may be NULL */
    struct vgw_session *session;
    const struct vgw_action_context *context; /* of a workflow's step, or NULL */
    uint64_t turn;                            /* of the assistant; 0: another asks */
    bool by_assistant;                        /* its agent's list and policy hold, and it is bound to its own call */
    /** Exactly once, perhaps before vgw_gateway_tool_start() returns, unless it is cancelled. */
    void (*done)(void *arg, int status, const struct vgw_json *result, const char *sentence);
    void *arg;
};
struct vgw_tool_call;
/** Checks, asks, runs, tells by events and in the record. *ret_call (may be NULL) is NULL when `done` was called
 * already. */
void vgw_gateway_tool_start(struct vgw_gateway *g, const struct vgw_tool_request *request,
                            struct vgw_tool_call **ret_call);
/** `done` will not be called; its end is told by an event yet. */
void vgw_gateway_tool_cancel(struct vgw_tool_call *t);
/** Is that a tool that somebody may call? */
bool vgw_gateway_tool_known(const struct vgw_gateway *g, const char *name);
/** Was the caller verified, by a tool or a workflow? */
bool vgw_gateway_verified(const struct vgw_session *s);
/** A session is over: what its tools were asked for is given up. */
void vgw_gateway_tools_close(struct vgw_gateway *g);

/* actions.c, for tools that are commands to a call */
struct vgw_call *vgw_gateway_action_call(struct vgw_gateway *g, const struct vgw_json *params,
                                         const struct vgw_action_context *context, struct vgw_error *err);
int vgw_gateway_action_command(struct vgw_gateway *g, enum vgw_command command, vgw_action_handle handle,
                               const struct vgw_json *params, const struct vgw_action_context *context,
                               struct vgw_error *err);
int vgw_gateway_action_sms(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                           const struct vgw_action_context *context, struct vgw_error *err);
void vgw_gateway_action_cancel(void *arg, vgw_action_handle handle);

/* voice_tools.c: transfer_to_human to format_for_voice */
int vgw_gateway_voice_tools_register(struct vgw_gateway *g, struct vgw_error *err);
void vgw_gateway_asides_close(struct vgw_gateway *g);

/* summary.c: agents' `summary`. */
/** Is the agent in use to sum the conversation up before this transfer? */
bool vgw_gateway_summary_wanted(struct vgw_gateway *g, const struct vgw_call *call, const struct vgw_json *params);
/** Transfers as `params` of the command say, attended, once the summary is there or is not to be had; "reason" is told
 * in front of it. `handle`: the action that it completes, or 0. */
int vgw_gateway_summary_transfer(struct vgw_gateway *g, struct vgw_call *call, vgw_action_handle handle,
                                 const struct vgw_json *params, struct vgw_error *err);
void vgw_gateway_summary_came(struct vgw_gateway *g, uint64_t number, const char *text);
void vgw_gateway_summaries_close(struct vgw_gateway *g);

/* callbacks.c */
/** Writes down that somebody is to be called: {phone, time | delay, reason, agent, assistant, workflow}. *ret_result
 * {"callback_id","at","phone"}. */
int vgw_gateway_callback_add(struct vgw_gateway *g, const struct vgw_json *params, const struct vgw_session *session,
                             const char *agent, struct vgw_json **ret_result, struct vgw_error *err);
/** What an earlier run left is there now. */
void vgw_gateway_callbacks_read(struct vgw_gateway *g);
int vgw_gateway_callbacks_open(struct vgw_gateway *g, struct vgw_error *err);
void vgw_gateway_callbacks_close(struct vgw_gateway *g);

/* agents.c */
/** The options of an agent of the configuration that the session began with; NULL: there is none. */
const struct vgw_options *vgw_agent_find(const struct vgw_gateway *g, const struct vgw_session *s, const char *name);
/** May it use the tool? By list, then by policy; *ret_policy only then. */
bool vgw_agent_lists(const struct vgw_options *agent, const char *tool);
enum vgw_tool_policy vgw_agent_policy(const struct vgw_options *agent, const char *tool);
/** The plan's agents, tools and routes against each other. */
void vgw_plan_agents(const struct vgw_action_registry *actions, struct vgw_config_reader *reader,
                     const struct vgw_plan *plan);
/** Tools that an assistant is offered, as JSON text; `agent` NULL: those that need not be listed. Caller frees. */
char *vgw_agent_tools_text(struct vgw_gateway *g, const struct vgw_options *agent);

/* tool_http.c */
struct vgw_http_tool;
/** Compiles a tool of the configuration. VGW_ECONFIG: the option's name stands in err->place. One reference. */
int vgw_http_tool_new(const char *name, const struct vgw_options *options, struct vgw_http_tool **ret_tool,
                      struct vgw_error *err);
void vgw_http_tool_unref(struct vgw_http_tool *tool); /* takes NULL */
/** What the caller is asked about it under the policy confirm, or NULL: the tool says nothing of it. Caller frees. */
char *vgw_http_tool_question(struct vgw_gateway *g, const char *name, const struct vgw_json *arguments);
/** Registers the plan's tools, and takes out those that are gone. */
void vgw_gateway_tools_swap(struct vgw_gateway *g);
void vgw_gateway_tools_free(struct vgw_gateway *g);
#endif

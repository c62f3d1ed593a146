/* agent_table.c - what may be said of an agent and of a tool. */
#include "config/agent_table.h"

#define RELOAD VGW_OPTION_RELOADABLE

static const struct vgw_option agent[] = {
    {.name = "prompt",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 65536,
     .text = "what the assistant is told about its task; what is known of the call is put behind it"},
    {.name = "assistant",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .text = "name of the assistant that the agent is; the first of `assistants:` unless given"},
    {.name = "model", .type = VGW_OPTION_STRING, .flags = RELOAD, .text = "model, in place of the assistant's own"},
    {.name = "voice", .type = VGW_OPTION_STRING, .flags = RELOAD, .text = "voice, in place of the route's"},
    {.name = "greeting", .type = VGW_OPTION_STRING, .flags = RELOAD, .text = "what the assistant says first"},
    {.name = "tools",
     .type = VGW_OPTION_STRINGS,
     .dflt = "[]",
     .flags = RELOAD,
     .text = "tools that it may use, by name; * and ? match any"},
    {.name = "handoff",
     .type = VGW_OPTION_STRINGS,
     .dflt = "[]",
     .flags = RELOAD,
     .text = "agents that it may hand the conversation to"},
    {.name = "policy",
     .type = VGW_OPTION_STRING_MAP,
     .flags = RELOAD,
     .text = "tool: allow, confirm (the caller must say yes or press 1), verify (the session's variable verified must "
             "be true) or never; allow unless given"},
    {.name = "memory",
     .type = VGW_OPTION_ENUM,
     .choices = "call|caller",
     .dflt = "call",
     .flags = RELOAD,
     .text = "call: it knows this call; caller: also what was said in this caller's last calls"},
    {.name = "context_url",
     .type = VGW_OPTION_URL,
     .choices = "http|https",
     .flags = RELOAD,
     .text =
         "asked by POST with the session as JSON when the agent takes a call; the answer, JSON or text, goes to the "
         "agent as data"},
    {.name = "context_timeout",
     .type = VGW_OPTION_DURATION,
     .dflt = "2s",
     .flags = RELOAD,
     .min = 0.1,
     .max = 30,
     .text = "how long the conversation waits for the context; after that it begins without"},
    {.name = "max_turns",
     .type = VGW_OPTION_INT,
     .flags = RELOAD,
     .min = 1,
     .max = 100000,
     .text = "turns of the caller that it answers; then the call ends",
     .metric = "voicegw_turn_seconds"},
    {.name = "max_tokens",
     .type = VGW_OPTION_INT,
     .flags = RELOAD,
     .min = 1,
     .max = 1000000000,
     .text = "tokens that its model may use in a call"},
    {.name = "max_cost",
     .type = VGW_OPTION_DOUBLE,
     .flags = RELOAD,
     .min = 0,
     .max = 1000000,
     .text = "what its model may cost in a call, in the currency of the assistant's prices"},
    {.name = "summary",
     .type = VGW_OPTION_BOOL,
     .dflt = "false",
     .flags = RELOAD,
     .text =
         "the assistant sums the conversation up for the person to whom it transfers the call, where the provider can "
         "tell it (attended) and the assistant has given no summary itself"},
};
const struct vgw_option_table vgw_agent_rows = {
    .name = "agents", VGW_OPTION_ROWS(agent), .text = "Who answers: a prompt, an assistant, and what it may do"};

static const struct vgw_option tool[] = {
    {.name = "plugin",
     .type = VGW_OPTION_ENUM,
     .choices = "http|mcp",
     .flags = VGW_OPTION_REQUIRED | RELOAD,
     .text = "http: one request is one tool; mcp: the tools of an MCP server (streamable HTTP), each named NAME_TOOL"},
    {.name = "url",
     .type = VGW_OPTION_STRING,
     .flags = VGW_OPTION_REQUIRED | RELOAD,
     .min = 8,
     .max = 2048,
     .text = "http or https; {argument} in path or query stands for an argument, encoded"},
    {.name = "description",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 4096,
     .text = "what the tool does, for the model"},
    {.name = "method",
     .type = VGW_OPTION_ENUM,
     .choices = "GET|POST|PUT|PATCH|DELETE",
     .dflt = "POST",
     .flags = RELOAD,
     .text = "method of the request"},
    {.name = "headers", .type = VGW_OPTION_STRING_MAP, .flags = RELOAD, .text = "headers of the request"},
    {.name = "parameters",
     .type = VGW_OPTION_JSON_MAP,
     .flags = RELOAD,
     .text = "JSON Schema of the arguments; they are checked before anything is sent"},
    {.name = "request",
     .type = VGW_OPTION_JSON,
     .flags = RELOAD,
     .text = "body, with templates over arguments and session; the arguments themselves unless given, with GET and "
             "DELETE in the query"},
    {.name = "result",
     .type = VGW_OPTION_JSON,
     .flags = RELOAD,
     .text = "what the tool gives, with templates over result (the answer's body), status, arguments and session; the "
             "body unless given"},
    {.name = "variables",
     .type = VGW_OPTION_JSON_MAP,
     .flags = RELOAD,
     .text = "variables of the session that a success sets, with templates as in result; verified, for the policy "
             "verify, is set only so or by a workflow"},
    {.name = "confirm",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 1024,
     .text = "what the caller is asked under the policy confirm, with templates over arguments"},
    {.name = "timeout",
     .type = VGW_OPTION_DURATION,
     .dflt = "10s",
     .flags = RELOAD,
     .min = 0.1,
     .max = 120,
     .text = "for one call of the tool"},
    {.name = "only",
     .type = VGW_OPTION_STRINGS,
     .dflt = "[]",
     .flags = RELOAD,
     .text = "of an MCP server: the tools that are taken, by the server's names; all unless given"},
};
const struct vgw_option_table vgw_tool_rows = {
    .name = "tools", VGW_OPTION_ROWS(tool), .text = "Tools beside the built-in ones"};

const struct vgw_option_table *vgw_agent_table(void)
{
    return &vgw_agent_rows;
}

const struct vgw_option_table *vgw_tool_table(void)
{
    return &vgw_tool_rows;
}

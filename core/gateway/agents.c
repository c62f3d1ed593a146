/* agents.c - the agents of a configuration: what each may use, and what is wrong with how they are written. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/snapshot.h"
#include "gateway/tools.h"

static const struct vgw_options *section_of(const struct vgw_options *main, const char *map, const char *name)
{
    for (size_t i = 0; i < vgw_options_count(main, map); i++)
        if (vgw_streq(vgw_options_item_key(main, map, i), name))
            return vgw_options_section_at(main, map, i);
    return NULL;
}

const struct vgw_options *vgw_agent_find(const struct vgw_gateway *g, const struct vgw_session *s, const char *name)
{
    const struct vgw_plan *plan = s && s->snapshot ? vgw_snapshot_get(s->snapshot, 0) : NULL;
    return name && name[0] ? section_of((plan ? plan : g->plan)->main, "agents", name) : NULL;
}

bool vgw_agent_lists(const struct vgw_options *agent, const char *tool)
{
    for (size_t i = 0; i < vgw_options_count(agent, "tools"); i++)
        if (vgw_glob_match(vgw_options_item(agent, "tools", i), tool))
            return true;
    return false;
}

enum vgw_tool_policy vgw_agent_policy(const struct vgw_options *agent, const char *tool)
{
    enum vgw_tool_policy policy = VGW_POLICY_ALLOW;
    (void)vgw_tool_policy_parse(vgw_options_lookup(agent, "policy", tool), &policy);
    return policy;
}

char *vgw_agent_tools_text(struct vgw_gateway *g, const struct vgw_options *agent)
{
    struct vgw_json *list = vgw_json_array();
    const struct vgw_action_desc *d;
    for (size_t i = 0; vgw_action_next(g->actions, &i, &d);) {
        bool offered = d->flags & VGW_ACTION_TOOL;
        if (agent)
            offered =
                offered && vgw_agent_lists(agent, d->name) && vgw_agent_policy(agent, d->name) != VGW_POLICY_NEVER;
        else
            offered = offered && !(d->flags & VGW_ACTION_LISTED);
        if (offered)
            vgw_json_append(list, vgw_action_offer(g->actions, d->name, true));
    }
    char *text = vgw_json_text(list, false);
    vgw_json_free(list);
    return text;
}

/* ---- the plan ---- */

struct names {
    const char *items[512];
    size_t count;
};

static void add_name(struct names *n, const char *name)
{
    if (n->count < sizeof n->items / sizeof *n->items)
        n->items[n->count++] = name;
}

static bool has_name(const struct names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (vgw_streq(n->items[i], name))
            return true;
    return false;
}

struct checking {
    struct vgw_config_errors *errors;
    const struct vgw_options *main;
    const struct vgw_plan *plan;
    struct names tools, agents, assistants;
    bool open; /* plugins and MCP servers bring tools that are not known yet */
};

static void wrong_name(const struct checking *c, const struct vgw_options *o, const char *key, const char *what,
                       const char *name, const struct names *known)
{
    const char *near = vgw_nearest(name, known->items, known->count);
    vgw_options_error(o, key, c->errors, "there is no %s '%s'%s%s%s", what, name, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

static void check_agent(const struct checking *c, const char *name, const struct vgw_options *o)
{
    enum vgw_tool_policy policy;
    const char *assistant = vgw_options_string(o, "assistant");
    if (strlen(name) > 63)
        vgw_options_error(o, "prompt", c->errors, "the agent's name is longer than 63 bytes");
    if (assistant && !has_name(&c->assistants, assistant))
        wrong_name(c, o, "assistant", "assistant", assistant, &c->assistants);
    if (!assistant && !c->assistants.count)
        vgw_options_error(o, "assistant", c->errors, "the agent '%s' needs an assistant, and there is none", name);
    for (size_t i = 0; i < vgw_options_count(o, "handoff"); i++)
        if (!has_name(&c->agents, vgw_options_item(o, "handoff", i)))
            wrong_name(c, o, "handoff", "agent", vgw_options_item(o, "handoff", i), &c->agents);
    for (size_t i = 0; i < vgw_options_count(o, "tools"); i++) {
        const char *tool = vgw_options_item(o, "tools", i);
        if (!c->open && !strpbrk(tool, "*?") && !has_name(&c->tools, tool))
            wrong_name(c, o, "tools", "tool", tool, &c->tools);
    }
    for (size_t i = 0; i < vgw_options_count(o, "policy"); i++) {
        const char *tool = vgw_options_item_key(o, "policy", i), *word = vgw_options_item(o, "policy", i);
        if (!vgw_tool_policy_parse(word, &policy))
            vgw_options_error(o, "policy", c->errors,
                              "the policy of '%s' is '%s'; it must be allow, confirm, verify or "
                              "never",
                              tool, word);
        else if (!c->open && !has_name(&c->tools, tool))
            wrong_name(c, o, "policy", "tool", tool, &c->tools);
    }
}

static void check_tool(const struct checking *c, const struct vgw_action_registry *actions, const char *name,
                       const struct vgw_options *o)
{
    const struct vgw_action_desc *there = actions ? vgw_action_find(actions, name) : NULL;
    struct vgw_http_tool *tool = NULL;
    struct vgw_error err = {0};
    if (there && !(there->flags & VGW_ACTION_CONFIGURED))
        vgw_options_error(o, "plugin", c->errors, "'%s' is the name of an action that is built in; choose another",
                          name);
    if (vgw_http_tool_new(name, o, &tool, &err) < 0)
        vgw_options_error(o, err.place[0] ? err.place : "plugin", c->errors, "%s", err.text);
    vgw_http_tool_unref(tool);
}

void vgw_plan_agents(const struct vgw_action_registry *actions, struct vgw_config_reader *reader,
                     const struct vgw_plan *plan)
{
    struct checking c = {.errors = &reader->errors, .main = plan->main, .plan = plan};
    const struct vgw_action_desc *d;
    for (size_t i = 0; vgw_action_next(actions, &i, &d);)
        if (d->flags & VGW_ACTION_TOOL)
            add_name(&c.tools, d->name);
    for (size_t i = 0; i < plan->recipe_count; i++) {
        if (vgw_streq(plan->recipes[i]->section, "assistants"))
            add_name(&c.assistants, plan->recipes[i]->name);
        c.open = c.open || vgw_streq(plan->recipes[i]->section, "actions");
    }
    for (size_t i = 0; i < vgw_options_count(plan->main, "tools"); i++) {
        const struct vgw_options *o = vgw_options_section_at(plan->main, "tools", i);
        const char *name = vgw_options_item_key(plan->main, "tools", i);
        c.open = c.open || vgw_streq(vgw_options_string(o, "plugin"), "mcp");
        add_name(&c.tools, name);
        check_tool(&c, actions, name, o);
    }
    for (size_t i = 0; i < vgw_options_count(plan->main, "agents"); i++)
        add_name(&c.agents, vgw_options_item_key(plan->main, "agents", i));
    for (size_t i = 0; i < c.agents.count; i++)
        check_agent(&c, c.agents.items[i], vgw_options_section_at(plan->main, "agents", i));
    for (size_t i = 0; i < vgw_options_count(plan->main, "routes"); i++) {
        const struct vgw_options *route = vgw_options_section_at(plan->main, "routes", i);
        const char *agent = vgw_options_string(route, "agent");
        if (agent && agent[0] && !has_name(&c.agents, agent))
            wrong_name(&c, route, "agent", "agent", agent, &c.agents);
    }
}

/* tool_offer.c - the host's tools and our own, as one list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tool_offer.h"

static const struct {
    const char *name;
    enum tool_builtin builtin;
    const char *description, *parameters;
} own[] = {
    {"end_call", TOOL_END_CALL, "Ends the call, once the caller has nothing more to ask. Say goodbye in farewell.",
     "{\"type\":\"object\",\"properties\":{\"farewell\":{\"type\":\"string\",\"description\":\"What the caller hears "
     "before the line is closed.\"}}}"},
    {"transfer_to_human", TOOL_TRANSFER,
     "Connects the caller with a person: when the caller asks for one, or when you cannot help.",
     "{\"type\":\"object\",\"properties\":{\"department\":{\"type\":\"string\",\"description\":\"Which department, "
     "such "
     "as front_desk.\"},\"summary\":{\"type\":\"string\",\"description\":\"One sentence "
     "for the person who takes over.\"},\"announcement\":{\"type\":\"string\",\"description\":\"What the caller hears "
     "before.\"}}}"},
    {"hand_off", TOOL_HAND_OFF, "Hands the conversation to another assistant.", NULL},
};

const struct tool_entry *tool_offer_find(const struct tool_offer *offer, const char *name)
{
    for (uint32_t i = 0; i < offer->count; i++)
        if (strcmp(offer->tools[i].name, name) == 0)
            return &offer->tools[i];
    return NULL;
}

uint32_t tool_name_valid(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return n > 0 && n < TOOL_NAME_MAX && name[n] == '\0';
}

struct voicegw_json tool_parameters(const struct tool_entry *tool)
{
    return voicegw_json_type(tool->parameters) == VOICEGW_JSON_OBJECT
               ? tool->parameters
               : voicegw_json_of("{\"type\":\"object\",\"properties\":{}}");
}

/* Is this name in the list? An absent list holds all. */
static uint32_t listed(struct voicegw_json list, const char *name)
{
    struct voicegw_json_iter it = voicegw_json_each(list);
    if (voicegw_json_type(list) != VOICEGW_JSON_ARRAY)
        return 1;
    while (voicegw_json_next(&it))
        if (voicegw_json_equals(it.value, name))
            return 1;
    return 0;
}

struct reader {
    struct tool_offer *offer;
    char *at;
    uint64_t left;
};

/* A JSON string as text in the offer's own room; NULL: none. */
static const char *keep(struct reader *r, struct voicegw_json v)
{
    int64_t n = r->left ? voicegw_json_string(v, r->at, r->left) : VOICEGW_ELIMIT;
    const char *text = r->at;
    if (n < 0)
        return NULL;
    r->at += n + 1;
    r->left -= (uint64_t)n + 1;
    return text;
}

static void read_host(struct reader *r, struct voicegw_json wanted, struct voicegw_json agent)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(r->offer->tools_json));
    /* Of the host's, end_call alone is left to our own: that one waits until what was said before has been heard. */
    while (voicegw_json_next(&it) && r->offer->count < TOOL_OFFER_MAX) {
        const char *name = keep(r, voicegw_json_member(it.value, "name"));
        if (!name || !tool_name_valid(name) || strcmp(name, "end_call") == 0 || tool_offer_find(r->offer, name) ||
            !listed(wanted, name) || !listed(voicegw_json_member(agent, "tools"), name))
            continue;
        const char *description = keep(r, voicegw_json_member(it.value, "description"));
        struct tool_entry *t = &r->offer->tools[r->offer->count];
        t->name = name;
        t->description = description ? description : "";
        t->parameters = voicegw_json_member(it.value, "parameters");
        t->builtin = TOOL_OF_HOST;
        r->offer->count++;
    }
}

static int32_t handoff_schema(struct tool_offer *offer, struct voicegw_json list)
{
    size_t cap = list.bytes + 256;
    struct voicegw_json_writer w;
    offer->handoff = malloc(cap);
    if (!offer->handoff)
        return VOICEGW_ELIMIT;
    w = voicegw_json_writer_of(offer->handoff, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "object");
    voicegw_json_put_object(&w, "properties");
    voicegw_json_put_object(&w, "agent");
    voicegw_json_put_string(&w, "type", "string");
    voicegw_json_put_json(&w, "enum", list);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    voicegw_json_put_array(&w, "required");
    voicegw_json_put_string(&w, NULL, "agent");
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w) < 0 ? VOICEGW_ELIMIT : VOICEGW_OK;
}

static void add_own(struct tool_offer *offer, struct voicegw_json builtins, struct voicegw_json agent)
{
    struct voicegw_json to = voicegw_json_member(agent, "handoff");
    for (size_t i = 0; i < sizeof own / sizeof *own && offer->count < TOOL_OFFER_MAX; i++) {
        if (tool_offer_find(offer, own[i].name) || !listed(builtins, own[i].name))
            continue;
        if (own[i].builtin == TOOL_HAND_OFF &&
            (voicegw_json_count(to) == 0 || handoff_schema(offer, to) < 0)) /* there is nobody to hand over to */
            continue;
        struct tool_entry *t = &offer->tools[offer->count];
        t->name = own[i].name;
        t->description = own[i].description;
        t->parameters = voicegw_json_of(own[i].parameters ? own[i].parameters : offer->handoff);
        t->builtin = own[i].builtin;
        offer->count++;
    }
}

static int32_t replace(char **text, const char *with)
{
    char *copy = with ? strdup(with) : NULL;
    if (with && !copy)
        return VOICEGW_ELIMIT;
    if (with) {
        free(*text);
        *text = copy;
    }
    return VOICEGW_OK;
}

int32_t tool_offer_read(struct tool_offer *offer, const char *wanted, const char *builtins, const char *agent_json,
                        const char *tools_json)
{
    struct reader r = {.offer = offer};
    if (replace(&offer->tools_json, tools_json) < 0 || replace(&offer->agent_json, agent_json) < 0)
        return VOICEGW_ELIMIT;
    free(offer->names);
    free(offer->handoff);
    offer->handoff = NULL;
    offer->count = 0;
    r.left = (offer->tools_json ? strlen(offer->tools_json) : 0) + 1;
    r.at = offer->names = malloc(r.left);
    if (!r.at)
        return VOICEGW_ELIMIT;
    struct voicegw_json agent = voicegw_json_of(offer->agent_json);
    read_host(&r, voicegw_json_of(wanted), agent);
    add_own(offer, voicegw_json_of(builtins), agent);
    return VOICEGW_OK;
}

void tool_offer_free(struct tool_offer *offer)
{
    free(offer->names);
    free(offer->tools_json);
    free(offer->agent_json);
    free(offer->handoff);
    memset(offer, 0, sizeof *offer);
}

/* ---- our own, when they are called ---- */

static void copy_text(struct voicegw_json_writer *w, const char *to, struct voicegw_json from, const char *name)
{
    struct voicegw_json v = voicegw_json_member(from, name);
    if (voicegw_json_type(v) == VOICEGW_JSON_STRING && v.bytes > 2)
        voicegw_json_put_json(w, to, v);
}

const char *tool_builtin_action(enum tool_builtin builtin, struct voicegw_json arguments, const char *transfer_to,
                                char *params, uint64_t cap)
{
    static const char *const actions[] = {NULL, "end", "transfer", "handoff"};
    struct voicegw_json_writer w = voicegw_json_writer_of(params, cap);
    char department[64];
    voicegw_json_put_object(&w, NULL);
    if (builtin == TOOL_TRANSFER) {
        if (voicegw_json_get_string(arguments, "department", department, sizeof department) > 0)
            voicegw_json_put_string(&w, "department", department);
        else
            voicegw_json_put_string(&w, "to", transfer_to);
        copy_text(&w, "summary", arguments, "summary");
    } else if (builtin == TOOL_HAND_OFF) {
        copy_text(&w, "agent", arguments, "agent");
        copy_text(&w, "name", arguments, "agent");
    }
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w) < 0 ? NULL : actions[builtin];
}

void tool_builtin_words(enum tool_builtin builtin, struct voicegw_json arguments, char *out, uint64_t cap)
{
    if (voicegw_json_get_string(arguments, builtin == TOOL_END_CALL ? "farewell" : "announcement", out, cap) < 0)
        out[0] = '\0';
}

/* route.h - how an incoming call is answered: the first route that matches. A compiled list is immutable and part of a
 * snapshot. */
#ifndef VGW_CALL_ROUTE_H
#define VGW_CALL_ROUTE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "base/json.h"

#define VGW_ROUTE_ENGINES_MAX 8
struct vgw_route {
    /* match: globs; NULL matches all. `provider` matches the instance's name or its plugin's. */
    char *provider, *to, *from, *trunk, *script, *project_match;
    char *project; /* "default" */
    char *language;
    char *greeting; /* NULL: none */
    char *assistant;
    char *agent; /* the assistant is this agent; NULL: it is its own */
    char *workflow;
    char *stt[VGW_ROUTE_ENGINES_MAX]; /* in order of failover */
    size_t stt_count;
    char *tts[VGW_ROUTE_ENGINES_MAX];
    size_t tts_count;
    char *voice;
    char *media;     /* "stream" | "twiml" */
    char *caller_id; /* `from`: the number that calls and legs of this route show, or NULL */
    bool record;
    struct vgw_json *talk;   /* talk options of this route, or NULL */
    struct vgw_json *source; /* the route as written, for provider-specific keys */
    char place[160];         /* file:line:column */
};
struct vgw_route_set {
    struct vgw_route *routes;
    size_t count;
};
/** Compiles the list `routes:` (array of objects); `place(arg, index)` tells where a route stands. Errors name the key.
 */
int vgw_route_set_compile(const struct vgw_json *routes, const char *(*place)(void *arg, size_t index), void *arg,
                          struct vgw_route_set **ret_set, struct vgw_error *err);
void vgw_route_set_free(void *set); /* takes NULL; a snapshot's destructor */

struct vgw_route_query {
    const char *provider, *plugin, *to, *from, *trunk, *script, *project;
};
/** The first route that matches, or NULL. Pure. */
const struct vgw_route *vgw_route_find(const struct vgw_route_set *set, const struct vgw_route_query *query);
/** The number that a call to `query->to` shows: `from` of the first route that matches and has one, or NULL. Pure. */
const char *vgw_route_caller_id(const struct vgw_route_set *set, const struct vgw_route_query *query);
#endif

/* auth.h - who asks, and what they may: bearer tokens with scopes and projects. Control thread. */
#ifndef VGW_API_AUTH_H
#define VGW_API_AUTH_H
#include <stdbool.h>
#include <stddef.h>
#include "base/secret.h"
#include "config/options.h"

/** What a token allows; counted, so that it outlives the configuration it came with. */
struct vgw_grant {
    unsigned refs;
    char *name;      /* of the token; "" for the open grant */
    unsigned scopes; /* of enum vgw_api_scope */
    char **projects; /* NULL-ended; NULL: all */
    struct vgw_secret *token;
};
struct vgw_grant *vgw_grant_new(const char *name, unsigned scopes); /* NULL: out of memory */
struct vgw_grant *vgw_grant_ref(struct vgw_grant *g);               /* bears NULL */
void vgw_grant_unref(struct vgw_grant *g);                          /* takes NULL */
/** May it see what belongs to that project? NULL and "" are "default". */
bool vgw_grant_sees(const struct vgw_grant *g, const char *project_id);
/** The one project that a narrowed grant means when none is named; NULL: "default". */
const char *vgw_grant_project(const struct vgw_grant *g);

struct vgw_grants {
    struct vgw_grant **items;
    size_t count;
};
/** From auth.tokens. Errors with their places. */
int vgw_grants_compile(const struct vgw_options *main, struct vgw_config_errors *errors, struct vgw_grants *ret_grants);
void vgw_grants_done(struct vgw_grants *grants);
/** The grant of a token, compared with every one in constant time; borrowed, or NULL. */
struct vgw_grant *vgw_grants_find(const struct vgw_grants *grants, const char *token, size_t len);
/** The grant in `grants` that stands for the same token and still allows all that `old` did; borrowed, or NULL. */
struct vgw_grant *vgw_grants_successor(const struct vgw_grants *grants, const struct vgw_grant *old);
/** The token in an Authorization header ("Bearer x", any case); NULL when it is none. Borrowed from it. */
const char *vgw_bearer(const char *header);
#endif

/* auth.c - tokens and what they allow. */
#include "api/auth.h"

#include <string.h>
#include <strings.h>

#include "api/route.h"
#include "base/alloc.h"
#include "base/str.h"

struct vgw_grant *vgw_grant_new(const char *name, unsigned scopes)
{
    struct vgw_grant *g;
    if (!VGW_NEW(g))
        return NULL;
    g->refs = 1;
    g->scopes = scopes;
    g->name = vgw_strdup(name);
    if (g->name)
        return g;
    vgw_grant_unref(g);
    return NULL;
}

struct vgw_grant *vgw_grant_ref(struct vgw_grant *g)
{
    if (g)
        g->refs++;
    return g;
}

void vgw_grant_unref(struct vgw_grant *g)
{
    if (!g || --g->refs)
        return;
    for (char **p = g->projects; p && *p; p++)
        vgw_free(*p);
    vgw_free(g->projects);
    vgw_secret_free(g->token);
    vgw_free(g->name);
    vgw_free(g);
}

bool vgw_grant_sees(const struct vgw_grant *g, const char *project_id)
{
    const char *project = project_id && *project_id ? project_id : "default";
    if (!g || !g->projects)
        return true;
    for (char **p = g->projects; *p; p++) {
        if (strcmp(*p, project) == 0)
            return true;
    }
    return false;
}

const char *vgw_grant_project(const struct vgw_grant *g)
{
    return !g || !g->projects || vgw_grant_sees(g, NULL) ? NULL : g->projects[0];
}

static unsigned scopes_of(const struct vgw_options *token)
{
    unsigned scopes = 0;
    for (size_t i = 0; i < vgw_options_count(token, "scopes"); i++) {
        const char *word = vgw_options_item(token, "scopes", i);
        for (unsigned s = VGW_SCOPE_READ; s <= VGW_SCOPE_ADMIN; s <<= 1)
            scopes |= vgw_streq(word, vgw_api_scope_name((enum vgw_api_scope)s)) ? s : 0;
    }
    return scopes;
}

static struct vgw_grant *grant_compile(const struct vgw_options *token)
{
    const struct vgw_secret *secret = vgw_options_secret(token, "token");
    struct vgw_grant *g = vgw_grant_new(vgw_options_string(token, "name"), scopes_of(token));
    size_t n = vgw_options_count(token, "projects");
    if (!g)
        return NULL;
    if (!(g->token = vgw_secret_new(vgw_secret_reveal(secret), vgw_secret_len(secret))))
        goto out;
    if (n == 0)
        return g;
    if (!(g->projects = vgw_calloc(n + 1, sizeof *g->projects)))
        goto out;
    for (size_t i = 0; i < n; i++) {
        if (!(g->projects[i] = vgw_strdup(vgw_options_item(token, "projects", i))))
            goto out;
    }
    return g;
out:
    vgw_grant_unref(g);
    return NULL;
}

static int check_token(const struct vgw_options *token, const struct vgw_grants *before,
                       struct vgw_config_errors *errors)
{
    const struct vgw_secret *secret = vgw_options_secret(token, "token");
    if (!secret)
        return vgw_options_error(token, "token", errors, "the token is empty; give it at least 16 random characters");
    for (size_t i = 0; i < before->count; i++) {
        if (vgw_streq(before->items[i]->name, vgw_options_string(token, "name")))
            return vgw_options_error(token, "name", errors, "two tokens are named %s; each needs a name of its own",
                                     before->items[i]->name);
        if (vgw_secret_equals(before->items[i]->token, vgw_secret_reveal(secret), vgw_secret_len(secret)))
            return vgw_options_error(token, "token", errors,
                                     "this is the token of %s too; each name needs a token of its own",
                                     before->items[i]->name);
    }
    return VGW_OK;
}

int vgw_grants_compile(const struct vgw_options *main, struct vgw_config_errors *errors, struct vgw_grants *ret_grants)
{
    struct vgw_grants grants = {0};
    const struct vgw_options *auth = vgw_options_section(main, "auth");
    size_t n = vgw_options_count(auth, "tokens");
    int status = VGW_OK;
    if (n && !(grants.items = vgw_calloc(n, sizeof *grants.items)))
        return VGW_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        const struct vgw_options *token = vgw_options_section_at(auth, "tokens", i);
        if (check_token(token, &grants, errors) != VGW_OK) {
            status = VGW_ECONFIG;
            continue;
        }
        struct vgw_grant *g = grant_compile(token);
        if (!g) {
            vgw_grants_done(&grants);
            return VGW_ELIMIT;
        }
        grants.items[grants.count++] = g;
    }
    if (status == VGW_OK)
        *ret_grants = grants;
    else
        vgw_grants_done(&grants);
    return status;
}

void vgw_grants_done(struct vgw_grants *grants)
{
    for (size_t i = 0; i < grants->count; i++)
        vgw_grant_unref(grants->items[i]);
    vgw_free(grants->items);
    *grants = (struct vgw_grants){0};
}

struct vgw_grant *vgw_grants_find(const struct vgw_grants *grants, const char *token, size_t len)
{
    struct vgw_grant *found = NULL;
    for (size_t i = 0; i < grants->count; i++) {
        if (vgw_secret_equals(grants->items[i]->token, token, len))
            found = grants->items[i];
    }
    return found;
}

struct vgw_grant *vgw_grants_successor(const struct vgw_grants *grants, const struct vgw_grant *old)
{
    if (!old->token)
        return NULL;
    struct vgw_grant *g = vgw_grants_find(grants, vgw_secret_reveal(old->token), vgw_secret_len(old->token));
    if (!g || (g->scopes & old->scopes) != old->scopes)
        return NULL;
    if (!old->projects)
        return g->projects ? NULL : g;
    for (char **p = old->projects; *p; p++) {
        if (!vgw_grant_sees(g, *p))
            return NULL;
    }
    return g;
}

const char *vgw_bearer(const char *header)
{
    if (!header || strncasecmp(header, "Bearer", 6) != 0 || (header[6] != ' ' && header[6] != '\t'))
        return NULL;
    header += 6 + strspn(header + 6, " \t");
    return *header ? header : NULL;
}

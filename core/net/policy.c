/* policy.c - where the gateway may be sent. */
#include "net/policy.h"
#include "base/alloc.h"
#include "base/str.h"
#include <stdatomic.h>
#include <string.h>

struct vgw_policy {
    atomic_uint refs;
    char **names; /* globs, lower case */
    size_t names_len;
    struct vgw_cidr *cidrs;
    size_t cidrs_len;
};

static bool looks_like_name(const char *s)
{
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*") == strlen(s) &&
           strspn(s, "0123456789.") != strlen(s);
}

static int add(struct vgw_policy *p, const char *entry, struct vgw_error *err)
{
    if (vgw_cidr_parse(entry, &p->cidrs[p->cidrs_len], NULL) == 0) {
        p->cidrs_len++;
        return 0;
    }
    if (!looks_like_name(entry))
        return vgw_error_set(err, VGW_EINVALID, "\"%s\" is none of host name, address and network (10.0.0.0/8)", entry);
    char *copy = vgw_strdup(entry);
    if (!copy)
        return vgw_error_nomem(err);
    for (char *c = copy; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    p->names[p->names_len++] = copy;
    return 0;
}

int vgw_policy_new(const char *const *allow, size_t count, struct vgw_policy **ret_policy, struct vgw_error *err)
{
    struct vgw_policy *p;
    int rc = 0;
    if (!VGW_NEW(p))
        return vgw_error_nomem(err);
    atomic_init(&p->refs, 1);
    p->names = vgw_calloc(count + 1, sizeof *p->names);
    p->cidrs = vgw_calloc(count + 1, sizeof *p->cidrs);
    if (!p->names || !p->cidrs)
        rc = vgw_error_nomem(err);
    for (size_t i = 0; i < count && !rc; i++)
        rc = add(p, allow[i], err);
    if (rc) {
        vgw_policy_unref(p);
        return rc;
    }
    *ret_policy = p;
    return 0;
}

struct vgw_policy *vgw_policy_ref(const struct vgw_policy *p)
{
    struct vgw_policy *counted = (struct vgw_policy *)(uintptr_t)p;
    if (counted)
        atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
    return counted;
}

void vgw_policy_unref(struct vgw_policy *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < p->names_len; i++)
        vgw_free(p->names[i]);
    vgw_free(p->names);
    vgw_free(p->cidrs);
    vgw_free(p);
}

static bool name_allowed(const struct vgw_policy *p, const struct vgw_url *url)
{
    for (size_t i = 0; p && i < p->names_len; i++)
        if (vgw_glob_match(p->names[i], url->host))
            return true;
    return false;
}

int vgw_policy_check_addr(const struct vgw_policy *p, const struct vgw_url *url, const struct vgw_addr *addr,
                          bool trusted, struct vgw_error *err)
{
    const char *special = vgw_addr_special(addr);
    if (trusted || !special || name_allowed(p, url))
        return 0;
    for (size_t i = 0; p && i < p->cidrs_len; i++)
        if (vgw_cidr_holds(&p->cidrs[i], addr))
            return 0;
    return vgw_error_set(
        err, VGW_EINVALID,
        "%s leads to a %s address, which outgoing requests may not reach; outbound_urls.allow can list it", url->host,
        special);
}

int vgw_policy_check_url(const struct vgw_policy *p, const struct vgw_url *url, bool trusted, struct vgw_error *err)
{
    if (url->is_address)
        return vgw_policy_check_addr(p, url, &url->addr, trusted, err);
    bool local = !strcmp(url->host, "localhost") || vgw_ends_with(url->host, ".localhost");
    if (local && !trusted && !name_allowed(p, url)) {
        static const struct vgw_addr loopback = {.family = 4, .bytes = {127, 0, 0, 1}};
        return vgw_policy_check_addr(p, url, &loopback, false, err);
    }
    return 0;
}

/* config.c - the API's part of a configuration. */
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"

static bool prefix_fits(const char *prefix)
{
    if (!prefix || prefix[0] != '/' || (prefix[1] && vgw_ends_with(prefix, "/")) || strstr(prefix, "//"))
        return false;
    for (const char *p = prefix; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!plain && !strchr("/-_.~", *p))
            return false;
    }
    return true;
}

static int read_public_url(struct vgw_api_config *c, const struct vgw_options *main, struct vgw_config_errors *errors)
{
    const char *text = vgw_options_string(main, "http.public_url");
    struct vgw_url url;
    struct vgw_error err = {0};
    char host[280];
    if (!text || !*text)
        return VGW_OK;
    if (vgw_url_parse(text, &url, &err) != VGW_OK)
        return vgw_options_error(main, "http.public_url", errors, "%s", err.text);
    size_t len = strlen(text);
    while (len && text[len - 1] == '/')
        len--;
    c->public_url = vgw_strndup(text, len);
    c->public_host = vgw_strdup(vgw_url_authority(&url, host));
    return c->public_url && c->public_host ? VGW_OK : VGW_ELIMIT;
}

int vgw_api_compile(const struct vgw_options *main, struct vgw_config_errors *errors,
                    struct vgw_api_config **ret_config)
{
    struct vgw_api_config *c;
    const char *prefix = vgw_options_string(main, "http.prefix");
    if (!VGW_NEW(c))
        return VGW_ELIMIT;
    int status = read_public_url(c, main, errors);
    if (!prefix_fits(prefix))
        status = vgw_options_error(main, "http.prefix", errors,
                                   "%s is no prefix; it must be a path such as /voice, without a slash at its end",
                                   prefix ? prefix : "nothing");
    int grants = vgw_grants_compile(main, errors, &c->grants);
    status = status != VGW_OK ? status : grants;
    c->prefix = vgw_strdup(prefix);
    c->recordings = vgw_strdup(vgw_options_string(main, "recordings.path"));
    c->compat_routes = vgw_options_bool(main, "http.compat_routes");
    c->api_rate = vgw_options_rate(main, "auth.rate_limit.api");
    c->failure_rate = vgw_options_rate(main, "auth.rate_limit.failures");
    if (status == VGW_OK && (!c->prefix || !c->recordings))
        status = VGW_ELIMIT;
    if (status == VGW_OK)
        *ret_config = c;
    else
        vgw_api_config_free(c);
    return status;
}

void vgw_api_config_free(void *config)
{
    struct vgw_api_config *c = config;
    if (!c)
        return;
    vgw_grants_done(&c->grants);
    vgw_free(c->prefix);
    vgw_free(c->public_url);
    vgw_free(c->public_host);
    vgw_free(c->recordings);
    vgw_free(c);
}

bool vgw_api_config_has_tokens(const struct vgw_api_config *config)
{
    return config && config->grants.count > 0;
}

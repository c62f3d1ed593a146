/* curl_late.c - the table of libcurl's functions, filled when it is needed. */
#include "net/curl_late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

static void free_nothing(struct curl_slist *list) {}

struct vgw_curl vgw_curl = {.slist_free_all = free_nothing};
static char failure[200];

static bool resolve(void *library, const char *name, void *slot)
{
    void *at = dlsym(library, name);
    memcpy(slot, &at, sizeof at);
    return at != NULL;
}

static void load_library(void)
{
    struct vgw_curl t;
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
#define FUNCTION(name) resolve(library, "curl_" #name, &t.name)
    if (library && FUNCTION(global_init) && FUNCTION(easy_strerror) && FUNCTION(easy_init) && FUNCTION(easy_cleanup) &&
        FUNCTION(easy_reset) && FUNCTION(easy_setopt) && FUNCTION(easy_getinfo) && FUNCTION(multi_init) &&
        FUNCTION(multi_cleanup) && FUNCTION(multi_setopt) && FUNCTION(multi_add_handle) &&
        FUNCTION(multi_remove_handle) && FUNCTION(multi_assign) && FUNCTION(multi_socket_action) &&
        FUNCTION(multi_info_read) && FUNCTION(slist_append) && FUNCTION(slist_free_all) &&
        t.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        vgw_curl = t;
        return;
    }
#undef FUNCTION
    const char *why = dlerror();
    (void)vgw_strcopy(failure, sizeof failure, why ? why : "it does not start");
}

int vgw_curl_load(struct vgw_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load_library);
    return vgw_curl.easy_init ? 0 : vgw_error_set(err, VGW_EUNSUPPORTED, "libcurl cannot be loaded: %s", failure);
}

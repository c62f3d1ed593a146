/* curl_late.h - libcurl, loaded with the first outgoing request: it brings some thirty libraries and 3 MB that a
 * gateway which asks nobody for anything does not need. For client.c alone. */
#ifndef VGW_NET_CURL_LATE_H
#define VGW_NET_CURL_LATE_H
#include <curl/curl.h>
#include "base/error.h"

/* The variadic ones hide behind checking macros; a call through the table takes them as they are. */
struct vgw_curl {
    CURLcode (*global_init)(long flags);
    const char *(*easy_strerror)(CURLcode code);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    void (*easy_reset)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *data);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int mask, int *ret_running);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *ret_left);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list); /* takes NULL, also before the library is loaded */
};
extern struct vgw_curl vgw_curl;

/** Loads and starts the library once; 5 ms the first time. [any]
 *  Errors: VGW_EUNSUPPORTED with a sentence when it is not there. */
int vgw_curl_load(struct vgw_error *err);
#endif

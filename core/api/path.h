/* path.h - from the path that was asked for to the one that the table of routes knows. Pure. */
#ifndef VGW_API_PATH_H
#define VGW_API_PATH_H
#include <stdbool.h>
#include <stddef.h>

#define VGW_API_PATH_MAX 2048
struct vgw_api_path {
    char text[VGW_API_PATH_MAX]; /* "/calls/abc": below the prefix; "" when the path is none of ours */
    bool older;                  /* by the alias /sessions: the older shape */
    bool stream_alias;           /* by /media-stream/{id}: `text` is of twilio, and mock/stream stands in for it */
};
/** `prefix` as configured ("/voice"); `aliases`: http.compat_routes. */
void vgw_api_path_read(const char *path, const char *prefix, bool aliases, struct vgw_api_path *ret);
#endif

/* route.h - the HTTP and WebSocket routes of plugins, for the API's router. Control thread. */
#ifndef VGW_HOST_ROUTE_H
#define VGW_HOST_ROUTE_H
#include "host/host.h"
#include "net/front.h"

struct vgw_host_route;
/** What of a route the router must know before it hands a request over. */
struct vgw_host_route_info {
    bool ws;
    bool is_public; /* carries its own proof: no token is asked for */
    bool admin;
    size_t max_body_bytes;
    bool path_known; /* with a NULL route: the path is there, the method is not */
};
/** Finds the route of "<name>/<path>" below the prefix ("mock/stream/abc"): `name` is an instance, or a plugin whose
 * default instance is meant (env: the instance marked `default: true`, or the only one). NULL when there is none. */
const struct vgw_host_route *vgw_host_route_find(struct vgw_host *host, const char *method, bool ws, const char *path,
                                                 struct vgw_host_route_info *ret_info);
/** Tells which instance a plugin's name means ("twilio" -> "twilio-main"); set at start and reload. `instance` NULL:
 * none, or several without a mark. */
void vgw_host_route_default(struct vgw_host *host, const char *plugin, const char *instance);
/** Hands a request over; the plugin (or the deadline) answers the exchange. `authorised`: a valid token or ticket came
 * with it. */
void vgw_host_route_request(struct vgw_host *host, const struct vgw_host_route *route, uint64_t exchange,
                            const struct vgw_http_request *request, const char *path, bool authorised);
/** The same for an upgrade: the socket goes to the worker of the leg that the plugin names, or is refused. */
void vgw_host_route_upgrade(struct vgw_host *host, const struct vgw_host_route *route, uint64_t exchange,
                            const struct vgw_http_request *request, const char *path, bool authorised);
#endif

/* resolve.h - names to addresses off the loop: getaddrinfo on the pool's io lane. */
#ifndef VGW_NET_RESOLVE_H
#define VGW_NET_RESOLVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/pool.h"
#include "net/addr.h"

#define VGW_RESOLVE_MAX 8

struct vgw_resolved {
    int status;         /* 0, VGW_ENETWORK (unknown name), VGW_ELIMIT */
    char sentence[160]; /* why not */
    size_t count;
    struct vgw_addr addrs[VGW_RESOLVE_MAX]; /* in the order the resolver prefers */
};
/** Asks for a name's addresses and, with `tls`, for the shared CA store to be loaded on the way. done(arg, resolved)
 * comes exactly once on `home`, never from inside; `resolved` is borrowed. VGW_ELIMIT: the lane is full, no callback
 * follows. Thread: home's. */
int vgw_resolve(struct vgw_pool *pool, struct vgw_loop *home, const char *host, bool tls,
                void (*done)(void *arg, const struct vgw_resolved *resolved), void *arg);

#endif

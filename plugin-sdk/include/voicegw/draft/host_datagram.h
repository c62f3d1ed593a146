/* voicegw/draft/host_datagram.h - UDP sockets on a leg's worker, with a lease on the port. Part of the voicegw plugin
 * SDK (MIT). Draft: may change until version 1 is cut. */
#ifndef VOICEGW_DRAFT_HOST_DATAGRAM_H
#define VOICEGW_DRAFT_HOST_DATAGRAM_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_HOST_DATAGRAM "voicegw.host.datagram/1"

struct voicegw_host_datagram {
    uint32_t size;
    uint32_t reserved;
    /** Takes an even port (and the odd one above when `pair` is 1) of the range and leases it. 0 and *ret_port, or
     * VOICEGW_ELIMIT. [control] */
    int32_t (*lease)(const struct voicegw_host *host, const char *address, uint32_t first_port, uint32_t last_port,
                     uint32_t pair, uint64_t *ret_lease, uint32_t *ret_port);
    void (*release)(const struct voicegw_host *host, uint64_t lease);
    /** Opens the leased socket (part 0: even, 1: odd) on the target's worker, once: with the socket closed the port is
     * free again. on_packet(arg, data, bytes, remote
     * "IP:PORT"). [media] */
    int32_t (*open)(const struct voicegw_host *host, uint64_t target, uint64_t lease, uint32_t part,
                    void (*on_packet)(void *arg, const void *data, uint32_t bytes, const char *remote), void *arg,
                    uint64_t *ret_socket);
    /** The same for a descriptor that the plugin's library made (then the host's). [media] */
    int32_t (*adopt)(const struct voicegw_host *host, uint64_t target, int32_t descriptor,
                     void (*on_packet)(void *arg, const void *data, uint32_t bytes, const char *remote), void *arg,
                     uint64_t *ret_socket);
    int32_t (*send)(const struct voicegw_host *host, uint64_t socket, const char *remote, const void *data,
                    uint32_t bytes);
    void (*close)(const struct voicegw_host *host, uint64_t socket);
};

#endif

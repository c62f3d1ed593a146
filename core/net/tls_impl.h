/* tls_impl.h - a TLS session as the TLS threads see it. Private to net/. */
#ifndef VGW_NET_TLS_IMPL_H
#define VGW_NET_TLS_IMPL_H
#include "net/tls.h"

enum { VGW_TLS_END = 0, VGW_TLS_AGAIN = -1, VGW_TLS_BROKEN = -2 };

/* A server session over a non-blocking socket that stays the caller's. NULL: out of memory. */
void *vgw_tls_session_new(struct vgw_tls_server *s, int fd);
void vgw_tls_session_free(void *session);
/* These return > 0 (bytes, or done), VGW_TLS_END (the peer said goodbye), VGW_TLS_AGAIN with *ret_want (VGW_IO_…), or
 * VGW_TLS_BROKEN. */
long vgw_tls_session_handshake(void *session, unsigned *ret_want);
long vgw_tls_session_read(void *session, void *out, size_t cap, unsigned *ret_want);
/* Have bytes come from the socket that were not read from the session yet? Without any, the socket tells of more. */
bool vgw_tls_session_pending(void *session);
long vgw_tls_session_write(void *session, const void *data, size_t len, unsigned *ret_want);
/* Says goodbye, as far as the socket takes it. */
void vgw_tls_session_end(void *session);

#endif

/* ws_check.h - what may go over a WebSocket, and why one did not open. Pure; private to net/. */
#ifndef VGW_NET_WS_CHECK_H
#define VGW_NET_WS_CHECK_H
#include <stdbool.h>
#include <stddef.h>

/* UTF-8, with a short way for plain ASCII: every media frame goes through here. */
bool vgw_ws_text_valid(const void *data, size_t len);
/* May this close code be sent (RFC 6455 7.4)? */
bool vgw_ws_code_valid(unsigned code);
/* "Name: value" on one line. */
bool vgw_ws_header_valid(const char *h);
/* Why a client's socket did not open: the library's words (`why` of `len` bytes, or NULL), behind the code of an answer
 * that was no upgrade: who asked acts by it. `code` below 300: there was none. */
void vgw_ws_failure(unsigned code, const void *why, size_t len, char *out, size_t cap);

#endif

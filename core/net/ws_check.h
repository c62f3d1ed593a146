/* ws_check.h - what may go over a WebSocket. Pure; private to net/. */
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

#endif

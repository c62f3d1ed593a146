/* ticket.h - one-time tickets for browsers' WebSockets and event sources: good once, for 60 s, with the rights of the
 * token that asked. Pure but for randomness; control thread. */
#ifndef VGW_API_TICKET_H
#define VGW_API_TICKET_H
#include <stdint.h>
#include "api/auth.h"

#define VGW_TICKETS_MAX 10000u
#define VGW_TICKET_US (60 * INT64_C(1000000))
#define VGW_TICKET_TEXT 64
struct vgw_tickets;
struct vgw_tickets *vgw_tickets_new(void);    /* NULL: out of memory */
void vgw_tickets_free(struct vgw_tickets *t); /* takes NULL */
/** Makes a ticket for `grant` (a reference is taken). `out` holds VGW_TICKET_TEXT. When all places are taken the oldest
 * goes. 0, VGW_ELIMIT. */
int vgw_tickets_issue(struct vgw_tickets *t, struct vgw_grant *grant, int64_t now_us, char *out);
/** Takes a ticket: its grant (the caller's reference), or NULL: unknown, used or too old. */
struct vgw_grant *vgw_tickets_take(struct vgw_tickets *t, const char *ticket, int64_t now_us);
/** Drops the tickets of grants that `keep` does not say yes to. */
void vgw_tickets_sweep(struct vgw_tickets *t, bool (*keep)(void *arg, const struct vgw_grant *grant), void *arg);
#endif

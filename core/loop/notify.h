/* notify.h - sd_notify(3)'s protocol: one datagram to $NOTIFY_SOCKET. No library needed. */
#ifndef VGW_LOOP_NOTIFY_H
#define VGW_LOOP_NOTIFY_H
#include <stdbool.h>
#include <stdint.h>
/** Sends e.g. "READY=1\nSTATUS=…". Does nothing without NOTIFY_SOCKET. Thread: any. */
void vgw_notify(const char *state);
void vgw_notifyf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Microseconds of WATCHDOG_USEC when it is meant for this process, else 0. */
int64_t vgw_notify_watchdog_us(void);
#endif

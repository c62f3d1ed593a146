/* time.h - two clocks, told apart by lint. Logic asks its loop (vgw_now through loop/loop.h); only loop/ and net/ may
 * call vgw_io_now_us(). Times are int64 microseconds: monotonic for intervals, wall (Unix epoch) for records. */
#ifndef VGW_BASE_TIME_H
#define VGW_BASE_TIME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VGW_US_PER_MS INT64_C(1000)
#define VGW_US_PER_S INT64_C(1000000)

/** CLOCK_MONOTONIC in microseconds. For loop/ and net/ only (lint). */
int64_t vgw_io_now_us(void);
/** CLOCK_REALTIME in microseconds. For loop/, net/ and log.c only (lint). */
int64_t vgw_io_wall_us(void);

#define VGW_TIME_TEXT 32
/** RFC 3339 UTC with microseconds: "2026-02-01T12:34:56.789012Z". `out` holds VGW_TIME_TEXT bytes. Returns out. */
char *vgw_time_format(int64_t wall_us, char *out);
/** RFC 3339 with any fraction and offset; a plain date is midnight UTC. */
bool vgw_time_parse(const char *s, int64_t *ret_wall_us);
#endif

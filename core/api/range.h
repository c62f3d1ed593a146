/* range.h - the Range header (RFC 9110 14.2): one range of bytes. Pure. */
#ifndef VGW_API_RANGE_H
#define VGW_API_RANGE_H
#include <stdint.h>

/** 1 and the first and last octet; 0: no range of bytes, or several: the whole is sent; -1: none of it lies within
 * `total`. */
int vgw_range_parse(const char *header, uint64_t total, uint64_t *ret_first, uint64_t *ret_last);
#endif

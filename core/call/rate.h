/* rate.h - what a call costs by the operator's table, for providers that do not tell. Pure; any thread. */
#ifndef VGW_CALL_RATE_H
#define VGW_CALL_RATE_H
#include "base/error.h"
#include "base/json.h"

#define VGW_RATES_MAX 10000
#define VGW_RATE_CURRENCY 8

/** Checks `rates:`, a list of {prefix, per_minute, currency, increment}. Errors name the row and the key. */
int vgw_rates_check(const struct vgw_json *rates, struct vgw_error *err);
/** The price of `seconds` with `number`: the row with the longest prefix of it wins ("" and "+" take all), and each
 * started increment (60 s unless the row says otherwise) counts. False: no row is for it. */
bool vgw_rates_price(const struct vgw_json *rates, const char *number, double seconds, double *ret_cost,
                     char ret_currency[VGW_RATE_CURRENCY]);

#endif

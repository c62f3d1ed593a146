/* friendly.h - data as a sentence that a voice can say (English). Pure. */
#ifndef VGW_FLOW_FRIENDLY_H
#define VGW_FLOW_FRIENDLY_H
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

/** The formats, parted by spaces. */
#define VGW_FRIENDLY_FORMATS "availability price date time phone list"

/** Appends `data` as the format says it:
 *  - availability {available, check_in, check_out | date, item, price, currency}: one sentence, as "Excellent! We have
 * 5 rooms available from January 15th to January 17th."
 *  - price: a number, or {amount, currency, per}: "129 dollars and 50 cents per night"
 *  - date: "2026-01-15" or {date}: "January 15th, 2026"; other texts stay as they are
 *  - time: "14:30", or the clock of a full timestamp, or {time}: "2:30 PM"
 *  - phone: a number, or {phone}: digit by digit in groups
 *  - list: a list, or {items}: "a, b, and c"
 * VGW_EINVALID: an unknown format, or data that it cannot say, with a sentence. */
int vgw_friendly_format(const struct vgw_json *data, const char *format, struct vgw_buf *out, struct vgw_error *err);
#endif

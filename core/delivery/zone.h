/* zone.h - time zones: offsets from UTC by the compiled tz database (TZif, RFC 8536). Pure: the file's bytes come in,
 * time is an argument, the process's own zone does not matter. Thread: any; a zone is constant once it is made. */
#ifndef VGW_DELIVERY_ZONE_H
#define VGW_DELIVERY_ZONE_H
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define VGW_ZONE_FILE_MAX (256u << 10)

struct vgw_zone;
/** A zone from the content of a TZif file (versions 1 to 4), footer included. VGW_EINVALID with a sentence for what is
 * none, VGW_ELIMIT. */
int vgw_zone_parse(const void *data, size_t len, struct vgw_zone **ret_zone, struct vgw_error *err);
/** Takes NULL. */
void vgw_zone_free(struct vgw_zone *zone);
/** Seconds east of UTC that clocks there are ahead at this moment; NULL is UTC. */
int32_t vgw_zone_offset_s(const struct vgw_zone *zone, int64_t wall_us);
/** The moment at which clocks there show `local_s`, seconds since 1970-01-01T00:00:00 as read off the clock. Where
 * clocks are set back and show it twice: the first time. Where they are set forward and never show it: the moment at
 * which they are set. */
int64_t vgw_zone_wall_us(const struct vgw_zone *zone, int64_t local_s);
/** The zone in which most numbers with this E.164 prefix lie ("Europe/Berlin" for +49…), NULL for a country with
 * several zones (+1, +7, +55, +61, …) and for what is no number. The longest prefix counts. */
const char *vgw_zone_of_number(const char *number);
/** Whether a text may be the name of a zone, so that no path is made of anything else: "Area/Place", letters, digits,
 * "_+-", no dots. */
int vgw_zone_name_ok(const char *name);
#endif

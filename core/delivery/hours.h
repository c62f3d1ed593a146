/* hours.h - the hours in which a lead may be called, by the clock at the lead's place. Pure. Thread: any. */
#ifndef VGW_DELIVERY_HOURS_H
#define VGW_DELIVERY_HOURS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "delivery/zone.h"

struct vgw_hours {
    int from_min, to_min; /* minutes after midnight, 0 to 1440; to before from: over midnight; both equal: all day */
    unsigned days;        /* bit 0 Sunday … bit 6 Saturday: the days on which a window begins; 0: every day */
};
/** "09:00", "9:30", "24:00" into minutes; "mon tue", "mon-fri", "saturday" into days. VGW_EINVALID with a sentence. */
int vgw_hours_parse_time(const char *text, int *ret_min, struct vgw_error *err);
int vgw_hours_parse_day(const char *text, unsigned *days, struct vgw_error *err);
/** Whether a call may begin at this moment; otherwise *ret_next_us (may be NULL) is the next moment at which it may.
 * zone NULL is UTC. On the days on which clocks change a window begins and ends by the clock: one that begins in the
 * hour that is left out begins when it is over. */
bool vgw_hours_open(const struct vgw_hours *hours, const struct vgw_zone *zone, int64_t wall_us, int64_t *ret_next_us);
#endif

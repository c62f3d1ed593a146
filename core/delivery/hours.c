/* hours.c - windows of the day, over midnight and over changes of the clock. */
#include "delivery/hours.h"
#include <ctype.h>
#include <string.h>
#include "base/str.h"
#include "base/time.h"
#include "delivery/zone_rule.h"

#define DAY_S INT64_C(86400)
#define DAY_MIN 1440

int vgw_hours_parse_time(const char *text, int *ret_min, struct vgw_error *err)
{
    const char *colon = text ? strchr(text, ':') : NULL;
    char hours[4] = "";
    int64_t h, m;
    if (colon && colon - text <= 2 && strlen(colon) == 3 &&
        vgw_strncopy(hours, sizeof hours, text, (size_t)(colon - text)) && isdigit((unsigned char)hours[0]) &&
        isdigit((unsigned char)colon[1]) && vgw_parse_i64(hours, &h) && vgw_parse_i64(colon + 1, &m) && m < 60 &&
        h * 60 + m <= DAY_MIN) {
        *ret_min = (int)(h * 60 + m);
        return VGW_OK;
    }
    return vgw_error_set(err, VGW_EINVALID, "\"%.40s\" is no time of day; write it as 09:00, from 00:00 to 24:00",
                         text ? text : "");
}

static int day_of(const char *text, size_t len)
{
    static const char *const names[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    char word[12];
    if (len < 3 || len >= sizeof word)
        return -1;
    for (size_t i = 0; i < len; i++)
        word[i] = (char)tolower((unsigned char)text[i]);
    word[len] = '\0';
    for (int i = 0; i < 7; i++) {
        if (vgw_starts_with(names[i], word) && (len == 3 || len == strlen(names[i])))
            return i;
    }
    return -1;
}

int vgw_hours_parse_day(const char *text, unsigned *days, struct vgw_error *err)
{
    const char *dash = text ? strchr(text, '-') : NULL;
    size_t len = dash ? (size_t)(dash - text) : text ? strlen(text) : 0;
    int first = day_of(text, len), last = dash ? day_of(dash + 1, strlen(dash + 1)) : first;
    if (first < 0 || last < 0)
        return vgw_error_set(err, VGW_EINVALID, "\"%.40s\" is no day; write mon tue wed thu fri sat sun, or mon-fri",
                             text ? text : "");
    for (int day = first;; day = (day + 1) % 7) {
        *days |= 1u << day;
        if (day == last)
            return VGW_OK;
    }
}

static bool begins_on(const struct vgw_hours *h, int64_t day)
{
    return !h->days || (h->days >> vgw_weekday_of(day) & 1u);
}

/* Minutes that a window lasts by the clock. */
static int length_min(const struct vgw_hours *h)
{
    int length = (h->to_min - h->from_min + DAY_MIN) % DAY_MIN;
    return length ? length : DAY_MIN;
}

bool vgw_hours_open(const struct vgw_hours *hours, const struct vgw_zone *zone, int64_t wall_us, int64_t *ret_next_us)
{
    int64_t wall_s = wall_us / VGW_US_PER_S - (wall_us % VGW_US_PER_S < 0);
    int64_t local_s = wall_s + vgw_zone_offset_s(zone, wall_us);
    int64_t today = local_s / DAY_S - (local_s % DAY_S < 0);
    for (int64_t day = today - 1; day <= today; day++) {
        int64_t begin_s = day * DAY_S + hours->from_min * 60;
        if (begins_on(hours, day) && local_s >= begin_s && local_s < begin_s + length_min(hours) * 60)
            return true;
    }
    int64_t next_us = INT64_MAX;
    for (int64_t day = today; day <= today + 8 && next_us == INT64_MAX; day++) {
        int64_t at_us = vgw_zone_wall_us(zone, day * DAY_S + hours->from_min * 60);
        if (begins_on(hours, day) && at_us > wall_us)
            next_us = at_us;
    }
    if (ret_next_us)
        *ret_next_us = next_us;
    return false;
}

/* zone.c - TZif files: transitions, and the footer's rule for what comes after the last of them. */
#include "delivery/zone.h"
#include <ctype.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/zone_rule.h"

#define HEADER 44u
#define TIMES_MAX 4096u
#define TYPES_MAX 256u

struct vgw_zone {
    size_t count;
    int64_t *at_s;    /* of each transition */
    int32_t *after_s; /* offset from then on */
    int32_t first_s;  /* before the first */
    struct vgw_zone_rule rule;
    bool has_rule;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct counts {
    uint32_t isut, isstd, leap, time, type, character;
};

static bool read_header(const uint8_t *p, size_t len, struct counts *c)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    *c = (struct counts){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
    return c->time <= TIMES_MAX && c->type > 0 && c->type <= TYPES_MAX && c->leap <= 1000 && c->character <= 4096 &&
           c->isut <= TYPES_MAX && c->isstd <= TYPES_MAX;
}

static size_t block_size(const struct counts *c, size_t width)
{
    return c->time * (width + 1) + c->type * 6u + c->character + c->leap * (width + 4) + c->isstd + c->isut;
}

static int read_block(struct vgw_zone *z, const uint8_t *p, const struct counts *c, size_t width)
{
    const uint8_t *index = p + c->time * width, *types = index + c->time;
    z->count = c->time;
    z->at_s = vgw_calloc(c->time + 1, sizeof *z->at_s);
    z->after_s = vgw_calloc(c->time + 1, sizeof *z->after_s);
    if (!z->at_s || !z->after_s)
        return VGW_ELIMIT;
    z->first_s = (int32_t)be32(types);
    for (size_t i = 0; i < c->time; i++) {
        z->at_s[i] = width == 8 ? be64(p + i * 8) : (int32_t)be32(p + i * 4);
        if (index[i] >= c->type || (i && z->at_s[i] <= z->at_s[i - 1]))
            return VGW_EINVALID;
        z->after_s[i] = (int32_t)be32(types + index[i] * 6u);
    }
    for (size_t i = 0; i < c->type; i++) {
        int32_t offset = (int32_t)be32(types + i * 6u);
        if (offset < -26 * 3600 || offset > 26 * 3600)
            return VGW_EINVALID;
    }
    return VGW_OK;
}

static int read_footer(struct vgw_zone *z, const uint8_t *p, size_t len)
{
    char text[96];
    const uint8_t *end = len > 1 && p[0] == '\n' ? memchr(p + 1, '\n', len - 1) : NULL;
    if (!end || (size_t)(end - p - 1) >= sizeof text)
        return VGW_EINVALID;
    memcpy(text, p + 1, (size_t)(end - p - 1));
    text[end - p - 1] = '\0';
    z->has_rule = text[0] != '\0';
    return z->has_rule ? vgw_zone_rule_parse(text, &z->rule) : VGW_OK;
}

static int read_file(struct vgw_zone *z, const uint8_t *p, size_t len)
{
    struct counts c;
    if (!read_header(p, len, &c) || len - HEADER < block_size(&c, 4))
        return VGW_EINVALID;
    if (p[4] < '2') /* version 1 has the short block alone */
        return read_block(z, p + HEADER, &c, 4);
    size_t skip = HEADER + block_size(&c, 4);
    p += skip;
    len -= skip;
    if (!read_header(p, len, &c) || len - HEADER < block_size(&c, 8))
        return VGW_EINVALID;
    int rc = read_block(z, p + HEADER, &c, 8);
    skip = HEADER + block_size(&c, 8);
    return rc == VGW_OK ? read_footer(z, p + skip, len - skip) : rc;
}

int vgw_zone_parse(const void *data, size_t len, struct vgw_zone **ret_zone, struct vgw_error *err)
{
    struct vgw_zone *z;
    if (!VGW_NEW(z))
        return vgw_error_nomem(err);
    int rc = read_file(z, data, len);
    if (rc == VGW_OK) {
        *ret_zone = z;
        return VGW_OK;
    }
    vgw_zone_free(z);
    return rc == VGW_ELIMIT ? vgw_error_nomem(err)
                            : vgw_error_set(err, VGW_EINVALID, "this is no time zone file of the tz database (TZif)");
}

void vgw_zone_free(struct vgw_zone *zone)
{
    if (!zone)
        return;
    vgw_free(zone->at_s);
    vgw_free(zone->after_s);
    vgw_free(zone);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int32_t offset_at(const struct vgw_zone *z, int64_t at_s)
{
    size_t low = 0, high = z->count; /* the number of transitions up to at_s */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at_s[middle] <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->count && z->has_rule)
        return vgw_zone_rule_offset_s(&z->rule, at_s);
    return low ? z->after_s[low - 1] : z->first_s;
}

int32_t vgw_zone_offset_s(const struct vgw_zone *zone, int64_t wall_us)
{
    return zone ? offset_at(zone, floor_div(wall_us, VGW_US_PER_S)) : 0;
}

/* The moment of the one change of offset between two moments. */
static int64_t change_between(const struct vgw_zone *z, int64_t before_s, int64_t after_s)
{
    int32_t old = offset_at(z, before_s);
    while (after_s - before_s > 1) {
        int64_t middle = before_s + (after_s - before_s) / 2;
        if (offset_at(z, middle) == old)
            before_s = middle;
        else
            after_s = middle;
    }
    return after_s;
}

int64_t vgw_zone_wall_us(const struct vgw_zone *zone, int64_t local_s)
{
    if (!zone)
        return local_s * VGW_US_PER_S;
    /* No zone changes twice within a day, and no change is larger. */
    int64_t before_s = local_s - 26 * 3600, after_s = local_s + 26 * 3600;
    int64_t first = local_s - offset_at(zone, before_s), second = local_s - offset_at(zone, after_s);
    if (first + offset_at(zone, first) == local_s && (second + offset_at(zone, second) != local_s || first <= second))
        return first * VGW_US_PER_S;
    if (second + offset_at(zone, second) == local_s)
        return second * VGW_US_PER_S;
    return change_between(zone, before_s, after_s) * VGW_US_PER_S;
}

/* ---- numbers and names ---- */

/* ITU-T E.164 country codes of countries that keep one time (nearly) everywhere. */
static const struct {
    const char *prefix, *zone;
} countries[] = {
    {"20", "Africa/Cairo"},        {"212", "Africa/Casablanca"}, {"213", "Africa/Algiers"},
    {"216", "Africa/Tunis"},       {"234", "Africa/Lagos"},      {"254", "Africa/Nairobi"},
    {"27", "Africa/Johannesburg"}, {"30", "Europe/Athens"},      {"31", "Europe/Amsterdam"},
    {"32", "Europe/Brussels"},     {"33", "Europe/Paris"},       {"351", "Europe/Lisbon"},
    {"352", "Europe/Luxembourg"},  {"353", "Europe/Dublin"},     {"354", "Atlantic/Reykjavik"},
    {"358", "Europe/Helsinki"},    {"359", "Europe/Sofia"},      {"36", "Europe/Budapest"},
    {"370", "Europe/Vilnius"},     {"371", "Europe/Riga"},       {"372", "Europe/Tallinn"},
    {"380", "Europe/Kiev"},        {"381", "Europe/Belgrade"},   {"385", "Europe/Zagreb"},
    {"386", "Europe/Ljubljana"},   {"39", "Europe/Rome"},        {"40", "Europe/Bucharest"},
    {"41", "Europe/Zurich"},       {"420", "Europe/Prague"},     {"421", "Europe/Bratislava"},
    {"43", "Europe/Vienna"},       {"44", "Europe/London"},      {"45", "Europe/Copenhagen"},
    {"46", "Europe/Stockholm"},    {"47", "Europe/Oslo"},        {"48", "Europe/Warsaw"},
    {"49", "Europe/Berlin"},       {"51", "America/Lima"},       {"54", "America/Argentina/Buenos_Aires"},
    {"57", "America/Bogota"},      {"60", "Asia/Kuala_Lumpur"},  {"63", "Asia/Manila"},
    {"64", "Pacific/Auckland"},    {"65", "Asia/Singapore"},     {"66", "Asia/Bangkok"},
    {"81", "Asia/Tokyo"},          {"82", "Asia/Seoul"},         {"84", "Asia/Ho_Chi_Minh"},
    {"852", "Asia/Hong_Kong"},     {"86", "Asia/Shanghai"},      {"886", "Asia/Taipei"},
    {"90", "Europe/Istanbul"},     {"91", "Asia/Kolkata"},       {"92", "Asia/Karachi"},
    {"94", "Asia/Colombo"},        {"966", "Asia/Riyadh"},       {"971", "Asia/Dubai"},
    {"972", "Asia/Jerusalem"},
};

const char *vgw_zone_of_number(const char *number)
{
    const char *best = NULL;
    size_t longest = 0;
    if (!number || number[0] != '+')
        return NULL;
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) {
        size_t len = strlen(countries[i].prefix);
        if (len > longest && strncmp(number + 1, countries[i].prefix, len) == 0) {
            longest = len;
            best = countries[i].zone;
        }
    }
    return best;
}

int vgw_zone_name_ok(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len == 0 || len > 60 || !isalpha((unsigned char)name[0]) || name[len - 1] == '/')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_+-/", name[i]))
            return 0;
        if (name[i] == '/' && name[i + 1] == '/')
            return 0;
    }
    return 1;
}

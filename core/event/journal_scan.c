#include <pthread.h>
#include <string.h>
#include "event/journal_scan.h"

static const char magic[8] = {'V', 'G', 'W', 'J', 'R', 'N', 'L', '1'};

static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void make_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
        crc_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int n = 1; n < 8; n++)
            crc_table[n][i] = (crc_table[n - 1][i] >> 8) ^ crc_table[0][crc_table[n - 1][i] & 255u];
    }
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

uint32_t vgw_crc32c(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    pthread_once(&crc_once, make_crc_table);
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t low = crc ^ get32(p), high = get32(p + 4);
        crc = crc_table[7][low & 255u] ^ crc_table[6][(low >> 8) & 255u] ^ crc_table[5][(low >> 16) & 255u] ^
              crc_table[4][low >> 24] ^ crc_table[3][high & 255u] ^ crc_table[2][(high >> 8) & 255u] ^
              crc_table[1][(high >> 16) & 255u] ^ crc_table[0][high >> 24];
    }
    for (; len > 0; len--, p++)
        crc = (crc >> 8) ^ crc_table[0][(crc ^ *p) & 255u];
    return ~crc;
}

void vgw_segment_write_header(const struct vgw_segment_header *h, uint8_t *out)
{
    memset(out, 0, VGW_SEGMENT_HEADER);
    memcpy(out, magic, sizeof magic);
    put64(out + 8, h->number);
    put64(out + 16, h->base);
    put64(out + 24, h->mark);
    put64(out + 32, h->checkpoint);
    put32(out + VGW_SEGMENT_HEADER - 4, vgw_crc32c(0, out, VGW_SEGMENT_HEADER - 4));
}

bool vgw_segment_read_header(const uint8_t *data, size_t len, struct vgw_segment_header *ret_header)
{
    if (len < VGW_SEGMENT_HEADER || memcmp(data, magic, sizeof magic) != 0 ||
        get32(data + VGW_SEGMENT_HEADER - 4) != vgw_crc32c(0, data, VGW_SEGMENT_HEADER - 4))
        return false;
    *ret_header = (struct vgw_segment_header){
        .number = get64(data + 8), .base = get64(data + 16), .mark = get64(data + 24), .checkpoint = get64(data + 32)};
    return true;
}

size_t vgw_record_size(size_t len)
{
    return VGW_RECORD_HEADER + ((len + 7) & ~(size_t)7);
}

static uint32_t sum_of(uint64_t number, const uint8_t *len_and_type, const void *data, size_t len)
{
    uint8_t salt[8];
    put64(salt, number);
    uint32_t crc = vgw_crc32c(0, salt, sizeof salt);
    crc = vgw_crc32c(crc, len_and_type, 8);
    return vgw_crc32c(crc, data, len);
}

void vgw_record_write(uint64_t number, uint32_t type, const void *data, size_t len, uint8_t *out)
{
    put32(out, VGW_RECORD_MAGIC);
    put32(out + 4, (uint32_t)len);
    put32(out + 8, type);
    put32(out + 12, sum_of(number, out + 4, data, len));
    if (len)
        memcpy(out + VGW_RECORD_HEADER, data, len);
    memset(out + VGW_RECORD_HEADER + len, 0, vgw_record_size(len) - VGW_RECORD_HEADER - len);
}

/* The size of a good record at `at`, or 0. What is summed is taken from the budget. */
static size_t good_record(uint64_t number, const uint8_t *data, size_t len, size_t at, uint64_t *budget)
{
    if (len - at < VGW_RECORD_HEADER || get32(data + at) != VGW_RECORD_MAGIC)
        return 0;
    size_t body = get32(data + at + 4);
    if (body > VGW_JOURNAL_RECORD_MAX || vgw_record_size(body) > len - at || body > *budget)
        return 0;
    *budget -= body;
    if (get32(data + at + 12) != sum_of(number, data + at + 4, data + at + VGW_RECORD_HEADER, body))
        return 0;
    return vgw_record_size(body);
}

size_t vgw_segment_scan(const struct vgw_segment_header *h, const uint8_t *data, size_t len, vgw_journal_fn fn,
                        void *arg, struct vgw_journal_stats *stats)
{
    size_t at = VGW_SEGMENT_HEADER, end = VGW_SEGMENT_HEADER;
    uint64_t budget = 4 * (uint64_t)len;
    bool skipping = false;
    stats->segments++;
    while (at < len && len - at >= VGW_RECORD_HEADER) {
        size_t size = good_record(h->number, data, len, at, &budget);
        if (!size) {
            /* Either the end, or damage with good records behind it: look on, records begin at multiples of 8. */
            skipping = true;
            at += 8;
            continue;
        }
        stats->corrupt += skipping;
        skipping = false;
        stats->records++;
        size_t body = get32(data + at + 4);
        stats->bytes += body;
        fn(arg, get32(data + at + 8), data + at + VGW_RECORD_HEADER, body, h->base + at + size);
        at += size;
        end = at;
    }
    /* Clean is: no room, or zeros, or a record of an earlier life. Something else that begins like a record of ours was
     * cut. */
    static const uint8_t zeros[VGW_RECORD_HEADER];
    if (len > end && len - end >= VGW_RECORD_HEADER && memcmp(data + end, zeros, VGW_RECORD_HEADER) != 0)
        stats->torn++;
    return end;
}

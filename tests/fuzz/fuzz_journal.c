/* Replay of arbitrary bytes: whatever stands in a segment, only whole records within it come out, in order. */
#include <stdlib.h>
#include <string.h>
#include "event/journal_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const uint8_t *data;
    size_t len;
    uint64_t base, last_pos, bytes;
};

static void on_record(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos)
{
    struct seen *s = arg;
    const uint8_t *at = data;
    if (at < s->data + VGW_SEGMENT_HEADER || len > s->len || at + len > s->data + s->len || pos <= s->last_pos)
        abort();
    for (size_t i = 0; i < len; i++)
        s->bytes += at[i];
    s->last_pos = pos;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vgw_segment_header h = {.number = 1};
    struct vgw_journal_stats stats = {0};
    struct seen seen = {.data = data, .len = size};
    if (vgw_segment_read_header(data, size, &h) && h.base > (UINT64_C(1) << 62))
        return 0;
    seen.base = seen.last_pos = h.base;
    size_t end = vgw_segment_scan(&h, data, size, on_record, &seen, &stats);
    if (end > size && size >= VGW_SEGMENT_HEADER)
        abort();
    /* What is written is read back, behind the same bytes as an earlier life would leave them. */
    size_t body = size > 64 ? 64 : size;
    uint8_t segment[VGW_SEGMENT_HEADER + 256] = {0};
    struct vgw_segment_header mine = {.number = 7, .base = 4096, .mark = size};
    vgw_segment_write_header(&mine, segment);
    vgw_record_write(7, 5, data, body, segment + VGW_SEGMENT_HEADER);
    memcpy(segment + VGW_SEGMENT_HEADER + vgw_record_size(body), data, body);
    struct seen own = {.data = segment, .len = sizeof segment, .base = 4096, .last_pos = 4096};
    stats = (struct vgw_journal_stats){0};
    vgw_segment_scan(&mine, segment, sizeof segment, on_record, &own, &stats);
    if (stats.records < 1)
        abort();
    return 0;
}

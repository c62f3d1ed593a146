/* journal_scan.h - the format of a segment; pure.
 *
 * All numbers little endian. Header, 64 bytes: "VGWJRNL1", u64 number, u64 base (position of the segment's first byte),
 * u64 mark, u64 checkpoint, zeros, u32 CRC-32C of the 60 bytes before. Records follow, each at a multiple of 8: u32
 * magic, u32 length, u32 type, u32 CRC-32C over the segment's number, length, type and data; then the data, padded with
 * zeros. The number in the sum tells records of a segment's earlier life apart. */
#ifndef VGW_EVENT_JOURNAL_SCAN_H
#define VGW_EVENT_JOURNAL_SCAN_H
#include "event/journal.h"

#define VGW_SEGMENT_HEADER 64u
#define VGW_RECORD_HEADER 16u
#define VGW_RECORD_MAGIC 0x4A574756u
#define VGW_RECORD_MARK 0xFFFFFF01u       /* u64 mark */
#define VGW_RECORD_CHECKPOINT 0xFFFFFF02u /* u64 position */

struct vgw_segment_header {
    uint64_t number, base, mark, checkpoint;
};
/** Writes VGW_SEGMENT_HEADER bytes. */
void vgw_segment_write_header(const struct vgw_segment_header *h, uint8_t *out);
/** False: not a header. */
bool vgw_segment_read_header(const uint8_t *data, size_t len, struct vgw_segment_header *ret_header);
/** Bytes that a record of `len` bytes takes. */
size_t vgw_record_size(size_t len);
/** Writes vgw_record_size(len) bytes. */
void vgw_record_write(uint64_t number, uint32_t type, const void *data, size_t len, uint8_t *out);
/** Calls fn for each good record of a segment's bytes (header included), those of the journal itself too; adds to
 * *stats. Work is bounded by a small multiple of `len`, whatever the bytes are. Returns the offset after the last good
 * record. */
size_t vgw_segment_scan(const struct vgw_segment_header *h, const uint8_t *data, size_t len, vgw_journal_fn fn,
                        void *arg, struct vgw_journal_stats *stats);
/** CRC-32C (RFC 3720, Castagnoli), chained: start with 0. */
uint32_t vgw_crc32c(uint32_t crc, const void *data, size_t len);
#endif

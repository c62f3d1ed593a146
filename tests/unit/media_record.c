#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "media/g711.h"
#include "media/record.h"
#include "media/wav.h"

/* A file in memory: each block is written as the io lane would, data first, then the header. */
struct file {
    uint8_t *data;
    size_t bytes;
    int blocks, last;
};

static void write_at(struct file *f, uint64_t offset, const void *data, size_t bytes)
{
    if (offset + bytes > f->bytes) {
        f->data = realloc(f->data, offset + bytes);
        memset(f->data + f->bytes, 0, offset + bytes - f->bytes);
        f->bytes = offset + bytes;
    }
    memcpy(f->data + offset, data, bytes);
}

static void on_block(void *user, struct vgw_record_block *block)
{
    struct file *f = user;
    write_at(f, block->offset, block->data, block->bytes);
    write_at(f, 0, block->header, block->header_bytes);
    f->blocks++;
    f->last += block->last;
    struct vgw_wav w;
    cr_assert_eq(vgw_wav_parse(f->data, f->bytes, f->bytes, &w, NULL), 0, "playable after each block");
    cr_assert_not(w.cut);
    cr_assert_eq(w.data_offset + w.data_bytes, f->bytes);
    vgw_record_block_free(block);
}

static struct vgw_record *recording(struct file *f, enum vgw_encoding encoding, uint32_t max_ms)
{
    struct vgw_record_params p = vgw_record_defaults();
    struct vgw_record *r = NULL;
    p.encoding = encoding;
    p.max_ms = max_ms;
    p.on_block = on_block;
    p.user = f;
    cr_assert_eq(vgw_record_new(&p, &r, NULL), 0);
    return r;
}

static int put(struct vgw_record *r, enum vgw_record_side side, uint64_t at, size_t n, int16_t value)
{
    int16_t pcm[16000];
    for (size_t i = 0; i < n; i++)
        pcm[i] = value;
    return vgw_record_put(r, side, at, pcm, n);
}

static int16_t sample(const struct file *f, uint64_t at, int channel)
{
    struct vgw_wav w;
    int16_t x = -1;
    cr_assert_eq(vgw_wav_parse(f->data, f->bytes, f->bytes, &w, NULL), 0);
    cr_assert_eq(vgw_wav_decode(&w, f->data + w.data_offset, w.data_bytes, at, 1, channel, &x), 1);
    return x;
}

Test(media_record, both_sides_lie_where_the_sample_clock_put_them_and_gaps_are_silence)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 0);
    for (uint64_t frame = 0; frame < 500; frame++) {
        cr_assert_eq(put(r, VGW_RECORD_CALLER, frame * 160, 160, (int16_t)(frame + 1)), 0);
        if (frame % 100 < 50)
            cr_assert_eq(put(r, VGW_RECORD_GATEWAY, frame * 160, 160, (int16_t)(1000 + frame)), 0);
    }
    cr_assert_eq(vgw_record_stop(r), 0);
    cr_assert_eq(vgw_record_samples(r), 80000);
    cr_assert_eq(f.last, 1);
    for (uint64_t frame = 0; frame < 500; frame++) {
        cr_assert_eq(sample(&f, frame * 160 + 159, 0), (int16_t)(frame + 1));
        cr_assert_eq(sample(&f, frame * 160, 1), frame % 100 < 50 ? (int16_t)(1000 + frame) : 0);
    }
    cr_assert_eq(vgw_record_dropped(r), 0);
    cr_assert_eq(put(r, VGW_RECORD_CALLER, 90000, 160, 1), VGW_EBUSY);
    vgw_record_free(r);
    free(f.data);
}

Test(media_record, late_and_doubled_audio_is_dropped_and_a_side_that_lags_by_less_than_a_second_is_not)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 0);
    put(r, VGW_RECORD_CALLER, 0, 8000, 1);
    put(r, VGW_RECORD_CALLER, 8000, 6000, 2);
    put(r, VGW_RECORD_GATEWAY, 100, 8000, 3);
    put(r, VGW_RECORD_GATEWAY, 4000, 5000, 4); /* 4100 of them are there already */
    cr_assert_eq(vgw_record_dropped(r), 4100);
    put(r, VGW_RECORD_CALLER, 30000, 160, 5);
    put(r, VGW_RECORD_GATEWAY, 9500, 160, 6); /* that second is gone */
    cr_assert_eq(vgw_record_dropped(r), 4260);
    vgw_record_stop(r);
    cr_assert(sample(&f, 50, 1) == 0 && sample(&f, 8050, 1) == 3 && sample(&f, 8200, 1) == 4);
    cr_assert(sample(&f, 13999, 0) == 2 && sample(&f, 14000, 0) == 0 && sample(&f, 30100, 0) == 5);
    vgw_record_free(r);
    free(f.data);
}

Test(media_record, time_goes_on_without_sound_and_a_leap_is_refused)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_PCMU, 0);
    cr_assert_eq(vgw_record_advance(r, 80000), 0);
    cr_assert_eq(f.blocks, 9);
    cr_assert_eq(put(r, VGW_RECORD_CALLER, 80000, 160, 8031), 0);
    cr_assert_eq(put(r, VGW_RECORD_CALLER, 80000 + 8000 * 700, 160, 1), VGW_EINVALID);
    vgw_record_stop(r);
    cr_assert_eq(sample(&f, 0, 0), 0);
    cr_assert_eq(sample(&f, 80000, 0), vgw_ulaw_decode(vgw_ulaw_encode(8031)));
    cr_assert_eq(f.bytes, 58 + 80160 * 2);
    vgw_record_free(r);
    free(f.data);
}

Test(media_record, a_pause_is_silence_on_both_sides_also_for_what_came_already)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 0);
    put(r, VGW_RECORD_CALLER, 0, 4000, 7);
    put(r, VGW_RECORD_GATEWAY, 0, 4000, 8);
    vgw_record_pause(r, 3000);
    cr_assert(vgw_record_paused(r));
    put(r, VGW_RECORD_CALLER, 4000, 4000, 7);
    vgw_record_resume(r, 6000);
    cr_assert_not(vgw_record_paused(r));
    put(r, VGW_RECORD_GATEWAY, 4000, 4000, 8);
    vgw_record_stop(r);
    static const uint64_t loud[] = {0, 2999, 6000, 7999}, quiet[] = {3000, 3999, 4000, 5999};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(sample(&f, quiet[i], 0), 0);
        cr_assert_eq(sample(&f, quiet[i], 1), 0);
        cr_assert_eq(sample(&f, loud[i], 1), 8);
    }
    cr_assert_eq(sample(&f, 2999, 0), 7);
    cr_assert_eq(sample(&f, 4500, 0), 0);
    vgw_record_free(r);
    free(f.data);
}

Test(media_record, the_length_is_limited_and_nothing_recorded_is_a_valid_file)
{
    struct file f = {0}, empty = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 1500);
    cr_assert_eq(put(r, VGW_RECORD_CALLER, 8000, 8000, 1), VGW_ELIMIT);
    cr_assert_eq(put(r, VGW_RECORD_CALLER, 16000, 160, 1), VGW_ELIMIT);
    cr_assert_eq(vgw_record_dropped(r), 4160);
    vgw_record_stop(r);
    cr_assert_eq(vgw_record_samples(r), 12000);
    vgw_record_free(r);
    r = recording(&empty, VGW_L16, 0);
    cr_assert_eq(vgw_record_stop(r), 0);
    cr_assert_eq(empty.bytes, 44);
    cr_assert_eq(vgw_record_stop(r), VGW_EBUSY);
    vgw_record_free(r);
    vgw_record_free(NULL);
    free(f.data);
    free(empty.data);
}

Test(media_record, without_memory_a_second_is_lost_and_the_times_behind_stay_true)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 0);
    put(r, VGW_RECORD_CALLER, 0, 8000, 1);
    vgw_alloc_fail_at(1);
    cr_assert_eq(put(r, VGW_RECORD_GATEWAY, 0, 8000, 2), VGW_ELIMIT);
    vgw_alloc_fail_at(0);
    put(r, VGW_RECORD_CALLER, 8000, 100, 3);
    vgw_record_stop(r);
    cr_assert_eq(sample(&f, 8000, 0), 3);
    cr_assert_eq(vgw_record_dropped(r), 8000);
    vgw_record_free(r);
    free(f.data);
}

Test(media_wav, a_file_cut_anywhere_is_playable_and_repair_makes_its_header_true)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 0);
    put(r, VGW_RECORD_CALLER, 0, 12000, 5);
    vgw_record_stop(r);
    vgw_record_free(r);
    for (size_t cut = 44; cut <= f.bytes; cut += 997) {
        struct vgw_wav w;
        uint8_t head[64] = {0};
        size_t n = cut < sizeof head ? cut : sizeof head;
        memcpy(head, f.data, n);
        cr_assert_eq(vgw_wav_parse(head, n, cut, &w, NULL), 0);
        cr_assert_eq(w.samples, (cut - 44) / 4);
        cr_assert_eq(w.cut, cut < f.bytes);
        cr_assert_eq(vgw_wav_repair(head, n, cut, NULL), cut < f.bytes);
        cr_assert_eq(vgw_wav_parse(head, n, cut, &w, NULL), 0);
        cr_assert_not(w.cut);
        cr_assert_eq(vgw_wav_repair(head, n, cut, NULL), 0, "once is enough");
    }
    /* a header that was not written again: the file holds more than it says */
    uint8_t head[58];
    vgw_wav_header(VGW_L16, 8000, 2, 32000, head);
    struct vgw_wav w;
    cr_assert_eq(vgw_wav_repair(head, 44, f.bytes, NULL), 1);
    cr_assert_eq(vgw_wav_parse(head, 44, f.bytes, &w, NULL), 0);
    cr_assert_eq(w.samples, 12000);
    free(f.data);
}

Test(media_wav, every_encoding_is_read_back_and_channels_are_averaged_or_picked)
{
    for (int e = VGW_PCMU; e <= VGW_L16; e++) {
        uint8_t file[VGW_WAV_HEADER_MAX + 400];
        int16_t pcm[200], mono[100], left[100];
        for (int i = 0; i < 100; i++) {
            pcm[2 * i] = (int16_t)(i * 100);
            pcm[2 * i + 1] = (int16_t)(i * 100 + 2000);
        }
        size_t data = 200 * vgw_encoding_bytes((enum vgw_encoding)e);
        size_t header = vgw_wav_header((enum vgw_encoding)e, 16000, 2, data, file);
        vgw_encoding_encode((enum vgw_encoding)e, pcm, 200, file + header);
        struct vgw_wav w;
        cr_assert_eq(vgw_wav_parse(file, header + data, header + data, &w, NULL), 0);
        cr_assert((int)w.encoding == e && w.rate_hz == 16000 && w.channels == 2 && w.samples == 100 && !w.cut);
        cr_assert_eq(vgw_wav_decode(&w, file + w.data_offset, data, 10, 500, -1, mono), 90);
        cr_assert_eq(vgw_wav_decode(&w, file + w.data_offset, data, 0, 100, 0, left), 100);
        cr_assert_eq(vgw_wav_decode(&w, file + w.data_offset, data, 100, 1, -1, mono + 99), 0);
        cr_assert_eq(vgw_wav_decode(&w, file + w.data_offset, data, 0, 1, 2, mono + 99), 0);
        cr_assert_leq(abs(mono[0] - 2000), 100);
        cr_assert_leq(abs(left[50] - 5000), 200);
    }
}

Test(media_wav, a_range_becomes_a_file_of_its_own)
{
    struct file f = {0};
    struct vgw_record *r = recording(&f, VGW_L16, 0);
    for (uint64_t i = 0; i < 100; i++)
        put(r, VGW_RECORD_CALLER, i * 160, 160, (int16_t)i);
    vgw_record_stop(r);
    vgw_record_free(r);
    struct vgw_wav w, part;
    uint64_t offset, bytes;
    size_t header;
    uint8_t cut[VGW_WAV_HEADER_MAX + 3200 * 4];
    cr_assert_eq(vgw_wav_parse(f.data, f.bytes, f.bytes, &w, NULL), 0);
    cr_assert_eq(vgw_wav_cut(&w, 3200, 6400, &offset, &bytes, cut, &header, NULL), 0);
    cr_assert_eq(bytes, 3200 * 4);
    memcpy(cut + header, f.data + offset, bytes);
    cr_assert_eq(vgw_wav_parse(cut, header + bytes, header + bytes, &part, NULL), 0);
    int16_t first;
    cr_assert_eq(vgw_wav_decode(&part, cut + header, bytes, 0, 1, 0, &first), 1);
    cr_assert_eq(first, 20);
    cr_assert_eq(vgw_wav_cut(&w, 15000, 99999, &offset, &bytes, cut, &header, NULL), 0);
    cr_assert_eq(bytes, 1000 * 4);
    cr_assert_eq(vgw_wav_cut(&w, 16000, 99999, &offset, &bytes, cut, &header, NULL), VGW_EINVALID);
    cr_assert_eq(vgw_wav_cut(&w, 5, 5, &offset, &bytes, cut, &header, NULL), VGW_EINVALID);
    free(f.data);
}

Test(media_wav, what_is_no_wav_is_refused_with_a_sentence)
{
    uint8_t good[58], bad[58];
    struct vgw_wav w = {.rate_hz = 1};
    struct vgw_error err;
    vgw_wav_header(VGW_PCMU, 8000, 1, 100, good);
    static const struct {
        size_t at;
        uint8_t value;
        int status;
    } rows[] = {
        {0, 'X', VGW_EINVALID},     {8, 'X', VGW_EINVALID},     {12, 'X', VGW_EINVALID},  {16, 4, VGW_EINVALID},
        {20, 85, VGW_EUNSUPPORTED}, {34, 24, VGW_EUNSUPPORTED}, {22, 0, VGW_EINVALID},    {22, 9, VGW_EINVALID},
        {25, 0, VGW_EINVALID},      {50, 'x', VGW_EINVALID},    {19, 0xFF, VGW_EINVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(bad, good, sizeof bad);
        bad[rows[i].at] = rows[i].value;
        err.text[0] = '\0';
        cr_assert_eq(vgw_wav_parse(bad, sizeof bad, 158, &w, &err), rows[i].status, "row %zu", i);
        cr_assert_gt(strlen(err.text), 10);
        cr_assert_eq(w.rate_hz, 1, "untouched on failure");
    }
    for (size_t n = 0; n < sizeof good; n++)
        cr_assert_eq(vgw_wav_parse(good, n, n, &w, NULL), VGW_EINVALID, "%zu octets", n);
}

Test(media_wav, sizes_that_were_never_filled_in_mean_to_the_end_of_the_file)
{
    static const uint32_t sizes[] = {0, 0xFFFFFFFF, 1000000};
    for (size_t i = 0; i < 3; i++) {
        uint8_t head[58];
        struct vgw_wav w;
        vgw_wav_header(VGW_L16, 24000, 1, 100, head);
        memcpy(head + 40, &sizes[i], 4);
        cr_assert_eq(vgw_wav_parse(head, 44, 44 + 4801, &w, NULL), 0);
        cr_assert(w.samples == 2400 && w.cut);
    }
}

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "media/dtmf.h"
#include "media/g711.h"
#include "media/level.h"
#include "media_signal.h"

static const double rows_hz[] = {697, 770, 852, 941}, columns_hz[] = {1209, 1336, 1477, 1633};
static const char keys[] = "123A456B789C*0#D";

static void add_digit(struct signal *s, size_t from, size_t n, char digit, float row_dbm0, float column_dbm0)
{
    size_t k = (size_t)(strchr(keys, digit) - keys);
    signal_add_tone(s, from, n, rows_hz[k / 4], vgw_level_sine_peak(row_dbm0));
    signal_add_tone(s, from, n, columns_hz[k % 4], vgw_level_sine_peak(column_dbm0));
}

/* Feeds frames of 20 ms; the digits as a string, and the last end event. */
static size_t listen(const struct signal *s, char *digits, size_t cap, struct vgw_dtmf_event *last)
{
    struct vgw_dtmf_rx *rx;
    size_t count = 0, ends = 0;
    cr_assert_eq(vgw_dtmf_rx_new(NULL, &rx, NULL), 0);
    for (size_t at = 0; at + 160 <= s->n; at += 160) {
        struct vgw_dtmf_event e[8];
        size_t n = vgw_dtmf_rx_run(rx, s->pcm + at, 160, e, 8);
        for (size_t i = 0; i < n; i++) {
            if (e[i].end) {
                ends++;
                if (last)
                    *last = e[i];
            } else if (count + 1 < cap) {
                digits[count++] = e[i].digit;
            }
        }
    }
    digits[count] = '\0';
    cr_assert_not(vgw_dtmf_rx_active(rx));
    cr_assert_eq(ends, count, "each start has its end");
    vgw_dtmf_rx_free(rx);
    return count;
}

Test(media_dtmf, every_40_ms_digit_is_found_down_to_minus_30_dbm0_at_any_offset)
{
    static const float levels[] = {-5, -10, -20, -30};
    for (size_t l = 0; l < 4; l++) {
        for (size_t offset = 0; offset < 102; offset += 7) {
            struct signal s = signal_new(16 * 640 + 3200);
            char digits[40];
            for (size_t k = 0; k < 16; k++)
                add_digit(&s, 800 + offset + k * 640, 320, keys[k], levels[l], levels[l]);
            signal_companded(&s);
            listen(&s, digits, sizeof digits, NULL);
            cr_assert_str_eq(digits, keys, "at %.0f dBm0, offset %zu", levels[l], offset);
            signal_free(&s);
        }
    }
}

Test(media_dtmf, digits_are_found_in_noise_at_15_db_and_on_top_of_a_constant_offset)
{
    struct signal s = signal_new(16 * 800 + 3200);
    char digits[40];
    for (size_t k = 0; k < 16; k++)
        add_digit(&s, 800 + k * 800, 400, keys[k], -12, -12);
    signal_add_noise(&s, NOISE_WHITE, -27, 9);
    for (size_t i = 0; i < s.n; i++)
        s.pcm[i] = (int16_t)(s.pcm[i] + 400);
    listen(&s, digits, sizeof digits, NULL);
    cr_assert_str_eq(digits, keys);
    signal_free(&s);
}

Test(media_dtmf, twist_is_borne_within_the_limits_and_refused_beyond)
{
    static const struct {
        float row, column;
        bool found;
    } table[] = {{-6, -13, true}, {-12, -9, true}, {-8, -22, false}, {-18, -8, false}};
    for (size_t i = 0; i < 4; i++) {
        struct signal s = signal_new(8000);
        char digits[8];
        add_digit(&s, 1000, 800, '5', table[i].row, table[i].column);
        listen(&s, digits, sizeof digits, NULL);
        cr_assert_str_eq(digits, table[i].found ? "5" : "", "row %zu", i);
        signal_free(&s);
    }
}

Test(media_dtmf, start_and_duration_are_told_to_a_block)
{
    static const uint32_t lengths_ms[] = {40, 60, 100, 500, 2000};
    for (size_t i = 0; i < 5; i++) {
        struct signal s = signal_new(8000 * 4);
        struct vgw_dtmf_event last = {0};
        char digits[8];
        add_digit(&s, 1234, lengths_ms[i] * 8, '#', -10, -10);
        listen(&s, digits, sizeof digits, &last);
        cr_assert_str_eq(digits, "#");
        cr_assert_leq(llabs((long long)last.start - 1234), 204);
        cr_assert_leq(abs((int)last.duration_ms - (int)lengths_ms[i]), 26, "%u ms told as %u", lengths_ms[i],
                      last.duration_ms);
        signal_free(&s);
    }
}

Test(media_dtmf, a_short_break_is_one_press_and_a_pause_of_40_ms_makes_two)
{
    static const struct {
        uint32_t break_ms;
        const char *digits;
    } table[] = {{5, "7"}, {15, "7"}, {45, "77"}, {60, "77"}};
    for (size_t i = 0; i < 4; i++) {
        struct signal s = signal_new(8000);
        char digits[8];
        add_digit(&s, 800, 800, '7', -10, -10);
        add_digit(&s, 1600 + table[i].break_ms * 8, 800, '7', -10, -10);
        listen(&s, digits, sizeof digits, NULL);
        cr_assert_str_eq(digits, table[i].digits, "%u ms", table[i].break_ms);
        signal_free(&s);
    }
}

Test(media_dtmf, lost_frames_do_not_end_a_digit)
{
    struct signal s = signal_new(8000);
    struct vgw_dtmf_rx *rx;
    int starts = 0;
    add_digit(&s, 0, 3200, '9', -10, -10);
    cr_assert_eq(vgw_dtmf_rx_new(NULL, &rx, NULL), 0);
    for (size_t f = 0; f < 50; f++) {
        struct vgw_dtmf_event e[8];
        if (f == 8) {
            vgw_dtmf_rx_lost(rx, 160);
            continue;
        }
        size_t n = vgw_dtmf_rx_run(rx, s.pcm + f * 160, 160, e, 8);
        for (size_t i = 0; i < n; i++)
            starts += !e[i].end;
    }
    cr_assert_eq(starts, 1);
    vgw_dtmf_rx_free(rx);
    signal_free(&s);
}

/* Speech of the set at many paces and levels, so that its harmonics fall everywhere. */
static size_t digits_in_speech(double seconds)
{
    struct signal speech = signal_speech(0, 200, -14);
    struct vgw_dtmf_rx *rx;
    size_t found = 0;
    uint32_t seed = 4711;
    double at = 0, pace = 1, gain = 1;
    cr_assert_eq(vgw_dtmf_rx_new(NULL, &rx, NULL), 0);
    for (size_t frame = 0; frame < (size_t)(seconds * 50); frame++) {
        int16_t pcm[160];
        struct vgw_dtmf_event e[8];
        for (size_t i = 0; i < 160; i++, at += pace) {
            if (at + 2 >= (double)speech.n) {
                at = 0;
                pace = 0.75 + (double)(signal_random(&seed) % 1000) / 1600.0;
                gain = pow(10, -(double)(signal_random(&seed) % 20) / 20.0);
            }
            size_t whole = (size_t)at;
            double part = at - (double)whole, x = speech.pcm[whole] * (1 - part) + speech.pcm[whole + 1] * part;
            pcm[i] = vgw_ulaw_decode(vgw_ulaw_encode((int16_t)(gain * x)));
        }
        size_t n = vgw_dtmf_rx_run(rx, pcm, 160, e, 8);
        for (size_t i = 0; i < n; i++)
            found += !e[i].end;
    }
    vgw_dtmf_rx_free(rx);
    signal_free(&speech);
    return found;
}

Test(media_dtmf, nothing_is_heard_in_an_hour_of_speech, .timeout = 300)
{
    cr_assert_eq(digits_in_speech(3600), 0);
}

Test(media_dtmf, what_is_sent_is_heard_and_lasts_as_long_as_asked)
{
    static const struct {
        const char *sent, *heard;
        uint32_t on_ms, off_ms;
        uint64_t length_ms;
    } table[] = {
        {"0123456789", "0123456789", 100, 100, 2000},
        {"*#ABCD", "*#ABCD", 40, 40, 480},
        {"1w2", "12", 100, 100, 900},
        {"1,W2", "12", 100, 100, 1900},
        {"55 5-5", "5555", 60, 60, 480},
        {"ab", "AB", 100, 100, 400},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct vgw_dtmf_tx_params p = vgw_dtmf_tx_defaults();
        struct vgw_dtmf_tx tx;
        struct signal s = signal_new(8000 * 4);
        char digits[40];
        size_t made = 0, n;
        p.on_ms = table[i].on_ms;
        p.off_ms = table[i].off_ms;
        cr_assert_eq(vgw_dtmf_tx_init(&tx, &p, table[i].sent, NULL), 0);
        cr_assert_eq(vgw_dtmf_tx_left_ms(&tx), table[i].length_ms);
        while ((n = vgw_dtmf_tx_run(&tx, s.pcm + made, 160)) > 0)
            made += n;
        cr_assert_eq(made, table[i].length_ms * 8);
        cr_assert_eq(vgw_dtmf_tx_left_ms(&tx), 0);
        listen(&s, digits, sizeof digits, NULL);
        cr_assert_str_eq(digits, table[i].heard);
        signal_free(&s);
    }
}

Test(media_dtmf, a_sequence_with_something_else_in_it_is_refused_with_a_sentence)
{
    struct vgw_dtmf_tx tx;
    struct vgw_error err;
    char many[200];
    memset(many, '1', sizeof many);
    many[199] = '\0';
    cr_assert_eq(vgw_dtmf_tx_init(&tx, NULL, "12x", &err), VGW_EINVALID);
    cr_assert(strstr(err.text, "'x'"));
    cr_assert_eq(vgw_dtmf_tx_init(&tx, NULL, "", &err), VGW_EINVALID);
    cr_assert_eq(vgw_dtmf_tx_init(&tx, NULL, many, &err), VGW_ELIMIT);
}

Test(media_dtmf, a_press_that_comes_by_two_ways_counts_once)
{
    static const struct {
        char digit;
        int source;
        uint64_t at;
        bool taken;
    } table[] = {
        {'1', 1, 1000, true},  {'1', 2, 1800, false}, {'1', 2, 2600, true}, /* a second press, heard in-band first */
        {'1', 1, 2700, false}, {'2', 1, 4000, true},  {'2', 1, 4800, true}, /* one source never doubles */
        {'2', 2, 4900, false}, {'2', 2, 5000, false}, {'3', 2, 9000, true}, {'3', 1, 19000, true},
    };
    struct vgw_dtmf_dedupe d;
    vgw_dtmf_dedupe_init(&d, 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        cr_assert_eq(vgw_dtmf_dedupe_accept(&d, table[i].digit, table[i].source, table[i].at), table[i].taken,
                     "row %zu", i);
}

/* event.c - telephone events. Payload: event, E R volume, duration (RFC 4733 2.3). */
#include "event.h"
#include <string.h>
#include "voicegw/status.h"

static const char names[] = "0123456789*#ABCD";

char media_event_take(struct media_event_in *in, uint32_t timestamp, const uint8_t *payload, uint32_t bytes,
                      uint32_t clock_hz, uint32_t *ret_duration_ms)
{
    if (bytes < 4 || payload[0] >= sizeof names - 1)
        return 0;
    uint32_t duration = (uint32_t)payload[2] << 8 | payload[3];
    if (in->known && (int32_t)(timestamp - in->timestamp) < 0)
        return 0; /* an old one, late */
    /* A sender that starts each segment of a long event with a new timestamp (2.5.1.3) goes on with it where the last
     * ended: that is no new digit. */
    uint32_t continues = in->known && in->digit == names[payload[0]] && timestamp != in->timestamp &&
                         timestamp == in->timestamp + in->duration && in->duration == 0xffff;
    if (!in->known || (timestamp != in->timestamp && !continues))
        *in = (struct media_event_in){.timestamp = timestamp, .known = 1, .digit = names[payload[0]]};
    else if (continues)
        in->timestamp = timestamp, in->duration = 0;
    if (duration > in->duration)
        in->duration = duration;
    if (in->told)
        return 0;
    in->told = 1;
    *ret_duration_ms = (uint32_t)((uint64_t)duration * 1000u / clock_hz);
    return in->digit;
}

void media_event_init(struct media_event_out *out, uint32_t tone_ms, uint32_t pause_ms)
{
    *out = (struct media_event_out){.tone_ms = tone_ms ? tone_ms : 100, .pause_ms = pause_ms ? pause_ms : 60};
}

int32_t media_event_queue(struct media_event_out *out, const char *digits)
{
    size_t n = strlen(digits);
    if (strspn(digits, "0123456789*#ABCDabcdwW") != n)
        return VOICEGW_EINVALID;
    if (n > MEDIA_EVENT_QUEUE - out->count)
        return VOICEGW_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        char c = digits[i];
        out->digits[out->count++] = (char)(c >= 'a' && c <= 'd' ? c - 'a' + 'A' : c);
    }
    return VOICEGW_OK;
}

int media_event_busy(const struct media_event_out *out)
{
    return out->count > 0;
}

static void next_digit(struct media_event_out *out)
{
    memmove(out->digits, out->digits + 1, --out->count);
    out->elapsed_ms = out->ends = 0;
}

static int pause_of(struct media_event_out *out, uint32_t pause_ms)
{
    out->elapsed_ms += 20;
    if (out->elapsed_ms >= pause_ms)
        next_digit(out);
    return 0;
}

int media_event_next(struct media_event_out *out, uint32_t clock_hz, uint32_t *timestamp, uint8_t payload[4],
                     int *ret_marker)
{
    if (out->count == 0)
        return 0;
    char c = out->digits[0];
    if (c == 'w' || c == 'W')
        return pause_of(out, c == 'w' ? 500 : 1000);
    if (out->ends == 3)
        return pause_of(out, out->tone_ms + out->pause_ms);
    *ret_marker = out->elapsed_ms == 0;
    if (out->elapsed_ms == 0)
        out->timestamp = *timestamp;
    if (out->elapsed_ms < out->tone_ms)
        out->elapsed_ms += 20;
    uint32_t units = (uint32_t)((uint64_t)out->elapsed_ms * clock_hz / 1000u);
    out->ends += out->elapsed_ms >= out->tone_ms;
    payload[0] = (uint8_t)(strchr(names, c) - names);
    payload[1] = (uint8_t)((out->ends ? 0x80 : 0) | 10); /* -10 dBm0 */
    payload[2] = (uint8_t)(units >> 8);
    payload[3] = (uint8_t)units;
    *timestamp = out->timestamp;
    return 1;
}

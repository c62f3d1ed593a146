/* event.h - digits as telephone events (RFC 4733), both ways. Pure. */
#ifndef SIP_MEDIA_EVENT_H
#define SIP_MEDIA_EVENT_H
#include <stdint.h>

/** Takes events in: each digit is told once, whatever is lost, doubled or late. */
struct media_event_in {
    uint32_t timestamp; /* of the event under way or told last */
    uint32_t known;     /* 1: `timestamp` means something */
    uint32_t told;      /* this event's digit was given out */
    uint32_t duration;  /* longest heard of it, in timestamp units */
    char digit;
};
/** A packet of the telephone-event type. Returns the digit with its duration so far when it is new ('0'-'9' '*' '#'
 * 'A'-'D'), 0 when there is nothing to tell: more of one that was told, an event that is no digit, nonsense. */
char media_event_take(struct media_event_in *in, uint32_t timestamp, const uint8_t *payload, uint32_t bytes,
                      uint32_t clock_hz, uint32_t *ret_duration_ms);

/** Gives digits out, one packet for each 20 ms. */
#define MEDIA_EVENT_QUEUE 64u
struct media_event_out {
    char digits[MEDIA_EVENT_QUEUE];
    uint32_t count;
    uint32_t elapsed_ms; /* of the digit under way, then of the pause after it */
    uint32_t ends;       /* end packets sent of three */
    uint32_t timestamp;  /* of the digit under way */
    uint32_t tone_ms, pause_ms;
};
/** `tone_ms` 0 takes 100, `pause_ms` 0 takes 60. */
void media_event_init(struct media_event_out *out, uint32_t tone_ms, uint32_t pause_ms);
/** Queues digits ("12#"; w and W are pauses of half and a whole second). 0; VOICEGW_EINVALID: another character,
 * nothing was queued; VOICEGW_ELIMIT: no room for all, nothing was queued. */
int32_t media_event_queue(struct media_event_out *out, const char *digits);
/** 1 while digits are queued or under way: audio pauses. */
int media_event_busy(const struct media_event_out *out);
/** The packet of this 20 ms: writes 4 octets and returns 1, or 0 when none goes now (a pause). *timestamp: that of the
 * audio now; becomes the event's own, which stays the same through its packets. *ret_marker: first packet of an event.
 */
int media_event_next(struct media_event_out *out, uint32_t clock_hz, uint32_t *timestamp, uint8_t payload[4],
                     int *ret_marker);
#endif

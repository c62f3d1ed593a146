/* wire.h - what the load generator needs of RFC 6455, RFC 4648 and a provider's media frames; and a histogram. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_AUDIO 160 /* 20 ms of mu-law */
#define WIRE_TEXT_MAX 1024

/** Pure. Writes the base64 of `n` octets, returns the characters. */
size_t wire_encode(const uint8_t *data, size_t n, char *out);
/** Pure. Reads base64 up to a character that is none; returns the octets, at most `cap`, or -1. */
int wire_decode(const char *text, size_t n, uint8_t *out, size_t cap);

/** Audio that tells its stream and its number: the first 12 octets hold both, the rest follows from them. Never 0x7f,
 * which a round trip through linear would change. */
void wire_audio(uint32_t stream, uint32_t number, uint8_t out[WIRE_AUDIO]);
/** Finds both again; false when it is none of ours. */
bool wire_audio_of(const uint8_t audio[WIRE_AUDIO], uint32_t *ret_stream, uint32_t *ret_number);

/** One masked text frame of a client; returns its length. `out` has 8 more than the text. */
size_t wire_mask(const char *text, size_t n, uint32_t key, uint8_t *out);

/** The next whole frame of a server at `data`: its length with the head, or 0 when more has to come, or -1. */
long wire_frame(const uint8_t *data, size_t n, int *ret_opcode, const uint8_t **ret_payload, size_t *ret_len);

struct hist {
    uint64_t count, max;
    uint64_t buckets[64 * 64];
};
void hist_add(struct hist *h, uint64_t value);
/** The value that the share `p` (0 to 1) of all lies under. */
double hist_at(const struct hist *h, double p);

struct usage {
    uint64_t run_ns, wait_ns, rss_kb, anon_kb;
};
/** What a process has used so far: run and wait times of all its threads, resident memory. Zeros for pid 0. */
struct usage usage_of(int pid);
#endif

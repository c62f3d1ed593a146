/* trace.h - the messages of the last calls, for a person who wonders: a ladder, and a file that Wireshark opens. Keys
 * and passwords' digests are masked as they come. Pure but for memory; all [sip]. */
#ifndef SIP_TRACE_H
#define SIP_TRACE_H
#include <stddef.h>
#include <stdint.h>

#define TRACE_MESSAGES_MAX 100u /* of a call; then the count alone goes on */
#define TRACE_MESSAGE_BYTES 8192u

struct trace_message {
    struct trace_message *next;
    int64_t wall_us;
    int sent, transport;
    char local[64], remote[64];
    uint32_t bytes;
    char text[];
};
struct trace_call;
struct trace;

struct trace *trace_new(uint32_t calls);
void trace_free(struct trace *trace); /* takes NULL */
void trace_limit(struct trace *trace, uint32_t calls);
/** A message passed. One that begins a call is kept, and all of its Call-ID. 1: it was kept. */
int trace_add(struct trace *trace, int sent, int transport, const char *local, const char *remote, const char *text,
              size_t bytes, int64_t wall_us);
/** The gateway's own name for a call. */
void trace_name(struct trace *trace, const char *call_id, const char *name);
/** {"call_id","name","messages":[{"time_us","direction","transport","remote","line","cseq"}],"dropped"} of a call by
 * either name; malloc()ed, NULL when it is not known. */
char *trace_json(const struct trace *trace, const char *id);
/** The calls as a pcap of raw IP packets with UDP, whatever carried them; malloc()ed, newest `calls` of them. */
uint8_t *trace_pcap(const struct trace *trace, uint32_t calls, size_t *ret_bytes);
/** Masks what is secret in a message, in place and without changing its length. */
void trace_mask(char *text, size_t bytes);
#endif

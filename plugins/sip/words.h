/* words.h - small texts of requests, read and written. Pure. */
#ifndef SIP_WORDS_H
#define SIP_WORDS_H
#include <stddef.h>
#include <stdint.h>

/** "HOST" as it stands in a URI: IPv6 in brackets. */
void sip_uri_host(const char *host, char *out, size_t cap);
/** A user part, escaped as RFC 3261, 25.1 asks. */
void sip_uri_escape(const char *user, char *out, size_t cap);
/** "sip:…?Replaces=…" in its two parts, unescaped, on one line. */
void sip_refer_split(const char *uri, char *target, size_t target_cap, char *replaces, size_t replaces_cap);
/** Splits a Replaces header where it stands; 0 or -1. */
int sip_replaces_split(char *header, char **ret_call_id, char **ret_to_tag, char **ret_from_tag);
/** The digit of an INFO's body, 0 when there is none. */
char sip_info_digit(const char *type, const char *body, size_t bytes, uint32_t *ret_duration_ms);
/** May a variable name this header? Nothing that routes or frames a message. */
int sip_header_allowed(const char *name);
#endif

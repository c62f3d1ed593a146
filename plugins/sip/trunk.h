/* trunk.h - the trunks of an instance at work: registered, pinged, counted. All [sip]. */
#ifndef SIP_TRUNK_H
#define SIP_TRUNK_H
#include "bucket.h"
#include "sip.h"
#include "words.h"

enum trunk_state { TRUNK_UNKNOWN, TRUNK_UP, TRUNK_DOWN };

#define TRUNK_RESOLVED_MAX 16u

struct trunk {
    struct trunk *next;
    struct sip *sip;
    struct sip_settings *settings; /* a reference: `set` lies in it */
    const struct sip_trunk *set;
    enum trunk_state state;
    char why[128];
    /* registration */
    struct re_request *registration;
    struct re_timer *register_timer;
    int registered, refused;
    uint32_t failures;
    int64_t registered_until_us;
    /* ping */
    struct re_request *ping;
    struct re_timer *ping_timer;
    uint32_t missed;
    /* use */
    uint32_t calls;
    struct sip_bucket bucket;
    struct re_tls *tls;
    uint8_t begun; /* its names have been looked up: it is pinged and registered */
    struct re_timer *resolve_timer;
    uint32_t resolved_count;
    struct sip_network resolved[TRUNK_RESOLVED_MAX];
};

/** Trunks as the settings want them; those that did not change go on as they are. */
void trunks_settle(struct sip *sip, struct trunk **list, struct sip_settings *settings);
void trunks_stop(struct trunk **list);
/** Withdraws what is registered. */
void trunks_unregister(struct trunk *list);
struct trunk *trunks_find(struct trunk *list, const char *name);
/** The trunk that a peer's address is of: by its address list, else by its host's addresses; NULL: none. */
struct trunk *trunks_of_address(struct trunk *list, const char *ip);
/** May a call go out by it? 0; else a negative status and a sentence. Takes a token. */
int32_t trunk_admit(struct trunk *trunk, const char **ret_why);
/** The URI of a number at a trunk. */
void trunk_uri(const struct sip_trunk *set, const char *user, char *out, size_t cap);
/** Pings and registers from now on; later calls do nothing. */
void trunk_begin(struct trunk *trunk);
/** The address that its host has; -1: none is known yet. */
int trunk_ip(const struct trunk *trunk, char *out, size_t cap);
const char *trunk_state_name(const struct trunk *trunk);
#endif

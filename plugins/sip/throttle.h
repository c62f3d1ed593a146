/* throttle.h - who guesses passwords waits: five wrong ones from an address within a minute, then ever longer. Pure. */
#ifndef SIP_THROTTLE_H
#define SIP_THROTTLE_H
#include <stdint.h>

#define THROTTLE_ADDRESSES 1024u /* that are remembered; the one that was quiet longest goes first */
#define THROTTLE_FAILURES 5u     /* within THROTTLE_WINDOW_US */
#define THROTTLE_WINDOW_US 60000000
#define THROTTLE_FIRST_US 60000000
#define THROTTLE_MOST_US 3600000000

struct throttle_entry {
    char ip[48];
    uint32_t failures, blocks;
    int64_t since_us, until_us, seen_us;
};
struct throttle {
    struct throttle_entry entries[THROTTLE_ADDRESSES];
};

/** Seconds that this address must wait still; 0: it may try. */
uint32_t throttle_wait_s(const struct throttle *throttle, const char *ip, int64_t now_us);
/** A wrong password. 1 when the address is shut out from now on (worth a line in the log), else 0. */
int throttle_failure(struct throttle *throttle, const char *ip, int64_t now_us);
/** A right one: the address is forgiven. */
void throttle_success(struct throttle *throttle, const char *ip);
#endif

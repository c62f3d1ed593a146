/* door.h - who may come in: trunks by address, certificate or password, users by password, anybody where the operator
 * allows it; and phones that register. All [sip]. */
#ifndef SIP_DOOR_H
#define SIP_DOOR_H
#include "digest.h"
#include "registrar.h"
#include "sip.h"
#include "throttle.h"

struct door {
    struct digest digest;
    struct throttle throttle;
    struct registrar registrar;
};

/* Who it is: constant texts of the settings, "" for nobody in particular. */
struct door_guest {
    const char *trunk, *user;
};

struct door *door_new(uint32_t registrations);
void door_free(struct door *door);
/** 1: let in as *ret_guest. 0: the request was answered (401, 403). */
int door_check(struct sip *sip, struct door *door, const struct re_message *message, const struct re_summary *summary,
               struct door_guest *ret_guest);
/** Answers a REGISTER. */
void door_register(struct sip *sip, struct door *door, const struct re_message *message,
                   const struct re_summary *summary);
#endif

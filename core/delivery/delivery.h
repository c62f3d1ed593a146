/* delivery.h - messages to people, delivered by calls: taken into the store, claimed from it a window at a time,
 * dialled within limits and hours, tried again as the policy says. Control thread for everything; callbacks come on
 * control.
 *
 * The store has the truth. A job is claimed by one gateway for a lease that is renewed while the call runs; an attempt
 * is in the store before anybody is dialled, and its end is written with the call's record. A gateway that is lost
 * leaves attempts behind that have begun: whoever claims the job next counts them, and goes on as the policy says. */
#ifndef VGW_DELIVERY_DELIVERY_H
#define VGW_DELIVERY_DELIVERY_H
#include "call/calls.h"
#include "delivery/settings.h"
#include "event/bus.h"
#include "store/store.h"

struct vgw_delivery;

/** A provider as delivery needs it; texts are borrowed until the next call. */
struct vgw_delivery_provider {
    const char *name; /* of the instance */
    const char *from; /* its default_from, or NULL */
    uint64_t caps;
};
typedef void (*vgw_delivery_sms_fn)(void *arg, int status, const char *sentence, const struct vgw_json *result);

/** What delivery needs of the rooms around it. `arg` is the first argument. */
struct vgw_delivery_env {
    void *arg;
    struct vgw_loop *loop;
    struct vgw_calls *calls;
    struct vgw_bus *bus;
    struct vgw_store *store;
    const char *owner; /* of claims: this run of this node, as no other gateway's. Copied */
    bool shared;       /* other gateways use the store too */
    /** The instance of that name, else the one of that plugin; NULL: the default provider. False: there is none. */
    bool (*provider)(void *arg, const char *platform, struct vgw_delivery_provider *ret_provider);
    /** A time zone by name; NULL: there is none of that name. Kept by its owner. */
    const struct vgw_zone *(*zone)(void *arg, const char *name);
    /** Sends a text message: 0, then exactly one done(). */
    int (*send_sms)(void *arg, const char *provider, const char *to, const char *from, const char *text,
                    vgw_delivery_sms_fn done, void *done_arg, struct vgw_error *err);
};

int vgw_delivery_new(const struct vgw_delivery_env *env, struct vgw_delivery_settings *settings,
                     struct vgw_delivery **ret_delivery, struct vgw_error *err);
/** No callback comes afterwards; what is claimed is left to its lease. Takes NULL. The store must still be there. */
void vgw_delivery_free(struct vgw_delivery *d);
/** A reload's settings; takes a reference. */
void vgw_delivery_set(struct vgw_delivery *d, struct vgw_delivery_settings *settings);
const struct vgw_delivery_settings *vgw_delivery_settings_of(const struct vgw_delivery *d);
/** While paused nothing is claimed or dialled: the gateway drains. */
void vgw_delivery_pause(struct vgw_delivery *d, bool paused);
/** Something new may be due. */
void vgw_delivery_wake(struct vgw_delivery *d);
/** The store was written to by some gateway, maybe this one: something new may be due soon. */
void vgw_delivery_hint(struct vgw_delivery *d);

/** Puts messages into the store (rows of vgw_message_read(), an array, taken; "due_at" is filled in) and says when they
 * are there; those that were there before stay as they are. VGW_ELIMIT: done is not called. */
typedef void (*vgw_delivery_accept_fn)(void *arg, int status, const char *sentence);
int vgw_delivery_accept(struct vgw_delivery *d, struct vgw_json *rows, vgw_delivery_accept_fn done, void *arg);

/** A session's record is about to be written: if its call delivered a message, what follows for it is appended to the
 * same batch. */
void vgw_delivery_on_record(struct vgw_delivery *d, const struct vgw_json *record, struct vgw_json *ops);
/** The provider told the price of a call that is over, maybe one of an earlier run: it stands in the attempt then, and
 * counts for the message and its campaign's budget. Told again it is replaced. `ops` (an array, taken): what is to be
 * written together with it; it is written in any case, soon. */
void vgw_delivery_on_cost(struct vgw_delivery *d, const char *call_id, const char *session_id, double cost,
                          const char *currency, struct vgw_json *ops);

/** {"waiting","calling","providers":{name:{"breaker","calls"}}}, a new value. */
struct vgw_json *vgw_delivery_status(const struct vgw_delivery *d);
#endif

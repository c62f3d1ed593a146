/* message.h - what somebody asks to be delivered: read, checked, and made into rows of the store. Pure; control thread.
 *
 * A message's id follows from its project and idempotency key, where one is given: what is asked for twice is one
 * message. Its job bears the same id. */
#ifndef VGW_DELIVERY_MESSAGE_H
#define VGW_DELIVERY_MESSAGE_H
#include "base/id.h"
#include "base/json.h"
#include "delivery/settings.h"

#define VGW_MESSAGE_CONTENT_MAX 10000u /* bytes that are said */
#define VGW_MESSAGE_SMS_MAX 1600u      /* bytes of a text message */
#define VGW_MESSAGE_LEAD_MAX 16384u    /* bytes of lead or metadata as JSON */
#define VGW_MESSAGE_QUEUE "messages"   /* jobs' queue of messages without a campaign */

/** A campaign as far as its messages need it; all borrowed. */
struct vgw_message_campaign {
    const char *campaign_id, *project_id, *status, *voice_config, *content;
    const char *message_type, *channel, *from;
    const struct vgw_json *do_not_call; /* array of numbers, or NULL */
};
struct vgw_message_origin {
    const char *source;     /* "http", "queue", "csv" */
    const char *source_ref; /* where in it, or NULL */
    const char *project_id;
    const char *idempotency_key; /* unless the body brings one; may be NULL */
    int64_t wall_us;
    const struct vgw_message_campaign *campaign; /* or NULL */
};
/** Reads {"content","to" or "lead","user","voice_config","message_type","channel","metadata","schedule","timezone",
 * "from","idempotency_key","campaign_id","project_id"}. Appends {"field","detail"} to `errors` for each thing that is
 * wrong: numbers that are no E.164, templates with missing values (named), texts that are too long, unknown profiles,
 * unknown fields. VGW_OK and *ret_row (the columns of "messages", scheduled_at included; due_at is the caller's),
 * VGW_EINVALID, VGW_ELIMIT. */
int vgw_message_read(const struct vgw_delivery_settings *settings, const struct vgw_json *body,
                     const struct vgw_message_origin *origin, struct vgw_json *errors, struct vgw_json **ret_row);
/** The name of the queue that a campaign's jobs wait in; NULL or "": VGW_MESSAGE_QUEUE. */
void vgw_message_queue(const char *campaign_id, char out[VGW_ID_MAX + 16]);
/** Appends what puts a message, its thread and its job into the store, unless the message is there. `row` is copied.
 * VGW_ELIMIT. */
int vgw_message_store_ops(const struct vgw_json *row, int64_t priority, struct vgw_json *ops);
/** The message as the API shows it: times as text, the attempts as a list. A new value, NULL when out of memory. */
struct vgw_json *vgw_message_show(const struct vgw_json *row);
/** The thread of a project's lead: the lead's id if it has one, else its number. */
void vgw_message_thread_id(const char *project_id, const char *lead_id, const char *number, char out[VGW_ID_MAX]);
/** {key: text} as a new object; NULL when out of memory. */
struct vgw_json *vgw_message_key(const char *column, const char *value);
#endif

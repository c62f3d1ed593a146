/* catalogue.h - the one table of all types of events: what voicegw-events(7) is made from, what debug builds check each
 * event against, and the labels of voicegw_events_total. Types of plugins ("<plugin>.<word>") are not in it. */
#ifndef VGW_EVENT_CATALOGUE_H
#define VGW_EVENT_CATALOGUE_H
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"

enum vgw_event_type {
    VGW_EVENT_CALL_INITIATED,
    VGW_EVENT_CALL_RINGING,
    VGW_EVENT_CALL_ANSWERED,
    VGW_EVENT_CALL_ENDED,
    VGW_EVENT_CALL_FAILED,
    VGW_EVENT_DTMF_RECEIVED,
    VGW_EVENT_SPEECH_DETECTED,
    VGW_EVENT_RECORDING_STARTED,
    VGW_EVENT_RECORDING_STOPPED,
    VGW_EVENT_RECORDING_AVAILABLE,
    VGW_EVENT_HOLD_STARTED,
    VGW_EVENT_HOLD_ENDED,
    VGW_EVENT_TRANSFER_INITIATED,
    VGW_EVENT_TRANSFER_COMPLETED,
    VGW_EVENT_ERROR,
    VGW_EVENT_SESSION_CREATED,
    VGW_EVENT_SESSION_STOPPED,
    VGW_EVENT_STT_PARTIAL,
    VGW_EVENT_STT_FINAL,
    VGW_EVENT_ASSISTANT_TEXT,
    VGW_EVENT_ASSISTANT_INTERRUPTED,
    VGW_EVENT_TOOL_CALLED,
    VGW_EVENT_TOOL_FINISHED,
    VGW_EVENT_WORKFLOW_STARTED,
    VGW_EVENT_WORKFLOW_STEP,
    VGW_EVENT_WORKFLOW_FINISHED,
    VGW_EVENT_WORKFLOW_FAILED,
    VGW_EVENT_CONFERENCE_STARTED,
    VGW_EVENT_CONFERENCE_ENDED,
    VGW_EVENT_CONFERENCE_JOINED,
    VGW_EVENT_CONFERENCE_LEFT,
    VGW_EVENT_CONFERENCE_HELD,
    VGW_EVENT_CONFERENCE_RESUMED,
    VGW_EVENT_CONFERENCE_MUTED,
    VGW_EVENT_CONFERENCE_UNMUTED,
    VGW_EVENT_CONFERENCE_KICKED,
    VGW_EVENT_MONITOR_STARTED,
    VGW_EVENT_MONITOR_STOPPED,
    VGW_EVENT_MESSAGE_ACCEPTED,
    VGW_EVENT_MESSAGE_SENT,
    VGW_EVENT_MESSAGE_DELIVERED,
    VGW_EVENT_MESSAGE_RETRYING,
    VGW_EVENT_MESSAGE_FAILED,
    VGW_EVENT_MESSAGE_RECEIVED,
    VGW_EVENT_AMD_RESULT,
    VGW_EVENT_CAMPAIGN_CHANGED,
    VGW_EVENT_ENGINE_FAILOVER,
    VGW_EVENT_LANGUAGE_CHANGED,
    VGW_EVENT_SENTIMENT,
    VGW_EVENT_STT_DEAF,
    VGW_EVENT_STT_RESTORED,
    VGW_EVENT_TYPES, /* how many; also the type of events that are not in the table */
};
#define VGW_EVENT_OTHER VGW_EVENT_TYPES
/** For subscriptions. */
#define VGW_EVENT_BIT(type) (UINT64_C(1) << (type))
#define VGW_EVENT_ALL UINT64_MAX

enum vgw_event_kind { VGW_EVENT_STRING, VGW_EVENT_NUMBER, VGW_EVENT_BOOL, VGW_EVENT_OBJECT, VGW_EVENT_ANY };
struct vgw_event_field {
    const char *name;
    enum vgw_event_kind kind;
    const char *help;
};
#define VGW_EVENT_FIELDS_MAX 18
struct vgw_event_info {
    const char *name; /* "call_initiated" */
    const char *help;
    struct vgw_event_field
        fields[VGW_EVENT_FIELDS_MAX]; /* ended by a NULL name; any may be absent when it is not known */
};
/** The row of a type below VGW_EVENT_TYPES, else NULL. Static. Thread: any. */
const struct vgw_event_info *vgw_event_info(enum vgw_event_type type);
/** The type of that name, or VGW_EVENT_OTHER. Thread: any. */
enum vgw_event_type vgw_event_type_of(const char *name);
/** Checks `data` (an object) against the table: names and kinds; null stands for "not known". A type that is not in the
 * table takes any object. Thread: any. */
int vgw_event_check(const char *name, const struct vgw_json *data, struct vgw_error *err);
#endif

/* event.h - a fact, written once. Counted and immutable once it is published; its JSON text is rendered when somebody
 * first asks and then kept. */
#ifndef VGW_EVENT_EVENT_H
#define VGW_EVENT_EVENT_H
#include <stddef.h>
#include <stdint.h>
#include "base/json.h"
#include "event/catalogue.h"

/** What an event is about; any may be NULL. */
struct vgw_event_about {
    const char *session_id, *call_id, *provider_call_id, *provider, *plugin, *project_id;
};

struct vgw_event {
    uint64_t id;              /* 0 until it is published; grows, also over restarts */
    int64_t wall_us;          /* when it was published (or when it happened, if set before) */
    const char *name;         /* the type's name */
    enum vgw_event_type type; /* VGW_EVENT_OTHER: a plugin's */
    unsigned depth; /* 0: of the outside world; else one more than the event whose rule or workflow caused it */
    struct vgw_event_about about;
    /* private */
    int refs; /* atomic */
    struct vgw_json *data;
    char *text;
    size_t text_len;
    size_t charged; /* what the ring counts for it */
};

/** A new event with one reference; strings are copied, `data` (an object or NULL) is taken, also on failure. NULL when
 * out of memory. Thread: any. */
struct vgw_event *vgw_event_new(const char *name, const struct vgw_event_about *about, struct vgw_json *data,
                                unsigned depth);
/** One more reference; returns e. Thread: any. */
struct vgw_event *vgw_event_ref(struct vgw_event *e);
/** Drops one; takes NULL. Thread: any. */
void vgw_event_unref(struct vgw_event *e);
/** The data object, borrowed, never to be changed; NULL when there is none. Thread: control. */
const struct vgw_json *vgw_event_data(const struct vgw_event *e);
/** A field as templates and conditions see it: in data (a dotted path), then in the envelope. Borrowed; a field of the
 * envelope as text in *ret_text with NULL returned. Thread: control. */
const struct vgw_json *vgw_event_field(const struct vgw_event *e, const char *path, const char **ret_text);
/** {"id","type","time","session_id","call_id","provider_call_id","provider","plugin","project_id","data":{…}} on one
 * line. Absent ids are null. Valid as long as the event; may be read by any thread that holds a reference once it was
 * rendered. NULL when out of memory. Thread: control. */
const char *vgw_event_text(struct vgw_event *e, size_t *ret_len);
/** Memory it holds, roughly. */
size_t vgw_event_size(const struct vgw_event *e);
/** Renders the text and, if nobody else holds the event, lets its data tree go (vgw_event_data() is NULL from then on).
 * The ring does that to what is no longer new. Thread: control. */
void vgw_event_settle(struct vgw_event *e);
#endif

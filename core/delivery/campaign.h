/* campaign.h - named sets of messages with one content, hours, limits and budget of their own. The store has them;
 * those that run or rest are kept in memory as well, with a queue of jobs each. Control thread. */
#ifndef VGW_DELIVERY_CAMPAIGN_H
#define VGW_DELIVERY_CAMPAIGN_H
#include "base/json.h"
#include "delivery/delivery.h"
#include "delivery/message.h"

#define VGW_CAMPAIGNS_MAX 1000u /* that run or rest at one time */
#define VGW_CAMPAIGN_NUMBERS_MAX 10000u

/** Reads {"name","voice_config","content","channel","message_type","from","hours","do_not_call","order","limits",
 * "budget","paused","project_id"}; everything that is wrong is appended to `errors`. VGW_OK and *ret_row (the columns
 * of "campaigns"), VGW_EINVALID, VGW_ELIMIT. Pure. */
int vgw_campaign_read(const struct vgw_delivery_settings *settings, const struct vgw_json *body, const char *project_id,
                      int64_t wall_us, struct vgw_json *errors, struct vgw_json **ret_row);
/** As the API shows it; `counts` (rows of a tally by status and outcome) may be NULL. A new value. Pure. */
struct vgw_json *vgw_campaign_show(const struct vgw_json *row, const struct vgw_json *counts);
/** The tally that vgw_campaign_show() takes. A new value. */
struct vgw_json *vgw_campaign_tally(void);
/** One line of the report as CSV; `row` NULL: the heading. Pure. */
void vgw_campaign_csv(const struct vgw_json *row, struct vgw_buf *out);

/** Puts a new campaign (a row, taken) into the store. done: when it is there. */
int vgw_campaign_create(struct vgw_delivery *d, struct vgw_json *row, vgw_delivery_accept_fn done, void *arg);
/** What its messages need of a campaign that runs or rests; false: not in memory (see vgw_campaign_load()). Borrowed
 * until the loop's next turn. */
bool vgw_campaign_about(struct vgw_delivery *d, const char *campaign_id, struct vgw_message_campaign *ret_campaign);
/** Fetches a campaign from the store, whatever its status; done's status is VGW_ENOTFOUND when there is none of that
 * project (NULL: of any). */
int vgw_campaign_load(struct vgw_delivery *d, const char *campaign_id, vgw_delivery_accept_fn done, void *arg);
/** "paused", "running" or "canceled". VGW_EBUSY: it is over. VGW_ENOTFOUND: not loaded. done: when it is in the store.
 */
int vgw_campaign_set(struct vgw_delivery *d, const char *campaign_id, const char *status, const char *reason,
                     vgw_delivery_accept_fn done, void *arg, struct vgw_error *err);
#endif

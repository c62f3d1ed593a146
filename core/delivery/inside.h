/* inside.h - shared by delivery's files only. */
#ifndef VGW_DELIVERY_INSIDE_H
#define VGW_DELIVERY_INSIDE_H
#include "base/list.h"
#include "base/map.h"
#include "delivery/attempt.h"
#include "base/breaker.h"
#include "delivery/delivery.h"
#include "delivery/limits.h"
#include "delivery/message.h"

#define VGW_DELIVERY_CLAIM_MIN 8u
#define VGW_DELIVERY_CLAIM_MAX 100u                /* jobs of one claim */
#define VGW_DELIVERY_HINT_US (50 * VGW_US_PER_MS)  /* writes that wake us are taken together for so long */
#define VGW_DELIVERY_IDLE_US (60 * VGW_US_PER_S)   /* the same when the store says that nothing is due before */
#define VGW_DELIVERY_SHARED_US (5 * VGW_US_PER_S)  /* and others write to the store, whose hints may be lost */
#define VGW_DELIVERY_POLL_US (1 * VGW_US_PER_S)    /* between looks for what has become due */
#define VGW_DELIVERY_RELEASE_US (5 * VGW_US_PER_S) /* what has to wait longer goes back to the store */
#define VGW_DELIVERY_MARGIN_US (2 * VGW_US_PER_S)  /* a claim that ends sooner is not used any more */
#define VGW_DELIVERY_RECORD_US (30 * VGW_US_PER_S) /* a call's record comes by then, or is not waited for */
#define VGW_DELIVERY_LATE_MAX 1000u                /* settled calls whose price may still come */

struct vgw_item {         /* a message that this gateway holds */
    struct vgw_list link; /* of waiting, beginning or live */
    bool waits;           /* in waiting */
    struct vgw_queue *queue;
    struct vgw_delivery *d;
    struct vgw_delivery_settings *settings; /* a reference: what it began with */
    const struct vgw_profile *profile;
    struct vgw_json *row;     /* of "messages" */
    const char *message_id;   /* the row's */
    int64_t claimed_until_us; /* wall */
    int64_t job_due_us;       /* the job's */
    int64_t not_before_us;    /* on the loop's clock */
    struct vgw_limit_keys keys;
    struct vgw_limit campaign_limit;
    char provider[64], from[64];
    uint32_t provider_index;
    uint64_t caps;
    bool holds; /* places of the limits */
    bool sms;
    char call_id[VGW_ID_MAX];
    bool said, machine, canceled, over, priced;
    double price; /* with priced: it came before the call's record */
    char currency[8];
    enum vgw_attempt_outcome outcome; /* once over */
    char error[256];
    const char *error_class;
    struct vgw_timer timer; /* the record's deadline */
};

struct vgw_delivery_gauge { /* a provider */
    struct vgw_breaker breaker;
};

struct vgw_queue { /* of jobs */
    char name[VGW_ID_MAX + 16];
    struct vgw_campaign *campaign; /* NULL: messages without one */
    int64_t idle_until_us;         /* it had nothing due; on the loop's clock */
    int64_t soon_us;               /* what became due while the store was asked: its answer may not know of it */
    size_t waiting, held;          /* of its messages, here */
    size_t size;                   /* how many may wait here: what goes out in a second or so */
    int64_t filled_us;             /* when a claim brought as many as were asked for; 0: it did not */
};

struct vgw_campaign {
    struct vgw_delivery *d;
    struct vgw_json *row; /* of "campaigns" */
    char id[VGW_ID_MAX];
    struct vgw_queue queue;
    bool has_hours;
    struct vgw_hours hours;
    char timezone[64];
    struct vgw_limit limit;
    double budget, spent;
    struct vgw_map *do_not_call;
    uint64_t round; /* of the refresh that has seen it last */
    int64_t made_us, count_after_us;
    bool counting;
};

struct vgw_delivery {
    struct vgw_delivery_env env;
    char owner[VGW_ID_MAX];
    struct vgw_delivery_settings *settings;
    struct vgw_limits *limits;
    struct vgw_map *gauges; /* provider -> vgw_delivery_gauge */
    struct vgw_map *held;   /* message_id -> vgw_item: all of them */
    struct vgw_map *calls;  /* call_id -> vgw_item */
    struct vgw_map *late;   /* call_id -> message_id (text) of calls that are settled without a price */
    struct vgw_list waiting, beginning, live;
    size_t waiting_count;
    struct vgw_bus_sub *sub;
    struct vgw_timer timer, renew_timer;
    struct vgw_queue main;
    struct vgw_map *campaigns; /* id -> vgw_campaign */
    struct vgw_timer campaign_timer, share_timer;
    uint32_t members; /* gateways that share the store, this one included; 0: not known yet */
    uint64_t round;
    size_t turn;           /* of the queues */
    bool refreshing, busy; /* busy: campaigns may have changed since they were counted */
    bool paused, claiming, begins, ended;
    bool pumping, again;
    unsigned requests; /* to the store, that are under way */
    int64_t backoff_us, store_after_us;
    int64_t budget_until_us; /* the day's budget is spent: nobody is called before */
    int64_t day;             /* since 1970, UTC */
    double day_spent;
    struct vgw_rng rng;
};

/* delivery.c */
/** A request that was counted in d->requests came back. False: delivery has ended, and may be gone now. */
bool vgw_delivery_back(struct vgw_delivery *d);

/* campaign.c */
void vgw_campaign_free(void *value);
bool vgw_campaign_runs(const struct vgw_campaign *c);
/** Money is gone; the last of its budget stops it. */
void vgw_campaign_spent(struct vgw_campaign *c, double cost);
/** The same for the day's, which counts every message. */
void vgw_day_spent(struct vgw_delivery *d, double cost);
void vgw_campaigns_refresh(void *delivery);

/* pump.c */
void vgw_pump(struct vgw_delivery *d);
void vgw_pump_soon(struct vgw_delivery *d, int64_t delay_us);
/** Something of the queue is due then, on the loop's clock. */
void vgw_queue_due(struct vgw_queue *q, int64_t at_us);
/** When a call to the message's lead may begin, at `wall_us` or later. */
int64_t vgw_delivery_open_from(struct vgw_delivery *d, const struct vgw_json *row, int64_t wall_us);
void vgw_item_free(struct vgw_item *item);
/** The item's places of the limits come back. */
void vgw_item_release(struct vgw_item *item);
/** Writes a group that concerns one item. Takes ops. */
void vgw_delivery_write(struct vgw_delivery *d, struct vgw_json *ops);
struct vgw_delivery_gauge *vgw_delivery_gauge_of(struct vgw_delivery *d, const char *provider);

/* price.c */
/** The call is settled and its price is not known yet. */
void vgw_price_awaited(struct vgw_delivery *d, const char *call_id, const char *message_id);

/* share.c */
void vgw_share_beat(void *delivery);
void vgw_share_leave(struct vgw_delivery *d);

/* dial.c */
/** The attempt stands in the store: now somebody is called. */
void vgw_item_dial(struct vgw_item *item);
/** What follows an attempt; the operations are appended to `ops`. The item is gone afterwards. */
void vgw_item_settle(struct vgw_item *item, struct vgw_attempt_result *result, struct vgw_json *ops);
/** The same for one that never began, written at once. */
void vgw_item_refuse(struct vgw_item *item, const char *error_class, const char *sentence);
void vgw_item_emit(struct vgw_item *item, const char *type, const struct vgw_attempt_result *result);
void vgw_delivery_on_event(void *arg, struct vgw_event *e);
#endif

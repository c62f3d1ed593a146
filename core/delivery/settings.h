/* settings.h - `delivery` and `voice_configs`, compiled. Counted and immutable: a message that is under way keeps what
 * it began with. Control thread; compiling reads the do-not-call files and so blocks on the disk. */
#ifndef VGW_DELIVERY_SETTINGS_H
#define VGW_DELIVERY_SETTINGS_H
#include "base/json.h"
#include "base/map.h"
#include "config/errors.h"
#include "config/options.h"
#include "delivery/hours.h"
#include "delivery/retry.h"

#define VGW_PLATFORMS_MAX 8
#define VGW_DO_NOT_CALL_FILE_MAX (64u << 20) /* bytes of one file */

enum vgw_machine_policy { VGW_MACHINE_HANG_UP, VGW_MACHINE_LEAVE_MESSAGE, VGW_MACHINE_RETRY };
/** "hang_up", "leave_message", "retry"; NULL or another word: `dflt`. */
enum vgw_machine_policy vgw_machine_policy_of(const char *name, enum vgw_machine_policy dflt);

/** `voice_configs.<name>`. Texts NULL: not given. */
struct vgw_profile {
    char *name;
    char *platforms[VGW_PLATFORMS_MAX]; /* in order of failover; none: the default provider */
    size_t platform_count;
    char *content, *voice_id, *language, *from, *assistant, *workflow;
    int64_t max_duration_us, ring_timeout_us; /* 0: not given */
    bool record_call;
    enum vgw_machine_policy machine;
    struct vgw_json *platform_config, *webhook_config; /* objects or NULL */
};

struct vgw_limit {
    double rate;         /* a second; 0: none */
    uint32_t concurrent; /* 0: none */
};

struct vgw_delivery_settings {
    unsigned refs;
    struct vgw_map *profiles; /* name -> struct vgw_profile */
    struct vgw_retry_policy retry;
    struct vgw_limit provider, number, campaign;
    struct vgw_map *providers; /* instance -> struct vgw_limit, in place of `provider` */
    bool has_hours;
    struct vgw_hours hours;
    char timezone[64];
    struct vgw_map *do_not_call; /* "+15551234567" -> itself */
    double budget;               /* 0: none */
    char currency[4];
    bool budget_per_day; /* else for each campaign */
    uint32_t breaker_failures;
    int64_t breaker_open_us, breaker_max_open_us;
    uint32_t window;
    int64_t lease_us;
};

/** Errors go to `errors`, each at its place. `path`: the main file, beside which do-not-call files are looked for; may
 * be NULL. 0 and one reference, VGW_ECONFIG, VGW_ELIMIT. */
int vgw_delivery_settings_compile(const struct vgw_options *main, const char *path, struct vgw_config_errors *errors,
                                  struct vgw_delivery_settings **ret_settings);
struct vgw_delivery_settings *vgw_delivery_settings_ref(struct vgw_delivery_settings *s);
void vgw_delivery_settings_unref(struct vgw_delivery_settings *s); /* takes NULL */
/** The profile of that name; NULL or "": `default`, or one with nothing set. NULL: there is none of that name. */
const struct vgw_profile *vgw_delivery_profile(const struct vgw_delivery_settings *s, const char *name);
/** The name nearest to a mistyped one, or NULL. */
const char *vgw_delivery_profile_nearest(const struct vgw_delivery_settings *s, const char *name);
/** What is written for that instance under `limits.providers`; all 0: nothing is. */
struct vgw_limit vgw_delivery_provider_limit(const struct vgw_delivery_settings *s, const char *instance);
/** Is this number never to be called? Spaces, dashes, dots and brackets in the files do not count. */
bool vgw_delivery_do_not_call(const struct vgw_delivery_settings *s, const char *number);
/** Digits, with the + in front, of a number as people write it; false when it does not fit. Pure. */
bool vgw_number_plain(const char *text, char *out, size_t cap);
/** E.164: a plus, a digit that is not 0, 1 to 14 more digits. Pure. */
bool vgw_number_is_e164(const char *text);
#endif

/* settings.c - profiles, policies, limits and lists out of the checked options. */
#include "delivery/settings.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/file.h"

enum vgw_machine_policy vgw_machine_policy_of(const char *name, enum vgw_machine_policy dflt)
{
    if (vgw_streq(name, "leave_message"))
        return VGW_MACHINE_LEAVE_MESSAGE;
    if (vgw_streq(name, "retry"))
        return VGW_MACHINE_RETRY;
    return vgw_streq(name, "hang_up") ? VGW_MACHINE_HANG_UP : dflt;
}

bool vgw_number_plain(const char *text, char *out, size_t cap)
{
    size_t n = 0;
    for (const char *c = text; *c; c++) {
        if (strchr(" \t\r-.()/", *c))
            continue;
        if (!((*c == '+' && n == 0) || (*c >= '0' && *c <= '9')) || n + 1 >= cap)
            return false;
        out[n++] = *c;
    }
    out[n] = '\0';
    return n > 0;
}

bool vgw_number_is_e164(const char *text)
{
    size_t n = text && text[0] == '+' && text[1] >= '1' && text[1] <= '9' ? strspn(text + 1, "0123456789") : 0;
    return n >= 2 && n <= 15 && text[n + 1] == '\0';
}

static void profile_free(void *value)
{
    struct vgw_profile *p = value;
    for (size_t i = 0; i < p->platform_count; i++)
        vgw_free(p->platforms[i]);
    vgw_free(p->name);
    vgw_free(p->content);
    vgw_free(p->voice_id);
    vgw_free(p->language);
    vgw_free(p->from);
    vgw_free(p->assistant);
    vgw_free(p->workflow);
    vgw_json_free(p->platform_config);
    vgw_json_free(p->webhook_config);
    vgw_free(p);
}

struct vgw_delivery_settings *vgw_delivery_settings_ref(struct vgw_delivery_settings *s)
{
    s->refs++;
    return s;
}

void vgw_delivery_settings_unref(struct vgw_delivery_settings *s)
{
    if (!s || --s->refs)
        return;
    vgw_map_free(s->profiles);
    vgw_map_free(s->do_not_call);
    vgw_map_free(s->providers);
    vgw_free(s);
}

const struct vgw_profile *vgw_delivery_profile(const struct vgw_delivery_settings *s, const char *name)
{
    return vgw_map_get(s->profiles, name && *name ? name : "default");
}

const char *vgw_delivery_profile_nearest(const struct vgw_delivery_settings *s, const char *name)
{
    const char *names[256], *key;
    size_t n = 0;
    void *value;
    for (size_t i = 0; n < 256 && vgw_map_next(s->profiles, &i, &key, &value);)
        names[n++] = key;
    return vgw_nearest(name, names, n);
}

struct vgw_limit vgw_delivery_provider_limit(const struct vgw_delivery_settings *s, const char *instance)
{
    const struct vgw_limit *own = vgw_map_get(s->providers, instance);
    return own ? *own : (struct vgw_limit){0};
}

bool vgw_delivery_do_not_call(const struct vgw_delivery_settings *s, const char *number)
{
    return vgw_map_has(s->do_not_call, number);
}

/* ---- compiling ---- */

static bool copy(char **to, const struct vgw_options *o, const char *name)
{
    const char *text = vgw_options_string(o, name);
    *to = text && *text ? vgw_strdup(text) : NULL;
    return *to || !text || !*text;
}

static struct vgw_profile *profile_new(const char *name)
{
    struct vgw_profile *p;
    if (!VGW_NEW(p))
        return NULL;
    p->name = vgw_strdup(name);
    if (p->name)
        return p;
    vgw_free(p);
    return NULL;
}

static bool profile_fill(struct vgw_profile *p, const struct vgw_options *o, enum vgw_machine_policy machine)
{
    bool fine = copy(&p->content, o, "content") && copy(&p->voice_id, o, "voice_id") &&
                copy(&p->language, o, "language") && copy(&p->from, o, "from") && copy(&p->assistant, o, "assistant") &&
                copy(&p->workflow, o, "workflow");
    for (size_t i = 0; fine && i < vgw_options_count(o, "platform") && i < VGW_PLATFORMS_MAX; i++)
        fine = (p->platforms[p->platform_count++] = vgw_strdup(vgw_options_item(o, "platform", i))) != NULL;
    p->max_duration_us = vgw_options_explicit(o, "max_duration") ? vgw_options_duration_us(o, "max_duration") : 0;
    p->ring_timeout_us = vgw_options_explicit(o, "ring_timeout") ? vgw_options_duration_us(o, "ring_timeout") : 0;
    p->record_call = vgw_options_bool(o, "record_call");
    p->machine = vgw_machine_policy_of(vgw_options_string(o, "machine"), machine);
    p->platform_config = vgw_options_json(o, "platform_config");
    p->webhook_config = vgw_options_json(o, "webhook_config");
    return fine;
}

static int read_profiles(struct vgw_delivery_settings *s, const struct vgw_options *main,
                         struct vgw_config_errors *errors)
{
    enum vgw_machine_policy machine =
        vgw_machine_policy_of(vgw_options_string(main, "delivery.machine"), VGW_MACHINE_HANG_UP);
    for (size_t i = 0; i < vgw_options_count(main, "voice_configs"); i++) {
        const struct vgw_options *o = vgw_options_section_at(main, "voice_configs", i);
        struct vgw_profile *p = profile_new(vgw_options_item_key(main, "voice_configs", i));
        if (!p || !profile_fill(p, o, machine) || vgw_map_set(s->profiles, p->name, p) < 0) {
            if (p)
                profile_free(p);
            return VGW_ELIMIT;
        }
        const char *url = vgw_json_get_string(p->webhook_config, "url", NULL);
        if (p->webhook_config && (!url || (!vgw_starts_with(url, "http://") && !vgw_starts_with(url, "https://"))))
            vgw_options_error(o, "webhook_config", errors, "url must be an http or https address");
        if (p->assistant && p->workflow)
            vgw_options_error(o, "workflow", errors, "give an assistant or a workflow, not both");
    }
    if (vgw_map_has(s->profiles, "default"))
        return VGW_OK;
    struct vgw_profile *p = profile_new("default");
    if (p)
        p->machine = machine;
    return p && vgw_map_set(s->profiles, "default", p) == 0 ? VGW_OK : VGW_ELIMIT;
}

static void read_retry(struct vgw_delivery_settings *s, const struct vgw_options *delivery)
{
    static const enum vgw_attempt_outcome outcomes[] = {VGW_ATTEMPT_BUSY, VGW_ATTEMPT_NO_ANSWER, VGW_ATTEMPT_VOICEMAIL,
                                                        VGW_ATTEMPT_FAILED, VGW_ATTEMPT_PROVIDER_ERROR};
    const struct vgw_options *retry = vgw_options_section(delivery, "retry");
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        const struct vgw_options *o = vgw_options_section(retry, vgw_attempt_outcome_name(outcomes[i]));
        s->retry.rules[outcomes[i]] = (struct vgw_retry_rule){.max = (uint32_t)vgw_options_int(o, "max"),
                                                              .after_us = vgw_options_duration_us(o, "after"),
                                                              .factor = vgw_options_double(o, "factor"),
                                                              .next_provider = vgw_options_bool(o, "next_provider")};
    }
    s->retry.max_attempts = (uint32_t)vgw_options_int(delivery, "max_attempts");
}

static struct vgw_limit limit_of(const struct vgw_options *o)
{
    return (struct vgw_limit){.rate = vgw_options_rate(o, "rate"),
                              .concurrent = (uint32_t)vgw_options_int(o, "concurrent")};
}

static int read_limits(struct vgw_delivery_settings *s, const struct vgw_options *delivery)
{
    const struct vgw_options *limits = vgw_options_section(delivery, "limits");
    s->provider = limit_of(vgw_options_section(limits, "provider"));
    s->number = limit_of(vgw_options_section(limits, "number"));
    s->campaign = limit_of(vgw_options_section(limits, "campaign"));
    for (size_t i = 0; i < vgw_options_count(limits, "providers"); i++) {
        struct vgw_limit *own;
        if (!VGW_NEW(own))
            return VGW_ELIMIT;
        *own = limit_of(vgw_options_section_at(limits, "providers", i));
        if (vgw_map_set(s->providers, vgw_options_item_key(limits, "providers", i), own) < 0) {
            vgw_free(own);
            return VGW_ELIMIT;
        }
    }
    return VGW_OK;
}

static void read_hours(struct vgw_delivery_settings *s, const struct vgw_options *delivery,
                       struct vgw_config_errors *errors)
{
    const struct vgw_options *o = vgw_options_section(delivery, "hours");
    struct vgw_error err = {0};
    vgw_strcopy(s->timezone, sizeof s->timezone, o ? vgw_options_string(o, "timezone") : "UTC");
    if (!o)
        return;
    s->has_hours = true;
    if (vgw_hours_parse_time(vgw_options_string(o, "from"), &s->hours.from_min, &err) < 0)
        vgw_options_error(o, "from", errors, "%s", err.text);
    if (vgw_hours_parse_time(vgw_options_string(o, "to"), &s->hours.to_min, &err) < 0)
        vgw_options_error(o, "to", errors, "%s", err.text);
    for (size_t i = 0; i < vgw_options_count(o, "days"); i++)
        if (vgw_hours_parse_day(vgw_options_item(o, "days", i), &s->hours.days, &err) < 0)
            vgw_options_error(o, "days", errors, "%s", err.text);
    if (!vgw_zone_name_ok(s->timezone))
        vgw_options_error(o, "timezone", errors,
                          "\"%s\" is no time zone; write one of the tz database, as America/New_York", s->timezone);
}

static int read_list(struct vgw_delivery_settings *s, const struct vgw_options *delivery, const char *path, size_t item,
                     struct vgw_config_errors *errors)
{
    const char *name = vgw_options_item(delivery, "do_not_call", item);
    char *full = path ? vgw_file_beside(path, name) : vgw_strdup(name), *text = NULL, *rest = NULL;
    size_t len = 0, number = 0;
    struct vgw_error err = {0};
    int rc = full ? vgw_file_read(full, VGW_DO_NOT_CALL_FILE_MAX, &text, &len, &err) : VGW_ELIMIT;
    if (rc == VGW_ECONFIG)
        vgw_options_error(delivery, "do_not_call", errors, "%s: %s", full, err.text);
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line && rc == VGW_OK;
         line = strtok_r(NULL, "\n", &rest)) {
        char plain[32];
        number++;
        line[strcspn(line, "#")] = '\0';
        if (!line[strspn(line, " \t\r")])
            continue;
        if (!vgw_number_plain(line, plain, sizeof plain) || !vgw_number_is_e164(plain))
            vgw_options_error(delivery, "do_not_call", errors, "%s: entry %zu is no number such as +15551234567", full,
                              number);
        else if (vgw_map_set(s->do_not_call, plain, s) < 0)
            rc = VGW_ELIMIT;
    }
    vgw_free(text);
    vgw_free(full);
    return rc == VGW_ELIMIT ? rc : VGW_OK;
}

static void read_rest(struct vgw_delivery_settings *s, const struct vgw_options *delivery)
{
    const struct vgw_options *budget = vgw_options_section(delivery, "budget"),
                             *breaker = vgw_options_section(delivery, "breaker");
    s->budget = budget ? vgw_options_double(budget, "amount") : 0;
    s->budget_per_day = budget && vgw_streq(vgw_options_string(budget, "per"), "day");
    vgw_strcopy(s->currency, sizeof s->currency, budget ? vgw_options_string(budget, "currency") : "USD");
    s->breaker_failures = (uint32_t)vgw_options_int(breaker, "failures");
    s->breaker_open_us = vgw_options_duration_us(breaker, "open");
    s->breaker_max_open_us = vgw_options_duration_us(breaker, "max_open");
    s->window = (uint32_t)vgw_options_int(delivery, "window");
    s->lease_us = vgw_options_duration_us(delivery, "lease");
}

int vgw_delivery_settings_compile(const struct vgw_options *main, const char *path, struct vgw_config_errors *errors,
                                  struct vgw_delivery_settings **ret_settings)
{
    const struct vgw_options *delivery = vgw_options_section(main, "delivery");
    struct vgw_delivery_settings *s;
    size_t before = vgw_config_errors_total(errors);
    if (!VGW_NEW(s))
        return VGW_ELIMIT;
    s->refs = 1;
    s->profiles = vgw_map_new(profile_free);
    s->do_not_call = vgw_map_new(NULL);
    s->providers = vgw_map_new(vgw_free);
    int rc = s->profiles && s->do_not_call && s->providers ? read_profiles(s, main, errors) : VGW_ELIMIT;
    if (rc == VGW_OK)
        rc = read_limits(s, delivery);
    read_retry(s, delivery);
    read_hours(s, delivery, errors);
    read_rest(s, delivery);
    for (size_t i = 0; rc == VGW_OK && i < vgw_options_count(delivery, "do_not_call"); i++)
        rc = read_list(s, delivery, path, i, errors);
    if (rc == VGW_OK && vgw_config_errors_total(errors) > before)
        rc = VGW_ECONFIG;
    if (rc == VGW_OK)
        *ret_settings = s;
    else
        vgw_delivery_settings_unref(s);
    return rc;
}

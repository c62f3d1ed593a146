/* delivery_table.c - options of outgoing messages: `delivery` and `voice_configs`. */
#include "config/delivery_table.h"

#define RELOAD VGW_OPTION_RELOADABLE
#define TABLE(id, title, about)                                                                                        \
    static const struct vgw_option_table id##_table = {.name = title, VGW_OPTION_ROWS(id##_rows), .text = about}

#define RETRY_TABLE(id, title, max_dflt, after_dflt, factor_dflt, next_dflt)                                           \
    static const struct vgw_option id##_rows[] = {                                                                     \
        {.name = "max",                                                                                                \
         .type = VGW_OPTION_INT,                                                                                       \
         .dflt = max_dflt,                                                                                             \
         .flags = RELOAD,                                                                                              \
         .max = 100,                                                                                                   \
         .unit = "attempts",                                                                                           \
         .text = "further attempts after attempts that came out so; 0: none"},                                         \
        {.name = "after",                                                                                              \
         .type = VGW_OPTION_DURATION,                                                                                  \
         .dflt = after_dflt,                                                                                           \
         .flags = RELOAD,                                                                                              \
         .max = 604800,                                                                                                \
         .text = "wait before the next attempt; up to a tenth is added, so that a crowd does not come back at once"},  \
        {.name = "factor",                                                                                             \
         .type = VGW_OPTION_DOUBLE,                                                                                    \
         .dflt = factor_dflt,                                                                                          \
         .flags = RELOAD,                                                                                              \
         .min = 1,                                                                                                     \
         .max = 10,                                                                                                    \
         .text = "the wait grows by this with each attempt that came out so"},                                         \
        {.name = "next_provider",                                                                                      \
         .type = VGW_OPTION_BOOL,                                                                                      \
         .dflt = next_dflt,                                                                                            \
         .flags = RELOAD,                                                                                              \
         .text = "the next attempt goes to the next provider of the profile's platform list"},                         \
    };                                                                                                                 \
    TABLE(id, title, "What follows an attempt")
RETRY_TABLE(retry_busy, "busy", "3", "5m", "1", "false");
RETRY_TABLE(retry_no_answer, "no_answer", "2", "30m", "1", "false");
RETRY_TABLE(retry_voicemail, "voicemail", "1", "2h", "1", "false");
RETRY_TABLE(retry_failed, "failed", "1", "10m", "1", "false");
RETRY_TABLE(retry_provider_error, "provider_error", "5", "10s", "2", "true");

#define SUBSECTION(key, id, about)                                                                                     \
    {                                                                                                                  \
        .name = key, .type = VGW_OPTION_SECTION, .table = &id##_table, .flags = RELOAD, .text = about                  \
    }
static const struct vgw_option retry_rows[] = {
    SUBSECTION("busy", retry_busy, "the line was busy"),
    SUBSECTION("no_answer", retry_no_answer, "nobody answered"),
    SUBSECTION("voicemail", retry_voicemail, "a machine answered and nothing was left, with machine: retry"),
    SUBSECTION("failed", retry_failed, "the number could not be reached, or the gateway was lost during the call"),
    SUBSECTION("provider_error", retry_provider_error, "the provider did not take the call"),
};
TABLE(retry, "retry", "What follows an attempt, by its outcome");

static const struct vgw_option limit_rows[] = {
    {.name = "rate",
     .type = VGW_OPTION_RATE,
     .flags = RELOAD,
     .max = 100000,
     .metric = "voicegw_delivery_held_total{why=\"rate\"}",
     .text = "attempts that may begin; no limit unless given"},
    {.name = "concurrent",
     .type = VGW_OPTION_INT,
     .flags = RELOAD,
     .min = 1,
     .max = 100000,
     .unit = "calls",
     .metric = "voicegw_delivery_held_total{why=\"concurrent\"}",
     .text = "attempts under way at one time; no limit unless given"},
};
TABLE(limit, "limit", "A limit of attempts");
static const struct vgw_option limits_rows[] = {
    SUBSECTION("provider", limit, "for each provider instance"),
    {.name = "providers",
     .type = VGW_OPTION_SECTION_MAP,
     .table = &limit_table,
     .flags = RELOAD,
     .max = 1000,
     .text = "for provider instances by name, in place of `provider`"},
    SUBSECTION("number", limit, "for each number that is called from"),
    SUBSECTION("campaign", limit, "for each campaign; its own limits come before"),
};
TABLE(limits, "limits", "How fast messages go out; gateways that share a store share these limits");

static const struct vgw_option hours_rows[] = {
    {.name = "from", .type = VGW_OPTION_STRING, .dflt = "00:00", .flags = RELOAD, .text = "first minute, as 09:00"},
    {.name = "to", .type = VGW_OPTION_STRING, .dflt = "24:00", .flags = RELOAD, .text = "end, as 20:00"},
    {.name = "days",
     .type = VGW_OPTION_STRINGS,
     .dflt = "[]",
     .flags = RELOAD,
     .max = 7,
     .text = "days on which calls may begin, as mon-fri; every day unless given"},
    {.name = "timezone",
     .type = VGW_OPTION_STRING,
     .dflt = "UTC",
     .flags = RELOAD,
     .max = 64,
     .text = "for leads whose zone neither they nor their number tell, as America/New_York"},
};
TABLE(hours, "hours", "When leads may be called, by the clock at their place");

static const struct vgw_option budget_rows[] = {
    {.name = "amount",
     .type = VGW_OPTION_DOUBLE,
     .flags = VGW_OPTION_REQUIRED | RELOAD,
     .min = 0.000001,
     .max = 1e12,
     .text = "what may be spent"},
    {.name = "currency",
     .type = VGW_OPTION_STRING,
     .dflt = "USD",
     .flags = RELOAD,
     .min = 3,
     .max = 3,
     .text = "ISO 4217"},
    {.name = "per",
     .type = VGW_OPTION_ENUM,
     .choices = "campaign|day",
     .dflt = "campaign",
     .flags = RELOAD,
     .text = "what it is for: each campaign, or all outgoing calls of a day (UTC)"},
};
TABLE(budget, "budget", "A cap of cost");

static const struct vgw_option breaker_rows[] = {
    {.name = "failures",
     .type = VGW_OPTION_INT,
     .dflt = "5",
     .flags = RELOAD,
     .max = 1000,
     .text = "errors of a provider in a row after which it is left alone; 0: never"},
    {.name = "open",
     .type = VGW_OPTION_DURATION,
     .dflt = "30s",
     .flags = RELOAD,
     .min = 0.1,
     .max = 86400,
     .text = "how long at first; twice as long each time that one call does not do either"},
    {.name = "max_open",
     .type = VGW_OPTION_DURATION,
     .dflt = "10m",
     .flags = RELOAD,
     .min = 0.1,
     .max = 86400,
     .text = "longest"},
};
TABLE(breaker, "breaker", "When a provider is left alone");

#define MACHINES "leave_message|hang_up|retry"
static const struct vgw_option delivery_rows[] = {
    SUBSECTION("retry", retry, "what follows an attempt, by its outcome"),
    {.name = "max_attempts",
     .type = VGW_OPTION_INT,
     .dflt = "0",
     .flags = RELOAD,
     .max = 1000,
     .unit = "attempts",
     .text = "attempts of one message over all outcomes; 0: as `retry` says"},
    SUBSECTION("limits", limits, "rates and numbers of calls"),
    {.name = "hours",
     .type = VGW_OPTION_SECTION,
     .table = &hours_table,
     .flags = VGW_OPTION_OPTIONAL | RELOAD,
     .text = "when leads may be called; always unless given"},
    {.name = "do_not_call",
     .type = VGW_OPTION_STRINGS,
     .dflt = "[]",
     .flags = RELOAD,
     .max = 64,
     .text = "files of numbers that are never called, one a line, # begins a comment; read anew at reload"},
    {.name = "budget",
     .type = VGW_OPTION_SECTION,
     .table = &budget_table,
     .flags = VGW_OPTION_OPTIONAL | RELOAD,
     .text = "cap of cost; none unless given"},
    SUBSECTION("breaker", breaker, "when a provider is left alone"),
    {.name = "machine",
     .type = VGW_OPTION_ENUM,
     .choices = MACHINES,
     .dflt = "hang_up",
     .flags = RELOAD,
     .text =
         "when a machine answers: leave the message, hang up and call the message failed with outcome voicemail, or "
         "hang up and try again as retry.voicemail says"},
    {.name = "window",
     .type = VGW_OPTION_INT,
     .dflt = "200",
     .flags = RELOAD,
     .min = 1,
     .max = 10000,
     .unit = "messages",
     .metric = "voicegw_queue_depth{queue=\"delivery\"}",
     .text = "messages that wait in memory; all others wait in the store"},
    {.name = "lease",
     .type = VGW_OPTION_DURATION,
     .dflt = "60s",
     .flags = RELOAD,
     .min = 5,
     .max = 3600,
     .text = "a message whose gateway is not heard of for so long goes to another one; what had begun counts as an "
             "attempt"},
};
const struct vgw_option_table vgw_delivery_table = {
    .name = "delivery", VGW_OPTION_ROWS(delivery_rows), .text = "Retries, limits and hours of outgoing messages"};

static const struct vgw_option voice_config_rows[] = {
    {.name = "platform",
     .type = VGW_OPTION_STRINGS,
     .flags = RELOAD,
     .max = 8,
     .text = "provider instance or plugin, or a list for failover; the default provider unless given"},
    {.name = "content",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 10000,
     .text = "what is said, when the message brings nothing of its own; a template"},
    {.name = "voice_id",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 128,
     .text = "voice; the platform's own unless given"},
    {.name = "language", .type = VGW_OPTION_STRING, .flags = RELOAD, .max = 35, .text = "language, as en-US"},
    {.name = "max_duration",
     .type = VGW_OPTION_DURATION,
     .flags = RELOAD,
     .min = 1,
     .max = 86400,
     .text = "longest call, from its answer"},
    {.name = "record_call", .type = VGW_OPTION_BOOL, .dflt = "false", .flags = RELOAD, .text = "record the call"},
    {.name = "from",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 64,
     .text = "number that is called from; the provider's default_from unless given"},
    {.name = "assistant",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 64,
     .text = "goes on with the conversation once the content is said"},
    {.name = "workflow",
     .type = VGW_OPTION_STRING,
     .flags = RELOAD,
     .max = 64,
     .text = "leads the call in place of the content, which it finds as the variable content"},
    {.name = "ring_timeout",
     .type = VGW_OPTION_DURATION,
     .flags = RELOAD,
     .min = 1,
     .max = 600,
     .text = "how long it may ring"},
    {.name = "machine",
     .type = VGW_OPTION_ENUM,
     .choices = MACHINES,
     .flags = RELOAD,
     .text = "when a machine answers; delivery.machine unless given"},
    {.name = "platform_config",
     .type = VGW_OPTION_JSON_MAP,
     .flags = RELOAD,
     .text = "passed to the platform as it is"},
    {.name = "webhook_config",
     .type = VGW_OPTION_JSON_MAP,
     .flags = RELOAD,
     .text = "{url, secret, events}: where events of these messages are POSTed, as `webhooks` says"},
};
const struct vgw_option_table vgw_voice_config_table = {
    .name = "voice_configs", VGW_OPTION_ROWS(voice_config_rows), .text = "How messages of this profile are delivered"};

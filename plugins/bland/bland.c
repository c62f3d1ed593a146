/* bland.c - the instance: descriptor, options, life. */
#include "bland.h"
#include "wire.h"

#define OPTION(t, n, text)                                                                                             \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_##t, .name = n,                                  \
        .flags = VOICEGW_OPTION_RELOADABLE, .description = text                                                        \
    }

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.bland.ai", VOICEGW_OPTION_RELOADABLE),
    PLATFORM_OPTIONS(VOICEGW_OPTION_RELOADABLE),
    OPTION(SECRET, "webhook_secret",
           "Signs Bland's webhooks (account settings, Webhook Signing). Without it they prove themselves by the token "
           "in their address."),
    OPTION(JSON, "call",
           "Fields of Bland's POST /v1/calls for each call, as {voice, model, temperature, pathway_id, …}; a message's "
           "platform_config goes before."),
};
static const struct platform_text texts[BLAND_TEXTS] = {
    [BLAND_CALL] = {"call", 1},
    [BLAND_WEBHOOK_SECRET] = {"webhook_secret", 0},
    [BLAND_WEBHOOK_URL] = {"webhook_url", 0},
};
static const struct platform_kind kind = {.vendor = "Bland",
                                          .call_bytes = sizeof(struct bland_call),
                                          .texts = texts,
                                          .text_count = BLAND_TEXTS,
                                          .call_text = BLAND_CALL,
                                          .webhook_text = BLAND_WEBHOOK_URL,
                                          .webhook_path = "webhook",
                                          .format = bland_format_payload,
                                          .path = bland_path,
                                          .read_id = bland_read_id,
                                          .find_id = bland_find_id,
                                          .is_error = bland_is_error,
                                          .explain = bland_explain,
                                          .view = bland_view,
                                          .apply = bland_apply,
                                          .stop = bland_stop,
                                          .started = bland_routes,
                                          .operations = &bland_operations};

static int32_t bland_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    return platform_create(&kind, host, given, ret_instance);
}

static const void *bland_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_PROVIDER) == 0 ? &bland_operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof options[0],
                                               .kind = VOICEGW_KIND_PROVIDER,
                                               .options = options,
                                               .caps = VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_END | VOICEGW_CAP_TRANSFER |
                                                       VOICEGW_CAP_STATUS | VOICEGW_CAP_CONVERSATION,
                                               .create = bland_create,
                                               .start = platform_start,
                                               .reconfigure = platform_reconfigure,
                                               .drain = platform_drain,
                                               .destroy = platform_destroy,
                                               .get_extension = bland_extension};
static const struct voicegw_factory *const factories[] = {&factory};
/* Not closable: an answer of the platform may come when the instance that asked has been destroyed. */
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "bland",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Calls by Bland, which runs the conversation itself",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}

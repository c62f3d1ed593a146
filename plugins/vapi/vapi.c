/* vapi.c - the instance: descriptor, options, life. */
#include "vapi.h"

#define OPTION(t, n, text)                                                                                             \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_##t, .name = n,                                  \
        .flags = VOICEGW_OPTION_RELOADABLE, .description = text                                                        \
    }

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.vapi.ai", VOICEGW_OPTION_RELOADABLE),
    PLATFORM_OPTIONS(VOICEGW_OPTION_RELOADABLE),
    OPTION(STRING, "phone_number_id", "The number that calls are placed from, by its id at Vapi."),
    OPTION(STRING, "assistant_id", "The assistant that talks, unless the call names another, a squad or a workflow."),
    OPTION(JSON, "call",
           "Fields of Vapi's POST /call for each call, as {assistantOverrides: {…}, customer: {…}}; a message's "
           "platform_config goes before."),
    OPTION(SECRET, "server_secret", "What Vapi shows us as X-Vapi-Secret."),
    OPTION(SECRET, "bearer_token", "What Vapi shows us as a bearer token (a credential of type bearer)."),
    OPTION(JSON, "bearer", "Where it stands: {header: authorization, prefix: \"Bearer \"}."),
    OPTION(SECRET, "hmac_secret", "What Vapi signs its messages with (a credential of type hmac)."),
    OPTION(JSON, "hmac",
           "How it signs: {algorithm: sha256, sha512 or sha1, signature_header: x-signature, timestamp_header: "
           "x-timestamp, "
           "include_timestamp: true, payload_format: \"{timestamp}.{body}\", signature_prefix, signature_encoding: hex "
           "or base64, secret_is_base64: false, message_id_header, tolerance: 300 (seconds)}."),
    OPTION(SECRET, "public_key",
           "The public key, shown to the control address where the assistant's monitorPlan asks for it."),
    OPTION(JSON, "tools",
           "Tools that assistants may call, each by a POST: {name: {url, headers: {}, timeout: seconds}}."),
    OPTION(MAP, "departments", "Names of departments and their numbers, for transfers that the assistant asks for."),
    OPTION(STRING, "transfer_to",
           "Where callers go when the assistant names no department: a number, a sip: address or a department."),
};
static const struct platform_text texts[VAPI_TEXTS] = {
    [VAPI_CALL] = {"call", 1},
    [VAPI_WEBHOOK_URL] = {"webhook_url", 0},
    [VAPI_PHONE_NUMBER_ID] = {"phone_number_id", 0},
    [VAPI_ASSISTANT_ID] = {"assistant_id", 0},
    [VAPI_SERVER_SECRET] = {"server_secret", 0},
    [VAPI_BEARER_TOKEN] = {"bearer_token", 0},
    [VAPI_BEARER] = {"bearer", 1},
    [VAPI_HMAC_SECRET] = {"hmac_secret", 0},
    [VAPI_HMAC] = {"hmac", 1},
    [VAPI_PUBLIC_KEY] = {"public_key", 0},
    [VAPI_TOOLS] = {"tools", 1},
    [VAPI_DEPARTMENTS] = {"departments", 1},
    [VAPI_TRANSFER_TO] = {"transfer_to", 0},
};

static int32_t check(const struct voicegw_host *host, const struct platform_settings *s)
{
    int32_t rc = vapi_check_proof(host, s);
    return rc == VOICEGW_OK ? vapi_check_tools(host, s) : rc;
}

static const struct platform_kind kind = {.vendor = "Vapi",
                                          .call_bytes = sizeof(struct vapi_call),
                                          .texts = texts,
                                          .text_count = VAPI_TEXTS,
                                          .own = {[VAPI_OWN_PHONE_NUMBER] = VAPI_PHONE_NUMBER_ID,
                                                  [VAPI_OWN_ASSISTANT] = VAPI_ASSISTANT_ID,
                                                  [VAPI_OWN_SECRET] = VAPI_SERVER_SECRET},
                                          .call_text = VAPI_CALL,
                                          .webhook_text = VAPI_WEBHOOK_URL,
                                          .webhook_path = "server",
                                          .format = vapi_format_payload,
                                          .path = vapi_path,
                                          .read_id = vapi_read_id,
                                          .find_id = vapi_find_id,
                                          .is_error = vapi_is_error,
                                          .explain = vapi_explain,
                                          .view = vapi_view,
                                          .apply = vapi_apply,
                                          .stop = vapi_stop,
                                          .freed = vapi_freed,
                                          .ended = vapi_tools_end,
                                          .check = check,
                                          .started = vapi_routes,
                                          .operations = &vapi_operations};

static int32_t vapi_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    return platform_create(&kind, host, given, ret_instance);
}

static const void *vapi_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_PROVIDER) == 0 ? &vapi_operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof options[0],
                                               .kind = VOICEGW_KIND_PROVIDER,
                                               .options = options,
                                               .caps = VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END |
                                                       VOICEGW_CAP_TRANSFER | VOICEGW_CAP_SAY | VOICEGW_CAP_MUTE |
                                                       VOICEGW_CAP_STATUS | VOICEGW_CAP_CONVERSATION,
                                               .create = vapi_create,
                                               .start = platform_start,
                                               .reconfigure = platform_reconfigure,
                                               .drain = platform_drain,
                                               .destroy = platform_destroy,
                                               .get_extension = vapi_extension};
static const struct voicegw_factory *const factories[] = {&factory};
/* Not closable: an answer of the platform may come when the instance that asked has been destroyed. */
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "vapi",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Calls by Vapi, which runs the conversation itself",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}

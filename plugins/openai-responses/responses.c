/* responses.c - the descriptor: the chat assistant of plugins/openai by the vendor's newer interface. */
#include <stddef.h>
#include "chat_model.h"

static const struct voicegw_factory *const factories[] = {&openai_responses_factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "openai-responses",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "OpenAI's Responses and compatible servers",
                                             .factory_count = sizeof factories / sizeof *factories,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}

/* openai.c - the descriptor: what speaks OpenAI's interface, at OpenAI or at a compatible server. */
#include "openai.h"
#include <stddef.h>

static const struct voicegw_factory *const factories[] = {&openai_chat_factory, &openai_stt_factory,
                                                          &openai_tts_factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "openai",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "OpenAI and compatible servers",
                                             .factory_count = sizeof factories / sizeof *factories,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}

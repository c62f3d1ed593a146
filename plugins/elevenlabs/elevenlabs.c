/* elevenlabs - speech recognition and synthesis by ElevenLabs. */
#include "elevenlabs.h"

static const struct voicegw_factory *const factories[] = {&elevenlabs_stt_factory, &elevenlabs_tts_factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "elevenlabs",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Speech recognition and synthesis by ElevenLabs",
                                             .factory_count = sizeof factories / sizeof *factories,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}

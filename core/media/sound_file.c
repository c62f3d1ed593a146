/* sound_file.c - the first octets of WAV, MP3 and Ogg. Source: RFC 2361, id3.org/id3v2.3.0, ISO 11172-3 2.4.1.3, RFC
 * 3533. */
#include "media/sound_file.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"

const struct vgw_sound_format vgw_sound_formats[VGW_SOUND_FORMATS] = {
    {"wav", "audio/wav"}, {"mp3", "audio/mpeg"}, {"ogg", "audio/ogg"}};

/* Eleven bits of synchronization, layer III, and a bit rate and a sampling rate that there are. */
static bool is_mpeg_frame(const uint8_t *p, size_t len)
{
    return len >= 4 && p[0] == 0xff && (p[1] & 0xe6u) == 0xe2u && (p[1] & 0x18u) != 0x08u && (p[2] & 0xf0u) != 0xf0u &&
           (p[2] & 0xf0u) != 0 && (p[2] & 0x0cu) != 0x0cu;
}

const struct vgw_sound_format *vgw_sound_format_of(const void *data, size_t len)
{
    const uint8_t *p = data;
    if (len >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WAVE", 4) == 0)
        return &vgw_sound_formats[0];
    if ((len >= 10 && memcmp(p, "ID3", 3) == 0) || is_mpeg_frame(p, len))
        return &vgw_sound_formats[1];
    return len >= 27 && memcmp(p, "OggS", 4) == 0 ? &vgw_sound_formats[2] : NULL;
}

bool vgw_sound_file_named(const char *name)
{
    for (size_t i = 0; i < VGW_SOUND_FORMATS; i++) {
        size_t n = strlen(name), end = strlen(vgw_sound_formats[i].name);
        if (n > end + 1 && name[n - end - 1] == '.' && vgw_ends_with(name, vgw_sound_formats[i].name))
            return true;
    }
    return false;
}

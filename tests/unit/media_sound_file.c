#include <criterion/criterion.h>
#include "media/sound_file.h"

Test(media_sound_file, tells_a_format_by_its_first_octets)
{
    static const struct {
        const char *data;
        size_t len;
        const char *name;
    } cases[] = {
        {"RIFF\x24\0\0\0WAVEfmt ", 16, "wav"},
        {"RIFF\x24\0\0\0AVI fmt ", 16, NULL},
        {"RIFF\x24\0\0\0WAV", 11, NULL},
        {"ID3\x03\0\0\0\0\0\x0a....", 14, "mp3"},
        {"\xff\xfb\x90\x64....", 8, "mp3"}, /* MPEG 1 */
        {"\xff\xf3\x40\xc4....", 8, "mp3"}, /* MPEG 2 */
        {"\xff\xe3\x40\xc4....", 8, "mp3"}, /* MPEG 2.5 */
        {"\xff\xeb\x40\xc4....", 8, NULL},  /* a reserved version */
        {"\xff\xfb\xf0\x64....", 8, NULL},  /* no such bit rate */
        {"\xff\xfb\x9c\x64....", 8, NULL},  /* no such sampling rate */
        {"\xff\xf1\x50\x80....", 8, NULL},  /* AAC */
        {"\xff\xfb\x90", 3, NULL},
        {"OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x1e", 28, "ogg"},
        {"<html>no recording</html>", 25, NULL},
        {"{\"url\":\"https://x\"}", 18, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct vgw_sound_format *f = vgw_sound_format_of(cases[i].data, cases[i].len);
        cr_assert_eq(f != NULL, cases[i].name != NULL, "case %zu", i);
        if (f)
            cr_assert_str_eq(f->name, cases[i].name, "case %zu", i);
    }
}

Test(media_sound_file, knows_its_files_by_name)
{
    cr_assert(vgw_sound_file_named("a.wav") && vgw_sound_file_named("bland-1.mp3") && vgw_sound_file_named("x.ogg"));
    cr_assert(!vgw_sound_file_named("wav") && !vgw_sound_file_named("awav") && !vgw_sound_file_named("a.mp3.new") &&
              !vgw_sound_file_named(".wav"));
}

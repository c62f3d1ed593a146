/* sound_file.h - files of sound as vendors bring them: which format, by their first octets. Pure. Thread: any. */
#ifndef VGW_MEDIA_SOUND_FILE_H
#define VGW_MEDIA_SOUND_FILE_H
#include <stdbool.h>
#include <stddef.h>

struct vgw_sound_format {
    const char *name;         /* as the record has it and the file's name ends */
    const char *content_type; /* RFC 3003 and RFC 5334 for the others */
};
#define VGW_SOUND_FORMATS 3
/** wav first, then mp3 and ogg. Static. */
extern const struct vgw_sound_format vgw_sound_formats[VGW_SOUND_FORMATS];
/** A RIFF file of WAVE, an MPEG layer III frame or an ID3 tag before it, an Ogg page; NULL: none of them. */
const struct vgw_sound_format *vgw_sound_format_of(const void *data, size_t len);
/** Does a file's name end as one of them? */
bool vgw_sound_file_named(const char *name);
#endif

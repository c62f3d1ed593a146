/* reader.c - the state of one reading. */
#include "config/reader.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

void vgw_config_reader_done(struct vgw_config_reader *reader)
{
    vgw_config_errors_done(&reader->errors);
    for (size_t i = 0; i < reader->supplied_count; i++)
        vgw_free(reader->supplied[i]);
    vgw_free(reader->supplied);
    reader->supplied = NULL;
    reader->supplied_count = reader->supplied_cap = 0;
    reader->bytes = 0;
}

const char *vgw_config_getenv(const struct vgw_config_reader *reader, const char *name)
{
    return reader->getenv ? reader->getenv(name, reader->getenv_arg) : NULL;
}

int vgw_config_supply(struct vgw_config_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->supplied_count; i++) {
        if (vgw_streq(reader->supplied[i], name))
            return 0;
    }
    if (reader->supplied_count == reader->supplied_cap) {
        size_t cap = reader->supplied_cap ? reader->supplied_cap * 2 : 8;
        char **names = vgw_realloc(reader->supplied, cap * sizeof *names);
        if (!names)
            return VGW_ELIMIT;
        reader->supplied = names;
        reader->supplied_cap = cap;
    }
    char *copy = vgw_strdup(name);
    if (!copy)
        return VGW_ELIMIT;
    reader->supplied[reader->supplied_count++] = copy;
    return 0;
}

/* voicegw/option.h - options that a factory declares. Part of the voicegw plugin SDK (MIT).
 *
 * The host reads the table from the descriptor, checks the operator's YAML against it before create() is called, and
 * reports what is wrong with file:line:column: unknown names with the nearest match, types, bounds, what is missing.
 * From the same table it writes the documentation and the JSON Schema. */
#ifndef VOICEGW_OPTION_H
#define VOICEGW_OPTION_H
#include <stdint.h>

#define VOICEGW_OPTION_STRING 1u
#define VOICEGW_OPTION_SECRET 2u /* text that never reaches a log or an API */
#define VOICEGW_OPTION_INT 3u
#define VOICEGW_OPTION_DOUBLE 4u
#define VOICEGW_OPTION_BOOL 5u
#define VOICEGW_OPTION_DURATION 6u /* "500ms" "30s" "10m" "1h" or seconds; read in microseconds */
#define VOICEGW_OPTION_SIZE 7u     /* "64KiB"; read in bytes */
#define VOICEGW_OPTION_RATE 8u     /* "50/s"; read as a double, a second */
#define VOICEGW_OPTION_ENUM 9u     /* one of `choices` */
#define VOICEGW_OPTION_LIST 10u    /* list of strings; read as JSON */
#define VOICEGW_OPTION_MAP 11u     /* map of strings; read as JSON */
#define VOICEGW_OPTION_URL 12u     /* http, https, ws, wss */
#define VOICEGW_OPTION_PATH 13u    /* relative to the file that names it; read absolute */
#define VOICEGW_OPTION_JSON 14u    /* anything; read as JSON */

#define VOICEGW_OPTION_REQUIRED 1u   /* the operator must set it */
#define VOICEGW_OPTION_RELOADABLE 2u /* reconfigure() applies it without a new instance */

struct voicegw_option {
    uint32_t size; /* sizeof(struct voicegw_option) */
    uint32_t type; /* VOICEGW_OPTION_* */
    const char *name;
    const char *dflt; /* as the operator would write it, or NULL */
    uint32_t flags;
    uint32_t reserved;   /* 0 */
    const char *unit;    /* "ms", "Hz", or NULL; for documentation */
    double min, max;     /* bounds for numbers, durations (seconds), sizes (bytes); both 0: unbounded */
    const char *choices; /* VOICEGW_OPTION_ENUM: words separated by spaces */
    const char *description;
};

/** An instance's checked options, owned by the host; read through the host's option_* functions. */
struct voicegw_options;

#endif

/* look.h - what a plain YAML scalar looks like (YAML 1.2 core schema, without octal and hexadecimal numbers). */
#ifndef VGW_CONFIG_LOOK_H
#define VGW_CONFIG_LOOK_H
#include <stddef.h>

enum vgw_look { VGW_LOOK_TEXT, VGW_LOOK_NULL, VGW_LOOK_TRUE, VGW_LOOK_FALSE, VGW_LOOK_INT, VGW_LOOK_DOUBLE };

/** The look of `len` bytes. Null: "", ~, null. Booleans: true and false (also True, TRUE …); yes, no, on and off are
 * text here, options of type bool take them all the same. Integers: sign and digits; a number written with a leading
 * "+" or a leading zero ("+15550100", "0123") is text, because telephone numbers and digits to dial look so. Thread:
 * any; pure. */
enum vgw_look vgw_look_of(const char *text, size_t len);
#endif

/* config_help.h - shorthands of the configuration tests. */
#ifndef VGW_TESTS_CONFIG_HELP_H
#define VGW_TESTS_CONFIG_HELP_H
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "config/environment.h"
#include "config/load.h"
#include "config/main_table.h"
#include "config/options.h"
#include "config/schema.h"
#include "config/snapshot.h"
#include "config/yaml.h"

/* All errors as text, a line each; the caller frees. */
static inline char *help_print(struct vgw_config_errors *errors)
{
    struct vgw_buf b = {0};
    vgw_config_errors_sort(errors);
    vgw_config_errors_print(errors, &b);
    char *text = vgw_strdup(vgw_buf_str(&b));
    vgw_buf_done(&b);
    return text;
}

static inline void help_expect(struct vgw_config_errors *errors, const char *expected)
{
    char *text = help_print(errors);
    cr_expect_str_eq(text, expected);
    vgw_free(text);
}

static inline struct vgw_node *help_document(const char *text)
{
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_assert_eq(vgw_yaml_parse("t.yaml", text, strlen(text), &errors, &docs), 0);
    struct vgw_node *doc = vgw_node_copy(vgw_node_at(docs, 0));
    vgw_node_free(docs);
    return doc;
}

/* An environment of NAME, value, NAME, value, NULL. */
static inline const char *help_getenv(const char *name, void *arg)
{
    for (const char *const *p = arg; p && *p; p += 2) {
        if (strcmp(p[0], name) == 0)
            return p[1];
    }
    return NULL;
}
#endif

/* fuzz_template.c - templates, paths and conditions from arbitrary bytes. The first byte chooses strictness. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "flow/condition.h"
#include "flow/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vars_text[] =
    "{\"a\":{\"b\":[1,\"two\",{\"c\":null}]},\"phone\":\"+15551234567\",\"n\":-12.5,\"t\":true}";

static void try_condition(const char *text, size_t len, const struct vgw_scope *scope)
{
    struct vgw_json *doc = NULL;
    struct vgw_condition *c = NULL;
    struct vgw_error err = {0};
    if (vgw_json_parse(text, len, &doc, &err) == 0 && vgw_condition_compile(doc, &c, &err) == 0)
        (void)vgw_condition_test(c, scope, false, &err);
    vgw_condition_free(c);
    vgw_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vgw_json *vars = NULL, *v = NULL;
    struct vgw_template *t = NULL;
    struct vgw_error err = {0};
    if (size == 0 || vgw_json_parse(vars_text, strlen(vars_text), &vars, &err) < 0)
        return 0;
    struct vgw_scope scope = {.trigger = vars, .vars = vars};
    const char *text = (const char *)data + 1;
    if (vgw_template_compile(text, size - 1, &t, &err) == 0)
        (void)vgw_template_render(t, &scope, data[0] & 1, &v, &err);
    vgw_json_free(v);
    vgw_template_free(t);
    try_condition(text, size - 1, &scope);
    vgw_json_free(vars);
    return 0;
}

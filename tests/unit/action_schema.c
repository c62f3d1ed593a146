/* JSON Schema: what a value must be, and what a schema may say. */
#include <criterion/criterion.h>
#include <string.h>
#include "action/schema.h"

static struct vgw_json *json(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert(vgw_json_parse(text, strlen(text), &v, &err) == 0, "%s: %s", text, err.text);
    return v;
}

Test(schema, says_what_is_wrong_and_where)
{
    static const struct {
        const char *schema, *value, *place, *says; /* says NULL: it follows the schema */
    } rows[] = {
        {"{\"type\":\"string\"}", "\"a\"", "", NULL},
        {"{\"type\":\"string\"}", "1", "", "must be of type string, not integer"},
        {"{\"type\":\"integer\"}", "3.0", "", NULL},
        {"{\"type\":\"integer\"}", "3.5", "", "of type integer"},
        {"{\"type\":\"number\"}", "3", "", NULL},
        {"{\"type\":[\"string\",\"null\"]}", "null", "", NULL},
        {"{\"type\":[\"string\",\"null\"]}", "true", "", "string or null, not boolean"},
        {"{\"enum\":[\"a\",2]}", "2", "", NULL},
        {"{\"enum\":[\"a\",2]}", "\"b\"", "", "must be one of \"a\", 2"},
        {"{\"const\":1}", "2", "", "the one value"},
        {"{\"minLength\":2,\"maxLength\":3}", "\"\xc3\xa4\xc3\xb6\"", "", NULL},
        {"{\"minLength\":2}", "\"a\"", "", "at least 2 characters"},
        {"{\"maxLength\":2}", "\"abc\"", "", "at most 2 characters"},
        {"{\"format\":\"date\"}", "\"2026-01-15\"", "", NULL},
        {"{\"format\":\"date\"}", "\"15.1.2026\"", "", "a date such as"},
        {"{\"format\":\"date-time\"}", "\"2026-01-15T14:30:00Z\"", "", NULL},
        {"{\"format\":\"date-time\"}", "\"soon\"", "", "a time such as"},
        {"{\"minimum\":1,\"maximum\":30}", "30", "", NULL},
        {"{\"minimum\":1}", "0", "", "must be at least 1"},
        {"{\"maximum\":30}", "31", "", "may be at most 30"},
        {"{\"exclusiveMinimum\":0}", "0", "", "more than 0"},
        {"{\"exclusiveMaximum\":1}", "1", "", "less than 1"},
        {"{\"multipleOf\":5}", "12", "", "multiple of 5"},
        {"{\"items\":{\"type\":\"integer\"}}", "[1,2]", "", NULL},
        {"{\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]", "1", "1 must be of type integer"},
        {"{\"minItems\":1}", "[]", "", "at least 1 items"},
        {"{\"maxItems\":1}", "[1,2]", "", "at most 1 items"},
        {"{\"uniqueItems\":true}", "[1,1]", "", "twice"},
        {"{\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}", "{\"n\":1}", "", NULL},
        {"{\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}", "{}", "n", "n is missing"},
        {"{\"properties\":{\"n\":{\"type\":\"integer\"}}}", "{\"m\":1}", "", NULL},
        {"{\"properties\":{\"nights\":{}},\"additionalProperties\":false}", "{\"night\":1}", "",
         "did you mean 'nights'"},
        {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"a\":1}", "a", "of type string"},
        {"{\"properties\":{\"g\":{\"items\":{\"properties\":{\"n\":{\"type\":\"string\"}}}}}}", "{\"g\":[{\"n\":1}]}",
         "g.0.n", "g.0.n must be of type string"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", "1", "", NULL},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", "[]", "", "of type string"},
        {"{\"oneOf\":[{\"minimum\":0},{\"maximum\":10}]}", "5", "", "more than one"},
        {"{\"allOf\":[{\"minimum\":0},{\"maximum\":10}]}", "11", "", "at most 10"},
        {"{\"not\":{\"type\":\"string\"}}", "\"a\"", "", "may not have"},
        {"false", "1", "", "may not be given"},
        {"true", "1", "", NULL},
        {"{\"pattern\":\"^a$\"}", "\"b\"", "", NULL}, /* passed over: whoever wrote it holds it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *schema = json(rows[i].schema), *value = json(rows[i].value);
        struct vgw_error err = {0};
        int rc = vgw_schema_check(schema, value, &err);
        cr_expect(rc == (rows[i].says ? VGW_EINVALID : 0), "%s with %s: %d %s", rows[i].schema, rows[i].value, rc,
                  err.text);
        if (rows[i].says) {
            cr_expect(strstr(err.text, rows[i].says), "%s with %s: %s", rows[i].schema, rows[i].value, err.text);
            cr_expect(strcmp(err.place, rows[i].place) == 0, "%s: place %s", rows[i].schema, err.place);
        }
        vgw_json_free(schema);
        vgw_json_free(value);
    }
}

Test(schema, refuses_schemas_that_cannot_be_held)
{
    static const struct {
        const char *schema, *place; /* NULL: it is fine */
    } rows[] = {
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1}},\"required\":[\"n\"]}",
         NULL},
        {"{\"type\":\"objet\"}", "type"},
        {"{\"type\":[]}", "type"},
        {"{\"properties\":{\"n\":{\"typ\":\"integer\"}}}", "properties.n.typ"},
        {"{\"pattern\":\"a\"}", "pattern"},
        {"{\"$ref\":\"#/a\"}", "$ref"},
        {"{\"required\":[1]}", "required"},
        {"{\"required\":\"n\"}", "required"},
        {"{\"minLength\":-1}", "minLength"},
        {"{\"minimum\":\"1\"}", "minimum"},
        {"{\"items\":1}", "items"},
        {"{\"anyOf\":{}}", "anyOf"},
        {"{\"anyOf\":[{},{\"type\":1}]}", "anyOf.1.type"},
        {"{\"enum\":1}", "enum"},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *schema = json(rows[i].schema);
        struct vgw_error err = {0};
        int rc = vgw_schema_validate(schema, &err);
        cr_expect(rc == (rows[i].place ? VGW_EINVALID : 0), "%s: %d %s", rows[i].schema, rc, err.text);
        cr_expect(!rows[i].place || strcmp(err.place, rows[i].place) == 0, "%s: place %s", rows[i].schema, err.place);
        vgw_json_free(schema);
    }
}

Test(schema, bears_depth)
{
    char schema[1024] = "", value[256] = "";
    for (int i = 0; i < 40; i++) {
        strncat(schema, "{\"items\":", sizeof schema - strlen(schema) - 1);
        strncat(value, "[", sizeof value - strlen(value) - 1);
    }
    strncat(schema, "{}", sizeof schema - strlen(schema) - 1);
    for (int i = 0; i < 40; i++) {
        strncat(schema, "}", sizeof schema - strlen(schema) - 1);
        strncat(value, "]", sizeof value - strlen(value) - 1);
    }
    struct vgw_json *s = json(schema), *v = json(value);
    struct vgw_error err = {0};
    cr_expect(vgw_schema_validate(s, &err) == VGW_EINVALID);
    cr_expect(vgw_schema_check(s, v, &err) == VGW_EINVALID);
    vgw_json_free(s);
    vgw_json_free(v);
}

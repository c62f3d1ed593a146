/* api_route.c - which row a request means, what its body may hold, and that documents and rows are the same. */
#include <criterion/criterion.h>
#include <string.h>

#include "api/api.h"
#include "api/path.h"
#include "api/range.h"
#include "api/route.h"
#include "base/alloc.h"
#include "base/str.h"

Test(api_path, leads_prefix_and_aliases_to_one_path)
{
    static const struct {
        const char *path, *prefix;
        bool aliases;
        const char *expected;
        bool older;
    } rows[] = {
        {"/voice/calls", "/voice", true, "/calls", false},
        {"/voice/calls/", "/voice", true, "/calls", false},
        {"/voice", "/voice", true, "/", false},
        {"/voicex/calls", "/voice", true, "", false},
        {"/", "/voice", false, "/", false},
        {"/health", "/voice", false, "/health", false},
        {"/health/ready", "/voice", false, "/health/ready", false},
        {"/healthy", "/voice", false, "", false},
        {"/metrics", "/voice", false, "/metrics", false},
        {"/api/voice/calls/x", "/voice", true, "/calls/x", false},
        {"/api/voice/calls/x", "/voice", false, "", false},
        {"/sessions", "/voice", true, "/sessions", true},
        {"/sessions", "/voice", false, "", false},
        {"/voice/sessions", "/voice", true, "/sessions", false},
        {"/twilio", "/voice", true, "/twilio/inbound", false},
        {"/twilio/status", "/voice", true, "/twilio/status", false},
        {"/twilio/other", "/voice", true, "", false},
        {"/media-stream/s-1", "/voice", true, "/twilio/stream/s-1", false},
        {"/calls", "/", true, "/calls", false},
        {"/gw/v1/calls", "/gw/v1", true, "/calls", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_api_path path;
        vgw_api_path_read(rows[i].path, rows[i].prefix, rows[i].aliases, &path);
        cr_expect_str_eq(path.text, rows[i].expected, "%s gave %s", rows[i].path, path.text);
        cr_expect_eq(path.older, rows[i].older, "%s", rows[i].path);
    }
}

Test(api_route, matches_whole_segments_and_keeps_ids)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
        const char *first, *second;
    } rows[] = {
        {"/calls", "/calls", true, "", ""},
        {"/calls", "/call", false, "", ""},
        {"/calls/{id}", "/calls/abc", true, "abc", ""},
        {"/calls/{id}", "/calls/", false, "", ""},
        {"/calls/{id}", "/calls/a/b", false, "", ""},
        {"/calls/{id}/recording/start", "/calls/a/recording/start", true, "a", ""},
        {"/conferences/{name}/participants/{call}/kick", "/conferences/n/participants/c/kick", true, "n", "c"},
        {"/", "/", true, "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char ids[VGW_API_IDS][VGW_API_ID_MAX] = {"", ""};
        cr_expect_eq(vgw_route_match(rows[i].pattern, rows[i].path, ids), rows[i].fits, "%s %s", rows[i].pattern,
                     rows[i].path);
        if (rows[i].fits) {
            cr_expect_str_eq(ids[0], rows[i].first);
            cr_expect_str_eq(ids[1], rows[i].second);
        }
    }
}

Test(api_route, an_id_beyond_its_bounds_matches_nothing)
{
    char path[VGW_API_ID_MAX + 16] = "/calls/", ids[VGW_API_IDS][VGW_API_ID_MAX];
    memset(path + 7, 'x', VGW_API_ID_MAX);
    cr_expect(!vgw_route_match("/calls/{id}", path, ids));
}

Test(api_route, a_wrong_method_names_those_that_fit)
{
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    char ids[VGW_API_IDS][VGW_API_ID_MAX], allow[128];
    cr_expect_null(vgw_route_find_in(routes, count, "DELETE", "/calls", ids, allow, sizeof allow));
    cr_expect_str_eq(allow, "GET, HEAD, POST");
    cr_expect_null(vgw_route_find_in(routes, count, "GET", "/nothing", ids, allow, sizeof allow));
    cr_expect_str_eq(allow, "");
    cr_expect_not_null(vgw_route_find_in(routes, count, "HEAD", "/calls", ids, allow, sizeof allow));
}

Test(api_route, every_row_is_found_by_its_own_path)
{
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    char ids[VGW_API_IDS][VGW_API_ID_MAX], allow[128];
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(vgw_route_find_in(routes, count, routes[i].method, routes[i].path, ids, allow, sizeof allow),
                     &routes[i], "%s %s", routes[i].method, routes[i].path);
}

Test(api_route, scopes_follow_the_method_but_for_administration)
{
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    for (size_t i = 0; i < count; i++) {
        enum vgw_api_scope usual = vgw_streq(routes[i].method, "GET") ? VGW_SCOPE_READ : VGW_SCOPE_CALL;
        bool special =
            routes[i].scope == VGW_SCOPE_ADMIN || routes[i].scope == VGW_SCOPE_NONE || routes[i].scope == VGW_SCOPE_ANY;
        cr_expect(special || routes[i].scope == usual, "%s %s", routes[i].method, routes[i].path);
        if (routes[i].scope == VGW_SCOPE_NONE)
            cr_expect(vgw_starts_with(routes[i].path, "/health") || vgw_streq(routes[i].path, "/") ||
                          vgw_streq(routes[i].path, "/dashboard"),
                      "%s is open to everybody", routes[i].path);
    }
}

/* Every $ref in the document leads to something. */
static void check_references(const struct vgw_json *root, const struct vgw_json *v)
{
    const char *key;
    struct vgw_json *child;
    char path[160];
    for (size_t i = 0; vgw_json_object_next(v, &i, &key, &child);) {
        if (vgw_streq(key, "$ref")) {
            cr_assert(vgw_strcopy(path, sizeof path, vgw_json_str(child) + 2));
            for (char *p = path; *p; p++)
                *p = *p == '/' ? '.' : *p;
            cr_expect_not_null(vgw_json_path(root, path), "%s", path);
        }
        check_references(root, child);
    }
    for (size_t i = 0; i < vgw_json_count(v); i++)
        check_references(root, vgw_json_at(v, i));
}

Test(api_openapi, describes_every_route_and_nothing_else)
{
    size_t count, described = 0;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    struct vgw_json *doc = vgw_api_openapi("/voice", "1.2.3");
    const struct vgw_json *paths = vgw_json_get(doc, "paths");
    const char *path;
    struct vgw_json *item;
    cr_assert_not_null(paths);
    cr_expect_str_eq(vgw_json_get_string(doc, "openapi", ""), "3.1.0");
    for (size_t i = 0; i < count; i++) {
        char name[256] = "/voice", method[8] = "";
        vgw_strcopy(vgw_streq(routes[i].path, "/") ? name : name + 6, 200, routes[i].path);
        for (size_t k = 0; routes[i].method[k]; k++)
            method[k] = (char)(routes[i].method[k] | 0x20);
        const struct vgw_json *op = vgw_json_get(vgw_json_get(paths, name), method);
        cr_expect_not_null(op, "%s %s", method, name);
        cr_expect_not_null(vgw_json_get(op, "responses"));
        cr_expect_eq(vgw_json_has(op, "requestBody"), routes[i].request != NULL, "%s %s", method, name);
    }
    for (size_t i = 0; vgw_json_object_next(paths, &i, &path, &item);)
        described += vgw_json_object_count(item);
    cr_expect_eq(described, count);
    check_references(doc, doc);
    vgw_json_free(doc);
}

static const struct vgw_field fields[] = {
    {.name = "to", .type = VGW_FIELD_STRING, .required = true, .min = 1, .max = 8},
    {.name = "kind", .type = VGW_FIELD_STRING, .choices = "blind|attended"},
    {.name = "seconds", .type = VGW_FIELD_NUMBER, .min = 1, .max = 60},
    {.name = "variables", .type = VGW_FIELD_OBJECT},
    {.name = "loud", .type = VGW_FIELD_BOOL},
    {.name = "at", .type = VGW_FIELD_TIME},
};
static const struct vgw_shape shape = {.name = "T", .fields = fields, .count = 6};

Test(api_shape, names_each_field_that_is_wrong)
{
    static const struct {
        const char *body, *errors;
    } rows[] = {
        {"{\"to\":\"a\"}", "[]"},
        {"{\"to\":\"a\",\"kind\":\"blind\",\"seconds\":2.5,\"variables\":{},\"loud\":true,\"at\":\"2026-02-01T00:00:"
         "00Z\"}",
         "[]"},
        {"{}", "[{\"field\":\"to\",\"detail\":\"is missing\"}]"},
        {"{\"to\":7}", "[{\"field\":\"to\",\"detail\":\"must be a string\"}]"},
        {"{\"to\":\"\"}", "[{\"field\":\"to\",\"detail\":\"must be 1 to 8 bytes long\"}]"},
        {"{\"to\":\"a\",\"seconds\":61}", "[{\"field\":\"seconds\",\"detail\":\"must be 1 to 60\"}]"},
        {"{\"to\":\"a\",\"kind\":\"bli\"}", "[{\"field\":\"kind\",\"detail\":\"must be one of blind|attended\"}]"},
        {"{\"to\":\"a\",\"varibles\":{}}",
         "[{\"field\":\"varibles\",\"detail\":\"is not known here; did you mean variables?\"}]"},
        {"{\"to\":\"a\",\"variables\":[]}", "[{\"field\":\"variables\",\"detail\":\"must be an object\"}]"},
        {"{\"to\":\"a\\u0000b\"}",
         "[{\"field\":\"to\",\"detail\":\"holds the character U+0000, which no text here may\"}]"},
        {"{\"to\":null}", "[{\"field\":\"to\",\"detail\":\"is missing\"}]"},
        {"{\"to\":\"a\",\"at\":\"yesterday\"}",
         "[{\"field\":\"at\",\"detail\":\"must be a time as in 2026-02-01T12:34:56Z\"}]"},
        {"[]", "[{\"field\":\"\",\"detail\":\"the body must be a JSON object\"}]"},
        {"{\"zzzzzz\":1,\"loud\":3}",
         "[{\"field\":\"to\",\"detail\":\"is missing\"},{\"field\":\"loud\",\"detail\":\"must be a boolean\"},"
         "{\"field\":\"zzzzzz\",\"detail\":\"is not known here\"}]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_json *body = NULL, *errors = vgw_json_array();
        cr_assert_eq(vgw_json_parse(rows[i].body, strlen(rows[i].body), &body, NULL), 0);
        size_t n = vgw_shape_check(&shape, body, errors);
        char *text = vgw_json_text(errors, false);
        cr_expect_str_eq(text, rows[i].errors, "%s gave %s", rows[i].body, text);
        cr_expect_eq(n, vgw_json_count(errors));
        vgw_free(text);
        vgw_json_free(errors);
        vgw_json_free(body);
    }
}

Test(api_range, takes_one_range_and_brings_it_within_the_file)
{
    static const struct {
        const char *header;
        uint64_t total;
        int found;
        uint64_t first, last;
    } rows[] = {
        {"bytes=0-99", 1000, 1, 0, 99},       {"bytes=900-", 1000, 1, 900, 999}, {"bytes=-100", 1000, 1, 900, 999},
        {"bytes=0-5000", 1000, 1, 0, 999},    {"bytes=-5000", 1000, 1, 0, 999},  {"bytes=1000-", 1000, -1, 0, 0},
        {"bytes=-0", 1000, -1, 0, 0},         {"bytes=0-", 0, -1, 0, 0},         {"bytes=5-2", 1000, 0, 0, 0},
        {"bytes=0-1,5-6", 1000, 0, 0, 0},     {"items=0-1", 1000, 0, 0, 0},      {"bytes=a-b", 1000, 0, 0, 0},
        {"bytes=999-999", 1000, 1, 999, 999}, {"bytes=", 1000, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first = 0, last = 0;
        cr_expect_eq(vgw_range_parse(rows[i].header, rows[i].total, &first, &last), rows[i].found, "%s",
                     rows[i].header);
        cr_expect_eq(first, rows[i].first, "%s", rows[i].header);
        cr_expect_eq(last, rows[i].last, "%s", rows[i].header);
    }
}

/* route.h - the one table of routes: dispatch, 405, OpenAPI and the tests are made from it. Pure. */
#ifndef VGW_API_ROUTE_H
#define VGW_API_ROUTE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/json.h"

#define VGW_API_IDS 2
#define VGW_API_ID_MAX 256

enum vgw_field_type {
    VGW_FIELD_STRING,
    VGW_FIELD_INT,
    VGW_FIELD_NUMBER,
    VGW_FIELD_BOOL,
    VGW_FIELD_OBJECT,
    VGW_FIELD_ARRAY,
    VGW_FIELD_TIME, /* RFC 3339 */
    VGW_FIELD_ANY,
};
/** A field of a body, a query or an answer. */
struct vgw_field {
    const char *name;
    enum vgw_field_type type;
    bool required;
    const char *text;    /* a sentence without a final stop */
    const char *choices; /* words parted by '|', or NULL */
    double min, max;     /* numbers: bounds; texts: bytes; not checked when both are 0 */
    const char *of;      /* OBJECT, ARRAY: the shape inside, or NULL */
};
struct vgw_shape {
    const char *name;
    const struct vgw_field *fields;
    size_t count;
    bool open; /* fields beyond the table are fine */
};
/** Checks a body: an object whose fields are all known, of the right type, within bounds, and none that is required
 * missing. Appends {field, detail} to `errors` (an array) for each thing that is wrong and returns how many. `body`
 * NULL: an empty object. Pure. */
size_t vgw_shape_check(const struct vgw_shape *shape, const struct vgw_json *body, struct vgw_json *errors);
/** JSON Schema of a shape. A new value. */
struct vgw_json *vgw_shape_schema(const struct vgw_shape *shape);
struct vgw_json *vgw_field_schema(const struct vgw_field *field);
/** All shapes that answers name, for OpenAPI's components. */
const struct vgw_shape *vgw_api_shapes(size_t *ret_count);

enum vgw_api_scope {
    VGW_SCOPE_NONE = 0,
    VGW_SCOPE_READ = 1,
    VGW_SCOPE_CALL = 2,
    VGW_SCOPE_ADMIN = 4,
    VGW_SCOPE_ANY = 8
};
#define VGW_SCOPE_ALL (VGW_SCOPE_READ | VGW_SCOPE_CALL | VGW_SCOPE_ADMIN)
const char *vgw_api_scope_name(enum vgw_api_scope scope);

struct vgw_api_request;
struct vgw_http_request;
struct vgw_api_route {
    const char *method;
    const char *path;         /* "/calls/{id}/hold", below the prefix */
    enum vgw_api_scope scope; /* NONE: for everybody; ANY: any valid token */
    void (*handle)(struct vgw_api_request *r, const struct vgw_http_request *http);
    int code;      /* for the handler: an enum vgw_command */
    bool creates;  /* Idempotency-Key is honoured */
    bool signable; /* ?signature= stands for a token */
    int status;    /* of success */
    const char *summary;
    const struct vgw_shape *request, *query; /* or NULL */
    const char *response;                    /* a shape's name, or NULL */
    const char *content_type;                /* NULL: application/json */
};
const struct vgw_api_route *vgw_api_routes(size_t *ret_count);

/** Does `path` match `pattern`? Segments in braces match one segment each and go to `ids` in order. Pure. */
bool vgw_route_match(const char *pattern, const char *path, char ids[VGW_API_IDS][VGW_API_ID_MAX]);
/** The route of method and path (HEAD is GET); NULL: none. *ret_allow ("GET, POST", or "" when no method knows the
 * path) holds `cap` bytes. */
const struct vgw_api_route *vgw_route_find_in(const struct vgw_api_route *routes, size_t count, const char *method,
                                              const char *path, char ids[VGW_API_IDS][VGW_API_ID_MAX], char *ret_allow,
                                              size_t cap);
#endif

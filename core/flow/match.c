/* match.c - regular expressions with a bounded cost. */
#include <regex.h>
#include <stdint.h>
#include <string.h>
#include "base/alloc.h"
#include "flow/condition.h"

#define PARTS_MAX 512
#define GROUPS_MAX 32

struct vgw_match {
    regex_t regex;
};

/* The upper count of "{a,b}" at p, or 0 when it is no repetition. */
static unsigned repeat_count(const char *p)
{
    unsigned n = 0, last = 0;
    size_t digits = 0;
    for (p++; *p && *p != '}'; p++) {
        if (*p == ',') {
            last = n + 1;
            n = 0;
        } else if (*p >= '0' && *p <= '9' && ++digits < 9) {
            n = n * 10 + (unsigned)(*p - '0');
        } else {
            return 0;
        }
    }
    return *p != '}' ? 0 : n > last ? n : last;
}

static const char *skip_class(const char *p)
{
    const char *start = p++;
    if (*p == '^')
        p++;
    if (*p == ']')
        p++;
    while (*p && *p != ']') {
        if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
            char mark = p[1];
            for (p += 2; *p && !(*p == mark && p[1] == ']'); p++)
                ;
            if (!*p)
                return start;
            p++;
        }
        p++;
    }
    return *p ? p : start;
}

/* The library writes repetitions out when it compiles (a+ as aa*, a{9} nine times), so stacked or nested ones grow by
 * powers. This adds up how many parts come of it: `sum` of each open group, and `last`, the item that a repetition
 * would repeat. */
struct cost {
    uint64_t sum[GROUPS_MAX];
    int depth;
    uint64_t last;
};

static const char *cost_repeat(struct cost *k, uint64_t times)
{
    k->last *= times;
    return k->last > PARTS_MAX ? "repetitions write out to more than 512 parts" : NULL;
}

static const char *cost_item(struct cost *k, uint64_t size)
{
    k->sum[k->depth] += k->last;
    k->last = size;
    return k->sum[k->depth] > PARTS_MAX ? "repetitions write out to more than 512 parts" : NULL;
}

static const char *cost_of(const char *pattern)
{
    struct cost k = {0};
    const char *wrong = NULL;
    for (const char *p = pattern; *p && !wrong; p++) {
        unsigned n = *p == '{' ? repeat_count(p) : 0;
        if (*p == '\\' && p[1] >= '1' && p[1] <= '9') {
            wrong = "back-references cannot be used";
        } else if (*p == '\\') {
            wrong = cost_item(&k, 1);
            p += p[1] != '\0';
        } else if (*p == '[') {
            wrong = cost_item(&k, 1);
            p = skip_class(p);
        } else if (*p == '(') {
            wrong = k.depth + 1 < GROUPS_MAX ? cost_item(&k, 0) : "groups may nest 31 deep";
            if (!wrong)
                k.sum[++k.depth] = 0;
        } else if (*p == ')' && k.depth > 0) {
            k.last += k.sum[k.depth--] + 1;
        } else if (n > 0) {
            wrong = cost_repeat(&k, n);
            p += strcspn(p, "}");
        } else if (*p == '+') {
            wrong = cost_repeat(&k, 2);
        } else if (*p != '*' && *p != '?') {
            wrong = cost_item(&k, 1);
        }
    }
    return wrong ? wrong : k.sum[k.depth] + k.last > PARTS_MAX ? "there are more than 512 parts" : NULL;
}

int vgw_match_compile(const char *pattern, struct vgw_match **ret_match, struct vgw_error *err)
{
    if (strlen(pattern) > VGW_MATCH_PATTERN_MAX)
        return vgw_error_set(err, VGW_ECONFIG, "the pattern is over %d bytes; shorten it", VGW_MATCH_PATTERN_MAX);
    const char *wrong = cost_of(pattern);
    if (wrong)
        return vgw_error_set(err, VGW_ECONFIG, "in the pattern \"%.100s\" %s", pattern, wrong);
    struct vgw_match *m;
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    int rc = regcomp(&m->regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        char text[128];
        (void)regerror(rc, &m->regex, text, sizeof text);
        vgw_free(m);
        return vgw_error_set(err, VGW_ECONFIG, "the pattern \"%.100s\" is no extended regular expression: %s", pattern,
                             text);
    }
    *ret_match = m;
    return 0;
}

void vgw_match_free(struct vgw_match *m)
{
    if (!m)
        return;
    regfree(&m->regex);
    vgw_free(m);
}

bool vgw_match_test(const struct vgw_match *m, const char *text, size_t len)
{
    if (len > VGW_MATCH_INPUT_MAX || memchr(text, '\0', len))
        return false;
    return regexec(&m->regex, text, 0, NULL, 0) == 0;
}

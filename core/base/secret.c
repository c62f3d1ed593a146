/* secret.c - secrets, and the register that lets logs mask them. */
#include "base/secret.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/str.h"
#include <pthread.h>
#include <string.h>

struct vgw_secret {
    struct vgw_list node; /* in `registered`, when long enough to be told from ordinary text */
    size_t len;
    char value[];
};

#define MASKED_LEN_MIN 6

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vgw_list registered = {&registered, &registered}; /* the longest first */

struct vgw_secret *vgw_secret_new(const char *value, size_t len)
{
    if (!value || len > (size_t)1 << 20)
        return NULL;
    struct vgw_secret *s = vgw_calloc(1, sizeof *s + len + 1);
    if (!s)
        return NULL;
    s->len = len;
    memcpy(s->value, value, len);
    if (len < MASKED_LEN_MIN)
        return s;
    pthread_mutex_lock(&lock);
    struct vgw_list *at, *next;
    /* A secret inside a longer one must not break the longer match. */
    VGW_LIST_EACH (at, next, &registered) {
        if (VGW_CONTAINER_OF(at, struct vgw_secret, node)->len <= len)
            break;
    }
    vgw_list_insert_before(at, &s->node);
    pthread_mutex_unlock(&lock);
    return s;
}

void vgw_secret_free(struct vgw_secret *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&lock);
    vgw_list_remove(&s->node);
    pthread_mutex_unlock(&lock);
    explicit_bzero(s->value, s->len);
    vgw_free(s);
}

const char *vgw_secret_reveal(const struct vgw_secret *s)
{
    return s ? s->value : "";
}

size_t vgw_secret_len(const struct vgw_secret *s)
{
    return s ? s->len : 0;
}

bool vgw_secret_equals(const struct vgw_secret *s, const char *given, size_t len)
{
    if (!s || !given)
        return false;
    const volatile char *value = s->value;
    unsigned char diff = (unsigned char)(s->len != len);
    /* The work depends on what is given alone: the index wraps in the secret (its NUL included). */
    for (size_t i = 0, j = 0; i < len; i++, j = j < s->len ? j + 1 : 0)
        diff |= (unsigned char)(given[i] ^ value[j]);
    return diff == 0;
}

const char *vgw_secret_print(const struct vgw_secret *s)
{
    return "***";
}

void vgw_secret_mask(char *text, size_t len)
{
    pthread_mutex_lock(&lock);
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &registered) {
        const struct vgw_secret *s = VGW_CONTAINER_OF(at, struct vgw_secret, node);
        char *p = text;
        while ((p = memmem(p, len - (size_t)(p - text), s->value, s->len)) != NULL) {
            memset(p, '*', s->len);
            p += s->len;
        }
    }
    pthread_mutex_unlock(&lock);
}

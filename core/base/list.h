/* list.h - an intrusive doubly linked list. A zeroed node is "not in a list". Not thread safe. */
#ifndef VGW_BASE_LIST_H
#define VGW_BASE_LIST_H
#include <stdbool.h>
#include <stddef.h>

struct vgw_list {
    struct vgw_list *next, *prev;
};

#define VGW_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void vgw_list_init(struct vgw_list *head)
{
    head->next = head->prev = head;
}
static inline bool vgw_list_empty(const struct vgw_list *head)
{
    return head->next == head || head->next == NULL;
}
static inline bool vgw_list_linked(const struct vgw_list *node)
{
    return node->next != NULL;
}
static inline void vgw_list_insert_before(struct vgw_list *at, struct vgw_list *node)
{
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}
static inline void vgw_list_append(struct vgw_list *head, struct vgw_list *node)
{
    vgw_list_insert_before(head, node);
}
static inline void vgw_list_prepend(struct vgw_list *head, struct vgw_list *node)
{
    vgw_list_insert_before(head->next, node);
}
/** Takes a node out of its list; bears a node that is in none. */
static inline void vgw_list_remove(struct vgw_list *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}
/** First node, taken out, or NULL. */
static inline struct vgw_list *vgw_list_pop(struct vgw_list *head)
{
    struct vgw_list *n = head->next;
    if (n == head || !n)
        return NULL;
    vgw_list_remove(n);
    return n;
}
/** Walks a list; the current node may be removed. */
#define VGW_LIST_EACH(pos, nxt, head)                                                                                  \
    for ((pos) = (head)->next, (nxt) = (pos)->next; (pos) != (head); (pos) = (nxt), (nxt) = (pos)->next)
#endif

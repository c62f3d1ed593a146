/* alloc.h - the core's allocator. Every allocation can be failed in turn (tests sweep them). */
#ifndef VGW_BASE_ALLOC_H
#define VGW_BASE_ALLOC_H
#include <stdbool.h>
#include <stddef.h>

/** Zeroed memory for `count` items of `size` bytes, or NULL (overflow, out of memory, or an injected failure).
 *  Thread: any. The caller owns it and gives it back with vgw_free(). */
void *vgw_calloc(size_t count, size_t size);
/** Grows or shrinks `p` (may be NULL); on failure NULL, and `p` stays valid. Thread: any. */
void *vgw_realloc(void *p, size_t size);
/** Copies of C strings; vgw_strdup(NULL) is NULL. Caller frees with vgw_free(). Thread: any. */
char *vgw_strdup(const char *s);
char *vgw_strndup(const char *s, size_t n);
/** Takes NULL. Thread: any. */
void vgw_free(void *p);
/** Allocates a zeroed object of the pointer's type: `struct x *x = VGW_NEW(x);` with `x` declared. */
#define VGW_NEW(ptr) ((ptr) = vgw_calloc(1, sizeof *(ptr)))

/** Test hook: the n-th allocation from now on (1 = next) on this thread fails once; 0 switches it off. */
void vgw_alloc_fail_at(long n);
/** Test hook: allocations made by this thread since the last vgw_alloc_fail_at(). */
long vgw_alloc_count(void);
/** For the wrappers of libraries that allocate by themselves: counts as one allocation, true when it is to fail. */
bool vgw_alloc_fails(void);

/* An arena: many small pieces that die together (parsing, one request). Not thread safe. */
struct vgw_arena;
/** New arena that never holds more than `limit_bytes` (0: 64 MiB). NULL when out of memory. */
struct vgw_arena *vgw_arena_new(size_t limit_bytes);
/** Zeroed, 16-byte aligned; NULL when out of memory or over the limit. */
void *vgw_arena_alloc(struct vgw_arena *a, size_t size);
char *vgw_arena_strndup(struct vgw_arena *a, const char *s, size_t n);
char *vgw_arena_printf(struct vgw_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Takes NULL. Everything from the arena is gone. */
void vgw_arena_free(struct vgw_arena *a);
#endif

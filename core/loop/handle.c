/* handle.c - the table of names. A slot's generation is odd while it is in use; readers on other threads see generation
 * and loop, the object pointer is read on its own loop only. */
#include "loop/handle.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/metric.h"

#define SLOT_BITS 24
#define CHUNK_SLOTS 1024
#define CHUNKS (VGW_HANDLES_MAX / CHUNK_SLOTS)
#define KINDS 16

struct slot {
    _Atomic uint32_t generation;
    _Atomic(struct vgw_loop *) loop;
    void *object;
    uint32_t next_free;
};

static struct {
    pthread_mutex_t lock;
    _Atomic(struct slot *) chunks[CHUNKS];
    uint32_t used; /* slots ever handed out */
    uint32_t first_free;
    _Atomic uint32_t count[KINDS];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct slot *slot_at(uint32_t index)
{
    if (index == 0 || index >= VGW_HANDLES_MAX)
        return NULL;
    struct slot *chunk = atomic_load_explicit(&table.chunks[index / CHUNK_SLOTS], memory_order_acquire);
    return chunk ? &chunk[index % CHUNK_SLOTS] : NULL;
}

static uint32_t handle_slot(uint64_t handle)
{
    return (uint32_t)(handle >> 32) & ((1u << SLOT_BITS) - 1);
}

enum vgw_handle_kind vgw_handle_kind(uint64_t handle)
{
    return (enum vgw_handle_kind)(handle >> 56);
}

static struct slot *slot_of(uint64_t handle)
{
    struct slot *s = slot_at(handle_slot(handle));
    if (!s || atomic_load_explicit(&s->generation, memory_order_acquire) != (uint32_t)handle)
        return NULL;
    return s;
}

/* The lock is held. 0 when the table is full. */
static uint32_t slot_take(void)
{
    uint32_t index = table.first_free;
    if (index) {
        table.first_free = slot_at(index)->next_free;
        return index;
    }
    index = table.used + 1;
    if (index >= VGW_HANDLES_MAX)
        return 0;
    if (!slot_at(index)) {
        struct slot *chunk = vgw_calloc(CHUNK_SLOTS, sizeof *chunk);
        if (!chunk)
            return 0;
        atomic_store_explicit(&table.chunks[index / CHUNK_SLOTS], chunk, memory_order_release);
    }
    table.used = index;
    return index;
}

uint64_t vgw_handle_new(enum vgw_handle_kind kind, struct vgw_loop *loop, void *object)
{
    pthread_mutex_lock(&table.lock);
    uint32_t index = slot_take();
    pthread_mutex_unlock(&table.lock);
    if (!index)
        return 0;
    struct slot *s = slot_at(index);
    s->object = object;
    atomic_store_explicit(&s->loop, loop, memory_order_relaxed);
    uint32_t generation = atomic_load_explicit(&s->generation, memory_order_relaxed) + 1;
    atomic_store_explicit(&s->generation, generation, memory_order_release);
    atomic_fetch_add_explicit(&table.count[kind % KINDS], 1, memory_order_relaxed);
    return (uint64_t)kind << 56 | (uint64_t)index << 32 | generation;
}

void vgw_handle_drop(uint64_t handle)
{
    struct slot *s = slot_of(handle);
    if (!s)
        return;
    s->object = NULL;
    uint32_t generation = (uint32_t)handle + 1;
    if (generation == UINT32_MAX - 1) /* the last even number: start over, names are long forgotten by then */
        generation = 0;
    atomic_store_explicit(&s->generation, generation, memory_order_release);
    atomic_fetch_sub_explicit(&table.count[(handle >> 56) % KINDS], 1, memory_order_relaxed);
    pthread_mutex_lock(&table.lock);
    s->next_free = table.first_free;
    table.first_free = handle_slot(handle);
    pthread_mutex_unlock(&table.lock);
}

void *vgw_handle_get(uint64_t handle, enum vgw_handle_kind kind)
{
    struct slot *s = vgw_handle_kind(handle) == kind ? slot_of(handle) : NULL;
    return s ? s->object : NULL;
}

struct vgw_loop *vgw_handle_loop(uint64_t handle)
{
    struct slot *s = slot_of(handle);
    return s ? atomic_load_explicit(&s->loop, memory_order_relaxed) : NULL;
}

bool vgw_handle_alive(uint64_t handle)
{
    return slot_of(handle) != NULL;
}

struct message {
    uint64_t handle;
    void (*fn)(void *object, void *arg);
    void *arg;
};

static void message_run(void *arg)
{
    struct message *m = arg;
    void *object = vgw_handle_get(m->handle, vgw_handle_kind(m->handle));
    if (!object)
        vgw_metric_dropped("stale_handle");
    m->fn(object, m->arg);
    vgw_free(m);
}

int vgw_handle_post(uint64_t handle, void (*fn)(void *object, void *arg), void *arg)
{
    struct vgw_loop *loop = vgw_handle_loop(handle);
    if (!loop) {
        vgw_metric_dropped("stale_handle");
        return VGW_ENOTFOUND;
    }
    struct message *m;
    if (!VGW_NEW(m))
        return VGW_ELIMIT;
    *m = (struct message){.handle = handle, .fn = fn, .arg = arg};
    int rc = vgw_loop_call(loop, message_run, m);
    if (rc < 0)
        vgw_free(m);
    return rc;
}

uint32_t vgw_handle_count(enum vgw_handle_kind kind)
{
    return atomic_load_explicit(&table.count[kind % KINDS], memory_order_relaxed);
}

/* handle.h - names for objects that other threads may speak of: kind, slot and generation in 64 bits. The object
 * belongs to one loop; a message to a name whose object is gone is dropped and counted, so nothing ever touches a dead
 * object. One table a process. */
#ifndef VGW_LOOP_HANDLE_H
#define VGW_LOOP_HANDLE_H
#include <stdint.h>
#include "loop/loop.h"

enum vgw_handle_kind {
    VGW_HANDLE_CALL = 1,
    VGW_HANDLE_LEG,
    VGW_HANDLE_STT,
    VGW_HANDLE_TTS,
    VGW_HANDLE_ASSISTANT,
    VGW_HANDLE_USE,
    VGW_HANDLE_OTHER,
};
#define VGW_HANDLES_MAX 262144

/** Names `object`, which lives on `loop`. 0 when the table is full. Thread: any. */
uint64_t vgw_handle_new(enum vgw_handle_kind kind, struct vgw_loop *loop, void *object);
/** The name dies; messages under way are dropped. Bears 0 and stale names. Thread: the object's loop. */
void vgw_handle_drop(uint64_t handle);
/** The object, or NULL when stale or of another kind. Thread: the object's loop only. */
void *vgw_handle_get(uint64_t handle, enum vgw_handle_kind kind);
/** The loop an object lives on, NULL when stale. Thread: any. */
struct vgw_loop *vgw_handle_loop(uint64_t handle);
enum vgw_handle_kind vgw_handle_kind(uint64_t handle);
bool vgw_handle_alive(uint64_t handle);

/** Calls fn(object, arg) on the object's loop, in order for a sender; with object NULL when it is gone by then (free
 * arg there). 0, VGW_ENOTFOUND (stale now) or VGW_ELIMIT (the loop's queue is full): then fn is not called. Thread:
 * any. */
int vgw_handle_post(uint64_t handle, void (*fn)(void *object, void *arg), void *arg);
/** Live names of a kind; for metrics and leak checks. Thread: any. */
uint32_t vgw_handle_count(enum vgw_handle_kind kind);
#endif

/* impl.h - shared by the store's files: store.c (writes), request.c (reads, claims, leases, retention). */
#ifndef VGW_STORE_IMPL_H
#define VGW_STORE_IMPL_H
#include "base/buf.h"
#include "base/list.h"
#include "store/store.h"
#include "voicegw/draft/store.h"

struct vgw_store {
    struct vgw_loop *loop;
    struct vgw_pool *pool;
    struct vgw_store_options options;
    uint64_t strand;
    struct vgw_list writes, held; /* waiting; requests that wait for the writes before them */
    uint64_t queued, applied;     /* writes ever */
    size_t write_count, loose_count, request_count;
    struct vgw_timer batch_timer;
    struct vgw_job job;
    bool running, is_open, well, closing, freed;
    /* the batch under way; the job's alone until it is done */
    struct vgw_buf batch;
    size_t batch_rows;
    int batch_status;
    char sentence[256];
    bool table_open; /* is_open follows on control; apart from control's flags, so that no load covers both */
    size_t single;   /* writes that go one by one, to find the one that is refused */
    int64_t backoff_us;
    void (*closed)(void *arg);
    void *closed_arg;
    struct vgw_task end_task;
};
/** Starts a batch if one can start. */
void vgw_store_pump(struct vgw_store *store);
/** Submits the requests whose writes are applied (all of them while the store does not write). */
void vgw_store_release(struct vgw_store *store);
/** Ends the requests that are held with VGW_EBUSY. */
void vgw_store_end_held(struct vgw_store *store);
/** Frees when nothing is under way any more. */
void vgw_store_settle_end(struct vgw_store *store);
/** db thread: copies the plugin's last sentence. */
void vgw_store_sentence(struct vgw_store *store, char *out, size_t cap);
#endif

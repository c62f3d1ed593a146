#include <string.h>
#include "store/impl.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/str.h"

#define BACKOFF_US INT64_C(100000)

struct write {
    struct vgw_list link;
    uint64_t pos; /* 0: not journalled */
    size_t len;
    char text[];
};

static struct write *write_of(struct vgw_list *link)
{
    return VGW_CONTAINER_OF(link, struct write, link);
}

void vgw_store_sentence(struct vgw_store *store, char *out, size_t cap)
{
    const char *text = store->options.last_error ? store->options.last_error(store->options.arg) : NULL;
    vgw_strcopy(out, cap, text ? text : "");
}

/* ---- db thread ---- */

static void work(void *arg)
{
    struct vgw_store *s = arg;
    const struct voicegw_store *table = s->options.table;
    int status = VGW_OK;
    if (!s->table_open) {
        status = table->open(s->options.instance);
        if (status == VGW_OK)
            status = table->migrate(s->options.instance);
    }
    s->table_open = s->table_open || status == VGW_OK;
    if (status == VGW_OK && s->batch_rows) {
        uint32_t changed;
        status = table->apply(s->options.instance, vgw_buf_str(&s->batch), &changed);
    }
    s->batch_status = status;
    if (status != VGW_OK)
        vgw_store_sentence(s, s->sentence, sizeof s->sentence);
}

/* ---- control ---- */

static void set_well(struct vgw_store *s, bool well, const char *why)
{
    if (s->well == well)
        return;
    s->well = well;
    if (well)
        vgw_log(VGW_LOG_INFO, NULL, "the store writes", NULL);
    else
        vgw_log(VGW_LOG_ERROR, NULL, "the store does not write; what comes is kept", "error", why, NULL);
    if (s->options.health)
        s->options.health(s->options.arg, well, why);
}

static void drop_first(struct vgw_store *s)
{
    struct write *w = write_of(vgw_list_pop(&s->writes));
    s->write_count--;
    s->loose_count -= w->pos == 0;
    s->applied++;
    vgw_free(w);
}

static void finish_batch(struct vgw_store *s)
{
    uint64_t pos = 0;
    for (size_t i = 0; i < s->batch_rows; i++) {
        uint64_t at = write_of(s->writes.next)->pos;
        pos = at > pos ? at : pos;
        drop_first(s);
    }
    s->single -= s->single > s->batch_rows ? s->batch_rows : s->single;
    if (pos && s->options.journal && !s->freed)
        vgw_journal_checkpoint(s->options.journal, pos);
}

/* An operation that can never be applied must not hold up the others: the batch is taken apart, the culprit dropped and
 * told. */
static void refuse_batch(struct vgw_store *s)
{
    if (s->batch_rows > 1) {
        s->single = s->batch_rows;
        return;
    }
    char which[160]; /* its table and key, not what was said */
    vgw_strcopy(which, sizeof which, write_of(s->writes.next)->text);
    char *values = strstr(which, ",\"values\"");
    if (values)
        *values = '\0';
    vgw_log(VGW_LOG_ERROR, NULL, "a record was refused by the store and is dropped", "error", s->sentence, "record",
            which, NULL);
    vgw_metric_dropped("store_refused");
    finish_batch(s);
}

static void tell_closed(struct vgw_store *s)
{
    if (!s->closing || !s->closed)
        return;
    vgw_store_end_held(s);
    if (s->request_count) /* the plugin's instance goes with the store: not under a read that still runs */
        return;
    void (*closed)(void *arg) = s->closed;
    s->closed = NULL;
    closed(s->closed_arg);
}

static void done(void *arg)
{
    struct vgw_store *s = arg;
    s->is_open = s->table_open;
    bool refused = s->batch_status == VGW_EINVALID && s->is_open && s->batch_rows;
    s->running = false;
    if (s->batch_status == VGW_OK)
        finish_batch(s);
    else if (refused)
        refuse_batch(s);
    if (s->freed) {
        vgw_store_settle_end(s);
        return;
    }
    if (s->batch_status == VGW_OK || refused) {
        s->backoff_us = 0;
        set_well(s, true, "");
        vgw_store_release(s);
        if (s->write_count)
            vgw_store_pump(s);
        else
            tell_closed(s);
        return;
    }
    s->backoff_us = s->backoff_us ? s->backoff_us * 2 : BACKOFF_US;
    if (s->backoff_us > VGW_STORE_RETRY_MAX_US)
        s->backoff_us = VGW_STORE_RETRY_MAX_US;
    set_well(s, false, s->sentence);
    vgw_store_release(s);
    vgw_timer_start(&s->batch_timer, s->backoff_us);
    tell_closed(s);
}

static void fill_batch(struct vgw_store *s)
{
    struct vgw_list *pos, *nxt;
    size_t most = s->single ? 1 : VGW_STORE_BATCH_ROWS;
    vgw_buf_reset(&s->batch);
    s->batch_rows = 0;
    vgw_buf_addc(&s->batch, '[');
    VGW_LIST_EACH (pos, nxt, &s->writes) {
        const struct write *w = write_of(pos);
        if (s->batch_rows == most || (s->batch_rows && s->batch.len + w->len > VGW_STORE_BATCH_BYTES))
            break;
        bool several = w->text[0] == '['; /* which stay together, since a write is never cut */
        if (s->batch_rows)
            vgw_buf_addc(&s->batch, ',');
        vgw_buf_add(&s->batch, w->text + several, w->len - 2u * several);
        s->batch_rows++;
    }
    vgw_buf_addc(&s->batch, ']');
}

void vgw_store_pump(struct vgw_store *s)
{
    if (s->running || s->freed || (s->is_open && !s->write_count))
        return;
    vgw_timer_stop(&s->batch_timer);
    fill_batch(s);
    s->running = !s->batch.failed && vgw_pool_submit(s->pool, &s->job) == VGW_OK;
    if (!s->running)
        vgw_timer_start(&s->batch_timer, VGW_STORE_BATCH_US);
}

static void on_batch_timer(void *arg)
{
    vgw_store_pump(arg);
}

static void on_end(struct vgw_task *task)
{
    vgw_store_settle_end(VGW_CONTAINER_OF(task, struct vgw_store, end_task));
}

struct vgw_store *vgw_store_new(struct vgw_loop *loop, struct vgw_pool *pool, const struct vgw_store_options *options)
{
    struct vgw_store *s;
    if (!VGW_NEW(s))
        return NULL;
    s->loop = loop;
    s->pool = pool;
    s->options = *options;
    s->well = true;
    s->strand = vgw_pool_strand(pool);
    vgw_list_init(&s->writes);
    vgw_list_init(&s->held);
    vgw_buf_init(&s->batch, 2 * VGW_STORE_BATCH_BYTES);
    vgw_timer_init(&s->batch_timer, loop, on_batch_timer, s);
    s->end_task.fn = on_end;
    s->job =
        (struct vgw_job){.work = work, .done = done, .arg = s, .home = loop, .lane = VGW_LANE_DB, .strand = s->strand};
    vgw_store_pump(s);
    return s;
}

void vgw_store_close(struct vgw_store *s, void (*closed)(void *arg), void *arg)
{
    s->closing = true;
    s->closed = closed;
    s->closed_arg = arg;
    if (!s->running) {
        if (s->write_count && s->well)
            vgw_store_pump(s);
        if (!s->running)
            vgw_loop_post(s->loop, &s->end_task);
    }
}

void vgw_store_settle_end(struct vgw_store *s)
{
    if (!s->freed) {
        if (!s->running && !(s->write_count && s->well)) /* else the batch under way tells it */
            tell_closed(s);
        return;
    }
    vgw_store_end_held(s);
    if (s->running || s->request_count || __atomic_load_n(&s->end_task.queued, __ATOMIC_ACQUIRE))
        return;
    while (s->write_count)
        drop_first(s);
    vgw_buf_done(&s->batch);
    vgw_free(s);
}

void vgw_store_free(struct vgw_store *s)
{
    if (!s)
        return;
    vgw_timer_stop(&s->batch_timer);
    s->freed = true;
    s->closed = NULL;
    vgw_loop_post(s->loop, &s->end_task);
}

static int enqueue(struct vgw_store *s, const char *text, size_t len, uint64_t pos)
{
    struct write *w = NULL;
    if (pos || s->loose_count < VGW_STORE_QUEUE_MAX)
        w = vgw_calloc(1, sizeof *w + len + 1);
    if (!w) {
        vgw_metric_dropped("store_writes");
        return VGW_ELIMIT;
    }
    memcpy(w->text, text, len);
    w->len = len;
    w->pos = pos;
    vgw_list_append(&s->writes, &w->link);
    s->write_count++;
    s->queued++;
    s->loose_count += pos == 0;
    if (s->write_count >= VGW_STORE_BATCH_ROWS && s->well)
        vgw_store_pump(s);
    else if (!s->running && !vgw_timer_armed(&s->batch_timer))
        vgw_timer_start(&s->batch_timer, VGW_STORE_BATCH_US);
    return VGW_OK;
}

int vgw_store_write(struct vgw_store *s, struct vgw_json *op, enum vgw_store_durability durability, uint64_t *ret_pos)
{
    struct vgw_buf text;
    uint64_t pos = 0;
    int journalled = VGW_OK;
    if (!op)
        return VGW_ELIMIT;
    vgw_buf_init(&text, VGW_JOURNAL_RECORD_MAX);
    vgw_json_write(op, &text);
    vgw_json_free(op);
    if (text.failed) {
        vgw_buf_done(&text);
        vgw_metric_dropped("store_writes");
        return VGW_ELIMIT;
    }
    if (durability == VGW_STORE_JOURNALLED && s->options.journal)
        journalled = vgw_journal_append(s->options.journal, VGW_JOURNAL_STORE_OP, text.data, text.len, &pos);
    int rc = enqueue(s, text.data, text.len, pos);
    vgw_buf_done(&text);
    if (rc != VGW_OK)
        return rc;
    if (journalled == VGW_OK && pos && ret_pos)
        *ret_pos = pos;
    return journalled == VGW_OK ? VGW_OK : VGW_ESTORAGE;
}

int vgw_store_replay(struct vgw_store *s, const void *text, size_t len, uint64_t pos)
{
    return enqueue(s, text, len, pos);
}

size_t vgw_store_backlog(const struct vgw_store *s)
{
    return s->write_count;
}

bool vgw_store_is_well(const struct vgw_store *s)
{
    return s->well;
}

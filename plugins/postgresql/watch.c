/* watch.c - LISTEN on a connection of its own. Thread: the watcher's; waits are poll()'s, never longer than the next
 * attempt to connect. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "db.h"

#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 30000
#define CHECK_MS 30000 /* a dead peer that sent no reset is found by then */

static const struct {
    const char *table, *channel;
} channels[] = {{"jobs", "voicegw_jobs"},
                {"messages", "voicegw_messages"},
                {"campaigns", "voicegw_campaigns"},
                {"outbox", "voicegw_outbox"}};

const char *db_channel(const char *table)
{
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        if (strcmp(channels[i].table, table) == 0)
            return channels[i].channel;
    }
    return NULL;
}

static void on_wake(void *arg)
{
    struct watch *w = arg;
    pthread_mutex_lock(&w->db->watcher.lock);
    w->pending = 0;
    int stopped = w->db->watcher.stop;
    pthread_mutex_unlock(&w->db->watcher.lock);
    if (!stopped)
        w->fn(w->arg);
}

/* channel NULL: all, after a time in which something may have been missed. */
static void wake(struct db *db, const char *channel)
{
    pthread_mutex_lock(&db->watcher.lock);
    for (uint32_t i = 0; i < db->watcher.count; i++) {
        struct watch *w = &db->watcher.watches[i];
        if (w->pending || (channel && strcmp(db_channel(w->table), channel) != 0))
            continue;
        w->pending = db->host->post(db->host, VOICEGW_TARGET_CONTROL, on_wake, w) == VOICEGW_OK;
    }
    pthread_mutex_unlock(&db->watcher.lock);
}

static int stopping(struct db *db)
{
    pthread_mutex_lock(&db->watcher.lock);
    int stop = db->watcher.stop;
    pthread_mutex_unlock(&db->watcher.lock);
    return stop;
}

static int listen_all(PGconn *c)
{
    int fine = PQstatus(c) == CONNECTION_OK;
    for (size_t i = 0; i < sizeof channels / sizeof *channels && fine; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "LISTEN %s", channels[i].channel);
        PGresult *r = PQexec(c, sql);
        fine = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    return fine;
}

/* Until the connection is lost or the watcher is stopped. */
static void serve(struct db *db, PGconn *c)
{
    while (!stopping(db)) {
        PGnotify *n;
        struct pollfd fds[] = {{.fd = PQsocket(c), .events = POLLIN}, {.fd = db->watcher.wake, .events = POLLIN}};
        int ready = poll(fds, 2, CHECK_MS);
        if (ready == 0) {
            PGresult *r = PQexec(c, "SELECT 1");
            int alive = PQresultStatus(r) == PGRES_TUPLES_OK;
            PQclear(r);
            if (!alive)
                return;
        }
        if ((fds[0].revents && !PQconsumeInput(c)) || PQstatus(c) != CONNECTION_OK)
            return;
        while ((n = PQnotifies(c))) {
            wake(db, n->relname);
            PQfreemem(n);
        }
    }
}

static void *watch_main(void *arg)
{
    struct db *db = arg;
    int wait_ms = RETRY_MIN_MS;
    while (!stopping(db)) {
        PGconn *c = db_connect(db);
        if (c && listen_all(c)) {
            wait_ms = RETRY_MIN_MS;
            wake(db, NULL);
            serve(db, c);
        }
        PQfinish(c);
        struct pollfd fd = {.fd = db->watcher.wake, .events = POLLIN};
        if (!stopping(db))
            (void)poll(&fd, 1, wait_ms);
        wait_ms = wait_ms * 2 < RETRY_MAX_MS ? wait_ms * 2 : RETRY_MAX_MS;
    }
    return NULL;
}

int32_t db_watch(struct db *db, const char *table, voicegw_callback fn, void *arg)
{
    if (!db_channel(table))
        return db->host->set_error(db->host, VOICEGW_EINVALID,
                                   "jobs, messages, campaigns and outbox can be watched, no other table");
    pthread_mutex_lock(&db->watcher.lock);
    uint32_t at = db->watcher.count;
    int full = at == WATCHES_MAX || db->watcher.stop;
    if (!full) {
        db->watcher.watches[at] = (struct watch){.db = db, .table = table, .fn = fn, .arg = arg};
        for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
            if (strcmp(channels[i].table, table) == 0)
                db->watcher.watches[at].table = channels[i].table; /* the caller's text may go */
        }
        db->watcher.count++;
    }
    pthread_mutex_unlock(&db->watcher.lock);
    if (full)
        return db->host->set_error(db->host, VOICEGW_ELIMIT, "at most 8 watches, none after the drain");
    if (db->watcher.running)
        return VOICEGW_OK;
    db->watcher.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (db->watcher.wake < 0 || pthread_create(&db->watcher.thread, NULL, watch_main, db) != 0) {
        if (db->watcher.wake >= 0)
            close(db->watcher.wake);
        db->watcher.count = at;
        return db->host->set_error(db->host, VOICEGW_ELIMIT, "no thread can be started to watch the database");
    }
    db->watcher.running = 1;
    return VOICEGW_OK;
}

void db_watch_stop(struct db *db)
{
    uint64_t one = 1;
    pthread_mutex_lock(&db->watcher.lock);
    db->watcher.stop = 1;
    pthread_mutex_unlock(&db->watcher.lock);
    if (!db->watcher.running)
        return;
    if (write(db->watcher.wake, &one, sizeof one) == sizeof one)
        pthread_join(db->watcher.thread, NULL);
    close(db->watcher.wake);
    db->watcher.running = 0;
}

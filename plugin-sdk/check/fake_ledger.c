/* fake_ledger.c - what was asked, what was answered, and what was wrong about it. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { IDS_MAX = 4096, NOTES_MAX = 64 };
#define FIRST_ID UINT64_C(0x100000001)

struct entry {
    const char *what;
    unsigned owed, done;
    bool ended, forgiven;
};
static struct entry entries[IDS_MAX];
static unsigned entry_count;
static struct {
    enum fake_class class;
    char text[400];
} notes[NOTES_MAX];
static unsigned note_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local uint64_t inside;
static _Thread_local char sentence[1024];

void fake_violation(enum fake_class class, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    pthread_mutex_lock(&lock);
    if (note_count < NOTES_MAX) {
        notes[note_count].class = class;
        vsnprintf(notes[note_count].text, sizeof notes[0].text, fmt, ap);
        note_count++;
    }
    pthread_mutex_unlock(&lock);
    va_end(ap);
}

const char *fake_first(unsigned classes)
{
    for (unsigned i = 0; i < note_count; i++) {
        if (notes[i].class & classes)
            return notes[i].text;
    }
    return NULL;
}

static struct entry *find(uint64_t id)
{
    return id >= FIRST_ID && id < FIRST_ID + entry_count ? &entries[id - FIRST_ID] : NULL;
}

uint64_t fake_id(const char *what)
{
    pthread_mutex_lock(&lock);
    if (entry_count == IDS_MAX)
        entry_count = 0;
    entries[entry_count] = (struct entry){.what = what};
    uint64_t id = FIRST_ID + entry_count++;
    pthread_mutex_unlock(&lock);
    return id;
}

void fake_sentence_clear(void)
{
    sentence[0] = '\0';
}

const char *fake_sentence(void)
{
    return sentence;
}

/* Used by the host's set_error(). */
void fake_sentence_set(const char *text);
void fake_sentence_set(const char *text)
{
    snprintf(sentence, sizeof sentence, "%s", text ? text : "");
}

void fake_status(const char *what, int32_t rc)
{
    if (rc > 0 || rc < VOICEGW_EINTERNAL)
        fake_violation(FAKE_STATUS, "%s returned %d, which is no status of voicegw/status.h", what, rc);
    else if (rc < 0 && !sentence[0])
        fake_violation(FAKE_STATUS, "%s returned %d without a sentence: leave one by host->set_error()", what, rc);
}

void fake_call_begin(uint64_t id)
{
    inside = id;
    sentence[0] = '\0';
    /* Owed at once, so that an answer from another thread finds it; taken back when the call is refused. */
    find(id)->owed++;
}

void fake_call_end(uint64_t id, int32_t rc)
{
    inside = 0;
    fake_status(find(id)->what, rc);
    if (rc != 0)
        find(id)->owed--;
}

void fake_completed(uint64_t id, const char *what, bool inside_ok)
{
    pthread_mutex_lock(&lock);
    struct entry *e = find(id);
    unsigned done = e ? ++e->done : 0, owed = e ? e->owed : 0;
    if (e)
        e->ended = true;
    pthread_mutex_unlock(&lock);
    if (!e)
        fake_violation(FAKE_VALUE, "%s names %llu, which the gateway never gave out", what, (unsigned long long)id);
    else if (done > owed)
        fake_violation(FAKE_COUNT, "%s: %s for the %s time, once was owed", e->what, what,
                       owed == 0 ? "first" : "second");
    if (e && inside == id && !inside_ok)
        fake_violation(FAKE_INSIDE, "%s: %s came from inside the starting call: post it", e->what, what);
}

void fake_about(uint64_t id, const char *what)
{
    const struct entry *e = find(id);
    if (!e)
        fake_violation(FAKE_VALUE, "%s names %llu, which the gateway never gave out", what, (unsigned long long)id);
    else if (e->ended)
        fake_violation(FAKE_AFTER, "%s: %s came after its end", e->what, what);
}

bool fake_is_done(uint64_t id)
{
    const struct entry *e = find(id);
    return e && e->ended;
}

void fake_forgive(uint64_t id)
{
    struct entry *e = find(id);
    if (e)
        e->forgiven = true;
}

static const struct entry *first_owed(void)
{
    for (unsigned i = 0; i < entry_count; i++) {
        if (entries[i].done < entries[i].owed && !entries[i].forgiven)
            return &entries[i];
    }
    return NULL;
}

void fake_settle(void)
{
    fake_run(120 * INT64_C(1000000));
    /* A plugin's own threads live in real time: give them two seconds of it. */
    for (int i = 0; i < 200 && first_owed() && thread_count() > 1; i++) {
        poll(NULL, 0, 10);
        fake_run(INT64_C(1000000));
    }
    for (unsigned i = 0; i < entry_count; i++) {
        if (entries[i].done < entries[i].owed && !entries[i].forgiven)
            fake_violation(FAKE_COUNT, "%s was never completed", entries[i].what);
    }
}

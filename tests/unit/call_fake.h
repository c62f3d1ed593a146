/* call_fake.h - the rooms around calls, played by a test: events, journal, records, providers and media are written
 * down. */
#ifndef TESTS_UNIT_CALL_FAKE_H
#define TESTS_UNIT_CALL_FAKE_H
#include "call/calls.h"
#include "loop/driver.h"

#define FAKE_WALL INT64_C(1770000000000000)
#define FAKE_SECOND INT64_C(1000000)
#define FAKE_LOG_MAX 4096
#define FAKE_OPS_MAX 512

struct fake_event {
    char type[40], session_id[VGW_ID_MAX], call_id[VGW_ID_MAX];
    struct vgw_json *data;
};
struct fake_op {
    uint64_t id, call;
    int command;
    bool media;
    struct vgw_json *params;
};
struct fake {
    struct vgw_driver *driver;
    struct vgw_loop *loop;
    struct vgw_calls *calls;
    struct vgw_calls_limits limits;
    struct vgw_route_set *routes;
    struct fake_event events[FAKE_LOG_MAX];
    size_t event_count;
    void (*on_event)(struct fake *f, struct vgw_call *call, const char *type); /* may be NULL */
    char journal[FAKE_LOG_MAX][12];
    size_t journal_count;
    struct vgw_json *records[FAKE_LOG_MAX];
    size_t record_count;
    struct fake_op ops[FAKE_OPS_MAX]; /* not completed yet */
    size_t op_count;
    size_t ops_started;
    uint64_t caps;
    int op_status;       /* what starting an operation returns */
    int provider_status; /* and what the provider says before that, unless 0 */
    int instance_refs;
    int legs, begun, forgotten, held;
    bool keep_summary; /* released legs do not answer */
    bool workflow_ok;
    int workflows;
    int instance; /* its address is the instance */
    const char *max_duration, *record;
    int done_count, done_status;
    char done_text[VGW_ERROR_TEXT_MAX];
    struct vgw_json *done_result;
    size_t lines; /* of the log */
};
#define FAKE_CAPS_ALL UINT64_C(0xfff)      /* all operations, no media */
#define FAKE_CAPS_MEDIA (UINT64_C(0x1fff)) /* and media */

struct fake *fake_new(uint64_t seed, uint64_t caps);
/** Runs time until nothing is left, checks that nothing leaked, frees. */
void fake_free(struct fake *f);
void fake_run(struct fake *f, int64_t us);
/** How many events of a type; of all calls, or of one. */
size_t fake_events(const struct fake *f, const char *type, const char *call_id);
/** The last event of a type, or NULL. */
const struct fake_event *fake_last(const struct fake *f, const char *type);
/** "a b c": types in order, joined by spaces. */
char *fake_story(const struct fake *f);
size_t fake_journal(const struct fake *f, const char *kind);
/** Completes the oldest open operation of a command; false: none is open. */
bool fake_complete(struct fake *f, int command, int status, const char *result);
bool fake_has_op(const struct fake *f, int command);
struct vgw_call *fake_place(struct fake *f);
struct vgw_call *fake_incoming(struct fake *f, const char *id);
/** An outgoing call that was answered. */
struct vgw_call *fake_connected(struct fake *f);
void fake_report(struct fake *f, struct vgw_call *call, enum vgw_call_state state, enum vgw_outcome outcome);
int fake_command(struct fake *f, struct vgw_call *call, enum vgw_command command, const char *params, bool wait);
void fake_done(void *fake, int status, const char *sentence, const struct vgw_json *result);
struct vgw_json *fake_json(const char *text);
#endif

/* attempt.c - rows of messages and jobs as attempts begin and end. */
#include "delivery/attempt.h"

#include "base/str.h"
#include "delivery/message.h"
#include "store/record.h"

static const char *message_id(const struct vgw_json *row)
{
    return vgw_json_get_string(row, "message_id", "");
}

/* A column of the row and of the operation. */
static int set_text(struct vgw_json *row, struct vgw_json *values, const char *name, const char *text)
{
    int failed = vgw_json_set_string(values, name, text); /* first: `text` may be the row's own */
    return failed | vgw_json_set_string(row, name, text);
}

static int set_int(struct vgw_json *row, struct vgw_json *values, const char *name, int64_t i)
{
    return vgw_json_set_int(row, name, i) | vgw_json_set_int(values, name, i);
}

/* `version` is the number of attempts: an operation that is applied again later, from the journal, must not undo what
 * came after it. */
static int job_op(struct vgw_json *ops, const char *op, const struct vgw_json *row, const char *owner, int64_t version,
                  struct vgw_json *values)
{
    struct vgw_json *key = vgw_message_key("job_id", message_id(row)), *guard = vgw_message_key("owner", owner);
    if (key && guard && vgw_json_set_int(guard, "version", version) == 0)
        return vgw_json_append(ops, vgw_record_op(op, "jobs", key, values, guard));
    vgw_json_free(key);
    vgw_json_free(guard);
    vgw_json_free(values);
    return VGW_ELIMIT;
}

/* The same here; `node`, if there is one, is who has begun the attempt: another gateway has another name. */
static int message_op(struct vgw_json *ops, const struct vgw_json *row, const char *node, int64_t attempts,
                      const char *status, struct vgw_json *values)
{
    struct vgw_json *key = vgw_message_key("message_id", message_id(row)),
                    *guard = node ? vgw_message_key("node", node) : vgw_json_object();
    if (key && values && guard && vgw_json_set_int(guard, "attempts", attempts) == 0 &&
        vgw_json_set_string(guard, "status", status) == 0)
        return vgw_json_append(ops, vgw_record_op("update", "messages", key, values, guard));
    vgw_json_free(key);
    vgw_json_free(guard);
    vgw_json_free(values);
    return VGW_ELIMIT;
}

static int append_log(struct vgw_json *row, const char *provider, uint32_t index, int64_t attempt, int64_t wall_us)
{
    struct vgw_json *log = vgw_json_get(row, "attempt_log"), *entry = vgw_json_object();
    int failed = 0;
    if (!log) {
        failed = vgw_json_set(row, "attempt_log", vgw_json_array());
        log = vgw_json_get(row, "attempt_log");
    }
    failed |= entry ? 0 : VGW_ELIMIT;
    failed |= vgw_json_set_int(entry, "attempt", attempt);
    failed |= vgw_json_set_string(entry, "provider", provider);
    failed |= vgw_json_set_int(entry, "index", index);
    failed |= vgw_json_set_int(entry, "started_at", wall_us);
    return failed ? failed : vgw_json_append(log, entry);
}

int vgw_attempt_begin(struct vgw_json *row, const char *owner, const char *provider, uint32_t index, int64_t wall_us,
                      struct vgw_json *ops)
{
    struct vgw_json *values = vgw_json_object(), *job = vgw_json_object();
    int64_t attempt = vgw_json_get_int(row, "attempts", 0) + 1;
    char before[16];
    vgw_strcopy(before, sizeof before, vgw_json_get_string(row, "status", "queued"));
    int failed = values && job ? append_log(row, provider, index, attempt, wall_us) : VGW_ELIMIT;
    failed |= set_int(row, values, "attempts", attempt);
    failed |= set_text(row, values, "status", "calling");
    failed |= set_text(row, values, "provider", provider);
    failed |= set_text(row, values, "node", owner);
    failed |= set_int(row, values, "updated_at", wall_us);
    failed |= vgw_json_set(values, "call_id", NULL);
    failed |= vgw_json_set(values, "attempt_log", vgw_json_copy(vgw_json_get(row, "attempt_log")));
    failed |= vgw_json_set_int(job, "updated_at", wall_us);
    failed |= vgw_json_set_int(job, "version", attempt);
    failed |= job_op(ops, "update", row, owner, attempt - 1, job);
    failed |= message_op(ops, row, NULL, attempt - 1, before, values);
    return failed ? VGW_ELIMIT : VGW_OK;
}

static struct vgw_json *last_of(const struct vgw_json *row)
{
    const struct vgw_json *log = vgw_json_get(row, "attempt_log");
    size_t n = vgw_json_count(log);
    return n ? vgw_json_at(log, n - 1) : NULL;
}

uint32_t vgw_attempt_provider(const struct vgw_json *row, uint32_t providers)
{
    const struct vgw_json *last = last_of(row);
    int64_t index = vgw_json_get_int(last, "next", vgw_json_get_int(last, "index", 0));
    return providers && index > 0 ? (uint32_t)index % providers : 0;
}

static int postpone(const struct vgw_json *row, const char *owner, int64_t version, int64_t due_us, int64_t wall_us,
                    struct vgw_json *ops)
{
    struct vgw_json *job = vgw_json_object();
    int64_t attempts = vgw_json_get_int(row, "attempts", 0);
    int failed = job ? 0 : VGW_ELIMIT;
    if (version != attempts)
        failed |= vgw_json_set_int(job, "version", attempts);
    failed |= vgw_json_set_int(job, "due_at", due_us);
    failed |= vgw_json_set_string(job, "status", "queued");
    failed |= vgw_json_set(job, "owner", NULL);
    failed |= vgw_json_set(job, "claimed_until", NULL);
    failed |= vgw_json_set_int(job, "updated_at", wall_us);
    failed |= job_op(ops, "update", row, owner, version, job);
    return failed ? VGW_ELIMIT : VGW_OK;
}

int vgw_attempt_postpone(const struct vgw_json *row, const char *owner, int64_t due_us, int64_t wall_us,
                         struct vgw_json *ops)
{
    return postpone(row, owner, vgw_json_get_int(row, "attempts", 0), due_us, wall_us, ops);
}

int vgw_attempt_undo(struct vgw_json *row)
{
    const struct vgw_json *log = vgw_json_get(row, "attempt_log");
    struct vgw_json *kept = vgw_json_array();
    int64_t attempts = vgw_json_get_int(row, "attempts", 1) - 1;
    int failed = kept ? 0 : VGW_ELIMIT;
    for (size_t i = 0; i + 1 < vgw_json_count(log) && !failed; i++)
        failed |= vgw_json_append(kept, vgw_json_copy(vgw_json_at(log, i)));
    failed |= vgw_json_set(row, "attempt_log", kept);
    failed |= vgw_json_set_int(row, "attempts", attempts);
    failed |= vgw_json_set_string(row, "status", attempts ? "retrying" : "queued");
    return failed ? VGW_ELIMIT : VGW_OK;
}

int vgw_attempt_take_back(struct vgw_json *row, const char *owner, int64_t due_us, int64_t wall_us,
                          struct vgw_json *ops)
{
    struct vgw_json *values = vgw_json_object();
    int failed = values ? vgw_attempt_undo(row) : VGW_ELIMIT;
    int64_t attempts = vgw_json_get_int(row, "attempts", 0);
    failed |= vgw_json_set(values, "attempt_log", vgw_json_copy(vgw_json_get(row, "attempt_log")));
    failed |= set_int(row, values, "attempts", attempts);
    failed |= set_text(row, values, "status", vgw_json_get_string(row, "status", "queued"));
    failed |= set_int(row, values, "updated_at", wall_us);
    failed |= message_op(ops, row, owner, attempts + 1, "calling", values);
    failed |= postpone(row, owner, attempts + 1, due_us, wall_us, ops);
    return failed ? VGW_ELIMIT : VGW_OK;
}

struct vgw_retry_answer vgw_attempt_decide(const struct vgw_json *row, const struct vgw_retry_policy *policy,
                                           const struct vgw_attempt_result *result, uint32_t providers,
                                           struct vgw_rng *rng)
{
    const struct vgw_json *log = vgw_json_get(row, "attempt_log");
    struct vgw_retry_past past = {.attempts = (uint32_t)vgw_json_get_int(row, "attempts", 0),
                                  .provider = (uint32_t)vgw_json_get_int(last_of(row), "index", 0),
                                  .providers = providers ? providers : 1};
    for (size_t i = 0; i < vgw_json_count(log); i++) {
        int outcome = vgw_attempt_outcome_of(vgw_json_get_string(vgw_json_at(log, i), "outcome", NULL));
        if (outcome >= 0)
            past.by_outcome[outcome]++;
    }
    past.by_outcome[result->outcome]++;
    if (result->final || result->canceled)
        return (struct vgw_retry_answer){.again = false, .provider = past.provider};
    return vgw_retry_decide(policy, &past, result->outcome, result->retryable, result->hint_us, rng);
}

static int set_if(struct vgw_json *o, const char *name, const char *text)
{
    return text && *text ? vgw_json_set_string(o, name, text) : VGW_OK;
}

static int end_log(struct vgw_json *row, const struct vgw_attempt_result *r, const struct vgw_retry_answer *answer,
                   int64_t wall_us)
{
    struct vgw_json *entry = last_of(row);
    int failed = 0;
    if (!entry)
        return VGW_OK;
    failed |= vgw_json_set_int(entry, "ended_at", wall_us);
    failed |= vgw_json_set_string(entry, "outcome", vgw_attempt_outcome_name(r->outcome));
    failed |= set_if(entry, "call_id", r->call_id);
    failed |= set_if(entry, "answered_by", r->answered_by);
    failed |= set_if(entry, "error", r->error);
    failed |= set_if(entry, "error_class", r->error_class);
    if (r->cost >= 0)
        failed |= vgw_json_set_double(entry, "cost", r->cost);
    if (answer->again)
        failed |= vgw_json_set_int(entry, "next", answer->provider);
    return failed;
}

static const char *status_of(const struct vgw_attempt_result *r, bool again)
{
    if (r->outcome == VGW_ATTEMPT_DELIVERED)
        return "delivered";
    return again ? "retrying" : r->canceled ? "canceled" : "failed";
}

int vgw_attempt_settle(struct vgw_json *row, const char *owner, const struct vgw_attempt_result *r,
                       const struct vgw_retry_answer *answer, int64_t due_us, int64_t wall_us, struct vgw_json *ops)
{
    struct vgw_json *values = vgw_json_object();
    int failed = values ? end_log(row, r, answer, wall_us) : VGW_ELIMIT;
    bool begun = vgw_streq(vgw_json_get_string(row, "status", NULL), "calling");
    char before[16];
    vgw_strcopy(before, sizeof before, vgw_json_get_string(row, "status", "queued"));
    failed |= set_text(row, values, "status", status_of(r, answer->again));
    failed |= set_text(row, values, "outcome", vgw_attempt_outcome_name(r->outcome));
    failed |= set_text(row, values, "error", r->error);
    failed |= set_text(row, values, "error_class", r->error_class);
    failed |= vgw_json_set(values, "attempt_log", vgw_json_copy(vgw_json_get(row, "attempt_log")));
    failed |= set_int(row, values, "updated_at", wall_us);
    if (r->call_id)
        failed |= set_text(row, values, "call_id", r->call_id) | set_text(row, values, "session_id", r->session_id);
    if (r->transcript && *r->transcript)
        failed |= set_text(row, values, "transcript", r->transcript);
    if (r->cost >= 0) {
        double cost = vgw_json_get_double(row, "cost", 0) + r->cost;
        failed |= vgw_json_set_double(row, "cost", cost) | vgw_json_set_double(values, "cost", cost);
        failed |= set_text(row, values, "currency", r->currency);
    }
    if (answer->again)
        failed |= set_int(row, values, "due_at", due_us);
    else
        failed |= set_int(row, values, "finished_at", wall_us);
    /* One that was never begun by this owner bears no name of its node. */
    int64_t attempts = vgw_json_get_int(row, "attempts", 0);
    failed |= message_op(ops, row, begun ? vgw_json_get_string(row, "node", owner) : NULL, attempts, before, values);
    failed |= answer->again ? postpone(row, owner, attempts, due_us, wall_us, ops)
                            : job_op(ops, "delete", row, owner, attempts, NULL);
    return failed ? VGW_ELIMIT : VGW_OK;
}

int vgw_attempt_price(struct vgw_json *row, const char *call_id, double cost, const char *currency, double *ret_more,
                      struct vgw_json *ops)
{
    const struct vgw_json *log = vgw_json_get(row, "attempt_log");
    struct vgw_json *entry = NULL, *values;
    for (size_t i = 0; i < vgw_json_count(log) && !entry; i++)
        if (vgw_streq(vgw_json_get_string(vgw_json_at(log, i), "call_id", NULL), call_id))
            entry = vgw_json_at(log, i);
    if (!entry)
        return VGW_ENOTFOUND;
    double more = cost - vgw_json_get_double(entry, "cost", 0), sum = vgw_json_get_double(row, "cost", 0) + more;
    int failed = (values = vgw_json_object()) ? 0 : VGW_ELIMIT;
    failed |= vgw_json_set_double(entry, "cost", cost);
    failed |= vgw_json_set_double(row, "cost", sum) | vgw_json_set_double(values, "cost", sum);
    failed |= set_text(row, values, "currency", currency);
    failed |= vgw_json_set(values, "attempt_log", vgw_json_copy(log));
    failed |= message_op(ops, row, NULL, vgw_json_get_int(row, "attempts", 0),
                         vgw_json_get_string(row, "status", "queued"), values);
    if (!failed && ret_more)
        *ret_more = more;
    return failed ? VGW_ELIMIT : VGW_OK;
}

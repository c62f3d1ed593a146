/* conference.c - who hears whom: members of a mix, their roles, and what follows when one leaves. */
#include "call/conference.h"

#include "base/alloc.h"
#include "base/str.h"
#include "call/inside.h"
#include "loop/handle.h"
#include "voicegw/plugin.h"

static struct vgw_member *member_at(struct vgw_list *p)
{
    return VGW_CONTAINER_OF(p, struct vgw_member, link);
}

bool vgw_conference_can(const struct vgw_call *call)
{
    return (call->caps & VOICEGW_CAP_MEDIA) && !call->documents && call->calls->env.media_attach;
}

/* ---- roles ---- */

static uint32_t talkers(const struct vgw_conference *c)
{
    struct vgw_list *p, *n;
    uint32_t count = 0;
    VGW_LIST_EACH (p, n, &c->members)
        count += member_at(p)->mode == VGW_MEMBER_TALK;
    return count;
}

static bool is_watched(const struct vgw_member *m)
{
    return m->conference->kind == VGW_CONFERENCE_WATCH && !m->watched;
}

static bool broken_into(const struct vgw_conference *c)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &c->members)
        if (member_at(p)->watched && member_at(p)->mode == VGW_MEMBER_TALK)
            return true;
    return false;
}

static struct vgw_mixer_role role_of(const struct vgw_member *m, uint32_t talking)
{
    const struct vgw_conference *c = m->conference;
    bool watched = is_watched(m);
    bool alone = c->kind != VGW_CONFERENCE_WATCH && !m->watched && (talking < 2 || !c->begun);
    struct vgw_mixer_role role = {.music = m->held || alone, .shares = watched};
    role.hears = !role.music;
    role.aside = !watched || broken_into(c);
    if (m->held || m->muted || m->mode == VGW_MEMBER_LISTEN)
        role.heard_by = 0;
    else if (m->mode == VGW_MEMBER_WHISPER)
        role.heard_by = m->to && m->to->port ? vgw_mixer_port_bit(m->to->port) : 0;
    else
        role.heard_by = VGW_MIXER_ALL;
    return role;
}

struct vgw_mixer_role vgw_conference_role(const struct vgw_member *m)
{
    return role_of(m, talkers(m->conference));
}

void vgw_conference_update(struct vgw_conference *c)
{
    struct vgw_list *p, *n;
    uint32_t talking = talkers(c);
    VGW_LIST_EACH (p, n, &c->members) {
        struct vgw_mixer_role role = role_of(member_at(p), talking);
        if (member_at(p)->port)
            vgw_mixer_port_set(member_at(p)->port, &role);
    }
}

/* ---- life ---- */

static void on_mixer_gone(void *arg)
{
    struct vgw_calls *calls = arg;
    calls->mixes--;
}

static void conference_free(struct vgw_conference *c)
{
    vgw_list_remove(&c->link);
    if (c->mixer)
        vgw_mixer_end(c->mixer);
    vgw_free(c->name);
    vgw_free(c->project_id);
    vgw_free(c);
}

int vgw_conference_new(struct vgw_call *beside, enum vgw_conference_kind kind, const char *name,
                       struct vgw_conference **ret_conference, struct vgw_error *err)
{
    struct vgw_calls *calls = beside->calls;
    struct vgw_conference *c;
    uint64_t leg;
    int status = vgw_calls_leg(calls, beside, &leg, err);
    struct vgw_loop *worker = status == VGW_OK ? vgw_handle_loop(leg) : NULL;
    if (status != VGW_OK)
        return status;
    if (!worker)
        return vgw_error_set(err, VGW_ENOTFOUND, "the call's media is gone");
    if (!VGW_NEW(c))
        return vgw_error_nomem(err);
    c->calls = calls;
    c->kind = kind;
    c->begun = kind != VGW_CONFERENCE_NAMED;
    vgw_list_init(&c->members);
    vgw_list_append(&calls->conferences, &c->link);
    if (!vgw_text_set(&c->name, name ? name : "") || !vgw_text_set(&c->project_id, beside->session->project_id) ||
        vgw_mixer_new(worker, calls->env.loop, on_mixer_gone, calls, &c->mixer, NULL) < 0) {
        conference_free(c);
        return vgw_error_nomem(err);
    }
    calls->mixes++;
    *ret_conference = c;
    return VGW_OK;
}

void vgw_conference_drop_empty(struct vgw_conference *c)
{
    if (c && !c->count)
        conference_free(c);
}

/* ---- events ---- */

static void tell(struct vgw_call *call, const char *type, const char *name, uint32_t participants)
{
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "conference", name);
    vgw_json_set_int(data, "participants", participants);
    vgw_calls_emit(type, call->session, call, data);
}

static void tell_monitor(struct vgw_call *call, bool started, const char *watched, enum vgw_member_mode mode)
{
    static const char *const types[] = {"monitor_stopped", "monitor_started"};
    static const char *const modes[] = {"barge", "listen", "whisper"};
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "monitored", watched);
    vgw_json_set_string(data, "mode", modes[mode]);
    vgw_calls_emit(types[started], call->session, call, data);
}

/* ---- joining ---- */

static int enter(struct vgw_conference *c, struct vgw_call *call, const struct vgw_member *like,
                 struct vgw_member **ret_member, struct vgw_error *err)
{
    struct vgw_member *m;
    uint64_t leg;
    int status = vgw_calls_leg(c->calls, call, &leg, err);
    if (status != VGW_OK)
        return status;
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    if (like)
        *m = *like;
    m->conference = c;
    m->call = call;
    m->port = NULL;
    struct vgw_mixer_role role = role_of(m, talkers(c) + (m->mode == VGW_MEMBER_TALK));
    status = vgw_mixer_join(c->mixer, leg, &role, &m->port, err);
    if (status != VGW_OK) {
        vgw_free(m);
        return status;
    }
    vgw_list_append(&c->members, &m->link);
    c->count++;
    call->member = m;
    m->holds = !is_watched(m);
    if (m->holds)
        vgw_session_hold(call->session);
    c->begun = c->begun || (!m->waits_for_start && m->mode == VGW_MEMBER_TALK);
    c->bridged = c->bridged || talkers(c) >= 2;
    *ret_member = m;
    return VGW_OK;
}

static void exit_quietly(struct vgw_member *m)
{
    struct vgw_conference *c = m->conference;
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &c->members) {
        struct vgw_member *other = member_at(p);
        other->to = other->to == m ? NULL : other->to; /* who whispered to it only listens now */
    }
    vgw_mixer_port_leave(m->port);
    vgw_list_remove(&m->link);
    c->count--;
    m->call->member = NULL;
}

/* Who listens in on a call goes where it goes. */
static void bring_watchers(struct vgw_conference *from, struct vgw_member *watched)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &from->members) {
        struct vgw_member *m = member_at(p), *moved;
        struct vgw_session *s = m->call->session;
        struct vgw_error err = {0};
        exit_quietly(m);
        m->to = m->mode == VGW_MEMBER_WHISPER ? watched : NULL;
        if (enter(watched->conference, m->call, m, &moved, &err) != VGW_OK)
            vgw_log(VGW_LOG_WARNING, &m->call->scope, "who listened in could not come along", "error", err.text, NULL);
        vgw_free(m);
        vgw_session_release(s); /* held anew where it is now */
    }
    conference_free(from);
}

static void sweep(struct vgw_calls *calls);

int vgw_conference_add(struct vgw_conference *c, struct vgw_call *call, const struct vgw_member *like,
                       struct vgw_error *err)
{
    struct vgw_member *m = NULL, *old = call->member;
    struct vgw_conference *from = old ? old->conference : NULL;
    if (old && !is_watched(old))
        return vgw_error_set(err, VGW_EBUSY, "the call is joined with others already");
    if (old) {
        exit_quietly(old);
        vgw_free(old);
    }
    int status = enter(c, call, like, &m, err);
    if (status != VGW_OK) {
        if (from)
            from->over = "monitored_call_left";
        sweep(c->calls);
        return status;
    }
    if (from)
        bring_watchers(from, m);
    vgw_conference_update(c);
    uint32_t count = c->count;
    bool named = c->kind == VGW_CONFERENCE_NAMED && !m->watched, first = !c->told;
    enum vgw_member_mode mode = m->mode;
    char name[VGW_CALLS_PARTY_MAX + 1], watched[VGW_ID_MAX];
    (void)vgw_strcopy(name, sizeof name, c->name);
    (void)vgw_strcopy(watched, sizeof watched, m->watched ? m->watched->call_id : "");
    c->told = c->told || named;
    /* Whoever hears of it may act at once: nothing is touched behind. */
    if (named && first)
        tell(call, "conference_started", name, 1);
    if (named)
        tell(call, "conference_joined", name, count);
    else if (watched[0])
        tell_monitor(call, true, watched, mode);
    return VGW_OK;
}

/* ---- leaving ---- */

/* What becomes of those who are left, or NULL: they go on. */
static const char *over_by(const struct vgw_conference *c, const struct vgw_member *left)
{
    if (is_watched(left))
        return "monitored_call_over";
    if (c->kind == VGW_CONFERENCE_WATCH)
        return c->count < 2 ? "not_monitored" : NULL;
    if (c->kind == VGW_CONFERENCE_BRIDGE)
        return c->bridged && talkers(c) < 2 ? "bridge_over" : NULL;
    return left->end_on_exit || !talkers(c) ? "conference_over" : NULL;
}

/* The call is on its own again: a run goes on with it, or what led it before; else it is over. */
static void let_go(struct vgw_call *call, bool ends, bool back, const char *cause)
{
    struct vgw_session *s = call->session;
    if (back) {
        s->holds--;
        return;
    }
    vgw_session_release(s);
    if (ends && !s->holds && !call->settled)
        vgw_call_end(call, VGW_OUTCOME_NONE, cause, NULL);
}

static void part(struct vgw_member *m, const char *event, bool back, const char *cause)
{
    struct vgw_conference *c = m->conference;
    struct vgw_call *call = m->call;
    bool named = c->kind == VGW_CONFERENCE_NAMED, told = named && !m->watched, held = m->holds;
    enum vgw_member_mode mode = m->mode;
    char name[VGW_CALLS_PARTY_MAX + 1], watched[VGW_ID_MAX];
    (void)vgw_strcopy(name, sizeof name, c->name);
    (void)vgw_strcopy(watched, sizeof watched, m->watched ? m->watched->call_id : "");
    exit_quietly(m);
    uint32_t left = c->count;
    const char *over = over_by(c, m);
    c->over = c->over ? c->over : over;
    vgw_free(m);
    if (left)
        vgw_conference_update(c);
    else
        conference_free(c);
    /* Whoever hears of it may act at once: nothing is touched behind. */
    if (told)
        tell(call, event, name, left);
    if (watched[0])
        tell_monitor(call, false, watched, mode);
    if (named && !left)
        tell(call, "conference_ended", name, 0);
    if (held)
        let_go(call, !named || watched[0], back, cause);
}

/* Those who listen in on a call that is gone, and all of a conference that is over. */
static struct vgw_member *due(struct vgw_calls *calls)
{
    struct vgw_list *p, *n, *q, *o;
    VGW_LIST_EACH (p, n, &calls->conferences) {
        struct vgw_conference *c = VGW_CONTAINER_OF(p, struct vgw_conference, link);
        VGW_LIST_EACH (q, o, &c->members) {
            const struct vgw_call *watched = member_at(q)->watched;
            if (c->over || (watched && (!watched->member || watched->member->conference != c)))
                return member_at(q);
        }
    }
    return NULL;
}

static void sweep(struct vgw_calls *calls)
{
    struct vgw_member *m;
    if (calls->sweeping)
        return;
    calls->sweeping = true;
    while ((m = due(calls)))
        part(m, "conference_left", false, m->conference->over ? m->conference->over : "monitored_call_over");
    calls->sweeping = false;
}

void vgw_conference_leave(struct vgw_call *call, bool back)
{
    if (!call->member)
        return;
    part(call->member, "conference_left", back, "left");
    sweep(call->calls);
}

/* ---- commands ---- */

static struct vgw_conference *find_named(const struct vgw_call *call, const char *name)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &call->calls->conferences) {
        struct vgw_conference *c = VGW_CONTAINER_OF(p, struct vgw_conference, link);
        if (c->kind == VGW_CONFERENCE_NAMED && !c->over && vgw_streq(c->name, name) &&
            vgw_streq(c->project_id, call->session->project_id))
            return c;
    }
    return NULL;
}

static int done(struct vgw_op *op, const struct vgw_conference *c, struct vgw_error *err)
{
    struct vgw_json *result = vgw_json_object();
    if (c && c->name[0])
        vgw_json_set_string(result, "conference", c->name);
    if (c)
        vgw_json_set_int(result, "participants", c->count);
    vgw_json_set_string(result, "outcome", "completed");
    return vgw_op_defer(op, result) == VGW_OK ? VGW_OK : vgw_error_nomem(err);
}

static int join(struct vgw_op *op, const char *asked, struct vgw_error *err)
{
    char name[VGW_CALLS_PARTY_MAX + 1]; /* the command may be gone by the end of this */
    const struct vgw_json *p = op->params;
    struct vgw_call *call = op->call;
    uint64_t id = op->id;
    (void)vgw_strcopy(name, sizeof name, asked);
    struct vgw_conference *c = find_named(call, name);
    struct vgw_member like = {.muted = vgw_json_get_bool(p, "muted", false),
                              .waits_for_start = !vgw_json_get_bool(p, "start_on_enter", true),
                              .end_on_exit = vgw_json_get_bool(p, "end_on_exit", false)};
    int status = c ? VGW_OK : vgw_conference_new(call, VGW_CONFERENCE_NAMED, name, &c, err);
    if (status == VGW_OK && (status = vgw_conference_add(c, call, &like, err)) != VGW_OK)
        vgw_conference_drop_empty(find_named(call, name));
    if (status != VGW_OK || !(op = vgw_op_find(call->calls, id)))
        return status;
    return done(op, call->member ? call->member->conference : NULL, err);
}

static int move(struct vgw_op *op, const char *verb, struct vgw_error *err)
{
    static const char *const events[] = {"conference_held", "conference_resumed", "conference_muted",
                                         "conference_unmuted"};
    static const char *const verbs[] = {"hold", "resume", "mute", "unmute"};
    struct vgw_call *call = op->call;
    struct vgw_member *m = call->member;
    struct vgw_conference *c = m->conference;
    int status = done(op, c, err);
    if (status != VGW_OK)
        return status;
    if (vgw_streq(verb, "leave") || vgw_streq(verb, "kick")) {
        bool kick = verb[0] == 'k';
        part(m, kick ? "conference_kicked" : "conference_left", false, "left");
        sweep(call->calls);
        if (kick && !call->settled)
            vgw_call_end(call, VGW_OUTCOME_NONE, "removed from the conference", NULL);
        return VGW_OK;
    }
    for (size_t i = 0; i < 4; i++) {
        if (!vgw_streq(verb, verbs[i]))
            continue;
        if (i < 2)
            m->held = i == 0;
        else
            m->muted = i == 2;
        vgw_conference_update(c);
        tell(call, events[i], c->name, c->count);
        break; /* whoever heard of it may have ended the call, and the command with it */
    }
    return VGW_OK;
}

int vgw_conference_command(struct vgw_op *op, struct vgw_error *err)
{
    const char *name = vgw_json_get_string(op->params, "name", "");
    const char *verb = vgw_json_get_string(op->params, "participant", "join");
    const struct vgw_member *m = op->call->member;
    if (vgw_streq(verb, "join"))
        return join(op, name, err);
    if (!m || m->conference->kind != VGW_CONFERENCE_NAMED || !vgw_streq(m->conference->name, name))
        return vgw_error_set(err, VGW_ENOTFOUND, "the call is not in this conference");
    return move(op, verb, err);
}

static enum vgw_member_mode mode_of(const struct vgw_json *params)
{
    const char *mode = vgw_json_get_string(params, "mode", "listen");
    return vgw_streq(mode, "barge")     ? VGW_MEMBER_TALK
           : vgw_streq(mode, "whisper") ? VGW_MEMBER_WHISPER
                                        : VGW_MEMBER_LISTEN;
}

static int watch(struct vgw_op *op, struct vgw_call *watched, struct vgw_error *err)
{
    struct vgw_call *call = op->call;
    struct vgw_conference *c = watched->member ? watched->member->conference : NULL;
    struct vgw_member like = {.mode = mode_of(op->params), .watched = watched};
    int status = VGW_OK;
    if (!c && (status = vgw_conference_new(watched, VGW_CONFERENCE_WATCH, NULL, &c, err)) == VGW_OK &&
        (status = vgw_conference_add(c, watched, NULL, err)) != VGW_OK)
        vgw_conference_drop_empty(c);
    if (status != VGW_OK)
        return status;
    like.to = like.mode == VGW_MEMBER_WHISPER ? watched->member : NULL;
    status = vgw_conference_add(c, call, &like, err);
    if (status != VGW_OK && c->kind == VGW_CONFERENCE_WATCH && c->count < 2)
        vgw_conference_leave(watched, true);
    return status;
}

static void change_mode(struct vgw_member *m, enum vgw_member_mode mode)
{
    struct vgw_call *call = m->call;
    char watched[VGW_ID_MAX];
    (void)vgw_strcopy(watched, sizeof watched, m->watched->call_id);
    m->mode = mode;
    m->to = mode == VGW_MEMBER_WHISPER ? m->watched->member : NULL;
    vgw_conference_update(m->conference);
    tell_monitor(call, true, watched, mode);
}

int vgw_conference_monitor(struct vgw_op *op, struct vgw_error *err)
{
    struct vgw_call *call = op->call;
    uint64_t id = op->id;
    struct vgw_call *watched = vgw_calls_find(call->calls, vgw_json_get_string(op->params, "call", ""));
    if (!watched || watched == call || !vgw_streq(watched->session->project_id, call->session->project_id))
        return vgw_error_at(err, VGW_ENOTFOUND, "call", "there is no such other call to listen in on");
    if (!vgw_conference_can(watched) || !watched->answered_wall_us || watched->ending)
        return vgw_error_at(err, VGW_EBUSY, "call", "only a connected call whose audio comes here can be listened to");
    if (call->member && call->member->watched == watched) {
        change_mode(call->member, mode_of(op->params));
    } else if (call->member) {
        return vgw_error_set(err, VGW_EBUSY, "the call is joined with others already");
    } else {
        int status = watch(op, watched, err);
        if (status != VGW_OK)
            return status;
    }
    return (op = vgw_op_find(call->calls, id)) ? done(op, NULL, err) : VGW_OK;
}

/* ---- showing ---- */

static struct vgw_json *members_json(const struct vgw_conference *c)
{
    static const char *const modes[] = {"talk", "listen", "whisper"};
    struct vgw_json *a = vgw_json_array();
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &c->members) {
        const struct vgw_member *m = member_at(p);
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "call_id", m->call->call_id);
        vgw_json_set_string(o, "mode", modes[m->mode]);
        vgw_json_set_bool(o, "muted", m->muted);
        vgw_json_set_bool(o, "held", m->held);
        vgw_json_append(a, o);
    }
    return a;
}

struct vgw_json *vgw_conferences_json(struct vgw_calls *calls, bool (*sees)(void *arg, const char *project_id),
                                      void *arg)
{
    struct vgw_json *a = vgw_json_array();
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &calls->conferences) {
        const struct vgw_conference *c = VGW_CONTAINER_OF(p, struct vgw_conference, link);
        if (c->kind != VGW_CONFERENCE_NAMED || !sees(arg, c->project_id))
            continue;
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "conference", c->name);
        vgw_json_set_string(o, "project_id", c->project_id);
        vgw_json_set(o, "participants", members_json(c));
        vgw_json_append(a, o);
    }
    return a;
}

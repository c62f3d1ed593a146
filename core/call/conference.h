/* conference.h - calls that hear each other through the gateway's own mixer (media/mixer.h): named conferences, the two
 * ends of a transfer, and who listens in on a call. For calls whose audio comes here; providers with conferences of
 * their own keep theirs. Control thread. */
#ifndef VGW_CALL_CONFERENCE_H
#define VGW_CALL_CONFERENCE_H
#include "call/call.h"
#include "media/mixer.h"

enum vgw_conference_kind {
    VGW_CONFERENCE_NAMED,  /* goes on with whoever is left; a lone participant hears music */
    VGW_CONFERENCE_BRIDGE, /* the ends of a transfer: one that leaves ends the other, unless a run goes on with it */
    VGW_CONFERENCE_WATCH,  /* a call that goes on as it was, with those who listen in */
};

enum vgw_member_mode {
    VGW_MEMBER_TALK,    /* heard by all */
    VGW_MEMBER_LISTEN,  /* hears, is not heard */
    VGW_MEMBER_WHISPER, /* is heard by one participant only */
};

struct vgw_conference;

struct vgw_member { /* a call's place */
    struct vgw_list link;
    struct vgw_conference *conference;
    struct vgw_call *call;
    struct vgw_mixer_port *port;
    enum vgw_member_mode mode;
    struct vgw_member *to;    /* whom it whispers to */
    struct vgw_call *watched; /* the call that it listens in on, or NULL */
    bool muted, held;         /* as participant */
    bool waits_for_start;     /* the conference does not begin with this one */
    bool end_on_exit;         /* it ends when this one leaves */
    bool holds;               /* its session is held by it */
};

struct vgw_conference {
    struct vgw_list link;
    struct vgw_calls *calls;
    enum vgw_conference_kind kind;
    char *name, *project_id; /* of a named one */
    struct vgw_mixer *mixer;
    struct vgw_list members;
    uint32_t count;
    bool begun;       /* somebody came with whom it begins */
    bool bridged;     /* two have talked */
    bool told;        /* that it has started */
    const char *over; /* why those who are left leave too; or NULL */
};

/** A new one beside the leg of that call, empty. */
int vgw_conference_new(struct vgw_call *beside, enum vgw_conference_kind kind, const char *name,
                       struct vgw_conference **ret_conference, struct vgw_error *err);
/** The call takes part; what it was listened in on by comes along. `like`: mode and marks (may be NULL). VGW_EBUSY: it
 * is in one already. */
int vgw_conference_add(struct vgw_conference *c, struct vgw_call *call, const struct vgw_member *like,
                       struct vgw_error *err);
/** An empty one goes. Takes NULL. */
void vgw_conference_drop_empty(struct vgw_conference *c);
/** The call does not take part any more; `back`: it goes on as before it joined, nothing is ended by it. Bears a call
 * that is in none. */
void vgw_conference_leave(struct vgw_call *call, bool back);
/** What it may do now. */
struct vgw_mixer_role vgw_conference_role(const struct vgw_member *m);
/** Roles and music as they should be now. */
void vgw_conference_update(struct vgw_conference *c);
/** May the gateway mix this call? */
bool vgw_conference_can(const struct vgw_call *call);
/** The commands conference (joins, or moves a participant) and monitor. The result is told at the next turn. */
struct vgw_op;
int vgw_conference_command(struct vgw_op *op, struct vgw_error *err);
int vgw_conference_monitor(struct vgw_op *op, struct vgw_error *err);
#endif

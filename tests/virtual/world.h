/* world.h - one seed's world: a whole gateway on a virtual clock, what is done to it, and what must hold. */
#ifndef VIRTUAL_WORLD_H
#define VIRTUAL_WORLD_H
#include <stdio.h>
#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "base/time.h"
#include "gateway/gateway.h"
#include "loop/driver.h"

#define WORLD_WALL_US (INT64_C(1790000000) * VGW_US_PER_S)

struct world_options {
    const char *plugins, *chaos, *dir; /* the plugins' folders; a folder of our own */
    bool verbose;
};

struct world {
    const struct world_options *options;
    uint64_t seed;
    struct vgw_rng rng; /* of what is done; the driver has one of its own for the order */
    struct vgw_driver *driver;
    struct vgw_loop *control;
    struct vgw_gateway *gateway;
    struct vgw_bus_sub *sub;
    const char *dirs[2];
    char config[512], state[512], data[512];
    uint64_t last_event;
    uint32_t names_before[8];
    struct vgw_map *calls;    /* call_id -> struct seen */
    struct vgw_map *sessions; /* session_id -> struct seen */
    struct vgw_timer act_timer;
    unsigned acts_left;
    struct vgw_list commands; /* of struct asked */
    unsigned asked;
    bool drained, rows_read, restarted;
    bool reloading;    /* one is asked for and not answered */
    char failure[600]; /* "" while all is well; the first thing that was not */
};

struct seen { /* of a call or a session, by its events */
    unsigned began, ended;
};

/** Keeps the first failure. */
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A folder, a driver and a gateway that runs; false with a failure. `yaml` is the configuration. */
bool world_open(struct world *w, const struct world_options *options, uint64_t seed, const char *yaml);
/** Stops it in the midst of its calls and starts it again on the same data. */
bool world_restart(struct world *w);
/** Writes the configuration file. */
bool world_configure(struct world *w, const char *yaml);
/** Holds at any time. */
void world_check(struct world *w);
/** Waits until all is over, then holds everything against what was seen. */
void world_settle(struct world *w);
/** Ends everything and removes the files. */
void world_close(struct world *w);
/** Removes the folder of our own, at the very end. */
void world_clean(const struct world_options *options);
/** The world whose seed is being run, for what has no argument. */
extern struct world *world_now;

/** The configuration of a seed; `version` 0 is the one to start with, others are for reloads. Caller frees. */
char *config_random(struct world *w, unsigned version);
/** One that behaves, for scenarios of their own. */
void config_polite(struct vgw_buf *b, const struct world_options *options, const char *more, const char *call_limit,
                   const char *silence);

/** Does something at random times, `count` times. */
void acts_start(struct world *w, unsigned count);
/** Each command that was taken has come back once. */
void acts_check(struct world *w);
void acts_free(struct world *w);

/** Scenarios with a known course; how many failed. */
unsigned promises_run(const struct world_options *options, unsigned *ret_passed);
/** The same about messages. */
unsigned delivery_run(const struct world_options *options, unsigned *ret_passed);

static inline bool chance(struct world *w, unsigned percent)
{
    return vgw_rng_below(&w->rng, 100) < percent;
}
#endif

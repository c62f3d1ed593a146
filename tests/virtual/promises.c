/* promises.c - courses that are known beforehand: what is promised about time, to the microsecond. */
#include "world.h"

unsigned promises_run(const struct world_options *options, unsigned *ret_passed)
{
    *ret_passed = 0;
    return 0;
}

/* check.h - for the thread tests: plain programs, because the unit framework does not start under the thread sanitizer.
 */
#ifndef VGW_TESTS_THREADS_CHECK_H
#define VGW_TESTS_THREADS_CHECK_H
#include <stdio.h>

static int check_passed, check_failed;
#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (cond) {                                                                                                    \
            check_passed++;                                                                                            \
        } else {                                                                                                       \
            check_failed++;                                                                                            \
            printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);                                           \
        }                                                                                                              \
    } while (0)
static inline int check_end(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed != 0;
}
#endif

/* SPDX-License-Identifier: MIT */
/* The long slices of a loop: which task held it lately, and until when.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__CORE_ACCOUNT_SLICE_H
#define WEIR__CORE_ACCOUNT_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir__loop;
struct weir__task;

enum { WEIR__SLICES_KEPT = 16, WEIR__SLICE_TASK_BYTES = 48 };

/* Slices longer than this are kept. */
#ifndef WEIR__SLICE_LONG_NS /* under valgrind all takes longer, see tools/build */
#define WEIR__SLICE_LONG_NS INT64_C(1000000)
#endif

struct weir__slice {
    uint64_t began, ended;             /* in ticks of the loop's heartbeat */
    uint64_t starved, throttled;       /* of them, off the CPU; see off_cpu.h */
    const char *route;                 /* lives as long as the runtime; NULL: no exchange */
    char task[WEIR__SLICE_TASK_BYTES]; /* the task's name as the slice ended; cut */
    bool several; /* no stamp fell between it and some before it: only the last is named */
};

/* The latest, in a ring. */
struct weir__slices {
    uint64_t long_ticks;
    /* What the running task worked for before it let go of it, in its slice left_run. */
    const char *left_route;
    const struct weir__task *left_by;
    uint32_t left_run;
    uint64_t count; /* ever */
    struct weir__slice kept[WEIR__SLICES_KEPT];
};

/* Returns: the i-th latest slice, 0 the last; NULL: there was none or it is no longer kept. */
static inline const struct weir__slice *weir__slice_latest(const struct weir__slices *s, unsigned i)
{
    if (i >= WEIR__SLICES_KEPT || i >= s->count)
        return NULL;
    return &s->kept[(s->count - 1 - i) % WEIR__SLICES_KEPT];
}

#endif

/* SPDX-License-Identifier: MIT */
/* The guard: catches calls to the C library with which a task makes its whole loop wait. It catches the
 * first such call, whether or not the call happens to be fast.
 *
 * It is a library of its own, libweir-guard.so: linked (pkg-config weir-guard) or loaded (LD_PRELOAD). It
 * only observes: no call behaves differently under it. Without it everything here may be called all the
 * same, and reports nothing.
 *
 * A call is named by its function, "recv"; a call that reads or writes a regular file is named "read:file".
 * A lock that a task holds while it waits is named by the function that took it.
 *
 * Threading: the guard belongs to the process, like the C library it observes: the findings of all runtimes
 * and loops are kept in one place, and any thread may read them at any time.
 */
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_guard_mode {
    WEIR_GUARD_DEFAULT, /* same as WARN */
    WEIR_GUARD_OFF,     /* nothing is checked */
    WEIR_GUARD_COUNT,   /* counted, for weir_guard_each() */
    WEIR_GUARD_WARN,    /* counted, and logged once for each place */
    WEIR_GUARD_ABORT,   /* logged, and the process ends by abort(): for tests */
};

/* All zero is a sensible choice. */
typedef struct weir_guard_options {
    enum weir_guard_mode mode;
    const char *const *allow;   /* names of calls that are never reported, ended by NULL; NULL: none */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_guard_options;

/* Sets what the guard does about a call that it catches; until then the options are all zero.
 * WEIR_GUARD=off|count|warn|abort in the environment takes precedence over options->mode.
 * Owns:    everything is copied.
 * Returns: 0; -EINVAL the mode does not exist, or a reserved byte is not zero; -WEIR_ECONFIG a call in allow
 * is unknown. After a failure nothing has changed.
 * Where:   any thread, before weir_run(): a running loop keeps the settings it has read.
 */
int weir_guard_configure(const weir_guard_options *options) WEIR_CHECKED;

/* Reports the mode in force.
 * Returns: never WEIR_GUARD_DEFAULT; WEIR_GUARD_OFF also if libweir-guard.so is not in the process.
 * Where:   any thread.
 */
enum weir_guard_mode weir_guard_mode_get(void);

/* Names the i-th call that the guard knows.
 * Owns:    static.
 * Returns: NULL if i is beyond the last.
 * Where:   any thread.
 */
const char *weir_guard_call_name(size_t i);

/* Storage for weir_guard_allow_begin(): calls that a task makes on purpose. */
typedef struct weir_guard_allow {
    struct weir_guard_allow *outer;
    uint64_t calls[4];
} weir_guard_allow;

/* Exempts calls of this task from being reported, until weir_guard_allow_end(). May be nested. The
 * exemption holds for the calling task only: tasks spawned meanwhile are not exempt, because they run at
 * other times.
 *
 *     weir_guard_allow once;
 *     weir_guard_allow_begin(&once, "read:file fsync");
 *     …
 *     weir_guard_allow_end(&once);
 *
 * Owns:    allow is the caller's storage, lent until the end.
 * Takes:   calls: names, separated by blanks; NULL: all. An unknown name is a mistake that ends
 *          the program.
 * Where:   any thread; on a thread that is no loop it does nothing. Does not wait.
 */
void weir_guard_allow_begin(weir_guard_allow *allow, const char *calls);

/* Ends the exemption that was begun last.
 * Where:   the task that began it. Does not wait.
 */
void weir_guard_allow_end(weir_guard_allow *allow);

/* One place in the code, with the calls that were caught there. */
typedef struct weir_guard_finding {
    const char *function;    /* the name of the call */
    const char *task;        /* of the first task that made it */
    const char *route;       /* that the task worked for; or NULL */
    const char *hint;        /* what to write instead */
    const char *waited;      /* of a lock: what the task waited for while it held the lock; otherwise NULL */
    weir_frame place;        /* the code that made the call; of a lock: the code that took it */
    const weir_frame *stack; /* innermost first: of the call; of a lock: of the wait */
    size_t stack_depth;
    uint64_t count;
} weir_guard_finding;

/* Calls fn for each place, in no order. Places are never forgotten. There is room for 256; calls from
 * further places are counted in weir_guard_call_count() only.
 * Owns:    what a finding points to lives as long as the process; the finding itself is lent until fn
 *          returns.
 * Returns: the first value of fn that is not 0, which ends the iteration; otherwise 0.
 * Where:   any thread. New places are given names here, which takes milliseconds, the first time perhaps a
 *          second: not for a loop that has other work, and not within fn.
 */
int weir_guard_each(int (*fn)(void *arg, const weir_guard_finding *finding), void *arg);

/* Counts how often this call was caught, from all places.
 * Returns: the count; 0 for an unknown name.
 * Where:   any thread.
 */
uint64_t weir_guard_call_count(const char *name);

#ifdef __cplusplus
}
#endif
#endif

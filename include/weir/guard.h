/* SPDX-License-Identifier: MIT */
/* The guard: catches calls to the C library by which a task makes its whole loop wait, at the first one, fast
 * or not.
 *
 * It is a library of its own, libweir-guard.so: linked (pkg-config weir-guard) or loaded (LD_PRELOAD). It
 * only looks: no call does anything else under it. Without it everything here may be called all the same, and
 * finds nothing.
 *
 * A call is named by its function, "recv"; what reads or writes a regular file by "read:file". A lock that a
 * task holds while it waits has the name of the function that took it.
 *
 * Threading: the guard is the process's, like the C library it watches: what is found by all runtimes and
 * loops is in one place, and any thread may read it at any time.
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
    WEIR_GUARD_DEFAULT, /* warn */
    WEIR_GUARD_OFF,     /* nothing is looked at */
    WEIR_GUARD_COUNT,   /* for weir_guard_each() */
    WEIR_GUARD_WARN,    /* and logged, once for each place */
    WEIR_GUARD_ABORT,   /* logged, and the process ends by abort(): for tests */
};

/* All zero is a sensible choice. */
typedef struct weir_guard_options {
    enum weir_guard_mode mode;
    const char *const *allow; /* calls that are nobody's fault, by name, ended by NULL; NULL: none */
} weir_guard_options;

/* Sets what is done with what is caught; without it the options are all zero. WEIR_GUARD=off|count|warn|abort
 * in the environment goes before options->mode.
 * Owns:    all is copied.
 * Returns: 0; -EINVAL no such mode; -WEIR_ECONFIG no such call: then nothing is changed.
 * Where:   any thread, before weir_run(): what a running loop has seen stays so.
 */
int weir_guard_configure(const weir_guard_options *options) WEIR_CHECKED;

/* What is done with what is caught now.
 * Returns: never WEIR_GUARD_DEFAULT; WEIR_GUARD_OFF also when libweir-guard.so is not in the process.
 * Where:   any thread.
 */
enum weir_guard_mode weir_guard_mode(void);

/* The name of the i-th call it knows.
 * Owns:    static.
 * Returns: NULL when there are not so many.
 * Where:   any thread.
 */
const char *weir_guard_name(size_t i);

/* Calls that a task makes on purpose. */
typedef struct weir_guard_allow {
    struct weir_guard_allow *outer;
    uint64_t calls[4];
} weir_guard_allow;

/* From here to weir_guard_allow_end() these calls of this task are not reported. It may be nested. It holds
 * for what is written here: not for tasks that are spawned meanwhile, which run at times of their own.
 *
 *     weir_guard_allow once;
 *     weir_guard_allow_begin(&once, "read:file fsync");
 *     …
 *     weir_guard_allow_end(&once);
 *
 * Owns:    allow is the caller's storage, lent until the end.
 * Takes:   calls: names, with blanks between; NULL: all. A name it does not know is a mistake
 *          and stops the program.
 * Where:   any thread; in one that is no loop it does nothing. Does not wait.
 */
void weir_guard_allow_begin(weir_guard_allow *allow, const char *calls);

/* Ends it, in the reverse order of beginning.
 * Where:   the task that began it. Does not wait.
 */
void weir_guard_allow_end(weir_guard_allow *allow);

/* One place from which calls of a kind have been made. */
typedef struct weir_guard_finding {
    const char *function;    /* the name of the call */
    const char *task;        /* of the first that made it */
    const char *route;       /* it worked for; or NULL */
    const char *hint;        /* what to write instead */
    const char *waited;      /* a lock: what the task waited for while it held it; else NULL */
    weir_frame place;        /* the code that made the call; a lock: that took it */
    const weir_frame *stack; /* innermost first: of the call; a lock: of the wait */
    size_t depth;
    uint64_t count;
} weir_guard_finding;

/* Calls fn for each place, in no order. Places are never forgotten; there is room for 256, and calls from
 * others count in weir_guard_calls() alone.
 * Owns:    what a finding points to lives as long as the process; the finding itself only until fn returns.
 * Returns: the first value of fn that is not 0, which ends it; else 0.
 * Where:   any thread. New places are given their names, which takes milliseconds, the first time perhaps a
 *          second: not for a loop with other work, and not within fn.
 */
int weir_guard_each(int (*fn)(void *arg, const weir_guard_finding *finding), void *arg);

/* How often this call was caught, from all places.
 * Returns: the count; 0 for a name that is not known.
 * Where:   any thread.
 */
uint64_t weir_guard_calls(const char *name);

#ifdef __cplusplus
}
#endif
#endif

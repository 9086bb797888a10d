/* SPDX-License-Identifier: MIT */
/* The stalls that were found: the places with their counts, and the sums by kind and route.
 *
 * Threading: a lock of its own. The watch writes, any thread reads; loops never take the lock.
 */
#ifndef WEIR__WATCH_STALL_H
#define WEIR__WATCH_STALL_H

#include <pthread.h>

#include <weir/watch.h>

enum {
    WEIR__STALLS_KEPT = 64,
    WEIR__STALL_TOTALS_MAX = 256,
    WEIR__STALL_FRAMES_MAX = 48,
    WEIR__STALL_NAME_BYTES = 96,
    WEIR__STALL_SCOPE_BYTES = 256,
    WEIR__STALL_HINT_BYTES = 160,
};

/* A place, with its texts; also a stall that has just been seen. */
struct weir__stall {
    weir_stall shown; /* its pointers are set by weir__stall_show() */
    uint64_t key;     /* of the place */
    bool has_route, has_hint;
    char task[WEIR__STALL_NAME_BYTES], route[WEIR__STALL_NAME_BYTES];
    char scope[WEIR__STALL_SCOPE_BYTES];
    char hint[WEIR__STALL_HINT_BYTES];
    weir_frame frames[WEIR__STALL_FRAMES_MAX];
    size_t user_frame; /* the index in frames of the program's own code */
    /* of the log */
    uint64_t logged_count; /* the count at the latest line */
    int64_t log_again_ns;  /* no line before; wall clock */
    int64_t log_interval_ns;
};

struct weir__stall_total {
    enum weir_stall_type kind;
    bool has_route;
    char route[WEIR__STALL_NAME_BYTES];
    uint64_t count;
    int64_t held_ns;
};

struct weir__stalls {
    pthread_mutex_t lock;
    struct weir__stall *places[WEIR__STALLS_KEPT]; /* the latest first; NULL at the end */
    struct weir__stall_total *totals;              /* with room for "other" of each kind; NULL: none yet */
    size_t total_count;
};

void weir__stalls_init(struct weir__stalls *s);
void weir__stalls_free(struct weir__stalls *s);

/* Adds the stall to its place, and sets *seen to what the place is now. Returns: 0; -ENOMEM: it is counted
 * only in the sums. */
int weir__stalls_add(struct weir__stalls *s, struct weir__stall *seen);

/* Sets how long the latest stall at a place has lasted. */
void weir__stalls_lasts(struct weir__stalls *s, uint64_t key, int64_t held_ns, bool ongoing);

/* Decides whether a line about the place is due. If so, counts it as written, and copies the place to *out.
 * interval_ns: the first time between two lines; it doubles up to most_ns. */
bool weir__stalls_take_for_log(struct weir__stalls *s, uint64_t key, int64_t now_ns, int64_t interval_ns,
                               int64_t most_ns, struct weir__stall *out);

/* Sets the pointers of shown to the texts. Returns: &stall->shown. */
const weir_stall *weir__stall_show(struct weir__stall *stall);

int weir__stalls_each(struct weir__stalls *s, int (*fn)(void *arg, const weir_stall *stall), void *arg);
int weir__stalls_total(struct weir__stalls *s, int (*fn)(void *arg, const weir_stall_total *total),
                       void *arg);

#endif

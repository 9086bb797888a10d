/* SPDX-License-Identifier: MIT */
/* The thread of a runtime that starts processes. It lives as long as the runtime: the kernel kills a process
 * when the thread that has started it ends. A loop could not do it: it would be held until execve(2), and by
 * what looks up users.
 *
 * Threading: weir__starter_do() and weir__starter_do_surely() by tasks; work runs on the starter's thread,
 * one after the other.
 */
#ifndef WEIR__PROCESS_STARTER_H
#define WEIR__PROCESS_STARTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <weir/error.h>

#include "base/list.h"
#include "core/loop.h"

struct weir__task;

struct weir__start_work {
    /* Called on the starter's thread. stack: for a child; NULL: no memory. */
    void (*run)(struct weir__start_work *work, char *stack);
    /* Undoes and frees work whose task has left: on the starter's thread after run(), or instead of it. */
    void (*drop)(struct weir__start_work *work);
    /* Ends what the committed work waits for, if it has come to that: on the loop, several times. */
    void (*hurry)(struct weir__start_work *work);

    struct weir__list node; /* in the queue, until it runs */
    struct weir__message done;
    struct weir__loop *loop;
    struct weir__task *task;
    struct weir__timeout limit;
    bool is_cancelled;
    int hurried; /* how often; > 0: what came of the work is to be undone */
    atomic_int state;
};

struct weir__starter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    /* locked */
    struct weir__list queue; /* one for each task that waits */
    bool started, ending;

    int64_t limit_ns; /* of a start; constant, but for tests */
};

void weir__starter_init(struct weir__starter *starter);
void weir__starter_free(struct weir__starter *starter);

/* Ends the thread, after what it does. No task waits for it. */
void weir__starter_stop(struct weir__starter *starter);

/* From now on the task waits for the end of the work, hurrying it when it is to end. By run(), before what
 * cannot be dropped. Returns: false: the task has left. */
bool weir__start_commit(struct weir__start_work *work);

/* Has work done, and waits for it: 10 s at most. Committed work that is given up is hurried, and if that does
 * not help for a second, left to the starter.
 * Owns:    the work is the starter's if the function fails: it is dropped.
 * Returns: 0; -EAGAIN, -ENOMEM: there is no thread; -ETIMEDOUT; the scope's code.
 * Cancel:  gives the work up. Work that has not begun does not begin. */
int weir__starter_do(struct weir__starter *starter, struct weir__start_work *work) WEIR_CHECKED;

/* The same for a starter that has done something already. Neither cancelled nor given up. */
void weir__starter_do_surely(struct weir__starter *starter, struct weir__start_work *work);

#endif

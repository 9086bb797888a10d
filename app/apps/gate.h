/* SPDX-License-Identifier: MIT */
/* What a gateway process has of the applications: the blocks that it shares with the supervisor and the other
 * gateway processes, and which of its loops waits for a place.
 *
 *     admission.h  whether a request may wait
 *     choice.h     which process serves it
 *     queue.h      the requests of a loop that wait for a place
 *
 * Threading: opened before the loops start, and closed after their end; meanwhile used by all of them.
 */
#ifndef APP_APPS_GATE_H
#define APP_APPS_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/meter.h>
#include <weir/runtime.h>
#include <weir/shared.h>

#include "apps/admission.h"
#include "apps/block.h"
#include "apps/choice.h"
#include "config/app.h"
#include "config/config.h"

struct app_gate;
struct app_queue;

/* What a loop has counted of an application, since the gateway process began. Any thread may read it. */
struct app_counts {
    weir_meter served; /* how long requests had a place */
    weir_meter waited; /* how long requests waited for a place that they got */
    _Atomic uint64_t failed;
    _Atomic uint64_t refused[APP_REFUSALS];
};

/* What a loop has of an application. */
struct app_slot {
    struct app_here *here;
    struct app_queue *queue;  /* touched by its loop alone; NULL: it is closed */
    int (*look)(void *slot);  /* looks for free places, as a task of its loop; set before since_ns */
    atomic_bool woken;        /* it has been told of a free place, and has not looked yet */
    _Atomic int64_t since_ns; /* its longest waiting request came; 0: none waits */
    struct app_counts counts;
};

/* What a gateway process has of an application. */
struct app_here {
    struct app_gate *gate;
    const struct config_app *app;
    struct app_block *block;
    struct app_avoided avoided[APP_PROCESSES_MAX];
    struct app_slot *slots; /* by loop */
};

struct app_gate {
    weir_shared *shared;
    int member;
    const char *folder; /* of the supervisor */
    int loops;
    pthread_mutex_t lock;  /* of the next two, which a thread beside the loops reads */
    weir_runtime *runtime; /* NULL: no loop has a queue */
    int queues;            /* that are open, of all loops */
    bool listens;
    weir_shared_listener listener;
    size_t count;
    struct app_here apps[]; /* by config_app.number */
};

/* Opens the gate of all applications of a configuration.
 * Owns:    all is lent until app_gate_close(), which is called when no loop has been woken that has not
 *          looked: after weir_run() has returned.
 * Returns: 0; as app_block_open(); -ENOMEM. */
WEIR_CHECKED int app_gate_open(const struct config *config, weir_shared *shared, const char *folder,
                               int loops, struct app_gate **out);
void app_gate_close(struct app_gate *gate); /* NULL does nothing */

/* Has a thread hear of the places that other gateway processes set free, until the gate is closed. Not under
 * simulation. Returns: as weir_shared_listen(). */
WEIR_CHECKED int app_gate_listen(struct app_gate *gate);

/* A queue has been opened on the calling loop, or is being closed. */
void app_gate_enter(struct app_gate *gate);
void app_gate_leave(struct app_gate *gate);

/* Says since when a loop's longest waiting request waits; 0: none does. */
void app_here_publish(struct app_here *here, int loop, int64_t since_ns);

/* Finds where the request waits that waits longest. Those of a gateway process that is past their time count
 * no more: it has been stopped, or has died. Returns: false: none waits. */
struct app_longest {
    int member;
    int loop; /* of this member; of others -1 */
};
bool app_here_longest(struct app_here *here, weir_instant now, struct app_longest *out);

/* Tells that loop or gateway process that a place is free. It may be held: every loop that waits looks again.
 * Called while a queue of the calling thread is open, or with the lock. */
void app_here_wake(struct app_here *here, const struct app_longest *longest);

/* How much there is to do for the processes that are ready. */
struct app_load app_here_load(struct app_here *here, int ready);

#endif

/* SPDX-License-Identifier: MIT */
/* The gateway processes of a supervisor, in generations: those of one configuration belong together. One
 * generation is in force, one may be starting, others drain.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_PROCESSES_H
#define APP_SUPERVISOR_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/scope.h>
#include <weir/sync.h>

#include "admin/admin_of_many.h"
#include "supervisor/in_force.h"
#include "supervisor/members.h"
#include "supervisor/process.h"
#include "text/text_out.h"

enum { GENERATIONS_DRAINING_MAX = 3 }; /* at once; an older one is hurried */

struct generation {
    struct generation *next; /* an older one */
    struct processes *all;
    unsigned number;
    struct in_force *in_force;
    int *listeners;
    struct text_out faults; /* that keep it from getting ready */
    size_t count, started, over;
    bool lent; /* processes_start() has it */
    bool leaves, hurried;
    struct gateway_process processes[]; /* count */
};

struct processes {
    weir_scope *scope; /* of the tasks */
    struct process_place place;
    struct members members;
    weir_event changed;          /* what a process, or a generation, is has changed */
    struct generation *newest;   /* all that have a process, newest first */
    struct generation *in_force; /* NULL: none yet, or none any more */
    unsigned generations;        /* that were started */
    uint64_t restarts;           /* of their processes: ends that were not planned */
    weir_instant patience;       /* until when a generation that starts is waited for */
    bool ending;                 /* no generation will be started */
};

/* Owns:    place is copied but for members, changed and restarts, which are set here. */
void processes_init(struct processes *all, weir_scope *scope, const struct process_place *place,
                    weir_shared *shared);

/* Starts a generation, one process after another, and waits until all of them are ready. Faults that keep it
 * from that are added to faults, in lines: it has been given up then.
 * Owns:    the generation holds in_force itself; listeners, one for each address of it, are copied. *out is
 *          the caller's, which passes it to processes_put_in_force() or processes_give_up().
 * Returns: 0; -WEIR_ECONFIG it can't serve; -EAGAIN a process crashed, hung, or could not be started;
 * -WEIR_EDEADLINE the patience is over; -WEIR_ECANCELED all are ending; -ENOMEM. */
WEIR_CHECKED int processes_start(struct processes *all, struct in_force *in_force, const int *listeners,
                                 struct text_out *faults, struct generation **out);

/* The older ones drain. */
void processes_put_in_force(struct processes *all, struct generation *generation);
void processes_give_up(struct generation *generation);

/* Has a generation that starts be waited for no longer than until then. */
void processes_lose_patience(struct processes *all, weir_instant until);

/* Ends all: drains. Does not wait. */
void processes_drain(struct processes *all);

/* Ends all at once. Does not wait. */
void processes_hurry(struct processes *all);

/* Waits until none is left. */
void processes_await(struct processes *all);

/* Passes a signal on to all: also to those that start, and those that drain. */
void processes_signal(const struct processes *all, int number);

/* Waits until fewer than GENERATIONS_DRAINING_MAX generations drain, until then, or until all are to end. */
void processes_await_room(struct processes *all, weir_instant until);

/* How many generations drain. */
size_t processes_draining(const struct processes *all);

/* At least one process is ready. */
bool processes_serve(const struct processes *all);

/* As admin_supervisor.processes. */
size_t processes_list(const struct processes *all, struct admin_process *out, size_t room);

/* Describes one process for the admin address. */
void processes_describe(const struct gateway_process *p, struct admin_process *out);

#endif

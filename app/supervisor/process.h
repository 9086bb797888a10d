/* SPDX-License-Identifier: MIT */
/* One gateway process: started, ready, ended, started again, until it is to leave.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_PROCESS_H
#define APP_SUPERVISOR_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/process.h>
#include <weir/scope.h>
#include <weir/stream.h>
#include <weir/sync.h>

#include "supervisor/backing_off.h"
#include "supervisor/control.h"
#include "supervisor/in_force.h"
#include "supervisor/members.h"
#include "text/text_out.h"

enum {
    PROCESS_READY_WITHIN_S = 60, /* a longer start is one that hangs */
    PROCESS_LEAVE_MS = 2000,     /* one that was never ready may take as long to end */
    PROCESS_HURRY_MS = 1500,     /* so may any, once it was told to end at once */
    PROCESS_DRAIN_MARGIN_MS = 3000
};

struct gateway_process;

/* What all gateway processes have in common. */
struct process_place {
    const char *file; /* of the configuration: for messages */
    const char *folder;
    struct members *members;
    int shared;          /* descriptor of the shared memory */
    weir_event *changed; /* set when any process has changed its state */
    uint64_t *restarts;  /* of all, after ends that were not planned */
    /* One that was ready has been asked to end. May wait for a moment, until it is cancelled. NULL: no
     * interest
     */
    void (*leaves)(void *arg, const struct gateway_process *process);
    /* One has ended. counts: the memory of what it has counted, now the callee's to close. Does not wait.
     * NULL: no interest */
    void (*ended)(void *arg, const struct gateway_process *process, int counts);
    void *leaves_arg;                                         /* of both */
    int (*simulate)(void *arg, weir_simulated_process *self); /* as supervisor_options */
    void *arg;
};

enum process_state {
    PROCESS_STARTING,
    PROCESS_READY,
    PROCESS_LEAVING, /* was asked to end */
    PROCESS_PAUSING, /* has ended by itself, and will be started again */
    PROCESS_OVER     /* has ended, and will not be started again */
};

struct gateway_process {
    const struct process_place *place;
    struct in_force *in_force;
    const int *listeners;
    struct text_out *faults; /* what keeps it from getting ready is added here, in lines, and it is not
                                started again; NULL: it is, and that is logged */
    unsigned generation;
    int number; /* 1 … processes */

    enum process_state state;
    weir_instant since; /* it is in this state */
    bool leaves;        /* it is to end, or not to be started again */
    bool hurried;       /* at once */
    bool crashed;       /* the latest end was by a signal, or it did not get ready in time */
    unsigned restarts;
    char last_end[WEIR_PROCESS_END_BYTES]; /* how the one before ended by itself; "": none has */

    /* of the process that runs now */
    weir_process *process; /* NULL: none does */
    pid_t pid;
    int member; /* -1: none */
    int counts; /* descriptor of the memory for what it counts; -1: none */
    bool was_ready;
    int owed;              /* a signal that came before it was ready; 0: none */
    weir_scope *attention; /* of the wait that is ended when the process is to leave; NULL: it waits for
                              nothing long */
    weir_stream *control;
    struct control heard;
    unsigned cut;      /* exchanges that it has cut off, as it says */
    unsigned nonsense; /* lines that were not understood */
    weir_event silent; /* nothing more will be heard */
};

void gateway_process_init(struct gateway_process *p, const struct process_place *place,
                          struct in_force *in_force, const int *listeners);

/* The task that keeps it running. Returns 0 when it is over. arg: the struct gateway_process. */
int gateway_process_run(void *arg);

/* Asks it to end: a process that is ready drains, for the time that its configuration says. Does not wait. */
void gateway_process_leave(struct gateway_process *p);

/* Ends it at once, in about a second. Does not wait. */
void gateway_process_hurry(struct gateway_process *p);

/* Passes a signal on, if it runs: to one that starts once it is ready, since it would end of it before. */
void gateway_process_signal(struct gateway_process *p, int number);

#endif

/* SPDX-License-Identifier: MIT */
/* The content of a weir_process.
 *
 * A process has a task in its scope, which waits for its end (member.c), and another one that gives its
 * lines. It has a body: it is executed (executed.c, output.c) or simulated (simulated.c).
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__PROCESS_MEMBER_H
#define WEIR__PROCESS_MEMBER_H

#include <weir/process.h>
#include <weir/scope.h>
#include <weir/sync.h>

#include "base/list.h"
#include "core/handle_record.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/wait.h"

struct weir__body {
    /* Sends a signal that exists. Returns: 0; -ESRCH; -EPERM. */
    int (*send)(struct weir_process *p, int number, bool to_group);
    /* Waits until it has ended, and fills in how. Returns: 0; the scope's code. */
    int (*await)(struct weir_process *p, const struct weir__wait_class *wait_class);
    /* Kills what is left of its group. It has ended, and its number is still its own. */
    void (*kill_rest)(struct weir_process *p);
    /* A task: gives the lines. */
    void (*read)(struct weir_process *p);
    /* Lines that are not there yet are not waited for much longer. */
    void (*end_reading)(struct weir_process *p);
    /* Gives up what belongs to a process that has ended, its number too. By a task; may wait. */
    void (*finish)(struct weir_process *p);
    void (*free)(struct weir_process *p); /* frees its memory */
};

/* The first member of what a body keeps. */
struct weir_process {
    struct weir__handle handle;
    struct weir__owned owned;
    const struct weir__body *body;
    weir_process_options *options; /* the copy */
    pid_t pid;
    bool is_void;              /* it was undone as it was started */
    bool is_dead;              /* it has ended; its number is still its own */
    bool is_over;              /* its lines have been given, too */
    weir_event lines_given;    /* set if it has none */
    struct weir__list waiters; /* tasks that wait until it is over */
    struct weir__timeout kill;
    int64_t began_ns, asked_ns;
    weir_process_end end;
};

/* Fills in the record of a process, before anything else. */
void weir__process_init(struct weir_process *p, const struct weir__body *body, weir_process_options *options);

/* Puts a process that runs into its scope, which has it from now on, also after an error: then it is void,
 * and to be undone by the caller.
 * Returns: 0; -ENOMEM; the scope's code. */
int weir__process_join(struct weir_process *p, struct weir__scope *scope, const void *opened_at) WEIR_CHECKED;

/* Sends a signal to a process. Returns: as weir_process_signal(). */
int weir__process_send(struct weir_process *p, int number, bool to_group);

/* Asks a process to end, and has it killed when its grace has passed. */
void weir__process_ask(struct weir_process *p, weir_duration grace);

/* Waits until a process is over. Returns: 0; the scope's code. */
int weir__process_await(struct weir_process *p, const char *function) WEIR_CHECKED;

/* Gives a line to the program. */
void weir__process_give(struct weir_process *p, bool is_error, const char *line, size_t length);

#endif

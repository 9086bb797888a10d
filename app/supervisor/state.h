/* SPDX-License-Identifier: MIT */
/* A supervisor at work, as its files share it.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_STATE_H
#define APP_SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/runtime.h>
#include <weir/sync.h>

#include "supervisor/applications.h"
#include "supervisor/folder.h"
#include "supervisor/in_force.h"
#include "supervisor/listeners.h"
#include "supervisor/notify.h"
#include "supervisor/processes.h"
#include "text/text_out.h"

enum supervisor_phase { SUPERVISOR_STARTING, SUPERVISOR_SERVING, SUPERVISOR_RELOADING, SUPERVISOR_DRAINING };

struct supervisor_options;

/* Reloads that are asked for, and what came of the latest (reload.h). */
struct reloads {
    uint64_t asked, done; /* requests: all that came, and those whose reload has ended */
    weir_event wanted, finished;
    bool closed;          /* no more will be done */
    int result;           /* of the latest */
    struct text_out said; /* by it, in lines */
};

struct supervisor {
    const struct supervisor_options *options;
    const char *file; /* of the configuration */
    enum supervisor_phase phase;
    struct folder folder;
    int shared_fd;
    weir_shared *shared;
    struct listeners *listeners;
    struct notify *notify;
    struct in_force *in_force; /* held; at first the one that is starting */
    int *first;                /* its listeners, at first */
    int *announced;            /* the listeners that are in force, and logged */
    size_t announced_count;
    struct processes processes;
    struct admin_of_many *admin;     /* NULL: it is not open */
    struct in_force *admin_in_force; /* held; what the admin address answers for */
    struct applications applications;
    struct reloads reloads;
    weir_scope *heeding;  /* of the wait for signals; cancelled at the end */
    weir_event drains;    /* set when all drains */
    int asked;            /* signals to end that have come */
    struct text_out said; /* why it can't serve, in lines: printed at the end */
    int code;
};

/* Begins the drain of all, or ends it at once when it drains already. Does not wait. */
void supervisor_end(struct supervisor *s);

/* Logs the addresses that are listened on, but for those that are known. Takes over listeners. */
void supervisor_announce(struct supervisor *s, const struct config *config, int *listeners);

#endif

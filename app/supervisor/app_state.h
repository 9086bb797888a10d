/* SPDX-License-Identifier: MIT */
/* The records of supervised applications, for the files of them:
 *
 *     apps.c             all of them: which there are, by the configuration in force
 *     app_position.c     one process that is to run: started, replaced, started again
 *     app_process.c      one process, from its start until nothing of it is left
 *     app_child.c        the process of the system, with guardian and socket
 *     app_ready.c        when it is ready
 *     app_environment.c  what it is started with
 *     app_settings.c     by which configuration
 *     app_lines.c        what it writes
 *     app_memory.c       what it has in memory
 *     app_state.c        what these files do to the records
 *     app_watch.c        which requests a held process makes late
 *     app_status.c       all of it as JSON
 *     guardian.c         its parent
 *
 * An application has positions, as many as processes are wanted: shop[1], shop[2] … A task for each position
 * keeps one process running there. A process has a task of its own, which outlives the position's interest:
 * a process that has been replaced finishes its requests.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_STATE_H
#define APP_SUPERVISOR_APP_STATE_H

#include <weir/process.h>
#include <weir/sync.h>

#include "supervisor/app_child.h"
#include "supervisor/app_lines.h"
#include "supervisor/app_place.h"
#include "supervisor/app_settings.h"
#include "supervisor/backing_off.h"

struct supervised_app;

struct supervised_process {
    struct supervised_app *app;
    struct supervised_process *next; /* of the application */
    struct app_settings *settings;   /* by which it was started */
    uint64_t version;                /* of the application's, then */
    unsigned number;                 /* of its position */
    size_t entry;                    /* of the block */
    struct app_lines lines;
    struct app_child child;
    weir_event *news;     /* of its position; NULL: that has let go of it */
    weir_event wake;      /* its own task's */
    weir_scope *readying; /* what waits for readiness; or NULL */
    const char *leave;    /* why it is to end; NULL: it is not */
    bool ready, late;     /* it was ready; it was not in time */
    bool ended, finished; /* its process has ended; nothing of it is left */
    int err;              /* why it could not be started */
    weir_process_end end;
    weir_instant started;
    int spread;            /* 900 … 1100: thousandths of `requests` and `age` */
    uint64_t memory_bytes; /* as last measured */
    int64_t good, bad;     /* requests that were answered and that failed, when the last one was answered */
};

struct app_position {
    struct supervised_app *app;
    unsigned number;
    bool alive; /* has a task */
    struct supervised_process *current;
    struct backing_off backing_off;
    weir_instant not_before; /* the next start */
    weir_instant measured;
    weir_event news;
};

struct supervised_app {
    struct apps *apps;
    struct supervised_app *next;
    char name[CONFIG_APP_NAME_BYTES + 1];
    struct app_settings *settings; /* in force, or the last */
    uint64_t version;              /* grows when new processes would run differently */
    bool gone;                     /* the configuration has it no more */
    struct app_block *block;
    struct app_position positions[CONFIG_APP_PROCESSES_MAX];
    struct app_position *replacing; /* the one that replaces a process which runs: one at a time */
    struct supervised_process *processes;
    size_t tasks; /* of positions and processes */
    int failed;   /* starts in a row without a process that got ready */
    bool said;    /* while it is broken: the line in the block is what a process said; else how it ended */
    uint64_t starts;
    char last_end[WEIR_PROCESS_END_BYTES];
};

struct apps {
    weir_scope *scope;
    struct apps_place place;
    struct supervised_app *first;
    uint32_t serial;
    size_t tasks; /* of positions and processes */
    bool stopping;
    weir_event tasks_ended;
};

enum { APP_BROKEN_AFTER = 3 }; /* starts in a row that have failed */

/* A task of an application has begun or ended. One that is gone is freed with its last. */
void supervised_app_task_begun(struct supervised_app *app);
void supervised_app_task_ended(struct supervised_app *app);

/* Tells all positions that something has changed. */
void supervised_app_tell(struct supervised_app *app);

/* Has gateway processes look at the application: a process is ready, or it is broken. */
void supervised_app_ring(const struct supervised_app *app);

/* Returns: how many of its processes get requests. */
size_t supervised_app_ready(const struct supervised_app *app);

/* Returns: how many of these run as an earlier configuration has it: their successors are not ready yet. */
size_t supervised_app_replaced(const struct supervised_app *app);

/* Reports whether another of its processes may start now: many at once would hold each other up until none is
 * ready in time. */
bool supervised_app_may_start(const struct supervised_app *app);

/* Frees one that has no task. */
void supervised_app_free(struct supervised_app *app);

#endif

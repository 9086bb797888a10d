/* SPDX-License-Identifier: MIT */
/* The inside of admin_of_many.h.
 *
 *     admin_of_many.c  opening, addresses, the task that collects once a second
 *     many_rounds.c    asking all processes for their totals
 *     many_pages.c     the table of pages, and those made of the snapshot
 *     many_lists.c     /stalls, /guard and /outliers: lists of all processes, merged
 *     many_outlier.c   /outliers/ID
 *     many_tasks.c     /tasks
 *     many_profile.c   /profile
 *     many_control.c   /processes, /reload, /drain
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_ADMIN_MANY_H
#define APP_ADMIN_MANY_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/http_server.h>
#include <weir/sync.h>

#include "admin/admin_supervisor.h"
#include "admin/asking.h"
#include "metrics/joined.h"

_Static_assert((int)ADMIN_PROCESSES_MAX <= (int)SUMS_PROCESSES_MAX, "every process has a place in the sums");

/* A process that has answered, or should. Its index is its place in the sums. */
struct many_process {
    bool used, listed;
    struct admin_process is;
    int err;               /* of the latest question; 0: it answered, or was not asked yet */
    int silences;          /* questions in a row that it has not answered */
    weir_instant answered; /* the latest time; or when it was first listed */
    bool has_answered;
    int exchanges; /* requests in progress, as it said; -1: not known */
};

/* One that has ended, and what it had counted. */
struct many_ended {
    struct admin_process is;
    int counts; /* a descriptor */
};

struct many_listening;

struct admin_of_many {
    struct admin_supervisor supervisor;
    const struct config *config;
    struct joined *joined;
    weir_client *client;
    weir_mutex lock;    /* of joined and processes, and whatever a page points to while it is written */
    weir_mutex control; /* one reload at a time */
    int reloads;        /* that wait for it, and the one that has it: they go on without the clients */
    struct many_process processes[ADMIN_PROCESSES_MAX];
    struct admin_process list[ADMIN_PROCESSES_MAX]; /* as the supervisor listed them last */
    size_t listed;
    struct asked asked[ADMIN_PROCESSES_MAX];            /* of a round */
    struct many_ended ended_since[ADMIN_PROCESSES_MAX]; /* the latest round */
    size_t ended_count;
    weir_instant round; /* when the latest round began */
    weir_instant started;
    weir_scope *scope;                /* of its tasks, while it is open */
    struct many_listening *listening; /* NULL: there is no admin address */
    weir_event opened, closing, ended;
    int err;                                      /* of opening */
    void (*give_up)(struct admin_of_many *admin); /* gives the address up, to another gateway */
    bool given_up;
};

/* --- rounds --- */

/* Asks all processes, unless a round has begun since `since`; the caller has the lock. Waits.
 * Returns: 0; the cause of a cancel. */
WEIR_CHECKED int many_round(struct admin_of_many *admin, weir_instant since);

/* Asks one process, and keeps what it says; the caller has the lock. */
void many_ask_one(struct admin_of_many *admin, const struct admin_process *process);

/* Lists the processes that answer pages now, ready or draining; the list is the caller's, to be freed with
 * many_free(). Returns: how many; -ENOMEM. */
WEIR_CHECKED int many_list(struct admin_of_many *admin, struct asked **out);

/* The same, and asks them for a page; their answers may have so many bytes together. Returns: how many were
 * asked; < 0: the cause of a cancel, -ENOMEM. */
WEIR_CHECKED int many_ask(struct admin_of_many *admin, const char *path, weir_duration within,
                          uint64_t bytes_max, struct asked **out);
void many_free(struct asked *asked, int count);

/* Whether a process did not answer when it was asked last. For questions that take long: it is not waited for
 * then. */
bool many_is_silent(const struct admin_of_many *admin, const struct admin_process *process);

/* Adds the header X-Weir-Silent, with the process ids of those that have not answered with 200, if any. */
WEIR_CHECKED int many_tell_silent(weir_response *res, const struct asked *asked, int count);

/* The same of the latest round: the figures of these processes are those of their last answer. */
WEIR_CHECKED int many_tell_silent_of_round(weir_response *res, const struct admin_of_many *admin);

/* Lets other tasks run: for joined.h. */
void many_pause(void);

/* --- pages --- */

struct many_page {
    const char *path, *method;
    int (*answer)(weir_request *req, weir_response *res, struct admin_of_many *admin);
    bool vital;
};

enum { MANY_PAGES = 16 };
extern const struct many_page many_pages[MANY_PAGES];

int many_page_stalls(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_outliers(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_outlier(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_guard(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_tasks(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_profile(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_processes(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_reload(weir_request *req, weir_response *res, struct admin_of_many *admin);
int many_page_drain(weir_request *req, weir_response *res, struct admin_of_many *admin);

#endif

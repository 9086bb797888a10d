/* SPDX-License-Identifier: MIT */
/* apps: applications that the supervisor runs, and routes serve.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_APP_H
#define APP_CONFIG_APP_H

#include <sys/types.h>

#include <weir/attempts.h>

#include "config/config.h"
#include "config/reader.h"

enum { CONFIG_APPS_MAX = 64, CONFIG_APP_PROCESSES_MAX = 64, CONFIG_APP_NAME_BYTES = 32 };

#define CONFIG_APP_SOCKET "{socket}"     /* stands for the path of the Unix socket of a process */
#define CONFIG_APP_VARIABLES "WEIR_APP_" /* so begin the names of variables that the supervisor sets */

struct config_app {
    const char *name;           /* letters, digits, '-' and '_' */
    struct config_place place;  /* of the name */
    size_t number;              /* in config->apps */
    const char *const *command; /* ended by NULL; "{socket}" is in one of its words, or in env */
    const char *const *env;     /* "NAME=value", added to the supervisor's environment; ended by NULL */
    const char *cwd;  /* as the supervisor finds it; the folder of the configuration file unless written */
    const char *user; /* NULL: that of the supervisor */
    uid_t uid;        /* of user, as app_check() has found it */
    gid_t gid;
    int stop_signal;        /* SIGTERM unless written */
    weir_duration stop;     /* how long it may take to end, after that signal: 30 s */
    int processes;          /* 1 unless written */
    int concurrency;        /* requests in progress in a process: 1 unless written */
    int queue;              /* requests that wait for a place: 64 */
    weir_duration wait;     /* the longest time that a request waits for a place: 1 s */
    weir_duration timeout;  /* until the head of an answer, then an idle limit: 30 s */
    uint64_t requests;      /* a process is replaced after so many; 0: never */
    weir_duration age;      /* a process is replaced at this age; 0: never */
    uint64_t memory_bytes;  /* a process is replaced when it has more in memory; 0: never */
    uint64_t buffer_bytes;  /* of a request's body, held before a place is taken: 64 KiB */
    uint64_t answer_bytes;  /* of an answer, read before the client has taken it: 256 KiB */
    const char *ready_path; /* is asked until it answers 2xx or 3xx; NULL: ready when its socket accepts */
    weir_duration ready_within; /* after this a process that is not ready is ended and started again: 30 s */
    weir_duration stall_after;  /* a process that is held for longer is reported: 100 ms */
    weir_hedge_options hedge;   /* second attempts at requests that are slow: none unless written */
    weir_retry_options retry;   /* at those that fail: likewise */
    bool used;                  /* by a route */
};

static inline bool config_app_hedges(const struct config_app *app)
{
    return app->hedge.percentile > 0 || app->hedge.after.ns > 0;
}

/* Reports whether a request may be sent to it twice. */
static inline bool config_app_has_attempts(const struct config_app *app)
{
    return config_app_hedges(app) || app->retry.on != 0;
}

/* Reads "apps:" of the file. */
void apps_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

/* Reads a key whose value is the name of an application, for configure() of a kind of route. The app counts
 * as used. Returns: NULL after a fault. */
const struct config_app *app_read(struct config_reader *reader, const struct tree_node *node,
                                  const char *what);

/* The application with this name, or NULL. */
const struct config_app *config_app_find(const struct config *config, const char *name);

/* Reports whether processes of one application are started as those of the other, so that a reload leaves
 * them alone: name, command, env, cwd and user. All else is heeded without a new process. */
bool config_apps_run_alike(const struct config_app *a, const struct config_app *b);

#endif

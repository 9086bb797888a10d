/* SPDX-License-Identifier: MIT */
/* A bounded pool of connections for protocols other than HTTP: databases, caches, queues.
 *
 *     weir_connections_open(&options, &pool);
 *
 *     err = weir_connection_take(pool, &c);             // an idle connection, or a new one
 *     if (err < 0)
 *         return err;
 *     err = ask(weir_connection_stream(c), …);
 *     if (err < 0)
 *         weir_connection_close(c);                     // its state is not known
 *     else
 *         weir_connection_give_back(c);                 // for the next task
 *
 * Threading: a pool and its connections belong to the loop of the task that opened the pool; the tasks of
 * that loop share them. Pools of several loops with the same name and the same maximum share that maximum.
 *
 * Deadlines and cancellation are those of the scope. Waits for a connection, and for connecting, have a place
 * of their own in the charges of an exchange and in the tree of tasks.
 */
#ifndef WEIR_CONNECTIONS_H
#define WEIR_CONNECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/stream.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_connections weir_connections; /* a pool */
typedef struct weir_connection weir_connection;

/* A zero field means its default, given in brackets. The texts are copied. */
typedef struct weir_connections_options {
    const char *name;    /* in charges, tree and statistics; pools of the same name share max [address] */
    const char *address; /* where streams are connected to: HOST:PORT or "unix:PATH". NULL: the pool makes no
                            streams, and sessions are all there is */
    int max;             /* connections in use and idle together, of all loops. A loop may keep
                            max / (2 * loops) for itself; the rest goes to the task that has waited longest, on
                            whatever loop [16] */
    int waiting_max;     /* tasks of this loop that wait; more are refused with -WEIR_EBUSY [1024] */
    weir_duration idle_timeout;    /* a connection that is unused for so long is closed [60 s] */
    weir_duration connect_timeout; /* to connect and to open the session; the scope's deadline may be shorter
                                      [5 s] */

    /* Opens a session on a new stream: logs in, or makes the connection of another library. stream is NULL
     * without an address. Called in the task that takes; may wait. Returns: 0; a negative code, which
     * weir_connection_take() returns. NULL: there is no session */
    int (*open)(void *arg, weir_stream *stream, void **session);
    /* Checks a connection before it is used again. Called in the task that takes; may wait. Returns: 0; a
     * negative code: the connection is closed, and another is taken. NULL: nothing is checked */
    int (*check)(void *arg, weir_stream *stream, void *session);
    /* Ends a session, and frees what belongs to it, before its stream is closed. It must not wait, and is
     * also called outside of tasks. NULL: nothing is called */
    void (*close)(void *arg, void *session);
    void *arg;                  /* passed to the callbacks */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_connections_options;

/* A pool as its loop sees it: sums since it was opened, and present values. */
typedef struct weir_connections_stats {
    int in_use, idle, waiting; /* connections taken or being made; unused ones; tasks that wait for one */
    uint64_t taken;            /* connections taken */
    uint64_t reused;           /* of those, connections that had been used before */
    uint64_t opened;           /* connections made */
    uint64_t failed;           /* attempts to make one that failed */
    uint64_t refused;          /* for want of room to wait */
} weir_connections_stats;

/* Opens a pool. No connection is made yet.
 * Owns:    options are copied. The caller owns *out and closes it.
 * Returns: 0; -EINVAL neither a name nor an address, neither an address nor open, or a negative number;
 *          -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_connections_open(const weir_connections_options *options, weir_connections **out) WEIR_CHECKED;

/* Closes the idle connections and frees the pool. No connection may be taken, and no task may wait for one.
 * NULL does nothing.
 * Cancel:  does not shorten the wait, which takes at most a few turns of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_connections_close(weir_connections *pool);

/* Takes a connection: the one that is unused longest, or a new one; while max is reached, waits for one. An
 * unused connection that the peer closes, or on which it sends something, is closed.
 * Owns:    the caller has *out until weir_connection_give_back() or weir_connection_close().
 * Returns: 0; -WEIR_EBUSY too many tasks wait; the errors of weir_connect() and of options.open; -ETIMEDOUT
 *          after connect_timeout.
 * Cancel:  leaves the queue, or abandons the attempt to connect.
 * Where:   task of its loop. Waits.
 */
int weir_connection_take(weir_connections *pool, weir_connection **out) WEIR_CHECKED;

/* Returns the stream of a connection that was taken, for weir_read() and weir_write(). The pool closes it.
 * Owns:    the stream is the pool's.
 * Returns: NULL if the pool has no address.
 * Where:   task of its loop. Does not wait.
 */
weir_stream *weir_connection_stream(const weir_connection *c);

/* Returns what options.open has set.
 * Owns:    it is the pool's, until options.close is called.
 * Returns: NULL if it has set nothing.
 * Where:   task of its loop. Does not wait.
 */
void *weir_connection_session(const weir_connection *c);

/* Gives a connection back, to be used again. Everything that was asked must have been answered, and the
 * answers read.
 * Where:   task of its loop. Does not wait.
 */
void weir_connection_give_back(weir_connection *c);

/* Closes a connection that is not to be used again: because it broke, or because a wait on it was cancelled.
 * Where:   task of its loop. Does not wait.
 */
void weir_connection_close(weir_connection *c);

/* Reads the statistics of a pool.
 * Owns:    stats is the caller's.
 * Where:   task of its loop. Does not wait.
 */
void weir_connections_stats_get(const weir_connections *pool, weir_connections_stats *stats);

#ifdef __cplusplus
}
#endif
#endif

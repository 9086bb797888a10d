/* SPDX-License-Identifier: MIT */
/* What the supervisor and all gateway processes share of an application: its processes, who has how many of
 * their places, and who waits. A block of shared memory (<weir/shared.h>) for each application, named
 * "app NAME".
 *
 * The supervisor writes what a process is: its serial number, state and pid. Gateway processes write what
 * they do with it. A place is taken and given back by weir_shared_count, so that a gateway process that dies
 * takes none along.
 *
 * Threading: any thread of any process; all is atomic.
 */
#ifndef APP_APPS_BLOCK_H
#define APP_APPS_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/shared.h>

enum {
    APP_PROCESSES_MAX = 128, /* of one application: twice as many as may be configured (64), for successors */
    APP_LINE_BYTES = 256,    /* of a line that a process said */
    APP_SOCKET_BYTES = 100   /* room for the path of a process's socket */
};

enum { APP_REQUEST_BYTES = 64 }; /* of "GET /report", with its NUL; a longer one is cut */

enum app_process_state {
    APP_PROCESS_NONE,     /* the entry is free */
    APP_PROCESS_STARTING, /* not ready yet */
    APP_PROCESS_READY,    /* gets requests */
    APP_PROCESS_LEAVING   /* gets none any more, finishes those it has */
};

/* A process of an application, or the place for one. */
struct app_process {
    _Atomic uint32_t state;  /* enum app_process_state; by the supervisor alone */
    _Atomic uint32_t serial; /* no other process of this supervisor has it, or had it, whatever its
                                application; with the name it gives the path of its socket */
    _Atomic int32_t pid;
    _Atomic int64_t used_ns;   /* of the monotonic clock: when a place of it was taken last */
    _Atomic int64_t ended_ns;  /* when a request to it ended last */
    _Atomic uint64_t requests; /* that it was given, since it started */
    _Atomic uint64_t failures; /* of those: no whole answer came */
    _Atomic uint64_t request[APP_REQUEST_BYTES / 8]; /* that was given a place last: app_process_note() */
};

struct app_block {
    weir_shared_count waiting;                      /* requests without a place */
    weir_shared_count in_flight[APP_PROCESSES_MAX]; /* places that are taken, by process */
    weir_shared_count behind[APP_PROCESSES_MAX]; /* of those: the process may wait for a client, which takes
                                                    its answer slowly */

    _Atomic uint32_t concurrency;      /* places of a process; by the supervisor */
    _Atomic uint32_t broken;           /* no process gets ready: 1 + the index of its last_line; else 0 */
    char last_line[2][APP_LINE_BYTES]; /* that a process said before it died; see app_block_is_broken() */
    _Atomic int64_t service_ns;        /* how long a request has a place, an average that follows slowly */
    _Atomic int64_t waiting_since_ns[WEIR_SHARED_MEMBERS_MAX]; /* of the request that waits longest, by
                                                                  gateway process; 0: none does */
    struct app_process processes[APP_PROCESSES_MAX];
    _Atomic uint64_t waited; /* requests that have begun to wait for a place, ever */
    _Atomic uint64_t deaths; /* ends of processes that were not planned, ever; by the supervisor */
};

enum { APP_BLOCK_COUNTS = 1 + 2 * APP_PROCESSES_MAX };

/* Notes which request has got a place of the process, so that a stall can name it; the path without its
 * query. What two write at the same time may mix: it is for people. */
void app_process_note(struct app_process *process, const char *method, const char *path, size_t path_length);

/* Reads it: printable ASCII, "" if nothing was noted. Returns: out. */
const char *app_process_noted(const struct app_process *process, char out[APP_REQUEST_BYTES]);

/* Finds the block of an application, or adds it, zeroed.
 * Owns:    *out is the memory's, and stays until weir_shared_close().
 * Returns: as weir_shared_block().
 */
WEIR_CHECKED int app_block_open(weir_shared *shared, const char *app, struct app_block **out);

/* Writes the path of a process's socket, in the private folder of the supervisor: "FOLDER/shop.7/s", with a
 * shorter name where that would be too long.
 * Returns: out; NULL: the folder is too long. */
const char *app_socket_path(char out[APP_SOCKET_BYTES], const char *folder, const char *app, uint32_t serial);

/* Reports whether no process of the application gets ready, and copies what the last one said. */
bool app_block_is_broken(const struct app_block *block, char line[APP_LINE_BYTES]);

/* Says so, by the supervisor alone; line is cut. NULL: it is broken no more. */
void app_block_break(struct app_block *block, const char *line);

#endif

/* SPDX-License-Identifier: MIT */
/* The script of the simulated kernel: faults, latencies, partitions.
 *
 * Threading: all of it belongs to the thread of the weir__io, as io.h does.
 *
 * Under WEIR__IO_SIM descriptors, sockets and the clock exist in memory only. Time stands still except inside
 * weir__io_turn(), which moves it to the next event or to the instant waited for. One seed decides each
 * latency, each fault and the order of completions at one instant, so the same seed and the same program give
 * the same run. Two runs are the same when their weir__sim_stats.trace_hash is.
 *
 * The simulated kernel also does what a real kernel does seldom, and then to our harm:
 *   - descriptor numbers are reused at once, lowest first;
 *   - an operation that could end at once ends in submit or in a later turn, as the seed decides;
 *   - a buffer that the kernel holds must be left alone: when the bytes of a pending send have changed, or
 * the buffer of a pending receive was written, the run is aborted with a message;
 *   - each lent buffer is an allocation of its own, freed when it is handed back.
 *
 * All functions need an io on the backend WEIR__IO_SIM, and abort with another. They abort without memory,
 * too.
 */
#ifndef WEIR__IO_SIM_SIM_H
#define WEIR__IO_SIM_SIM_H

#include <stdint.h>
#include <stdio.h>

#include "io/io.h"

struct weir__random;

/* Chances are per million: 0: never, 1000000: always. */
struct weir__sim_options {
    /* the link: the latency of each segment is drawn evenly from min to max; some take much longer */
    int64_t latency_min_ns;
    int64_t latency_max_ns;
    uint32_t slow_per_million; /* of segments: they take slow_ns longer */
    int64_t slow_ns;
    uint32_t loss_per_million; /* of segments: lost and sent again after retransmit_ns, then twice that, … */
    int64_t retransmit_ns;
    uint32_t stall_per_million; /* of segments: this direction of the connection is dead from here on */
    uint32_t reset_per_million; /* of segments: both ends find the connection reset */
    int64_t give_up_ns;         /* undeliverable for this long: the connection ends with -ETIMEDOUT */
    size_t kernel_buffer_bytes; /* the most that a direction holds, sent and not yet read */

    /* connecting */
    uint32_t refuse_per_million;        /* of connects: -ECONNREFUSED though there is a listener */
    uint32_t connect_stall_per_million; /* of connects: never answered, -ETIMEDOUT after connect_timeout_ns */
    int64_t connect_timeout_ns;

    /* the kernel: weir__sim_configure_address() does not change these */
    uint32_t short_read_per_million; /* of receives: a random prefix of what is there */
    uint32_t short_send_per_million; /* of sends: a random prefix of what there is room for */
    uint32_t accept_emfile_per_million;
    uint32_t inline_per_million;      /* of operations that could end at once: they end in submit */
    uint32_t cancel_late_per_million; /* of cancels: the operation succeeds if it can by then */
    int64_t cancel_max_ns;            /* the longest time until a cancel takes effect */
    uint32_t files_max;               /* descriptors; beyond: -EMFILE. 0: no limit */
    uint32_t lent_max;                /* buffers lent at once, at most WEIR__IO_BUFFERS_COUNT; 0: that many */
};

struct weir__sim_stats {
    uint64_t trace_hash; /* of all that has happened so far, in order */
    uint64_t turns;
    uint64_t events;      /* of the network and the kernel */
    uint64_t completions; /* operations that have ended, in submit or by done() */
    uint64_t inline_completions;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t connects_ok;
    uint64_t connects_failed;
    uint64_t faults; /* times that one of the chances above struck */
    uint32_t open_files;
    uint32_t pending_ops;
    uint32_t pending_events;
    uint32_t lent;        /* buffers that are lent now */
    uint32_t connections; /* in the network: also with both files closed, while bytes are on their way */
};

/* Latencies of 20 to 60 µs, and no faults. The options of a new io. */
struct weir__sim_options weir__sim_calm(void);

/* All faults above, each often enough to show in a short run. */
struct weir__sim_options weir__sim_rough(void);

/* Sets the options for all that is sent, connected and submitted from now on. */
void weir__sim_configure(struct weir__io *io, const struct weir__sim_options *options);

/* Overrides the options of the link and of connecting, for connections to addr, including those that exist.
 * options NULL: ends the override. */
void weir__sim_configure_address(struct weir__io *io, const struct sockaddr *addr, socklen_t len,
                                 const struct weir__sim_options *options);

/* on: nothing passes between addr, as connected to, and its clients; neither side learns of it. Off: what was
 * held up arrives, unless an end has given up meanwhile. */
void weir__sim_partition(struct weir__io *io, const struct sockaddr *addr, socklen_t len, bool on);

/* Adds a hook: a turn calls fn(arg) once, at the instant at_ns, or in the next turn if that is past. The call
 * counts as a completion of the turn. While a hook is outstanding no turn returns -EDEADLK. */
void weir__sim_at(struct weir__io *io, int64_t at_ns, void (*fn)(void *arg), void *arg);

/* Makes a foreign descriptor ready for events (POLLIN, POLLOUT …) until the next call for it. It need not be
 * attached yet. */
void weir__sim_foreign_set_ready(struct weir__io *io, int fd, short events);

/* The random generator of the run, for other decisions by the seed, such as the length of a job. */
struct weir__random *weir__sim_random(struct weir__io *io);

struct weir__sim_stats weir__sim_stats(const struct weir__io *io);

/* Mixes a fact of the caller into the trace hash, such as a switch or a decision. */
void weir__sim_note(struct weir__io *io, uint64_t fact);

/* Writes a line for each event to out, which stays the caller's; NULL: stops. For studying a seed that fails.
 */
void weir__sim_trace(struct weir__io *io, FILE *out);

#endif

/* SPDX-License-Identifier: MIT */
/* The script of the simulated kernel: what goes wrong, how slow it is, who falls silent.
 *
 * Threading: everything here belongs to the thread of the weir__io, like io.h itself.
 *
 * Under WEIR__IO_SIM there are no descriptors, no sockets and no clock but the ones in memory. Time stands
 * still except inside weir__io_turn(), which moves it to the next event or to the instant waited for. One
 * seed decides every latency, every fault and the order of what completes at one instant: same seed, same
 * program, same run. weir__sim_stats.trace_hash tells whether two runs were the same.
 *
 * What the simulated kernel also does, because real ones do it only when it hurts:
 *   - descriptor numbers are reused at once, lowest first;
 *   - an operation that could end at once ends from submit or from a later turn, as the seed has it;
 *   - a buffer that the kernel holds must be left alone: the run is aborted with a message when a pending
 * send's bytes have changed or a pending receive's buffer was written;
 *   - each lent buffer is its own allocation, freed when it is handed back.
 *
 * All functions ask for an io on the backend WEIR__IO_SIM; with another they abort. Out of memory aborts too.
 */
#ifndef WEIR__IO_SIM_SIM_H
#define WEIR__IO_SIM_SIM_H

#include <stdint.h>
#include <stdio.h>

#include "io/io.h"

struct weir__random;

/* Chances are per million: 0 never, 1000000 always. */
struct weir__sim_options {
    /* the link: each segment takes a time drawn evenly from min to max, and now and then much longer */
    int64_t latency_min_ns;
    int64_t latency_max_ns;
    uint32_t slow_per_million; /* of segments: they take slow_ns longer */
    int64_t slow_ns;
    uint32_t loss_per_million; /* of segments: lost and sent again after retransmit_ns, then twice that, … */
    int64_t retransmit_ns;
    uint32_t stall_per_million; /* of segments: this direction of the connection is dead from here on */
    uint32_t reset_per_million; /* of segments: both ends find the connection reset */
    int64_t give_up_ns;         /* bytes that can't be delivered for so long end it with -ETIMEDOUT */
    size_t kernel_buffer_bytes; /* a direction holds so many bytes that were sent and not read */

    /* connecting */
    uint32_t refuse_per_million;        /* of connects: -ECONNREFUSED though somebody listens */
    uint32_t connect_stall_per_million; /* of connects: never answered, -ETIMEDOUT after connect_timeout_ns */
    int64_t connect_timeout_ns;

    /* the kernel, not the link: an override for one address does not change these */
    uint32_t short_read_per_million; /* of receives: a random prefix of what is there */
    uint32_t short_send_per_million; /* of sends: a random prefix of what there is room for */
    uint32_t accept_emfile_per_million;
    uint32_t inline_per_million;      /* of operations that could end at once: they do end from submit */
    uint32_t cancel_late_per_million; /* of cancels: an operation that can succeed by then does */
    int64_t cancel_max_ns;            /* a cancel takes effect after at most so long */
    uint32_t files_max;               /* descriptors; beyond: -EMFILE. 0: no limit */
    uint32_t lent_max; /* lent buffers out at once, at most WEIR__IO_BUFFERS_COUNT; 0: just that */
};

struct weir__sim_stats {
    uint64_t trace_hash; /* of everything that happened so far, in order */
    uint64_t turns;
    uint64_t events;      /* of the network and the kernel */
    uint64_t completions; /* operations that ended, in submit or by done() */
    uint64_t inline_completions;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t connects_ok;
    uint64_t connects_failed;
    uint64_t faults; /* how often one of the chances above struck */
    uint32_t open_files;
    uint32_t pending_ops;
    uint32_t pending_events;
    uint32_t lent;        /* buffers out now */
    uint32_t connections; /* known to the network, also those whose two files are closed and whose bytes are
                             under way */
};

/* A kind network: 20 to 60 µs, nothing goes wrong. What an io has until it is told otherwise. */
struct weir__sim_options weir__sim_calm(void);

/* An unkind one: everything above happens now and then, often enough to show in a short run. */
struct weir__sim_options weir__sim_rough(void);

/* From now on, for what is sent, connected and submitted from now on. */
void weir__sim_configure(struct weir__io *io, const struct weir__sim_options *options);

/* Overrides the link and connecting parts for connections to addr, also those that exist. NULL options: no
 * longer. */
void weir__sim_configure_address(struct weir__io *io, const struct sockaddr *addr, socklen_t len,
                                 const struct weir__sim_options *options);

/* On: nothing passes between addr, as connected to, and its clients; neither side is told. Off: what was held
 * up arrives, unless somebody gave up meanwhile. */
void weir__sim_partition(struct weir__io *io, const struct sockaddr *addr, socklen_t len, bool on);

/* Calls fn(arg) once from a turn at the instant at_ns, or the next turn if that is past; counts as a
 * completion of it. As long as it is to come, the turn does not say -EDEADLK. */
void weir__sim_at(struct weir__io *io, int64_t at_ns, void (*fn)(void *arg), void *arg);

/* A foreign descriptor is ready for events (POLLIN, POLLOUT …) until told otherwise. Needs not be attached
 * yet. */
void weir__sim_foreign_set_ready(struct weir__io *io, int fd, short events);

/* The generator of the run, for whatever else has to be decided by the seed, such as how long a job takes. */
struct weir__random *weir__sim_random(struct weir__io *io);

/* Where its virtual time stands. */
const int64_t *weir__sim_clock_ns(struct weir__io *io);

struct weir__sim_stats weir__sim_stats(const struct weir__io *io);

/* Mixes a fact of the caller's into the trace hash: a switch, a decision. */
void weir__sim_note(struct weir__io *io, uint64_t fact);

/* Writes a line per event to out, which stays the caller's; NULL: no longer. To be read beside a failed seed.
 */
void weir__sim_trace(struct weir__io *io, FILE *out);

#endif

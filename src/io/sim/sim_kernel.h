/* SPDX-License-Identifier: MIT */
/* The inside of the simulated kernel. Included by the files of this folder alone.
 *
 * Threading: as sim.h.
 *
 * Each file uses only files above it:
 *
 *     sim_event.c    future events, ordered by time; chances; the trace
 *     sim_address.c  addresses, listeners, and what is configured for an address
 *     sim_socket.c   the table of descriptors
 *     sim_net.c      connections: segments on their way, faults, windows, resets
 *     sim_buffers.c  lent buffers
 *     sim_attempt.c  one attempt at an operation
 *     sim_op.c       operations: submit, cancel, retries
 *     sim_hook.c     hooks of the script
 *     sim_backend.c  the backend: descriptors, turns, opening
 *     sim_script.c   the script (sim.h)
 */
#ifndef WEIR__IO_SIM_SIM_KERNEL_H
#define WEIR__IO_SIM_SIM_KERNEL_H

#include "base/random.h"
#include "io/backend.h"
#include "io/io.h"
#include "io/sim/sim.h"

enum {
    SIM_FIRST_FD = 1 << 20, /* above every real descriptor, so that a system call fails with EBADF */
    SIM_POISON = 0xc3,      /* what a buffer holds before bytes come */
    SIM_WOULD_BLOCK = INT32_MIN,
};

struct sim;

/* --- events --- */

typedef void sim_event_fn(struct sim *sim, void *subject, uint64_t tag);

struct sim_event {
    int64_t at_ns;
    uint64_t tie; /* drawn from the seed: decides the order within one instant */
    sim_event_fn *run;
    void *subject;
    uint64_t tag;
};

struct sim_queue {
    struct sim_event *heap;
    size_t count, capacity;
};

/* --- addresses --- */

struct sim_address {
    struct sockaddr_storage name;
    socklen_t len;
};

/* The configuration of connections to one address. Freed with the io. */
struct sim_link {
    struct weir__list node; /* in sim.links */
    struct sim_address address;
    bool overridden;
    bool partitioned;
    struct weir__sim_options options;
};

/* --- connections --- */

enum sim_segment_type { SIM_DATA, SIM_FIN, SIM_RST, SIM_SYNACK };

struct sim_segment {
    struct sim_segment *next;
    enum sim_segment_type type;
    int64_t at_ns;
    size_t len, taken;
    char bytes[];
};

struct sim_segments {
    struct sim_segment *head, **tail;
};

/* One end of a connection, and the bytes on their way to it. Side 0 has connected, side 1 was accepted. */
struct sim_end {
    uint32_t slot; /* its socket; SIM_NO_SLOT: in the listener's queue, or closed */
    bool established;
    bool closed; /* it has no file any more: what arrives is answered with a reset */
    bool fin_sent;
    bool fin_seen;
    bool gone; /* reset or given up */
    int error; /* reported once, as SO_ERROR is */
    struct sim_segments under_way;
    struct sim_segments arrived;
    int64_t last_at_ns;   /* segments never overtake each other */
    size_t in_use_bytes;  /* of the direction's buffer, as the sender knows */
    size_t freed_bytes;   /* read, and the sender does not know yet */
    uint64_t taken_bytes; /* read so far, as the sender knows */
    bool armed;           /* an event of arrival is queued */
    bool window_armed;    /* an event that reports freed_bytes to the sender is queued */
    bool dead;            /* nothing will ever arrive here again */
    bool holding;         /* a segment has come that could not be delivered */
    uint32_t hold;        /* the number of such times; distinguishes one from the next */
};

struct sim_connection {
    struct weir__list node;   /* in sim.connections */
    struct weir__list queued; /* in the listener's queue */
    struct sim_link *link;
    uint64_t id;
    unsigned refs; /* one for each file or queue with an end, and for each queued event */
    unsigned syn_tries;
    int64_t syn_until_ns;
    bool syn_dead;
    struct sim_address name[2];
    struct sim_end end[2];
};

/* --- files and operations --- */

enum { SIM_NO_SLOT = UINT32_MAX };

enum sim_socket_type { SIM_FRESH, SIM_LISTENER, SIM_STREAM, SIM_FOREIGN };

/* A pending operation. */
struct sim_op {
    struct weir__io_op *op;
    int64_t cancel_at_ns; /* INT64_MAX: not cancelled */
    uint64_t checksum;    /* of the buffer, which must not change while it is pending */
};

struct sim_socket {
    enum sim_socket_type type;
    uint32_t slot;
    uint64_t id; /* never used twice, unlike the slot */
    bool kicked; /* a retry of its operations is queued */
    bool reset_on_close;
    int family;
    struct weir__io_file *file; /* NULL while not attached */
    struct sim_op *ops;         /* pending, oldest first */
    size_t op_count, op_capacity;
    /* SIM_STREAM, also while it connects */
    struct sim_connection *connection;
    int side;
    /* SIM_LISTENER */
    struct weir__list listener; /* in sim.listeners */
    struct sim_address bound;
    bool reuse_port;
    struct weir__list queue;
    unsigned queue_count, queue_max;
    /* SIM_FOREIGN */
    int foreign_fd;
};

struct sim_foreign {
    int fd;
    short ready;
};

struct sim_ended {
    struct weir__io_op *op;
    int32_t result;
};

struct sim_hook {
    void (*fn)(void *arg);
    void *arg;
};

struct sim {
    struct weir__io io; /* first: struct weir__io_backend wants it so */
    int64_t now_ns;
    bool starving;       /* a RECV_LENT waits for a buffer */
    sim_event_fn *retry; /* tries the operations of a socket again; subject: its slot, tag: its id */
    struct weir__random random;
    struct sim_queue queue;
    struct weir__sim_options options;
    struct weir__sim_stats stats;
    FILE *trace;
    uint64_t next_id;
    uint16_t next_port;
    struct sim_socket **sockets; /* by slot */
    uint32_t socket_capacity;
    struct weir__list listeners, connections, links;
    struct sim_foreign *foreign;
    size_t foreign_count;
    char **lent;
    size_t lent_capacity;
    struct sim_ended *ended; /* reported at the end of this turn */
    size_t ended_count, ended_capacity;
    struct sim_hook *hooks; /* due; called at the end of this turn */
    size_t hook_count, hook_capacity;
};

/* sim_event.c */
_Noreturn void weir__sim_die(const struct sim *sim, const char *what);
void *weir__sim_grow(void *array, size_t *capacity, size_t need, size_t member_bytes);
void *weir__sim_alloc(size_t bytes); /* zeroed */
void weir__sim_push(struct sim *sim, int64_t at_ns, sim_event_fn *run, void *subject, uint64_t tag);
bool weir__sim_pop_due(struct sim *sim, struct sim_event *out);
int64_t weir__sim_next_ns(const struct sim *sim); /* INT64_MAX: none */
void weir__sim_mark(struct sim *sim, const char *what, uint64_t a, uint64_t b, int64_t c);
bool weir__sim_strikes(struct sim *sim, uint32_t per_million); /* draws nothing if it is never or always */
bool weir__sim_fault(struct sim *sim, uint32_t per_million, const char *what, uint64_t id);
int64_t weir__sim_draw_ns(struct sim *sim, int64_t min_ns, int64_t max_ns);

/* sim_address.c */
struct sim_address weir__sim_address_of(const struct sockaddr *addr, socklen_t len);
bool weir__sim_address_equal(const struct sim_address *a, const struct sim_address *b);
struct sim_link *weir__sim_link_to(struct sim *sim, const struct sim_address *to);
const struct weir__sim_options *weir__sim_link_options(const struct sim *sim, const struct sim_link *link);
int weir__sim_bind(struct sim *sim, const struct sim_address *wanted, bool reuse_port,
                   struct sim_address *bound);
struct sim_socket *weir__sim_find_listener(struct sim *sim, const struct sim_address *to);
struct sim_address weir__sim_client_address(struct sim *sim, const struct sim_address *to);

/* sim_socket.c */
struct sim_socket *weir__sim_socket_at(const struct sim *sim, int fd); /* NULL: not open */
struct sim_socket *weir__sim_socket_of(const struct sim *sim, const struct weir__io_file *file);
struct sim_socket *weir__sim_add_socket(struct sim *sim, enum sim_socket_type type, int family);
void weir__sim_remove_socket(struct sim *sim, struct sim_socket *s);
int weir__sim_fd_of(const struct sim_socket *s);
bool weir__sim_is_full(const struct sim *sim); /* no further descriptor is allowed */
void weir__sim_kick(struct sim *sim,
                    uint32_t slot); /* has its operations tried again, in this turn or the next */

/* sim_net.c: one direction each; side is the calling end */
int weir__sim_connect(struct sim *sim, struct sim_socket *socket, const struct sim_address *to);
size_t weir__sim_room(const struct sim *sim, const struct sim_connection *c, int side);
void weir__sim_transmit(struct sim *sim, struct sim_connection *c, int side, const char *bytes, size_t len);
size_t weir__sim_unread(const struct sim_connection *c, int side);
void weir__sim_take(struct sim *sim, struct sim_connection *c, int side, char *to, size_t len);
void weir__sim_finish(struct sim *sim, struct sim_connection *c, int side);
void weir__sim_leave(struct sim *sim, struct sim_connection *c, int side, bool reset);
void weir__sim_heal(struct sim *sim, struct sim_link *link);
void weir__sim_connection_free(struct sim *sim, struct sim_connection *c);

/* sim_buffers.c */
char *weir__sim_lend(struct sim *sim); /* NULL: the maximum is lent */
void weir__sim_give_back(struct sim *sim, char *data);

/* sim_attempt.c. first: it is tried for the first time. Returns: its result, or SIM_WOULD_BLOCK. */
int32_t weir__sim_attempt(struct sim *sim, struct sim_socket *s, struct weir__io_op *op, bool first);

/* As weir__io_ask(). */
int weir__sim_ask(const struct sim *sim, const struct sim_socket *s, short events);

/* What the script has a foreign descriptor ready for. Returns: events; -1: the script does not know it. */
int weir__sim_foreign_ready(const struct sim *sim, int fd);

/* sim_op.c: submit and cancel as in struct weir__io_backend */
bool weir__sim_submit(struct sim *sim, struct weir__io_op *op);
void weir__sim_cancel(struct sim *sim, struct weir__io_op *op);
void weir__sim_retry(struct sim *sim, void *slot, uint64_t id);
void weir__sim_report_ended(struct sim *sim);

/* sim_hook.c */
void weir__sim_add_hook(struct sim *sim, int64_t at_ns, void (*fn)(void *arg), void *arg);
void weir__sim_call_hooks(struct sim *sim);
void weir__sim_free_hooks(struct sim *sim);

#endif

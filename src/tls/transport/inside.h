/* SPDX-License-Identifier: MIT */
/* The inside of the transport of TLS: what its files share.
 *
 * Threading: as net/transport.h: the loop's thread. SSL_*() is called on the loop's own stack alone, since it
 * needs more of a stack than a parked task shall keep. What is submitted by a task waits for the next turn of
 * the loop; what comes from the lower transport is done at once.
 *
 *     transport.c  the functions of net/transport.h
 *     advance.c    what a connection does next: an operation of the layer above, or of the lower transport
 *     records.c    reading and writing once the handshake is over
 *     handshake.c  the steps of handshakes
 *     first_look.c a look at files before the handshake
 *     slow_step.c  a step that computes for long, as a job
 *     poll.c       waiting for the peer's end
 *     close.c      closing
 *     output.c     bytes on their way to the lower transport
 *     bio.c        what an SSL reads from and writes to
 *     turn.c       what the connections of a loop share, and the turn of those that have something to do
 *     state.c      what several of them do to a connection
 *     layer.c      contexts as layers of listeners
 *     start_tls.c  streams
 */
#ifndef WEIR__TLS_INSIDE_H
#define WEIR__TLS_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "net/transport.h"
#include "tls/context/context.h"
#include "tls/transport/bio.h"

struct weir__tls_slow_step;
struct weir__tls_first_look;

enum {
    WEIR__TLS_RECORD_BYTES = 16384, /* the most in one record */
    WEIR__TLS_RECORDS_MAX = 4,      /* that are sent at once */
    WEIR__TLS_FIRST_BYTES = 11,     /* up to the version in a hello */
};

/* A connection. */
struct weir__tls {
    struct weir__transport transport;
    struct weir__transport *lower;
    weir_tls *context; /* held by ssl */
    SSL *ssl;          /* NULL: after a failed handshake, and once closed; or a job has it */
    struct weir__tls_bytes bytes;
    struct weir__list due;      /* in the turn's connections, or in its handshakes */
    struct weir__list finished; /* operations of the layer above whose done() is to be called */
    struct weir__list polls;
    struct weir__io_op *receiving, *sending; /* of the layer above */
    struct weir__io_op *closer;
    struct weir__io_op receive;        /* of the lower transport */
    char *lent;                        /* by the lower transport: bytes.in lies in it */
    struct weir__tls_output *sent;     /* being sent */
    size_t taken;                      /* bytes of `sending` that are in `sent`, or go there */
    struct weir__tls_slow_step *slow;  /* a job has ssl; else NULL */
    struct weir__tls_first_look *look; /* before the handshake; else NULL */
    char *texts;                   /* the protocol, and behind it the peer's subject; NULL: there are none */
    char *why;                     /* in words; NULL: TLS has not failed, or there was no memory for words */
    int error;                     /* TLS failed: what all further operations end with */
    int receive_error, send_error; /* of the lower transport */
    char first[WEIR__TLS_FIRST_BYTES]; /* that the peer sent */
    uint8_t first_bytes;
    uint8_t delivering; /* calls of weir__tls_deliver() that are under way */
    bool is_server : 1;
    bool eager : 1;             /* the handshake goes on without an operation: for tests */
    bool started : 1;           /* the next step of the handshake needs bytes of the peer */
    bool has_looked : 1;        /* before the handshake */
    bool agreed : 1;            /* the handshake has succeeded */
    bool counted : 1;           /* how the handshake ended has been counted */
    bool is_plain : 1;          /* it failed since the peer speaks HTTP without TLS */
    bool is_off : 1;            /* it was taken off while it delivered, which frees it */
    bool asked : 1;             /* `receive` is pending */
    bool ended : 1;             /* the peer's close_notify has come */
    bool shut : 1;              /* our end is to be sent */
    bool notified : 1;          /* our close_notify has been written */
    bool lower_shut : 1;        /* the lower transport's end has been sent */
    bool receive_cancelled : 1; /* `receiving` is to end */
    bool send_cancelled : 1;    /* `sending` is to end */
    bool resets : 1;            /* on close */
    bool closing : 1;
    bool cut_off : 1; /* closed while there was more to be sent */
};

extern const struct weir__transport_type weir__tls_type;

static inline struct weir__tls *weir__tls_of(struct weir__transport *t)
{
    return weir__container_of(t, struct weir__tls, transport);
}

/* Makes the transport. Returns: 0; -EINVAL; -ENOMEM: lower is as it was. */
int weir__tls_put_on(weir_tls *context, struct weir__transport *lower, const char *host,
                     const char *session_key, struct weir__transport **out) WEIR_CHECKED;

/* --- turn.c --- */

/* What advance.c does with a connection when its turn has come. t may be gone afterwards. */
struct weir__tls_driver {
    void (*go_on)(struct weir__tls *t);
    void (*step)(struct weir__tls *t); /* of its handshake */
};

/* What the connections of a loop share. */
struct weir__tls_turn {
    const struct weir__tls_driver *driver;
    struct weir__message message; /* to the loop itself */
    struct weir__list due;        /* connections that have something to do */
    struct weir__list handshakes; /* connections whose next step of the handshake can be done */
    BIO_METHOD *method;
    struct weir__tls_output *spare; /* the buffer of an output; or NULL */
    unsigned passed;                /* turns in which handshakes let tasks go first */
    bool posted;
    char record[WEIR__TLS_RECORD_BYTES]; /* for pieces that go into one record */
};

/* Of the loop of this thread. Returns: NULL: no memory. */
struct weir__tls_turn *weir__tls_turn_here(const struct weir__tls_driver *driver);

/* Goes on with a connection after something has happened: the driver's go_on(), now. */
void weir__tls_go_on(struct weir__tls *t);

/* Has that done in the next turn. */
void weir__tls_wake(struct weir__tls *t);

/* Has the next step of its handshake done in one of the next turns. */
void weir__tls_queue_step(struct weir__tls *t);

/* Whether the caller is on the loop's own stack. */
bool weir__tls_is_on_own_stack(void);

/* --- advance.c --- */

extern const struct weir__tls_driver weir__tls_driver;

/* Does all that can be done now. */
void weir__tls_advance(struct weir__tls *t);

/* --- state.c --- */

/* Ends an operation of the layer above; its done() is called when the driver goes on. */
void weir__tls_finish(struct weir__io_op **slot, struct weir__tls *t, int32_t result);

/* Gives the lower transport's buffer back when all bytes in it have been read. */
void weir__tls_release_read(struct weir__tls *t);

/* Gives it back in any case. */
void weir__tls_release(struct weir__tls *t);

/* TLS has failed by the last call of SSL_*(), whose errors are in the queue of this thread. */
void weir__tls_fail(struct weir__tls *t);

/* As weir__tls_fail(), with what is known already. why: or NULL. */
void weir__tls_failed_by(struct weir__tls *t, int error, enum weir_tls_failure failure, const char *why);

/* The handshake has not succeeded, and does not go on: counts it, once. */
void weir__tls_count_failure(struct weir__tls *t, enum weir_tls_failure failure);

/* Frees t alone: neither its SSL nor the lower transport. */
void weir__tls_free_transport(struct weir__tls *t);

/* --- records.c --- */

void weir__tls_read(struct weir__tls *t);
void weir__tls_write(struct weir__tls *t);

/* Writes close_notify, once. */
void weir__tls_notify(struct weir__tls *t);

/* Encrypts bytes into t->bytes.out. Returns: how many, at least one; < 0 TLS has failed. */
ssize_t weir__tls_encrypt(struct weir__tls *t, const void *data, size_t bytes);

/* --- handshake.c --- */

/* Reports whether the handshake shall go on. */
bool weir__tls_is_shaking(const struct weir__tls *t);

/* Whether something else has to end before the handshake goes on. */
static inline bool weir__tls_is_held_up(const struct weir__tls *t)
{
    return t->slow != NULL || t->look != NULL;
}

/* Queues the next step, if there is what it needs. */
void weir__tls_shake(struct weir__tls *t);

/* Does the next step. */
void weir__tls_step(struct weir__tls *t);

/* What a step came to: as SSL_get_error(), 0 success. */
void weir__tls_stepped(struct weir__tls *t, int outcome);

/* One call of SSL_do_handshake(). Returns: as SSL_get_error(), 0 success. */
int weir__tls_handshake_call(SSL *ssl);

/* --- slow_step.c --- */

/* Has a job do the next step. Returns: false: it can't. */
bool weir__tls_slow_step_start(struct weir__tls *t);

/* The connection is being closed: leaves ssl to the job. */
void weir__tls_slow_step_leave(struct weir__tls *t);

/* --- first_look.c --- */

/* Begins a look at the files, if there has to be one. Returns: whether the handshake waits for it. */
bool weir__tls_first_look_start(struct weir__tls *t);

/* The connection is being closed: leaves ssl to the look. */
void weir__tls_first_look_leave(struct weir__tls *t);

/* --- poll.c --- */

bool weir__tls_poll_submit(struct weir__tls *t, struct weir__io_op *above);
void weir__tls_poll_cancel(struct weir__tls *t, const struct weir__io_op *above);

/* Ends the polls for which what has happened is enough. */
void weir__tls_polls_look(struct weir__tls *t);

/* --- close.c --- */

bool weir__tls_close(struct weir__transport *transport, struct weir__io_op *op);

/* Goes on closing, on the loop's own stack. t may be gone afterwards. */
void weir__tls_close_on(struct weir__tls *t);

/* --- output.c --- */

/* Sends what there is to be sent. Returns: true: it was sent at once. */
bool weir__tls_send(struct weir__tls *t);

/* Sends what can be sent at once, and drops the rest. */
void weir__tls_send_last(struct weir__tls *t);

#endif

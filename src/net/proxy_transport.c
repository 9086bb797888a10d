/* SPDX-License-Identifier: MIT */
/* Reading the header of the PROXY protocol. What comes behind it with the same receive is kept, and given to
 * the first operations that receive. */
#include "net/proxy_transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy_protocol.h"
#include "net/transport_below.h"

enum { INTAKE_BYTES = 512 }; /* at first: most headers have less, and a small request fits behind */

/* What is there from the first receive until all behind the header is used. */
struct intake {
    struct weir__io_op op; /* receives into data */
    struct proxy *proxy;
    bool lent;             /* what was behind the header, as the buffer of a RECV_LENT */
    size_t from, to, room; /* what is not used */
    char data[];
};

struct proxy {
    struct weir__transport transport;
    struct weir__transport *lower;
    struct intake *intake;
    weir_stream *stream;
    int (*known)(weir_stream *s);
    const char *fault;
    int32_t state; /* 0: the header is awaited; 1: it has come; < 0: what operations end with */
    bool ended;    /* the peer has sent its last instead of a header */
    bool real;     /* the addresses are those of the lower transport */
    bool filling;  /* intake->op is pending */
    bool settling, closing;
    union weir__proxy_address client, server;
    /* operations that wait for the header; at most one of each direction */
    struct waiting {
        struct weir__io_op *op;
        bool cancelled;
    } receives, sends;
    struct weir__io_op *closer; /* of a close from inside done() */
};

static const struct weir__transport_type proxy_type;

static struct proxy *proxy_of(struct weir__transport *t)
{
    return weir__container_of(t, struct proxy, transport);
}

/* --- the header --- */

static void fail(struct proxy *p, int err)
{
    p->state = err;
    free(p->intake);
    p->intake = NULL;
}

static void header_came(struct proxy *p, const struct weir__proxy_header *header, size_t bytes)
{
    int err = 0;

    p->state = 1;
    p->real = header->real;
    p->client = header->client;
    p->server = header->server;
    p->intake->from = bytes;
    if (p->known != NULL)
        err = p->known(p->stream);
    if (err < 0) {
        fail(p, err);
    } else if (p->intake->from == p->intake->to) {
        free(p->intake);
        p->intake = NULL;
    }
}

static void grow(struct proxy *p)
{
    struct intake *larger = realloc(p->intake, sizeof *larger + WEIR__PROXY_BYTES_MAX);

    if (larger == NULL) {
        fail(p, -ENOMEM);
        return;
    }
    larger->op = (struct weir__io_op){0}; /* it may point to itself */
    larger->room = WEIR__PROXY_BYTES_MAX;
    p->intake = larger;
}

/* Takes what a receive has ended with. */
static void take(struct proxy *p, int32_t result)
{
    struct intake *in = p->intake;
    struct weir__proxy_header header;
    int bytes;

    if (result < 0) {
        fail(p, result);
        return;
    }
    if (result == 0) {
        p->ended = in->to == 0;
        p->fault = p->ended ? NULL : "it ends early";
        fail(p, p->ended ? -EPIPE : -WEIR_EPROTOCOL);
        return;
    }
    in->to += (size_t)result;
    bytes = weir__proxy_header_parse(in->data, in->to, &header, &p->fault);
    if (bytes < 0)
        fail(p, bytes);
    else if (bytes > 0)
        header_came(p, &header, (size_t)bytes);
    else if (in->to == in->room)
        grow(p);
}

static void filled(struct weir__io_op *op);

/* Receives until the header is there. Returns: whether it is, or never will; false: a receive is pending. */
static bool fill(struct proxy *p)
{
    while (p->state == 0) {
        struct intake *in = p->intake;

        in->op.type = WEIR__IO_RECV;
        in->op.done = filled;
        in->op.data = in->data + in->to;
        in->op.len = in->room - in->to;
        p->filling = !p->lower->type->submit(p->lower, &in->op);
        if (p->filling)
            return false;
        take(p, in->op.result);
    }
    return true;
}

/* --- operations that wait for it --- */

static bool receives(const struct weir__io_op *op)
{
    return op->type == WEIR__IO_RECV || op->type == WEIR__IO_RECV_LENT;
}

static bool has_surplus(const struct proxy *p)
{
    return p->intake != NULL && p->intake->from < p->intake->to;
}

/* Gives an operation what came behind the header. */
static void give_surplus(struct proxy *p, struct weir__io_op *op)
{
    struct intake *in = p->intake;
    size_t bytes = in->to - in->from;

    if (op->type == WEIR__IO_RECV_LENT) {
        in->lent = true;
        op->data = in->data + in->from;
    } else {
        bytes = bytes < op->len ? bytes : op->len;
        memcpy(op->data, in->data + in->from, bytes);
    }
    op->result = (int32_t)bytes;
    in->from += bytes;
    if (in->from == in->to && !in->lent) {
        free(in);
        p->intake = NULL;
    }
}

/* Starts an operation after the header. Returns: as submit(). */
static bool start(struct proxy *p, struct weir__io_op *op)
{
    if (p->state < 0) {
        op->result = p->ended && receives(op) ? 0 : p->state;
        if (op->type == WEIR__IO_RECV_LENT)
            op->data = NULL;
        return true;
    }
    if (!receives(op) || !has_surplus(p))
        return p->lower->type->submit(p->lower, op);
    give_surplus(p, op);
    return true;
}

/* Lets an operation go on, if it can. */
static void release_waiting(struct proxy *p, struct waiting *w)
{
    struct weir__io_op *op = w->op;
    bool ended = true;

    if (op == NULL || (p->state == 0 && !w->cancelled))
        return;
    w->op = NULL;
    if (w->cancelled)
        op->result = -ECANCELED;
    else
        ended = start(p, op);
    if (ended)
        op->done(op);
}

/* A receive has ended, or operations were cancelled while it was pending. */
static void settle(struct proxy *p)
{
    struct weir__io_op *closer;

    p->settling = true;
    do {
        release_waiting(p, &p->receives);
        release_waiting(p, &p->sends);
    } while ((p->receives.op != NULL || p->sends.op != NULL) && !p->filling && fill(p));
    p->settling = false;
    closer = p->closer;
    p->closer = NULL;
    if (closer != NULL && p->lower->type->close(p->lower, closer))
        closer->done(closer);
}

static void filled(struct weir__io_op *op)
{
    struct proxy *p = weir__container_of(op, struct intake, op)->proxy;

    p->filling = false;
    if (op->result != -ECANCELED || p->closing)
        take(p, op->result);
    settle(p);
}

/* --- the transport --- */

static bool submit(struct weir__transport *t, struct weir__io_op *op)
{
    struct proxy *p = proxy_of(t);
    struct waiting *w = receives(op) ? &p->receives : &p->sends;

    if (op->type == WEIR__IO_POLL)
        return p->lower->type->submit(p->lower, op);
    if (p->state != 0 || (!p->filling && fill(p)))
        return start(p, op);
    *w = (struct waiting){.op = op};
    return false;
}

/* The operation ends when the receive has, which takes no byte then: a further one is begun for the other. */
static void cancel(struct weir__transport *t, struct weir__io_op *op)
{
    struct proxy *p = proxy_of(t);
    struct waiting *w = receives(op) ? &p->receives : &p->sends;

    if (w->op != op) {
        p->lower->type->cancel(p->lower, op);
        return;
    }
    w->cancelled = true;
    if (p->filling)
        p->lower->type->cancel(p->lower, &p->intake->op);
}

static void give_back(struct weir__transport *t, char *data)
{
    struct proxy *p = proxy_of(t);
    struct intake *in = p->intake;

    if (in == NULL || data < in->data || data >= in->data + in->room) {
        p->lower->type->give_back(p->lower, data);
        return;
    }
    free(in);
    p->intake = NULL;
}

static ssize_t send_now(struct weir__transport *t, const void *data, size_t bytes)
{
    struct proxy *p = proxy_of(t);

    return p->state == 0 ? -EAGAIN : p->lower->type->send_now(p->lower, data, bytes);
}

static ssize_t receive_now(struct weir__transport *t, void *data, size_t bytes)
{
    struct proxy *p = proxy_of(t);

    if (p->state <= 0 || p->intake != NULL || p->lower->type->receive_now == NULL)
        return -EAGAIN;
    return p->lower->type->receive_now(p->lower, data, bytes);
}

static int shut_down(struct weir__transport *t)
{
    struct proxy *p = proxy_of(t);

    return p->lower->type->shutdown(p->lower);
}

static void reset_on_close(struct weir__transport *t)
{
    struct proxy *p = proxy_of(t);

    p->lower->type->reset_on_close(p->lower);
}

static bool close_transport(struct weir__transport *t, struct weir__io_op *op)
{
    struct proxy *p = proxy_of(t);

    p->closing = true;
    if (!p->settling)
        return p->lower->type->close(p->lower, op);
    p->closer = op;
    return false;
}

static void free_transport(struct weir__transport *t)
{
    struct proxy *p = proxy_of(t);

    p->lower->type->free(p->lower);
    free(p->intake);
    free(p);
}

static int release(struct weir__transport *t)
{
    (void)t;
    return -EOPNOTSUPP; /* another loop would not know the addresses */
}

static int address(struct weir__transport *t, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
    struct proxy *p = proxy_of(t);
    const union weir__proxy_address *known = peer ? &p->client : &p->server;

    if (p->real)
        return weir__below_address(t, peer, addr, len);
    *len = weir__proxy_address_len(known);
    memset(addr, 0, sizeof *addr);
    memcpy(addr, known, *len);
    return 0;
}

static const char *alpn(const struct weir__transport *t)
{
    (void)t;
    return "";
}

static bool has_input(struct weir__transport *t)
{
    struct proxy *p = proxy_of(t);

    return p->state < 0 || has_surplus(p) || p->lower->type->has_input(p->lower);
}

static const struct weir__transport_type proxy_type = {
    .lower_at = offsetof(struct proxy, lower),
    .submit = submit,
    .cancel = cancel,
    .give_back = give_back,
    .send_now = send_now,
    .receive_now = receive_now,
    .shutdown = shut_down,
    .reset_on_close = reset_on_close,
    .close = close_transport,
    .free = free_transport,
    .release = release,
    .counts_acknowledged = weir__below_counts_acknowledged,
    .acknowledged = weir__below_acknowledged,
    .tune = weir__below_tune,
    .address = address,
    .alpn = alpn,
    .has_input = has_input,
};

/* --- for others --- */

int weir__proxy_transport_stack(weir_stream *s, int (*known)(weir_stream *s), struct weir__transport *lower,
                                struct weir__transport **out)
{
    struct proxy *p = calloc(1, sizeof *p);
    struct intake *in = malloc(sizeof *in + INTAKE_BYTES);

    if (p == NULL || in == NULL) {
        free(p);
        free(in);
        return -ENOMEM;
    }
    *in = (struct intake){.proxy = p, .room = INTAKE_BYTES};
    *p = (struct proxy){.transport.type = &proxy_type,
                        .lower = lower,
                        .intake = in,
                        .stream = s,
                        .known = known,
                        .real = true};
    *out = &p->transport;
    return 0;
}

const struct weir__transport *weir__proxy_transport_through(const struct weir__transport *t)
{
    const struct proxy *p = weir__container_of(t, struct proxy, transport);

    return t->type == &proxy_type && p->state > 0 && p->intake == NULL ? p->lower : t;
}

/* Returns: NULL: none of the transports of a stream is of this type. */
static struct proxy *find(weir_stream *s)
{
    for (struct weir__transport **at = &s->transport; at != NULL; at = weir__transport_lower(*at))
        if ((*at)->type == &proxy_type)
            return proxy_of(*at);
    return NULL;
}

bool weir__stream_knows_client(weir_stream *s)
{
    const struct proxy *p = find(s);

    return p == NULL || p->state != 0;
}

const char *weir__stream_proxy_fault(weir_stream *s)
{
    const struct proxy *p = find(s);

    return p == NULL ? NULL : p->fault;
}

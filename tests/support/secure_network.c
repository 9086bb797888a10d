/* SPDX-License-Identifier: MIT */
#include "support/secure_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/loop.h"
#include "net/network.h"
#include "support/certificates.h"
#include "support/memory.h"
#include "support/seeded_rand.h"
#include "tls/transport/inside.h"

#define HOST "secure.test"

struct secure {
    struct weir__network network;
    const struct weir__network *lower;
    weir_tls *server, *client;
    int (*fn)(void *arg);
    void *arg;
};

static struct weir__transport_type secure_type; /* TLS, but that it can be connected */

static struct secure *secure_of(const struct weir__network *n)
{
    return weir__container_of(n, struct secure, network);
}

/* --- the transport --- */

/* A connect, which is the lower transport's. */
struct connecting {
    struct weir__io_op op, *above;
    struct weir__transport *t;
};

/* Has the handshake go on by itself, so that a peer need not read for a write to end, as without TLS. */
static void shake(struct weir__transport *t)
{
    weir__tls_of(t)->eager = true;
    weir__tls_wake(weir__tls_of(t));
}

static void connected(struct weir__io_op *op)
{
    struct connecting *c = weir__container_of(op, struct connecting, op);
    struct weir__io_op *above = c->above;

    above->result = op->result;
    if (op->result == 0)
        shake(c->t);
    above->addr = NULL;
    free(c);
    above->done(above);
}

static bool submit(struct weir__transport *t, struct weir__io_op *op)
{
    struct weir__transport *lower = *weir__transport_lower(t);
    struct connecting *c;

    if (op->type != WEIR__IO_CONNECT)
        return weir__tls_type.submit(t, op);
    c = calloc(1, sizeof *c);
    assert_non_null(c);
    *c = (struct connecting){.op = *op, .above = op, .t = t};
    c->op.done = connected;
    op->queue.next = (struct weir__list *)(void *)c;
    assert_false(lower->type->submit(lower, &c->op));
    return false;
}

static void cancel(struct weir__transport *t, struct weir__io_op *op)
{
    struct weir__transport *lower = *weir__transport_lower(t);

    if (op->type != WEIR__IO_CONNECT)
        weir__tls_type.cancel(t, op);
    else if (op->addr != NULL)
        lower->type->cancel(lower, &((struct connecting *)(void *)op->queue.next)->op);
}

static int put_on(weir_tls *context, struct weir__transport **t)
{
    int err = weir__tls_put_on(context, *t, HOST, NULL, t);

    if (err == 0)
        (*t)->type = &secure_type;
    return err;
}

/* --- the network --- */

static int open_unconnected(const struct weir__network *n, struct weir__socket *room, int family,
                            struct weir__transport **out)
{
    const struct secure *s = secure_of(n);
    int err = s->lower->open(s->lower, room, family, out);

    return err < 0 ? err : put_on(s->client, out);
}

static int listen_at(const struct weir__network *n, struct weir__socket *room, const struct sockaddr *addr,
                     socklen_t len, int backlog, bool reuse_port, struct weir__transport **out)
{
    const struct secure *s = secure_of(n);

    return s->lower->listen(s->lower, room, addr, len, backlog, reuse_port, out);
}

static int attach(const struct weir__network *n, struct weir__socket *room, int fd,
                  struct weir__transport **out)
{
    const struct secure *s = secure_of(n);
    int err = s->lower->attach(s->lower, room, fd, out);

    if (err == 0)
        err = put_on(s->server, out);
    if (err == 0)
        shake(*out);
    return err;
}

static void close_fd(const struct weir__network *n, int fd)
{
    const struct secure *s = secure_of(n);

    s->lower->close_fd(s->lower, fd);
}

/* --- running --- */

struct files {
    const char *authority, *cert, *key;
};

/* Ed25519: its signatures all have the same length, or the seed would not tell how a run goes. */
static const struct files *files(void)
{
    static struct files made;
    struct certificate *authority, *server;

    if (made.authority != NULL)
        return &made;
    certificates_need();
    authority = certificate_make(&(struct certificate_options){
        .cn = "Secure Authority", .is_authority = true, .key = CERTIFICATE_ED25519});
    server = certificate_make(&(struct certificate_options){
        .cn = "server", .issuer = authority, .names = HOST, .key = CERTIFICATE_ED25519});
    made =
        (struct files){certificate_file(authority), certificate_file(server), certificate_key_file(server)};
    return &made;
}

static void open_contexts(struct secure *s)
{
    const weir_tls_certificate certificate = {files()->cert, files()->key};
    const char *why;

    if (weir_tls_server_open(&(weir_tls_server_options){.certificates = &certificate, .certificate_count = 1},
                             &why, &s->server) < 0 ||
        weir_tls_client_open(&(weir_tls_client_options){.ca = files()->authority}, &why, &s->client) < 0)
        fail_msg("a context: %s", why);
}

static int first_task(void *arg)
{
    struct secure *s = arg;
    struct weir__loop *loop = weir__loop_current();
    int result;

    s->lower = loop->network;
    open_contexts(s);
    loop->network = &s->network;
    result = s->fn(s->arg);
    (void)weir_sleep(weir_ms(1)); /* what was closed without a task is closed in a turn */
    loop->network = s->lower;
    weir_tls_close(s->server);
    weir_tls_close(s->client);
    return result;
}

bool secure_is_here(void)
{
    const struct weir__network *n = weir__loop_current()->network;

    return n != NULL && n->attach == attach;
}

int secure_run(const weir_options *options, int (*fn)(void *arg), void *arg)
{
    struct secure s = {.network = {open_unconnected, listen_at, attach, close_fd, .makes_paths = false},
                       .fn = fn,
                       .arg = arg};
    int result;

    secure_type = weir__tls_type;
    secure_type.submit = submit;
    secure_type.cancel = cancel;
    (void)files(); /* of the program, not of the seed */
    seeded_rand_begin(options->seed);
    result = memory_run(options, first_task, &s);
    seeded_rand_end();
    return result;
}

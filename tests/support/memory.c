/* SPDX-License-Identifier: MIT */
#include "support/memory_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "io/sim/sim.h"

static struct memory *running; /* or NULL */

enum { FIRST_FD = 1 << 20, FIRST_PORT = 40000, MILLION = 1000000 };

/* --- time --- */

/* A turn of the network: does what is due for each end. What comes of it is for a later turn. */
static void turn(void *arg)
{
    struct memory *m = arg;
    struct end *due;

    if (m->turn_ns > memory_now_ns(m))
        return; /* an earlier one was asked for afterwards, and has been */
    m->turn_ns = INT64_MAX;
    weir__list_each (node, &m->ends) {
        struct end *e = weir__container_of(node, struct end, node);
        e->due = end_due_ns(e) <= memory_now_ns(m);
    }
    do { /* ends come and go meanwhile */
        due = NULL;
        weir__list_each (node, &m->ends) {
            struct end *e = weir__container_of(node, struct end, node);
            if (e->due)
                due = e;
        }
        if (due != NULL) {
            due->due = false;
            end_dispatch(due);
        }
    } while (due != NULL);
    weir__list_each (node, &m->ends)
        memory_schedule(weir__container_of(node, struct end, node));
    weir__io_wake(m->loop->io); /* nothing of its own has ended, but tasks may be ready */
}

void memory_schedule(struct end *e)
{
    struct memory *m = e->memory;
    int64_t at_ns = end_due_ns(e);

    if (at_ns >= m->turn_ns)
        return;
    m->turn_ns = at_ns;
    weir__sim_at(m->loop->io, at_ns, turn, m);
}

/* --- addresses --- */

static bool is_same(const struct weir__address *a, const struct weir__address *b)
{
    if (a->any.sa_family == AF_UNIX || b->any.sa_family == AF_UNIX)
        return a->any.sa_family == b->any.sa_family &&
               strcmp(((const struct sockaddr_un *)(const void *)&a->storage)->sun_path,
                      ((const struct sockaddr_un *)(const void *)&b->storage)->sun_path) == 0;
    return a->len == b->len && memcmp(&a->storage, &b->storage, a->len) == 0;
}

static struct weir__address address_from(const struct sockaddr *addr, socklen_t len)
{
    struct weir__address a;

    memset(&a, 0, sizeof a);
    a.len = len;
    memcpy(&a.storage, addr, len);
    return a;
}

in_port_t *memory_port_of(struct weir__address *a)
{
    return a->any.sa_family == AF_INET ? &((struct sockaddr_in *)(void *)&a->storage)->sin_port
                                       : &((struct sockaddr_in6 *)(void *)&a->storage)->sin6_port;
}

struct end *memory_find_queue(struct memory *m, const struct weir__address *at)
{
    weir__list_each (node, &m->ends) {
        struct end *e = weir__container_of(node, struct end, node);
        if (e->is_queue && !e->stopped && !e->closing && is_same(&e->own, at))
            return e;
    }
    return NULL;
}

/* --- the network --- */

static struct memory *memory_of(const struct weir__network *n)
{
    return weir__container_of(n, struct memory, network);
}

static int open_unconnected(const struct weir__network *n, struct weir__socket *room, int family,
                            struct weir__transport **out)
{
    (void)room, (void)family;
    *out = &end_new(memory_of(n))->transport;
    return 0;
}

static int listen_at(const struct weir__network *n, struct weir__socket *room, const struct sockaddr *addr,
                     socklen_t len, int backlog, bool reuse_port, struct weir__transport **out)
{
    struct weir__address own = address_from(addr, len);
    struct memory *m = memory_of(n);
    struct end *before, *e;

    (void)room, (void)backlog;
    if (own.any.sa_family != AF_UNIX && *memory_port_of(&own) == 0)
        *memory_port_of(&own) = htons(m->next_port++);
    before = memory_find_queue(m, &own);
    if (before != NULL && !(reuse_port && before->shares_port))
        return -EADDRINUSE;
    e = end_new(m);
    e->is_queue = true;
    e->shares_port = reuse_port;
    e->own = own;
    *out = &e->transport;
    return 0;
}

static struct end *find_fd(struct memory *m, int fd)
{
    weir__list_each (node, &m->ends) {
        struct end *e = weir__container_of(node, struct end, node);
        if (e->fd == fd)
            return e;
    }
    fail_msg("%d is no connection in memory", fd);
    return NULL;
}

static int attach(const struct weir__network *n, struct weir__socket *room, int fd,
                  struct weir__transport **out)
{
    struct end *e = find_fd(memory_of(n), fd);

    (void)room;
    e->fd = -1;
    *out = &e->transport;
    memory_schedule(e);
    return 0;
}

static void close_fd(const struct weir__network *n, int fd)
{
    end_discard(find_fd(memory_of(n), fd));
}

struct memory_options memory_usual(void)
{
    return (struct memory_options){.buffer_bytes = 64 << 10,
                                   .delay_max_ns = 50000,
                                   .short_per_million = MILLION / 2,
                                   .inline_per_million = MILLION / 2};
}

/* --- running --- */

struct first {
    struct memory *memory;
    int (*fn)(void *arg);
    void *arg;
};

static int first_task(void *arg)
{
    struct first *first = arg;
    struct memory *m = first->memory;
    int result;

    m->loop = weir__loop_current();
    m->loop->network = &m->network;
    result = first->fn(first->arg);
    if (!weir__list_is_empty(&m->ends) || m->lent > 0)
        fail_msg("a connection or %zu lent buffers are left", m->lent);
    m->loop->network = NULL;
    return result;
}

int memory_run(const weir_options *options, int (*fn)(void *arg), void *arg)
{
    struct memory m = {
        .network = {open_unconnected, listen_at, attach, close_fd, .makes_paths = false},
        .options = memory_usual(),
        .next_port = FIRST_PORT,
        .next_fd = FIRST_FD,
        .turn_ns = INT64_MAX,
    };
    struct first first = {&m, fn, arg};
    weir_options simulated = *options;
    int result;

    simulated.io = WEIR_IO_SIM;
    weir__list_init(&m.ends);
    weir__random_seed(&m.random, options->seed);
    running = &m;
    result = weir_run(&simulated, first_task, &first);
    running = NULL;
    return result;
}

bool memory_is_here(void)
{
    return running != NULL;
}

void memory_configure(const struct memory_options *options)
{
    assert_true(memory_is_here());
    running->options = *options;
}

/* SPDX-License-Identifier: MIT */
/* Shared by tests of the simulated kernel: an io, a listener, a connected pair, and calls that wait. */
#ifndef WEIR_TESTS_IO_SIM_RIG_H
#define WEIR_TESTS_IO_SIM_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <cmocka.h>

#include "base/list.h"
#include "io/io.h"
#include "io/sim/sim.h"

#define MS ((int64_t)1000000)
#define ALWAYS 1000000u

/* An operation with all that it points to. */
struct call {
    struct weir__io_op op;
    struct iovec iov;
    struct msghdr msg;
    int dones;
    int *order; /* the number of done() so far; done() copies it to place */
    int place;
};

static inline struct call *call_of(struct weir__io_op *op)
{
    return weir__container_of(op, struct call, op);
}

static inline void called(struct weir__io_op *op)
{
    struct call *c = call_of(op);

    c->dones++;
    if (c->order != NULL)
        c->place = (*c->order)++;
}

static inline struct call new_call(enum weir__io_op_type type, struct weir__io_file *file)
{
    return (struct call){.op = {.type = (uint8_t)type, .done = called, .file = file}};
}

static inline struct call recv_call(struct weir__io_file *file, char *data, size_t len)
{
    struct call c = new_call(WEIR__IO_RECV, file);

    c.op.data = data;
    c.op.len = len;
    return c;
}

static inline bool start(struct weir__io *io, struct call *c)
{
    if (c->op.type == WEIR__IO_SEND) {
        c->msg = (struct msghdr){.msg_iov = &c->iov, .msg_iovlen = 1};
        c->op.msg = &c->msg;
    }
    if (!weir__io_submit(io, &c->op))
        return false;
    c->dones++;
    return true;
}

static inline struct call send_call(struct weir__io_file *file, const void *data, size_t len)
{
    struct call c = new_call(WEIR__IO_SEND, file);

    c.iov = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    return c;
}

static inline int32_t finish(struct weir__io *io, struct call *c)
{
    while (c->dones == 0)
        if (weir__io_turn(io, INT64_MAX) == -EDEADLK)
            return -EDEADLK;
    assert_int_equal(c->dones, 1);
    return c->op.result;
}

static inline int32_t run(struct weir__io *io, struct call *c)
{
    (void)start(io, c);
    return finish(io, c);
}

static inline int32_t run_recv(struct weir__io *io, struct weir__io_file *file, char *data, size_t len)
{
    struct call c = recv_call(file, data, len);

    return run(io, &c);
}

static inline int32_t run_send(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len)
{
    struct call c = send_call(file, data, len);

    return run(io, &c);
}

static inline int32_t run_connect(struct weir__io *io, struct weir__io_file *file,
                                  const struct sockaddr_storage *to, socklen_t len)
{
    struct call c = new_call(WEIR__IO_CONNECT, file);
    struct sockaddr_storage copy = *to;

    c.op.addr = (struct sockaddr *)&copy;
    c.op.addr_len = len;
    return run(io, &c);
}

static inline void close_and_wait(struct weir__io *io, struct weir__io_file *file)
{
    struct call c = {.op = {.done = called}};

    if (weir__io_close_file(io, file, &c.op))
        c.dones++;
    assert_int_equal(finish(io, &c), 0);
}

/* Runs turns until no event is left. The time is then that of the last event. */
static inline void settle(struct weir__io *io)
{
    while (weir__io_turn(io, INT64_MAX) != -EDEADLK)
        continue;
}

struct rig {
    struct weir__io *io;
    struct weir__io_file listener, client, server;
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

static inline void rig_open(struct rig *r, uint64_t seed)
{
    struct weir__io_options o;

    *r = (struct rig){0};
    o = (struct weir__io_options){.backend = WEIR__IO_SIM, .seed = seed};
    assert_int_equal(weir__io_open(&o, &r->io), 0);
}

static inline void rig_listen(struct rig *r, int family, int backlog)
{
    struct sockaddr_storage any = {0};
    socklen_t len = sizeof(struct sockaddr_in);

    any.ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        ((struct sockaddr_in *)&any)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (family == AF_INET6) {
        ((struct sockaddr_in6 *)&any)->sin6_addr = in6addr_loopback;
        len = sizeof(struct sockaddr_in6);
    } else {
        strcpy(((struct sockaddr_un *)&any)->sun_path, "/run/sim.sock");
        len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof "/run/sim.sock");
    }
    assert_int_equal(weir__io_listen(r->io, &r->listener, (struct sockaddr *)&any, len, backlog, false), 0);
    assert_int_equal(weir__io_address(r->io, &r->listener, false, &r->addr, &r->addr_len), 0);
}

static inline int32_t rig_connect(struct rig *r)
{
    assert_int_equal(weir__io_socket(r->io, &r->client, r->addr.ss_family), 0);
    return run_connect(r->io, &r->client, &r->addr, r->addr_len);
}

static inline void rig_accept(struct rig *r)
{
    struct call c = new_call(WEIR__IO_ACCEPT, &r->listener);
    int fd = run(r->io, &c);

    assert_true(fd >= 0);
    assert_int_equal(weir__io_attach(r->io, &r->server, fd, false), 0);
}

/* Makes a connected pair of an address family. */
static inline void rig_pair(struct rig *r, uint64_t seed, int family)
{
    rig_open(r, seed);
    rig_listen(r, family, 16);
    assert_int_equal(rig_connect(r), 0);
    rig_accept(r);
}

static inline struct weir__sim_stats rig_stats(const struct rig *r)
{
    return weir__sim_stats(r->io);
}

/* Closes all open files, and checks that nothing is left. */
static inline void rig_close(struct rig *r)
{
    struct weir__sim_stats s;
    struct weir__io_file *files[] = {&r->client, &r->server, &r->listener};

    weir__sim_partition(r->io, (struct sockaddr *)&r->addr, r->addr_len, false);
    for (int i = 0; i < 3; i++)
        if (files[i]->generation > 0 && files[i]->fd >= 0)
            close_and_wait(r->io, files[i]);
    settle(r->io);
    s = rig_stats(r);
    assert_int_equal(s.open_files, 0);
    assert_int_equal(s.pending_ops, 0);
    assert_int_equal(s.pending_events, 0);
    assert_int_equal(s.connections, 0);
    assert_int_equal(s.lent, 0);
    weir__io_free(r->io);
}

#endif

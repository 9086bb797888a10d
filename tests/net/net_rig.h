/* SPDX-License-Identifier: MIT */
/* What the tests of the net layer share: a listener, a connected pair, bytes that can be checked. */
#ifndef WEIR_TESTS_NET_NET_RIG_H
#define WEIR_TESTS_NET_NET_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <weir.h>

#include "core/loop.h"
#include "core/runtime.h"
#include "core/task.h"
#include "io/sim/sim.h"
#include "net/listener.h"
#include "net/stream.h"
#include "support/run.h"
#include "support/secure_network.h"
#include "support/torture.h"

static inline struct weir__io *this_io(void)
{
    return weir__task_current()->loop->io;
}

static inline bool is_simulated(void)
{
    return weir__task_current()->loop->runtime->options.io == WEIR_IO_SIM;
}

/* A Unix address nobody else uses, in a folder of its own; under simulation it is a mere name. */
struct unix_place {
    char folder[64];
    char address[WEIR_ADDRESS_BYTES];
};

static inline void unix_place_open(struct unix_place *p)
{
    strcpy(p->folder, P_tmpdir "/weir-net-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->address, sizeof p->address, "unix:%s/socket", p->folder);
}

static inline void unix_place_close(struct unix_place *p)
{
    (void)unlink(p->address + strlen("unix:"));
    assert_int_equal(rmdir(p->folder), 0);
}

/* Whether this machine has [::1]: many containers don't. */
static inline bool has_ipv6(void)
{
    weir_listener *l;
    int err = weir_listen("[::1]:0", &l);

    if (err == 0)
        weir_listener_close(l);
    else
        assert_true(!is_simulated() && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT));
    return err == 0;
}

struct pair {
    weir_listener *listener;
    weir_stream *client, *server;
};

static inline void pair_open(struct pair *p, const char *address)
{
    assert_int_equal(weir_listen(address, &p->listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(p->listener), &p->client), 0);
    assert_int_equal(weir_accept(p->listener, &p->server), 0);
}

/* Closes what is left, also streams with a record of a protocol. */
static inline void pair_close(struct pair *p)
{
    if (p->client != NULL)
        weir__stream_close(p->client);
    if (p->server != NULL)
        weir__stream_close(p->server);
    weir_listener_close(p->listener);
}

/* Reads until so many bytes have come; less only at the end or after an error. */
static inline ssize_t read_all(weir_stream *s, char *data, size_t bytes)
{
    size_t have = 0;

    while (have < bytes) {
        ssize_t n = weir_read(s, data + have, bytes - have);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

/* The byte at a place of an endless text that does not repeat soon. */
static inline char byte_at(size_t at)
{
    return (char)(at * 2654435761u >> 13);
}

static inline void fill(char *data, size_t from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = byte_at(from + i);
}

static inline void check(const char *data, size_t from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != byte_at(from + i))
            fail_msg("the byte at %zu is wrong", from + i);
}

#endif

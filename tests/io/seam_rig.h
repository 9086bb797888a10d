/* SPDX-License-Identifier: MIT */
/* Shared by tests that run on every backend: a suite once per backend, connected pairs, several calls.
 */
#ifndef WEIR_TESTS_IO_SEAM_RIG_H
#define WEIR_TESTS_IO_SEAM_RIG_H

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/sim/sim_rig.h"

static inline enum weir__io_backend_type backend_of(void **state)
{
    return *(enum weir__io_backend_type *)*state;
}

/* Whether this machine has the backend: io_uring is forbidden in many containers. */
static inline bool is_here(enum weir__io_backend_type type)
{
    struct weir__io_options o = {.backend = type};
    struct weir__io *io;
    int rc = weir__io_open(&o, &io);

    if (rc == 0)
        weir__io_free(io);
    assert_true(rc == 0 || (type == WEIR__IO_URING && (rc == -ENOSYS || rc == -EPERM)));
    return rc == 0;
}

static inline void skip_it(void **state)
{
    (void)state;
    skip();
}

/* Runs each test on each backend, or reports SKIP if the machine lacks it. The state points to the type. */
static inline int run_on_every_backend(const char *group, const struct CMUnitTest *tests, size_t count)
{
    static enum weir__io_backend_type types[] = {WEIR__IO_URING, WEIR__IO_EPOLL, WEIR__IO_SIM};
    static const char *const names[] = {"uring", "epoll", "sim"};
    struct CMUnitTest all[3 * 64];
    static char titles[3 * 64][120];
    size_t n = 0;

    if (count > 64)
        abort();
    for (size_t k = 0; k < 3; k++) {
        bool here = is_here(types[k]);
        for (size_t i = 0; i < count; i++, n++) {
            all[n] = here ? tests[i] : (struct CMUnitTest){.test_func = skip_it};
            snprintf(titles[n], sizeof titles[n], "%s: %s", names[k], tests[i].name);
            all[n].name = titles[n];
            all[n].initial_state = &types[k];
        }
    }
    return _cmocka_run_group_tests(group, all, n, NULL, NULL);
}

/* Raises the limit of descriptors as far as possible: the tests hold both ends of each connection. */
static inline void allow_many_files(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static inline void open_rig(struct rig *r, enum weir__io_backend_type type, unsigned entries)
{
    struct weir__io_options o;

    *r = (struct rig){.client.fd = -1, .server.fd = -1, .listener.fd = -1};
    o = (struct weir__io_options){.backend = type, .seed = 1, .entries = entries};
    assert_int_equal(weir__io_open(&o, &r->io), 0);
}

static inline void open_pair(struct rig *r, enum weir__io_backend_type type)
{
    open_rig(r, type, 0);
    rig_listen(r, AF_INET, 512);
    assert_int_equal(rig_connect(r), 0);
    rig_accept(r);
}

/* Makes one more connection to the rig's listener. */
static inline void connect_more(struct rig *r, struct weir__io_file *client, struct weir__io_file *server)
{
    struct call c;
    int fd;

    assert_int_equal(weir__io_socket(r->io, client, AF_INET), 0);
    assert_int_equal(run_connect(r->io, client, &r->addr, r->addr_len), 0);
    c = new_call(WEIR__IO_ACCEPT, &r->listener);
    fd = run(r->io, &c);
    assert_true(fd >= 0);
    assert_int_equal(weir__io_attach(r->io, server, fd, false), 0);
}

/* Closes all open files. */
static inline void close_rig(struct rig *r)
{
    struct weir__io_file *files[] = {&r->client, &r->server, &r->listener};

    for (int i = 0; i < 3; i++)
        if (files[i]->fd >= 0)
            close_and_wait(r->io, files[i]);
    weir__io_free(r->io);
}

static inline struct call lent_call(struct weir__io_file *file)
{
    return new_call(WEIR__IO_RECV_LENT, file);
}

static inline struct call poll_call(struct weir__io_file *file, short events)
{
    struct call c = new_call(WEIR__IO_POLL, file);

    c.op.events = (uint16_t)events;
    return c;
}

/* Runs some turns without waiting. */
static inline void look_around(struct weir__io *io)
{
    for (int i = 0; i < 3; i++)
        (void)weir__io_turn(io, 0);
}

#endif

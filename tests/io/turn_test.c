/* SPDX-License-Identifier: MIT */
/* Turns, wakes, lent buffers and many files of the seam, on every backend. */
#include "io/seam_rig.h"

#include <pthread.h>
#include <stdatomic.h>

/* --- lent buffers --- */

enum { MANY = WEIR__IO_BUFFERS_COUNT + 44 };

struct crowd {
    struct rig rig;
    struct weir__io_file client[MANY], server[MANY];
    struct call call[MANY];
};

static struct crowd *gather(enum weir__io_backend_type type)
{
    struct crowd *c = calloc(1, sizeof *c);

    assert_non_null(c);
    allow_many_files();
    open_rig(&c->rig, type, 0);
    rig_listen(&c->rig, AF_INET, 512);
    for (int i = 0; i < MANY; i++)
        connect_more(&c->rig, &c->client[i], &c->server[i]);
    return c;
}

static void dissolve(struct crowd *c)
{
    for (int i = 0; i < MANY; i++) {
        close_and_wait(c->rig.io, &c->client[i]);
        close_and_wait(c->rig.io, &c->server[i]);
    }
    close_rig(&c->rig);
    free(c);
}

static void test_idle_receivers_hold_no_buffer(void **state)
{
    struct crowd *c = gather(backend_of(state));
    struct weir__io *io = c->rig.io;

    for (int i = 0; i < MANY; i++) {
        c->call[i] = lent_call(&c->server[i]);
        assert_false(start(io, &c->call[i]));
    }
    look_around(io);
    /* More receives wait than there are buffers, but each one with bytes gets one. */
    for (int round = 0; round < 2; round++) {
        for (int i = MANY; i-- > 0;) {
            assert_int_equal(run_send(io, &c->client[i], &(char){(char)i}, 1), 1);
            assert_int_equal(finish(io, &c->call[i]), 1);
            assert_int_equal(c->call[i].op.data[0], (char)i);
            weir__io_return(io, c->call[i].op.data);
            c->call[i] = lent_call(&c->server[i]);
            assert_false(start(io, &c->call[i]));
        }
    }
    dissolve(c);
}

static int held(const struct crowd *c)
{
    int n = 0;

    for (int i = 0; i < MANY; i++)
        n += c->call[i].dones > 0 && c->call[i].op.data != NULL;
    return n;
}

static void test_all_buffers_out_and_recovery(void **state)
{
    struct crowd *c = gather(backend_of(state));
    struct weir__io *io = c->rig.io;
    char got[4];
    int cancelled;

    for (int i = 0; i < MANY; i++)
        assert_int_equal(run_send(io, &c->client[i], "abc", 3), 3);
    for (int i = 0; i < MANY; i++) {
        c->call[i] = lent_call(&c->server[i]);
        (void)start(io, &c->call[i]);
    }
    while (held(c) < WEIR__IO_BUFFERS_COUNT)
        assert_true(weir__io_turn(io, INT64_MAX) > 0);
    look_around(io);
    assert_int_equal(held(c), WEIR__IO_BUFFERS_COUNT);
    for (int i = 0; i < MANY; i++)
        for (int j = 0; j < i; j++)
            assert_true(c->call[i].op.data == NULL || c->call[i].op.data != c->call[j].op.data);
    /* A receive that waits for a buffer can be cancelled, and its file can receive into other memory. */
    cancelled = 0;
    while (c->call[cancelled].dones > 0)
        cancelled++;
    weir__io_cancel(io, &c->call[cancelled].op);
    assert_int_equal(finish(io, &c->call[cancelled]), -ECANCELED);
    assert_null(c->call[cancelled].op.data);
    assert_int_equal(run_recv(io, &c->server[cancelled], got, sizeof got), 3);
    /* Each buffer handed back goes to a waiting receive. */
    for (int served = 0; served < MANY - 1;) {
        int i = 0;
        while (i < MANY && c->call[i].op.data == NULL)
            i++;
        if (i == MANY) {
            assert_true(weir__io_turn(io, INT64_MAX) > 0);
            continue;
        }
        assert_int_equal(c->call[i].op.result, 3);
        assert_memory_equal(c->call[i].op.data, "abc", 3);
        weir__io_return(io, c->call[i].op.data);
        c->call[i].op.data = NULL;
        served++;
    }
    dissolve(c);
}

/* A stream that always has bytes, and asks again at once, does not starve the others. */
static void test_a_busy_stream_leaves_buffers_to_others(void **state)
{
    struct crowd *c = gather(backend_of(state));
    struct weir__io *io = c->rig.io;
    int last = MANY - 1;
    int turns;

    for (int i = 0; i < WEIR__IO_BUFFERS_COUNT; i++) {
        assert_int_equal(run_send(io, &c->client[i], "x", 1), 1);
        c->call[i] = lent_call(&c->server[i]);
        assert_int_equal(run(io, &c->call[i]), 1);
    }
    assert_int_equal(run_send(io, &c->client[last], "y", 1), 1);
    c->call[last] = lent_call(&c->server[last]);
    (void)start(io, &c->call[last]);
    look_around(io);
    turns = 0;
    for (; c->call[last].dones == 0 && turns < 1000; turns++) {
        weir__io_return(io, c->call[0].op.data);
        assert_int_equal(run_send(io, &c->client[0], "x", 1), 1);
        c->call[0] = lent_call(&c->server[0]);
        (void)start(io, &c->call[0]);
        while (c->call[0].dones == 0 && c->call[last].dones == 0)
            (void)weir__io_turn(io, INT64_MAX);
        if (c->call[0].dones == 0)
            break;
    }
    assert_int_equal(finish(io, &c->call[last]), 1);
    weir__io_return(io, c->call[last].op.data);
    assert_int_equal(finish(io, &c->call[0]), 1);
    for (int i = 0; i < WEIR__IO_BUFFERS_COUNT; i++)
        weir__io_return(io, c->call[i].op.data);
    dissolve(c);
}

/* --- many --- */

static void test_more_operations_than_entries(void **state)
{
    struct crowd *c = gather(backend_of(state));
    struct weir__io *small;
    char got[MANY];
    struct weir__io_options o = {.backend = backend_of(state), .entries = 4};
    struct call sends[MANY];

    if (backend_of(state) ==
        WEIR__IO_SIM) { /* it has no submission queue, and no second seam for descriptors */
        small = c->rig.io;
    } else {
        assert_int_equal(weir__io_open(&o, &small), 0);
        for (int i = 0; i < MANY; i++)
            assert_int_equal(
                weir__io_attach(small, &c->server[i], weir__io_detach(c->rig.io, &c->server[i]), false), 0);
    }
    for (int i = 0; i < MANY; i++) {
        c->call[i] = recv_call(&c->server[i], &got[i], 1);
        assert_false(start(small, &c->call[i]));
    }
    for (int i = 0; i < MANY; i += 3) /* some before the kernel has them */
        weir__io_cancel(small, &c->call[i].op);
    for (int i = 0; i < MANY; i++) {
        sends[i] = send_call(&c->client[i], "s", 1);
        (void)start(c->rig.io, &sends[i]);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(finish(c->rig.io, &sends[i]), 1);
    for (int i = 0; i < MANY; i++) {
        int32_t n = finish(small, &c->call[i]);
        assert_true(n == 1 || (n == -ECANCELED && i % 3 == 0));
    }
    for (int i = 0; i < MANY; i++)
        close_and_wait(c->rig.io, &c->client[i]);
    for (int i = 0; i < MANY; i++)
        close_and_wait(small, &c->server[i]);
    if (small != c->rig.io)
        weir__io_free(small);
    close_rig(&c->rig);
    free(c);
}

static void test_descriptors_run_out_at_accept(void **state)
{
    struct rig r;
    bool simulated = backend_of(state) == WEIR__IO_SIM;
    struct rlimit limit, few;
    struct weir__sim_options o;
    int next;

    open_rig(&r, backend_of(state), 0);
    rig_listen(&r, AF_INET, 16);
    assert_int_equal(rig_connect(&r), 0);
    next = simulated ? -1 : dup(0);
    if (!simulated)
        close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    o = weir__sim_calm();
    for (int round = 0; round < 3; round++) {
        struct call c = new_call(WEIR__IO_ACCEPT, &r.listener);
        int refused;
        few.rlim_cur = (rlim_t)next;
        o.files_max = 2;
        if (simulated)
            weir__sim_configure(r.io, &o);
        else
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        refused = run(r.io, &c);
        o.files_max = 0;
        if (simulated)
            weir__sim_configure(r.io, &o);
        else
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(refused, -EMFILE);
    }
    rig_accept(&r); /* the connection stayed in the queue */
    close_rig(&r);
}

/* --- moving --- */

static void test_detach_and_attach_elsewhere(void **state)
{
    struct rig r;
    struct weir__io *other;
    char got[8];
    struct call c;
    struct weir__io_options o;
    bool simulated;

    open_pair(&r, backend_of(state));
    o = (struct weir__io_options){.backend = backend_of(state)};
    simulated = backend_of(state) == WEIR__IO_SIM; /* a simulated descriptor exists only in its own seam */
    if (simulated)
        other = r.io;
    else
        assert_int_equal(weir__io_open(&o, &other), 0);
    c = recv_call(&r.server, got, sizeof got);
    assert_false(start(r.io, &c));
    assert_int_equal(weir__io_detach(r.io, &r.server), -EBUSY);
    weir__io_cancel(r.io, &c.op);
    assert_int_equal(weir__io_detach(r.io, &r.server), -EBUSY); /* done() is outstanding */
    assert_int_equal(finish(r.io, &c), -ECANCELED);
    assert_int_equal(run_send(r.io, &r.client, "before", 6), 6);
    for (uint32_t moves = 1; moves < 6; moves++) {
        struct weir__io *from = moves % 2 ? r.io : other, *to = moves % 2 ? other : r.io;
        int fd = weir__io_detach(from, &r.server);
        struct call next;
        assert_true(fd >= 0);
        assert_int_equal(weir__io_detach(from, &r.server), -EBADF);
        assert_int_equal(weir__io_attach(to, &r.server, fd, false), 0);
        assert_int_equal(r.server.generation, moves + 1);
        assert_int_equal(run_recv(to, &r.server, got, sizeof got), 6);
        next = recv_call(&r.server, got, sizeof got);
        assert_false(start(to, &next));
        assert_int_equal(run_send(r.io, &r.client, "moved!", 6), 6);
        assert_int_equal(finish(to, &next), 6);
        assert_int_equal(run_send(r.io, &r.client, "before", 6), 6);
    }
    close_and_wait(other, &r.server);
    if (!simulated)
        weir__io_free(other);
    close_rig(&r);
}

static void test_what_cannot_be_attached(void **state)
{
    struct rig r;
    struct weir__io_file twice = {0};

    open_pair(&r, backend_of(state));
    assert_int_equal(weir__io_attach(r.io, &twice, -1, false), -EBADF);
    assert_int_equal(weir__io_attach(r.io, &twice, 1 << 29, false), -EBADF);
    if (backend_of(state) != WEIR__IO_SIM) /* there the script makes a foreign descriptor ready */
        assert_int_equal(weir__io_attach(r.io, &twice, 1 << 29, true), -EBADF);
    assert_int_equal(weir__io_attach(r.io, &twice, r.server.fd, false), -EEXIST);
    assert_int_equal(twice.fd, -1);
    close_rig(&r);
}

/* --- time and wakes --- */

static void test_a_turn_ends_at_its_instant(void **state)
{
    struct rig r;
    char got[8];
    int64_t best_ns = INT64_MAX;
    struct call c;

    open_pair(&r, backend_of(state));
    c = recv_call(&r.server, got, sizeof got);
    assert_false(start(r.io, &c));
    for (int i = 0; i < 30; i++) {
        int64_t until_ns = weir__io_now_ns(r.io) + 1100000; /* no whole milliseconds */
        int64_t late_ns;
        assert_int_equal(weir__io_turn(r.io, until_ns), 0);
        late_ns = weir__io_now_ns(r.io) - until_ns;
        assert_true(late_ns >= 0);
        if (late_ns < best_ns)
            best_ns = late_ns;
    }
    /* A busy machine may be late now and then; a wait rounded to milliseconds is late each time. */
    assert_true(best_ns < 500000);
    if (backend_of(state) == WEIR__IO_SIM)
        assert_int_equal(best_ns, 0);
    close_rig(&r);
}

static void test_a_past_instant_does_not_wait(void **state)
{
    struct rig r;

    open_rig(&r, backend_of(state), 0);
    assert_int_equal(weir__io_turn(r.io, 0), 0);
    assert_int_equal(weir__io_turn(r.io, weir__io_now_ns(r.io)), 0);
    assert_int_equal(weir__io_turn(r.io, -5), 0);
    weir__io_free(r.io);
}

static void test_a_wake_before_the_turn_ends_it(void **state)
{
    struct rig r;
    int64_t until_ns;

    open_rig(&r, backend_of(state), 0);
    for (int i = 0; i < 3; i++) {
        weir__io_wake(r.io);
        weir__io_wake(r.io); /* coalesced */
        assert_int_equal(weir__io_turn(r.io, INT64_MAX), 0);
    }
    until_ns = weir__io_now_ns(r.io) + MS; /* no wake is left over */
    assert_int_equal(weir__io_turn(r.io, until_ns), 0);
    assert_true(weir__io_now_ns(r.io) >= until_ns);
    weir__io_free(r.io);
}

enum { WAKES = 5000 };

struct waker {
    struct weir__io *io;
    atomic_int asked, seen;
};

/* Wakes again as soon as the last wake was seen: sometimes before the loop sleeps, sometimes after. */
static void *wake_often(void *arg)
{
    struct waker *w = arg;

    for (int i = 1; i <= WAKES; i++) {
        atomic_store_explicit(&w->asked, i, memory_order_relaxed); /* the wake publishes it */
        weir__io_wake(w->io);
        while (atomic_load(&w->seen) < i)
            sched_yield();
    }
    return NULL;
}

static void test_no_wake_is_lost(void **state)
{
    int seen;
    struct waker w;
    struct rig r;
    pthread_t thread;

    if (backend_of(state) == WEIR__IO_SIM)
        return; /* a simulation has one thread */
    open_rig(&r, backend_of(state), 0);
    w = (struct waker){.io = r.io};
    assert_int_equal(pthread_create(&thread, NULL, wake_often, &w), 0);
    seen = 0;
    while (seen < WAKES) {
        int asked;
        assert_true(weir__io_turn(r.io, INT64_MAX) >= 0);
        asked = atomic_load_explicit(&w.asked, memory_order_relaxed);
        assert_true(asked > seen); /* a turn without an instant returns for a reason */
        seen = asked;
        atomic_store(&w.seen, seen);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    weir__io_free(r.io);
}

/* --- few results at a time --- */

static int ended(const struct crowd *c, int count)
{
    int n = 0;

    for (int i = 0; i < count; i++)
        n += c->call[i].dones > 0;
    return n;
}

static void test_a_turn_of_few_leaves_the_rest_to_the_next(void **state)
{
    enum { RECEIVERS = 20, FEW = 4 };
    struct crowd *c = gather(backend_of(state));
    struct weir__io *io = c->rig.io;
    int turns = 0;

    for (int i = 0; i < RECEIVERS; i++) {
        c->call[i] = lent_call(&c->server[i]);
        assert_false(start(io, &c->call[i]));
    }
    look_around(io);
    for (int i = 0; i < RECEIVERS; i++)
        assert_int_equal(run_send(io, &c->client[i], "x", 1), 1);
    weir__io_set_batch(io, FEW);
    for (; ended(c, RECEIVERS) < RECEIVERS; turns++)
        assert_true(weir__io_turn(io, INT64_MAX) > 0);
    assert_true(backend_of(state) != WEIR__IO_EPOLL || turns >= RECEIVERS / FEW);
    for (int i = 0; i < RECEIVERS; i++)
        weir__io_return(io, c->call[i].op.data);
    dissolve(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_receivers_hold_no_buffer),
        cmocka_unit_test(test_all_buffers_out_and_recovery),
        cmocka_unit_test(test_a_busy_stream_leaves_buffers_to_others),
        cmocka_unit_test(test_more_operations_than_entries),
        cmocka_unit_test(test_descriptors_run_out_at_accept),
        cmocka_unit_test(test_detach_and_attach_elsewhere),
        cmocka_unit_test(test_what_cannot_be_attached),
        cmocka_unit_test(test_a_turn_ends_at_its_instant),
        cmocka_unit_test(test_a_past_instant_does_not_wait),
        cmocka_unit_test(test_a_wake_before_the_turn_ends_it),
        cmocka_unit_test(test_no_wake_is_lost),
        cmocka_unit_test(test_a_turn_of_few_leaves_the_rest_to_the_next),
    };

    return run_on_every_backend("turn", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: MIT */
/* Streams that wait without a task, lent buffers, and moving to another loop. */
#include "net/net_rig.h"

/* What came of an await; the record of the stream. */
struct record {
    weir_event came;
    char *data;
    int32_t result;
    int readies;
    bool close; /* from inside ready */
    int *closed;
};

static void ready(weir_stream *s, char *data, int32_t result)
{
    struct record *r = weir__stream_extra(s);

    r->readies++;
    r->data = data;
    r->result = result;
    assert_false(weir_in_task());
    if (r->close) {
        if (data != NULL)
            weir__stream_return(s, data);
        weir__stream_close_detached(s, NULL);
        return;
    }
    weir_event_set(&r->came);
}

static void closed(weir_stream *s)
{
    struct record *r = weir__stream_extra(s);

    ++*r->closed;
}

static int closed_count;

/* A pair whose client has a record. */
static struct record *pair_open_with_record(struct pair *p)
{
    struct record *r;

    assert_int_equal(weir_listen("127.0.0.1:0", &p->listener), 0);
    assert_int_equal(weir__connect(weir_listener_address(p->listener), sizeof *r, &p->client), 0);
    assert_int_equal(weir_accept(p->listener, &p->server), 0);
    r = weir__stream_extra(p->client);
    weir_event_init(&r->came);
    r->closed = &closed_count;
    closed_count = 0;
    return r;
}

/* Begins an await; what ends at once is told like the rest. */
static void begin(weir_stream *s)
{
    struct record *r = weir__stream_extra(s);

    weir_event_reset(&r->came);
    r->readies = 0;
    if (weir__stream_await(s, ready, &r->data, &r->result)) {
        r->readies++;
        weir_event_set(&r->came);
    }
}

static void finish(weir_stream *s)
{
    struct record *r = weir__stream_extra(s);

    assert_int_equal(weir_event_wait(&r->came), 0);
    assert_int_equal(r->readies, 1);
}

static int await_bytes(void *arg)
{
    struct pair p;
    struct record *r;

    (void)arg;
    r = pair_open_with_record(&p);
    for (int i = 0; i < 4; i++) {
        if (i % 2) /* there before, or come later */
            assert_int_equal(weir__stream_write(p.server, "hello", 5), 0);
        assert_int_equal(weir_sleep(weir_ms(2)), 0);
        begin(p.client);
        if (i % 2 == 0) {
            assert_int_equal(weir_sleep(weir_ms(2)), 0);
            assert_int_equal(r->readies, 0);
            assert_int_equal(weir__stream_read(p.client, &(char){0}, 1), -WEIR_EBUSY);
            assert_int_equal(weir__stream_write(p.client, "x", 1), 0); /* writing goes on */
            assert_int_equal(weir__stream_write(p.server, "hello", 5), 0);
        }
        finish(p.client);
        assert_int_equal(r->result, 5);
        assert_memory_equal(r->data, "hello", 5);
        weir__stream_return(p.client, r->data);
    }
    assert_int_equal(weir__stream_shutdown(p.server), 0);
    begin(p.client);
    finish(p.client);
    assert_int_equal(r->result, 0);
    assert_null(r->data);
    pair_close(&p);

    r = pair_open_with_record(&p);
    begin(p.client);
    weir__stream_abort(p.server);
    p.server = NULL;
    finish(p.client);
    assert_int_equal(r->result, -ECONNRESET);
    assert_null(r->data);
    pair_close(&p);
    return 0;
}

/* Not in memory, where reads are short: the test counts on pieces as they were sent. */
static void bytes_are_awaited_without_a_task(void **state)
{
    (void)state;
    run_everywhere(await_bytes, NULL);
}

static int cancel_await(void *arg)
{
    struct pair p;
    struct record *r;

    (void)arg;
    r = pair_open_with_record(&p);
    weir__stream_await_cancel(p.client); /* harmless */
    begin(p.client);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    weir__stream_await_cancel(p.client);
    weir__stream_await_cancel(p.client);
    assert_int_equal(r->readies, 0); /* never from inside */
    finish(p.client);
    assert_int_equal(r->result, -ECANCELED);
    assert_null(r->data);
    /* The stream is as good as before. */
    assert_int_equal(weir__stream_write(p.server, "y", 1), 0);
    begin(p.client);
    finish(p.client);
    assert_int_equal(r->result, 1);
    weir__stream_return(p.client, r->data);
    pair_close(&p);
    return 0;
}

static void an_await_can_be_cancelled(void **state)
{
    (void)state;
    run_on_all_transports(cancel_await, NULL);
}

/* A cancel against bytes that are just coming: either wins, and no byte is lost. */
static int cancel_race(void *arg)
{
    struct pair p;
    struct record *r = pair_open_with_record(&p);
    int *outcomes = arg;
    char byte = 0;

    begin(p.client);
    assert_int_equal(weir__stream_write(p.server, "z", 1), 0);
    assert_int_equal(weir_sleep(weir_us((int64_t)weir_random_below(80))), 0);
    weir__stream_await_cancel(p.client);
    finish(p.client);
    if (r->result == 1) {
        byte = r->data[0];
        weir__stream_return(p.client, r->data);
        outcomes[0]++;
    } else {
        assert_int_equal(r->result, -ECANCELED);
        assert_int_equal(weir__stream_read(p.client, &byte, 1), 1);
        outcomes[1]++;
    }
    assert_int_equal(byte, 'z');
    pair_close(&p);
    assert_int_equal(weir__sim_stats(this_io()).lent, 0);
    return 0;
}

static void a_cancelled_await_loses_no_byte(void **state)
{
    int outcomes[2] = {0};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(60); seed++)
        run_simulated(seed, cancel_race, outcomes);
    assert_true(seed_is_alone() || (outcomes[0] > 0 && outcomes[1] > 0));
}

/* --- closing meanwhile --- */

static int writes_for_ever(void *arg)
{
    static char block[100000];
    int err;

    while ((err = weir__stream_write(arg, block, sizeof block)) == 0)
        continue;
    return err == -WEIR_ECLOSED ? 0 : -EIO;
}

enum way { CLOSE, ABORT, CLOSE_DETACHED, ABORT_DETACHED, CLOSE_INSIDE, WAYS };

static void close_awaiting(enum way way, bool with_writer, bool bytes_come)
{
    struct pair p;
    struct record *r = pair_open_with_record(&p);
    bool detached = way == CLOSE_DETACHED || way == ABORT_DETACHED;
    weir_scope scope;

    begin(p.client);
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    if (with_writer)
        weir_spawn(&scope, "writes", writes_for_ever, p.client);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    r->close = way == CLOSE_INSIDE;
    if (bytes_come || way == CLOSE_INSIDE)
        assert_int_equal(weir__stream_write(p.server, "bytes", 5), 0);
    if (way != CLOSE_INSIDE && r->data != NULL) /* they were quicker */
        weir__stream_return(p.client, r->data);
    switch (way) {
    case CLOSE:
        weir__stream_close(p.client);
        break;
    case ABORT:
        weir__stream_abort(p.client);
        break;
    case CLOSE_DETACHED:
        weir__stream_close_detached(p.client, closed);
        break;
    case ABORT_DETACHED:
        weir__stream_abort_detached(p.client, closed);
        break;
    default:
        break;
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(closed_count, detached ? 1 : 0);
    if (way == ABORT || way == ABORT_DETACHED) {
        char data[1000];
        ssize_t n;
        while ((n = weir__stream_read(p.server, data, sizeof data)) > 0)
            continue;
        assert_int_equal(n, -ECONNRESET);
    }
    p.client = NULL;
    pair_close(&p);
    if (is_simulated())
        assert_int_equal(weir__sim_stats(this_io()).lent, 0);
}

static int close_awaiting_in_every_way(void *arg)
{
    (void)arg;
    for (int way = 0; way < WAYS; way++)
        for (int i = 0; i < 4; i++)
            close_awaiting((enum way)way, i & 1, i & 2);
    return 0;
}

static void a_stream_may_be_closed_while_it_awaits(void **state)
{
    (void)state;
    run_on_all_transports(close_awaiting_in_every_way, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(30); seed++)
        run_simulated(seed, close_awaiting_in_every_way, NULL);
}

/* The bytes win against the cancel that closing brings: nobody gets them, and their buffer goes back. */
static int close_too_late(void *arg)
{
    struct weir__sim_options late = weir__sim_calm();
    struct pair p;
    uint64_t received;

    (void)pair_open_with_record(&p);
    late.cancel_late_per_million = 1000000;
    late.cancel_max_ns = 1000000;
    weir__sim_configure(this_io(), &late);
    begin(p.client);
    assert_int_equal(weir__stream_write(p.server, "bytes", 5), 0);
    received = weir__sim_stats(this_io()).bytes_received;
    weir__stream_close_detached(p.client, closed);
    p.client = NULL;
    assert_int_equal(weir_sleep(weir_ms(5)), 0);
    assert_int_equal(closed_count, 1);
    assert_int_equal(weir__sim_stats(this_io()).lent, 0);
    *(int *)arg += weir__sim_stats(this_io()).bytes_received == received + 5;
    pair_close(&p);
    return 0;
}

static void bytes_that_come_to_a_closed_stream_are_given_back(void **state)
{
    int wins = 0;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(30); seed++)
        run_simulated(seed, close_too_late, &wins);
    assert_true(seed_is_alone() || (wins >= 5 && wins <= 30));
}

/* --- lent buffers --- */

enum { READERS = 6 };

struct lending {
    struct pair pairs[READERS];
    int next, done;
};

static int read_lent(void *arg)
{
    struct lending *l = arg;
    weir_stream *s = l->pairs[l->next++].client;
    size_t have = 0;
    char *data;
    ssize_t n;

    while ((n = weir__stream_read_lent(s, &data)) > 0) {
        assert_true(n <= WEIR__IO_BUFFERS_BYTES);
        check(data, have, (size_t)n);
        have += (size_t)n;
        assert_int_equal(weir_sleep(weir_us(100)), 0); /* holds it for a while */
        weir__stream_return(s, data);
    }
    assert_int_equal(have, 30000);
    l->done++;
    return (int)n;
}

static int few_buffers(void *arg)
{
    struct weir__sim_options o = weir__sim_calm();
    struct lending l = {0};
    char data[30000];
    weir_scope scope;

    (void)arg;
    if (is_simulated()) {
        o.lent_max = 2; /* fewer than readers: they wait for each other's */
        weir__sim_configure(this_io(), &o);
    }
    fill(data, 0, sizeof data);
    for (int i = 0; i < READERS; i++)
        pair_open(&l.pairs[i], "127.0.0.1:0");
    weir_scope_open(&scope, weir_after_ms(30000), 0);
    for (int i = 0; i < READERS; i++)
        weir_spawn(&scope, "reads", read_lent, &l);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(weir__stream_write(l.pairs[i].server, data, sizeof data), 0);
        assert_int_equal(weir__stream_shutdown(l.pairs[i].server), 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(l.done, READERS);
    for (int i = 0; i < READERS; i++)
        pair_close(&l.pairs[i]);
    return 0;
}

static void readers_share_a_few_buffers(void **state)
{
    (void)state;
    run_on_all_transports(few_buffers, NULL);
}

/* --- moving --- */

static int release_and_adopt(void *arg)
{
    struct pair p;
    struct record *r;
    char byte;
    int fd;

    (void)arg;
    for (int i = 0; i < 3; i++) {
        r = pair_open_with_record(&p);
        begin(p.client);
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
        weir__stream_await_cancel(p.client);
        finish(p.client);
        assert_int_equal(r->result, -ECANCELED);
        assert_int_equal(weir__stream_write(p.server, "m", 1), 0); /* comes while nobody looks */
        fd = weir__stream_release(p.client);
        if (fd == -EOPNOTSUPP) { /* TLS stays where it is */
            pair_close(&p);
            return 0;
        }
        assert_true(fd >= 0);
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
        assert_int_equal(weir__stream_adopt(fd, 8, &p.client), 0);
        assert_int_equal(*(char *)weir__stream_extra(p.client), 0);
        assert_int_equal(weir__stream_read(p.client, &byte, 1), 1);
        assert_int_equal(byte, 'm');
        assert_int_equal(weir__stream_write(p.client, "n", 1), 0);
        assert_int_equal(weir__stream_read(p.server, &byte, 1), 1);
        pair_close(&p);
    }
    return 0;
}

static void a_stream_is_released_and_adopted(void **state)
{
    (void)state;
    run_on_all_transports(release_and_adopt, NULL);
}

/* An idle connection goes round the loops, and answers on each. */
static int serve_once(void *arg)
{
    int *fd = arg;
    weir_stream *s;
    char byte;

    assert_int_equal(weir__stream_adopt(*fd, 0, &s), 0);
    assert_int_equal(weir__stream_read(s, &byte, 1), 1);
    byte++;
    assert_int_equal(weir__stream_write(s, &byte, 1), 0);
    *fd = weir__stream_release(s);
    assert_true(*fd >= 0);
    return weir_loop_index();
}

static int ask(void *arg)
{
    weir_stream *s = arg;
    char byte;

    for (int i = 0; i < 9; i++) {
        assert_int_equal(weir__stream_write(s, "a", 1), 0);
        assert_int_equal(weir__stream_read(s, &byte, 1), 1);
        assert_int_equal(byte, 'b');
    }
    return 0;
}

static int go_round(void *arg)
{
    struct pair p;
    weir_scope scope;
    int fd;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    fd = weir__stream_release(p.server);
    weir_scope_open(&scope, weir_after_ms(30000), 0);
    weir_spawn(&scope, "asks", ask, p.client);
    for (int i = 0; i < 9; i++)
        assert_int_equal(weir_loop_call(i % 3, "serves", serve_once, &fd), i % 3);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(weir__stream_adopt(fd, 0, &p.server), 0);
    pair_close(&p);
    return 0;
}

static void connections_move_between_loops(void **state)
{
    static const enum weir_io all[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        weir_options options = {.io = all[i], .loops = 3};
        if (io_is_here(all[i]))
            assert_int_equal(weir_run(&options, go_round, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_awaited_without_a_task),
        cmocka_unit_test(an_await_can_be_cancelled),
        cmocka_unit_test(a_cancelled_await_loses_no_byte),
        cmocka_unit_test(a_stream_may_be_closed_while_it_awaits),
        cmocka_unit_test(bytes_that_come_to_a_closed_stream_are_given_back),
        cmocka_unit_test(readers_share_a_few_buffers),
        cmocka_unit_test(a_stream_is_released_and_adopted),
        cmocka_unit_test(connections_move_between_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

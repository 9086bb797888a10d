/* SPDX-License-Identifier: MIT */
/* Streams as tasks use them, on every backend. */
#include "net/net_rig.h"

/* --- bytes there and back --- */

static int echo(void *arg)
{
    weir_stream *s = arg;
    char data[300];
    ssize_t n;

    while ((n = weir_read(s, data, sizeof data)) > 0)
        if (weir_write(s, data, (size_t)n) < 0)
            return -EIO;
    return n < 0 ? (int)n : weir_stream_shutdown(s);
}

static void echo_over(const char *address)
{
    struct pair p;
    weir_scope scope;
    char sent[1000], back[1000];

    pair_open(&p, address);
    fill(sent, 0, sizeof sent);
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    weir_spawn(&scope, "echo", echo, p.server);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weir_write(p.client, sent, sizeof sent), 0);
        assert_int_equal(read_all(p.client, back, sizeof back), sizeof back);
        check(back, 0, sizeof back);
    }
    assert_int_equal(weir_stream_shutdown(p.client), 0);
    assert_int_equal(weir_read(p.client, back, sizeof back), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&p);
}

static int echo_everything(void *arg)
{
    struct unix_place place;

    (void)arg;
    echo_over("127.0.0.1:0");
    if (has_ipv6())
        echo_over("[::1]:0");
    echo_over("localhost:0");
    unix_place_open(&place);
    echo_over(place.address);
    unix_place_close(&place);
    return 0;
}

static void bytes_come_back(void **state)
{
    (void)state;
    run_on_all_transports(echo_everything, NULL);
}

/* --- more than the kernel holds --- */

enum { MANY_BYTES = 6 << 20, PIECES = 5 };

static int write_many(void *arg)
{
    weir_stream *s = arg;
    char *data = malloc(MANY_BYTES);
    int err = 0;

    fill(data, 0, MANY_BYTES);
    for (size_t at = 0, n; at < MANY_BYTES && err == 0; at += n) {
        struct iovec pieces[PIECES] = {0};

        /* now as one piece, now as several, some of them empty */
        n = (at * 7 + 100000) % 700000 + 1;
        if (n > MANY_BYTES - at)
            n = MANY_BYTES - at;
        pieces[1] = (struct iovec){data + at, n / 3};
        pieces[2] = (struct iovec){data + at + n / 3, n / 3};
        pieces[4] = (struct iovec){data + at + n / 3 * 2, n - n / 3 * 2};
        err = n % 2 ? weir_write(s, data + at, n) : weir_write_pieces(s, pieces, PIECES);
    }
    free(data);
    return err < 0 ? err : weir_stream_shutdown(s);
}

static int transfer(void *arg)
{
    struct pair p;
    weir_scope scope;
    char data[50000], *lent;
    size_t have = 0;
    ssize_t n = 1;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    weir_scope_open(&scope, weir_after_ms(50000), 0);
    weir_spawn(&scope, "writer", write_many, p.server);
    /* The writer fills what there is to fill and then has to wait. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(weir_yield(), 0);
    for (int i = 0; n > 0; i++) {
        n = i % 2 ? weir_read(p.client, data, sizeof data) : weir__stream_read_lent(p.client, &lent);
        assert_true(n >= 0);
        check(i % 2 ? data : lent, have, (size_t)n);
        have += (size_t)n;
        if (i % 2 == 0 && n > 0)
            weir__stream_return(p.client, lent);
    }
    assert_int_equal(have, MANY_BYTES);
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&p);
    return 0;
}

static void large_transfers_arrive_whole(void **state)
{
    (void)state;
    run_on_all_transports(transfer, NULL);
}

/* --- closing while others wait --- */

struct waiter {
    weir_stream *stream;
    int (*wait)(weir_stream *s);
    int result;
};

static int wait_in_stream(void *arg)
{
    struct waiter *w = arg;

    w->result = w->wait(w->stream);
    return 0;
}

static int wait_reading(weir_stream *s)
{
    char byte;

    return (int)weir__stream_read(s, &byte, 1);
}

static int wait_reading_lent(weir_stream *s)
{
    char *data = &(char){0};
    int n = (int)weir__stream_read_lent(s, &data);

    assert_null(data);
    return n;
}

static int wait_writing(weir_stream *s)
{
    static char block[100000];
    int err;

    while ((err = weir_write(s, block, sizeof block)) == 0)
        continue;
    return err;
}

static void close_under(int (*wait)(weir_stream *s), void (*close)(weir_stream *s), bool writes_too)
{
    struct pair p;
    struct waiter one = {.wait = wait}, two = {.wait = wait_writing};
    weir_scope scope;

    pair_open(&p, "127.0.0.1:0");
    one.stream = two.stream = p.client;
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    weir_spawn(&scope, "one", wait_in_stream, &one);
    if (writes_too)
        weir_spawn(&scope, "two", wait_in_stream, &two);
    assert_int_equal(weir_sleep(weir_ms(5)), 0);
    close(p.client);
    p.client = NULL;
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(one.result, -WEIR_ECLOSED);
    if (writes_too)
        assert_int_equal(two.result, -WEIR_ECLOSED);
    pair_close(&p);
}

static int closed_count;

static void count_closed(weir_stream *s)
{
    assert_int_equal(*(char *)weir__stream_extra(s), 0); /* it still lives */
    closed_count++;
}

static void close_detached(weir_stream *s)
{
    weir__stream_close_detached(s, NULL);
}

static int close_in_every_way(void *arg)
{
    void (*ways[])(weir_stream *) = {weir_stream_close, weir_stream_abort, close_detached};

    (void)arg;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        close_under(wait_reading, ways[i], true);
        close_under(wait_reading_lent, ways[i], true);
        close_under(wait_writing, ways[i], false);
    }
    return 0;
}

static void closing_ends_the_waits_of_others(void **state)
{
    (void)state;
    run_on_all_transports(close_in_every_way, NULL);
}

/* Bytes have come for a reader, but before it has run another task closes its stream. */
struct ambush {
    struct pair victim, other;
    bool lent;
    int result;
};

static int read_victim(void *arg)
{
    struct ambush *a = arg;
    char byte, *lent;

    a->result = (int)(a->lent ? weir__stream_read_lent(a->victim.client, &lent)
                              : weir_read(a->victim.client, &byte, 1));
    if (a->lent && a->result > 0)
        weir__stream_return(a->victim.client, lent);
    return 0;
}

static int read_other_and_close(void *arg)
{
    struct ambush *a = arg;
    char byte;

    assert_int_equal(weir_read(a->other.client, &byte, 1), 1);
    weir_stream_close(a->victim.client);
    return 0;
}

static int closed_too_late_to_read(void *arg)
{
    struct weir__sim_options even = weir__sim_calm();
    struct ambush *a = arg;
    weir_scope scope;

    even.latency_min_ns = even.latency_max_ns = 50000;
    weir__sim_configure(this_io(), &even);
    pair_open(&a->victim, "127.0.0.1:0");
    pair_open(&a->other, "127.0.0.1:0");
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "victim", read_victim, a);
    weir_spawn(&scope, "closer", read_other_and_close, a);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(weir_write(a->victim.server, "x", 1), 0);
    assert_int_equal(weir_write(a->other.server, "x", 1), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    a->victim.client = NULL;
    pair_close(&a->victim);
    pair_close(&a->other);
    assert_int_equal(weir__sim_stats(this_io()).lent, 0);
    return 0;
}

static void what_came_before_a_close_does_not_count(void **state)
{
    int read = 0, closed = 0;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(60); seed++) {
        struct ambush a = {.lent = seed % 2};
        run_simulated(seed, closed_too_late_to_read, &a);
        assert_true(a.result == 1 || a.result == -WEIR_ECLOSED);
        *(a.result == 1 ? &read : &closed) += 1;
    }
    assert_true(seed_is_alone() || (read > 0 && closed > 0));
}

/* --- the last user ends it --- */

static int close_twice_inside(void *arg)
{
    struct waiter w = {.wait = wait_reading};
    weir_listener *l;
    weir_stream *s, *peer;
    weir_scope scope;

    (void)arg;
    closed_count = 0;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    assert_int_equal(weir__connect(weir_listener_address(l), 100, &s), 0);
    assert_int_equal(weir_accept(l, &peer), 0);
    assert_ptr_equal(weir__stream_of_extra(weir__stream_extra(s)), s);
    w.stream = s;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "reader", wait_in_stream, &w);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    weir__stream_close_detached(s, count_closed);
    assert_int_equal(weir__stream_read(s, &(char){0}, 1), -WEIR_ECLOSED);
    assert_int_equal(weir__stream_write(s, "", 1), -WEIR_ECLOSED);
    assert_int_equal(weir__stream_shutdown(s), -WEIR_ECLOSED);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(w.result, -WEIR_ECLOSED);
    assert_int_equal(weir_sleep(weir_ms(1)), 0); /* a transport may need a turn */
    assert_int_equal(closed_count, 1);
    weir_stream_close(peer);
    weir_listener_close(l);

    /* without a descriptor */
    s = weir__stream_new(16);
    weir__stream_close_detached(s, count_closed);
    assert_int_equal(closed_count, 2);
    weir__stream_close(weir__stream_new(0));
    weir_stream_close(NULL);
    weir_stream_abort(NULL);
    return 0;
}

static void the_record_lives_until_closed(void **state)
{
    (void)state;
    run_on_all_transports(close_twice_inside, NULL);
}

/* --- one reader, one writer --- */

static int second_user(void *arg)
{
    struct pair p;
    struct waiter reader = {.wait = wait_reading}, writer = {.wait = wait_writing};
    struct iovec pieces[65];
    weir_scope scope;
    char byte, *lent;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    memset(pieces, 0, sizeof pieces);
    assert_int_equal(weir_read(p.client, &byte, 0), -EINVAL);
    assert_int_equal(weir_write_pieces(p.client, pieces, 65), -EINVAL);
    assert_int_equal(weir_write_pieces(p.client, pieces, 64), 0);
    assert_int_equal(weir_write(p.client, NULL, 0), 0);
    reader.stream = writer.stream = p.client;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "reader", wait_in_stream, &reader);
    weir_spawn(&scope, "writer", wait_in_stream, &writer);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(weir_read(p.client, &byte, 1), -WEIR_EBUSY);
    assert_int_equal(weir__stream_read_lent(p.client, &lent), -WEIR_EBUSY);
    assert_null(lent);
    assert_int_equal(weir_write(p.client, "x", 1), -WEIR_EBUSY);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(reader.result, -WEIR_ECANCELED);
    assert_int_equal(writer.result, -WEIR_ECANCELED);
    pair_close(&p);
    return 0;
}

static void a_second_reader_or_writer_is_refused(void **state)
{
    (void)state;
    run_on_all_transports(second_user, NULL);
}

/* --- ends --- */

static int half_close(void *arg)
{
    struct pair p;
    char data[8];

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    assert_int_equal(weir_write(p.client, "ask", 3), 0);
    assert_int_equal(weir_stream_shutdown(p.client), 0);
    assert_int_equal(read_all(p.server, data, sizeof data), 3);
    assert_int_equal(weir_read(p.server, data, sizeof data), 0);
    assert_int_equal(weir_read(p.server, data, sizeof data), 0);
    assert_int_equal(weir_write(p.server, "answer", 6), 0);
    assert_int_equal(read_all(p.client, data, 6), 6);
    assert_memory_equal(data, "answer", 6);
    assert_int_equal(weir_write(p.client, "more", 4), -EPIPE);
    pair_close(&p);
    return 0;
}

static void after_a_half_close_the_other_half_goes_on(void **state)
{
    (void)state;
    run_on_all_transports(half_close, NULL);
}

static int abort_seen(void *arg)
{
    struct unix_place place;
    struct pair p;
    char byte;
    int err;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    weir_stream_abort(p.server);
    p.server = NULL;
    assert_int_equal(weir_read(p.client, &byte, 1), -ECONNRESET);
    err = weir_write(p.client, "x", 1);
    assert_true(err == -EPIPE || err == -ECONNRESET);
    pair_close(&p);

    pair_open(&p, "127.0.0.1:0"); /* and an orderly end is none */
    weir_stream_close(p.server);
    p.server = NULL;
    assert_int_equal(weir_read(p.client, &byte, 1), secure_is_here() ? -WEIR_ETRUNCATED : 0);
    pair_close(&p); /* in the middle of the handshake */

    pair_open(&p, "127.0.0.1:0");
    weir__stream_abort_detached(p.server, NULL);
    p.server = NULL;
    assert_int_equal(weir_read(p.client, &byte, 1), -ECONNRESET);
    pair_close(&p);

    unix_place_open(&place); /* where there is no such thing */
    pair_open(&p, place.address);
    weir_stream_abort(p.server);
    p.server = NULL;
    err = (int)weir_read(p.client, &byte, 1);
    assert_true(err == 0 || (is_simulated() && err == -ECONNRESET));
    pair_close(&p);
    unix_place_close(&place);
    return 0;
}

static void an_abort_is_a_reset_to_the_peer(void **state)
{
    (void)state;
    run_on_all_transports(abort_seen, NULL);
}

static int name_peers(void *arg)
{
    struct pair p;
    struct unix_place place;
    char text[WEIR_ADDRESS_BYTES];

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    assert_string_equal(weir_stream_peer(p.client, text), weir_listener_address(p.listener));
    assert_memory_equal(weir_stream_peer(p.server, text), "127.0.0.1:", 10);
    assert_string_not_equal(text + 9, ":0");
    pair_close(&p);
    if (has_ipv6()) {
        pair_open(&p, "[::1]:0");
        assert_string_equal(weir_stream_peer(p.client, text), weir_listener_address(p.listener));
        assert_memory_equal(text, "[::1]:", 6);
        pair_close(&p);
    }
    unix_place_open(&place);
    pair_open(&p, place.address);
    assert_string_equal(weir_listener_address(p.listener), place.address);
    assert_string_equal(weir_stream_peer(p.client, text), "unix");
    assert_string_equal(weir_stream_peer(p.server, text), "unix");
    pair_close(&p);
    unix_place_close(&place);
    return 0;
}

static void peers_have_names(void **state)
{
    (void)state;
    run_on_all_transports(name_peers, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(large_transfers_arrive_whole),
        cmocka_unit_test(closing_ends_the_waits_of_others),
        cmocka_unit_test(what_came_before_a_close_does_not_count),
        cmocka_unit_test(the_record_lives_until_closed),
        cmocka_unit_test(a_second_reader_or_writer_is_refused),
        cmocka_unit_test(after_a_half_close_the_other_half_goes_on),
        cmocka_unit_test(an_abort_is_a_reset_to_the_peer),
        cmocka_unit_test(peers_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

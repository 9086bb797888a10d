/* SPDX-License-Identifier: MIT */
/* The simulated network: addresses, bytes, windows, and each of its faults. */
#include "io/sim/sim_rig.h"

/* --- addresses --- */

static void bytes_pass_both_ways_over(int family)
{
    struct rig r;
    char got[16];

    rig_pair(&r, 1, family);
    assert_int_equal(run_send(r.io, &r.client, "ping", 4), 4);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 4);
    assert_memory_equal(got, "ping", 4);
    assert_int_equal(run_send(r.io, &r.server, "pong!", 5), 5);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), 5);
    assert_memory_equal(got, "pong!", 5);
    close_and_wait(r.io, &r.client);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 0);
    rig_close(&r);
}

static void test_bytes_pass_both_ways(void **state)
{
    (void)state;
    bytes_pass_both_ways_over(AF_INET);
    bytes_pass_both_ways_over(AF_INET6);
    bytes_pass_both_ways_over(AF_UNIX);
}

static void test_each_end_knows_both_addresses(void **state)
{
    struct rig r;
    struct sockaddr_storage a, b;
    socklen_t la, lb;

    (void)state;
    rig_pair(&r, 1, AF_INET);
    assert_int_not_equal(((struct sockaddr_in *)&r.addr)->sin_port, 0);
    assert_int_equal(weir__io_address(r.io, &r.client, true, &a, &la), 0);
    assert_memory_equal(&a, &r.addr, sizeof(struct sockaddr_in));
    assert_int_equal(weir__io_address(r.io, &r.client, false, &a, &la), 0);
    assert_int_equal(weir__io_address(r.io, &r.server, true, &b, &lb), 0);
    assert_int_equal(la, lb);
    assert_memory_equal(&a, &b, la);
    assert_int_equal(weir__io_address(r.io, &r.listener, true, &a, &la), -ENOTCONN);
    rig_close(&r);
}

static void test_an_address_is_taken_once_unless_shared(void **state)
{
    struct sockaddr *addr;
    struct rig r;
    struct weir__io_file second, third;

    (void)state;
    second = (struct weir__io_file){0};
    third = (struct weir__io_file){0};
    rig_open(&r, 1);
    rig_listen(&r, AF_INET, 16);
    addr = (struct sockaddr *)&r.addr;
    assert_int_equal(weir__io_listen(r.io, &second, addr, r.addr_len, 16, true), -EADDRINUSE);
    close_and_wait(r.io, &r.listener);
    assert_int_equal(weir__io_listen(r.io, &second, addr, r.addr_len, 16, true), 0);
    assert_int_equal(weir__io_listen(r.io, &third, addr, r.addr_len, 16, true), 0);
    close_and_wait(r.io, &second);
    close_and_wait(r.io, &third);
    rig_close(&r);
}

static void test_a_wildcard_listener_gets_every_address(void **state)
{
    struct sockaddr_in any;
    struct rig r;

    (void)state;
    rig_open(&r, 1);
    any = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(80)};
    assert_int_equal(weir__io_listen(r.io, &r.listener, (struct sockaddr *)&any, sizeof any, 16, false), 0);
    any.sin_addr.s_addr = htonl(0x0a000007);
    memcpy(&r.addr, &any, sizeof any);
    r.addr_len = sizeof any;
    assert_int_equal(rig_connect(&r), 0);
    rig_accept(&r);
    rig_close(&r);
}

/* --- connecting --- */

static void test_nobody_listens(void **state)
{
    int64_t before_ns;
    struct rig r;

    (void)state;
    rig_open(&r, 1);
    rig_listen(&r, AF_INET, 16);
    close_and_wait(r.io, &r.listener);
    before_ns = weir__io_now_ns(r.io);
    assert_int_equal(rig_connect(&r), -ECONNREFUSED);
    assert_true(weir__io_now_ns(r.io) - before_ns >= 2 * weir__sim_calm().latency_min_ns);
    close_and_wait(r.io, &r.client);
    rig_listen(&r, AF_UNIX, 16);
    close_and_wait(r.io, &r.listener);
    assert_int_equal(rig_connect(&r), -ENOENT);
    rig_close(&r);
}

static void test_refused_although_somebody_listens(void **state)
{
    struct rig r;
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    o.refuse_per_million = ALWAYS;
    rig_open(&r, 1);
    weir__sim_configure(r.io, &o);
    rig_listen(&r, AF_INET, 16);
    assert_int_equal(rig_connect(&r), -ECONNREFUSED);
    o.refuse_per_million = 0;
    weir__sim_configure(r.io, &o);
    assert_int_equal(run_connect(r.io, &r.client, &r.addr, r.addr_len), 0); /* the same socket again */
    assert_int_equal(run_connect(r.io, &r.client, &r.addr, r.addr_len), -EISCONN);
    rig_close(&r);
}

static void test_a_connect_that_is_never_answered_times_out(void **state)
{
    int64_t before_ns;
    struct rig r;
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    o.connect_stall_per_million = ALWAYS;
    rig_open(&r, 1);
    weir__sim_configure(r.io, &o);
    rig_listen(&r, AF_INET, 16);
    before_ns = weir__io_now_ns(r.io);
    assert_int_equal(rig_connect(&r), -ETIMEDOUT);
    assert_int_equal(weir__io_now_ns(r.io) - before_ns, o.connect_timeout_ns);
    assert_int_equal(rig_stats(&r).connects_failed, 1);
    rig_close(&r);
}

static void test_a_full_backlog_makes_connects_wait(void **state)
{
    struct call c;
    struct rig r;
    struct weir__io_file second;

    (void)state;
    second = (struct weir__io_file){0};
    rig_open(&r, 1);
    rig_listen(&r, AF_INET, 1);
    assert_int_equal(rig_connect(&r), 0);
    assert_int_equal(weir__io_socket(r.io, &second, AF_INET), 0);
    c = new_call(WEIR__IO_CONNECT, &second);
    c.op.addr = (struct sockaddr *)&r.addr;
    c.op.addr_len = r.addr_len;
    assert_false(start(r.io, &c));
    (void)weir__io_turn(r.io, weir__io_now_ns(r.io) + 900 * MS);
    assert_int_equal(c.dones, 0);
    rig_accept(&r);
    assert_int_equal(finish(r.io, &c), 0); /* the next try finds room */
    close_and_wait(r.io, &second);
    rig_close(&r);
}

static void test_closing_a_listener_resets_what_waits_in_it(void **state)
{
    struct rig r;
    char got[4];

    (void)state;
    rig_open(&r, 1);
    rig_listen(&r, AF_INET, 16);
    assert_int_equal(rig_connect(&r), 0);
    close_and_wait(r.io, &r.listener);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), -ECONNRESET);
    rig_close(&r);
}

/* --- bytes --- */

static void test_backpressure(void **state)
{
    size_t sent, received;
    struct call more;
    struct rig r;
    static char big[300000], got[300000];
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    o.kernel_buffer_bytes = 1000;
    rig_pair(&r, 1, AF_INET);
    weir__sim_configure(r.io, &o);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 251);
    assert_int_equal(run_send(r.io, &r.client, big, sizeof big), 1000); /* as much as fits, no more */
    more = send_call(&r.client, big + 1000, sizeof big - 1000);
    assert_false(start(r.io, &more));
    assert_int_equal(weir__io_turn(r.io, weir__io_now_ns(r.io) + 1000 * MS), 0);
    assert_int_equal(more.dones, 0);
    sent = 1000;
    received = 0;
    while (received < sizeof big) {
        int32_t n = run_recv(r.io, &r.server, got + received, sizeof got - received);
        assert_in_range(n, 1, 1000);
        received += (size_t)n;
        if (sent < sizeof big) {
            n = finish(r.io, &more);
            assert_in_range(n, 1, 1000);
            sent += (size_t)n;
            more = send_call(&r.client, big + sent, sizeof big - sent);
            if (sent < sizeof big)
                (void)start(r.io, &more);
        }
    }
    assert_memory_equal(big, got, sizeof big);
    assert_int_equal(rig_stats(&r).bytes_received, sizeof big);
    rig_close(&r);
}

static void test_reads_and_sends_are_short(void **state)
{
    int short_sends, short_reads;
    struct rig r;
    char got[512], bytes[512] = {0};
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    o.short_read_per_million = o.short_send_per_million = ALWAYS;
    rig_pair(&r, 1, AF_INET);
    weir__sim_configure(r.io, &o);
    short_sends = 0;
    short_reads = 0;
    for (int i = 0; i < 20; i++) {
        int32_t sent = run_send(r.io, &r.client, bytes, sizeof bytes);
        assert_in_range(sent, 1, sizeof bytes);
        short_sends += sent < (int32_t)sizeof bytes;
        for (int32_t left = sent; left > 0;) {
            int32_t n = run_recv(r.io, &r.server, got, sizeof got);
            assert_in_range(n, 1, left);
            short_reads += n < left;
            left -= n;
        }
    }
    assert_in_range(short_sends, 15, 20);
    assert_in_range(short_reads, 20, 400);
    rig_close(&r);
}

static void test_half_close(void **state)
{
    struct rig r;
    char got[8];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    assert_int_equal(run_send(r.io, &r.client, "last", 4), 4);
    assert_int_equal(weir__io_shutdown(r.io, &r.client), 0);
    assert_int_equal(run_send(r.io, &r.client, "x", 1), -EPIPE);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 4);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 0);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 0);
    assert_int_equal(run_send(r.io, &r.server, "reply", 5), 5);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), 5);
    rig_close(&r);
}

static void test_shutdown_ends_a_pending_send(void **state)
{
    struct call more;
    struct rig r;
    static char big[200000];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    assert_int_equal(run_send(r.io, &r.client, big, sizeof big), weir__sim_calm().kernel_buffer_bytes);
    more = send_call(&r.client, big, sizeof big);
    assert_false(start(r.io, &more));
    assert_int_equal(weir__io_shutdown(r.io, &r.client), 0);
    assert_int_equal(finish(r.io, &more), -EPIPE);
    rig_close(&r);
}

/* --- resets --- */

static void test_closing_with_bytes_unread_resets(void **state)
{
    struct call poll;
    struct rig r;
    char got[8];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    assert_int_equal(run_send(r.io, &r.client, "unread", 6), 6);
    poll = new_call(WEIR__IO_POLL, &r.server);
    poll.op.events = POLLIN;
    assert_int_equal(run(r.io, &poll), POLLIN);
    close_and_wait(r.io, &r.server);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), -ECONNRESET);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), 0); /* the error is reported once */
    assert_int_equal(run_send(r.io, &r.client, "x", 1), -EPIPE);
    rig_close(&r);
}

static void test_reset_on_close(void **state)
{
    struct rig r;
    char got[8];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    weir__io_reset_on_close(r.io, &r.server);
    close_and_wait(r.io, &r.server);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), -ECONNRESET);
    rig_close(&r);
}

static void test_bytes_for_a_closed_end_come_back_as_a_reset(void **state)
{
    struct rig r;
    char got[8];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    close_and_wait(r.io, &r.server);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), 0);
    assert_int_equal(run_send(r.io, &r.client, "into the void", 13), 13);
    settle(r.io);
    assert_int_equal(run_send(r.io, &r.client, "x", 1), -EPIPE);
    rig_close(&r);
}

static void test_the_link_resets(void **state)
{
    struct call reply;
    struct rig r;
    char got[8], mine[8];
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    o.reset_per_million = ALWAYS;
    rig_pair(&r, 1, AF_INET);
    weir__sim_configure(r.io, &o);
    reply = recv_call(&r.client, mine, sizeof mine);
    assert_false(start(r.io, &reply));
    assert_int_equal(run_send(r.io, &r.client, "lost", 4), 4);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), -ECONNRESET);
    assert_int_equal(finish(r.io, &reply), -ECONNRESET);
    rig_close(&r);
}

/* --- slow, lost, silent --- */

static void test_latency_is_that_of_the_link(void **state)
{
    int64_t before_ns;
    struct rig r;
    char got[8];
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    o.latency_min_ns = o.latency_max_ns = 7 * MS;
    rig_pair(&r, 1, AF_INET);
    weir__sim_configure_address(r.io, (struct sockaddr *)&r.addr, r.addr_len, &o);
    before_ns = weir__io_now_ns(r.io);
    assert_int_equal(run_send(r.io, &r.client, "a", 1), 1);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 1);
    assert_int_equal(weir__io_now_ns(r.io) - before_ns, 7 * MS);
    weir__sim_configure_address(r.io, (struct sockaddr *)&r.addr, r.addr_len, NULL);
    before_ns = weir__io_now_ns(r.io);
    assert_int_equal(run_send(r.io, &r.client, "a", 1), 1);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 1);
    assert_in_range(weir__io_now_ns(r.io) - before_ns, 20000, 60000);
    rig_close(&r);
}

static void test_what_is_lost_comes_later_and_in_order(void **state)
{
    int64_t before_ns;
    struct rig r;
    char got[8];
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    rig_pair(&r, 1, AF_INET);
    o.loss_per_million = ALWAYS;
    o.retransmit_ns = MS;
    weir__sim_configure(r.io, &o);
    before_ns = weir__io_now_ns(r.io);
    assert_int_equal(run_send(r.io, &r.client, "1", 1), 1);
    o.loss_per_million = 0;
    weir__sim_configure(r.io, &o);
    assert_int_equal(run_send(r.io, &r.client, "2", 1), 1);
    assert_int_equal(run_recv(r.io, &r.server, got, 1), 1);
    assert_int_equal(got[0], '1');
    assert_in_range(weir__io_now_ns(r.io) - before_ns, 4095 * MS, 4096 * MS); /* 1 + 2 + 4 … */
    assert_int_equal(run_recv(r.io, &r.server, got, 1), 1);
    assert_int_equal(got[0], '2');
    rig_close(&r);
}

static void test_a_stalled_direction_is_dead(void **state)
{
    struct call c;
    int64_t before_ns;
    struct rig r;
    struct call silent;
    char got[8];
    struct weir__sim_options o;

    (void)state;
    o = weir__sim_calm();
    rig_pair(&r, 1, AF_INET);
    o.stall_per_million = ALWAYS;
    weir__sim_configure(r.io, &o);
    before_ns = weir__io_now_ns(r.io);
    silent = recv_call(&r.server, got, sizeof got);
    (void)start(r.io, &silent);
    assert_int_equal(run_send(r.io, &r.client, "1", 1), 1);
    assert_int_equal(run_recv(r.io, &r.client, got, 1), -ETIMEDOUT); /* the sender's kernel gives up */
    assert_true(weir__io_now_ns(r.io) - before_ns >= o.give_up_ns);
    assert_int_equal(silent.dones, 0);
    c = (struct call){.op = {.done = called}};
    assert_false(weir__io_close_file(r.io, &r.server, &c.op));
    assert_int_equal(finish(r.io, &c), 0);
    assert_int_equal(silent.op.result, -ECANCELED);
    rig_close(&r);
}

static void test_a_partition_holds_bytes_until_it_heals(void **state)
{
    struct call c;
    struct rig r;
    char got[8];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, true);
    assert_int_equal(run_send(r.io, &r.client, "1", 1), 1);
    assert_int_equal(run_send(r.io, &r.server, "2", 1), 1);
    c = recv_call(&r.server, got, 1);
    assert_false(start(r.io, &c));
    assert_int_equal(weir__io_turn(r.io, weir__io_now_ns(r.io) + 60000 * MS), 0);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, false);
    assert_int_equal(finish(r.io, &c), 1);
    assert_int_equal(run_recv(r.io, &r.client, got, 1), 1);
    assert_int_equal(got[0], '2');
    rig_close(&r);
}

static void test_a_partition_holds_the_window_too(void **state)
{
    struct call more;
    int32_t first;
    struct rig r;
    static char big[100000], got[100000];

    (void)state;
    rig_pair(&r, 1, AF_INET);
    first = run_send(r.io, &r.client, big, sizeof big);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), first);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, true);
    more = send_call(&r.client, big, sizeof big);
    assert_false(start(r.io, &more));
    assert_int_equal(weir__io_turn(r.io, weir__io_now_ns(r.io) + 1000 * MS), 0);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, false);
    assert_int_equal(finish(r.io, &more), first);
    rig_close(&r);
}

static void test_a_partition_ends_in_time_outs(void **state)
{
    int64_t before_ns;
    struct rig r;
    char got[8];
    struct weir__io_file second;

    (void)state;
    second = (struct weir__io_file){0};
    rig_pair(&r, 1, AF_INET);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, true);
    assert_int_equal(weir__io_socket(r.io, &second, AF_INET), 0);
    before_ns = weir__io_now_ns(r.io);
    assert_int_equal(run_connect(r.io, &second, &r.addr, r.addr_len), -ETIMEDOUT);
    assert_int_equal(weir__io_now_ns(r.io) - before_ns, weir__sim_calm().connect_timeout_ns);
    assert_int_equal(run_send(r.io, &r.client, "1", 1), 1);
    assert_int_equal(run_recv(r.io, &r.client, got, 1), -ETIMEDOUT);
    close_and_wait(r.io, &second);
    rig_close(&r);
}

static void test_a_connect_gets_through_when_the_partition_heals(void **state)
{
    struct call c;
    struct rig r;

    (void)state;
    rig_open(&r, 1);
    rig_listen(&r, AF_INET, 16);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, true);
    assert_int_equal(weir__io_socket(r.io, &r.client, AF_INET), 0);
    c = new_call(WEIR__IO_CONNECT, &r.client);
    c.op.addr = (struct sockaddr *)&r.addr;
    c.op.addr_len = r.addr_len;
    assert_false(start(r.io, &c));
    assert_int_equal(weir__io_turn(r.io, weir__io_now_ns(r.io) + 20000 * MS), 0);
    weir__sim_partition(r.io, (struct sockaddr *)&r.addr, r.addr_len, false);
    assert_int_equal(finish(r.io, &c), 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_pass_both_ways),
        cmocka_unit_test(test_each_end_knows_both_addresses),
        cmocka_unit_test(test_an_address_is_taken_once_unless_shared),
        cmocka_unit_test(test_a_wildcard_listener_gets_every_address),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_refused_although_somebody_listens),
        cmocka_unit_test(test_a_connect_that_is_never_answered_times_out),
        cmocka_unit_test(test_a_full_backlog_makes_connects_wait),
        cmocka_unit_test(test_closing_a_listener_resets_what_waits_in_it),
        cmocka_unit_test(test_backpressure),
        cmocka_unit_test(test_reads_and_sends_are_short),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_shutdown_ends_a_pending_send),
        cmocka_unit_test(test_closing_with_bytes_unread_resets),
        cmocka_unit_test(test_reset_on_close),
        cmocka_unit_test(test_bytes_for_a_closed_end_come_back_as_a_reset),
        cmocka_unit_test(test_the_link_resets),
        cmocka_unit_test(test_latency_is_that_of_the_link),
        cmocka_unit_test(test_what_is_lost_comes_later_and_in_order),
        cmocka_unit_test(test_a_stalled_direction_is_dead),
        cmocka_unit_test(test_a_partition_holds_bytes_until_it_heals),
        cmocka_unit_test(test_a_partition_holds_the_window_too),
        cmocka_unit_test(test_a_partition_ends_in_time_outs),
        cmocka_unit_test(test_a_connect_gets_through_when_the_partition_heals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Operations of the seam on every backend: their results, and how they end when they are cancelled or their
 * file is closed. */
#include "io/seam_rig.h"

static void test_bytes_pass_both_ways(void **state)
{
    struct rig r;
    char got[16];
    struct call reply;

    open_pair(&r, backend_of(state));
    assert_int_equal(run_send(r.io, &r.client, "there", 5), 5);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 5);
    assert_memory_equal(got, "there", 5);
    reply = recv_call(&r.client, got, sizeof got);
    assert_false(start(r.io, &reply)); /* no bytes are there */
    assert_int_equal(run_send(r.io, &r.server, "and back", 8), 8);
    assert_int_equal(finish(r.io, &reply), 8);
    assert_memory_equal(got, "and back", 8);
    close_rig(&r);
}

static void test_several_pieces_are_sent_in_order(void **state)
{
    struct rig r;
    char got[16];
    int have;
    struct iovec pieces[] = {{(char[]){"one "}, 4}, {NULL, 0}, {(char[]){"two "}, 4}, {(char[]){"three"}, 5}};
    struct msghdr msg;
    struct call c;

    open_pair(&r, backend_of(state));
    msg = (struct msghdr){.msg_iov = pieces, .msg_iovlen = 4};
    c = new_call(WEIR__IO_SEND, &r.client);
    c.op.msg = &msg;
    if (weir__io_submit(r.io, &c.op))
        c.dones++;
    assert_int_equal(finish(r.io, &c), 13);
    have = 0;
    while (have < 13) {
        int n = run_recv(r.io, &r.server, got + have, sizeof got - (size_t)have);
        assert_true(n > 0);
        have += n;
    }
    assert_memory_equal(got, "one two three", 13);
    close_rig(&r);
}

static void test_both_ends_know_both_addresses(void **state)
{
    struct rig r;
    struct sockaddr_storage ours, theirs, accepted = {0};
    socklen_t our_len, their_len;
    int fd;
    struct call c;

    open_rig(&r, backend_of(state), 0);
    rig_listen(&r, AF_INET6, 16);
    assert_int_equal(rig_connect(&r), 0);
    c = new_call(WEIR__IO_ACCEPT, &r.listener);
    c.op.addr = (struct sockaddr *)&accepted;
    c.op.addr_len = sizeof accepted;
    fd = run(r.io, &c);
    assert_int_equal(weir__io_attach(r.io, &r.server, fd, false), 0);
    assert_int_equal(weir__io_address(r.io, &r.client, false, &ours, &our_len), 0);
    assert_int_equal(weir__io_address(r.io, &r.server, true, &theirs, &their_len), 0);
    assert_int_equal(our_len, sizeof(struct sockaddr_in6));
    assert_int_equal(their_len, our_len);
    assert_int_equal(c.op.addr_len, our_len);
    assert_memory_equal(&ours, &theirs, our_len);
    assert_memory_equal(&ours, &accepted, our_len);
    close_rig(&r);
}

static void test_the_end_and_a_reset(void **state)
{
    struct rig r;
    char got[8];
    struct call waiting, lent;

    open_pair(&r, backend_of(state));
    assert_int_equal(weir__io_shutdown(r.io, &r.client), 0);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 0);
    lent = lent_call(&r.server);
    assert_int_equal(run(r.io, &lent), 0);
    assert_null(lent.op.data);
    assert_int_equal(run_send(r.io, &r.server, "late", 4), 4);
    assert_int_equal(run_recv(r.io, &r.client, got, sizeof got), 4);
    waiting = recv_call(&r.client, got, sizeof got);
    assert_false(start(r.io, &waiting));
    weir__io_reset_on_close(r.io, &r.server);
    close_and_wait(r.io, &r.server);
    assert_int_equal(finish(r.io, &waiting), -ECONNRESET);
    assert_int_equal(run_send(r.io, &r.client, "x", 1), -EPIPE);
    close_rig(&r);
}

static void test_bytes_before_the_end_come_first(void **state)
{
    struct rig r;
    char got[8];

    for (int waits = 0; waits < 2; waits++) {
        struct call c;
        open_pair(&r, backend_of(state));
        c = recv_call(&r.server, got, sizeof got);
        if (waits)
            (void)start(r.io, &c);
        assert_int_equal(run_send(r.io, &r.client, "last", 4), 4);
        close_and_wait(r.io, &r.client);
        assert_int_equal(waits ? finish(r.io, &c) : run(r.io, &c), 4);
        assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 0);
        assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 0);
        close_rig(&r);
    }
}

static void test_nobody_listens(void **state)
{
    struct rig r;

    open_rig(&r, backend_of(state), 0);
    rig_listen(&r, AF_INET, 1);
    close_and_wait(r.io, &r.listener);
    assert_int_equal(rig_connect(&r), -ECONNREFUSED);
    close_rig(&r);
}

static void test_much_is_sent_to_a_slow_reader(void **state)
{
    enum { ALL = 8 << 20 };
    struct rig r;
    char *out = malloc(ALL), *in = malloc(ALL);
    size_t sent, received;
    struct call s;
    bool sending;

    open_pair(&r, backend_of(state));
    for (size_t i = 0; i < ALL; i++)
        out[i] = (char)(i * 7 + (i >> 13));
    sent = 0;
    received = 0;
    s = (struct call){0};
    sending = false;
    while (received < ALL) {
        size_t room;
        int n;
        if (!sending && sent < ALL) {
            s = send_call(&r.client, out + sent, ALL - sent);
            sending = true;
            (void)start(r.io, &s);
        }
        room = ALL - received < 50000 ? ALL - received : 50000;
        n = run_recv(r.io, &r.server, in + received, room);
        assert_true(n > 0);
        received += (size_t)n;
        if (sending && s.dones > 0) {
            assert_true(s.op.result > 0);
            sent += (size_t)s.op.result;
            sending = false;
        }
    }
    if (sending)
        assert_true(finish(r.io, &s) > 0);
    assert_memory_equal(in, out, ALL);
    free(in);
    free(out);
    close_rig(&r);
}

static void test_unattached_and_closing_files_refuse(void **state)
{
    struct rig r;
    char got[8];
    struct call late, closer, pending;
    struct weir__io_file none;
    struct call c;

    open_pair(&r, backend_of(state));
    none = (struct weir__io_file){.fd = -1};
    c = recv_call(&none, got, sizeof got);
    assert_true(start(r.io, &c));
    assert_int_equal(c.op.result, -EBADF);
    pending = recv_call(&r.server, got, sizeof got);
    assert_false(start(r.io, &pending));
    closer = (struct call){.op = {.done = called}};
    assert_false(weir__io_close_file(r.io, &r.server, &closer.op));
    assert_int_equal(pending.dones, 0); /* done() is never called from close_file() */
    late = lent_call(&r.server);
    late.op.data = got;
    assert_true(start(r.io, &late));
    assert_int_equal(late.op.result, -ECANCELED);
    assert_null(late.op.data);
    assert_int_equal(finish(r.io, &closer), 0);
    assert_int_equal(pending.dones, 1);
    assert_int_equal(pending.op.result, -ECANCELED);
    assert_int_equal(r.server.fd, -1);
    close_rig(&r);
}

/* --- polls --- */

static void test_polls_of_a_stream(void **state)
{
    struct rig r;
    char got[8];
    struct call no_more, still, one, two, writable;

    open_pair(&r, backend_of(state));
    writable = poll_call(&r.server, POLLOUT);
    assert_int_equal(run(r.io, &writable), POLLOUT);
    one = poll_call(&r.server, POLLIN);
    two = poll_call(&r.server, POLLIN);
    assert_false(start(r.io, &one));
    assert_false(start(r.io, &two));
    look_around(r.io);
    assert_int_equal(one.dones + two.dones, 0);
    assert_int_equal(run_send(r.io, &r.client, "x", 1), 1);
    assert_int_equal(finish(r.io, &one), POLLIN);
    assert_int_equal(finish(r.io, &two), POLLIN);
    still = poll_call(&r.server, POLLIN); /* the byte was not read */
    assert_int_equal(run(r.io, &still), POLLIN);
    assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 1);
    no_more = poll_call(&r.server, POLLIN);
    assert_false(start(r.io, &no_more));
    look_around(r.io);
    assert_int_equal(no_more.dones, 0);
    weir__io_cancel(r.io, &no_more.op);
    assert_int_equal(finish(r.io, &no_more), -ECANCELED);
    close_rig(&r);
}

/* The peer's end is seen before the bytes in front of it are read; so is a reset. */
static void test_polls_for_the_peers_end(void **state)
{
    struct rig r;
    char got[8];

    for (int reset = 0; reset < 2; reset++) {
        struct call waits, late;
        open_pair(&r, backend_of(state));
        waits = poll_call(&r.server, POLLRDHUP);
        assert_false(start(r.io, &waits));
        assert_int_equal(run_send(r.io, &r.client, "last", 4), 4);
        look_around(r.io);
        assert_int_equal(waits.dones, 0);
        if (reset) {
            weir__io_reset_on_close(r.io, &r.client);
            close_and_wait(r.io, &r.client);
            assert_true(finish(r.io, &waits) & (POLLERR | POLLHUP));
        } else {
            assert_int_equal(weir__io_shutdown(r.io, &r.client), 0);
            assert_int_equal(finish(r.io, &waits), POLLRDHUP);
            late = poll_call(&r.server, POLLRDHUP);
            assert_int_equal(run(r.io, &late), POLLRDHUP);
            assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 4);
        }
        close_rig(&r);
    }
}

static void set_ready(struct rig *r, bool simulated, int fd, bool ready)
{
    uint64_t count = 1;

    if (simulated)
        weir__sim_foreign_set_ready(r->io, fd, ready ? POLLIN | POLLOUT : POLLOUT);
    else if (ready)
        assert_int_equal(write(fd, &count, sizeof count), sizeof count);
    else
        assert_int_equal(read(fd, &count, sizeof count), sizeof count);
}

static void test_polls_of_a_foreign_descriptor(void **state)
{
    struct rig r;
    bool simulated = backend_of(state) == WEIR__IO_SIM;
    struct call in_a, in_b, out_b;
    struct weir__io_file a, b;
    int fd;

    open_rig(&r, backend_of(state), 0);
    fd = simulated ? 7 : eventfd(0, EFD_NONBLOCK);
    if (simulated)
        set_ready(&r, true, fd, false);
    a = (struct weir__io_file){0};
    b = (struct weir__io_file){0};
    assert_int_equal(weir__io_attach(r.io, &a, fd, true), 0);
    assert_int_equal(weir__io_attach(r.io, &b, fd, true), 0); /* two libraries may share a descriptor */
    in_a = poll_call(&a, POLLIN);
    in_b = poll_call(&b, POLLIN);
    out_b = poll_call(&b, POLLOUT);
    assert_false(start(r.io, &in_a));
    assert_false(start(r.io, &in_b));
    assert_int_equal(run(r.io, &out_b), POLLOUT);
    assert_int_equal(in_a.dones + in_b.dones, 0);
    assert_int_equal(weir__io_detach(r.io, &a), -EBUSY);
    for (int round = 0; round < 3; round++) {
        set_ready(&r, simulated, fd, true);
        assert_int_equal(finish(r.io, &in_a), POLLIN);
        assert_int_equal(finish(r.io, &in_b), POLLIN);
        in_a = poll_call(&a, POLLIN); /* level-triggered: the byte was not read */
        assert_int_equal(run(r.io, &in_a), POLLIN);
        set_ready(&r, simulated, fd, false); /* read by others */
        in_a = poll_call(&a, POLLIN);
        in_b = poll_call(&b, POLLIN);
        assert_false(start(r.io, &in_a));
        assert_false(start(r.io, &in_b));
        look_around(r.io);
        assert_int_equal(in_a.dones + in_b.dones, 0);
    }
    weir__io_cancel(r.io, &in_a.op);
    assert_int_equal(finish(r.io, &in_a), -ECANCELED);
    assert_int_equal(weir__io_detach(r.io, &a), fd);
    set_ready(&r, simulated, fd, true);
    assert_int_equal(finish(r.io, &in_b), POLLIN); /* the other file is still polled */
    close_and_wait(r.io, &b);
    if (!simulated)
        assert_int_equal(close(fd), 0); /* the seam has not closed it */
    weir__io_free(r.io);
}

/* --- cancelling --- */

static void test_a_cancelled_receive_lets_go_of_its_buffer(void **state)
{
    struct rig r;

    open_pair(&r, backend_of(state));
    for (int round = 0; round < 200; round++) {
        char *buffer = malloc(64), got[8];
        struct call c;
        memset(buffer, 0x55, 64);
        c = recv_call(&r.server, buffer, 64);
        assert_false(start(r.io, &c));
        if (round % 2)
            look_around(r.io); /* then the kernel has the operation */
        weir__io_cancel(r.io, &c.op);
        weir__io_cancel(r.io, &c.op);
        assert_int_equal(c.dones, 0);
        assert_int_equal(finish(r.io, &c), -ECANCELED);
        weir__io_cancel(r.io, &c.op); /* it has ended */
        free(buffer);                 /* a later write is found by ASan or the sim */
        assert_int_equal(run_send(r.io, &r.client, "kept", 4), 4);
        assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 4);
        assert_memory_equal(got, "kept", 4);
        assert_int_equal(c.dones, 1);
    }
    close_rig(&r);
}

/* Whether the bytes or the cancel win, no byte is lost and none comes twice. */
static void test_a_cancel_races_a_receive(void **state)
{
    struct rig r;
    int won = 0;

    open_pair(&r, backend_of(state));
    if (backend_of(state) == WEIR__IO_SIM) {
        struct weir__sim_options o = weir__sim_calm();
        o.cancel_late_per_million = o.inline_per_million = 500000;
        weir__sim_configure(r.io, &o);
    }
    for (int round = 0; round < 400; round++) {
        char *buffer = malloc(8), got[8];
        struct call c = recv_call(&r.server, buffer, 8);
        bool lent = round % 3 == 0, late = round % 2, looked = round % 5 == 0;
        int32_t n;
        if (lent)
            c = lent_call(&r.server);
        if (!late)
            assert_int_equal(run_send(r.io, &r.client, "12345678", 8), 8);
        if (!late && backend_of(state) == WEIR__IO_SIM) /* there bytes arrive later */
            (void)weir__io_turn(r.io, weir__io_now_ns(r.io) + MS);
        (void)start(r.io, &c);
        if (late)
            assert_int_equal(run_send(r.io, &r.client, "12345678", 8), 8);
        if (looked && c.dones == 0)
            (void)weir__io_turn(r.io, 0);
        weir__io_cancel(r.io, &c.op);
        n = finish(r.io, &c);
        if (n == 8) {
            assert_memory_equal(lent ? c.op.data : buffer, "12345678", 8);
            if (lent)
                weir__io_return(r.io, c.op.data);
            won++;
        } else {
            assert_int_equal(n, -ECANCELED);
            if (lent)
                assert_null(c.op.data);
            assert_int_equal(run_recv(r.io, &r.server, got, sizeof got), 8);
        }
        free(buffer);
    }
    assert_true(won > 0);
    close_rig(&r);
}

static void test_a_cancel_races_accept_and_connect(void **state)
{
    struct rig r;

    open_rig(&r, backend_of(state), 0);
    rig_listen(&r, AF_INET, 16);
    for (int round = 0; round < 100; round++) {
        struct call a = new_call(WEIR__IO_ACCEPT, &r.listener), c = new_call(WEIR__IO_CONNECT, &r.client);
        int32_t fd, connected;
        assert_int_equal(weir__io_socket(r.io, &r.client, AF_INET), 0);
        c.op.addr = (struct sockaddr *)&r.addr;
        c.op.addr_len = r.addr_len;
        (void)start(r.io, &a);
        (void)start(r.io, &c);
        if (round % 4 == 1)
            (void)weir__io_turn(r.io, 0);
        if (round % 4 != 2)
            weir__io_cancel(r.io, &c.op);
        if (round % 4 != 3)
            weir__io_cancel(r.io, &a.op);
        connected = finish(r.io, &c);
        assert_true(connected == 0 || connected == -ECANCELED);
        weir__io_reset_on_close(r.io, &r.client);
        if (connected == 0 && a.dones == 0 && round % 4 == 3)
            assert_true(finish(r.io, &a) >= 0);
        close_and_wait(r.io, &r.client);
        weir__io_cancel(r.io, &a.op);
        fd = finish(r.io, &a);
        if (fd >= 0)
            weir__io_close_fd(r.io, fd);
        else
            assert_int_equal(fd, -ECANCELED);
    }
    close_rig(&r);
}

static void test_a_blocked_send_is_cancelled(void **state)
{
    struct rig r;
    enum { MUCH = 32 << 20 };
    char *bytes, *in;
    size_t sent, received;
    struct call c;
    int32_t n;

    open_pair(&r, backend_of(state));
    bytes = calloc(1, MUCH);
    in = malloc(1 << 20);
    sent = 0;
    received = 0;
    do { /* until the kernel takes no more */
        c = send_call(&r.client, bytes, MUCH);
        if (!start(r.io, &c)) {
            look_around(r.io);
            weir__io_cancel(r.io, &c.op);
        }
        n = finish(r.io, &c);
        sent += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    assert_int_equal(n, -ECANCELED);
    free(bytes);
    assert_int_equal(weir__io_shutdown(r.io, &r.client), 0);
    while ((n = run_recv(r.io, &r.server, in, 1 << 20)) > 0)
        received += (size_t)n;
    assert_int_equal(n, 0);
    assert_int_equal(received, sent); /* all bytes reported as sent arrived, and no more */
    free(in);
    close_rig(&r);
}

/* --- closing --- */

/* The number of a closed descriptor is reused at once. No completion of the former holder may reach the next.
 */
static void test_close_with_operations_pending_and_the_number_reused(void **state)
{
    struct rig r;
    bool reused = false;

    open_pair(&r, backend_of(state));
    for (int round = 0; round < 200; round++) {
        char *old_bytes = malloc(32), got[32];
        int old_fd = r.server.fd;
        uint32_t generation = r.server.generation;
        struct call old = recv_call(&r.server, old_bytes, 32), readable = poll_call(&r.server, POLLIN);
        int fd;
        struct call fresh;
        struct weir__io_file next;
        struct call closer;
        assert_false(start(r.io, &old));
        assert_false(start(r.io, &readable));
        if (round % 2)
            look_around(r.io);
        if (round % 3 == 0)
            assert_int_equal(run_send(r.io, &r.client, "old", 3), 3);
        closer = (struct call){.op = {.done = called}};
        if (weir__io_close_file(r.io, &r.server, &closer.op))
            closer.dones++;
        assert_int_equal(finish(r.io, &closer), 0);
        assert_int_equal(old.dones, 1);
        assert_int_equal(readable.dones, 1);
        assert_true(old.op.result == -ECANCELED || old.op.result == 3);
        free(old_bytes);
        next = (struct weir__io_file){0};
        connect_more(&r, &next, &r.server);
        reused |= r.server.fd == old_fd || next.fd == old_fd;
        assert_int_equal(r.server.generation, generation + 1);
        fresh = recv_call(&r.server, got, sizeof got);
        assert_false(start(r.io, &fresh));
        close_and_wait(r.io, &r.client); /* the former peer */
        look_around(r.io);
        assert_int_equal(fresh.dones, 0);
        assert_int_equal(run_send(r.io, &next, "new", 3), 3);
        assert_int_equal(finish(r.io, &fresh), 3);
        assert_memory_equal(got, "new", 3);
        /* A file may move while it is not attached, so only the descriptor is handed over. */
        fd = weir__io_detach(r.io, &next);
        assert_int_equal(weir__io_attach(r.io, &r.client, fd, false), 0);
    }
    assert_true(reused);
    close_rig(&r);
}

struct closing_call {
    struct call call;
    struct weir__io *io;
    struct call *cancels, *closer;
};

static void cancel_and_close(struct weir__io_op *op)
{
    struct closing_call *c = weir__container_of(op, struct closing_call, call.op);

    c->call.dones++;
    weir__io_cancel(c->io, &c->cancels->op);
    if (weir__io_close_file(c->io, op->file, &c->closer->op))
        c->closer->dones++;
}

static void test_done_may_cancel_and_close(void **state)
{
    struct rig r;
    char got[8];
    struct call other, closer;
    struct closing_call c;

    open_pair(&r, backend_of(state));
    other = poll_call(&r.server, POLLPRI);
    closer = (struct call){.op = {.done = called}};
    c = (struct closing_call){
        .call = recv_call(&r.server, got, sizeof got), .io = r.io, .cancels = &other, .closer = &closer};
    c.call.op.done = cancel_and_close;
    assert_false(start(r.io, &other));
    assert_false(start(r.io, &c.call));
    assert_int_equal(run_send(r.io, &r.client, "go", 2), 2);
    assert_int_equal(finish(r.io, &closer), 0);
    assert_int_equal(c.call.op.result, 2);
    assert_int_equal(other.dones, 1);
    assert_int_equal(other.op.result, -ECANCELED);
    assert_int_equal(r.server.fd, -1);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_pass_both_ways),
        cmocka_unit_test(test_several_pieces_are_sent_in_order),
        cmocka_unit_test(test_both_ends_know_both_addresses),
        cmocka_unit_test(test_the_end_and_a_reset),
        cmocka_unit_test(test_bytes_before_the_end_come_first),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_much_is_sent_to_a_slow_reader),
        cmocka_unit_test(test_unattached_and_closing_files_refuse),
        cmocka_unit_test(test_polls_of_a_stream),
        cmocka_unit_test(test_polls_for_the_peers_end),
        cmocka_unit_test(test_polls_of_a_foreign_descriptor),
        cmocka_unit_test(test_a_cancelled_receive_lets_go_of_its_buffer),
        cmocka_unit_test(test_a_cancel_races_a_receive),
        cmocka_unit_test(test_a_cancel_races_accept_and_connect),
        cmocka_unit_test(test_a_blocked_send_is_cancelled),
        cmocka_unit_test(test_close_with_operations_pending_and_the_number_reused),
        cmocka_unit_test(test_done_may_cancel_and_close),
    };

    return run_on_every_backend("op", tests, sizeof tests / sizeof tests[0]);
}

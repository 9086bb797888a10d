/* SPDX-License-Identifier: MIT */
/* Options of listeners and streams, inherited descriptors, the idle timeout, and writes after a failed one.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/net_rig.h"

/* --- inherited descriptors --- */

static int use_a_socketpair(void *arg)
{
    weir_stream *s, *again;
    int ends[2];
    char data[8];

    (void)arg;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    if (is_simulated()) {
        assert_int_equal(weir_stream_of_fd(ends[0], &s), -ENOTSUP);
        assert_int_equal(close(ends[0]), 0); /* it stayed ours */
        close(ends[1]);
        return 0;
    }
    assert_int_equal(weir_stream_of_fd(ends[0], &s), 0);
    assert_int_equal(weir_stream_of_fd(ends[0], &again), -EEXIST);
    assert_int_equal(weir_write(s, "there", 5), 0);
    assert_int_equal(read(ends[1], data, sizeof data), 5);
    assert_int_equal(write(ends[1], "back", 4), 4);
    assert_int_equal(weir_read(s, data, sizeof data), 4);
    close(ends[1]);
    assert_int_equal(weir_read(s, data, sizeof data), 0);
    weir_stream_close(s);
    assert_int_equal(fcntl(ends[0], F_GETFD), -1); /* the stream closed it */
    return 0;
}

static int refuse_descriptors(void *arg)
{
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), ends[2];
    weir_listener *l;
    weir_stream *s;

    (void)arg;
    assert_int_equal(pipe(ends), 0);
    if (!is_simulated()) {
        assert_int_equal(weir_stream_of_fd(-1, &s), -EBADF);
        assert_int_equal(weir_stream_of_fd(ends[0], &s), -ENOTSOCK);
        assert_int_equal(weir_stream_of_fd(udp, &s), -EINVAL);
        assert_int_equal(weir_stream_of_fd(tcp, &s), -ENOTCONN);
        assert_int_equal(weir_listener_open(&(weir_listener_options){.fd = tcp}, &l), -EINVAL);
        assert_int_equal(weir_listener_open(&(weir_listener_options){.fd = ends[0]}, &l), -ENOTSOCK);
        assert_int_equal(listen(tcp, 1), 0);
        assert_int_equal(weir_stream_of_fd(tcp, &s), -EINVAL);
    }
    assert_int_equal(weir_listener_open(&(weir_listener_options){0}, &l), -EINVAL);
    assert_int_equal(weir_listener_open(&(weir_listener_options){.address = "127.0.0.1:0", .fd = tcp}, &l),
                     -EINVAL);
    assert_int_equal(
        weir_listener_open(&(weir_listener_options){.address = "127.0.0.1:0", .backlog = -1}, &l), -EINVAL);
    assert_int_equal(close(tcp) | close(udp) | close(ends[0]) | close(ends[1]), 0); /* all stayed ours */
    return 0;
}

static int inherit_a_listener(void *arg)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    weir_stream *client, *server;
    weir_listener *l;
    char byte;

    (void)arg;
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(fd, 10), 0);
    if (is_simulated()) {
        assert_int_equal(weir_listener_open(&(weir_listener_options){.fd = fd}, &l), -ENOTSUP);
        assert_int_equal(close(fd), 0);
        return 0;
    }
    assert_int_equal(weir_listener_open(&(weir_listener_options){.fd = fd}, &l), 0);
    assert_int_equal(weir_connect(weir_listener_address(l), &client), 0);
    assert_int_equal(weir_accept(l, &server), 0);
    assert_int_equal(weir_write(client, "x", 1), 0);
    assert_int_equal(weir_read(server, &byte, 1), 1);
    weir_stream_close(client);
    weir_stream_close(server);
    weir_listener_close(l);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    return 0;
}

static void descriptors_become_streams_and_listeners(void **state)
{
    (void)state;
    run_everywhere(use_a_socketpair, NULL);
    run_everywhere(refuse_descriptors, NULL);
    run_everywhere(inherit_a_listener, NULL);
}

/* --- socket options --- */

static int option(const weir_stream *s, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    assert_int_equal(getsockopt(s->socket.file.fd, level, name, &value, &len), 0);
    return value;
}

static int set_options(void *arg)
{
    weir_listener_options o = {
        .address = "127.0.0.1:0",
        .stream = {.keepalive = weir_ms(2500), .receive_buffer_bytes = 50000, .delay = true}};
    struct pair p;

    (void)arg;
    assert_int_equal(weir_listener_open(&o, &p.listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(p.listener), &p.client), 0);
    assert_int_equal(weir_accept(p.listener, &p.server), 0);
    if (!is_simulated()) {
        assert_int_equal(option(p.server, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_int_equal(option(p.server, IPPROTO_TCP, TCP_KEEPIDLE), 3);
        assert_int_equal(option(p.server, SOL_SOCKET, SO_RCVBUF), 100000); /* the kernel doubles it */
        assert_int_equal(option(p.server, IPPROTO_TCP, TCP_NODELAY), 0);
        assert_int_equal(option(p.client, SOL_SOCKET, SO_KEEPALIVE), 0);
        assert_int_equal(option(p.client, IPPROTO_TCP, TCP_NODELAY), 1);
    }
    assert_int_equal(weir_stream_set_options(p.client, &(weir_stream_options){.keepalive = weir_seconds(7)}),
                     0);
    if (!is_simulated())
        assert_int_equal(option(p.client, IPPROTO_TCP, TCP_KEEPIDLE), 7);
    assert_int_equal(weir_stream_set_options(p.client, &(weir_stream_options){.keepalive = weir_seconds(-1)}),
                     0);
    if (!is_simulated())
        assert_int_equal(option(p.client, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(
        weir_stream_set_options(p.client, &(weir_stream_options){.keepalive = weir_seconds(99999)}), -EINVAL);
    assert_int_equal(weir_stream_set_options(p.client, &(weir_stream_options){.send_buffer_bytes = SIZE_MAX}),
                     -EINVAL);
    pair_close(&p);
    return 0;
}

static void options_reach_the_socket(void **state)
{
    (void)state;
    run_everywhere(set_options, NULL);
}

/* --- the idle timeout --- */

enum { MANY_BYTES = 8 << 20 };

static int expire(void *arg)
{
    weir_stream_options idle = {.idle_timeout = weir_ms(20)}, unlimited = {.idle_timeout = weir_ms(-1)};
    char *data = calloc(1, MANY_BYTES), byte;
    struct pair p;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    assert_int_equal(weir_stream_set_options(p.client, &idle), 0);
    assert_int_equal(weir_read(p.client, &byte, 1), -WEIR_EIDLE);
    assert_int_equal(weir_write(p.server, "x", 1), 0);
    assert_int_equal(weir_stream_set_options(p.client, &unlimited), 0);
    assert_int_equal(weir_read(p.client, &byte, 1), 1); /* a read that expired has lost nothing */
    assert_int_equal(weir_stream_set_options(p.client, &idle), 0);
    assert_int_equal(weir_write(p.client, data, MANY_BYTES), -WEIR_EIDLE); /* nobody reads */
    assert_int_equal(weir_write(p.client, "x", 1), -WEIR_ECLOSED);
    pair_close(&p);
    free(data);
    return 0;
}

static void a_silent_peer_ends_reads_and_writes(void **state)
{
    (void)state;
    run_on_all_transports(expire, NULL);
}

static int read_slowly(void *arg)
{
    weir_stream *s = arg;
    char data[4096];
    ssize_t n;

    while ((n = weir_read(s, data, sizeof data)) > 0)
        if (weir_sleep(weir_ms(50)) < 0)
            return -EIO;
    return (int)n;
}

static int outlast(void *arg)
{
    size_t bytes = 1 << 20;
    char *data = calloc(1, bytes);
    weir_scope scope;
    struct pair p;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    assert_int_equal(weir_stream_set_options(p.client, &(weir_stream_options){.idle_timeout = weir_ms(2000)}),
                     0);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "slow", read_slowly, p.server);
    assert_int_equal(weir_write(p.client, data, bytes), 0); /* much longer than the timeout */
    assert_int_equal(weir_stream_shutdown(p.client), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&p);
    free(data);
    return 0;
}

static void a_slow_peer_does_not(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++)
        run_simulated_and_in_memory(seed, outlast, NULL);
}

static int expire_accepted(void *arg)
{
    weir_listener_options o = {.address = "127.0.0.1:0", .stream.idle_timeout = weir_ms(10)};
    struct pair p;
    char byte;

    (void)arg;
    assert_int_equal(weir_listener_open(&o, &p.listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(p.listener), &p.client), 0);
    assert_int_equal(weir_accept(p.listener, &p.server), 0);
    assert_int_equal(weir_read(p.server, &byte, 1), -WEIR_EIDLE);
    pair_close(&p);
    return 0;
}

static void accepted_streams_have_the_timeout_of_their_listener(void **state)
{
    (void)state;
    run_on_all_transports(expire_accepted, NULL);
}

/* --- after a failed write --- */

static int write_on(void *arg)
{
    char *data = calloc(1, MANY_BYTES), byte;
    weir_scope scope;
    struct pair p;
    int err;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    weir_stream_abort(p.server);
    p.server = NULL;
    do /* the first ones may go into the kernel's buffer */
        err = weir_write(p.client, data, MANY_BYTES);
    while (err == 0);
    assert_true(err == -EPIPE || err == -ECONNRESET);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_write(p.client, "x", 1), -WEIR_ECLOSED);
    pair_close(&p);

    pair_open(&p, "127.0.0.1:0");
    weir_scope_open(&scope, weir_after_ms(2), 0);
    assert_int_equal(weir_write(p.client, data, MANY_BYTES), -WEIR_EDEADLINE);
    assert_int_equal(weir_write(p.client, "x", 1), -WEIR_ECLOSED);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_int_equal(weir_write(p.client, "x", 1), -WEIR_ECLOSED);
    assert_int_equal(weir_read(p.server, &byte, 1), 1); /* what was sent before is there */
    pair_close(&p);

    pair_open(&p, "127.0.0.1:0");
    weir_scope_open(&scope, weir_never(), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_write(p.client, "x", 1), -WEIR_ECANCELED); /* it never began */
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(weir_write(p.client, "y", 1), 0);
    assert_int_equal(weir_read(p.server, &byte, 1), 1);
    assert_int_equal(byte, 'y');
    pair_close(&p);
    free(data);
    return 0;
}

static void nothing_is_written_after_a_failed_write(void **state)
{
    (void)state;
    run_on_all_transports(write_on, NULL);
}

/* --- a protocol hands its stream over --- */

static int publish(void *arg)
{
    weir_stream *inner, *server, *s;
    weir_listener *l;
    char data[16];

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    assert_int_equal(weir__connect(weir_listener_address(l), 24, &inner), 0);
    assert_int_equal(weir_accept(l, &server), 0);
    assert_int_equal(weir__stream_publish(inner, "ahead", 5, &s), 0);
    assert_int_equal(weir_write(server, "behind", 6), 0);
    assert_int_equal(weir_read(s, data, 3), 3);
    assert_memory_equal(data, "ahe", 3);
    assert_int_equal(weir_read(s, data, sizeof data), 2);
    assert_memory_equal(data, "ad", 2);
    assert_int_equal(read_all(s, data, 6), 6);
    assert_memory_equal(data, "behind", 6);
    assert_int_equal(weir_write(s, "x", 1), 0);
    assert_int_equal(weir_read(server, data, 1), 1);
    weir_stream_close(s);
    weir_stream_close(server);
    weir_listener_close(l);
    return 0;
}

static void a_protocol_hands_over_what_it_read_ahead(void **state)
{
    (void)state;
    run_on_all_transports(publish, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_become_streams_and_listeners),
        cmocka_unit_test(options_reach_the_socket),
        cmocka_unit_test(a_silent_peer_ends_reads_and_writes),
        cmocka_unit_test(a_slow_peer_does_not),
        cmocka_unit_test(accepted_streams_have_the_timeout_of_their_listener),
        cmocka_unit_test(nothing_is_written_after_a_failed_write),
        cmocka_unit_test(a_protocol_hands_over_what_it_read_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

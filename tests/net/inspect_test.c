/* SPDX-License-Identifier: MIT */
/* What the waits of streams are called by who looks at their tasks. */
#include <poll.h>

#include "net/address.h"
#include "net/connect.h"
#include "net/net_rig.h"
#include "support/tree.h"

struct rig {
    weir_listener *listener;
    weir_stream *client, *server;
    char address[WEIR_ADDRESS_BYTES];
    int ends[2];
};

static int accept_another(void *arg)
{
    struct rig *r = arg;
    weir_stream *s;

    return weir_accept(r->listener, &s);
}

static int read_some(void *arg)
{
    struct rig *r = arg;
    char byte;

    return (int)weir_read(r->client, &byte, 1);
}

/* More than anybody takes. */
static int write_much(void *arg)
{
    struct rig *r = arg;
    static const char bytes[65536];
    int err = 0;

    while (err == 0)
        err = weir_write(r->client, bytes, sizeof bytes);
    return err;
}

static int wait_for_pipe(void *arg)
{
    return weir_wait_fd(((struct rig *)arg)->ends[0], POLLIN);
}

static void expect(const weir_tasks *tasks, const char *name, const char *words, const char *address)
{
    char all[WEIR_ADDRESS_BYTES + 64];

    (void)snprintf(all, sizeof all, "%s %s", words, address);
    assert_string_equal(wait_of(tasks, name), all);
}

static void expect_all(struct rig *r)
{
    weir_tasks *tasks = look_at_tasks(NULL);
    char words[64];

    expect(tasks, "reader", "reading from", r->address);
    expect(tasks, "writer", "writing to", r->address);
    expect(tasks, "accepter", "a connection to", r->address);
    if (!is_simulated()) {
        (void)snprintf(words, sizeof words, "descriptor %d to be readable", r->ends[0]);
        assert_string_equal(wait_of(tasks, "piper"), words);
    }
    weir_tasks_close(tasks);
}

static int all_waits(struct rig *r, const char *address)
{
    weir_scope scope;

    assert_int_equal(weir_listen(address, &r->listener), 0);
    strcpy(r->address, weir_listener_address(r->listener));
    assert_int_equal(weir_connect(r->address, &r->client), 0);
    assert_int_equal(weir_accept(r->listener, &r->server), 0);
    assert_int_equal(pipe(r->ends), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "reader", read_some, r);
    weir_spawn(&scope, "writer", write_much, r);
    weir_spawn(&scope, "accepter", accept_another, r);
    if (!is_simulated())
        weir_spawn(&scope, "piper", wait_for_pipe, r);
    /* Until the writer has filled all there is to fill. */
    for (;;) {
        weir_tasks *tasks;
        bool waits;

        assert_int_equal(weir_sleep(weir_ms(20)), 0);
        tasks = look_at_tasks(NULL);
        waits = strncmp(wait_of(tasks, "writer"), "writing", 7) == 0;
        weir_tasks_close(tasks);
        if (waits)
            break;
    }
    expect_all(r);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_stream_close(r->client);
    weir_stream_close(r->server);
    weir_listener_close(r->listener);
    close(r->ends[0]);
    close(r->ends[1]);
    return 0;
}

static int tcp(void *arg)
{
    struct rig r;

    (void)arg;
    return all_waits(&r, "127.0.0.1:0");
}

static void waits_name_the_peer(void **state)
{
    (void)state;
    run_on_all_transports(tcp, NULL);
}

static int unix_socket(void *arg)
{
    struct unix_place place;
    struct rig r;

    (void)arg;

    unix_place_open(&place);
    (void)all_waits(&r, place.address);
    unix_place_close(&place);
    return 0;
}

static void so_they_do_on_unix_sockets(void **state)
{
    (void)state;
    run_on_all_transports(unix_socket, NULL);
}

/* A stream that stands on another transport is named by what carries it: here by the proxy in front. */
static int behind_proxy(void *arg)
{
    weir_listener_options options = {.address = "127.0.0.1:0", .proxy_protocol = true};
    struct rig r;
    weir_stream *other;
    weir_scope scope;
    weir_tasks *tasks;

    (void)arg;
    assert_int_equal(weir_listener_open(&options, &r.listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(r.listener), &other), 0);
    assert_int_equal(weir_accept(r.listener, &r.client), 0); /* which read_some() reads */
    (void)weir__stream_local(other, r.address);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "reader", read_some, &r);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    tasks = look_at_tasks(NULL);
    expect(tasks, "reader", "reading from", r.address);
    weir_tasks_close(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_stream_close(r.client);
    weir_stream_close(other);
    weir_listener_close(r.listener);
    return 0;
}

static void streams_on_others_are_named_too(void **state)
{
    (void)state;
    run_on_all_transports(behind_proxy, NULL);
}

static int connect_in_vain(void *arg)
{
    weir_stream *s;

    return weir_connect(arg, &s);
}

/* A peer that never answers. */
static int connecting(void *arg)
{
    static const char address[] = "10.0.0.7:443";
    struct weir__sim_options silent = weir__sim_calm();
    struct weir__endpoint e;
    struct weir__address a;
    weir_scope scope;
    weir_tasks *tasks;

    (void)arg;

    silent.connect_stall_per_million = 1000000;
    assert_int_equal(weir__endpoint_parse(address, &e), 0);
    assert_int_equal(weir__address_of_literal(e.host, e.port, &a), 0);
    weir__sim_configure_address(this_io(), &a.any, a.len, &silent);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "connects", connect_in_vain, (void *)(uintptr_t)address);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    tasks = look_at_tasks(NULL);
    expect(tasks, "connects", "connecting to", address);
    weir_tasks_close(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void connecting_says_whereto(void **state)
{
    (void)state;
    run_simulated(1, connecting, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_name_the_peer),
        cmocka_unit_test(so_they_do_on_unix_sockets),
        cmocka_unit_test(streams_on_others_are_named_too),
        cmocka_unit_test(connecting_says_whereto),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

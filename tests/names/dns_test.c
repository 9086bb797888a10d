/* SPDX-License-Identifier: MIT */
/* Names asked of a DNS server that is dead, slow, lying, or says much: on io_uring and epoll. */
#include "support/dns_server.h"
#include "support/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "names/answer.h"

/* --- the rig --- */

struct rig {
    struct dns_server server;
    weir_resolver_options resolver;
    const char *servers[2];
    int (*fn)(struct rig *rig);
    atomic_int state; /* for a test and its answers */
};

static int run_fn(void *arg)
{
    struct rig *rig = arg;

    return rig->fn(rig);
}

static void run_real(struct rig *rig)
{
    static const enum weir_io all[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        weir_options options = {.io = all[i], .resolver = &rig->resolver};
        int result;
        if (!io_is_here(all[i]))
            continue;
        atomic_store(&rig->state, 0);
        atomic_store(&rig->server.asked, 0);
        result = weir_run(&options, run_fn, rig);
        if (result != 0)
            fail_msg("on %s: %d, %s", io_name(all[i]), result, weir_error_text(result));
    }
}

/* Runs fn on both backends, with one server. */
static void with_server(bool (*answer)(void *, const struct dns_query *, struct dns_message *),
                        int (*fn)(struct rig *rig), int timeout_ms)
{
    struct rig *rig = calloc(1, sizeof *rig);

    dns_server_open(&rig->server, answer, rig);
    rig->servers[0] = rig->server.address;
    rig->resolver = (weir_resolver_options){
        .servers = rig->servers, .server_count = 1, .timeout = weir_ms(timeout_ms), .hosts_path = ""};
    rig->fn = fn;
    run_real(rig);
    dns_server_close(&rig->server);
    free(rig);
}

/* Resolves a name and compares all addresses: "10.0.0.1 2001:db8::1", or the words of the failure. */
static void expect(const char *name, const char *expected)
{
    weir_resolved *r = calloc(1, sizeof *r);
    char all[WEIR_RESOLVED_MAX * (WEIR_IP_BYTES + 1)] = "";
    int err = weir_resolve(name, r);

    for (size_t i = 0; i < r->count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, r->addresses[i]);
    }
    if (err == -WEIR_EDNS)
        strcpy(all, r->why);
    else
        assert_int_equal(err, 0);
    assert_string_equal(all, expected);
    free(r);
}

static bool is_name(const struct dns_query *q, const char *name)
{
    return strcmp(q->name, name) == 0;
}

/* --- plain answers --- */

static bool answer_plainly(void *arg, const struct dns_query *q, struct dns_message *m)
{
    (void)arg;
    if (is_name(q, "orders.example")) {
        dns_begin(m, q, DNS_OK);
        dns_add_a(m, "orders.example", 300, q->type == DNS_A ? "10.0.0.7" : "2001:db8::7");
    } else if (is_name(q, "four.example")) {
        dns_begin(m, q, DNS_OK);
        if (q->type == DNS_A)
            dns_add_a(m, "four.example", 300, "10.0.0.4");
    } else if (is_name(q, "empty.example")) {
        dns_begin(m, q, DNS_OK);
        dns_add_soa(m, "example", 60, 60);
    } else {
        dns_begin(m, q, DNS_NO_NAME);
        dns_add_soa(m, "example", 60, 60);
    }
    return true;
}

static int plain(struct rig *rig)
{
    int asked;

    expect("orders.example", "10.0.0.7 2001:db8::7");
    expect("four.example", "10.0.0.4");
    expect("empty.example", "no such name");
    expect("none.example", "no such name");
    asked = atomic_load(&rig->server.asked);
    assert_int_equal(asked, 8);
    expect("Orders.EXAMPLE", "10.0.0.7 2001:db8::7"); /* all from the cache */
    expect("none.example", "no such name");
    assert_int_equal(atomic_load(&rig->server.asked), asked);
    expect("10.0.0.9", "10.0.0.9"); /* and these of nobody */
    expect("2001:db8::9", "2001:db8::9");
    expect("localhost", "127.0.0.1 ::1");
    expect("app.localhost", "127.0.0.1 ::1");
    expect("host.invalid", "no such name");
    assert_int_equal(atomic_load(&rig->server.asked), asked);
    return 0;
}

static void names_are_resolved_and_kept(void **state)
{
    (void)state;
    with_server(answer_plainly, plain, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved_and_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

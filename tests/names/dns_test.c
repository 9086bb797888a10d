/* SPDX-License-Identifier: MIT */
/* Names asked of a DNS server that is dead, slow, lying, or says much: on io_uring and epoll. */
#include "names/expect_name.h"
#include "support/dns_server.h"
#include "support/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    expect("empty.example", "the name has no address");
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

/* --- a server that fails --- */

static bool answer_by_name(void *arg, const struct dns_query *q, struct dns_message *m)
{
    (void)arg;
    if (is_name(q, "servfail.example"))
        dns_begin(m, q, DNS_SERVFAIL);
    else if (is_name(q, "refused.example"))
        dns_begin(m, q, DNS_REFUSED);
    else if (is_name(q, "silent.example"))
        return false;
    else
        dns_begin(m, q, DNS_NO_NAME);
    return true;
}

static int failing(struct rig *rig)
{
    char expected[200];
    int asked;

    (void)snprintf(expected, sizeof expected, "%s answers SERVFAIL", rig->server.address);
    expect("servfail.example", expected);
    asked = atomic_load(&rig->server.asked);
    expect("servfail.example", expected); /* kept for a second */
    assert_int_equal(atomic_load(&rig->server.asked), asked);
    (void)snprintf(expected, sizeof expected, "%s answers REFUSED", rig->server.address);
    expect("refused.example", expected);
    (void)snprintf(expected, sizeof expected, "no answer from %s within 0.3 s", rig->server.address);
    expect("silent.example", expected);
    expect("without-soa.example", "no such name");
    return 0;
}

static void failures_say_what_was_wrong(void **state)
{
    (void)state;
    with_server(answer_by_name, failing, 300);
}

static int unreachable(struct rig *rig)
{
    char expected[200];

    (void)snprintf(expected, sizeof expected, "%s: connection refused", rig->servers[0]);
    expect("orders.example", expected);
    return 0;
}

/* Runs fn with a server that has ended; second: beside one that answers. */
static void with_dead_server(int (*fn)(struct rig *rig), bool second)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char dead[32];

    dns_server_open(&rig->server, answer_plainly, rig);
    strcpy(dead, rig->server.address);
    dns_server_close(&rig->server);
    if (second)
        dns_server_open(&rig->server, answer_plainly, rig);
    rig->servers[0] = dead;
    rig->servers[1] = rig->server.address;
    rig->resolver = (weir_resolver_options){.servers = rig->servers,
                                            .server_count = second ? 2 : 1,
                                            .timeout = weir_seconds(20),
                                            .hosts_path = ""};
    rig->fn = fn;
    run_real(rig);
    if (second)
        dns_server_close(&rig->server);
    free(rig);
}

static void a_dead_server_is_told_at_once(void **state)
{
    (void)state;
    with_dead_server(unreachable, false);
}

static int second_answers(struct rig *rig)
{
    (void)rig;
    expect("orders.example", "10.0.0.7 2001:db8::7");
    return 0;
}

static void another_server_is_asked(void **state)
{
    (void)state;
    with_dead_server(second_answers, true);
}

/* --- a server that lies --- */

static void send_lie(const struct dns_query *q, struct dns_message *m)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    dns_begin(m, q, DNS_OK); /* another id */
    dns_add_a(m, q->name, 300, q->type == DNS_A ? "10.66.0.1" : "2001:db8::66:1");
    m->bytes[1] ^= 1;
    dns_send(q, m);
    dns_begin(m, q, DNS_OK); /* another question */
    dns_add_a(m, q->name, 300, q->type == DNS_A ? "10.66.0.2" : "2001:db8::66:2");
    m->bytes[13] ^= 1;
    dns_send(q, m);
    dns_begin(m, q, DNS_OK); /* another type */
    dns_add_a(m, q->name, 300, q->type == DNS_A ? "10.66.0.3" : "2001:db8::66:3");
    m->bytes[q->question_end - 3] ^= DNS_A ^ DNS_AAAA;
    dns_send(q, m);
    dns_begin(m, q, DNS_OK); /* from another port */
    dns_add_a(m, q->name, 300, q->type == DNS_A ? "10.66.0.4" : "2001:db8::66:4");
    assert_true(fd >= 0);
    (void)sendto(fd, m->bytes, m->len, 0, (const struct sockaddr *)&q->from, sizeof q->from);
    close(fd);
    m->len = 5; /* garbage, of which some is no head, and nothing */
    dns_send(q, m);
    m->len = 0;
    dns_send(q, m);
}

static bool answer_after_lies(void *arg, const struct dns_query *q, struct dns_message *m)
{
    (void)arg;
    send_lie(q, m);
    dns_begin(m, q, DNS_OK);
    dns_add_a(m, q->name, 300, q->type == DNS_A ? "10.0.0.7" : "2001:db8::7");
    return true;
}

static int lied_to(struct rig *rig)
{
    (void)rig;
    for (int i = 0; i < 20; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "n%d.example", i);
        expect(name, "10.0.0.7 2001:db8::7");
    }
    return 0;
}

static void lies_are_not_believed(void **state)
{
    (void)state;
    with_server(answer_after_lies, lied_to, 20000);
}

/* Records that nobody asked for, beside the answer. */
static bool answer_with_poison(void *arg, const struct dns_query *q, struct dns_message *m)
{
    static const uint8_t evil[] = {10, 66, 0, 9};

    (void)arg;
    if (is_name(q, "bank.example")) {
        dns_begin(m, q, DNS_OK);
        if (q->type == DNS_A)
            dns_add_a(m, "bank.example", 300, "10.0.0.1");
        return true;
    }
    dns_begin(m, q, DNS_OK);
    dns_add_a(m, q->name, 300, q->type == DNS_A ? "10.0.0.2" : "2001:db8::2");
    dns_add(m, DNS_ANSWER, "bank.example", DNS_A, 86400, evil, sizeof evil);
    dns_add_soa(m, "example", 300, 300);
    dns_add(m, DNS_ADDITIONAL, "bank.example", DNS_A, 86400, evil, sizeof evil);
    dns_add(m, DNS_ADDITIONAL, q->name, DNS_A, 86400, evil, sizeof evil);
    return true;
}

static int poisoned(struct rig *rig)
{
    (void)rig;
    expect("shop.example", "10.0.0.2 2001:db8::2");
    expect("bank.example", "10.0.0.1");
    return 0;
}

static void poison_is_not_taken(void **state)
{
    (void)state;
    with_server(answer_with_poison, poisoned, 20000);
}

/* --- shapes of answers --- */

enum { MANY = 60 };

static void add_many(const struct dns_query *q, struct dns_message *m)
{
    for (int i = 0; i < MANY; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "10.1.0.%d", i);
        dns_add_a(m, q->name, 300, address);
    }
}

static bool answer_in_shapes(void *arg, const struct dns_query *q, struct dns_message *m)
{
    struct rig *rig = arg;

    dns_begin(m, q, DNS_OK);
    if (is_name(q, "truncated.example") && !q->is_tcp) {
        m->bytes[2] |= 0x02;
        return true;
    }
    if (is_name(q, "no-edns.example") && q->has_edns) {
        atomic_fetch_add(&rig->state, 1);
        dns_begin(m, q, DNS_FORMERR);
        return true;
    }
    if (is_name(q, "chain.example")) {
        dns_add_cname(m, "chain.example", 300, "b.example");
        dns_add_cname(m, "b.example", 300, "c.example");
        if (q->type == DNS_A)
            dns_add_a(m, "c.example", 300, "10.0.0.3");
    } else if (is_name(q, "circle.example")) {
        dns_add_cname(m, "circle.example", 300, "b.example");
        dns_add_cname(m, "b.example", 300, "circle.example");
    } else if (q->type == DNS_A && (is_name(q, "truncated.example") || is_name(q, "many.example"))) {
        add_many(q, m);
    } else if (q->type == DNS_A) {
        dns_add_a(m, q->name, 300, "10.0.0.5");
    }
    return true;
}

static int shapes(struct rig *rig)
{
    static const char label[] = "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxy";
    char longest[254], too_long[260];
    weir_resolved *r = calloc(1, sizeof *r);

    expect("chain.example", "10.0.0.3");
    expect("circle.example", "aliases of the name do not end");
    assert_int_equal(weir_resolve("many.example", r), 0);
    assert_int_equal(r->count, MANY);
    assert_int_equal(weir_resolve("truncated.example", r), 0);
    assert_int_equal(r->count, MANY);
    expect("no-edns.example", "10.0.0.5");
    assert_int_equal(atomic_load(&rig->state), 2);
    (void)snprintf(longest, sizeof longest, "%s.%s.%s.%.61s", label, label, label, label);
    assert_int_equal(strlen(longest), 253);
    expect(longest, "10.0.0.5");
    (void)snprintf(too_long, sizeof too_long, "%s.%s.%s.%.62s", label, label, label, label);
    assert_int_equal(weir_resolve(too_long, r), -EINVAL);
    assert_int_equal(weir_resolve("", r), -EINVAL);
    assert_int_equal(weir_resolve("two words", r), -EINVAL);
    free(r);
    return 0;
}

static void answers_come_in_many_shapes(void **state)
{
    (void)state;
    with_server(answer_in_shapes, shapes, 20000);
}

/* --- one look-up for all who wait; and its end when none does --- */

static bool answer_when_told(void *arg, const struct dns_query *q, struct dns_message *m)
{
    struct rig *rig = arg;

    while (atomic_load(&rig->state) == 0)
        usleep(1000);
    return answer_plainly(arg, q, m);
}

static int leaver(void *arg)
{
    weir_resolved r;

    *(int *)arg = weir_resolve("orders.example", &r);
    return 0;
}

static int waiter(void *arg)
{
    expect("orders.example", "10.0.0.7 2001:db8::7");
    ++*(int *)arg;
    return 0;
}

static int together(struct rig *rig)
{
    weir_scope leaving, scope;
    int done = 0, left = 0;

    weir_scope_open(&scope, weir_never(), 0);
    weir_scope_open(&leaving, weir_never(), 0);
    assert_int_equal(weir_spawn(&leaving, "leaving", leaver, &left), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(weir_spawn(&scope, "waiting", waiter, &done), 0);
    while (atomic_load(&rig->server.asked) == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_scope_cancel(&leaving);
    (void)weir_scope_close(&leaving);
    assert_int_equal(left, -WEIR_ECANCELED);
    atomic_store(&rig->state, 1);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(done, 10);
    assert_true(atomic_load(&rig->server.asked) <= 4); /* one question a family; twice on a starved machine */
    return 0;
}

static void tasks_share_a_look_up(void **state)
{
    (void)state;
    with_server(answer_when_told, together, 20000);
}

/* --- many names --- */

enum { NAMES = 2000, KEPT = 100 };

static int descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 200; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int many_names(struct rig *rig)
{
    int before;

    expect("first.example", "10.0.0.5");
    (void)rig;
    before = descriptors();
    for (int i = 0; i < NAMES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "name%d.example", i);
        expect(name, "10.0.0.5");
    }
    assert_int_equal(weir_yield(), 0);
    assert_true(descriptors() <= before);
    return 0;
}

static void no_descriptor_is_left_after_many_names(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    (void)state;
    dns_server_open(&rig->server, answer_in_shapes, rig);
    rig->servers[0] = rig->server.address;
    rig->resolver = (weir_resolver_options){.servers = rig->servers,
                                            .server_count = 1,
                                            .timeout = weir_seconds(20),
                                            .hosts_path = "",
                                            .cache_names = KEPT};
    rig->fn = many_names;
    run_real(rig);
    dns_server_close(&rig->server);
    free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved_and_kept),
        cmocka_unit_test(failures_say_what_was_wrong),
        cmocka_unit_test(a_dead_server_is_told_at_once),
        cmocka_unit_test(another_server_is_asked),
        cmocka_unit_test(lies_are_not_believed),
        cmocka_unit_test(poison_is_not_taken),
        cmocka_unit_test(answers_come_in_many_shapes),
        cmocka_unit_test(tasks_share_a_look_up),
        cmocka_unit_test(no_descriptor_is_left_after_many_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Connections that are taken over: upgrades and tunnels. */
#include "client_rig.h"

#include "support/torture.h"

/* Answers a request for an upgrade, or for a tunnel, with arg; then sends back what comes. */
static int serve_switch(struct backend *b, weir_stream *s, int number)
{
    char byte;

    (void)number;
    while (read_request(b, s) > 0) {
        bool wants = strstr(b->request, "upgrade: echo\r\nconnection: upgrade\r\n") != NULL ||
                     strncmp(b->request, "CONNECT ", 8) == 0;
        if (send_text(s, wants ? b->arg : OK_ANSWER) < 0)
            break;
        if (!wants || strncmp(b->arg, "HTTP/1.1 4", 10) == 0)
            continue;
        while (weir_read(s, &byte, 1) == 1)
            if (weir_write(s, &byte, 1) < 0)
                break;
    }
    return 0;
}

static int read_exactly(weir_stream *s, const char *wanted)
{
    char got[32];
    size_t len = 0;

    while (len < strlen(wanted)) {
        ssize_t n = weir_read(s, got + len, strlen(wanted) - len);
        if (n <= 0)
            return n < 0 ? (int)n : -WEIR_ETRUNCATED;
        len += (size_t)n;
    }
    assert_memory_equal(got, wanted, len);
    return 0;
}

/* Takes the connection over, reads what came behind the head, and has a word sent back. */
static int talk(weir_client *client, const weir_fetch_options *options, int status, const char *ahead)
{
    weir_fetch_stream *f;
    weir_stream *s = NULL;
    weir_reply reply;
    int err = weir_fetch_open(client, options, 0, &f);

    if (err < 0)
        return err;
    err = weir_fetch_head(f, &reply);
    if (err == 0) {
        assert_int_equal(reply.status, status);
        err = weir_fetch_upgrade(f, &s);
    }
    weir_fetch_close(f);
    if (err < 0)
        return err;
    err = read_exactly(s, ahead);
    if (err == 0)
        err = weir_write(s, "hello", 5);
    if (err == 0)
        err = read_exactly(s, "hello");
    weir_stream_close(s);
    return err;
}

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n"

static int upgraded(void *arg)
{
    static const struct {
        const char *answer, *ahead;
    } cases[] = {{SWITCHING, ""},
                 {SWITCHING "welcome", "welcome"},
                 {"HTTP/1.1 103 Early Hints\r\n\r\n" SWITCHING "x", "x"}};

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const weir_client_options one = {.connections_per_origin = 1};
        struct backend b;
        weir_client *client = client_open(&one);
        weir_fetch_options options = {.upgrade = "echo"};

        backend_open(&b, serve_switch, (void *)(uintptr_t)cases[i].answer);
        options.url = b.url;
        get_ok(client, b.url);
        for (int k = 0; k < 3; k++) /* a connection that was taken over takes no slot */
            assert_int_equal(talk(client, &options, 101, cases[i].ahead), 0);
        assert_int_equal(client->connection_count, 0);
        get_ok(client, b.url);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void an_upgraded_connection_is_handed_over(void **state)
{
    (void)state;
    run_on_all_transports(upgraded, NULL);
}

static int tunnelled(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {.method = "CONNECT", .url = "http://db.example/"};
    char address[160];

    (void)arg;
    backend_open(&b, serve_switch, (void *)(uintptr_t) "HTTP/1.1 200 Connected\r\n\r\nhi");
    (void)snprintf(address, sizeof address, "%.*s", (int)strlen(b.url) - 8, b.url + 7);
    options.address = address;
    assert_int_equal(talk(client, &options, 200, "hi"), 0);
    assert_non_null(strstr(b.request, "CONNECT db.example:80 HTTP/1.1\r\n"));
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_proxy_makes_a_tunnel(void **state)
{
    (void)state;
    run_on_all_transports(tunnelled, NULL);
}

/* --- refusals --- */

static int refused(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {.upgrade = "echo"};
    weir_fetch_stream *f;
    weir_stream *s;
    weir_reply reply;
    char got[8];

    (void)arg;
    backend_open(&b, serve_switch, (void *)(uintptr_t) "HTTP/1.1 426 No\r\ncontent-length: 2\r\n\r\nno");
    options.url = b.url;
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), 0);
    assert_int_equal(weir_fetch_upgrade(f, &s), -EINVAL); /* too early */
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(reply.status, 426);
    assert_int_equal(weir_fetch_upgrade(f, &s), -EINVAL);
    assert_int_equal(weir_fetch_read(f, got, sizeof got), 2);
    assert_int_equal(weir_fetch_read(f, got, sizeof got), 0);
    weir_fetch_close(f);
    assert_int_equal(idle_count(client), 1); /* a refusal is an answer like any other */
    assert_int_equal(weir_fetch(client, &options, &reply), -EINVAL);
    assert_non_null(strstr(reply.why, "weir_fetch_upgrade()"));
    assert_int_equal(weir_fetch_open(client, &options, 5, &f), -EINVAL);
    options.upgrade = "a b";
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

/* Says 101 to every request. */
static int serve_unasked(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    return read_request(b, s) > 0 ? send_text(s, SWITCHING) : 0;
}

static int switched_unasked(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_unasked, NULL);
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EPROTOCOL);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void what_is_not_switched_is_read(void **state)
{
    (void)state;
    run_on_all_transports(refused, NULL);
    run_simulated_and_in_memory(1, switched_unasked, NULL);
}

/* --- every wait cancelled --- */

static int victim(void *arg)
{
    struct backend *b = arg;
    weir_fetch_options options = {.url = b->url, .upgrade = "echo"};

    return talk(b->arg, &options, 101, "welcome");
}

static int serve_tortured(struct backend *b, weir_stream *s, int number)
{
    struct backend own = *b;

    own.arg = (void *)(uintptr_t)(SWITCHING "welcome");
    return serve_switch(&own, s, number);
}

static int world(struct torture *t)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    int result;

    backend_open(&b, serve_tortured, client);
    result = torture_victim(t, victim, &b);
    get_ok(client, b.url);
    weir_client_close(client);
    backend_close(&b);
    return result;
}

static void all_of_it_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(world, NULL), 10, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgraded_connection_is_handed_over),
        cmocka_unit_test(a_proxy_makes_a_tunnel),
        cmocka_unit_test(what_is_not_switched_is_read),
        cmocka_unit_test(all_of_it_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Connections kept for an origin: reuse, staleness, limits, waiting, idleness, forgetting. */
#include "client_rig.h"

#include "core/loop.h"
#include "io/sim/sim.h"
#include "support/descriptors.h"

/* --- reuse --- */

static int reuse(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    for (int i = 0; i < 200; i++) /* beyond the budget of waits, too */
        get_ok(client, b.url);
    assert_int_equal(b.connections, 1);
    assert_int_equal(b.requests, 200);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_connection_is_reused(void **state)
{
    (void)state;
    run_on_all_transports(reuse, NULL);
}

/* A server that says how long it keeps a connection. */
static int serve_kept(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        (void)send_text(s, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok");
    return 0;
}

/* A connection to be made takes the descriptor of one that is idle. */
static int give_way(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_listener *other;
    weir_stream *stream;

    backend_open(&b, arg != NULL ? serve_kept : serve_ok, NULL);
    assert_int_equal(weir_listen("127.0.0.1:0", &other), 0);
    get_ok(client, b.url);
    leave_descriptors(0);
    assert_int_equal(weir_connect(weir_listener_address(other), &stream), 0);
    assert_int_equal(idle_count(client), 0);
    leave_descriptors(-1);
    get_ok(client, b.url);
    assert_int_equal(b.connections, 2);
    weir_stream_close(stream);
    weir_listener_close(other);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void without_descriptors_an_idle_one_gives_way(void **state)
{
    (void)state;
    run_everywhere(give_way, NULL);
    run_simulated(1, give_way, "kept");
}

/* One answer, then it closes: at once, or when the second request has come. */
static int serve_one_only(struct backend *b, weir_stream *s, int number)
{
    bool reads_second = b->arg != NULL && number == 0;

    if (read_request(b, s) > 0)
        (void)send_text(s, OK_ANSWER);
    if (reads_second)
        (void)read_request(b, s);
    return 0;
}

static int closed_while_idle(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);

    (void)arg;
    backend_open(&b, serve_one_only, NULL);
    get_ok(client, b.url);
    while (idle_count(client) > 0) /* no request: the close is seen by itself */
        assert_int_equal(weir_sleep(weir_us(50)), 0);
    get_ok(client, b.url);
    assert_int_equal(b.connections, 2);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_close_is_seen_while_idle(void **state)
{
    (void)state;
    run_on_all_transports(closed_while_idle, NULL);
}

static int lost_by_a_kept_one(void *arg)
{
    static const struct {
        const char *method;
        bool repeated;
    } cases[] = {{"GET", true},   {"HEAD", true},   {"PUT", true},       {"DELETE", true},
                 {"POST", false}, {"PATCH", false}, {"PROPFIND", false}, {"OPTIONS", true}};

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct backend b;
        weir_client *client = client_open(NULL);
        weir_reply reply;
        weir_fetch_options options;
        int err;

        backend_open(&b, serve_one_only, &b);
        get_ok(client, b.url);
        options =
            (weir_fetch_options){.url = b.url, .method = cases[i].method, .body = "abc", .body_bytes = 3};
        err = weir_fetch(client, &options, &reply);
        if (cases[i].repeated)
            assert_int_equal(err, 0);
        else
            assert_true(err == -WEIR_ETRUNCATED || err == -ECONNRESET);
        weir_reply_free(&reply);
        assert_int_equal(b.requests, cases[i].repeated ? 3 : 2);
        assert_int_equal(b.connections, cases[i].repeated ? 2 : 1);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void only_what_may_be_repeated_is_sent_again(void **state)
{
    (void)state;
    run_on_all_transports(lost_by_a_kept_one, NULL);
}

/* Works on the second request for so long, and ends then without an answer. */
static int serve_for(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0)
        (void)send_text(s, OK_ANSWER);
    if (read_request(b, s) > 0)
        assert_int_equal(weir_sleep(*(weir_duration *)b->arg), 0);
    return 0;
}

static int lost_by_its_request(void *arg)
{
    weir_duration at_once = weir_ms(900), late = weir_ms(1100);
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_for, &at_once);
    get_ok(client, b.url);
    get_ok(client, b.url);
    assert_int_equal(b.requests, 3);
    backend_close(&b);
    backend_open(&b, serve_for, &late);
    get_ok(client, b.url);
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_ETRUNCATED);
    assert_int_equal(b.requests, 2);
    assert_int_equal(b.connections, 1);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void what_a_backend_has_worked_on_is_not_repeated(void **state)
{
    (void)state;
    run_simulated(1, lost_by_its_request, NULL);
}

/* Never answers; or, on the kept connection, a part. */
static int serve_nothing(struct backend *b, weir_stream *s, int number)
{
    if (number == 0 && b->arg != NULL) {
        (void)read_request(b, s);
        (void)send_text(s, OK_ANSWER);
        if (read_request(b, s) > 0)
            (void)send_text(s, "H");
        return 0;
    }
    (void)read_request(b, s);
    return 0;
}

static int not_sent_again(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_nothing, NULL); /* lost by a fresh connection */
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_ETRUNCATED);
    assert_int_equal(b.connections, 1);
    backend_close(&b);
    backend_open(&b, serve_nothing, &b); /* a byte of an answer had come */
    get_ok(client, b.url);
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_ETRUNCATED);
    assert_int_equal(b.connections, 1);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void what_may_have_been_done_is_not_repeated(void **state)
{
    (void)state;
    run_on_all_transports(not_sent_again, NULL);
}

static int serve_unasked(struct backend *b, weir_stream *s, int number)
{
    if (number > 0)
        return serve_ok(b, s, number);
    if (read_request(b, s) > 0 && send_text(s, OK_ANSWER) == 0 && weir_sleep(weir_ms(5)) == 0 &&
        send_text(s, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil") == 0 && client_leaves(s))
        b->arg = s; /* it was closed */
    return 0;
}

static int unasked(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);

    (void)arg;
    backend_open(&b, serve_unasked, NULL);
    get_ok(client, b.url);
    while (b.arg == NULL)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(idle_count(client), 0);
    get_ok(client, b.url);
    assert_int_equal(b.connections, 2);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void an_answer_nobody_asked_for_closes(void **state)
{
    (void)state;
    run_on_all_transports(unasked, NULL);
}

/* --- limits and waiting --- */

struct caller {
    weir_client *client;
    char url[200];
    int err, *order, place;
};

static int call(void *arg)
{
    struct caller *c = arg;
    weir_reply reply;

    c->err = weir_get(c->client, c->url, &reply);
    weir_reply_free(&reply);
    c->place = (*c->order)++;
    return 0;
}

static int serve_slowly(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (weir_sleep(weir_ms(10)) < 0 || send_text(s, OK_ANSWER) < 0)
            break;
    return 0;
}

static void start_callers(weir_scope *scope, struct caller *callers, int count, weir_client *client,
                          const char *url, int *order)
{
    for (int i = 0; i < count; i++) {
        callers[i] = (struct caller){.client = client, .order = order, .err = 1};
        (void)snprintf(callers[i].url, sizeof callers[i].url, "%s%d", url, i);
        assert_int_equal(weir_spawn(scope, "caller", call, &callers[i]), 0);
    }
}

static int waiting_in_order(void *arg)
{
    struct backend b;
    weir_client_options options = {.connections_per_origin = 1, .waiting_per_origin = 4};
    weir_client *client = client_open(&options);
    struct caller callers[7];
    weir_scope scope;
    int order = 0;

    (void)arg;
    backend_open(&b, serve_slowly, NULL);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    start_callers(&scope, callers, 7, client, b.url, &order);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(callers[5].err, -WEIR_EBUSY);
    assert_int_equal(callers[6].err, -WEIR_EBUSY);
    assert_in_range(callers[5].place, 0, 1); /* refused before anything else ended */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(callers[i].err, 0);
        assert_int_equal(callers[i].place, i + 2);
    }
    assert_int_equal(b.connections, 1);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void who_waits_is_served_in_order_and_too_many_are_refused(void **state)
{
    (void)state;
    run_on_all_transports(waiting_in_order, NULL);
}

/* The second and third wait; the second gives up, the third is served. */
static int giving_up(void *arg)
{
    struct backend b;
    weir_client_options options = {.connections_per_origin = 1, .waiting_per_origin = 1};
    weir_client *client = client_open(&options);
    struct caller callers[2];
    weir_reply reply;
    weir_scope scope, impatient;
    int order = 0;

    (void)arg;
    backend_open(&b, serve_slowly, NULL);
    weir_scope_open(&scope, weir_never(), 0);
    start_callers(&scope, callers, 1, client, b.url, &order);
    assert_int_equal(weir_sleep(weir_us(50)), 0);
    weir_scope_open(&impatient, weir_after_ms(2), 0);
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EDEADLINE);
    (void)weir_scope_close(&impatient);
    get_ok(client, b.url); /* there is a place to wait again */
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(callers[0].err, 0);
    assert_int_equal(b.requests, 2);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void who_gives_up_waiting_leaves_the_queue(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated_and_in_memory(seed, giving_up, NULL);
}

/* A connection lost in the queue's view: the slot goes to those who wait, each with a new one. */
static int lost_while_waited_for(void *arg)
{
    struct backend b;
    weir_client_options options = {.connections_per_origin = 2};
    weir_client *client = client_open(&options);
    struct caller callers[10];
    weir_scope scope;
    int order = 0;

    (void)arg;
    backend_open(&b, serve_one_only, NULL);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    start_callers(&scope, callers, 10, client, b.url, &order);
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(callers[i].err, 0);
    assert_int_equal(b.requests, 10);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void waiters_outlive_lost_connections(void **state)
{
    (void)state;
    run_on_all_transports(lost_while_waited_for, NULL);
}

/* --- idleness --- */

/* What is said of keeping, by a server that would go on for ever. */
struct told {
    const char *fields;
    int kept_ms; /* it is kept so long and not a second more; 0: not at all */
};

static int serve_told(struct backend *b, weir_stream *s, int number)
{
    const struct told *told = b->arg;

    (void)number;
    while (read_request(b, s) > 0) {
        char text[256];
        (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%scontent-length: 2\r\n\r\nok", told->fields);
        if (send_text(s, text) < 0)
            break;
    }
    return 0;
}

static int heeded(void *arg)
{
    static const struct told table[] = {
        {"", 15000},
        {"Keep-Alive: timeout=5\r\n", 4000},
        {"keep-alive: max=100, TIMEOUT=8\r\n", 7000},
        {"Keep-Alive: max=7\r\nKeep-Alive: timeout=3\r\n", 2000},
        {"Keep-Alive: timeout=60\r\n", 59000},
        {"Keep-Alive: timeout=99999999999999999999\r\n", 299000},
        {"Keep-Alive: timeout=1\r\n", 0},
        {"Keep-Alive: timeout=0\r\n", 0},
        {"Keep-Alive: timeout=5, max=0\r\n", 0},
        {"Keep-Alive: timeout=-5\r\n", 15000},
        {"Keep-Alive: timeout\r\n", 15000},
        {"Keep-Alive: timeout=\r\n", 15000},
        {"Keep-Alive: timeout=5s\r\n", 15000},
        {"Keep-Alive: x-timeout=5\r\n", 15000},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        weir_client *client = client_open(NULL);
        struct backend b;
        backend_open(&b, serve_told, (void *)(uintptr_t)&table[i]);
        get_ok(client, b.url);
        if (table[i].kept_ms > 0) {
            assert_int_equal(weir_sleep(weir_ms(table[i].kept_ms - 500)), 0);
            get_ok(client, b.url); /* and it counts anew */
            assert_int_equal(b.connections, 1);
            assert_int_equal(weir_sleep(weir_ms(table[i].kept_ms - 500)), 0);
            assert_int_equal(idle_count(client), 1);
        }
        assert_int_equal(weir_sleep(weir_ms(1000)), 0);
        assert_int_equal(idle_count(client), 0);
        assert_int_equal(client->connection_count, 0);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void a_server_s_word_on_keeping_is_heeded(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, heeded, NULL);
}

/* Both kinds together stay within the limit, and all are closed with the client. */
static int told_limits(void *arg)
{
    static const struct told five = {"Keep-Alive: timeout=5\r\n", 0}, none = {"", 0};
    const weir_client_options options = {.idle_connections = 3};
    weir_client *client = client_open(&options);
    struct backend b[4];

    (void)arg;
    for (int i = 0; i < 4; i++)
        backend_open(&b[i], serve_told, (void *)(uintptr_t)(i % 2 ? &none : &five));
    for (int i = 0; i < 12; i++) {
        get_ok(client, b[i % 4].url);
        assert_in_range(idle_count(client), 1, 3);
    }
    weir_client_close(client);
    for (int i = 4; i-- > 0;)
        backend_close(&b[i]);
    return 0;
}

static void told_connections_are_few_too(void **state)
{
    (void)state;
    run_on_all_transports(told_limits, NULL);
}

static int idle_limits(void *arg)
{
    enum { MANY = 8 };
    struct backend b;
    weir_client_options options = {.idle_connections = 3, .idle_timeout = weir_seconds(2)};
    weir_client *client = client_open(&options);
    struct caller callers[MANY];
    weir_scope scope;
    int order = 0;

    (void)arg;
    backend_open(&b, serve_slowly, NULL);
    weir_scope_open(&scope, weir_never(), 0);
    start_callers(&scope, callers, MANY, client, b.url, &order);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(b.connections, MANY);
    assert_int_equal(idle_count(client), 3);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(b.open, 3);
    get_ok(client, b.url); /* this one begins anew */
    assert_int_equal(weir_sleep(weir_ms(1500)), 0);
    assert_int_equal(b.open, 1);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(b.open, 0);
    assert_int_equal(client->connection_count, 0);
    get_ok(client, b.url);
    weir_client_close(client); /* closes what is idle */
    assert_int_equal(weir_sleep(weir_ms(100)), 0);
    assert_int_equal(b.open, 0);
    backend_close(&b);
    return 0;
}

static void idle_connections_are_few_and_not_for_ever(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated_and_in_memory(seed, idle_limits, NULL);
}

static int forgetting(void *arg)
{
    struct backend b[3];
    weir_client_options options = {.origins = 2};
    weir_client *client = client_open(&options);
    struct caller callers[2];
    weir_reply reply;
    weir_scope scope;
    int order = 0;

    (void)arg;
    for (int i = 0; i < 3; i++)
        backend_open(&b[i], i == 0 ? serve_ok : serve_slowly, NULL);
    get_ok(client, b[0].url);
    get_ok(client, b[1].url);
    get_ok(client, b[0].url);
    get_ok(client, b[2].url); /* forgets 1, unused longest */
    assert_int_equal(client->origin_count, 2);
    assert_int_equal(idle_count(client), 2);
    get_ok(client, b[0].url);
    assert_int_equal(b[0].connections, 1);
    /* both in use: no place for a third */
    weir_scope_open(&scope, weir_never(), 0);
    start_callers(&scope, &callers[0], 1, client, b[1].url, &order);
    start_callers(&scope, &callers[1], 1, client, b[2].url, &order);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(weir_get(client, b[0].url, &reply), -WEIR_EBUSY);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(callers[0].err, 0);
    get_ok(client, b[0].url);
    weir_client_close(client);
    for (int i = 2; i >= 0; i--)
        backend_close(&b[i]);
    return 0;
}

static void the_origin_unused_longest_is_forgotten(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated_and_in_memory(seed, forgetting, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_reused),
        cmocka_unit_test(without_descriptors_an_idle_one_gives_way),
        cmocka_unit_test(a_close_is_seen_while_idle),
        cmocka_unit_test(only_what_may_be_repeated_is_sent_again),
        cmocka_unit_test(what_may_have_been_done_is_not_repeated),
        cmocka_unit_test(what_a_backend_has_worked_on_is_not_repeated),
        cmocka_unit_test(an_answer_nobody_asked_for_closes),
        cmocka_unit_test(who_waits_is_served_in_order_and_too_many_are_refused),
        cmocka_unit_test(who_gives_up_waiting_leaves_the_queue),
        cmocka_unit_test(waiters_outlive_lost_connections),
        cmocka_unit_test(idle_connections_are_few_and_not_for_ever),
        cmocka_unit_test(a_server_s_word_on_keeping_is_heeded),
        cmocka_unit_test(told_connections_are_few_too),
        cmocka_unit_test(the_origin_unused_longest_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is counted of origins, and that others may read it at any moment. */
#include "client_rig.h"

#include <pthread.h>

#include "http/client/origin_stats.h"

/* --- looking --- */

struct found {
    const char *origin;
    int times;
    weir_origin_stats stats;
};

static void keep_if_it_is(void *arg, const weir_origin_stats *stats)
{
    struct found *found = arg;

    if (strcmp(stats->origin, found->origin) != 0)
        return;
    found->times++;
    found->stats = *stats;
}

/* Of the backend at this URL. On the heap: it is large. */
static struct found *look(const char *url)
{
    struct found *found = calloc(1, sizeof *found);
    char origin[200];

    (void)snprintf(origin, sizeof origin, "%.*s", (int)strlen(url) - 1, url); /* without the path */
    found->origin = origin;
    weir_origin_each(weir_runtime_here(), keep_if_it_is, found);
    found->origin = NULL;
    assert_int_equal(found->times, 1);
    return found;
}

static void assert_errors(const weir_origin_stats *stats, enum weir_origin_error error, uint64_t count)
{
    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        if (stats->errors[i] != ((int)error == i ? count : 0))
            fail_msg("%s: %llu errors", weir_origin_error_name((enum weir_origin_error)i),
                     (unsigned long long)stats->errors[i]);
}

/* --- what goes well --- */

static int answered(void *arg)
{
    struct backend b;
    struct found *found;
    weir_client *client = client_open(NULL);

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    for (int i = 0; i < 20; i++)
        get_ok(client, b.url);
    found = look(b.url);
    assert_int_equal(found->stats.requests, 20);
    assert_int_equal(found->stats.connected, 1);
    assert_int_equal(found->stats.reused, 19);
    assert_int_equal(found->stats.in_use, 0);
    assert_int_equal(found->stats.idle, 1);
    assert_int_equal(found->stats.waiting, 0);
    assert_int_equal(weir_meter_count(&found->stats.took), 20);
    assert_true(found->stats.took.sum_ns > 0);
    assert_errors(&found->stats, WEIR_ORIGIN_ERRORS, 0);
    free(found);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void answers_and_connections_are_counted(void **state)
{
    (void)state;
    run_on_all_transports(answered, NULL);
}

static void count_any(void *arg, const weir_origin_stats *stats)
{
    (void)stats;
    ++*(int *)arg;
}

static int quiet(void *arg)
{
    const weir_client_options options = {.quiet = true};
    weir_client *client = client_open(&options);
    struct backend b;
    int seen = 0;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    get_ok(client, b.url);
    weir_origin_each(weir_runtime_here(), count_any, &seen);
    assert_int_equal(seen, 0);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void origins_of_a_quiet_client_are_not_shown(void **state)
{
    (void)state;
    run_on_all_transports(quiet, NULL);
}

/* --- each way to fail --- */

struct failure {
    const char *said; /* by the backend; NULL: it closes without a word, "": it keeps still */
    int err;          /* what the caller gets; 0 an answer */
    enum weir_origin_error error;
};

static int serve_failure(struct backend *b, weir_stream *s, int number)
{
    const struct failure *failure = b->arg;

    (void)number;
    if (read_request(b, s) <= 0 || failure->said == NULL)
        return 0;
    (void)send_text(s, failure->said);
    if (failure->err == -WEIR_EDEADLINE)
        (void)client_leaves(s);
    return 0;
}

static int failing(void *arg)
{
    static const struct failure failures[] = {
        {NULL, -WEIR_ETRUNCATED, WEIR_ORIGIN_CLOSED},
        {"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", -WEIR_ETRUNCATED, WEIR_ORIGIN_CLOSED},
        {"what?\r\n\r\n", -WEIR_EPROTOCOL, WEIR_ORIGIN_BAD_RESPONSE},
        {"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", -WEIR_ETOOLARGE, WEIR_ORIGIN_TOO_LARGE},
        {"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", 0, WEIR_ORIGIN_STATUS},
        {"", -WEIR_EDEADLINE, WEIR_ORIGIN_DEADLINE},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        const weir_client_options options = {.reply_bytes = 999};
        weir_client *client = client_open(&options);
        struct backend b;
        struct found *found;
        weir_reply reply;
        weir_scope scope;
        backend_open(&b, serve_failure, (void *)(uintptr_t)&failures[i]);
        weir_scope_open(&scope, weir_after_ms(failures[i].err == -WEIR_EDEADLINE ? 20 : 60000), 0);
        assert_int_equal(weir_get(client, b.url, &reply), failures[i].err);
        weir_reply_free(&reply);
        (void)weir_scope_close(&scope);
        found = look(b.url);
        assert_int_equal(found->stats.requests, 1);
        assert_errors(&found->stats, failures[i].error, 1);
        assert_int_equal(weir_meter_count(&found->stats.took), 1);
        assert_int_equal(found->stats.in_use, 0);
        free(found);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void each_way_to_fail_has_its_reason(void **state)
{
    (void)state;
    run_on_all_transports(failing, NULL);
}

static int unreachable(void *arg)
{
    weir_client *client = client_open(NULL);
    struct found *found;
    weir_reply reply;
    char url[160];
    struct backend b;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    (void)snprintf(url, sizeof url, "%s", b.url);
    backend_close(&b);
    assert_true(weir_get(client, url, &reply) < 0);
    found = look(url);
    assert_int_equal(found->stats.connected, 0);
    assert_errors(&found->stats, WEIR_ORIGIN_CONNECT, 1);
    free(found);
    assert_int_equal(weir_get(client, "http://name.invalid:80/", &reply), -WEIR_EDNS);
    found = look("http://name.invalid:80/");
    assert_errors(&found->stats, WEIR_ORIGIN_DNS, 1);
    free(found);
    weir_client_close(client);
    return 0;
}

static void who_can_t_be_reached_has_its_reason(void **state)
{
    (void)state;
    run_on_all_transports(unreachable, NULL);
}

/* --- waiting, refusing, leaving --- */

struct asker {
    weir_client *client;
    struct backend *b;
    int err;
};

static int ask(void *arg)
{
    struct asker *asker = arg;
    weir_reply reply;

    asker->err = weir_get(asker->client, asker->b->url, &reply);
    weir_reply_free(&reply);
    return 0;
}

static int serve_nothing(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0)
        (void)client_leaves(s);
    return 0;
}

static int waiting(void *arg)
{
    const weir_client_options options = {.connections_per_origin = 1, .waiting_per_origin = 1};
    weir_client *client = client_open(&options);
    struct asker askers[3];
    struct backend b;
    struct found *found;
    weir_scope scope;

    (void)arg;
    backend_open(&b, serve_nothing, NULL);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 3; i++) {
        askers[i] = (struct asker){client, &b, 0};
        assert_int_equal(weir_spawn(&scope, "asker", ask, &askers[i]), 0);
        assert_int_equal(weir_yield(), 0);
    }
    while (b.requests == 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    found = look(b.url);
    assert_int_equal(found->stats.requests, 3);
    assert_int_equal(found->stats.in_use, 1);
    assert_int_equal(found->stats.waiting, 1);
    assert_int_equal(found->stats.idle, 0);
    assert_errors(&found->stats, WEIR_ORIGIN_BUSY, 1);
    free(found);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_int_equal(askers[2].err, -WEIR_EBUSY);
    found = look(b.url);
    assert_int_equal(found->stats.in_use, 0);
    assert_int_equal(found->stats.waiting, 0);
    assert_int_equal(found->stats.errors[WEIR_ORIGIN_CANCELLED], 2);
    assert_int_equal(weir_meter_count(&found->stats.took), 0); /* none of it says how fast the origin is */
    free(found);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void waiting_refused_and_cancelled_ones_are_counted(void **state)
{
    (void)state;
    run_on_all_transports(waiting, NULL);
}

/* --- whether it works --- */

/* Answers with the status in arg, which the test changes. */
static int serve_status(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "HTTP/1.1 %d\r\ncontent-length: 0\r\n\r\n", *(int *)b->arg);
        if (send_text(s, text) < 0)
            break;
    }
    return 0;
}

static bool is_failing(const char *url)
{
    struct found *found = look(url);
    bool failing = found->stats.failing;

    free(found);
    return failing;
}

static bool fails(weir_client *client, const char *url, int *status, int answer, int times)
{
    *status = answer;
    for (int i = 0; i < times; i++) {
        weir_reply reply;
        assert_int_equal(weir_get(client, url, &reply), 0);
        weir_reply_free(&reply);
    }
    return is_failing(url);
}

static int health(void *arg)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    struct found *found;
    int status = 200;

    (void)arg;
    backend_open(&b, serve_status, &status);
    assert_false(fails(client, b.url, &status, 200, 1));
    assert_false(fails(client, b.url, &status, 503, 2)); /* may be chance */
    assert_false(fails(client, b.url, &status, 200, 4));
    assert_false(fails(client, b.url, &status, 503, 2));
    assert_true(fails(client, b.url, &status, 503, 1));
    found = look(b.url);
    assert_string_equal(found->stats.last_error, "Service Unavailable");
    assert_true(found->stats.last_error_at.ns > 0);
    free(found);
    assert_true(fails(client, b.url, &status, 200, 2));
    assert_true(fails(client, b.url, &status, 500, 1)); /* it is not back yet */
    assert_true(fails(client, b.url, &status, 200, 2));
    assert_false(fails(client, b.url, &status, 200, 1));
    /* It changes soon again: it has to do better before it is said to be back. */
    assert_true(fails(client, b.url, &status, 500, 3));
    assert_true(fails(client, b.url, &status, 200, 5));
    assert_false(fails(client, b.url, &status, 200, 1));
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

/* Of two URLs of one origin one works and one does not: it fails, though never twice in a row. */
static int every_second(void *arg)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    int status = 200, asked = 0;

    (void)arg;
    backend_open(&b, serve_status, &status);
    assert_false(fails(client, b.url, &status, 200, 1));
    while (!fails(client, b.url, &status, asked++ % 2 == 0 ? 500 : 200, 1))
        assert_in_range(asked, 1, 10);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

/* Two clients, as of two loops, see the same; who has never answered fails at once. */
static int shared_health(void *arg)
{
    weir_client *one = client_open(NULL), *two = client_open(NULL);
    struct backend b;
    weir_reply reply;
    char url[160];

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    (void)snprintf(url, sizeof url, "%s", b.url);
    get_ok(one, url);
    backend_close(&b);
    for (int i = 0; i < 3; i++)
        assert_true(weir_get(i % 2 == 0 ? one : two, url, &reply) < 0);
    weir_client_close(one);
    assert_true(is_failing(url));
    weir_client_close(two);
    one = client_open(NULL);
    assert_true(weir_get(one, "http://name.invalid:80/", &reply) < 0);
    assert_true(is_failing("http://name.invalid:80/"));
    weir_client_close(one);
    return 0;
}

static void an_origin_that_fails_is_known_and_when_it_is_back(void **state)
{
    (void)state;
    run_on_all_transports(health, NULL);
    run_on_all_transports(every_second, NULL);
    run_on_all_transports(shared_health, NULL);
}

/* What the reader of an answer found wrong is kept, and told. */
static int in_words(void *arg)
{
    static const struct {
        const char *said, *words;
    } table[] = {
        {"what?\r\n\r\n", "the response does not start with HTTP/1.1, one space and a status"},
        {"HTTP/1.1 200 OK\r\na : b\r\n\r\n", NULL},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", NULL},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct failure failure = {table[i].said, 0, WEIR_ORIGIN_BAD_RESPONSE};
        weir_client *client = client_open(NULL);
        struct backend b;
        struct found *found;
        weir_reply reply;
        backend_open(&b, serve_failure, (void *)(uintptr_t)&failure);
        assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EPROTOCOL);
        assert_non_null(reply.why);
        if (table[i].words != NULL)
            assert_string_equal(reply.why, table[i].words);
        assert_null(reply.memory);
        found = look(b.url);
        assert_string_equal(found->stats.last_error, reply.why);
        free(found);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void what_was_wrong_is_told_in_words(void **state)
{
    (void)state;
    run_on_all_transports(in_words, NULL);
}

/* --- streams --- */

static int serve_half(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0)
        (void)send_text(s, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
    return 0;
}

static int streaming(void *arg)
{
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {0};
    weir_fetch_stream *f;
    struct backend b;
    struct found *found;
    weir_reply reply;
    char piece[16];

    (void)arg;
    backend_open(&b, serve_half, NULL);
    options.url = b.url;
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    found = look(b.url);
    assert_int_equal(weir_meter_count(&found->stats.took), 1);
    assert_errors(&found->stats, WEIR_ORIGIN_ERRORS, 0);
    free(found);
    while (weir_fetch_read(f, piece, sizeof piece) > 0)
        ;
    assert_true(weir_fetch_read(f, piece, sizeof piece) < 0);
    weir_fetch_close(f);
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), 0);
    weir_fetch_close(f); /* nobody waits for the answer */
    found = look(b.url);
    assert_int_equal(found->stats.requests, 2);
    assert_int_equal(found->stats.errors[WEIR_ORIGIN_CLOSED], 1);
    assert_int_equal(found->stats.errors[WEIR_ORIGIN_CANCELLED], 1);
    assert_int_equal(weir_meter_count(&found->stats.took), 1);
    free(found);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void streams_are_counted_once(void **state)
{
    (void)state;
    run_on_all_transports(streaming, NULL);
}

/* --- coming and going while others look --- */

static void count_one(void *arg, const weir_origin_stats *stats)
{
    assert_int_equal(strncmp(stats->origin, "http://127.0.0.1:", 17), 0);
    ++*(int *)arg;
}

static int origins_here(void)
{
    int count = 0;

    weir_origin_each(weir_runtime_here(), count_one, &count);
    return count;
}

enum { ORIGINS = 8 };

static int forgetting(void *arg)
{
    const weir_client_options options = {.origins = 2};
    static struct backend b[ORIGINS];
    weir_client *client = client_open(&options), *other = client_open(NULL);

    (void)arg;
    for (int i = 0; i < ORIGINS; i++) {
        backend_open(&b[i], serve_ok, NULL);
        get_ok(client, b[i].url);
        assert_int_equal(origins_here(), i == 0 ? 1 : 2);
    }
    get_ok(other, b[0].url);
    assert_int_equal(origins_here(), 3);
    weir_client_close(client);
    assert_int_equal(origins_here(), 1);
    weir_client_close(other);
    assert_int_equal(origins_here(), 0);
    for (int i = ORIGINS; i-- > 0;) /* their scopes lie in one another */
        backend_close(&b[i]);
    return 0;
}

static void what_is_forgotten_is_no_longer_shown(void **state)
{
    (void)state;
    run_on_all_transports(forgetting, NULL);
}

struct looker {
    weir_runtime *runtime;
    atomic_bool enough;
    atomic_int looks; /* that have seen something */
};

static void read_all(void *arg, const weir_origin_stats *stats)
{
    *(size_t *)arg += strlen(stats->origin) + stats->requests + weir_meter_count(&stats->took);
}

static void *look_again_and_again(void *arg)
{
    struct looker *looker = arg;

    while (!atomic_load(&looker->enough)) {
        size_t seen = 0;
        weir_origin_each(looker->runtime, read_all, &seen);
        if (seen > 0)
            atomic_fetch_add(&looker->looks, 1);
    }
    return NULL;
}

/* Origins come and go on the loop while a thread looks at them without a pause. */
static int looked_at(void *arg)
{
    const weir_client_options options = {.origins = 2};
    struct looker looker = {.runtime = weir_runtime_here()};
    static struct backend b[ORIGINS];
    weir_client *client = client_open(&options);
    pthread_t thread;

    (void)arg;
    for (int i = 0; i < ORIGINS; i++)
        backend_open(&b[i], serve_ok, NULL);
    assert_int_equal(pthread_create(&thread, NULL, look_again_and_again, &looker), 0);
    for (int i = 0; i < 200 || atomic_load(&looker.looks) == 0; i++)
        get_ok(client, b[i % ORIGINS].url);
    weir_client_close(client);
    atomic_store(&looker.enough, true);
    pthread_join(thread, NULL);
    for (int i = ORIGINS; i-- > 0;) /* their scopes lie in one another */
        backend_close(&b[i]);
    return 0;
}

static void origins_come_and_go_while_a_thread_looks(void **state)
{
    (void)state;
    run_on_all_transports(looked_at, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_connections_are_counted),
        cmocka_unit_test(origins_of_a_quiet_client_are_not_shown),
        cmocka_unit_test(each_way_to_fail_has_its_reason),
        cmocka_unit_test(who_can_t_be_reached_has_its_reason),
        cmocka_unit_test(waiting_refused_and_cancelled_ones_are_counted),
        cmocka_unit_test(an_origin_that_fails_is_known_and_when_it_is_back),
        cmocka_unit_test(what_was_wrong_is_told_in_words),
        cmocka_unit_test(streams_are_counted_once),
        cmocka_unit_test(what_is_forgotten_is_no_longer_shown),
        cmocka_unit_test(origins_come_and_go_while_a_thread_looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

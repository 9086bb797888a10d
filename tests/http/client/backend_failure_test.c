/* SPDX-License-Identifier: MIT */
/* Backends that are dead or slow, and a network that loses, delays and resets. */
#include "client_rig.h"

#include "core/loop.h"
#include "io/sim/sim.h"
#include "support/memory.h"

/* --- dead and slow backends --- */

static int serve_silence(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) <= 0)
        return 0;
    if (b->arg != NULL)
        (void)send_text(s, b->arg);
    if (client_leaves(s))
        b->requests += 100;
    return 0;
}

static int deadlines(void *arg)
{
    static const char *const starts[] = {NULL, "HTTP/1.1 2",
                                         "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"};

    (void)arg;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct backend b;
        weir_client *client = client_open(NULL);
        weir_reply reply;
        weir_scope scope;
        backend_open(&b, serve_silence, (void *)(uintptr_t)starts[i]);
        weir_scope_open(&scope, weir_after_ms(5), 0);
        assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EDEADLINE);
        assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EDEADLINE); /* without asking anyone */
        (void)weir_scope_close(&scope);
        while (b.open > 0) /* the backend sees the close */
            assert_int_equal(weir_sleep(weir_us(50)), 0);
        assert_int_equal(b.requests, 101);
        assert_int_equal(b.connections, 1);
        assert_int_equal(client->connection_count, 0);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void a_deadline_closes_the_connection(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated_and_in_memory(seed, deadlines, NULL);
}

static int refused(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    char url[160];

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    (void)strcpy(url, b.url);
    backend_close(&b);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_get(client, url, &reply), -ECONNREFUSED);
    assert_int_equal(client->connection_count, 0);
    weir_client_close(client);
    return 0;
}

static void nobody_there_is_refused(void **state)
{
    (void)state;
    run_on_all_transports(refused, NULL);
}

/* A host that swallows connects: our own limit for an attempt is the network's time-out, the scope's is not.
 */
static int swallowed(void *arg)
{
    struct backend b;
    weir_client_options options = {.connect_timeout = weir_ms(300)};
    weir_client *client = client_open(&options);
    struct weir__sim_options sim = weir__sim_calm();
    weir_reply reply;
    weir_scope scope;
    weir_instant start = weir_now();

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    sim.connect_stall_per_million = 1000000;
    weir__sim_configure(client->loop->io, &sim);
    assert_int_equal(weir_get(client, b.url, &reply), -ETIMEDOUT);
    assert_in_range(weir_between(start, weir_now()).ns, 300000000, 400000000);
    weir_scope_open(&scope, weir_after_ms(100), 0);
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EDEADLINE);
    (void)weir_scope_close(&scope);
    sim = weir__sim_calm();
    weir__sim_configure(client->loop->io, &sim);
    get_ok(client, b.url);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

/* Not in memory: there connects are answered. */
static void connecting_has_its_own_limit(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated(seed, swallowed, NULL);
}

/* --- an unkind network: every request has one right answer or an error --- */

static int serve_echo_path(struct backend *b, weir_stream *s, int number)
{
    char path[64], answer[256];

    (void)number;
    while (read_request(b, s) > 0) {
        if (sscanf(b->request, "GET /%63s ", path) != 1)
            return 0;
        if (weir_sleep(weir_us((int64_t)weir_random_below(3000))) < 0)
            return 0;
        (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n%s",
                       strlen(path), path);
        if (send_text(s, answer) < 0)
            return 0;
    }
    return 0;
}

struct many {
    weir_client *client;
    const char *url;
    int number, right, wrong, failed;
};

static int ask_many(void *arg)
{
    struct many *m = arg;

    for (int i = 0; i < 20; i++) {
        char url[200], expected[32];
        weir_reply reply;
        weir_scope scope;
        int err;

        (void)snprintf(expected, sizeof expected, "%d-%d", m->number, i);
        (void)snprintf(url, sizeof url, "%s%s", m->url, expected);
        weir_scope_open(&scope, weir_after_ms((int64_t)weir_random_below(200)), 0);
        err = weir_get(m->client, url, &reply);
        (void)weir_scope_close(&scope);
        if (err < 0)
            m->failed++;
        else if (strcmp(reply.body, expected) == 0)
            m->right++;
        else
            m->wrong++;
        weir_reply_free(&reply);
    }
    return 0;
}

static int total_right;

static int rough(void *arg)
{
    enum { MANY = 8 };
    struct backend b;
    weir_client_options options = {.connections_per_origin = 3, .idle_timeout = weir_ms(20)};
    weir_client *client = client_open(&options);
    struct weir__sim_options sim = weir__sim_rough();
    struct memory_options memory = memory_usual();
    struct many many[MANY];
    weir_scope scope;

    (void)arg;
    backend_open(&b, serve_echo_path, NULL);
    weir__sim_configure(client->loop->io, &sim);
    memory.delay_max_ns = weir_ms(5).ns;
    memory.buffer_bytes = 100;
    memory.reset_per_million = 2000;
    if (memory_is_here())
        memory_configure(&memory);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct many){.client = client, .url = b.url, .number = i};
        assert_int_equal(weir_spawn(&scope, "many", ask_many, &many[i]), 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(many[i].wrong, 0);
        total_right += many[i].right;
    }
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void each_answer_is_the_one_asked_for(void **state)
{
    const uint64_t asked = 3 * seed_count(40) * 8 * 20;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(40); seed++)
        run_simulated_and_in_memory(seed, rough, NULL);
    if (!seed_is_alone())
        assert_in_range(total_right, asked / 4, asked); /* or it would have tested nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_closes_the_connection),
        cmocka_unit_test(nobody_there_is_refused),
        cmocka_unit_test(connecting_has_its_own_limit),
        cmocka_unit_test(each_answer_is_the_one_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

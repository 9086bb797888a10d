/* SPDX-License-Identifier: MIT */
/* Every allocation on the way of a backend fails once: the 1st, the 2nd, … until none is reached any more.
 * Each call says so or does without, and the same is done in full right after it. Leaks are ASan's to find.
 */
#include "support/fault.h"

#include "cluster.h"

static const char *const urls[] = {"http://localhost:1", "unix:/nowhere", "http://127.0.0.1:1"};
static const weir_backend_options options = {.name = "orders",
                                             .urls = urls,
                                             .url_count = 3,
                                             .host = "orders",
                                             .health = {.path = "/healthz", .every = {1000000}}};

/* Asks once, where no instance is to be reached. Returns: the error. */
static int ask_nobody(weir_client *client, weir_backend *backend)
{
    weir_fetch_options request = {.backend = backend, .url = "/"};
    weir_fetch_stream *f;
    weir_reply reply;
    int err = weir_fetch(client, &request, &reply);

    assert_true(err < 0);
    if (weir_fetch_open(client, &request, 0, &f) == 0)
        weir_fetch_close(f);
    return err;
}

static void count_backend(void *arg, const weir_backend_stats *stats)
{
    assert_int_equal(stats->in_use, 0);
    assert_int_equal(stats->waiting, 0);
    assert_int_equal(stats->connections, 0);
    ++*(int *)arg;
}

/* Opens, asks and closes. Returns: the first error. */
static int once(weir_client *client)
{
    weir_backend *backend;
    int seen = 0, err = weir_backend_open(&options, &backend);

    if (err < 0)
        return err;
    for (int i = 0; i < 3; i++)
        err = ask_nobody(client, backend);
    (void)weir_sleep(weir_ms(2)); /* checks fail meanwhile */
    weir_backend_each(weir_runtime_here(), count_backend, &seen);
    weir_backend_close(backend);
    return err;
}

static int disturbed(void *arg)
{
    weir_client *client = client_open(NULL);
    long n = 0;
    bool struck = true;

    (void)arg;
    while (struck) {
        int err;
        fault_at(++n);
        err = once(client);
        struck = fault_end();
        assert_true(err == -ENOMEM || err == -ECONNREFUSED || err == -ENOENT ||
                    (struck && err == -WEIR_EDNS));
        assert_int_equal(see().backends, 0);
        err = once(client);
        assert_true(err == -ECONNREFUSED || err == -ENOENT);
    }
    assert_true(n > 10);
    weir_client_close(client);
    return 0;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    /* The simulated kernel needs memory itself. */
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, disturbed, NULL), 0);
}

/* --- left open --- */

static int leave_open(void *arg)
{
    weir_client *client = client_open(NULL);
    weir_backend *backend;

    (void)arg;
    assert_int_equal(weir_backend_open(&options, &backend), 0);
    for (int i = 0; i < 3; i++)
        (void)ask_nobody(client, backend);
    (void)weir_sleep(weir_ms(2)); /* checks are made meanwhile */
    return 0;
}

/* A warning reports them; their memory is freed with the runtime, which ASan sees. */
static void what_is_left_open_is_freed(void **state)
{
    (void)state;
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, leave_open, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(what_is_left_open_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

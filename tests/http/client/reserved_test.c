/* SPDX-License-Identifier: MIT */
/* Options of a later version: a reserved byte that is not zero is refused by every function that takes
 * options. Those of runtimes, pools and servers are in runtime_test.c, pool_test.c and handle_test.c. */
#include "support/run.h"

#include <errno.h>

#include <weir/connections.h>
#include <weir/guard.h>
#include <weir/http_client.h>
#include <weir/inspect.h>
#include <weir/job.h>
#include <weir/pool.h>
#include <weir/stream.h>

static int count(weir_job *job, void *state, weir_bytes piece, bool last)
{
    (void)job;
    (void)state;
    (void)piece;
    (void)last;
    return 0;
}

static int refuse_streams(void *arg)
{
    static const weir_listener_options listener = {.address = "127.0.0.1:0", .reserved = {[14] = 1}},
                                       streams = {.address = "127.0.0.1:0", .stream.reserved = {1}};
    static const weir_connections_options pool = {.address = "127.0.0.1:1", .reserved = {1}};
    weir_listener *l;
    weir_connections *connections;

    (void)arg;
    assert_int_equal(weir_listener_open(&listener, &l), -EINVAL);
    assert_int_equal(weir_listener_open(&streams, &l), -EINVAL);
    assert_int_equal(weir_connections_open(&pool, &connections), -EINVAL);
    return 0;
}

static int refuse_clients(void *arg)
{
    static const weir_client_options later = {.reserved = {[22] = 1}};
    static const weir_fetch_options request = {.url = "http://127.0.0.1:1/", .reserved = {1}};
    weir_client *client;
    weir_reply reply;

    (void)arg;
    assert_int_equal(weir_client_open(&later, &client), -EINVAL);
    assert_int_equal(weir_client_open(NULL, &client), 0);
    assert_int_equal(weir_fetch(client, &request, &reply), -EINVAL);
    assert_non_null(reply.why);
    weir_client_close(client);
    return 0;
}

static int refuse_jobs_and_views(void *arg)
{
    static const weir_tasks_options tasks = {.reserved = {1}};
    static const weir_guard_options guard = {.reserved = {1}};
    static const weir_job_kind kind = {.name = "later", .version = 1, .piece = count, .reserved = {1}};
    static const weir_pool_share share = {.name = "a", .percent = 50, .reserved = {1}};
    static const weir_pool_options pool = {.name = "later", .shares = &share, .share_count = 1};
    weir_tasks *seen = (weir_tasks *)arg;
    weir_pool *opened;

    assert_int_equal(weir_tasks_open(weir_runtime_here(), &tasks, &seen), -EINVAL);
    assert_null(seen);
    assert_int_equal(weir_guard_configure(&guard), -EINVAL);
    assert_int_equal(weir_job_kind_register(&kind), -EINVAL);
    assert_int_equal(weir_pool_open(&pool, &opened), -EINVAL);
    return 0;
}

static void streams_refuse_later_options(void **state)
{
    (void)state;
    run_everywhere(refuse_streams, NULL);
}

static void clients_refuse_later_options(void **state)
{
    (void)state;
    run_everywhere(refuse_clients, NULL);
}

static void jobs_and_views_refuse_later_options(void **state)
{
    (void)state;
    run_everywhere(refuse_jobs_and_views, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_refuse_later_options),
        cmocka_unit_test(clients_refuse_later_options),
        cmocka_unit_test(jobs_and_views_refuse_later_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

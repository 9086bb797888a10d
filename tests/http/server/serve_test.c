/* SPDX-License-Identifier: MIT */
/* weir_serve(): what it calls, and when. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <weir/http_server.h>
#include <weir/task.h>

/* What has been called. */
struct seen {
    int prepared, set_up, torn_down, finished;
    int prepare_result;
};

static int answer(weir_request *req, weir_response *res, void *state)
{
    (void)req;
    (void)state;
    return weir_respond_text(res, 200, "x");
}

/* Completes the options: without this there is no address. */
static int prepare(void *arg, weir_server_options *options)
{
    struct seen *seen = arg;

    seen->prepared++;
    assert_int_equal(weir_sleep(weir_ms(1)), 0); /* it is a task */
    if (options->listen == NULL)
        options->listen = "127.0.0.1:0";
    return seen->prepare_result;
}

static void *set_up(void *arg, weir_server *server)
{
    struct seen *seen = arg;

    (void)server;
    assert_int_equal(seen->prepared, 1);
    seen->set_up++;
    return seen;
}

static void tear_down(void *state)
{
    struct seen *seen = state;

    assert_int_equal(seen->finished, 0);
    seen->torn_down++;
}

static void finish(void *arg)
{
    struct seen *seen = arg;

    seen->finished++;
}

static void on_listening(void *arg, weir_server *server)
{
    (void)arg;
    (void)server;
    assert_int_equal(raise(SIGTERM), 0);
}

static int serve(struct seen *seen, const char *listen)
{
    static const weir_route route = {.path = "/", .handler = answer};
    const weir_server_options options = {.listen = listen,
                                         .setup = set_up,
                                         .teardown = tear_down,
                                         .on_listening = on_listening,
                                         .prepare = prepare,
                                         .finish = finish,
                                         .runtime = {.loops = 1},
                                         .arg = seen};

    return weir_serve(&options, &route, 1);
}

static void options_are_completed_by_a_task(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_int_equal(serve(&seen, NULL), 0);
    assert_int_equal(seen.set_up, 1);
    assert_int_equal(seen.torn_down, 1);
    assert_int_equal(seen.finished, 1);
}

static void nothing_is_opened_if_that_fails(void **state)
{
    struct seen seen = {.prepare_result = -WEIR_ECONFIG};

    (void)state;
    assert_int_equal(serve(&seen, NULL), -WEIR_ECONFIG);
    assert_int_equal(seen.prepared, 1);
    assert_int_equal(seen.set_up, 0);
    assert_int_equal(seen.finished, 0);
}

static void what_was_prepared_is_finished_without_a_server(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_true(serve(&seen, "256.0.0.1:80") < 0);
    assert_int_equal(seen.set_up, 0);
    assert_int_equal(seen.finished, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_completed_by_a_task),
        cmocka_unit_test(nothing_is_opened_if_that_fails),
        cmocka_unit_test(what_was_prepared_is_finished_without_a_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A server by its handle: opened, drained, stopped, waited for and closed; its background tasks. */
#include "http/server/handlers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

static const weir_route route = {.path = "/*", .handler = hello};

static weir_server *opened(const weir_server_options *options)
{
    weir_server *server = NULL;

    assert_int_equal(weir_server_open(options, &route, 1, &server), 0);
    return server;
}

static int status_of(const weir_server *server)
{
    weir_stream *s = NULL;
    char text[1024];
    int status;

    assert_int_equal(weir_connect(weir_server_address(server, 0), &s), 0);
    rig_send(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    status = rig_answer(s, text, sizeof text);
    weir_stream_close(s);
    return status;
}

/* --- lives --- */

static int two_servers(void *arg)
{
    static const weir_server_options options = {.listen = "127.0.0.1:0"};
    weir_server *a = opened(&options), *b = opened(&options);
    weir_server_stats stats;

    (void)arg;
    assert_string_not_equal(weir_server_address(a, 0), weir_server_address(b, 0));
    assert_null(weir_server_address(a, 1));
    assert_int_equal(status_of(a), 200);
    assert_int_equal(status_of(b), 200);
    weir_server_close(a);
    assert_int_equal(status_of(b), 200);
    weir_server_stats_get(b, &stats);
    assert_int_equal(stats.accepted, 2); /* of its own alone */
    weir_server_close(b);
    weir_server_close(NULL);
    return 0;
}

static void a_runtime_has_several_servers(void **state)
{
    (void)state;
    run_on_all_transports(two_servers, NULL);
}

static int refuse_options(void *arg)
{
    static const weir_route bad_host = {.host = "a b", .path = "/", .handler = hello},
                            bad_port = {.host = "a:80", .path = "/", .handler = hello},
                            no_handler = {.path = "/"},
                            bad_scheme = {.path = "/", .handler = hello, .scheme = "HTTPS"},
                            newer = {.path = "/", .handler = hello, .reserved = {1}};
    static const weir_server_options options = {.listen = "127.0.0.1:0"}, none = {0},
                                     taken = {.listen = "256.0.0.1:80"},
                                     later = {.listen = "127.0.0.1:0", .limits.reserved = {[31] = 1}};
    weir_server *server;

    (void)arg;
    assert_int_equal(weir_server_open(&options, &bad_host, 1, &server), -WEIR_ECONFIG);
    assert_int_equal(weir_server_open(&options, &bad_port, 1, &server), -WEIR_ECONFIG);
    assert_int_equal(weir_server_open(&options, &no_handler, 1, &server), -EINVAL);
    assert_int_equal(weir_server_open(&options, &bad_scheme, 1, &server), -EINVAL);
    assert_int_equal(weir_server_open(&options, &newer, 1, &server), -EINVAL);
    assert_int_equal(weir_server_open(&later, &route, 1, &server), -EINVAL);
    assert_int_equal(weir_server_open(&none, &route, 1, &server), -EINVAL);
    assert_true(weir_server_open(&taken, &route, 1, &server) < 0);
    return 0;
}

static void what_cannot_be_served_is_refused(void **state)
{
    (void)state;
    run_everywhere(refuse_options, NULL);
}

/* --- listeners --- */

static int inherited_socket(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int serve_inherited(void *arg)
{
    struct sockaddr_in address;
    weir_listener_options listeners[] = {{.fd = inherited_socket(&address)}, {.address = "127.0.0.1:0"}};
    weir_server_options options = {.listeners = listeners, .listener_count = 2};
    weir_server *server = opened(&options);
    char expected[64];

    (void)arg;
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%d", ntohs(address.sin_port));
    assert_string_equal(weir_server_address(server, 0), expected);
    assert_non_null(weir_server_address(server, 1));
    for (int i = 0; i < 20; i++) /* of one listener, for all loops */
        assert_int_equal(status_of(server), 200);
    weir_server_close(server);
    assert_false(is_open(listeners[0].fd));
    listeners[0].fd = inherited_socket(&address);
    options.listen = "127.0.0.1:0"; /* both */
    assert_int_equal(weir_server_open(&options, &route, 1, &server), -EINVAL);
    assert_false(is_open(listeners[0].fd));
    return 0;
}

static void listeners_may_be_inherited(void **state)
{
    const weir_options options = {.io = WEIR_IO_EPOLL, .loops = 3};

    (void)state;
    assert_int_equal(weir_run(&options, serve_inherited, NULL), 0);
}

/* --- drains --- */

static void *drain_it(void *server)
{
    weir_server_drain(server);
    weir_server_drain(server);
    return NULL;
}

static int drained_by_a_thread(void *arg)
{
    static const weir_server_options options = {.listen = "127.0.0.1:0"};
    weir_server *server = opened(&options);
    weir_scope scope;
    pthread_t thread;
    weir_stream *s;

    (void)arg;
    weir_scope_open(&scope, weir_after_ms(1), 0);
    assert_int_equal(weir_server_wait(server), -WEIR_EDEADLINE);
    (void)weir_scope_close(&scope);
    assert_int_equal(status_of(server), 200); /* it goes on */
    assert_int_equal(pthread_create(&thread, NULL, drain_it, server), 0);
    assert_int_equal(weir_server_wait(server), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(weir_connect(weir_server_address(server, 0), &s) < 0);
    assert_int_equal(weir_server_wait(server), 0);
    weir_server_close(server);
    return 0;
}

static void any_thread_may_drain_it(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};

    (void)state;
    assert_int_equal(weir_run(&options, drained_by_a_thread, NULL), 0);
}

static weir_event begun;
static int outcome;

static int endless(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)res, (void)state;
    weir_event_set(&begun);
    outcome = weir_sleep(weir_seconds(1000000));
    return outcome;
}

static int stop_an_exchange(void *arg)
{
    static const weir_route forever = {.path = "/", .handler = endless};
    static const weir_server_options options = {.listen = "127.0.0.1:0", .drain = {INT64_MAX / 4}};
    weir_server *server;
    weir_stream *s = NULL;

    (void)arg;
    weir_event_init(&begun);
    assert_int_equal(weir_server_open(&options, &forever, 1, &server), 0);
    assert_int_equal(weir_connect(weir_server_address(server, 0), &s), 0);
    rig_send(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&begun), 0);
    weir_server_drain(server);
    weir_server_stop(server);
    assert_int_equal(weir_server_wait(server), 0);
    assert_int_equal(outcome, -WEIR_ECANCELED);
    weir_stream_close(s);
    weir_server_close(server);
    return 0;
}

static void a_stop_cancels_what_a_drain_waits_for(void **state)
{
    (void)state;
    run_on_all_transports(stop_an_exchange, NULL);
}

/* --- background tasks --- */

enum { LOOPS = 3 };

struct world {
    atomic_int set_up, running, background, background_ends, torn_down;
    atomic_int ended[LOOPS]; /* tasks of the scope, by loop */
    bool served;             /* an exchange has ended */
    bool fails;
};

static struct world *world;

static int in_scope(void *arg)
{
    int loop = weir_loop_index();

    (void)arg;
    atomic_fetch_add(&world->running, 1);
    while (weir_sleep(weir_seconds(1000)) == 0)
        ;
    assert_int_equal(world->torn_down, 0);
    atomic_fetch_add(&world->ended[loop], 1);
    return -EIO; /* without effect */
}

static void *setup(void *arg, weir_server *server)
{
    assert_int_equal(weir_spawn(weir_server_scope(server), "beside", in_scope, arg), 0);
    world->set_up++;
    return arg;
}

static void teardown(void *state)
{
    assert_ptr_equal(state, world);
    assert_int_equal(world->ended[weir_loop_index()], 1 + (weir_loop_index() == 0 && world->served));
    assert_int_equal(world->background_ends, 1);
    world->torn_down++;
}

static int background(void *arg, weir_server *server)
{
    int err = 0;

    (void)server;
    assert_ptr_equal(arg, world);
    assert_int_equal(world->set_up, weir_loop_count());
    world->background++;
    if (world->fails) {
        world->background_ends++;
        return -EIO;
    }
    while (err == 0)
        err = weir_sleep(weir_seconds(1000));
    assert_int_equal(world->torn_down, 0);
    world->background_ends++;
    return err;
}

static int starts_a_task(weir_request *req, weir_response *res, void *state)
{
    weir_event_set(&begun);
    assert_int_equal(weir_spawn(weir_server_scope(weir_request_server(req)), "beside", in_scope, state), 0);
    assert_int_equal(weir_sleep(weir_ms(20)), 0); /* the drain has begun meanwhile */
    assert_int_equal(world->ended[weir_loop_index()], 0);
    world->served = true;
    return weir_respond_text(res, 200, "started");
}

static int with_background(void *arg)
{
    static const weir_route starts = {.path = "/", .handler = starts_a_task};
    struct world w = {0};
    weir_server_options options = {
        .listen = "127.0.0.1:0", .setup = setup, .teardown = teardown, .background = background, .arg = &w};
    weir_server *server;
    weir_stream *s = NULL;
    char text[512];

    (void)arg;
    world = &w;
    weir_event_init(&begun);
    assert_int_equal(weir_server_open(&options, &starts, 1, &server), 0);
    assert_int_equal(weir_connect(weir_server_address(server, 0), &s), 0);
    rig_send(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&begun), 0);
    weir_server_drain(server);
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    assert_int_equal(weir_server_wait(server), 0);
    assert_int_equal(w.running, 2);
    assert_int_equal(w.background_ends, 1);
    assert_int_equal(w.torn_down, 0);
    weir_stream_close(s);
    weir_server_close(server);
    assert_int_equal(w.torn_down, 1);
    return 0;
}

static void background_tasks_outlive_the_exchanges(void **state)
{
    (void)state;
    run_on_all_transports(with_background, NULL);
}

static int on_several_loops(void *arg)
{
    struct world w = {.fails = arg != NULL};
    weir_server_options options = {
        .listen = "127.0.0.1:0", .setup = setup, .teardown = teardown, .background = background, .arg = &w};
    weir_server *server;

    world = &w;
    server = opened(&options);
    if (!w.fails)
        assert_int_equal(status_of(server), 200);
    else
        assert_int_equal(weir_server_wait(server), -EIO); /* it drains by itself */
    weir_server_close(server);
    assert_int_equal(w.background, 1);
    assert_int_equal(w.torn_down, LOOPS);
    return 0;
}

static void each_loop_has_a_scope_and_the_process_one_task(void **state)
{
    const weir_options options = {.io = WEIR_IO_EPOLL, .loops = LOOPS, .log_level = WEIR_LOG_ERROR};
    static int fails;

    (void)state;
    assert_int_equal(weir_run(&options, on_several_loops, NULL), 0);
    assert_int_equal(weir_run(&options, on_several_loops, &fails), 0);
}

/* --- setup fails --- */

static void *fail_setup(void *arg, weir_server *server)
{
    assert_int_equal(weir_spawn(weir_server_scope(server), "beside", in_scope, arg), 0);
    return NULL;
}

static int failing_setup(void *arg)
{
    struct world w = {0};
    const weir_server_options options = {.listen = "127.0.0.1:0", .setup = fail_setup, .arg = &w};
    weir_server *server;

    (void)arg;
    world = &w;
    assert_int_equal(weir_server_open(&options, &route, 1, &server), -WEIR_ECONFIG);
    assert_int_equal(w.ended[0], w.running); /* what it started is awaited, or never began */
    return 0;
}

static void tasks_of_a_setup_that_fails_end(void **state)
{
    (void)state;
    run_everywhere(failing_setup, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runtime_has_several_servers),
        cmocka_unit_test(what_cannot_be_served_is_refused),
        cmocka_unit_test(listeners_may_be_inherited),
        cmocka_unit_test(any_thread_may_drain_it),
        cmocka_unit_test(a_stop_cancels_what_a_drain_waits_for),
        cmocka_unit_test(background_tasks_outlive_the_exchanges),
        cmocka_unit_test(each_loop_has_a_scope_and_the_process_one_task),
        cmocka_unit_test(tasks_of_a_setup_that_fails_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

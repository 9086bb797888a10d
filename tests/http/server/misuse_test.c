/* SPDX-License-Identifier: MIT */
/* Mistakes with servers, requests and responses: each ends the program with a sentence that names the public
 * function and what to write instead. Each runs in a child process. */
#include <pthread.h>

#include "http/server/handlers.h"
#include "support/mistake.h"

struct handler_mistake {
    weir_handler *handler;
    void *(*setup)(void *arg, weir_server *server);
    const char *said[MISTAKE_SAID_MAX];
};

static bool has_ended; /* an exchange */

/* --- the mistakes --- */

#ifndef __SANITIZE_ADDRESS__ /* which says so itself: the request's memory is free */
static weir_request *kept;

static int use_kept(void *arg)
{
    (void)arg;
    while (!has_ended)
        (void)weir_yield();
    (void)weir_request_header(kept, "host");
    return 0;
}

static int use_later(weir_request *req, weir_response *res, void *state)
{
    (void)state;
    kept = req;
    assert_int_equal(weir_spawn(weir_server_scope(weir_request_server(req)), "later", use_kept, NULL), 0);
    return weir_respond_text(res, 200, "x");
}
#endif

static void *answer_on_thread(void *arg)
{
    (void)weir_respond_text(arg, 200, "x");
    return NULL;
}

static int use_thread(weir_request *req, weir_response *res, void *state)
{
    pthread_t thread;

    (void)req, (void)state;
    assert_int_equal(pthread_create(&thread, NULL, answer_on_thread, res), 0);
    (void)pthread_join(thread, NULL);
    return 0;
}

static int read_in_job(weir_job *job, void *arg)
{
    weir_bytes body;

    (void)job;
    return weir_request_read_body(arg, &body, 10);
}

static int use_job(weir_request *req, weir_response *res, void *state)
{
    (void)res, (void)state;
    return weir_offload(weir_pool_compute(), "read", read_in_job, req);
}

static int write_there(void *arg)
{
    return weir_respond_write(arg, "x", 1);
}

static int use_loop(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_loop_call(1 - weir_loop_index(), "there", write_there, res);
}

static int leave_scope_open(weir_request *req, weir_response *res, void *state)
{
    static weir_scope scope;

    (void)req, (void)state;
    weir_scope_open(&scope, weir_never(), 0);
    return weir_respond_text(res, 200, "x");
}

static int change(void *arg, weir_response *res, const weir_response_head *head)
{
    (void)arg, (void)res, (void)head;
    return 1;
}

static int change_without_piece(weir_request *req, weir_response *res, void *state)
{
    static const weir_response_filter filter = {.head = change};

    (void)req, (void)state;
    assert_int_equal(weir_response_filter_add(res, &filter, NULL), 0);
    return weir_respond_text(res, 200, "x");
}

static int leave_unchanged(void *arg, weir_response *res, const weir_response_head *head)
{
    (void)arg, (void)res, (void)head;
    return 0;
}

static void end_leaves_scope_open(void *arg)
{
    static weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
}

static int add_filter(weir_request *req, weir_response *res, void *state)
{
    static const weir_response_filter filter = {.head = leave_unchanged, .end = end_leaves_scope_open};

    (void)req, (void)state;
    assert_int_equal(weir_response_filter_add(res, &filter, NULL), 0);
    return weir_respond_text(res, 200, "x");
}

static void *setup_leaves_scope_open(void *arg, weir_server *server)
{
    static weir_scope scope;

    (void)server;
    weir_scope_open(&scope, weir_never(), 0);
    return arg;
}

static void *close_on_thread(void *server)
{
    weir_server_close(server);
    return NULL;
}

static int close_from_thread(weir_request *req, weir_response *res, void *state)
{
    pthread_t thread;

    (void)res, (void)state;
    assert_int_equal(pthread_create(&thread, NULL, close_on_thread, weir_request_server(req)), 0);
    (void)pthread_join(thread, NULL);
    return 0;
}

/* --- caught --- */

static void note_end(void *arg, const weir_exchange_record *record)
{
    (void)arg, (void)record;
    has_ended = true;
}

static int serve(void *arg)
{
    const struct handler_mistake *m = arg;
    const weir_route route = {.path = "/page", .handler = m->handler};
    const weir_server_options options = {
        .listen = "127.0.0.1:0", .setup = m->setup, .on_exchange = note_end, .arg = arg};
    weir_server *server;
    weir_stream *s;
    char text[512];

    if (weir_server_open(&options, &route, 1, &server) < 0 ||
        weir_connect(weir_server_address(server, 0), &s) < 0)
        return 1;
    rig_send(s, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)rig_answer(s, text, sizeof text);
    (void)weir_sleep(weir_seconds(10));
    return 0;
}

static int begin(void *arg)
{
    const weir_options options = {.loops = 2, .io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1)};

    return weir_run(&options, serve, arg);
}

static void mistakes_end_in_a_sentence(void **state)
{
    static const struct handler_mistake mistakes[] = {
#ifndef __SANITIZE_ADDRESS__
        {use_later,
         NULL,
         {"weir_request_header() on a request whose handler has returned", "task=later", NULL}},
#endif
        {use_thread,
         NULL,
         {"weir_respond_text() from a job or another thread, on a response of", NULL, NULL}},
        {use_job, NULL, {"weir_request_read_body() from a job", "on a request of", "weir_offload()"}},
        {use_loop, NULL, {"weir_respond_write() from", "on a response of", "weir_loop_call()"}},
        {leave_scope_open,
         NULL,
         {"weir_scope_close() was not called: the handler returned with a scope open", "opened_at",
          "route=/page"}},
        {add_filter, NULL, {"a filter returned with a scope open", "opened_at", "route=/page"}},
        {change_without_piece,
         NULL,
         {"weir_response_filter_add() with a filter that changes bodies and has no piece()", "route=/page",
          NULL}},
        {hello, setup_leaves_scope_open, {"setup returned with a scope open", "opened_at", NULL}},
        {close_from_thread, NULL, {"weir_server_close() from another thread, on a server", NULL, NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        assert_aborts(begin, (void *)(uintptr_t)&mistakes[i], mistakes[i].said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_end_in_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

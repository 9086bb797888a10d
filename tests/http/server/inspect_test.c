/* SPDX-License-Identifier: MIT */
/* The words for waits of the HTTP client and server in the tree of tasks, and the routes that the tasks are
 * for. */
#include "http/client/client_rig.h"
#include "support/tree.h"

struct asked {
    weir_client *client;
    const char *url;
};

static int ask(void *arg)
{
    struct asked *a = arg;
    weir_reply reply;
    int err = weir_get(a->client, a->url, &reply);

    weir_reply_free(&reply);
    return err;
}

static int never_answer(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    return read_request(b, s) > 0 && client_leaves(s);
}

static void expect(const weir_tasks *tasks, const char *name, const char *format, const char *address)
{
    char words[200];

    (void)snprintf(words, sizeof words, format, address);
    assert_string_equal(wait_of(tasks, name), words);
}

static int client_waits(void *arg)
{
    static const char *const names[] = {"asks", "first", "second", "third"};
    weir_client_options options = {.connections_per_origin = 1};
    struct asked asked = {.client = client_open(&options)};
    struct backend b;
    weir_scope scope;
    weir_tasks *tasks;
    char address[WEIR_ADDRESS_BYTES];

    (void)arg;

    backend_open(&b, never_answer, NULL);
    strcpy(address, weir_listener_address(b.listener));
    asked.url = b.url;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 4; i++)
        weir_spawn(&scope, names[i], ask, &asked);
    while (b.requests == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    tasks = look_at_tasks(NULL);
    expect(tasks, "asks", "an answer from %s", address);
    expect(tasks, "first", "slot for %s, 1st of 3", address);
    expect(tasks, "second", "slot for %s, 2nd of 3", address);
    expect(tasks, "third", "slot for %s, 3rd of 3", address);
    weir_tasks_close(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_client_close(asked.client);
    backend_close(&b);
    return 0;
}

static void a_client_says_whom_it_waits_for(void **state)
{
    (void)state;
    run_on_all_transports(client_waits, NULL);
}

/* --- the server --- */

static int read_all(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;
    int err;

    (void)state;

    weir_task_set_name("reads");
    err = weir_request_read_body(req, &body, 100);
    return err < 0 ? err : weir_respond_text(res, 200, "read");
}

struct served_rig {
    char address[WEIR_ADDRESS_BYTES];
    weir_event listening;
};

static void listening(void *arg, weir_server *server)
{
    struct served_rig *r = arg;

    strcpy(r->address, weir_server_address(server, 0));
    weir_event_set(&r->listening);
}

static int serve(void *arg)
{
    static const weir_route route = {.path = "/echo/{id}", .handler = read_all};
    weir_server_options options = {.listen = "127.0.0.1:0", .on_listening = listening, .arg = arg};

    return weir_server_run(&options, &route, 1);
}

static int server_waits(void *arg)
{
    static const char head[] = "POST /echo/7 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12";
    struct served_rig r;
    weir_scope scope;
    weir_stream *s;
    weir_tasks *tasks;
    const weir_task_info *info;

    (void)arg;

    weir_event_init(&r.listening);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "server", serve, &r);
    assert_int_equal(weir_event_wait(&r.listening), 0);
    assert_int_equal(weir_connect(r.address, &s), 0);
    assert_int_equal(weir_write(s, head, sizeof head - 1), 0);
    for (;;) {
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
        tasks = look_at_tasks(NULL);
        info = task_named(tasks, "reads");
        if (info != NULL && info->state == WEIR_TASK_PARKED)
            break;
        weir_tasks_close(tasks);
    }
    if (strncmp(info->waits_for, "the request's body from 127.0.0.1:", 34) != 0)
        fail_msg("it waits for \"%s\"", info->waits_for);
    assert_string_equal(info->route, "/echo/{id}");
    weir_tasks_close(tasks);
    weir_stream_close(s);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void a_handler_has_its_route_and_its_client(void **state)
{
    (void)state;
    run_on_all_transports(server_waits, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_says_whom_it_waits_for),
        cmocka_unit_test(a_handler_has_its_route_and_its_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

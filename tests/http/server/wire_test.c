/* SPDX-License-Identifier: MIT */
/* The wire of HTTP/1, as an exchange calls it: what it promises in http/server/wire.h. */
#include "http/server/server_rig.h"

#include "http/server/state.h"

/* --- sending --- */

/* Sends through the wire alone what the public functions send in several calls. */
static int send_at_once(weir_request *req, weir_response *res, void *state)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    const struct weir__wire_head head = {200, "text/plain", -1};
    const struct iovec body[] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    int err;

    (void)state;
    err = weir_response_header_add(res, "x-test", "yes");
    if (err == 0)
        err = x->wire->send_informational(x, 103, (weir_bytes){0});
    assert_false(res->began);
    if (err == 0)
        err = x->wire->send(x, &head, body, 3, true);
    assert_true(res->began);
    assert_int_equal(res->status, 200);
    res->ended = true;
    return err;
}

/* Reads until the server closes. */
static void read_to_the_end(weir_stream *s, char *text, size_t room)
{
    size_t len = 0;
    ssize_t n;

    while ((n = weir_read(s, text + len, room - 1 - len)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    text[len] = '\0';
}

static const char *after(const char *text, const char *part)
{
    const char *found = strstr(text, part);

    if (found == NULL)
        fail_msg("there is no \"%s\" in \"%s\"", part, text);
    return found + strlen(part);
}

static int expect_all_at_once(struct rig *rig)
{
    char text[1024];
    const char *at;
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /at-once HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    read_to_the_end(s, text, sizeof text);
    at = after(text, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n");
    (void)after(at, "x-test: yes\r\n");
    at = after(at, "\r\n\r\n");
    assert_string_equal(at, "d\r\none two three\r\n0\r\n\r\n");
    weir_stream_close(s);
    s = rig_connect(rig);
    rig_send(s, "GET /at-once HTTP/1.0\r\n\r\n");
    read_to_the_end(s, text, sizeof text);
    assert_null(strstr(text, "chunked"));
    assert_string_equal(after(after(text, "200 OK"), "\r\n\r\n"), "one two three");
    weir_stream_close(s);
    return 0;
}

static int fail_to_send(weir_request *req, weir_response *res, void *state)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    const struct weir__wire_head bad_head = {200, "text/plain\r\nx-injected: 1", 0};

    (void)state;
    assert_int_equal(x->wire->send(x, &bad_head, NULL, 0, true), -EINVAL);
    assert_false(res->began);
    assert_int_equal(res->err, 0);
    return weir_respond_text(res, 200, "nothing was sent before");
}

static int expect_a_second_try(struct rig *rig)
{
    char text[1024];
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /fails HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    (void)after(text, "nothing was sent before");
    assert_null(strstr(text, "x-injected"));
    weir_stream_close(s);
    return 0;
}

/* --- several tasks --- */

enum { WRITERS = 4, WRITE_BYTES = 300000 };

struct writer {
    weir_response *res;
    char letter;
};

static int write_some(void *arg)
{
    const struct writer *w = arg;
    char *data = malloc(WRITE_BYTES);
    int err;

    assert_non_null(data);
    memset(data, w->letter, WRITE_BYTES);
    err = weir_respond_write(w->res, data, WRITE_BYTES);
    free(data);
    return err;
}

static int write_from_tasks(weir_request *req, weir_response *res, void *state)
{
    struct writer writers[WRITERS];
    weir_scope scope;
    int err = weir_respond_begin(res, 200, "text/plain", (int64_t)WRITERS * WRITE_BYTES);

    (void)req, (void)state;
    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < WRITERS && err == 0; i++) {
        writers[i] = (struct writer){res, (char)('a' + i)};
        err = weir_spawn(&scope, "writer", write_some, &writers[i]);
    }
    assert_int_equal(err, 0);
    return weir_scope_close(&scope);
}

static int expect_writes_in_order(struct rig *rig)
{
    static char text[WRITERS * WRITE_BYTES + 1024];
    const char *at;
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /tasks HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    at = after(text, "\r\n\r\n");
    for (size_t i = 0; i < (size_t)WRITERS * WRITE_BYTES; i++)
        if (at[i] != (char)('a' + i / WRITE_BYTES))
            fail_msg("byte %zu is '%c'", i, at[i]);
    weir_stream_close(s);
    return 0;
}

/* --- the test --- */

static const weir_route routes[] = {
    {.path = "/at-once", .handler = send_at_once},
    {.path = "/fails", .handler = fail_to_send},
    {.path = "/tasks", .handler = write_from_tasks},
};

static void run(int (*test)(struct rig *rig))
{
    struct rig rig = {.routes = routes, .route_count = sizeof routes / sizeof *routes, .test = test};

    rig_run(&rig);
}

static void a_head_a_body_and_its_end_are_one_send(void **state)
{
    (void)state;
    run(expect_all_at_once);
}

static void a_head_that_fails_sends_nothing(void **state)
{
    (void)state;
    run(expect_a_second_try);
}

static void tasks_of_a_handler_write_one_after_the_other(void **state)
{
    (void)state;
    run(expect_writes_in_order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_a_body_and_its_end_are_one_send),
        cmocka_unit_test(a_head_that_fails_sends_nothing),
        cmocka_unit_test(tasks_of_a_handler_write_one_after_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Heads as the server reads them: limits and their messages, lists in several fields, empty lines. */
#include "http/server/handlers.h"
#include "http/server/server_rig.h"

static char answer[1 << 14];

static const weir_route routes[] = {
    {.path = "/hello", .handler = hello},
    {.path = "/echo", .handler = echo},
};

/* --- limits --- */

static int ask_too_much(struct rig *rig)
{
    static const char *const says[] = {
        "414 ", "target is longer than allowed: 1KiB at most (limits.head)",
        "431 ", "head is larger than allowed: 1KiB at most (limits.head)",
        "431 ", "more header fields than are allowed: 3 at most (weir_limits.headers)",
    };
    char request[4][2000], filler[1101];

    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    (void)snprintf(request[0], sizeof *request, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", filler);
    (void)snprintf(request[1], sizeof *request, "GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", filler);
    (void)snprintf(request[2], sizeof *request, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\nA: b\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        weir_stream *s = rig_connect(rig);
        rig_send(s, request[i]);
        assert_int_equal(rig_answer(s, answer, sizeof answer), atoi(says[2 * i]));
        assert_non_null(strstr(answer, says[2 * i + 1]));
        weir_stream_close(s);
    }
    return 0;
}

static void a_limit_is_told_with_its_name(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 2, .test = ask_too_much};

    (void)state;
    rig.options.limits.head_bytes = 1024;
    rig.options.limits.headers = 3;
    rig.options.limit_names.head = "limits.head";
    rig_run(&rig);
}

/* --- several fields that are one list --- */

static int join(weir_request *req, weir_response *res, void *state)
{
    const char *list = weir_request_header_joined(req, "x-list"),
               *none = weir_request_header_joined(req, "y");
    int err;

    (void)state;
    err = weir_response_header_add(res, "vary", "a");
    err = err < 0 ? err : weir_response_header_add(res, "vary", "b");
    err = err < 0 ? err : weir_response_header_add(res, "joined", weir_response_header_joined(res, "Vary"));
    return err < 0 ? err : weir_respond_text(res, 200, none == NULL && list != NULL ? list : "?");
}

static int send_lists(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s,
             "GET / HTTP/1.1\r\nHost: a\r\nX-List: a, b\r\nOther: c\r\nx-list:\r\nX-LIST: \"d,e\"\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\na, b, , \"d,e\""));
    assert_non_null(strstr(answer, "joined: a, b\r\n"));
    rig_send(s, "GET / HTTP/1.1\r\nHost: a\r\nX-List: alone\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\nalone"));
    weir_stream_close(s);
    return 0;
}

static void a_list_in_several_fields_is_one(void **state)
{
    static const weir_route one[] = {{.path = "/", .handler = join}};
    struct rig rig = {.routes = one, .route_count = 1, .test = send_lists};

    (void)state;
    rig_run(&rig);
}

/* --- an empty line behind a body --- */

static int send_empty_lines(struct rig *rig)
{
    static const char *const before[] = {"\r\n", "\r", "\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n",
                                         "\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n\r\n"};
    weir_instant start = weir_now();

    for (int i = 0; i < 5; i++) {
        weir_stream *s = rig_connect(rig);
        rig_send(s, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        if (i > 0)
            assert_int_equal(weir_sleep(weir_ms(100)), 0);
        rig_send(s, before[i]);
        assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
        if (i == 4)
            assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
        assert_int_equal(rig_answer(s, answer, sizeof answer), 0); /* no response, then the end */
        weir_stream_close(s);
    }
    assert_true(weir_between(start, weir_now()).ns / 1000000000 >= 120);
    return 0;
}

static void an_empty_line_is_no_request(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 2, .test = send_empty_lines};

    (void)state;
    rig_run_simulated(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_told_with_its_name),
        cmocka_unit_test(a_list_in_several_fields_is_one),
        cmocka_unit_test(an_empty_line_is_no_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

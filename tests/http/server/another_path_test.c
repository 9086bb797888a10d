/* SPDX-License-Identifier: MIT */
/* The route that a request would reach with another path. */
#include "http/server/handlers.h"
#include "http/server/server_rig.h"

static char first[] = "first", second[] = "second", here[] = "here";

/* Tells whose the path in the query is. */
static int tell(weir_request *req, weir_response *res, void *state)
{
    const char *data = weir_request_data_at(req, weir_request_query(req));

    (void)state;
    assert_string_equal(weir_request_data(req), here);
    return weir_respond_text(res, 200, data != NULL ? data : "none");
}

static int ask_about(struct rig *rig)
{
    static const char *const cases[][3] = {
        {"GET", "/a/x", first},   {"GET", "//a/x", here},   {"GET", "/here", here},
        {"DELETE", "/a/x", here}, {"GET", "/b", here},      {"GET", "/c", second},
        {"DELETE", "/c", second}, {"DELETE", "/d", "none"}, {"GET", "", "none"},
    };
    char request[256], answer[1024];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_stream *s = rig_connect(rig);

        (void)snprintf(request, sizeof request, "%s /here?%s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i][0],
                       cases[i][1]);
        rig_send(s, request);
        assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
        assert_string_equal(strstr(answer, "\r\n\r\n") + 4, cases[i][2]);
        weir_stream_close(s);
    }
    return 0;
}

static void another_path_may_be_of_another_route(void **state)
{
    static const weir_route routes[] = {
        {.path = "/a/*", .methods = "GET", .handler = hello, .data = first},
        {.path = "/b", .host = "other", .handler = hello, .data = first},
        {.path = "/c", .handler = hello, .data = second},
        {.path = "/d", .methods = "DELETE", .handler = hello},
        {.path = "/*", .handler = tell, .data = here},
    };
    struct rig rig = {.routes = routes, .route_count = sizeof routes / sizeof *routes, .test = ask_about};

    (void)state;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(another_path_may_be_of_another_route)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Findings in a handler: their route, and the log of the runtime. */
#include <string.h>
#include <unistd.h>

#include "guard/sins.h"
#include "http/server/server_rig.h"
#include "support/child.h"

static int sin_in_handler(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    usleep(1);
    return weir_respond_text(res, 200, "fine\n");
}

static const weir_route routes[] = {
    {.path = "/reports/{id}", .handler = sin_in_handler},
};

static int ask(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];

    rig_send(s, "GET /reports/7 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    weir_stream_close(s);
    return 0;
}

static int find_route(void *arg, const weir_guard_finding *finding)
{
    (void)arg;
    return strcmp(finding->function, "usleep") == 0 && finding->route != NULL &&
           strcmp(finding->route, "/reports/{id}") == 0 &&
           strcmp(finding->stack[0].function, "sin_in_handler") == 0;
}

static void the_route_is_told(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 1, .test = ask};

    (void)state;

    need_guard();
    rig_run(&rig);
    assert_int_equal(weir_guard_each(find_route, NULL), 1);
}

static int warn_in_json(void *arg)
{
    const weir_options options = {.io = WEIR_IO_EPOLL, .log_json = true};
    const weir_guard_options guard = {.mode = WEIR_GUARD_WARN};

    return weir_guard_configure(&guard) < 0 || weir_run(&options, rig_main, arg) < 0;
}

static void the_log_is_the_runtimes(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 1, .test = ask};
    char said[8192];

    (void)state;

    need_guard();
    assert_int_equal(run_in_child(warn_in_json, &rig, said, sizeof said), 0);
    assert_int_equal(said[0], '{');
    assert_non_null(strstr(said, "\"call\":\"usleep\""));
    assert_non_null(strstr(said, "\"route\":\"/reports/{id}\""));
    assert_non_null(strstr(said, "sin_in_handler server_test.c:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_is_the_runtimes),
        cmocka_unit_test(the_route_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

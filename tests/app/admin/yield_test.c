/* SPDX-License-Identifier: MIT */
/* The admin address of a gateway that drains, given up to the next one. */
#include "admin/yield.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/running.h"
#include "support/run.h"

/* --- asking --- */

static void only_a_gateway_that_agrees_gives_it_up(void **state)
{
    struct given_page page = {ADMIN_YIELD_PATH, 200, "given up\n"};
    struct given_pages *admin = given_pages_open(&page, 1);
    struct config_address address = {.host = "127.0.0.1",
                                     .port = atoi(strrchr(given_pages_address(admin), ':') + 1)};
    char head[4096];

    (void)state;
    while (!admin_ask_to_yield(
        &address)) /* it waits 100 ms for an answer, which may come later on a busy machine */
        ;
    given_pages_head(admin, head);
    console_has(head, "POST " ADMIN_YIELD_PATH " HTTP/1.1\r\nHost: localhost\r\n");
    given_pages_change(admin, NULL, 409, NULL);
    assert_false(admin_ask_to_yield(&address));
    given_pages_change(admin, NULL, 0, NULL); /* closes without an answer */
    assert_false(admin_ask_to_yield(&address));
    (void)given_pages_close(admin, NULL);
    assert_false(admin_ask_to_yield(&address)); /* nothing listens */
}

static void an_address_that_is_none_is_not_asked(void **state)
{
    char path[300];

    (void)state;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_false(admin_ask_to_yield(&(struct config_address){.host = "a-name", .port = 1}));
    assert_false(admin_ask_to_yield(&(struct config_address){.host = "::1", .port = 1}));
    assert_false(admin_ask_to_yield(&(struct config_address){.path = "/nonexistent/admin"}));
    assert_false(admin_ask_to_yield(&(struct config_address){.path = path}));
}

/* --- giving up --- */

static void wait_for_status(const struct running *gateway, const char *path, int status)
{
    struct answer a = {0};

    do
        ask(&a, gateway->admin, path, NULL);
    while (a.status != status);
    answer_free(&a);
}

static void a_gateway_that_drains_gives_it_up(void **state)
{
    const struct question post = {.method = "POST", .body = "", .bytes = 0};
    struct config_address address = {0};
    struct running gateway = {0};
    struct answer a = {0};
    int client;

    (void)state;
    running_start(&gateway, "loops: 1\naccess_log: false\nlog_level: error\ndrain: 10m\nroutes:\n"
                            "  - {path: /nap, sleep: {for: 10m}}\n  - {path: /, respond: {}}\n");
    address.path = gateway.admin + strlen("unix:");
    ask(&a, gateway.admin, ADMIN_YIELD_PATH, &post);
    assert_int_equal(a.status, 409); /* it does not drain */
    assert_false(admin_ask_to_yield(&address));
    client = begin_asking(gateway.address, "/nap");
    do
        ask(&a, gateway.admin, "/tasks?filter=/nap", NULL);
    while (strstr(a.body, "GET /nap") == NULL);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    wait_for_status(&gateway, "/readyz", 503);
    wait_for_status(&gateway, "/healthz", 200); /* it lives on */
    ask(&a, gateway.admin, ADMIN_YIELD_PATH, &post);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "given up\n");
    (void)close(client); /* the last request: the drain is over */
    answer_free(&a);
    running_wait(&gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_gateway_that_agrees_gives_it_up),
        cmocka_unit_test(an_address_that_is_none_is_not_asked),
        cmocka_unit_test(a_gateway_that_drains_gives_it_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

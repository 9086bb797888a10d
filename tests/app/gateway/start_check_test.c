/* SPDX-License-Identifier: MIT */
#include "gateway/start_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "config/load.h"
#include "gateway/start_io.h"
#include "gateway/start_limits.h"
#include "routes/table.h"
#include "support/run.h"

static struct start_findings found;

static const char *lines_of(struct config_faults *list)
{
    static char text[8192];
    FILE *out = fmemopen(text, sizeof text, "w");

    assert_non_null(out);
    config_faults_print(list, true, out);
    (void)fclose(out);
    return list->count > 0 ? text : "";
}

static void parse(struct config *config, const char *text)
{
    struct config_faults faults;

    config_faults_open(&faults, "test.yaml");
    if (config_parse(config, text, strlen(text), &route_kinds, &faults) != 0)
        fail_msg("%s", lines_of(&faults));
}

/* Checks a configuration of these first lines and routes. fault, warning: NULL: there is none. */
static void expect(const char *top, const char *routes, unsigned flags, const char *fault,
                   const char *warning)
{
    const struct start_options options = {
        .listen_key = "listen", .admin_key = "admin", .root = "", .flags = flags};
    struct config config;
    char text[4096];
    int err;

    (void)snprintf(text, sizeof text, "loops: 1\n%sroutes:\n%s", top,
                   routes != NULL ? routes : "  - {path: /, respond: {}}\n");
    parse(&config, text);
    err = start_check(&config, "test.yaml", &options, &found);
    if (fault != NULL)
        console_has(lines_of(&found.faults), fault);
    else
        assert_string_equal(lines_of(&found.faults), "");
    assert_int_equal(err, fault != NULL ? -WEIR_ECONFIG : 0);
    if (warning != NULL)
        console_has(lines_of(&found.warnings), warning);
    config_free(&config);
}

/* --- addresses --- */

static void addresses_must_be_of_this_machine(void **state)
{
    (void)state;
    expect("listen: ['127.0.0.1:0', 'localhost:0']\n", NULL, 0, NULL, NULL);
    expect("listen: 192.0.2.7:8080\n", NULL, 0,
           "test.yaml:2:9: 192.0.2.7:8080 cannot be listened on: this machine has no such address; "
           "choose another address with listen\n",
           NULL);
    expect("listen: nowhere.invalid:8080\n", NULL, 0, "test.yaml:2:9: nowhere.invalid:8080 ", NULL);
    expect("listen: 127.0.0.1:0\nadmin: 192.0.2.7:1\n", NULL, 0,
           "test.yaml:3:8: 192.0.2.7:1 cannot be listened on", NULL);
}

static void one_address_has_one_listener(void **state)
{
    char folder[] = "/tmp/weir-test-XXXXXX", text[256], said[128];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(text, sizeof text, "listen: ['unix:%s/a', 'unix:%s/./a']\n", folder, folder);
    (void)snprintf(said, sizeof said,
                   "listen is 'unix:%s/./a', expected an address of its own; 'unix:%s/a' in line 2 takes it",
                   folder, folder);
    expect(text, NULL, 0, said, NULL);
    expect(
        "listen: ['127.0.0.1:48231', 'localhost:48231']\n", NULL, START_PORTS_TAKEN_ARE_FINE,
        "listen is 'localhost:48231', expected an address of its own; '127.0.0.1:48231' in line 2 takes it",
        NULL);
    (void)rmdir(folder);
}

static void paths_of_unix_sockets_are_looked_at(void **state)
{
    char folder[] = "/tmp/weir-test-XXXXXX", path[64], text[256];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    (void)snprintf(text, sizeof text, "listen: 'unix:%s'\n", path);
    expect(text, NULL, 0, "; choose another path with listen\n", NULL);
    (void)snprintf(text, sizeof text, "listen: 'unix:%s/file/below'\n", folder);
    expect(text, NULL, 0, "choose another path with listen", NULL);
    expect("listen: unix:/nonexistent/socket\n", NULL, 0,
           "its folder '/nonexistent' cannot be used: no such file or directory", NULL);
    (void)snprintf(text, sizeof text, "listen: 'unix:%s/socket'\n", folder);
    expect(text, NULL, 0, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void a_port_that_another_program_has_is_taken(void **state)
{
    struct given_pages *holder = given_pages_open(NULL, 0);
    char top[64], said[96];

    (void)state;
    (void)snprintf(top, sizeof top, "listen: %s\n", given_pages_address(holder));
    (void)snprintf(said, sizeof said, "test.yaml:2:9: %s is taken by another program",
                   given_pages_address(holder));
    expect(top, NULL, START_PORTS_TAKEN_ARE_FINE, NULL, NULL);
    expect(top, NULL, 0, said, NULL);
    (void)given_pages_close(holder, NULL);
}

/* --- what is unwise --- */

static void an_admin_address_for_all_is_warned_of(void **state)
{
    (void)state;
    expect("listen: 127.0.0.1:0\nadmin: 0.0.0.0:0\n", NULL, 0, NULL,
           "test.yaml:3:8: admin is '0.0.0.0:0', which other machines can reach");
    expect("listen: 127.0.0.1:0\nadmin: localhost:0\n", NULL, 0, NULL, NULL);
    console_lacks(lines_of(&found.warnings), "which other machines can reach");
}

static void pools_that_no_route_uses_are_warned_of(void **state)
{
    (void)state;
    expect("listen: 127.0.0.1:0\npools: {comput: {workers: 1}, odd: {}}\n", NULL, 0, NULL,
           "pool 'comput' is used by no route; did you mean 'compute'?");
    console_has(lines_of(&found.warnings), "pool 'odd' is used by no route; expected one with 'on: odd'");
    expect("listen: 127.0.0.1:0\npools: {odd: {}}\n", "  - {path: /, on: odd, hash: {}}\n", 0, NULL, NULL);
    console_lacks(lines_of(&found.warnings), "odd");
}

static void limits_that_are_never_reached_are_warned_of(void **state)
{
    static const char route[] = "  - {path: /, proxy: {backend: a}}\n";
    char high[160], fits[160];

    (void)state;
    for (int i = 0; i < 2; i++) {
        static const char *const limits[][2] = {{"13", "12"}, {"{auto: {max: 13}}", "{auto: {max: 12}}"}};
        static const char backend[] =
            "listen: 127.0.0.1:0\nbackends: {a: {urls: 'http://127.0.0.1:1', connections: "
            "{max: 4, queue: 8}, limit: %s}}\n";

        (void)snprintf(high, sizeof high, backend, limits[i][0]);
        (void)snprintf(fits, sizeof fits, backend, limits[i][1]);
        expect(high, route, 0, NULL,
               "of 13, which is never reached: connections.max and connections.queue let in 12");
        expect(fits, route, 0, NULL, NULL);
        console_lacks(lines_of(&found.warnings), "never reached");
    }
}

static void passwords_without_a_rate_are_warned_of(void **state)
{
    static const char top[] = "listen: 127.0.0.1:0\n", warned[] = "compares passwords and has no rate: ";
    char folder[] = "/tmp/weir-test-XXXXXX", path[64], routes[512];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/users", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("a:$2b$04$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES\n", file);
    (void)fclose(file);
    (void)snprintf(routes, sizeof routes,
                   "  - {path: /a, respond: {}, auth: {basic: %s}}\n"
                   "  - {path: /b, respond: {}, auth: {basic: %s}, rate: {requests: 1}}\n"
                   "  - {path: /c, respond: {}, auth: {basic: %s}}\n"
                   "  - {path: /d, respond: {}}\n",
                   path, path, path);
    expect(top, routes, 0, NULL, "test.yaml:4:43: route '/a' compares passwords and has no rate: ");
    console_has(lines_of(&found.warnings), "test.yaml:6:43: route '/c' compares passwords and has no rate: ");
    assert_int_equal(found.warnings.count, 2);
    (void)snprintf(routes, sizeof routes, "  - {path: /a, respond: {}, auth: {bearer: %s/tokens}}\n", folder);
    expect(top, routes, 0, "tokens: no such file", NULL);
    console_lacks(lines_of(&found.warnings), warned);
    (void)unlink(path);
    (void)rmdir(folder);
}

static const char leads[] = "leads back to this gateway, which listens there (line 2); expected the address";

static void a_proxy_to_the_gateway_itself_is_warned_of(void **state)
{
    static const struct {
        const char *listen, *to;
        bool warns;
    } table[] = {
        {"127.0.0.1:7998", "http://127.0.0.1:7998/x", true},
        {"127.0.0.1:7998", "http://localhost:7998", true},
        {"0.0.0.0:7998", "http://127.0.0.2:7998", true},
        {"'[::]:7998'", "http://localhost.:7998", true},
        {"localhost:7998", "http://127.0.0.1:7998", true},
        {"unix:/tmp/weir-self", "unix:/tmp/weir-self", true},
        {"127.0.0.1:7998", "http://127.0.0.1:7999", false},
        {"127.0.0.1:7998", "http://127.0.0.2:7998", false},
        {"127.0.0.1:7998", "http://shop:7998", false},
        {"unix:/tmp/weir-self", "http://localhost", false},
        {"127.0.0.1:0", "http://127.0.0.1", false},
        {"127.0.0.1:7998", "unix:/tmp/weir-self", false},
    };
    char top[256], routes[128];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        (void)snprintf(top, sizeof top, "listen: %s\n", table[i].listen);
        (void)snprintf(routes, sizeof routes, "  - {path: /*, proxy: {to: '%s'}}\n", table[i].to);
        expect(top, routes, START_PORTS_TAKEN_ARE_FINE, NULL, NULL);
        if ((strstr(lines_of(&found.warnings), leads) != NULL) != table[i].warns)
            fail_msg("%s, %s", table[i].listen, table[i].to);
        if (strstr(table[i].to, "/x") != NULL)
            continue;
        (void)snprintf(top, sizeof top, "listen: %s\nbackends: {b: {urls: '%s'}}\n", table[i].listen,
                       table[i].to);
        expect(top, NULL, START_PORTS_TAKEN_ARE_FINE, NULL, NULL);
        if ((strstr(lines_of(&found.warnings), leads) != NULL) != table[i].warns)
            fail_msg("backend: %s, %s", table[i].listen, table[i].to);
    }
    expect("listen: 127.0.0.1:7998\n",
           "  - {path: /x, gather: {calls: [{name: a, url: 'http://127.0.0.1:7998/y'}]}}\n",
           START_PORTS_TAKEN_ARE_FINE, NULL, NULL);
    console_lacks(lines_of(&found.warnings), leads);
}

/* --- backends --- */

static void backends_are_tried_once_each(void **state)
{
    struct given_pages *there = given_pages_open(NULL, 0);
    char routes[512];

    (void)state;
    (void)snprintf(routes, sizeof routes,
                   "  - {path: /, gather: {calls: [{name: a, url: 'http://%s/x'}, {name: b, url: "
                   "'http://127.0.0.1:1/x'}, "
                   "{name: c, url: 'http://127.0.0.1:1/y'}, {name: d, url: 'http://nosuch.invalid/'}]}}\n",
                   given_pages_address(there));
    expect("listen: 127.0.0.1:0\n", routes, START_CONNECT,
           "http://127.0.0.1:1 cannot be connected to: connection refused; expected a backend that listens "
           "there\n",
           NULL);
    assert_int_equal(found.faults.count, 2);
    console_has(lines_of(&found.faults), "http://nosuch.invalid cannot be connected to: ");
    (void)given_pages_close(there, NULL);
}

/* --- limits, and the kernel's interface --- */

static void too_few_descriptors_are_told(void **state)
{
    struct config_faults faults, warnings;
    struct rlimit before, less;
    struct config config;

    (void)state;
    parse(&config, "listen: 127.0.0.1:0\nloops: 2\nlimits: {connections: 10000000}\n"
                   "backends: {b: {urls: ['http://b', 'http://c'], connections: {max: 74}, health: {path: "
                   "/}}}\nroutes:\n"
                   "  - {path: /, gather: {calls: [{name: a, url: 'http://h/'}, {name: b, url: "
                   "'http://h/x'}, {name: c, url: 'http://i/'}]}}\n");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    start_raise_files();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &less), 0);
    assert_int_equal(less.rlim_cur, before.rlim_max);
    config_faults_open(&faults, "test.yaml");
    config_faults_open(&warnings, "test.yaml");
    start_limits_check(&config, "", &faults, &warnings);
    if (before.rlim_max < 10000000) {
        console_has(lines_of(&warnings), "test.yaml:3:");
        console_has(
            lines_of(&warnings),
            "limits.connections is 10000000: with up to 1100 connections to backends"); /* 2 × 256 × 2 loops,
                                                                                           74, and 2 checks */
    }
    assert_false(config_faults_any(&faults));
    config_free(&config);
}

static const char *reason(const char *io, const char *environment, int err)
{
    static struct config_faults faults;
    struct config config;
    char text[128];

    (void)snprintf(text, sizeof text,
                   "listen: 127.0.0.1:0\nio: %s\nloops: 3\nroutes:\n  - {path: /, respond: {}}\n", io);
    parse(&config, text);
    if (environment != NULL)
        (void)setenv("WEIR_IO", environment, 1);
    config_faults_open(&faults, "test.yaml");
    start_fault_loops(&config, err, &faults);
    (void)unsetenv("WEIR_IO");
    config_free(&config);
    return lines_of(&faults);
}

static void loops_that_can_not_be_started_have_a_reason(void **state)
{
    (void)state;
    console_has(reason("uring", NULL, -ENOSYS),
                "test.yaml:2:5: io is 'uring', but this kernel's io_uring is missing or too old");
    console_has(reason("uring", "epoll", -EPERM),
                "io is 'uring', but io_uring is forbidden here"); /* the file has precedence */
    console_has(reason("auto", "uring", -EPERM),
                "WEIR_IO in the environment is 'uring', but io_uring is forbidden here");
    console_has(reason("auto", "poll", -EINVAL),
                "WEIR_IO in the environment is 'poll', expected auto, uring or epoll");
    console_has(reason("uring", NULL, -ENOMEM), "there is no memory for its rings");
    console_has(reason("epoll", NULL, -EAGAIN), "test.yaml:3:8: the threads of loops: 3 cannot be started");
    console_has(reason("epoll", NULL, -EMFILE), "3 loops cannot be opened");
    console_has(reason("epoll", NULL, -ENOMEM), "3 loops cannot be started: ");
    console_has(reason("epoll", NULL, -ENOMEM), "raise the limit of memory (ulimit -v)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_must_be_of_this_machine),
        cmocka_unit_test(one_address_has_one_listener),
        cmocka_unit_test(paths_of_unix_sockets_are_looked_at),
        cmocka_unit_test(a_port_that_another_program_has_is_taken),
        cmocka_unit_test(an_admin_address_for_all_is_warned_of),
        cmocka_unit_test(pools_that_no_route_uses_are_warned_of),
        cmocka_unit_test(limits_that_are_never_reached_are_warned_of),
        cmocka_unit_test(passwords_without_a_rate_are_warned_of),
        cmocka_unit_test(a_proxy_to_the_gateway_itself_is_warned_of),
        cmocka_unit_test(backends_are_tried_once_each),
        cmocka_unit_test(too_few_descriptors_are_told),
        cmocka_unit_test(loops_that_can_not_be_started_have_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* apps: in a configuration, which of them run alike, and the checks of them on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/support/reading.h"
#include "apps/app_check.h"
#include "apps/app_user.h"
#include "config/app.h"

#define REST "listen: 127.0.0.1:8080\nroutes:\n  - {path: /, respond: {body: x}}\n"
#define RUN "command: [x, '{socket}']"
#define SHOP(text) "apps: {shop: {" RUN ", " text "}}\n" REST /* text begins at column 41 */

static const struct reading_fault table[] = {
    {"apps: []\n" REST, 1, 7, "expected a mapping"},
    {"app: {}\n" REST, 1, 1, "did you mean 'apps'?"},
    {"apps: {a b: {" RUN "}}\n" REST, 1, 8, "1 to 32 letters, digits, '_' and '-'"},
    {"apps: {'': {" RUN "}}\n" REST, 1, 8, "1 to 32 letters"},
    {"apps: {a/../b: {" RUN "}}\n" REST, 1, 8, "1 to 32 letters"},
    {"apps: {abcdefghijklmnopqrstuvwxyz0123456: {" RUN "}}\n" REST, 1, 8, "1 to 32 letters"},
    {"apps: {a: 1}\n" REST, 1, 11, "expected a mapping"},
    {"apps: {a: {}}\n" REST, 1, 11, "no 'command', expected a list, [program, argument, …]"},
    {"apps: {a: {comand: [x, '{socket}']}}\n" REST, 1, 12, "did you mean 'command'?"},
    {"apps: {a: {command: 'x {socket}'}}\n" REST, 1, 21, "expected a list, [program, argument, …]"},
    {"apps: {a: {command: []}}\n" REST, 1, 21, "no program"},
    {"apps: {a: {command: ['', '{socket}']}}\n" REST, 1, 22, "no program"},
    {"apps: {a: {command: [x, {socket: }]}}\n" REST, 1, 25, "braces need quotes, \"{socket}\""},
    {"apps: {a: {command: [x, [y]]}}\n" REST, 1, 25, "expected text"},
    {"apps: {a: {command: [x, 'unix:{sock}']}}\n" REST, 1, 21, "'a' has no '{socket}'"},
    {SHOP("processes: 0"), 1, 52, "from 1 to 64"},
    {SHOP("processes: 65"), 1, 52, "from 1 to 64"},
    {SHOP("proceses: 1"), 1, 41, "did you mean 'processes'?"},
    {SHOP("concurrency: 0"), 1, 54, "from 1 to 1024"},
    {SHOP("concurrency: 1025"), 1, 54, "from 1 to 1024"},
    {SHOP("queue: -1"), 1, 48, "from 0 to 1000000"},
    {SHOP("wait: 5"), 1, 47, "a duration such as"},
    {SHOP("timeout: 0s"), 1, 50, "from 1ms to 24h"},
    {SHOP("requests: 0"), 1, 51, "from 1 to"},
    {SHOP("age: 1ms"), 1, 46, "at least 1s"},
    {SHOP("memory: 600"), 1, 49, "at least 1MiB"},
    {SHOP("memory: 600M"), 1, 49, "a size such as"},
    {SHOP("buffer: 1GiB"), 1, 49, "from 0 to 64MiB"},
    {SHOP("ready: healthz"), 1, 48, "a path such as /healthz"},
    {SHOP("ready: {path: '/a b'}"), 1, 58, "%XX"},
    {SHOP("ready: {within: 0s}"), 1, 57, "from 10ms to 1h"},
    {SHOP("ready: {whitin: 1s}"), 1, 49, "did you mean 'within'?"},
    {SHOP("ready: [/x]"), 1, 48, "expected a path such as /healthz, or a mapping"},
    {SHOP("env: [A=b]"), 1, 46, "expected a mapping"},
    {SHOP("env: {'A=b': c}"), 1, 47, "a name without '='"},
    {SHOP("env: {A: [b]}"), 1, 50, "expected text"},
    {SHOP("env: {WEIR_APP_NAME: b}"), 1, 47, "which weir sets itself"},
    {SHOP("cwd: ''"), 1, 46, "text that is not empty"},
    {SHOP("user: ''"), 1, 47, "text that is not empty"},
    {SHOP("stop_signal: TREM"), 1, 54, "SIGTERM, SIGINT"},
    {SHOP("stop_signal: 15"), 1, 54, "SIGTERM, SIGINT"},
    {SHOP("stop_signal: SIGINTR"), 1, 54, "did you mean 'SIGINT'?"},
    {SHOP("stop: 2h"), 1, 47, "from 0s to 1h"},
    {SHOP("hedge: {}"), 1, 48, "needs a second place, expected processes or concurrency to be above 1"},
    {SHOP("hedge: 5"), 1, 48, "app.hedge is '5', expected a percentile above p50 and below p100"},
    {SHOP("hedge: true"), 1, 48, "such as p95 or 40ms"},
    {SHOP("hedge: [p95]"), 1, 48, "such as p95 or 40ms; a mapping, or false"},
    {SHOP("hedge: {after: p50}"), 1, 56, "app.hedge.after is 'p50', expected a percentile above p50"},
    {SHOP("hedge: {after: p100}"), 1, 56, "a percentile above p50 and below p100"},
    {SHOP("hedge: {after: p95.}"), 1, 56, "a percentile above p50"},
    {SHOP("hedge: {after: p95.5.5}"), 1, 56, "a percentile above p50"},
    {SHOP("hedge: {after: p}"), 1, 56, "a percentile above p50"},
    {SHOP("hedge: {after: p+95}"), 1, 56, "a percentile above p50"},
    {SHOP("hedge: {after: 95%}"), 1, 56, "a percentile above p50"},
    {SHOP("hedge: {after: 0s}"), 1, 56, "a duration from 1ms to 1h"},
    {SHOP("hedge: {after: 2h}"), 1, 56, "a duration from 1ms to 1h"},
    {SHOP("hedge: {after: [p95]}"), 1, 56, "a percentile above p50"},
    {SHOP("hedge: {floor: 2h}"), 1, 56,
     "app.hedge.floor is '2h', expected a duration above 0 and at most 1h"},
    {SHOP("hedge: {after: 5ms, floor: 6ms}"), 1, 68,
     "app.hedge.floor is '6ms', expected at most what 'after'"},
    {SHOP("hedge: {extra: 0%}"), 1, 56, "app.hedge.extra is '0%', expected a part above 0% and at most 100%"},
    {SHOP("hedge: {extra: 100.1%}"), 1, 56, "a part above 0%"},
    {SHOP("hedge: {extra: 5}"), 1, 56, "a part above 0%"},
    {SHOP("hedge: {extra: [5%]}"), 1, 56, "a part above 0%"},
    {SHOP("hedge: {afer: p95}"), 1, 49, "did you mean 'after'?"},
    {SHOP("retry: true"), 1, 48, "expected a mapping"},
    {SHOP("retry: {on: rest}"), 1, 53, "did you mean 'reset'?"},
    {SHOP("retry: {on: []}"), 1, 53, "app.retry.on is empty, expected some of connect, reset, 502, 503"},
    {SHOP("retry: {on: [reset, 500]}"), 1, 61,
     "app.retry.on is '500', expected connect, reset, 502, 503 or 504"},
    {SHOP("retry: {on: [reset, reset]}"), 1, 61, "app.retry.on has 'reset' twice"},
    {SHOP("retry: {times: 0}"), 1, 56, "from 1 to 3"},
    {SHOP("retry: {times: 4}"), 1, 56, "from 1 to 3"},
    {SHOP("retry: {extra: 101%}"), 1, 56, "a part above 0% and at most 100%"},
};

static void faults_name_their_place_and_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static void the_defaults_are_those_promised(void **state)
{
    const struct config_app *app;
    struct config c;

    (void)state;
    reading_fine("apps: {shop: {" RUN "}}\n" REST, &c);
    assert_int_equal(c.app_count, 1);
    app = &c.apps[0];
    assert_string_equal(app->name, "shop");
    assert_string_equal(app->command[0], "x");
    assert_string_equal(app->command[1], "{socket}");
    assert_null(app->command[2]);
    assert_null(app->env[0]);
    assert_string_equal(app->cwd, ".");
    assert_null(app->user);
    assert_int_equal(app->processes, 1);
    assert_int_equal(app->concurrency, 1);
    assert_int_equal(app->queue, 64);
    assert_int_equal(app->wait.ns, weir_seconds(1).ns);
    assert_int_equal(app->timeout.ns, weir_seconds(30).ns);
    assert_int_equal(app->buffer_bytes, 64 << 10);
    assert_int_equal(app->answer_bytes, 256 << 10);
    assert_int_equal(app->requests, 0);
    assert_int_equal(app->age.ns, 0);
    assert_int_equal(app->memory_bytes, 0);
    assert_null(app->ready_path);
    assert_int_equal(app->ready_within.ns, weir_seconds(30).ns);
    assert_int_equal(app->stop_signal, SIGTERM);
    assert_int_equal(app->stop.ns, weir_seconds(30).ns);
    assert_false(config_app_has_attempts(app));
    assert_false(app->used);
    config_free(&c);
}

static const struct config_app *read_shop(const char *keys, struct config *c)
{
    char text[256];

    (void)snprintf(text, sizeof text, "apps: {shop: {" RUN ", processes: 2, %s}}\n" REST, keys);
    reading_fine(text, c);
    return &c->apps[0];
}

static void second_attempts_have_defaults(void **state)
{
    const struct config_app *app;
    struct config c;

    (void)state;
    app = read_shop("hedge: {}, retry: {}", &c);
    assert_true(app->hedge.percentile == 95 && app->hedge.extra_percent == 5);
    assert_int_equal(app->hedge.after.ns, 0);
    assert_int_equal(app->hedge.floor.ns, weir_ms(2).ns);
    assert_int_equal(app->retry.on, WEIR_RETRY_CONNECT | WEIR_RETRY_RESET | WEIR_RETRY_502 | WEIR_RETRY_503);
    assert_int_equal(app->retry.times, 1);
    assert_true(app->retry.extra_percent == 10);
    config_free(&c);
    app = read_shop("hedge: false, retry: false", &c);
    assert_false(config_app_has_attempts(app));
    config_free(&c);
}

static void second_attempts_are_read_whole(void **state)
{
    const struct config_app *app;
    struct config c;

    (void)state;
    app = read_shop("hedge: {after: p99.9, floor: 5ms, extra: 2.5%}, retry: {on: [504], times: 3, extra: 1%}",
                    &c);
    assert_true(app->hedge.percentile == 99.9 && app->hedge.extra_percent == 2.5);
    assert_int_equal(app->hedge.floor.ns, weir_ms(5).ns);
    assert_int_equal(app->retry.on, WEIR_RETRY_504);
    assert_int_equal(app->retry.times, 3);
    assert_true(app->retry.extra_percent == 1);
    config_free(&c);
    app = read_shop("hedge: {after: 40ms}", &c);
    assert_true(app->hedge.percentile == 0 && app->retry.on == 0);
    assert_int_equal(app->hedge.after.ns, weir_ms(40).ns);
    config_free(&c);
    app = read_shop("hedge: p99, retry: {on: connect}", &c);
    assert_true(app->hedge.percentile == 99 && app->retry.on == WEIR_RETRY_CONNECT);
    config_free(&c);
    app = read_shop("hedge: 1ms", &c);
    assert_int_equal(app->hedge.after.ns, weir_ms(1).ns);
    assert_int_equal(app->hedge.floor.ns, weir_ms(1).ns);
    config_free(&c);
}

static void an_application_is_read_whole(void **state)
{
    const struct config_app *app;
    struct config c;

    (void)state;
    assert_int_equal(setenv("SHOP_KEY", "se{cr}et", 1), 0);
    reading_fine(
        "apps:\n"
        "  shop:\n"
        "    command: [gunicorn, -b, 'unix:{socket}', shop.wsgi]\n"
        "    processes: 4\n    concurrency: 8\n    queue: 9\n    wait: 500ms\n    timeout: 7s\n"
        "    requests: 5000\n    age: 1h\n    memory: 600MiB\n    buffer: 1KiB\n    answer: 2KiB\n"
        "    ready: {path: '/healthz?x=1', within: 5s}\n"
        "    env: {KEY: '${SHOP_KEY}', EMPTY: , N: 1}\n"
        "    cwd: /srv/shop\n    user: nobody\n    stop_signal: QUIT\n    stop: 0s\n"
        "  node: {command: [node, app.js], env: {PORT: '{socket}'}, ready: /up, stop_signal: SIGINT}\n" REST,
        &c);
    assert_int_equal(c.app_count, 2);
    app = config_app_find(&c, "shop");
    assert_int_equal(app->processes, 4);
    assert_int_equal(app->concurrency, 8);
    assert_int_equal(app->queue, 9);
    assert_int_equal(app->wait.ns, weir_ms(500).ns);
    assert_int_equal(app->timeout.ns, weir_seconds(7).ns);
    assert_int_equal(app->requests, 5000);
    assert_int_equal(app->age.ns, weir_seconds(3600).ns);
    assert_int_equal(app->memory_bytes, 600 << 20);
    assert_int_equal(app->buffer_bytes, 1024);
    assert_int_equal(app->answer_bytes, 2048);
    assert_string_equal(app->ready_path, "/healthz?x=1");
    assert_int_equal(app->ready_within.ns, weir_seconds(5).ns);
    assert_string_equal(app->env[0], "KEY=se{cr}et");
    assert_string_equal(app->env[1], "EMPTY=");
    assert_string_equal(app->env[2], "N=1");
    assert_null(app->env[3]);
    assert_string_equal(app->cwd, "/srv/shop");
    assert_string_equal(app->user, "nobody");
    assert_int_equal(app->stop_signal, SIGQUIT);
    assert_int_equal(app->stop.ns, 0);
    app = config_app_find(&c, "node");
    assert_int_equal(app->number, 1);
    assert_string_equal(app->env[0], "PORT={socket}");
    assert_string_equal(app->ready_path, "/up");
    assert_int_equal(app->ready_within.ns, weir_seconds(30).ns);
    assert_int_equal(app->stop_signal, SIGINT);
    assert_null(config_app_find(&c, "sho"));
    config_free(&c);
}

static void relative_folders_begin_at_the_file(void **state)
{
    static const char text[] = "apps:\n  a: {" RUN "}\n  b: {" RUN ", cwd: sub}\n" REST;
    struct config_faults faults;
    struct config c;

    (void)state;
    config_faults_open(&faults, "conf/weir.yaml");
    assert_int_equal(config_parse(&c, text, strlen(text), &route_kinds, &faults), 0);
    assert_string_equal(c.apps[0].cwd, "conf/.");
    assert_string_equal(c.apps[1].cwd, "conf/sub");
    config_free(&c);
}

/* --- a reload --- */

static bool run_alike(const char *a, const char *b)
{
    char text[512];
    struct config config[2];
    bool alike;

    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof text, "apps: {shop: {%s}}\n%s", i == 0 ? a : b, REST);
        reading_fine(text, &config[i]);
    }
    alike = config_apps_run_alike(&config[0].apps[0], &config[1].apps[0]);
    assert_int_equal(config_apps_run_alike(&config[1].apps[0], &config[0].apps[0]), alike);
    config_free(&config[0]);
    config_free(&config[1]);
    return alike;
}

static void what_changes_a_process_makes_applications_differ(void **state)
{
    (void)state;
    assert_true(run_alike(RUN, RUN));
    assert_true(run_alike(RUN,
                          RUN ", queue: 1, wait: 2s, timeout: 3s, buffer: 4KiB, processes: 5, requests: 6, "
                              "age: 7s, memory: 8MiB, stop: 9s, ready: /x, stop_signal: INT, "
                              "concurrency: 10"));
    assert_false(run_alike(RUN, "command: [x, '{socket}', y]"));
    assert_false(run_alike(RUN, "command: [x, 'u{socket}']"));
    assert_false(run_alike(RUN, RUN ", env: {A: b}"));
    assert_false(run_alike(RUN ", env: {A: b}", RUN ", env: {A: c}"));
    assert_false(run_alike(RUN ", env: {A: b}", RUN ", env: {A: b, B: c}"));
    assert_false(run_alike(RUN, RUN ", cwd: /"));
    assert_false(run_alike(RUN, RUN ", user: root"));
    assert_false(run_alike(RUN ", user: games", RUN ", user: root"));
}

/* --- on this machine --- */

struct check {
    const char *keys, *fault; /* NULL: none */
};

static void checked(const struct check *wanted)
{
    char text[512];
    struct config config;
    struct config_faults faults, warnings;

    (void)snprintf(text, sizeof text, "apps: {shop: {%s}}\n%s", wanted->keys, REST);
    reading_fine(text, &config);
    config_faults_open(&faults, "f");
    config_faults_open(&warnings, "f");
    assert_int_equal(app_check(&config, &faults), wanted->fault != NULL ? -WEIR_ECONFIG : 0);
    if (wanted->fault == NULL && config.apps[0].user != NULL) {
        struct app_user user;
        assert_int_equal(app_user_find(config.apps[0].user, &user), 0);
        assert_true(config.apps[0].uid == user.uid && config.apps[0].gid == user.gid);
    }
    app_check_idle(&config, &warnings);
    if (wanted->fault == NULL && faults.count > 0)
        fail_msg("%s in: %s", faults.fault[0].text, wanted->keys);
    if (wanted->fault != NULL && (faults.count != 1 || strstr(faults.fault[0].text, wanted->fault) == NULL ||
                                  faults.fault[0].place.line != 1 || faults.fault[0].place.column != 8))
        fail_msg("%zu faults, first '%s'; expected '%s' in: %s", faults.count,
                 faults.count > 0 ? faults.fault[0].text : "", wanted->fault, wanted->keys);
    assert_int_equal(warnings.count, 1);
    assert_non_null(
        strstr(warnings.fault[0].text, "app 'shop' is used by no route; expected one with 'serve: shop'"));
    config_free(&config);
}

static void what_can_not_be_started_is_found(void **state)
{
    static const struct check checks[] = {
        {"command: [sh, '{socket}']", NULL},
        {"command: [/bin/sh, '{socket}']", NULL},
        {"command: [./sh, '{socket}'], cwd: /bin", NULL},
        {"command: [bin/sh, '{socket}'], cwd: /", NULL},
        {"command: [sh, '{socket}'], env: {PATH: ':/nowhere'}, cwd: /bin", NULL},
        {"command: [sh, '{socket}'], env: {PATH: '/nowhere:/sbin/../bin'}", NULL},
        {"command: [sh, '{socket}'], env: {PATH: /nowhere}", "begins with 'sh', expected a program in PATH"},
        {"command: [no-such-program, '{socket}']",
         "begins with 'no-such-program', expected a program in PATH"},
        {"command: [./sh, '{socket}'], cwd: /etc", "begins with './sh', expected a program: No such file"},
        {"command: [/etc/passwd, '{socket}']", "begins with '/etc/passwd', expected a program: Permission"},
        {"command: [/etc, '{socket}']", "begins with '/etc', expected a program: Permission"},
        {"command: [sh, '{socket}'], cwd: /no/where",
         "app.cwd of 'shop' is '/no/where', expected a folder: No such"},
        {"command: [sh, '{socket}'], cwd: /etc/passwd", "expected a folder: Not a directory"},
        {"command: [sh, '{socket}'], user: no-such-user",
         "app.user of 'shop' is 'no-such-user', expected a user"},
        {"command: [sh, '{socket}'], user: '4294967295'", "expected a user that this system has"},
        {"command: [sh, '{socket}'], user: '99999999999999999999'", "expected a user that this system has"},
        {"command: [sh, '{socket}'], user: '61234x'", "expected a user that this system has"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        checked(&checks[i]);
}

static void another_user_needs_root(void **state)
{
    const uid_t uid = geteuid();
    const struct check own = {"command: [sh, '{socket}'], user: nobody", NULL};
    const struct check numbered = {"command: [sh, '{socket}'], user: '61234'", NULL}; /* has no entry */
    const struct check other = {"command: [sh, '{socket}'], user: nobody",
                                "expected weir to be started as root"};

    (void)state;
    checked(uid == 0 ? &own : &other);
    if (uid == 0)
        checked(&numbered);
    if (uid != 0 || seteuid(1) < 0)
        return;
    checked(&other);
    assert_int_equal(seteuid(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place_and_what_was_expected),
        cmocka_unit_test(the_defaults_are_those_promised),
        cmocka_unit_test(second_attempts_have_defaults),
        cmocka_unit_test(second_attempts_are_read_whole),
        cmocka_unit_test(an_application_is_read_whole),
        cmocka_unit_test(relative_folders_begin_at_the_file),
        cmocka_unit_test(what_changes_a_process_makes_applications_differ),
        cmocka_unit_test(what_can_not_be_started_is_found),
        cmocka_unit_test(another_user_needs_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What the pages of the admin address tell of backends: of a gateway that runs, one of whose instances fails.
 */
#include <stdio.h>
#include <string.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "app/support/running.h"
#include "commands/commands.h"
#include "support/run.h"

static const char configuration[] =
    "loops: 2\n"
    "access_log: false\n"
    "log_level: error\n"
    "backends:\n"
    "  two: {urls: ['http://%s', 'http://%s'], balance: round_robin, eject: {after: 2, for: 5m}, limit: "
    "100,\n"
    "        connections: {max: 7, queue: 9}, breaker: {failed: 100%%, of: 1000}}\n"
    "  sad: {urls: ['http://%s'], health: {path: /bad, every: 20ms, timeout: 1m, failed: 1}}\n"
    "  idle: {urls: ['http://127.0.0.1:1'], connections: {max: 3, queue: 4}}\n"
    "routes:\n"
    "  - {path: '/page', gather: {deadline: 1m, require: none, calls: [{name: one, backend: two, path: "
    "/x}]}}\n"
    "  - {path: '/sad', gather: {deadline: 1m, require: none, calls: [{name: one, backend: sad, path: "
    "/x}]}}\n"
    "  - {path: '/idle', gather: {calls: [{name: one, backend: idle, path: /x}]}}\n";

static const struct given_page good_pages[] = {{"/x", 200, "1"}};
static const struct given_page bad_pages[] = {{"/x", 503, "2"}, {"/bad", 404, "3"}};

static struct running gateway;
static struct given_pages *good, *bad;
static struct answer page;

static int begin(void **state)
{
    char text[sizeof configuration + 256];

    (void)state;
    good = given_pages_open(good_pages, 1);
    bad = given_pages_open(bad_pages, 2);
    (void)snprintf(text, sizeof text, configuration, given_pages_address(good), given_pages_address(bad),
                   given_pages_address(bad));
    running_start(&gateway, text);
    for (int i = 0; i < 6; i++) {
        ask(&page, gateway.address, "/page", NULL);
        assert_int_equal(page.status, 200);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    answer_free(&page);
    running_stop(&gateway);
    (void)given_pages_close(good, NULL);
    (void)given_pages_close(bad, NULL);
    return 0;
}

static const char *look(const char *path)
{
    ask(&page, gateway.admin, path, NULL);
    assert_int_equal(page.status, 200);
    return page.body;
}

static const json_t *instance_at(const json_t *backend, const char *address)
{
    const json_t *instance;
    size_t i;

    json_array_foreach(json_at(backend, "instances"), i,
                       instance) if (strcmp(text_at(instance, "address"), address) == 0) return instance;
    fail_msg("there is no %s", address);
    return NULL;
}

/* Two in a row go to the bad one, before it is ejected; the others to the good one. */
static void statistics_tell_of_each_instance(void **state)
{
    json_t *stats = read_json(look("/stats"));
    const json_t *two = json_at(stats, "backends.0"), *idle = json_at(stats, "backends.2");
    const json_t *fine = instance_at(two, given_pages_address(good)),
                 *wrong = instance_at(two, given_pages_address(bad));

    (void)state;
    assert_int_equal(json_array_size(json_at(stats, "backends")), 3);
    assert_string_equal(text_at(two, "backend"), "two");
    assert_true(number_at(two, "limit") == 100);
    assert_true(number_at(two, "in_use") == 0);
    assert_true(number_at(two, "up") == 1);
    assert_true(number_at(two, "waiting_max") == 9);
    assert_true(number_at(two, "connections_max") == 7);
    assert_true(number_at(two, "last_10s.requests") == 6);
    assert_true(number_at(two, "last_60s.errors") == 2);
    assert_true(number_at(two, "last_60s.refused") == 0);
    assert_true(json_is_false(json_at(two, "open")) && json_is_null(json_at(two, "open_s")));
    assert_true(json_is_false(json_at(two, "checked")) && json_is_false(json_at(two, "panics")));
    assert_string_equal(text_at(fine, "state"), "up");
    assert_true(number_at(fine, "last_60s.requests") == 4);
    assert_true(json_is_null(json_at(fine, "last_error")) && json_is_null(json_at(fine, "last_check")));
    assert_string_equal(text_at(wrong, "state"), "ejected");
    assert_true(number_at(wrong, "since_s") >= 0 && number_at(wrong, "since_s") < 300);
    assert_true(number_at(wrong, "last_60s.requests") == 2 && number_at(wrong, "last_60s.errors") == 2);
    assert_true(number_at(wrong, "last_60s.ejections") == 1);
    assert_string_equal(text_at(wrong, "last_error.text"), "Service Unavailable");
    assert_true(number_at(idle, "last_60s.requests") == 0);
    json_decref(stats);
}

static void metrics_have_the_same_counts(void **state)
{
    char sample[256];

    (void)state;
    (void)look("/metrics");
    console_has(page.body, "weir_backend_requests_total{backend=\"two\"} 6\n");
    console_has(page.body, "weir_backend_requests_total{backend=\"idle\"} 0\n");
    console_has(page.body, "weir_backend_open{backend=\"two\"} 0\n");
    console_has(page.body, "weir_backend_limit{backend=\"two\"} 100\n");
    console_has(page.body, "weir_backend_limit{backend=\"idle\"} 0\n");
    console_has(page.body, "weir_backend_connections_max{backend=\"idle\"} 3\n");
    console_has(page.body, "weir_backend_waiting_max{backend=\"idle\"} 4\n");
    console_has(page.body, "weir_backend_refused_total{backend=\"idle\",reason=\"limited\"} 0\n");
    console_has(page.body, "weir_backend_refused_total{backend=\"two\",reason=\"no_instance\"} 0\n");
    (void)snprintf(sample, sizeof sample, "weir_backend_ejected{backend=\"two\",address=\"%s\"} 1\n",
                   given_pages_address(bad));
    console_has(page.body, sample);
    (void)snprintf(sample, sizeof sample, "weir_backend_instance_up{backend=\"two\",address=\"%s\"} 0\n",
                   given_pages_address(bad));
    console_has(page.body, sample);
    (void)snprintf(sample, sizeof sample, "weir_backend_instance_up{backend=\"two\",address=\"%s\"} 1\n",
                   given_pages_address(good));
    console_has(page.body, sample);
    (void)snprintf(sample, sizeof sample,
                   "weir_backend_instance_failures_total{backend=\"two\",address=\"%s\"} 2\n",
                   given_pages_address(bad));
    console_has(page.body, sample);
    console_lacks(page.body, "weir_origin_requests_total{origin=\"two\"}"); /* its instances are origins */
}

static bool is_down(const json_t *stats)
{
    return strcmp(text_at(stats, "backends.1.instances.0.state"), "down") == 0;
}

/* The check finds what requests do not: nothing has asked the backend. */
static void an_instance_that_fails_its_checks_is_down(void **state)
{
    json_t *stats = NULL;

    (void)state;
    do {
        json_decref(stats);
        stats = read_json(look("/stats"));
    } while (json_array_size(json_at(stats, "backends.1.instances")) == 0 || !is_down(stats));
    assert_string_equal(text_at(stats, "backends.1.instances.0.last_check"), "Not Found");
    assert_true(json_is_true(json_at(stats, "backends.1.checked")));
    assert_true(number_at(stats, "backends.1.last_60s.requests") == 0);
    json_decref(stats);
    ask(&page, gateway.address, "/sad", NULL); /* sent there all the same */
    stats = read_json(look("/stats"));
    assert_true(json_is_true(json_at(stats, "backends.1.panics")));
    json_decref(stats);
}

/* Returns: whether a finding on this backend has the words. */
static bool finds(const json_t *advice, const char *backend, const char *words)
{
    const json_t *finding;
    size_t i;

    json_array_foreach(json_at(advice, "findings"), i,
                       finding) if (strcmp(text_at(finding, "about"), "backend") == 0 &&
                                    strcmp(text_at(finding, "name"), backend) == 0 &&
                                    strstr(text_at(finding, "text"), words) != NULL) return true;
    return false;
}

static void findings_and_commands_tell_of_it(void **state)
{
    struct console c = {0};
    json_t *advice = read_json(look("/advice"));

    (void)state;
    assert_true(finds(advice, "two", "two (/page): 1 of 2 instances is ejected after 2 failures in a row"));
    assert_true(finds(advice, "sad", "sad (/sad): 1 of 1 instances is down by the health checks (GET /bad)"));
    assert_true(finds(advice, "sad", "its only instance is down or ejected"));
    assert_false(finds(advice, "idle", ""));
    json_decref(advice);
    RUN(&c, command_advise, "advise", gateway.admin);
    assert_int_equal(c.code, EXIT_FINE);
    console_has(c.out, "! two (/page): 1 of 2 instances is ejected");
    console_has(c.out, "\nbackend two  ");
    console_has(c.out, "  1 of 2 instances up, 0 requests in progress, ");
    console_lacks(c.out, "backend idle");
    RUN(&c, command_top, "top", "--once", gateway.admin);
    assert_int_equal(c.code, EXIT_FINE);
    console_has(c.out, "BACKEND, its instances");
    console_has(c.out, ": Service Unavailable\n");
    console_has(c.out, ": Not Found\n");
    console_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_tell_of_each_instance),
        cmocka_unit_test(metrics_have_the_same_counts),
        cmocka_unit_test(an_instance_that_fails_its_checks_is_down),
        cmocka_unit_test(findings_and_commands_tell_of_it),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: MIT */
/* Second attempts of applications on pages: those of one that has none are not shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <weir/json.h>

#include "admin/page_metrics_parts.h"
#include "admin/page_stats_parts.h"
#include "metrics/collector_parts.h"

static struct snapshot_app apps[2];
static struct snapshot s;
static struct text_out out;

static int begin(void **state)
{
    const weir_attempts_stats stats = {
        .name = "app shop",
        .attempts = {[WEIR_ATTEMPT_FIRST] = {[WEIR_ATTEMPT_ANSWERED] = 90},
                     [WEIR_ATTEMPT_RETRY] = {[WEIR_ATTEMPT_ANSWERED] = 3, [WEIR_ATTEMPT_FAILED] = 1}},
        .denied = {[WEIR_ATTEMPT_NO_ROOM] = 2},
        .budget = 4,
    };

    (void)state;
    memset(apps, 0, sizeof apps);
    apps[0].name = "plain";
    apps[1].name = "shop";
    s = (struct snapshot){.apps = apps, .app_count = 2};
    assert_int_equal(open_attempts(&apps[1].attempts), 0);
    take_attempts(&apps[1].attempts, &stats);
    text_out_init(&out, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    series_close(&apps[1].attempts.ended);
    weir_buffer_free(&out.text);
    return 0;
}

static void metrics_have_an_application_as_a_backend(void **state)
{
    struct exposition e = {.out = &out};

    (void)state;
    page_metrics_attempts(&e, &s);
    assert_int_equal(out.err, 0);
    assert_non_null(strstr(out.text.data,
                           "\nweir_attempts_total{backend=\"app shop\",kind=\"first\",outcome=\"ok\"} 90\n"));
    assert_non_null(strstr(
        out.text.data, "\nweir_attempts_total{backend=\"app shop\",kind=\"retry\",outcome=\"failed\"} 1\n"));
    assert_non_null(
        strstr(out.text.data, "\nweir_attempts_denied_total{backend=\"app shop\",why=\"busy\"} 2\n"));
    assert_null(strstr(out.text.data, "weir_hedge_after_seconds{")); /* it retries alone */
    assert_null(strstr(out.text.data, "plain"));
}

static void statistics_have_them_beside_the_others(void **state)
{
    struct window_clock clock;

    (void)state;
    window_clock_init(&clock, weir_now());
    series_work_out(&apps[1].attempts.ended, &clock, weir_now());
    text_out_add(&out, "[");
    page_stats_apps(&out, &s);
    text_out_add(&out, "]");
    assert_int_equal(out.err, 0);
    assert_true(weir_json_is_valid(out.text.data, out.text.len, 10));
    assert_non_null(strstr(out.text.data, "\"app\":\"plain\",\"in_flight\":0,\"waiting\":0,\"last_10s\":"));
    assert_non_null(strstr(
        out.text.data,
        "\"app\":\"shop\",\"in_flight\":0,\"waiting\":0,\"hedge_after_ms\":null,\"budget\":4,\"last_10s\":"));
    assert_non_null(strstr(out.text.data, "\"attempts\":{\"first\":90,\"hedged\":0,\"won\":0,\"retried\":4,"
                                          "\"recovered\":3,\"saved_ms\":0,"));
    assert_non_null(strstr(out.text.data, "\"denied\":2,\"reasons\":{\"busy\":2}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metrics_have_an_application_as_a_backend, begin, end),
        cmocka_unit_test_setup_teardown(statistics_have_them_beside_the_others, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

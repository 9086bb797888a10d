/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "metrics/exposition.h"

static struct text_out out;

static struct exposition begin(void)
{
    text_out_init(&out, 1 << 20);
    return (struct exposition){.out = &out};
}

static void assert_written(const char *wanted)
{
    assert_int_equal(out.err, 0);
    assert_string_equal(out.text.data, wanted);
    weir_buffer_free(&out.text);
}

static void a_family_has_its_help_and_type_and_samples(void **state)
{
    struct exposition e = begin();
    const struct label labels[] = {{"route", "/a"}, {"status", "200"}, {NULL, NULL}};

    (void)state;
    exposition_family(&e, "weir_requests_total", "counter", "Requests.");
    exposition_count(&e, labels, UINT64_MAX);
    exposition_family(&e, "process_start_time_seconds", "gauge", "When.");
    exposition_value(&e, NULL, 1795536000.25);
    assert_written("# HELP weir_requests_total Requests.\n"
                   "# TYPE weir_requests_total counter\n"
                   "weir_requests_total{route=\"/a\",status=\"200\"} 18446744073709551615\n"
                   "# HELP process_start_time_seconds When.\n"
                   "# TYPE process_start_time_seconds gauge\n"
                   "process_start_time_seconds 1795536000.25\n");
}

static void values_of_labels_are_escaped(void **state)
{
    struct exposition e = begin();
    const struct label labels[] = {{"a", "\"quoted\" back\\slash\nnew line\n"},
                                   {"b", ""},
                                   {"c", "\\"},
                                   {"d", "größer, {x=\"1\"}"},
                                   {NULL, NULL}};

    (void)state;
    e.family = "m";
    exposition_count(&e, labels, 1);
    assert_written("m{a=\"\\\"quoted\\\" back\\\\slash\\nnew line\\n\",b=\"\",c=\"\\\\\",d=\"größer, "
                   "{x=\\\"1\\\"}\"} 1\n");
}

static void a_meter_is_a_histogram_in_seconds(void **state)
{
    static weir_meter meter;
    struct exposition e = begin();
    const struct label labels[] = {{"route", "/a"}, {NULL, NULL}};

    (void)state;
    weir_meter_record(&meter, (weir_duration){0});
    weir_meter_record_many(&meter, weir_us(90), 2);
    weir_meter_record(&meter, weir_ms(3));
    weir_meter_record(&meter, weir_ms(700));
    weir_meter_record(&meter, weir_seconds(60));
    exposition_family(&e, "s", "histogram", "Time.");
    exposition_meter(&e, labels, &meter, NULL);
    assert_written("# HELP s Time.\n"
                   "# TYPE s histogram\n"
                   "s_bucket{route=\"/a\",le=\"0.0001\"} 3\n"
                   "s_bucket{route=\"/a\",le=\"0.00025\"} 3\n"
                   "s_bucket{route=\"/a\",le=\"0.0005\"} 3\n"
                   "s_bucket{route=\"/a\",le=\"0.001\"} 3\n"
                   "s_bucket{route=\"/a\",le=\"0.0025\"} 3\n"
                   "s_bucket{route=\"/a\",le=\"0.005\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"0.01\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"0.025\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"0.05\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"0.1\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"0.25\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"0.5\"} 4\n"
                   "s_bucket{route=\"/a\",le=\"1\"} 5\n"
                   "s_bucket{route=\"/a\",le=\"2.5\"} 5\n"
                   "s_bucket{route=\"/a\",le=\"5\"} 5\n"
                   "s_bucket{route=\"/a\",le=\"10\"} 5\n"
                   "s_bucket{route=\"/a\",le=\"30\"} 5\n"
                   "s_bucket{route=\"/a\",le=\"+Inf\"} 6\n"
                   "s_sum{route=\"/a\"} 60.70318\n"
                   "s_count{route=\"/a\"} 6\n");
}

static void openmetrics_names_families_and_bounds_its_own_way(void **state)
{
    static weir_meter meter;
    static struct exemplar exemplars[BUCKETS];
    static const char begins[] = "# HELP weir_build What.\n# TYPE weir_build info\nweir_build_info 1\n";
    struct exposition e = begin();
    const char *text;

    (void)state;
    e.openmetrics = true;
    exposition_family(&e, "weir_build_info", "info", "What.");
    exposition_count(&e, NULL, 1);
    exposition_family(&e, "weir_requests_total", "counter", "Requests.");
    exposition_count(&e, NULL, 3);
    exposition_family(&e, "s", "histogram", "Time.");
    weir_meter_record(&meter, weir_ms(700));
    exemplars[bucket_of(weir_ms(700))] = (struct exemplar){
        .trace = {.id_high = 0x4bf92f3577b34da6, .id_low = 0xa3ce929d0e0e4736},
        .took = weir_ms(700),
        .at_ms = UINT64_C(1764422400123),
    };
    exposition_meter(&e, NULL, &meter, exemplars);
    exposition_end(&e);
    text = out.text.data;
    assert_memory_equal(text, begins, strlen(begins));
    assert_non_null(strstr(text, "# TYPE weir_requests counter\nweir_requests_total 3\n"));
    assert_non_null(strstr(text, "\ns_bucket{le=\"1.0\"} 1 # "
                                 "{trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 0.7 1764422400.123\n"
                                 "s_bucket{le=\"2.5\"} 1\n"));
    assert_string_equal(text + out.text.len - strlen("# EOF\n"), "# EOF\n");
    weir_buffer_free(&out.text);
}

static void a_histogram_may_have_no_labels(void **state)
{
    static weir_meter meter;
    struct exposition e = begin();

    (void)state;
    exposition_family(&e, "s", "histogram", "Time.");
    exposition_meter(&e, NULL, &meter, NULL);
    assert_non_null(strstr(out.text.data, "\ns_bucket{le=\"+Inf\"} 0\ns_sum 0\ns_count 0\n"));
    weir_buffer_free(&out.text);
}

static void what_has_no_room_is_an_error_not_half_a_page(void **state)
{
    struct exposition e = {.out = &out};

    (void)state;
    text_out_init(&out, 64);
    exposition_family(&e, "weir_requests_total", "counter", "Longer than the page may be.");
    exposition_count(&e, NULL, 1);
    assert_int_equal(out.err, -WEIR_ETOOLARGE);
    weir_buffer_free(&out.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_has_its_help_and_type_and_samples),
        cmocka_unit_test(values_of_labels_are_escaped),
        cmocka_unit_test(a_meter_is_a_histogram_in_seconds),
        cmocka_unit_test(openmetrics_names_families_and_bounds_its_own_way),
        cmocka_unit_test(a_histogram_may_have_no_labels),
        cmocka_unit_test(what_has_no_room_is_an_error_not_half_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

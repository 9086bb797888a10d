/* SPDX-License-Identifier: MIT */
/* The memory that a configuration may take, and the number of requests that a limit has room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "config/load.h"
#include "gateway/memory_need.h"
#include "gateway/memory_watch.h"
#include "routes/table.h"

#define MIB (UINT64_C(1) << 20)
#define HELLO "routes:\n  - {path: /, respond: {}}\n"

static struct config_faults warnings_of(const char *text, weir_memory_stats use)
{
    struct config c;
    struct config_faults warnings;

    config_faults_open(&warnings, "f.yaml");
    assert_int_equal(config_parse(&c, text, strlen(text), &route_kinds, &warnings), 0);
    memory_need_check(&c, &use, &warnings);
    config_free(&c);
    return warnings;
}

static void limits_beyond_the_memory_are_told(void **state)
{
    const weir_memory_stats small = {
        .limit_bytes = 32 * MIB, .used_bytes = 8 * MIB, .resident_bytes = 8 * MIB, .limit_of = "cgroup"};
    struct config_faults warnings = warnings_of("listen: 127.0.0.1:0\n" HELLO, small);

    (void)state;
    assert_int_equal(warnings.count, 1);
    assert_int_equal(warnings.fault[0].place.line, 1); /* the file has no such key */
    assert_non_null(strstr(warnings.fault[0].text, "32 MiB are available (cgroup); lower limits."));
    warnings = warnings_of("listen: 127.0.0.1:0\nlimits: {connections: 9999, exchanges: 10}\n" HELLO, small);
    assert_non_null(strstr(warnings.fault[0].text, "lower limits.connections"));
    assert_int_equal(warnings.fault[0].place.line, 2);
    assert_int_equal(warnings.fault[0].place.column, 23);
    warnings = warnings_of("listen: 127.0.0.1:0\nlimits: {connections: 500, exchanges: 9999}\n" HELLO, small);
    assert_non_null(strstr(warnings.fault[0].text, "lower limits.exchanges"));
    assert_int_equal(warnings.fault[0].place.column, 39);
    warnings =
        warnings_of("listen: 127.0.0.1:0\nlimits: {connections: 10, exchanges: 10}\nbackends:\n"
                    "  a: {urls: 'http://a'}\n  b: {urls: 'http://b', connections: {max: 9999}}\n" HELLO,
                    small);
    assert_non_null(strstr(warnings.fault[0].text, "lower connections.max of this backend"));
    assert_int_equal(warnings.fault[0].place.line, 5);
    warnings = warnings_of("listen: 127.0.0.1:0\nlimits: {connections: 10, exchanges: 10}\nroutes:\n"
                           "  - {path: /t, thumbnail: {width: 9, height: 9}}\n",
                           small);
    assert_non_null(strstr(warnings.fault[0].text, "this route's jobs"));
    assert_int_equal(warnings.fault[0].place.line, 4);
    warnings = warnings_of("listen: 127.0.0.1:0\nlimits: {connections: 500, exchanges: 100}\n" HELLO, small);
    assert_int_equal(warnings.count, 0);
    warnings = warnings_of("listen: 127.0.0.1:0\n" HELLO, (weir_memory_stats){0});
    assert_int_equal(warnings.count, 0);
}

static void files_are_kept_once_for_all_routes(void **state)
{
    static const char *const texts[] = {"listen: 127.0.0.1:0\nlimits: {connections: 500, exchanges: "
                                        "100}\nroutes: [{path: '/a/*', file: {root: "
                                        ".}}]\n",
                                        "listen: 127.0.0.1:0\nlimits: {connections: 500, exchanges: "
                                        "100}\nroutes: [{path: '/a/*', file: {root: "
                                        ".}}, {path: '/b/*', file: {root: .}}]\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        weir_memory_stats use = {.limit_bytes = 60 * MIB, .limit_of = "cgroup"};

        assert_int_equal(warnings_of(texts[i], use).count, 0);
        use.limit_bytes = 40 * MIB;
        assert_int_equal(warnings_of(texts[i], use).count, 1);
    }
}

static void each_rate_has_its_table(void **state)
{
#define RATED(rate) "  - {path: /" rate ", respond: {}, rate: {requests: 1, by: " rate "}}\n"
    static const char by_route[] =
        "listen: 127.0.0.1:0\nlimits: {connections: 1, exchanges: 1}\nroutes:\n" RATED("route");
    static const char by_client[] =
        "listen: 127.0.0.1:0\nlimits: {connections: 1, exchanges: 1}\nroutes:\n" RATED("client");
    weir_memory_stats use = {.limit_bytes = 24 * MIB + 256 * 1024, .limit_of = "cgroup"};

    (void)state;
    assert_int_equal(warnings_of(by_route, use).count, 0);
    assert_int_equal(warnings_of(by_client, use).count, 1);
    use.limit_bytes += 512 * 1024;
    assert_int_equal(warnings_of(by_client, use).count, 0);
}

static void tls_needs_more_with_each_connection(void **state)
{
#define LIMITS "limits: {connections: 500, exchanges: 100}\n"
    const weir_memory_stats small = {
        .limit_bytes = 32 * MIB, .used_bytes = 8 * MIB, .resident_bytes = 8 * MIB, .limit_of = "cgroup"};
    struct config_faults warnings = warnings_of(
        "listen: {address: '127.0.0.1:0', tls: {certificates: [{cert: a, key: b}]}}\n" LIMITS HELLO, small);

    (void)state;
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.fault[0].text, "lower limits.connections"));
    warnings = warnings_of("listen: 127.0.0.1:0\n" LIMITS
                           "backends: {a: {urls: 'http://a', connections: {max: 500}}}\n" HELLO,
                           small);
    assert_int_equal(warnings.count, 0);
    warnings = warnings_of("listen: 127.0.0.1:0\n" LIMITS
                           "backends: {a: {urls: 'https://a', connections: {max: 501}}}\n" HELLO,
                           small);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.fault[0].text, "lower connections.max of this backend"));
}

static void a_gather_needs_more_with_each_call(void **state)
{
    static const char text[] =
        "listen: 127.0.0.1:0\nroutes:\n  - {path: /, gather: {calls: [{name: a, url: 'http://h'}]}}\n";
    static const char twice[] =
        "listen: 127.0.0.1:0\nroutes:\n"
        "  - {path: /, gather: {calls: [{name: a, url: 'http://h'}, {name: b, url: 'http://h'}]}}\n";
    struct config_faults faults;
    struct config c, d;

    (void)state;
    config_faults_open(&faults, "f.yaml");
    assert_int_equal(config_parse(&c, text, strlen(text), &route_kinds, &faults), 0);
    assert_int_equal(config_parse(&d, twice, strlen(twice), &route_kinds, &faults), 0);
    assert_true(memory_of_exchange(&d) > memory_of_exchange(&c));
    config_free(&c);
    config_free(&d);
}

static int allowed(uint64_t limit, uint64_t used, int in_progress, bool held)
{
    const weir_memory_stats use = {.limit_bytes = limit, .used_bytes = used};

    return memory_allows(&use, in_progress, 64 << 10, held);
}

static void room_beside_the_reserve_is_given_away(void **state)
{
    (void)state;
    assert_int_equal(allowed(0, 0, 5, false), INT_MAX);
    assert_int_equal(allowed(100 * MIB, 50 * MIB, 7, false), 7 + 40 * 16);
    assert_int_equal(allowed(100 * MIB, 90 * MIB, 7, false), 0);
    assert_int_equal(allowed(100 * MIB, 100 * MIB, 7, false), 0);
    assert_int_equal(allowed(100 * MIB, 86 * MIB, 7, true), 0); /* else it would alternate */
    assert_true(allowed(100 * MIB, 86 * MIB, 7, false) > 7);
    assert_true(allowed(100 * MIB, 80 * MIB, 0, true) > 0);
    assert_int_equal(allowed(UINT64_MAX / 2, 0, 3, false), INT_MAX);
    assert_int_equal(memory_reserve(UINT64_C(1) << 40), 512 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_beyond_the_memory_are_told),
        cmocka_unit_test(files_are_kept_once_for_all_routes),
        cmocka_unit_test(each_rate_has_its_table),
        cmocka_unit_test(tls_needs_more_with_each_connection),
        cmocka_unit_test(a_gather_needs_more_with_each_call),
        cmocka_unit_test(room_beside_the_reserve_is_given_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

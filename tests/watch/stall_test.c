/* SPDX-License-Identifier: MIT */
/* The tables of stalls, the reports about them, and when they are due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "watch/stall.h"
#include "watch/stall_hint.h"
#include "watch/stall_report.h"

#define S INT64_C(1000000000)

static struct weir__stall stall_at(uint64_t key, const char *route, int64_t ms)
{
    struct weir__stall s = {.key = key,
                            .shown = {.type = WEIR_STALL_COMPUTING, .held = weir_ms(ms), .count = 1}};

    s.shown.held_max = s.shown.held;
    s.shown.first_ns = s.shown.last_ns = (int64_t)key;
    s.has_route = route != NULL;
    snprintf(s.route, sizeof s.route, "%s", route != NULL ? route : "");
    snprintf(s.task, sizeof s.task, "task %d", (int)key);
    return s;
}

static void add(struct weir__stalls *t, uint64_t key, const char *route, int64_t ms)
{
    struct weir__stall s = stall_at(key, route, ms);

    assert_int_equal(weir__stalls_add(t, &s), 0);
}

/* --- places --- */

struct seen {
    char order[512];
    weir_stall first;
    int stop_after, count;
};

static int look(void *arg, const weir_stall *s)
{
    struct seen *seen = arg;

    if (seen->count == 0)
        seen->first = *s;
    snprintf(seen->order + strlen(seen->order), sizeof seen->order - strlen(seen->order), "%s%s*%d",
             seen->count > 0 ? " " : "", s->task + 5, (int)s->count);
    return ++seen->count == seen->stop_after ? 7 : 0;
}

static void places_are_counted_and_the_latest_is_first(void **state)
{
    struct weir__stalls t;
    struct seen seen = {0}, two = {.stop_after = 2};

    (void)state;
    weir__stalls_init(&t);
    add(&t, 1, "/a", 30);
    add(&t, 2, NULL, 10);
    add(&t, 3, "/a", 10);
    add(&t, 1, "/a", 20);
    assert_int_equal(weir__stalls_each(&t, look, &seen), 0);
    assert_string_equal(seen.order, "1*2 3*1 2*1");
    assert_int_equal(seen.first.held.ns, weir_ms(20).ns);
    assert_int_equal(seen.first.held_max.ns, weir_ms(30).ns);
    assert_int_equal(weir__stalls_each(&t, look, &two), 7);
    assert_int_equal(two.count, 2);
    weir__stalls_free(&t);
}

static void a_stall_that_lasts_is_kept_up_to_date(void **state)
{
    struct weir__stalls t;
    struct seen seen = {0}, later = {0};

    (void)state;
    weir__stalls_init(&t);
    add(&t, 1, "/a", 10);
    weir__stalls_lasts(&t, 1, 15000000, true);
    assert_int_equal(weir__stalls_each(&t, look, &seen), 0);
    assert_true(seen.first.ongoing);
    assert_int_equal(seen.first.held.ns, 15000000);
    weir__stalls_lasts(&t, 1, 41000000, false);
    weir__stalls_lasts(&t, 99, 41000000, false); /* its place has been replaced */
    assert_int_equal(weir__stalls_each(&t, look, &later), 0);
    assert_false(later.first.ongoing);
    assert_int_equal(later.first.held_max.ns, 41000000);
    weir__stalls_free(&t);
}

static int count(void *arg, const weir_stall *s)
{
    (void)s;
    ++*(int *)arg;
    return 0;
}

static void the_place_that_was_not_seen_for_longest_goes(void **state)
{
    struct weir__stalls t;
    struct seen seen = {.stop_after = 1};
    int places = 0;

    (void)state;
    weir__stalls_init(&t);
    for (uint64_t key = 1; key <= WEIR__STALLS_KEPT; key++)
        add(&t, key, NULL, 10);
    add(&t, 1, NULL, 10);
    add(&t, 1000, NULL, 10); /* in place of 2 */
    add(&t, 1, NULL, 10);
    (void)weir__stalls_each(&t, look, &seen);
    assert_string_equal(seen.order, "1*3");
    add(&t, 2, NULL, 10);
    memset(&seen, 0, sizeof seen);
    seen.stop_after = 1;
    (void)weir__stalls_each(&t, look, &seen);
    assert_string_equal(seen.order, "2*1");
    (void)weir__stalls_each(&t, count, &places);
    assert_int_equal(places, WEIR__STALLS_KEPT);
    weir__stalls_free(&t);
}

/* --- sums --- */

struct sums {
    uint64_t count, of_a, of_none, of_others;
    int64_t held_of_a;
};

static int add_up(void *arg, const weir_stall_total *total)
{
    struct sums *sums = arg;

    sums->count += total->count;
    if (total->route == NULL)
        sums->of_none += total->count;
    else if (strcmp(total->route, "/a") == 0)
        sums->of_a += total->count, sums->held_of_a += total->held.ns;
    else if (strcmp(total->route, "other") == 0)
        sums->of_others += total->count;
    return 0;
}

static void sums_go_on_when_places_are_forgotten(void **state)
{
    struct weir__stalls t;
    struct sums sums = {0};

    (void)state;
    weir__stalls_init(&t);
    assert_int_equal(weir__stalls_total(&t, add_up, &sums), 0);
    assert_int_equal(sums.count, 0);
    add(&t, 1, "/a", 10);
    weir__stalls_lasts(&t, 1, 41, false);
    for (uint64_t key = 2; key < 502; key++) {
        char route[16];
        snprintf(route, sizeof route, "/r%d", (int)key);
        add(&t, key, route, 10);
    }
    add(&t, 600, NULL, 10);
    add(&t, 601, "/a", 10);
    weir__stalls_lasts(&t, 601, 9, false);
    assert_int_equal(weir__stalls_total(&t, add_up, &sums), 0);
    assert_int_equal(sums.count, 503);
    assert_int_equal(sums.of_a, 2);
    assert_int_equal(sums.held_of_a, 50);
    assert_int_equal(sums.of_others + sums.of_none, 503 - 2 - (WEIR__STALL_TOTALS_MAX - 1));
    weir__stalls_free(&t);
}

/* --- when a log line is due --- */

static bool due(struct weir__stalls *t, int64_t now_s, struct weir__stall *out)
{
    return weir__stalls_take_for_log(t, 1, now_s * S, S, 8 * S, out);
}

static void the_log_is_told_less_and_less_often(void **state)
{
    static const int at[] = {100, 101, 103, 107, 115, 123, 131}; /* doubling, then every eight seconds */
    struct weir__stalls t;
    struct weir__stall out;
    size_t next = 0;

    (void)state;
    weir__stalls_init(&t);
    for (int s = 100; s < 135; s++) {
        bool told;
        add(&t, 1, NULL, 10);
        told = due(&t, s, &out);
        assert_int_equal(told, next < 7 && s == at[next]);
        if (!told)
            continue;
        assert_int_equal(out.shown.count, s - 99);
        assert_false(due(&t, s, &out)); /* nothing new */
        next++;
    }
    add(&t, 1, NULL, 10); /* after a long time: as the first time */
    assert_true(due(&t, 1000, &out));
    add(&t, 1, NULL, 10);
    assert_true(due(&t, 1001, &out));
    weir__stalls_free(&t);
}

/* --- what it says --- */

static const char *report(const struct weir__logger *logger, struct weir__stall *s)
{
    static char text[WEIR_LOG_LINE_MAX + 1];
    int fds[2], stderr_before = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    weir__stall_report(logger, s);
    assert_int_equal(dup2(stderr_before, STDERR_FILENO), STDERR_FILENO);
    close(stderr_before);
    close(fds[1]);
    n = read(fds[0], text, sizeof text - 1);
    close(fds[0]);
    assert_true(n > 0);
    text[n] = '\0';
    return text;
}

static int64_t moment(void)
{
    return INT64_C(1795537442) * S + 207000000;
}

static struct weir__stall example(void)
{
    struct weir__stall s = stall_at(1, "/report", 41);

    snprintf(s.task, sizeof s.task, "GET /report");
    snprintf(s.scope, sizeof s.scope, "server > GET /report");
    snprintf(s.hint, sizeof s.hint, "weir_offload(weir_pool_compute(), \"csv_sort\", …)");
    s.has_hint = true;
    s.frames[0] = (weir_frame){.function = "csv_sort", .file = "report.c", .line = 118};
    s.frames[1] = (weir_frame){.function = "report_\033handler", .file = "report.c", .line = 61};
    s.frames[2] = (weir_frame){.function = "weir__task_main"};
    s.shown.stack_depth = 3;
    s.shown.count = 3;
    s.shown.first_ns = moment() - 29 * S;
    return s;
}

static void people_get_lines(void **state)
{
    struct weir__logger logger = {.level = WEIR_LOG_INFO, .wall_ns = moment, .local_time = true};
    struct weir__stall s = example();

    (void)state;
    assert_string_equal(report(&logger, &s),
                        "16:24:02.207 warn loop 0 held 41 ms by task \"GET /report\" (computing)\n"
                        "             in  csv_sort         report.c:118\n"
                        "                 report_?handler  report.c:61\n"
                        "             hint: weir_offload(weir_pool_compute(), \"csv_sort\", …)"
                        "       seen 3 times since 16:23:33\n");
    s.shown.count = 1;
    s.shown.ongoing = true;
    s.has_hint = false;
    s.scope[0] = '\0';
    snprintf(s.task, sizeof s.task, "the loop itself");
    assert_string_equal(report(&logger, &s),
                        "16:24:02.207 warn loop 0 held 41 ms so far by the loop itself (computing)\n"
                        "             in  csv_sort         report.c:118\n"
                        "                 report_?handler  report.c:61\n");
}

static void programs_get_one_line(void **state)
{
    struct weir__logger logger = {.level = WEIR_LOG_INFO, .wall_ns = moment};
    struct weir__stall s = example();

    (void)state;
    assert_string_equal(
        report(&logger, &s),
        "2026-11-24T16:24:02.207Z warn loop 0 held 41 ms by task \"GET /report\" (computing) route=/report"
        " scope=\"server > GET /report\" stack=\"csv_sort report.c:118 < report_\\x1bhandler report.c:61\""
        " hint=\"weir_offload(weir_pool_compute(), \\\"csv_sort\\\", …)\" seen=3"
        " since=2026-11-24T16:23:33.207Z\n");
    s.shown.type = WEIR_STALL_STARVED;
    assert_non_null(
        strstr(report(&logger, &s), "warn loop 0 kept off the CPU 41 ms in task \"GET /report\" (starved) "));
    logger.json = true;
    assert_string_equal(
        report(&logger, &s),
        "{\"time\":\"2026-11-24T16:24:02.207Z\",\"level\":\"warn\",\"message\":\"loop "
        "held\",\"loop\":0,\"kind\":\"starved\","
        "\"task\":\"GET /report\",\"route\":\"/report\",\"held_ms\":41,\"ongoing\":false,\"scope\":\"server "
        "> GET /report\","
        "\"stack\":\"csv_sort report.c:118 < report_\\u001bhandler report.c:61\","
        "\"hint\":\"weir_offload(weir_pool_compute(), \\\"csv_sort\\\", …)\",\"seen\":3,"
        "\"since\":\"2026-11-24T16:23:33.207Z\"}\n");
}

static void a_deep_stack_is_cut(void **state)
{
    struct weir__logger logger = {.level = WEIR_LOG_INFO, .wall_ns = moment, .local_time = true};
    struct weir__stall s = example();
    static char name[500];
    const char *text;

    (void)state;
    memset(name, 'x', sizeof name - 1);
    for (size_t i = 0; i < WEIR__STALL_FRAMES_MAX; i++)
        s.frames[i] = (weir_frame){.function = name, .file = "deep.c", .line = 1};
    s.shown.stack_depth = WEIR__STALL_FRAMES_MAX;
    text = report(&logger, &s);
    assert_int_equal(text[strlen(text) - 2], 'x'); /* the maximum, and nothing beyond it */
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (size_t i = 0; i < WEIR__STALL_FRAMES_MAX; i++)
        s.frames[i].function = "f";
    assert_non_null(strstr(report(&logger, &s), "    and 36 more\n"));
    logger.local_time = false;
    assert_non_null(strstr(report(&logger, &s), "seen=3"));
}

/* --- what to write instead --- */

static const char *hint_for(enum weir_stall_type kind, const char *const *names, size_t users, long call,
                            int fd)
{
    static char text[WEIR__STALL_HINT_BYTES];
    struct weir__thread_state state = {.status = WEIR__THREAD_SLEEPS, .call = call, .arg = {(uint64_t)fd}};
    weir_frame frames[8];
    size_t n = 0;

    for (; names[n] != NULL; n++)
        frames[n] = (weir_frame){.function = names[n]};
    return weir__stall_hint(kind, frames, n, users, &state, text, sizeof text) ? text : NULL;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_blocking_call_has_something_instead(void **state)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_string_equal(hint_for(WEIR_STALL_BLOCKED,
                                 NAMES("__clock_nanosleep@@GLIBC_2.17", "nanosleep", "mine"), 2,
                                 SYS_clock_nanosleep, 0),
                        "instead of nanosleep: weir_sleep()");
    /* the outermost known call inside the program's function */
    assert_non_null(
        strstr(hint_for(WEIR_STALL_BLOCKED, NAMES("__poll", "send_dg", "getaddrinfo", "mine", "poll"), 3,
                        SYS_ppoll, 0),
               "instead of getaddrinfo: weir_resolve()"));
    /* by the number of the call if there are no names */
    assert_non_null(
        strstr(hint_for(WEIR_STALL_BLOCKED, NAMES("?", "mine"), 1, SYS_recvfrom, 0), "instead of recv: "));
    assert_true(file >= 0);
    assert_string_equal(hint_for(WEIR_STALL_BLOCKED, NAMES("?", "mine"), 1, SYS_read, file),
                        "instead of read: weir_offload(weir_pool_blocking(), …)");
    close(file);
    assert_string_equal(hint_for(WEIR_STALL_BLOCKED, NAMES("?", "mine"), 1, SYS_openat, -1),
                        "weir_offload(weir_pool_blocking(), \"mine\", …)");
    assert_non_null(
        strstr(hint_for(WEIR_STALL_BLOCKED, NAMES("mine"), 0, -1, 0), "memory that is not resident"));
    assert_non_null(
        strstr(hint_for(WEIR_STALL_BLOCKED, NAMES("?", "mine"), 1, SYS_futex, 0), "another thread"));
}

static void what_computes_is_offloaded(void **state)
{
    (void)state;
    assert_string_equal(hint_for(WEIR_STALL_COMPUTING, NAMES("EVP_Digest", "mine"), 1, WEIR__CALL_UNKNOWN, 0),
                        "weir_offload(weir_pool_compute(), \"mine\", …)");
    assert_non_null(hint_for(WEIR_STALL_STARVED, NAMES("mine"), 0, WEIR__CALL_UNKNOWN, 0));
    assert_non_null(hint_for(WEIR_STALL_THROTTLED, NAMES("mine"), 0, WEIR__CALL_UNKNOWN, 0));
    assert_null(hint_for(WEIR_STALL_COMPUTING, (const char *const[]){NULL}, 0, WEIR__CALL_UNKNOWN, 0));
}

static void the_users_function_is_the_innermost_that_is_his(void **state)
{
    const weir_frame frames[] = {{.function = "sha256_block"},
                                 {.function = "weir_json_x"},
                                 {.function = "mine"},
                                 {.function = "main"}};
    const bool system[] = {true, false, false, false}, all[] = {true, true, true, true};

    (void)state;
    assert_int_equal(weir__stall_user_frame(frames, system, 4), 2);
    assert_int_equal(weir__stall_user_frame(frames, system, 2), 1);
    assert_int_equal(weir__stall_user_frame(frames, all, 4), 0);
    assert_int_equal(weir__stall_user_frame(frames, all, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_counted_and_the_latest_is_first),
        cmocka_unit_test(a_stall_that_lasts_is_kept_up_to_date),
        cmocka_unit_test(the_place_that_was_not_seen_for_longest_goes),
        cmocka_unit_test(sums_go_on_when_places_are_forgotten),
        cmocka_unit_test(the_log_is_told_less_and_less_often),
        cmocka_unit_test(people_get_lines),
        cmocka_unit_test(programs_get_one_line),
        cmocka_unit_test(a_deep_stack_is_cut),
        cmocka_unit_test(a_blocking_call_has_something_instead),
        cmocka_unit_test(what_computes_is_offloaded),
        cmocka_unit_test(the_users_function_is_the_innermost_that_is_his),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

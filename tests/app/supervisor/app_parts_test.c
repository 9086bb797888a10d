/* SPDX-License-Identifier: MIT */
/* Parts of the supervision of applications: their lines, their words and environment, their memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir.h>

#include "support/run.h"
#include "supervisor/app_environment.h"
#include "supervisor/app_lines.h"
#include "supervisor/app_memory.h"
#include "supervisor/app_settings.h"
#include "supervisor/children.h"
#include "supervisor/orphans.h"

/* --- lines --- */

struct sink {
    size_t lines, longest;
    uint64_t told; /* dropped, by lines that tell */
    char last[WEIR_LOG_LINE_MAX + 1];
};

static void take(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    struct sink *sink = arg;
    const char *dropped = strstr(line, " dropped=");

    (void)level;
    if (dropped != NULL)
        sink->told += strtoull(dropped + strlen(" dropped="), NULL, 10);
    else
        sink->lines++;
    sink->longest = length > sink->longest ? length : sink->longest;
    (void)snprintf(sink->last, sizeof sink->last, "%s", line);
}

static struct sink with_sink(int (*fn)(void *arg))
{
    struct sink sink = {0};
    const weir_options options = {.io = WEIR_IO_SIM, .log_sink = take, .log_sink_arg = &sink};

    assert_int_equal(weir_run(&options, fn, &sink), 0);
    return sink;
}

static int few_lines(void *arg)
{
    const struct sink *sink = arg;
    struct app_lines lines;
    char much[10000];

    app_lines_open(&lines, "shop", 3);
    app_lines_add(&lines, "Traceback: \x1b[31mred\x1b[0m\r", 24);
    assert_non_null(strstr(sink->last, "Traceback: "));
    assert_non_null(strstr(sink->last, " app=shop process=3"));
    assert_null(strchr(sink->last, '\x1b'));
    assert_string_equal(lines.last, "Traceback:  [31mred [0m");
    app_lines_add(&lines, "  \t", 3);
    app_lines_add(&lines, "", 0);
    assert_string_equal(lines.last, "Traceback:  [31mred [0m");
    app_lines_add(&lines, "a\0b", 3);
    assert_non_null(strstr(sink->last, "info a b app=shop"));
    memset(much, 'x', sizeof much);
    app_lines_add(&lines, much, sizeof much);
    assert_int_equal(strlen(lines.last), APP_LINE_BYTES - 1);
    assert_non_null(strstr(sink->last, " app=shop process=3"));
    app_lines_close(&lines);
    return 0;
}

static void lines_have_the_name_of_the_application(void **state)
{
    struct sink sink;

    (void)state;
    sink = with_sink(few_lines);
    assert_int_equal(sink.lines, 4 + 3);
    assert_true(sink.longest <= WEIR_LOG_LINE_MAX);
    assert_int_equal(sink.told, 0);
}

enum { FLOOD = 100000, FLOOD_LINE = 100 };

static int flood(void *arg)
{
    const struct sink *sink = arg;
    struct app_lines lines;
    char line[FLOOD_LINE];

    memset(line, 'x', sizeof line);
    app_lines_open(&lines, "shop", 1);
    for (int i = 0; i < FLOOD; i++) {
        app_lines_add(&lines, line, sizeof line);
        if (i % 1000 == 999)
            assert_int_equal(weir_sleep(weir_ms(10)), 0);
    }
    assert_in_range(sink->lines, APP_LINES_BYTES_AT_ONCE / 200, APP_LINES_BYTES_AT_ONCE / 100);
    app_lines_tell(&lines);
    assert_true(lines.dropped > 0);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    app_lines_tell(&lines); /* though no further line has come */
    assert_int_equal(lines.dropped, 0);
    assert_int_equal(sink->told, lines.dropped_all);
    assert_int_equal(weir_sleep(weir_seconds(10)), 0);
    app_lines_add(&lines, "quiet again", 11);
    assert_non_null(strstr(sink->last, "quiet again"));
    app_lines_add(&lines, line, sizeof line);
    app_lines_close(&lines);
    assert_int_equal(sink->lines + lines.dropped_all, FLOOD + 2);
    assert_int_equal(sink->told, lines.dropped_all);
    return 0;
}

static void a_flood_is_bounded_and_counted(void **state)
{
    (void)state;
    (void)with_sink(flood);
}

/* --- words and environment --- */

static const char *value_of(const char *const *env, const char *name)
{
    const char *found = NULL;
    const size_t length = strlen(name);

    for (size_t i = 0; env[i] != NULL; i++) {
        if (strncmp(env[i], name, length) != 0 || env[i][length] != '=')
            continue;
        assert_null(found); /* each once */
        found = env[i] + length + 1;
    }
    return found;
}

static void check_words(const char *const *words)
{
    static const char *const wanted[] = {"guard", "-", "run", "unix:/run/s", "/run/s/run/s", "{sock}", ""};

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_string_equal(words[i], wanted[i]);
    assert_null(words[sizeof wanted / sizeof *wanted]);
}

static void check_environment(const char *const *env)
{
    assert_string_equal(value_of(env, "PORT"), "/run/s");
    assert_string_equal(value_of(env, "HOME"), "/srv");
    assert_string_equal(value_of(env, "A"), "");
    assert_string_equal(value_of(env, "WEIR_APP_NAME"), "shop");
    assert_string_equal(value_of(env, "WEIR_APP_SOCKET"), "/run/helpers");
    assert_string_equal(value_of(env, "LISTEN_ADDRESS"), "stays");
    assert_non_null(value_of(env, "PATH"));
    assert_null(value_of(env, "NOTIFY_SOCKET"));
    assert_null(value_of(env, "LISTEN_FDS"));
    assert_null(value_of(env, "LISTEN_PID"));
    assert_null(value_of(env, "WATCHDOG_USEC"));
}

static void check_hidden(const char *const *env)
{
    assert_null(value_of(env, "PORT"));
    assert_null(value_of(env, "HOME")); /* neither that of this program */
    assert_string_equal(value_of(env, "X_PORT"), "/run/s");
    assert_string_equal(value_of(env, "WEIR_APP_NAME"), "shop");
}

static void the_socket_is_filled_in(void **state)
{
    static const char *const command[] = {"run", "unix:{socket}", "{socket}{socket}", "{sock}", "", NULL};
    static const char *const env[] = {"PORT={socket}", "HOME=/srv", "A=", NULL};
    static const char *const front[] = {"guard", "-", NULL};
    const struct config_app app = {.name = "shop", .command = command, .env = env};
    struct config_memory *memory = config_memory_open();

    (void)state;
    assert_int_equal(setenv("NOTIFY_SOCKET", "x", 1) | setenv("LISTEN_FDS", "2", 1) |
                         setenv("LISTEN_PID", "1", 1) | setenv("WATCHDOG_USEC", "1", 1) |
                         setenv("WEIR_APP_NAME", "outer", 1) | setenv("HOME", "/root", 1) |
                         setenv("LISTEN_ADDRESS", "stays", 1),
                     0);
    check_words(app_words(memory, &app, "/run/s", front));
    check_environment(app_environment(memory, &app, "/run/s", "/run/helpers", ""));
    assert_null(value_of(app_environment(memory, &app, "/run/s", NULL, ""), "WEIR_APP_SOCKET"));
    check_hidden(app_environment(memory, &app, "/run/s", NULL, "X_"));
    config_memory_free(memory);
}

static void settings_are_copies(void **state)
{
    char word[] = "run", variable[] = "A=b", name[] = "shop", cwd[] = "/srv";
    const char *command[] = {word, NULL}, *env[] = {variable, NULL};
    const struct config_app app = {.name = name, .command = command, .env = env, .cwd = cwd, .queue = 7};
    struct app_settings *settings = app_settings_of(&app);

    (void)state;
    word[0] = variable[0] = name[0] = cwd[0] = 'X';
    assert_ptr_equal(app_settings_hold(settings), settings);
    app_settings_drop(settings);
    assert_string_equal(settings->app.command[0], "run");
    assert_null(settings->app.command[1]);
    assert_string_equal(settings->app.env[0], "A=b");
    assert_string_equal(settings->app.name, "shop");
    assert_string_equal(settings->app.cwd, "/srv");
    assert_null(settings->app.user);
    assert_int_equal(settings->app.queue, 7);
    app_settings_drop(settings);
    app_settings_drop(NULL);
}

/* --- memory --- */

static char root[] = "/tmp/app-memory-XXXXXX";

static void write_file(const char *path, const char *text)
{
    char whole[256];
    FILE *file;

    (void)snprintf(whole, sizeof whole, "%s/proc/%s", root, path);
    for (char *at = whole + sizeof root; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = '\0';
        (void)mkdir(whole, 0700);
    }
    file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A list of children that is longer than what is read of it, which ends in "11000". */
static void write_list(const char *name)
{
    char list[8192] = "212 ";

    while (strlen(list) < 4090)
        strcat(list, "99999999 ");
    strcpy(list + 4090, "11000000 ");
    write_file(name, list);
}

/* 10 has 11 and, by its second thread, 12; that has 13. */
static void memory_is_that_of_all_descendants(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char text[128];

    (void)state;
    assert_non_null(mkdtemp(root));
    write_file("10/task/10/children", "11 ");
    write_file("10/task/20/children", "12 ");
    write_file("12/task/12/children", "13 \n");
    write_file("10/statm", "1 1000000 0 0 0 0 0\n");
    write_file("11/statm", "900 100 10 0 0 0 0\n");
    write_file("12/statm", "900 200 10 0 0 0 0\n");
    write_file("13/statm", "900 300 10 0 0 0 0\n");
    write_file("11/smaps_rollup", "55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  400 kB\nPss:  40 kB\n");
    write_file("12/smaps_rollup", "55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  800 kB\nPss:  50 kB\n");
    assert_int_equal(app_memory_below(10, 600 * page, root), 600 * page);
    assert_int_equal(app_memory_below(10, 600 * page - 1, root), 90 * 1024 + 300 * page);
    assert_int_equal(app_memory_below(12, 1, root), 300 * page); /* alone, it shares with nobody */
    assert_int_equal(app_memory_below(99, 1, root), 0);
    write_list("14/task/14/children");
    write_file("11000/statm", "900 100 0 0 0 0 0\n");
    assert_int_equal(app_memory_below(14, 1, root), 0);
    (void)snprintf(text, sizeof text, "rm -r %s", root);
    assert_int_equal(system(text), 0);
}

static void memory_is_measured_here(void **state)
{
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_true(app_memory_below(getpid(), UINT64_MAX, "") > 64 << 10);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* A process that has ended has a reason to look again: its children may have come since the list was read. */
static void an_orphan_that_has_ended_is_a_reason_to_look_again(void **state)
{
    const pid_t child = fork();
    siginfo_t ended;

    (void)state;
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_int_equal(children_session(child), getsid(0));
    assert_int_equal(orphans_kill(child), 0); /* of another session, and of no application */
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
    assert_int_equal(children_session(child), 0);
    assert_int_equal(orphans_kill(child), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(children_session(child), 0);
    assert_int_equal(orphans_kill(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_name_of_the_application),
        cmocka_unit_test(a_flood_is_bounded_and_counted),
        cmocka_unit_test(the_socket_is_filled_in),
        cmocka_unit_test(settings_are_copies),
        cmocka_unit_test(memory_is_that_of_all_descendants),
        cmocka_unit_test(memory_is_measured_here),
        cmocka_unit_test(an_orphan_that_has_ended_is_a_reason_to_look_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

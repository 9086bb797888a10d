/* SPDX-License-Identifier: MIT */
#include "commands/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/support/console.h"
#include "commands/commands.h"
#include "support/run.h"

static const char *const names[] = {"serve", "check",  "demo",   "load",   "tasks",
                                    "top",   "stalls", "advise", "profile"};

static void help_names_every_command(void **state)
{
    struct console c = {0};

    (void)state;
    RUN(&c, cli_main, "weir", "--help");
    assert_int_equal(c.code, EXIT_FINE);
    assert_string_equal(c.err, "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "\n  %-7s ", names[i]);
        console_has(c.out, line);
    }
    RUN(&c, cli_main, "weir", "-h");
    assert_int_equal(c.code, EXIT_FINE);
    RUN(&c, cli_main, "weir");
    assert_int_equal(c.code, EXIT_USAGE);
    assert_string_equal(c.out, "");
    console_has(c.err, "usage: weir COMMAND");
    console_free(&c);
}

static void each_command_says_how_it_is_used(void **state)
{
    struct console c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char usage[32];
        (void)snprintf(usage, sizeof usage, "usage: weir %s", names[i]);
        RUN(&c, cli_main, "weir", names[i], "whatever", "--help");
        assert_int_equal(c.code, EXIT_FINE);
        assert_int_equal(strncmp(c.out, usage, strlen(usage)), 0);
        console_has(c.out, "\nexamples:\n  weir ");
    }
    console_free(&c);
}

static void what_it_does_not_know_is_wrong_usage(void **state)
{
    struct console c = {0};

    (void)state;
    RUN(&c, cli_main, "weir", "serv");
    assert_int_equal(c.code, EXIT_USAGE);
    assert_string_equal(c.err, "weir: unknown command 'serv', did you mean 'serve'? See 'weir --help'\n");
    RUN(&c, cli_main, "weir", "qqqqqqqq");
    assert_int_equal(c.code, EXIT_USAGE);
    assert_string_equal(c.err, "weir: unknown command 'qqqqqqqq'; see 'weir --help'\n");
    RUN(&c, cli_main, "weir", "--verbose");
    assert_int_equal(c.code, EXIT_USAGE);
    console_has(c.err, "unknown option '--verbose'");
    console_free(&c);
}

/* Each command refuses what it does not know, or what is too much. */
static void words_that_a_command_does_not_take_are_refused(void **state)
{
    static const char *const extra[] = {"serve", "check", "tasks", "top", "stalls", "advise", "profile"};
    struct console c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        RUN(&c, cli_main, "weir", names[i], "--nonsense");
        assert_int_equal(c.code, EXIT_USAGE);
        console_has(c.err, "unknown option '--nonsense'");
        console_has(c.err, "see 'weir ");
    }
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        RUN(&c, cli_main, "weir", extra[i], "one", "two");
        assert_int_equal(c.code, EXIT_USAGE);
        console_has(c.err, "unexpected argument 'two'");
    }
    RUN(&c, cli_main, "weir", "demo", "one");
    assert_int_equal(c.code, EXIT_USAGE);
    console_has(c.err, "unexpected argument 'one'");
    RUN(&c, cli_main, "weir", "serve");
    assert_int_equal(c.code, EXIT_USAGE);
    console_has(c.err, "weir serve: no file given");
    RUN(&c, cli_main, "weir", "check", "--");
    assert_int_equal(c.code, EXIT_USAGE);
    console_has(c.err, "weir check: no file given");
    RUN(&c, cli_main, "weir", "profile", "--for", "61s");
    assert_int_equal(c.code, EXIT_USAGE);
    console_has(c.err, "at most 60s");
    console_free(&c);
}

static void the_version_is_told(void **state)
{
    struct console c = {0};

    (void)state;
    RUN(&c, cli_main, "weir", "--version");
    assert_int_equal(c.code, EXIT_FINE);
    assert_int_equal(strncmp(c.out, "weir 0.", 7), 0);
    console_free(&c);
}

/* --- output that can't be written --- */

static int on_a_full_disk(int argc, char **argv)
{
    const int kept = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int code;

    assert_true(kept >= 0 && full >= 0);
    (void)dup2(full, STDOUT_FILENO);
    code = cli_main(argc, argv);
    clearerr(stdout);
    (void)dup2(kept, STDOUT_FILENO);
    (void)close(kept);
    (void)close(full);
    return code;
}

static void a_full_disk_is_a_failure(void **state)
{
    struct console c = {0};

    (void)state;
    RUN(&c, on_a_full_disk, "weir", "--help");
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, "weir: the output cannot be written: no space left on device\n");
    console_free(&c);
}

static int into_a_pipe_without_reader(int argc, char **argv)
{
    const int kept = dup(STDOUT_FILENO);
    int ends[2], code;

    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    (void)dup2(ends[1], STDOUT_FILENO);
    (void)close(ends[1]);
    code = cli_main(argc, argv);
    clearerr(stdout);
    (void)dup2(kept, STDOUT_FILENO);
    (void)close(kept);
    return code;
}

static void a_reader_that_has_gone_is_none(void **state)
{
    struct console c = {0};

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* as main() does */
    RUN(&c, into_a_pipe_without_reader, "weir", "--help");
    assert_int_equal(c.code, EXIT_FINE);
    assert_string_equal(c.err, "");
    console_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_command),
        cmocka_unit_test(each_command_says_how_it_is_used),
        cmocka_unit_test(what_it_does_not_know_is_wrong_usage),
        cmocka_unit_test(words_that_a_command_does_not_take_are_refused),
        cmocka_unit_test(the_version_is_told),
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(a_reader_that_has_gone_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The guardian of an application's process: nothing is left behind, however it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/guardian.h"

enum { ALIVE_FD = 4, OUTPUT_BYTES = 4096 };

/* A guardian in a process of its own. */
struct guarded {
    pid_t guardian, app;
    int control;
    int alive;  /* a pipe that each descendant has open: it ends with the last of them */
    int output; /* stderr of all of them */
};

static void become_guardian(int control, int alive, int output, const char *script)
{
    char *argv[] = {(char[]){GUARDIAN_COMMAND}, (char[]){"-"}, (char[]){"sh"}, (char[]){"-c"}, NULL, NULL};
    char text[1024];

    (void)snprintf(text, sizeof text, "%s", script);
    argv[4] = text;
    if (dup2(output, STDERR_FILENO) < 0 || dup2(alive, ALIVE_FD + 10) < 0 || dup2(control, GUARDIAN_FD) < 0 ||
        dup2(ALIVE_FD + 10, ALIVE_FD) < 0)
        _exit(99);
    (void)close_range(ALIVE_FD + 1, ~0U, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    _exit(strcmp(script, "!") == 0
              ? guardian_main(3, (char *[]){argv[0], argv[1], (char[]){"./no-such-program"}, NULL})
              : guardian_main(5, argv));
}

static void start(struct guarded *g, const char *script)
{
    int control[2], alive[2], output[2];
    char text[32] = "";

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
    assert_int_equal(pipe(alive), 0);
    assert_int_equal(pipe(output), 0);
    g->guardian = fork();
    assert_true(g->guardian >= 0);
    if (g->guardian == 0)
        become_guardian(control[1], alive[1], output[1], script);
    close(control[1]);
    close(alive[1]);
    close(output[1]);
    g->control = control[0];
    g->alive = alive[0];
    g->output = output[0];
    assert_true(read(g->control, text, sizeof text - 1) > 0);
    g->app = atoi(text);
    assert_true(g->app > 0);
}

/* Waits until the script has written a line to stderr. */
static void wait_for_line(struct guarded *g, const char *line)
{
    char text[OUTPUT_BYTES] = "";
    size_t n = 0;

    while (strchr(text, '\n') == NULL && n < sizeof text - 1) {
        ssize_t got = read(g->output, text + n, sizeof text - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
        text[n] = '\0';
    }
    if (strstr(text, line) == NULL)
        fail_msg("'%s', expected '%s'", text, line);
}

/* Waits for the guardian's end; then nobody is left.
 * Returns: as waitpid(2). */
static int end(struct guarded *g)
{
    struct pollfd poll_alive = {.fd = g->alive, .events = POLLIN};
    int status;

    assert_int_equal(waitpid(g->guardian, &status, 0), g->guardian);
    assert_int_equal(poll(&poll_alive, 1, 0), 1);
    assert_true((poll_alive.revents & POLLHUP) != 0);
    if (g->control >= 0)
        close(g->control);
    close(g->alive);
    close(g->output);
    return status;
}

static void it_ends_as_the_application_did(void **state)
{
    struct guarded g;
    int status;

    (void)state;
    start(&g, "exit 7");
    status = end(&g);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    for (size_t i = 0; i < 3; i++) {
        static const int numbers[] = {SIGKILL, SIGTERM, SIGSEGV};
        char script[64];
        (void)snprintf(script, sizeof script, "kill -%d $$; sleep 1000", numbers[i]);
        start(&g, script);
        status = end(&g);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[i]);
    }
}

static void what_cannot_be_executed_is_said(void **state)
{
    struct guarded g;
    int status;

    (void)state;
    start(&g, "!");
    wait_for_line(&g, "cannot execute ./no-such-program: No such file or directory");
    status = end(&g);
    assert_int_equal(WEXITSTATUS(status), GUARDIAN_NOT_EXECUTED);
}

#define LEAVES_CHILDREN                                                                                      \
    "setsid sleep 1000 & (setsid sh -c 'setsid sleep 1000 & sleep 1000' &); (trap '' TERM HUP; sleep 1000) " \
    "& "                                                                                                     \
    "kill -STOP $!; "

static void children_that_are_left_are_killed(void **state)
{
    struct guarded g;

    (void)state;
    start(&g, LEAVES_CHILDREN "exit 3");
    assert_int_equal(WEXITSTATUS(end(&g)), 3);
}

static void the_end_of_the_supervisor_is_the_end_of_all(void **state)
{
    static const char *const scripts[] = {
        LEAVES_CHILDREN "echo there >&2; wait",
        "trap '' TERM INT HUP; echo there >&2; while :; do sleep 1000; done",
        "echo there >&2; kill -STOP $$",
        "for i in 0 1 2 3 4 5 6 7 8 9; do setsid sleep 1000 & done; echo there >&2; sleep 1000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct guarded g;
        int status;
        start(&g, scripts[i]);
        wait_for_line(&g, "there");
        close(g.control);
        g.control = -1;
        status = end(&g);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("status %#x after: %s", (unsigned)status, scripts[i]);
    }
}

/* A signal that the guardian gets is the application's process's, and nobody else's. */
static void signals_are_passed_on(void **state)
{
    struct guarded g;

    (void)state;
    start(&g, "trap 'kill $! && exit 9' USR2; sleep 1000 & echo there >&2; while :; do wait; done");
    wait_for_line(&g, "there");
    assert_int_equal(kill(g.guardian, SIGUSR2), 0);
    assert_int_equal(WEXITSTATUS(end(&g)), 9);
}

/* Variables of the application have no effect on the guardian. */
static void variables_are_revealed(void **state)
{
    struct guarded g;

    (void)state;
    assert_int_equal(setenv(GUARDIAN_HIDES "COLOUR", "blue", 1), 0);
    start(&g, "test \"$COLOUR\" = blue && ! env | grep -q " GUARDIAN_HIDES " && exit 5");
    assert_int_equal(unsetenv(GUARDIAN_HIDES "COLOUR"), 0);
    assert_int_equal(WEXITSTATUS(end(&g)), 5);
}

/* A guardian that is killed can't kill: the kernel kills the application's process. */
static void the_application_does_not_outlive_its_guardian(void **state)
{
    struct guarded g;
    char byte;

    (void)state;
    start(&g, "echo there >&2; while :; do sleep 0.01; done");
    wait_for_line(&g, "there");
    assert_int_equal(kill(g.guardian, SIGKILL), 0);
    assert_int_equal(waitpid(g.guardian, NULL, 0), g.guardian);
    assert_int_equal(read(g.alive, &byte, 1), 0); /* waits for the end of all */
    close(g.control);
    close(g.alive);
    close(g.output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_as_the_application_did),
        cmocka_unit_test(what_cannot_be_executed_is_said),
        cmocka_unit_test(children_that_are_left_are_killed),
        cmocka_unit_test(the_end_of_the_supervisor_is_the_end_of_all),
        cmocka_unit_test(signals_are_passed_on),
        cmocka_unit_test(variables_are_revealed),
        cmocka_unit_test(the_application_does_not_outlive_its_guardian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

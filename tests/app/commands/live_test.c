/* SPDX-License-Identifier: MIT */
/* The commands that draw on a terminal until a key or a signal ends them: on a pseudo-terminal, against pages
 * that are given. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "commands/commands.h"
#include "support/run.h"

static const char stats[] =
    "{'version':'9.9','uptime_s':5,'loops':[],'pools':[],'origins':[],'routes':["
    "{'route':'/first','kind':'a','last_10s':{'rate':5,'p99':1},'last_60s':{'rate':77}},"
    "{'route':'/second','kind':'b','last_10s':{'rate':1,'p99':9},'last_60s':{'rate':88}}]}";
static const char tasks[] = "{'loops':[{'loop':0,'tasks':1,'tree':[{'id':9,'name':'GET "
                            "/x','state':'ready','age_ms':5,'scopes':[]}]}]}";

enum { SCREEN_BYTES = 1 << 20, PATIENCE_MS = 60000 };

struct terminal {
    int master;
    size_t seen, read;       /* of text */
    char text[SCREEN_BYTES]; /* all that was written */
    struct termios before;
    struct given_page page[3];
    struct given_pages *pages;
    pthread_t thread;
    const char *missed; /* what did not come */
    int (*command)(int argc, char **argv);
    const char *option;
    int code;
    int kept[3];
};

static void *run_command(void *arg)
{
    struct terminal *t = arg;
    char name[] = "live", option[32], address[64];
    char *words[] = {name, option, address, NULL};

    (void)snprintf(option, sizeof option, "%s", t->option);
    (void)snprintf(address, sizeof address, "%s", given_pages_address(t->pages));
    t->code = t->command(3, words);
    return NULL;
}

static struct terminal *begin(int (*command)(int argc, char **argv), const char *option)
{
    struct terminal *t = calloc(1, sizeof *t);
    const struct winsize size = {.ws_col = 100, .ws_row = 30};
    int slave;

    assert_non_null(t);
    t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(t->master >= 0 && grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    slave = open(ptsname(t->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
    assert_int_equal(tcgetattr(slave, &t->before), 0);
    t->page[0] = (struct given_page){"/stats", 200, given_json_text(stats)};
    t->page[1] = (struct given_page){"/stalls", 200, "[]"};
    t->page[2] = (struct given_page){"/tasks", 200, given_json_text(tasks)};
    t->pages = given_pages_open(t->page, 3);
    t->command = command;
    t->option = option;
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) { /* standard error stays the test's */
        t->kept[i] = dup(i);
        (void)dup2(slave, i);
    }
    (void)close(slave);
    assert_int_equal(pthread_create(&t->thread, NULL, run_command, t), 0);
    return t;
}

/* Waits until the text is drawn, after what was waited for before. */
static void wait_for(struct terminal *t, const char *text)
{
    const char *found;

    while ((found = strstr(t->text + t->seen, text)) == NULL && t->missed == NULL) {
        struct pollfd more = {.fd = t->master, .events = POLLIN};
        const ssize_t n = poll(&more, 1, PATIENCE_MS) > 0
                              ? read(t->master, t->text + t->read, SCREEN_BYTES - 1 - t->read)
                              : 0;
        if (n <= 0)
            t->missed = text; /* told when standard output is the test's again */
        else
            t->read += (size_t)n;
    }
    if (found != NULL)
        t->seen = (size_t)(found - t->text) + strlen(text);
}

static void press(struct terminal *t, const char *keys)
{
    (void)!write(t->master, keys, strlen(keys));
}

/* Waits for the end of the command. The terminal is as it was. */
static void end(struct terminal *t)
{
    const char *missed = t->missed;
    struct termios after;

    if (missed != NULL)
        (void)pthread_kill(t->thread, SIGTERM);
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    (void)fflush(stdout);
    assert_int_equal(tcgetattr(STDIN_FILENO, &after), 0);
    for (int i = 0; i < 2; i++) {
        (void)dup2(t->kept[i], i);
        (void)close(t->kept[i]);
    }
    if (missed != NULL)
        fail_msg("'%s' is not in:\n%s", missed, t->text);
    (void)close(t->master);
    (void)given_pages_close(t->pages, NULL);
    free((char *)(uintptr_t)t->page[0].body);
    free((char *)(uintptr_t)t->page[2].body);
    assert_int_equal(after.c_lflag, t->before.c_lflag);
    assert_int_equal(t->code, EXIT_FINE);
    free(t);
}

static void keys_change_the_screen_until_q(void **state)
{
    struct terminal *t = begin(command_top, "--every=10ms");

    (void)state;
    wait_for(t, "\033[?1049h"); /* the alternate screen */
    wait_for(t, "ROUTE, by rate");
    wait_for(t, "/first");
    wait_for(t, "/second");
    press(t, "9");
    wait_for(t, "ROUTE, by p99");
    wait_for(t, "/second");
    wait_for(t, "/first");
    press(t, "w");
    wait_for(t, "88");
    press(t, "p");
    wait_for(t, "paused");
    press(t, "p");
    wait_for(t, "live");
    press(t, "q");
    wait_for(t, "\033[?1049l");
    end(t);
}

static void an_answer_that_stays_away_is_told_on_the_screen(void **state)
{
    struct terminal *t = begin(command_top, "--every=10ms");

    (void)state;
    wait_for(t, "live");
    given_pages_change(t->pages, "/stats", 503, NULL);
    wait_for(t, "NO ANSWER: /stats answers 503");
    press(t, "q");
    wait_for(t, "\033[?1049l");
    end(t);
}

static void a_signal_restores_the_terminal(void **state)
{
    struct terminal *t = begin(command_top, "--every=10s");

    (void)state;
    wait_for(t, "live");
    (void)pthread_kill(t->thread, SIGWINCH); /* draws again */
    wait_for(t, "live");
    (void)pthread_kill(t->thread, SIGTERM);
    wait_for(t, "\033[?1049l");
    end(t);
}

static void tasks_are_watched_until_a_signal(void **state)
{
    struct terminal *t = begin(command_tasks, "--watch");

    (void)state;
    wait_for(t, "GET /x");
    wait_for(t, "\033[?1049h");
    (void)pthread_kill(t->thread, SIGINT);
    wait_for(t, "\033[?1049l");
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_change_the_screen_until_q),
        cmocka_unit_test(an_answer_that_stays_away_is_told_on_the_screen),
        cmocka_unit_test(a_signal_restores_the_terminal),
        cmocka_unit_test(tasks_are_watched_until_a_signal),
    };

    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Child processes: a command with a deadline, whose lines get a prefix; and one that is kept running.
 *
 *     24_process run SECONDS COMMAND…       24_process run 2 ping localhost
 *     24_process keep COMMAND…              24_process keep ./server       ends by SIGTERM or SIGINT
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

/* [line] */
static void print_line(void *name, bool is_error, const char *line, size_t length)
{
    printf("%s%s %.*s\n", (const char *)name, is_error ? "!" : ":", (int)length, line);
    fflush(stdout);
}
/* [/line] */

/* [run] */
static int run_for(const char *const *command, weir_duration at_most, weir_process_end *end)
{
    weir_process_options options = {
        .argv = command, .line = print_line, .arg = (void *)(uintptr_t)command[0], .grace = weir_seconds(2)};
    weir_process *process;
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after(at_most), 0);
    err = weir_process_start(&scope, &options, &process);
    if (err == 0)
        err = weir_process_wait(process, end); /* it has said all its lines */
    if (err == -WEIR_EDEADLINE)
        printf("%s takes too long\n", command[0]);
    (void)weir_scope_close(&scope); /* whatever happened: it has ended */
    return err;
}
/* [/run] */

/* [keep] */
static int keep_running(void *arg)
{
    const char *const *command = arg;
    char words[WEIR_PROCESS_END_BYTES];
    weir_duration pause = weir_ms(100);
    int err = 0;

    while (err == 0) {
        weir_process_end end = {.status = 0};

        err = run_for(command, weir_seconds(3600), &end); /* restarted each hour */
        if (err == -WEIR_ECANCELED)
            break;
        weir_log(WEIR_LOG_WARN, "restarting", WEIR_KV("command", command[0]),
                 WEIR_KV("because", err < 0 ? weir_error_text(err) : weir_process_end_text(&end, words)));
        pause = end.took.ns > weir_seconds(60).ns ? weir_ms(100) : pause;
        err = weir_sleep(pause);
        pause.ns = pause.ns < weir_seconds(10).ns ? pause.ns * 2 : pause.ns;
    }
    return err;
}

static int keep(const char *const *command)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    weir_signals signals;
    weir_scope scope;
    int err = weir_signals_open(&signals, numbers, 2);

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "keeper", keep_running, (void *)(uintptr_t)command);
    (void)!weir_signals_wait(&signals);
    weir_scope_cancel(&scope);
    err = weir_scope_close(&scope); /* asks the process to end, and waits */
    weir_signals_close(&signals);
    return err == -WEIR_ECANCELED ? 0 : err;
}
/* [/keep] */

struct arguments {
    int count;
    const char *const *texts;
};

static int root(void *arg)
{
    const struct arguments *a = arg;
    char words[WEIR_PROCESS_END_BYTES];
    weir_process_end end;
    int err;

    if (a->count > 2 && strcmp(a->texts[1], "keep") == 0)
        return keep(a->texts + 2);
    if (a->count < 4 || strcmp(a->texts[1], "run") != 0)
        return -EINVAL;
    err = run_for(a->texts + 3, weir_seconds(atoll(a->texts[2])), &end);
    printf("%s %s\n", a->texts[3], err < 0 ? weir_error_text(err) : weir_process_end_text(&end, words));
    return err < 0 ? err : end.status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {argc, (const char *const *)argv};
    int result = weir_run(NULL, root, &arguments);

    return result >= 0 ? result : 1;
}

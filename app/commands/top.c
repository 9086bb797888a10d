/* SPDX-License-Identifier: MIT */
/* weir top: a running gateway's figures in a terminal, once a second. */
#include "commands/commands.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir.h>

#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/output.h"
#include "commands/screen.h"
#include "commands/top_frame.h"
#include "commands/top_keys.h"
#include "commands/top_source.h"
#include "commands/usage.h"

const char command_top_help[] =
    "usage: weir top [--once] [--json] [--every TIME] [ADMIN]\n"
    "\n"
    "Shows a running gateway in the terminal: loops, routes, pools, backends with their instances, origins\n"
    "and the latest stalls, with figures of the last 10 or 60 seconds. If the gateway does not answer, the\n"
    "screen says so, and continues when it answers again. ADMIN is the gateway's admin address, HOST:PORT\n"
    "or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  --once         prints the figures once, as plain text; the default if the output is not a terminal\n"
    "  --json         prints the answer of /stats, one line each time\n"
    "  --every TIME   time between two readings [1s]\n"
    "\n"
    "Routes are ordered by their rate; origins that fail, and backends with an instance that is out, come\n"
    "before the others. Refused requests, and connections without a request, have a line at the top if\n"
    "there are any.\n"
    "\n"
    "keys: q quit; routes sorted by r rate, 9 p99, e errors, l as listed; w the last 10 or 60\n"
    "seconds; p pause; Tab chooses a section, arrow keys, j, k, PgUp, PgDn and Home scroll it.\n"
    "NO_COLOR=1 in the environment: no colours.\n"
    "\n"
    "examples:\n"
    "  weir top\n"
    "  weir top 10.0.0.5:8081\n"
    "  weir top --once | grep /page\n"
    "  weir top --json --every 10s | jq .routes\n";

enum { FRAME_BYTES_MAX = 8 << 20, PLAIN_COLUMNS = 120, WAIT_MOST_S = 8 };

struct top_options {
    bool once, json;
    weir_duration every;
};

struct top {
    struct top_options options;
    struct top_source source;
    struct screen screen;
    struct top_view view;
    weir_event changed; /* a new frame is needed */
    bool quit;
};

/* --- drawing --- */

static void write_frame(struct top *top, struct terminal_text *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    top->view.address = top->source.admin->where;
    top->view.stats = top->source.stats;
    top->view.stalls = top->source.stalls;
    top->view.problem = top->source.problem[0] ? top->source.problem : NULL;
    top->view.now_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    out->utf8 = screen_is_utf8();
    top_frame_write(&top->view, out);
}

static void draw(struct top *top)
{
    struct terminal_text out;
    int columns = 80, rows = 24;

    terminal_text_init(&out, FRAME_BYTES_MAX);
    screen_size(&columns, &rows);
    out.width = columns;
    out.styled = screen_wants_colours();
    top->view.height = rows;
    write_frame(top, &out);
    screen_draw(&top->screen, weir_buffer_bytes(&out.text.text));
    weir_buffer_free(&out.text.text);
}

/* --- plain output --- */

static int print_frame(struct top *top)
{
    struct terminal_text out;
    int rows, code;

    terminal_text_init(&out, FRAME_BYTES_MAX);
    if (!screen_size(&out.width, &rows))
        out.width = PLAIN_COLUMNS;
    write_frame(top, &out);
    code = out.text.err < 0 ? EXIT_FAILED : output_print(out.text.text.data, out.text.text.len);
    weir_buffer_free(&out.text.text);
    return code;
}

static int print_json(const struct top *top)
{
    char *text = json_dumps(top->source.stats, JSON_COMPACT | JSON_REAL_PRECISION(9));
    int code = text != NULL ? output_print(text, strlen(text)) : EXIT_FAILED;

    free(text);
    return code == EXIT_FINE ? output_print("\n", 1) : code;
}

static int print_lines(struct top *top)
{
    for (;;) {
        int code = print_json(top);
        if (code || top->options.once || weir_sleep(top->options.every) < 0)
            return code;
        if (!top_source_refresh(&top->source)) {
            if (weir_cancelled() == 0)
                fprintf(stderr, "weir top: %s\n", top->source.problem);
            return EXIT_FAILED;
        }
    }
}

/* --- the live screen: tasks that set `changed`, and the task that draws --- */

static int keep_asking(void *arg)
{
    struct top *top = arg;
    int wait_s = 1;

    for (;;) {
        const weir_duration wait = top->source.problem[0] ? weir_seconds(wait_s) : top->options.every;
        if (weir_sleep(wait) < 0)
            return 0;
        if (top->view.paused)
            continue;
        if (top_source_refresh(&top->source))
            wait_s = 1;
        else if (wait_s < WAIT_MOST_S)
            wait_s *= 2;
        weir_event_set(&top->changed);
    }
}

static int heed_keys(void *arg)
{
    struct top *top = arg;
    char keys[64];

    while (weir_wait_fd(STDIN_FILENO, POLLIN) > 0) {
        weir_guard_allow has_input;
        ssize_t n;
        weir_guard_allow_begin(&has_input, "read");
        n = read(STDIN_FILENO, keys, sizeof keys);
        weir_guard_allow_end(&has_input);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            top->quit = true; /* the terminal has gone */
        if (n > 0 && top_keys_heed(&top->view, keys, (size_t)n))
            top->quit = true;
        weir_event_set(&top->changed);
        if (top->quit)
            break;
    }
    return 0;
}

/* Stops the program after Ctrl-Z: restores the terminal first, and enters the screen again when it continues.
 */
static void stop_here(struct top *top)
{
    screen_leave(&top->screen);
    (void)kill(getpid(), SIGSTOP);
    screen_enter(&top->screen);
}

static int heed_signals(void *arg)
{
    static const int numbers[] = {SIGWINCH, SIGTSTP, SIGHUP, SIGQUIT};
    struct top *top = arg;
    weir_signals signals;
    int err = weir_signals_open(&signals, numbers, sizeof numbers / sizeof *numbers);

    weir_event_set(&top->changed); /* from now on a signal restores the terminal */
    if (err < 0)
        return 0;
    for (int number; (number = weir_signals_wait(&signals)) > 0;) {
        if (number == SIGTSTP)
            stop_here(top);
        top->quit = top->quit || number == SIGHUP || number == SIGQUIT;
        weir_event_set(&top->changed);
    }
    weir_signals_close(&signals);
    return 0;
}

static int run_screen(struct top *top)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_event_init(&top->changed);
    err = weir_spawn(&scope, "signals", heed_signals, top);
    if (err == 0)
        err = weir_spawn(&scope, "asking", keep_asking, top);
    if (err == 0 && weir_event_wait(&top->changed) == 0) {
        screen_enter(&top->screen);
        top->view.has_keys = top->screen.has_keys;
        if (top->screen.has_keys)
            err = weir_spawn(&scope, "keys", heed_keys, top);
    }
    while (err == 0 && !top->quit) {
        weir_event_reset(&top->changed);
        draw(top);
        if (weir_event_wait(&top->changed) < 0)
            break;
    }
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    screen_leave(&top->screen);
    if (err == -WEIR_ECANCELED)
        err = 0; /* a signal at the start */
    if (err < 0)
        fprintf(stderr, "weir top: %s\n", weir_error_text(err));
    return err < 0 ? EXIT_FAILED : EXIT_FINE;
}

/* --- the command --- */

static int run(struct admin_client *admin, void *arg)
{
    struct top *top = arg;

    top->source.admin = admin;
    if (!top_source_open(&top->source))
        return EXIT_FAILED;
    if (top->options.json)
        return print_lines(top);
    if (top->options.once || !isatty(STDOUT_FILENO))
        return print_frame(top);
    return run_screen(top);
}

#define AT(member) offsetof(struct top_options, member)
static const struct option options[] = {
    {"--once", OPTION_FLAG, AT(once), 0, 0},
    {"--json", OPTION_FLAG, AT(json), 0, 0},
    {"--every", OPTION_DURATION, AT(every), 0, 0},
};
#undef AT

int command_top(int argc, char **argv)
{
    const char *words[argc];
    struct option_list rest = {words, 0};
    struct top top = {.options = {.every = weir_seconds(1)}, .view = {.focus = TOP_ROUTES}};
    int code =
        options_read("top", argc, argv, options, sizeof options / sizeof *options, &top.options, &rest);

    if (code)
        return code;
    if (rest.count > 1)
        return usage_error("top", "unexpected argument '%s'", rest.items[1]);
    code = admin_client_run("top", rest.count ? rest.items[0] : NULL, run, &top);
    top_source_close(&top.source);
    return code;
}

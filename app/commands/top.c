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
#include "commands/usage.h"

const char command_top_help[] =
    "usage: weir top [--once] [--json] [--every TIME] [ADMIN]\n"
    "\n"
    "Shows a running gateway in the terminal: loops, routes, pools, origins and the latest stalls,\n"
    "with figures of the last 10 or 60 seconds. ADMIN is the gateway's admin address, HOST:PORT\n"
    "or unix:PATH (127.0.0.1:8081). When the gateway goes away it says so, and waits until it is back.\n"
    "\n"
    "  --once         prints it once, as plain text; so it does where the output is no terminal\n"
    "  --json         prints what /stats answers, one line each time\n"
    "  --every TIME   how often (1s)\n"
    "\n"
    "Routes stand in the order of their rate, origins that fail before others; what was refused, and\n"
    "connections on which no request comes, have a line at the top when there are any.\n"
    "\n"
    "keys: q quit; routes sorted by r rate, 9 p99, e errors, l as listed; w the last 10 or 60\n"
    "seconds; p pause; Tab chooses a section, arrow keys, j, k, PgUp, PgDn and Home scroll it.\n"
    "NO_COLOR=1: no colours.\n"
    "\n"
    "examples:\n"
    "  weir top\n"
    "  weir top 10.0.0.5:8081\n"
    "  weir top --once | grep /page\n"
    "  weir top --json --every 10s | jq .routes\n";

enum { FRAME_BYTES_MAX = 8 << 20, PLAIN_COLUMNS = 120, PROBLEM_BYTES = 200, WAIT_MOST_S = 8, PAGE_ROWS = 10 };

struct top_options {
    bool once, json;
    weir_duration every;
};

struct top {
    struct top_options options;
    struct admin_client *admin;
    json_t *stats, *stalls;
    char problem[PROBLEM_BYTES]; /* "": the last answer came */
    struct screen screen;
    struct top_view view;
    weir_event changed; /* there is something new to draw */
    bool quit;
};

/* --- asking --- */

/* As admin_client_get, but tells nothing: while the screen is entered there is no place for it.
 * Returns: NULL, with why in problem.
 */
static json_t *ask_quietly(struct top *top, const char *path, char problem[PROBLEM_BYTES])
{
    char url[ADMIN_BASE_BYTES + 32];
    weir_reply reply = {0};
    weir_scope scope;
    json_t *json = NULL;
    int err;

    snprintf(url, sizeof url, "%s%s", top->admin->base, path);
    weir_scope_open(&scope, weir_after_ms(3000), 0);
    err = weir_get(top->admin->client, url, &reply);
    (void)weir_scope_close(&scope);
    if (err < 0)
        snprintf(problem, PROBLEM_BYTES, "%s", weir_error_text(err));
    else if (reply.status != 200)
        snprintf(problem, PROBLEM_BYTES, "%s answers %d", path, reply.status);
    else if ((json = json_loadb(reply.body, reply.body_bytes, 0, NULL)) == NULL)
        snprintf(problem, PROBLEM_BYTES, "%s is not JSON", path);
    weir_reply_free(&reply);
    return json;
}

static bool refresh(struct top *top)
{
    char ignored[PROBLEM_BYTES];
    json_t *stats = ask_quietly(top, "/stats", top->problem);
    json_t *stalls;

    if (stats == NULL)
        return false;
    json_decref(top->stats);
    top->stats = stats;
    top->problem[0] = '\0';
    stalls = ask_quietly(top, "/stalls", ignored); /* an older gateway has none */
    json_decref(top->stalls);
    top->stalls = stalls;
    return true;
}

/* The first answer, of which a failure is told as by every command.
 * Returns: false: it is told.
 */
static bool first_answer(struct top *top)
{
    weir_reply reply;

    if (admin_client_get(top->admin, "/stats", weir_seconds(5), &reply) < 0)
        return false;
    weir_reply_free(&reply);
    if (refresh(top))
        return true;
    if (weir_cancelled() == 0)
        fprintf(stderr, "weir top: %s: %s\n", top->admin->where, top->problem);
    return false;
}

/* --- drawing --- */

static void write_frame(struct top *top, struct terminal_text *lines)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    top->view.address = top->admin->where;
    top->view.stats = top->stats;
    top->view.stalls = top->stalls;
    top->view.problem = top->problem[0] ? top->problem : NULL;
    top->view.now_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    lines->utf8 = screen_is_utf8();
    top_frame_write(&top->view, lines);
}

static void draw(struct top *top)
{
    struct terminal_text lines;
    int columns = 80, rows = 24;

    terminal_text_init(&lines, FRAME_BYTES_MAX);
    screen_size(&columns, &rows);
    lines.width = columns;
    lines.styled = screen_wants_colours();
    top->view.height = rows;
    write_frame(top, &lines);
    screen_draw(&top->screen, weir_buffer_bytes(&lines.text.text));
    weir_buffer_free(&lines.text.text);
}

/* --- plain output --- */

static int print_frame(struct top *top)
{
    struct terminal_text lines;
    int rows, code;

    terminal_text_init(&lines, FRAME_BYTES_MAX);
    if (!screen_size(&lines.width, &rows))
        lines.width = PLAIN_COLUMNS;
    write_frame(top, &lines);
    code = lines.text.err < 0 ? EXIT_FAILED : output_print(lines.text.text.data, lines.text.text.len);
    weir_buffer_free(&lines.text.text);
    return code;
}

static int print_json(const struct top *top)
{
    char *text = json_dumps(top->stats, JSON_COMPACT | JSON_REAL_PRECISION(9));
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
        if (!refresh(top)) {
            if (weir_cancelled() == 0)
                fprintf(stderr, "weir top: %s\n", top->problem);
            return EXIT_FAILED;
        }
    }
}

/* --- the live screen: tasks that note what is new, and one that draws --- */

static int keep_asking(void *arg)
{
    struct top *top = arg;
    int wait_s = 1;

    for (;;) {
        const weir_duration wait = top->problem[0] ? weir_seconds(wait_s) : top->options.every;
        if (weir_sleep(wait) < 0)
            return 0;
        if (top->view.paused)
            continue;
        if (refresh(top))
            wait_s = 1;
        else if (wait_s < WAIT_MOST_S)
            wait_s *= 2;
        weir_event_set(&top->changed);
    }
}

static void scroll(struct top *top, int rows)
{
    size_t *offset = &top->view.offset[top->view.focus];

    if (rows < 0)
        *offset = *offset > (size_t)-rows ? *offset - (size_t)-rows : 0;
    else
        *offset += (size_t)rows; /* as far as there are items: the frame sees to it */
}

static void focus_next(struct top *top, int by)
{
    top->view.focus = (enum top_section)(((int)top->view.focus + by + TOP_SECTIONS) % TOP_SECTIONS);
}

static void heed_key(struct top *top, char key)
{
    switch (key) {
    case 'q':
    case 'Q':
        top->quit = true;
        break;
    case 'r':
        top->view.sort = TOP_BY_RATE;
        break;
    case '9':
        top->view.sort = TOP_BY_P99;
        break;
    case 'e':
        top->view.sort = TOP_BY_ERRORS;
        break;
    case 'l':
        top->view.sort = TOP_AS_LISTED;
        break;
    case 'w':
        top->view.last_60s = !top->view.last_60s;
        break;
    case 'p':
    case ' ':
        top->view.paused = !top->view.paused;
        break;
    case '\t':
        focus_next(top, 1);
        break;
    case 'j':
        scroll(top, 1);
        break;
    case 'k':
        scroll(top, -1);
        break;
    default:
        break;
    }
}

/* What follows ESC [ : 'A' up, 'B' down, 'H' Home, 'Z' Shift-Tab, "5~" and "6~" a page. */
static void heed_sequence(struct top *top, char first)
{
    switch (first) {
    case 'A':
        scroll(top, -1);
        break;
    case 'B':
        scroll(top, 1);
        break;
    case 'C':
        focus_next(top, 1);
        break;
    case 'D':
    case 'Z':
        focus_next(top, -1);
        break;
    case '5':
        scroll(top, -PAGE_ROWS);
        break;
    case '6':
        scroll(top, PAGE_ROWS);
        break;
    case 'H':
    case '1':
        top->view.offset[top->view.focus] = 0;
        break;
    default:
        break;
    }
}

/* A sequence comes in one read. */
static void heed_bytes(struct top *top, const char *keys, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (keys[i] != '\033') {
            heed_key(top, keys[i]);
            continue;
        }
        if (i + 2 >= n || (keys[i + 1] != '[' && keys[i + 1] != 'O'))
            return;
        heed_sequence(top, keys[i + 2]);
        for (i += 2; i < n && keys[i] < '@' && keys[i] != '~';)
            i++;
    }
}

static int heed_keys(void *arg)
{
    struct top *top = arg;
    char keys[64];

    while (weir_wait_fd(STDIN_FILENO, POLLIN) > 0) {
        weir_guard_allow there_is_one;
        ssize_t n;
        weir_guard_allow_begin(&there_is_one, "read");
        n = read(STDIN_FILENO, keys, sizeof keys);
        weir_guard_allow_end(&there_is_one);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            top->quit = true; /* the terminal has gone */
        heed_bytes(top, keys, n);
        weir_event_set(&top->changed);
        if (top->quit)
            break;
    }
    return 0;
}

/* Stopped by Ctrl-Z: gives the terminal back first, and takes it again when it goes on. */
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

    weir_event_set(&top->changed); /* from now on a signal finds someone who gives the terminal back */
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
        err = 0; /* a signal while it began */
    if (err < 0)
        fprintf(stderr, "weir top: %s\n", weir_error_text(err));
    return err < 0 ? EXIT_FAILED : EXIT_FINE;
}

/* --- the command --- */

static int run(struct admin_client *admin, void *arg)
{
    struct top *top = arg;

    top->admin = admin;
    if (!first_answer(top))
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
    json_decref(top.stats);
    json_decref(top.stalls);
    return code;
}

/* SPDX-License-Identifier: MIT */
/* weir tasks: the tasks of a running gateway, and what each waits for. */
#include <weir/buffer.h>
#include <weir/url.h>

#include "commands/commands.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir.h>

#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/output.h"
#include "commands/screen.h"
#include "commands/tasks_tree.h"
#include "commands/usage.h"
#include "text/figures.h"
#include "text/terminal_text.h"

const char command_tasks_help[] =
    "usage: weir tasks [--filter TEXT] [--watch] [--flat] [--stacks] [--json] [ADMIN]\n"
    "\n"
    "Prints the tasks of a running gateway as a tree, each task below the one in whose scope it was\n"
    "started: what the task waits for, its age, the time left until its deadline, the route it works\n"
    "for, and the place that started it. Equal tasks are one line, \"call × 12\". Works also while a loop\n"
    "is held. Processes of applications stand below. ADMIN is the gateway's admin address, HOST:PORT\n"
    "or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  --filter TEXT   only tasks whose name, route or wait contains the text, and their ancestors\n"
    "  --watch         prints the tree once a second until Ctrl-C\n"
    "  --flat          one line for each task\n"
    "  --stacks        with the stack of each task: function, file and line, innermost first\n"
    "  --json          prints the answer of /tasks unchanged\n"
    "\n"
    "examples:\n"
    "  weir tasks\n"
    "  weir tasks --filter 10.0.0.7 --stacks\n"
    "  weir tasks --watch 10.0.0.5:8081\n"
    "  weir tasks --json | jq '.loops[].tasks'\n";

enum { TEXT_BYTES_MAX = 256 << 20 };

struct command_options {
    const char *filter;
    bool watch, flat, stacks, json;
};

struct view {
    struct command_options options;
    struct admin_client *admin;
    const char *path;
    struct screen screen;
    weir_reply reply;
    struct terminal_text out;
    int rows; /* of the screen; 0: no limit */
};

/* --- drawing --- */

/* Leaves out the lines that do not fit on the screen; the last line counts them. */
static void cut(struct terminal_text *out, int rows)
{
    weir_buffer *text = &out->text.text;
    size_t kept = 0, lines = 0;

    for (size_t at = 0; at < text->len; at++) {
        lines += text->data[at] == '\n';
        if (lines == (size_t)rows - 1 && kept == 0)
            kept = at + 1;
    }
    if (rows < 2 || lines <= (size_t)rows)
        return;
    weir_buffer_truncate(text, kept);
    terminal_text_printf(out, LINE_WARN, "%zu more lines", lines - (size_t)rows + 1);
}

/* Writes the processes of applications, one a line. */
static void write_applications(struct terminal_text *out, const json_t *apps)
{
    const json_t *app;
    size_t i;

    if (json_array_size(apps) > 0)
        terminal_text_end(out);
    json_array_foreach(apps, i, app)
    {
        terminal_text_printf(out, LINE_STRONG, "%s", figure_text(app, "name"));
        terminal_text_printf(out, LINE_PLAIN, "  %s, %.0f in progress  %s", figure_text(app, "state"),
                             figure_at(app, "in_flight"), figure_text(app, "route"));
        terminal_text_printf(out, LINE_QUIET, "  pid %.0f", figure_at(app, "pid"));
        terminal_text_end(out);
    }
}

/* Draws the tree, on a worker of a pool, because a tree may need more stack than a task has.
 * Returns: 0; -WEIR_EPROTOCOL the answer is no tree of tasks.
 */
static int draw(weir_job *job, void *arg)
{
    struct view *view = arg;
    const struct tasks_view how = {.flat = view->options.flat, .stacks = view->options.stacks};
    json_t *tasks = json_loadb(view->reply.body, view->reply.body_bytes, 0, NULL);

    (void)job;
    if (!json_is_array(json_object_get(tasks, "loops"))) {
        json_decref(tasks);
        return -WEIR_EPROTOCOL;
    }
    tasks_tree_write(tasks, &how, &view->out);
    if (view->options.filter == NULL)
        write_applications(&view->out, json_object_get(tasks, "apps"));
    json_decref(tasks);
    if (view->rows > 0)
        cut(&view->out, view->rows);
    return view->out.text.err;
}

/* --- printing --- */

static int tell(int err)
{
    if (err == -WEIR_EPROTOCOL)
        fputs("weir tasks: the answer is not a tree of tasks: is it the admin address of a gateway?\n",
              stderr);
    else if (err != -WEIR_ECANCELED)
        fprintf(stderr, "weir tasks: %s\n", weir_error_text(err));
    return EXIT_FAILED;
}

static int show(struct view *view)
{
    int err, code;

    terminal_text_init(&view->out, TEXT_BYTES_MAX);
    view->out.utf8 = screen_is_utf8();
    view->out.styled = screen_wants_colours();
    view->out.width = view->rows = 0;
    if (view->screen.entered)
        screen_size(&view->out.width, &view->rows);
    err = weir_offload(weir_pool_blocking(), "drawing", draw, view);
    code = EXIT_FINE;
    if (err < 0)
        screen_leave(&view->screen);
    if (err < 0)
        code = tell(err);
    else if (view->screen.entered)
        screen_draw(&view->screen, weir_buffer_bytes(&view->out.text.text));
    else
        code = output_print(view->out.text.text.data, view->out.text.text.len);
    weir_buffer_free(&view->out.text.text);
    return code;
}

/* Asks and shows the answer. A failure is printed after the terminal has been restored. */
static int ask(struct view *view)
{
    int code = EXIT_FAILED;
    int err = admin_client_try(view->admin, view->path, weir_seconds(30), &view->reply);

    if (err < 0) {
        screen_leave(&view->screen);
        admin_client_tell(view->admin, view->path, err, &view->reply);
    } else if (view->options.json) {
        code = output_print(view->reply.body, view->reply.body_bytes);
    } else {
        code = show(view);
    }
    weir_reply_free(&view->reply);
    return code;
}

/* --- the command --- */

/* Shows the tasks again and again until Ctrl-C, which is no failure. */
static int watch(struct view *view)
{
    int code = ask(view);

    if (code == EXIT_FINE && !view->options.json && isatty(STDOUT_FILENO))
        screen_enter(&view->screen);
    while (code == EXIT_FINE && weir_sleep(weir_seconds(1)) == 0)
        code = ask(view);
    screen_leave(&view->screen);
    return weir_cancelled() < 0 ? EXIT_FINE : code;
}

static int run(struct admin_client *admin, void *arg)
{
    struct view view = {.options = *(const struct command_options *)arg, .admin = admin};
    const char *filter = view.options.filter;
    weir_buffer path;
    int err, code = EXIT_USAGE;

    weir_buffer_init(&path, ADMIN_URL_BYTES - 1);
    err = weir_buffer_printf(&path, "/tasks?stacks=%d", view.options.stacks);
    if (err == 0 && filter != NULL)
        err = weir_query_append(&path, weir_bytes_of("filter"), weir_bytes_of(filter));
    view.path = path.data;
    if (err < 0)
        fputs("weir tasks: --filter is too long\n", stderr);
    else
        code = view.options.watch ? watch(&view) : ask(&view);
    weir_buffer_free(&path);
    return code;
}

int command_tasks(int argc, char **argv)
{
    const char *words[argc];
    struct option_list rest = {words, 0};
    struct command_options o = {.filter = NULL};
    static const struct option options[] = {
        {"--filter", OPTION_TEXT, offsetof(struct command_options, filter), 0, 0},
        {"--watch", OPTION_FLAG, offsetof(struct command_options, watch), 0, 0},
        {"--flat", OPTION_FLAG, offsetof(struct command_options, flat), 0, 0},
        {"--stacks", OPTION_FLAG, offsetof(struct command_options, stacks), 0, 0},
        {"--json", OPTION_FLAG, offsetof(struct command_options, json), 0, 0},
    };
    int code = options_read("tasks", argc, argv, options, sizeof options / sizeof *options, &o, &rest);

    if (code)
        return code;
    if (rest.count > 1)
        return usage_error("tasks", "unexpected argument '%s'", rest.items[1]);
    return admin_client_run("tasks", rest.count ? rest.items[0] : NULL, run, &o);
}

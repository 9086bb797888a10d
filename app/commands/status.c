/* SPDX-License-Identifier: MIT */
/* weir status: the processes of a running gateway and its applications, and since when. */
#include "commands/commands.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <weir/http_client.h>

#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/output.h"
#include "commands/screen.h"
#include "commands/usage.h"
#include "text/figures.h"
#include "text/terminal_text.h"

const char command_status_help[] =
    "usage: weir status [--json] [ADMIN]\n"
    "\n"
    "Prints the state of a running gateway: its processes and those of its applications, since when each\n"
    "is in its state, how many requests it has in flight, how often it was started again and how the one\n"
    "before it ended. ADMIN is the gateway's admin address, HOST:PORT or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  starting        it is not ready yet\n"
    "  ready           it gets requests\n"
    "  draining        it gets no new connections, and ends when its requests have ended\n"
    "  waiting         it has ended, and is started again after a pause\n"
    "  ready in part   some processes of the application are ready\n"
    "  replacing       it has changed, and its earlier processes serve until others are ready\n"
    "  broken          no process of the application gets ready; it is tried again and again\n"
    "\n"
    "  --json   prints the answer of /processes unchanged\n"
    "\n"
    "examples:\n"
    "  weir status\n"
    "  weir status unix:/run/weir/admin\n"
    "  weir status --json | jq '.processes[] | select(.state == \"draining\")'\n";

enum { TEXT_BYTES_MAX = 8 << 20 };

/* --- pieces --- */

/* A column of figures, at the right; what is missing is a dash. */
static void write_count(struct terminal_text *out, int columns, const json_t *object, const char *name)
{
    char text[FIGURE_BYTES];

    terminal_text_field(out, LINE_PLAIN, -columns, figure_count(text, figure_at(object, name)));
}

static void write_age(struct terminal_text *out, double seconds)
{
    char text[FIGURE_BYTES];

    terminal_text_field(out, LINE_PLAIN, -10, figure_age(text, seconds));
}

static enum line_style style_of(const char *state)
{
    static const char *const bad[] = {"broken", "waiting"}, *const warn[] = {"starting", "draining",
                                                                             "leaving"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strcmp(state, bad[i]) == 0)
            return LINE_BAD;
    for (size_t i = 0; i < sizeof warn / sizeof *warn; i++)
        if (strcmp(state, warn[i]) == 0)
            return LINE_WARN;
    return LINE_PLAIN;
}

static void write_state(struct terminal_text *out, const json_t *object)
{
    const char *state = figure_text(object, "state");

    terminal_text_field(out, style_of(state), 13, state);
}

static void write_note(struct terminal_text *out, const char *before, const char *text)
{
    if (text[0] == '\0')
        return;
    terminal_text_printf(out, LINE_QUIET, "  %s", before);
    terminal_text_add(out, LINE_QUIET, text);
}

/* --- the gateway's processes --- */

static void write_process(struct terminal_text *out, const json_t *process)
{
    char text[FIGURE_BYTES];
    const double silent = figure_at(process, "silent_s");

    terminal_text_printf(out, LINE_PLAIN, "%-11.0f", figure_at(process, "process"));
    write_count(out, 8, process, "pid");
    terminal_text_add(out, LINE_PLAIN, "  ");
    write_state(out, process);
    write_age(out, figure_at(process, "since_s"));
    write_count(out, 11, process, "in_flight");
    write_count(out, 10, process, "restarts");
    write_count(out, 12, process, "generation");
    write_note(out, "before it: ", figure_text(process, "last_end"));
    if (!isnan(silent)) {
        terminal_text_printf(out, LINE_BAD, "  does not answer for %s", figure_age(text, silent));
    }
    terminal_text_end(out);
}

static void write_processes(struct terminal_text *out, const json_t *status)
{
    const json_t *process;
    size_t i;

    terminal_text_add(out, LINE_HEAD,
                      "process         pid  state            since  in flight  restarts  generation");
    terminal_text_end(out);
    json_array_foreach(json_object_get(status, "processes"), i, process) write_process(out, process);
}

/* --- applications --- */

static void write_app_process(struct terminal_text *out, const char *app, const json_t *process)
{
    char name[128];

    snprintf(name, sizeof name, "%s[%.0f]", app, figure_at(process, "number"));
    terminal_text_field(out, LINE_PLAIN, 24, name);
    write_count(out, 8, process, "pid");
    terminal_text_add(out, LINE_PLAIN, "  ");
    write_state(out, process);
    write_age(out, figure_at(process, "age_ms") / 1e3);
    write_count(out, 11, process, "in_flight");
    write_count(out, 10, process, "requests");
    write_count(out, 10, process, "failures");
    write_note(out, "", figure_text(process, "why"));
    terminal_text_end(out);
}

static void write_times(struct terminal_text *out, const char *before, double times, const char *one,
                        const char *several)
{
    char text[FIGURE_BYTES];

    terminal_text_printf(out, LINE_QUIET, "%s%s %s", before, figure_count(text, times),
                         times == 1 ? one : several);
}

static void write_app(struct terminal_text *out, const json_t *app)
{
    const char *name = figure_text(app, "name");
    const json_t *process;
    size_t i;

    terminal_text_field(out, LINE_STRONG, 24, name);
    terminal_text_field(out, LINE_PLAIN, 10, "");
    write_state(out, app);
    write_times(out, "  ", figure_at(app, "waiting"), "request waits", "requests wait");
    write_times(out, ", ", figure_at(app, "starts"), "start", "starts");
    write_times(out, ", ", figure_at(app, "deaths"), "death", "deaths");
    write_note(out, "last: ", figure_text(app, "last_end"));
    terminal_text_end(out);
    write_note(out, "it said: ", figure_text(app, "last_line"));
    if (figure_text(app, "last_line")[0] != '\0')
        terminal_text_end(out);
    json_array_foreach(json_object_get(app, "processes"), i, process) write_app_process(out, name, process);
}

static void write_apps(struct terminal_text *out, const json_t *status)
{
    const json_t *apps = json_object_get(status, "apps"), *app;
    size_t i;

    if (json_array_size(apps) == 0)
        return;
    terminal_text_end(out);
    terminal_text_add(
        out, LINE_HEAD,
        "app                          pid  state            since  in flight  requests  failures");
    terminal_text_end(out);
    json_array_foreach(apps, i, app) write_app(out, app);
}

/* --- the command --- */

static void write_head(struct terminal_text *out, const json_t *status)
{
    char text[FIGURE_BYTES];

    terminal_text_printf(out, LINE_PLAIN, "supervisor %.0f ", figure_at(status, "pid"));
    terminal_text_add(out, LINE_STRONG, figure_text(status, "state"));
    terminal_text_printf(out, LINE_PLAIN, ", for %s", figure_age(text, figure_at(status, "uptime_s")));
    if (figure_at(status, "generation") > 0) /* none is in force in a drain */
        terminal_text_printf(out, LINE_PLAIN, ", generation %.0f", figure_at(status, "generation"));
    terminal_text_end(out);
    terminal_text_end(out);
}

static int print_text(const json_t *status)
{
    struct terminal_text out;

    screen_text_begin(&out, TEXT_BYTES_MAX);
    write_head(&out, status);
    write_processes(&out, status);
    write_apps(&out, status);
    return screen_text_print(&out);
}

static int print_reply(const weir_reply *reply, bool as_json)
{
    json_t *status = json_loadb(reply->body, reply->body_bytes, 0, NULL);
    int code = EXIT_FAILED;

    if (!json_is_array(json_object_get(status, "processes")))
        fputs("weir status: the answer is not the state of a gateway: is it the admin address of one?\n",
              stderr);
    else if (!as_json)
        code = print_text(status);
    else
        code = output_print(reply->body, reply->body_bytes);
    json_decref(status);
    return code;
}

static int run(struct admin_client *admin, void *arg)
{
    const bool *as_json = arg;
    weir_reply reply;
    int code;

    if (admin_client_get(admin, "/processes", weir_seconds(5), &reply) < 0)
        return EXIT_FAILED;
    code = print_reply(&reply, *as_json);
    weir_reply_free(&reply);
    return code;
}

int command_status(int argc, char **argv)
{
    const char *words[argc];
    struct option_list rest = {words, 0};
    bool as_json = false;
    static const struct option options[] = {{"--json", OPTION_FLAG, 0, 0, 0}};
    int code = options_read("status", argc, argv, options, 1, &as_json, &rest);

    if (code)
        return code;
    if (rest.count > 1)
        return usage_error("status", "unexpected argument '%s'", rest.items[1]);
    return admin_client_run("status", rest.count ? rest.items[0] : NULL, run, &as_json);
}

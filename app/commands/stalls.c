/* SPDX-License-Identifier: MIT */
/* weir stalls: the tasks that have held a loop of a running gateway, and where. */
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

const char command_stalls_help[] =
    "usage: weir stalls [--json] [ADMIN]\n"
    "\n"
    "Prints the stalls of a running gateway since its start: the task that held its loop, for how long,\n"
    "the type of the stall, the stack with files and lines, and what to write instead. The latest come\n"
    "first; those computing or blocked come before those starved or throttled. ADMIN is the gateway's\n"
    "admin address, HOST:PORT or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  computing   the task used the CPU\n"
    "  blocked     the task slept in a system call, and its loop with it\n"
    "  starved     the task was ready, but other threads had the CPU\n"
    "  throttled   the CPU quota of the cgroup was used up\n"
    "\n"
    "Processes of applications that held their requests are among them, with those that were late by it.\n"
    "\n"
    "  --json   prints the answer of /stalls unchanged\n"
    "\n"
    "examples:\n"
    "  weir stalls\n"
    "  weir stalls 10.0.0.5:8081\n"
    "  weir stalls --json | jq '.[] | select(.kind == \"blocked\")'\n";

enum { TEXT_BYTES_MAX = 64 << 20, INDENT = 13, FUNCTION_COLUMNS = 36 };

/* --- as text --- */

/* Writes "function file:line" in two columns. */
static void write_frame(struct terminal_text *out, const char *frame)
{
    char function[256];
    const char *space = strrchr(frame, ' ');
    size_t length = space != NULL ? (size_t)(space - frame) : strlen(frame);

    snprintf(function, sizeof function, "%.*s", (int)length, frame);
    if (space != NULL)
        terminal_text_field(out, LINE_STRONG, FUNCTION_COLUMNS, function);
    else
        terminal_text_add(out, LINE_STRONG, function);
    if (space != NULL)
        terminal_text_printf(out, LINE_QUIET, " %s", space + 1);
}

static void write_stack(struct terminal_text *out, const json_t *stack)
{
    const json_t *frame;
    size_t i;

    json_array_foreach(stack, i, frame)
    {
        terminal_text_field(out, LINE_PLAIN, INDENT + 4, i == 0 ? "             in" : "");
        write_frame(out, json_is_string(frame) ? json_string_value(frame) : "?");
        terminal_text_end(out);
    }
}

static bool is_of_app(const json_t *stall)
{
    return json_is_string(json_object_get(stall, "app"));
}

static void write_fact(struct terminal_text *out, const char *name, const char *text)
{
    if (!*text)
        return;
    terminal_text_field(out, LINE_PLAIN, INDENT, "");
    terminal_text_printf(out, LINE_QUIET, "%s: ", name);
    terminal_text_add(out, LINE_PLAIN, text);
    terminal_text_end(out);
}

/* What was held, for how long, and by whom: a loop by a task, or a process of an application by a request. */
static void write_headline(struct terminal_text *out, const json_t *stall)
{
    char text[FIGURE_BYTES], loop[FIGURE_BYTES + 8];
    const bool of_app = is_of_app(stall);

    (void)snprintf(loop, sizeof loop, "loop %s", figure_loop(text, stall));
    terminal_text_printf(out, LINE_QUIET, "%s ", figure_clock(text, stall, "last"));
    terminal_text_add(out, LINE_WARN, "warn");
    terminal_text_printf(out, LINE_PLAIN, "  %s %s ", of_app ? figure_text(stall, "task") : loop,
                         json_is_true(json_object_get(stall, "ongoing")) ? "still held, for" : "held");
    terminal_text_printf(out, LINE_STRONG, "%s ms", figure_ms(text, figure_at(stall, "held_ms")));
    terminal_text_add(out, LINE_PLAIN, of_app ? " by request \"" : " by task \"");
    terminal_text_add(out, LINE_STRONG, figure_text(stall, of_app ? "route" : "task"));
    terminal_text_printf(out, LINE_PLAIN, "\" (%s)", figure_text(stall, "kind"));
    terminal_text_end(out);
}

static void write_late(struct terminal_text *out, const json_t *stall)
{
    char text[FIGURE_BYTES], late[FIGURE_BYTES + 32];

    if (!is_of_app(stall) || !(figure_at(stall, "late") > 0))
        return;
    (void)snprintf(late, sizeof late, "%s requests", figure_count(text, figure_at(stall, "late")));
    write_fact(out, "late by it", late);
}

static void write_stall(struct terminal_text *out, const json_t *stall)
{
    char text[FIGURE_BYTES];
    const double count = figure_at(stall, "count");

    write_headline(out, stall);
    write_stack(out, json_object_get(stall, "stack"));
    write_late(out, stall);
    if (!is_of_app(stall) && strcmp(figure_text(stall, "route"), figure_text(stall, "task")) != 0)
        write_fact(out, "route", figure_text(stall, "route"));
    write_fact(out, "scope", figure_text(stall, "scope"));
    write_fact(out, "spawned at", figure_text(stall, "spawned_at"));
    write_fact(out, "hint", figure_text(stall, "hint"));
    if (count > 1) {
        char seen[64 + FIGURE_BYTES], first[FIGURE_BYTES];
        snprintf(seen, sizeof seen, "%s times since %.40s", figure_count(text, count),
                 figure_clock(first, stall, "first"));
        write_fact(out, "seen", seen);
    }
}

static int print_text(const json_t *stalls)
{
    struct terminal_text out;
    const json_t *stall;
    size_t i;

    screen_text_begin(&out, TEXT_BYTES_MAX);
    json_array_foreach(stalls, i, stall)
    {
        if (i > 0)
            terminal_text_end(&out);
        write_stall(&out, stall);
    }
    if (json_array_size(stalls) == 0)
        text_out_add(&out.text, "no stalls since the gateway was started\n");
    return screen_text_print(&out);
}

/* --- the command --- */

static int print_reply(const weir_reply *reply, bool as_json)
{
    json_t *stalls = json_loadb(reply->body, reply->body_bytes, 0, NULL);
    int code = EXIT_FAILED;

    if (!json_is_array(stalls))
        fputs("weir stalls: the answer is not a list of stalls: is it the admin address of a gateway?\n",
              stderr);
    else if (!as_json)
        code = print_text(stalls);
    else
        code = output_print(reply->body, reply->body_bytes);
    json_decref(stalls);
    return code;
}

static int run(struct admin_client *admin, void *arg)
{
    const bool *as_json = arg;
    weir_reply reply;
    int code;

    if (admin_client_get(admin, "/stalls", weir_seconds(5), &reply) < 0)
        return EXIT_FAILED;
    code = print_reply(&reply, *as_json);
    weir_reply_free(&reply);
    return code;
}

int command_stalls(int argc, char **argv)
{
    const char *words[argc];
    struct option_list rest = {words, 0};
    bool as_json = false;
    static const struct option options[] = {{"--json", OPTION_FLAG, 0, 0, 0}};
    int code = options_read("stalls", argc, argv, options, 1, &as_json, &rest);

    if (code)
        return code;
    if (rest.count > 1)
        return usage_error("stalls", "unexpected argument '%s'", rest.items[1]);
    return admin_client_run("stalls", rest.count ? rest.items[0] : NULL, run, &as_json);
}

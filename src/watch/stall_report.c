/* SPDX-License-Identifier: MIT */
/* The two forms of the report: a line for programs, lines for people. */
#include "watch/stall_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/log/log.h"

enum { STACK_BYTES = 1200, MESSAGE_BYTES = 256, LINES_BYTES = 2048, LINES_MAX = 12, FRAME_BYTES = 160 };

#define INDENT "             "

/* --- pieces --- */

static void add(char *out, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *out, size_t room, const char *format, ...)
{
    size_t used = strlen(out);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out + used, room - used, format, args);
    va_end(args);
}

/* The frames up to weir__task_main(): those further out are the same in every task. */
static size_t frames_to_show(const weir_stall *s)
{
    size_t n = 0;

    while (n < s->stack_depth && strcmp(s->stack[n].function, "weir__task_main") != 0)
        n++;
    return n;
}

/* "report.c:118"; "": not known. */
static const char *place_of(const weir_frame *frame, char *out, size_t room)
{
    out[0] = '\0';
    if (frame->file != NULL && frame->line > 0)
        (void)snprintf(out, room, "%s:%d", frame->file, frame->line);
    else if (frame->file != NULL)
        (void)snprintf(out, room, "%s", frame->file);
    return out;
}

static const char *message_of(const weir_stall *s, char *out, size_t room)
{
    static const char *const verbs[WEIR_STALL_TYPES] = {"held", "held", "kept off the CPU",
                                                        "kept off the CPU"};
    bool own = strcmp(s->task_path, "") == 0;

    (void)snprintf(out, room, "loop %d %s %lld ms%s %s %s%s%s (%s)", s->loop, verbs[s->type],
                   (long long)(s->held.ns / 1000000), s->ongoing ? " so far" : "",
                   s->type <= WEIR_STALL_BLOCKED ? "by" : "in", own ? "" : "task \"", s->task,
                   own ? "" : "\"", weir_stall_type_name(s->type));
    return out;
}

static const char *since(const struct weir__logger *logger, const weir_stall *s,
                         char out[WEIR__CLOCK_TEXT_MAX])
{
    if (!logger->local_time) {
        weir__clock_format_utc(out, s->first_ns);
        return out;
    }
    weir__clock_format_time(out, s->first_ns, logger->local_offset_s);
    out[strcspn(out, ".")] = '\0';
    return out;
}

/* --- for programs: one line --- */

static void stack_text(const weir_stall *s, char *out, size_t room)
{
    char place[FRAME_BYTES];

    out[0] = '\0';
    for (size_t i = 0; i < frames_to_show(s); i++) {
        (void)place_of(&s->stack[i], place, sizeof place);
        add(out, room, "%s%s%s%s", i > 0 ? " < " : "", s->stack[i].function, place[0] != '\0' ? " " : "",
            place);
    }
}

static void report_line(const struct weir__logger *logger, const weir_stall *s, const char *stack)
{
    char message[MESSAGE_BYTES], spawned[FRAME_BYTES], first[WEIR__CLOCK_TEXT_MAX];
    bool json = logger->json;
    weir_kv kvs[] = {
        json ? WEIR_KV_INT("loop", s->loop) : weir_kv_none(),
        json ? WEIR_KV("kind", weir_stall_type_name(s->type)) : weir_kv_none(),
        json ? WEIR_KV("task", s->task) : weir_kv_none(),
        s->route != NULL ? WEIR_KV("route", s->route) : weir_kv_none(),
        json ? WEIR_KV_DURATION("held", s->held) : weir_kv_none(),
        json ? WEIR_KV_BOOL("ongoing", s->ongoing) : weir_kv_none(),
        s->task_path[0] != '\0' ? WEIR_KV("scope", s->task_path) : weir_kv_none(),
        place_of(&s->spawned_at, spawned, sizeof spawned)[0] != '\0' ? WEIR_KV("spawned_at", spawned)
                                                                     : weir_kv_none(),
        s->stack_depth > 0 ? WEIR_KV("stack", stack) : weir_kv_none(),
        s->hint != NULL ? WEIR_KV("hint", s->hint) : weir_kv_none(),
        WEIR_KV_INT("seen", s->count),
        WEIR_KV("since", since(logger, s, first)),
    };

    weir__log_write(logger, WEIR_LOG_WARN, json ? "loop held" : message_of(s, message, sizeof message), kvs,
                    sizeof kvs / sizeof *kvs);
}

/* --- for people: a few lines --- */

/* Replaces control characters, because names from the program's files must not control the terminal. */
static void make_plain(char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\n') || *text == 0x7f)
            *text = '?';
}

static size_t width_of_names(const weir_stall *s, size_t shown)
{
    size_t width = 0;

    for (size_t i = 0; i < shown; i++)
        if (strlen(s->stack[i].function) > width)
            width = strlen(s->stack[i].function);
    return width < 40 ? width : 40;
}

static void report_lines(const struct weir__logger *logger, const weir_stall *s)
{
    char message[MESSAGE_BYTES], more[LINES_BYTES] = "", place[FRAME_BYTES], first[WEIR__CLOCK_TEXT_MAX];
    size_t all = frames_to_show(s), shown = all < LINES_MAX ? all : LINES_MAX;
    int width = (int)width_of_names(s, shown);

    for (size_t i = 0; i < shown; i++)
        add(more, sizeof more, INDENT "%s %-*s  %s\n", i == 0 ? "in " : "   ", width, s->stack[i].function,
            place_of(&s->stack[i], place, sizeof place));
    if (all > shown)
        add(more, sizeof more, INDENT "    and %zu more\n", all - shown);
    if (s->hint != NULL || s->count > 1)
        add(more, sizeof more, INDENT "%s%s", s->hint != NULL ? "hint: " : "",
            s->hint != NULL ? s->hint : "");
    if (s->count > 1)
        add(more, sizeof more, "%sseen %llu times since %s", s->hint != NULL ? "       " : "",
            (unsigned long long)s->count, since(logger, s, first));
    if (s->hint != NULL || s->count > 1)
        add(more, sizeof more, "\n");
    make_plain(more);
    weir__log_write_lines(logger, WEIR_LOG_WARN, message_of(s, message, sizeof message), more);
}

void weir__stall_report(const struct weir__logger *logger, const struct weir__stall *stall)
{
    struct weir__stall copy = *stall;
    const weir_stall *s = weir__stall_show(&copy);

    if (logger->local_time) {
        report_lines(logger, s);
    } else {
        char stack[STACK_BYTES];
        stack_text(s, stack, sizeof stack);
        report_line(logger, s, stack);
    }
}

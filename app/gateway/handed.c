/* SPDX-License-Identifier: MIT */
#include "gateway/handed.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/process.h>
#include <weir/shared.h>

/* --- writing --- */

struct writing {
    const char **argv;
    size_t argc;
    char *text;
    size_t room, used;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct writing *w, const char *format, ...)
{
    va_list args;
    int length;

    if (w->failed)
        return;
    va_start(args, format);
    length = vsnprintf(w->text + w->used, w->room - w->used, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= w->room - w->used || w->argc + 1 >= HANDED_ARGUMENTS_MAX) {
        w->failed = true;
        return;
    }
    w->argv[w->argc++] = w->text + w->used;
    w->used += (size_t)length + 1;
}

int handed_write(const struct handed *handed, const char *argv[HANDED_ARGUMENTS_MAX], char *text, size_t room)
{
    struct writing w = {.argv = argv, .text = text, .room = room};

    add(&w, "weir");
    add(&w, "gateway-process");
    add(&w, "--file");
    add(&w, "%s", handed->file);
    add(&w, "--folder");
    add(&w, "%s", handed->folder);
    add(&w, "--member=%d", handed->member);
    add(&w, "--number=%d", handed->number);
    add(&w, "--generation=%u", handed->generation);
    add(&w, "--listeners=%zu", handed->listeners);
    argv[w.argc] = NULL;
    return w.failed ? -ENOSPC : 0;
}

/* --- reading --- */

/* Reads "NAME=NUMBER". Returns: false: it has another name; *bad: it has no such number. */
static bool read_number(const char *argument, const char *name, long most, long *out, bool *bad)
{
    const size_t length = strlen(name);
    char *end;

    if (strncmp(argument, name, length) != 0 || argument[length] != '=')
        return false;
    errno = 0;
    *out = strtol(argument + length + 1, &end, 10);
    *bad = *bad || errno != 0 || end == argument + length + 1 || *end != '\0' || *out < 0 || *out > most;
    return true;
}

/* The numbers, before they have their types. -1: not read. */
struct numbers {
    long member, number, generation, listeners;
};

static bool read_numbers(const char *argument, struct numbers *n)
{
    bool bad = false;
    bool known = read_number(argument, "--member", WEIR_SHARED_MEMBERS_MAX - 1, &n->member, &bad) ||
                 read_number(argument, "--number", INT_MAX, &n->number, &bad) ||
                 read_number(argument, "--generation", UINT_MAX, &n->generation, &bad) ||
                 read_number(argument, "--listeners", WEIR_PROCESS_FDS_MAX, &n->listeners, &bad);

    return known && !bad;
}

int handed_read(int argc, char **argv, struct handed *out)
{
    struct numbers n = {-1, -1, -1, -1};

    *out = (struct handed){0};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--file") == 0 && i + 1 < argc)
            out->file = argv[++i];
        else if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc)
            out->folder = argv[++i];
        else if (!read_numbers(argv[i], &n))
            return -EINVAL;
    }
    if (out->file == NULL || out->folder == NULL || n.member < 0 || n.number < 1 || n.generation < 0 ||
        n.listeners < 1)
        return -EINVAL;
    out->member = (int)n.member;
    out->number = (int)n.number;
    out->generation = (unsigned)n.generation;
    out->listeners = (size_t)n.listeners;
    return 0;
}

/* --- its admin pages --- */

const char *handed_admin_path(char *out, size_t room, const char *folder, int member)
{
    int length = snprintf(out, room, "%s/gateway-%d.sock", folder, member);

    return length < 0 || (size_t)length >= room || length >= 100 ? NULL : out;
}

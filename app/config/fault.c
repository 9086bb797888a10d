/* SPDX-License-Identifier: MIT */
#include "config/fault.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void config_faults_open(struct config_faults *faults, const char *file)
{
    faults->file = file;
    faults->count = 0;
    faults->dropped = 0;
}

/* Replaces control characters, which could steer a terminal or break the line. */
static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

/* Ends a cut text with "…", and removes a character that was cut in its middle. */
static void mark_cut(char *text, size_t size)
{
    size_t end = size - sizeof "…";

    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    strcpy(text + end, "…");
}

void config_fault(struct config_faults *faults, struct config_place place, const char *format, ...)
{
    int length;
    va_list args;
    struct config_fault *fault;

    if (faults->count == FAULTS_MAX) {
        faults->dropped++;
        return;
    }
    fault = &faults->fault[faults->count++];
    fault->place = place;
    va_start(args, format);
    length = vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    if (length >= (int)sizeof fault->text)
        mark_cut(fault->text, sizeof fault->text);
    make_printable(fault->text);
}

static bool comes_before(struct config_place a, struct config_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Sorts by insertion, since the list is short: stable, so that faults of a place stay in the order they were
 * found. */
static void sort(struct config_faults *faults)
{
    for (size_t i = 1; i < faults->count; i++) {
        struct config_fault moving = faults->fault[i];
        size_t to = i;
        for (; to > 0 && comes_before(moving.place, faults->fault[to - 1].place); to--)
            faults->fault[to] = faults->fault[to - 1];
        faults->fault[to] = moving;
    }
}

enum { LINE_BYTES = 4096 + FAULT_TEXT_BYTES + 64 }; /* with the longest path */

static void tell(struct config_faults *faults, bool places, const char *label,
                 void (*fn)(void *arg, const char *line), void *arg)
{
    char line[LINE_BYTES];

    sort(faults);
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->fault[i];
        if (places && fault->place.line)
            snprintf(line, sizeof line, "%s:%u:%u: %s%s", faults->file, fault->place.line,
                     fault->place.column, label, fault->text);
        else
            snprintf(line, sizeof line, "%s: %s%s", faults->file, label, fault->text);
        fn(arg, line);
    }
    if (faults->dropped == 0)
        return;
    snprintf(line, sizeof line, "%s: and %zu more %s, only the first %d are shown", faults->file,
             faults->dropped, *label ? "warnings" : "faults", FAULTS_MAX);
    fn(arg, line);
}

static void print_line(void *arg, const char *line)
{
    fprintf(arg, "%s\n", line);
}

void config_faults_each(struct config_faults *faults, bool places, void (*fn)(void *arg, const char *line),
                        void *arg)
{
    tell(faults, places, "", fn, arg);
}

void config_faults_print(struct config_faults *faults, bool places, FILE *out)
{
    tell(faults, places, "", print_line, out);
}

void config_warnings_print(struct config_faults *warnings, FILE *out)
{
    tell(warnings, true, "warning: ", print_line, out);
}

bool config_faults_say(const struct config_faults *faults, const char *text)
{
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->fault[i].text, text) == 0)
            return true;
    return false;
}

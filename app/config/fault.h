/* SPDX-License-Identifier: MIT */
/* Faults of a configuration file: collected while it is read and checked, shown together at the end.
 *
 * Threading: not shared; a list belongs to one reading of one file.
 *
 * A fault says in a line what is wrong and what was expected: "FILE:LINE:COLUMN: what, expected …".
 */
#ifndef APP_CONFIG_FAULT_H
#define APP_CONFIG_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    FAULTS_MAX = 20,       /* kept; further faults are only counted */
    FAULT_TEXT_BYTES = 256 /* a longer text is cut, and ends with "…" */
};

/* Lines and columns count from 1; line 0 is the file as a whole. */
struct config_place {
    unsigned line, column;
};

struct config_fault {
    struct config_place place;
    char text[FAULT_TEXT_BYTES];
};

struct config_faults {
    const char *file; /* as the user named it; lent */
    size_t count;     /* of fault[] */
    size_t dropped;   /* found beyond FAULTS_MAX */
    struct config_fault fault[FAULTS_MAX];
};

/* Makes an empty list for a file. The name is lent until the list is no longer used. */
void config_faults_open(struct config_faults *faults, const char *file);

/* Adds a fault. Unprintable bytes of the text become '?', so that a file can't steer a terminal. */
void config_fault(struct config_faults *faults, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool config_faults_any(const struct config_faults *faults)
{
    return faults->count > 0;
}

/* Reports whether the list has a fault with this text. */
bool config_faults_say(const struct config_faults *faults, const char *text);

/* Prints the faults, a line each, in the order of the file. places: with their places, as for a file. */
void config_faults_print(struct config_faults *faults, bool places, FILE *out);

/* Calls fn with each line that config_faults_print() would print, without its newline. */
void config_faults_each(struct config_faults *faults, bool places, void (*fn)(void *arg, const char *line),
                        void *arg);

/* Prints the list as warnings, "FILE:LINE:COLUMN: warning: …". */
void config_warnings_print(struct config_faults *warnings, FILE *out);

#endif

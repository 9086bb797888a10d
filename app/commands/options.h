/* SPDX-License-Identifier: MIT */
/* The options of a command: "--name value", "--name=value", "--flag", and the other arguments in order.
 *
 * Threading: main thread.
 */
#ifndef APP_COMMANDS_OPTIONS_H
#define APP_COMMANDS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/time.h>

enum option_type {
    OPTION_FLAG,     /* bool */
    OPTION_INT,      /* int */
    OPTION_NUMBER,   /* uint64_t */
    OPTION_REAL,     /* double */
    OPTION_DURATION, /* weir_duration */
    OPTION_TEXT,     /* const char *: lent from argv */
    OPTION_LIST,     /* struct option_list: may stand several times */
};

struct option_list {
    const char **items;
    size_t count;
};

struct option {
    const char *name; /* with its dashes */
    enum option_type type;
    size_t offset;   /* of the member */
    double min, max; /* INT, REAL */
};

/* Reads argv[1] … into the struct at base. rest, and each list in base, already points to room for argc
 * items.
 * Returns: 0, or EXIT_USAGE after a message on stderr.
 */
int options_read(const char *command, int argc, char **argv, const struct option *options, size_t count,
                 void *base, struct option_list *rest);

#endif

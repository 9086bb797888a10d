/* SPDX-License-Identifier: MIT */
/* Reading configurations: those without a fault, and those whose first fault is known.
 *
 * Threading: one thread.
 */
#ifndef TEST_READING_H
#define TEST_READING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/load.h"
#include "routes/table.h"

/* A file with its first fault. */
struct reading_fault {
    const char *text;
    unsigned line, column; /* column 0: any */
    const char *says;      /* part of the fault; NULL: anything */
};

static inline int reading(const char *text, struct config *config, struct config_faults *faults)
{
    config_faults_open(faults, "f");
    return config_parse(config, text, strlen(text), &route_kinds, faults);
}

static inline void reading_fine(const char *text, struct config *config)
{
    struct config_faults faults;

    if (reading(text, config, &faults) != 0)
        fail_msg("%u:%u: %s in:\n%s", faults.fault[0].place.line, faults.fault[0].place.column,
                 faults.fault[0].text, text);
}

static inline void reading_has(const struct reading_fault *wanted)
{
    struct config config;
    struct config_faults faults;
    const struct config_fault *got = &faults.fault[0];
    bool good;

    if (reading(wanted->text, &config, &faults) != -WEIR_ECONFIG || faults.count == 0) {
        fail_msg("no fault in:\n%s", wanted->text);
        return;
    }
    good = got->place.line == wanted->line && (wanted->column == 0 || got->place.column == wanted->column) &&
           (wanted->says == NULL || strstr(got->text, wanted->says) != NULL);
    if (!good)
        fail_msg("%u:%u: %s; wanted %u:%u and '%s' in:\n%s", got->place.line, got->place.column, got->text,
                 wanted->line, wanted->column, wanted->says != NULL ? wanted->says : "", wanted->text);
}

#endif

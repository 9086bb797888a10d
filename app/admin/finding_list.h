/* SPDX-License-Identifier: MIT */
/* A list of findings while they are collected.
 *
 * Threading: belongs to the task that writes.
 */
#ifndef APP_ADMIN_FINDING_LIST_H
#define APP_ADMIN_FINDING_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "admin/advice_piece.h"

enum { FINDINGS_MAX = 64, FINDING_NAME_BYTES = 160 };

struct finding {
    const char *about;
    char name[FINDING_NAME_BYTES];
    double impact; /* the share of the traffic, or of the machine, that it is about */
    char text[ADVICE_TEXT_BYTES];
    struct advice_number numbers[ADVICE_NUMBERS_MAX + 1];
};

struct finding_list {
    struct finding *items;
    size_t count;
};

/* Adds a finding without text or numbers.
 * Returns: NULL when there is no room.
 */
struct finding *finding_add(struct finding_list *list, const char *about, const char *name, double impact);

/* Appends to its text; what has no room is cut. */
__attribute__((format(printf, 2, 3))) void finding_say(struct finding *f, const char *format, ...);

void finding_number(struct finding *f, const char *name, double value);

/* part of whole, 0 when whole is 0 */
double finding_share(uint64_t part, uint64_t whole);
double finding_at_most_1(double value);

#endif

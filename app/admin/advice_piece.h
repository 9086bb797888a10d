/* SPDX-License-Identifier: MIT */
/* A piece of advice as JSON: a sentence, and the numbers it rests on.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_ADVICE_PIECE_H
#define APP_ADMIN_ADVICE_PIECE_H

#include <stdbool.h>

#include "text/text_out.h"

enum { ADVICE_TEXT_BYTES = 640, ADVICE_NUMBERS_MAX = 10 };

struct advice_number {
    const char *name;
    double value;
};

/* Adds {"text":…,"numbers":{…}}, after a comma unless it is the first. A number without a name ends the
 * numbers. */
__attribute__((format(printf, 4, 5))) void advice_add(struct text_out *out, bool *first,
                                                      const struct advice_number *numbers, const char *format,
                                                      ...);

/* Writes "text":…,"numbers":{…}. */
void advice_write_piece(struct text_out *out, const char *text, const struct advice_number *numbers);

#endif

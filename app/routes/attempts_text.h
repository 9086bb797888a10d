/* SPDX-License-Identifier: MIT */
/* Second attempts in words, for the access log and the recorder: "hedge 41ms won".
 *
 * Threading: any thread.
 */
#ifndef APP_ROUTES_ATTEMPTS_TEXT_H
#define APP_ROUTES_ATTEMPTS_TEXT_H

#include <stdbool.h>

#include <weir/attempts.h>

enum { ATTEMPTS_TEXT_BYTES = 80 };

/* Reports whether there was a second attempt. */
static inline bool attempts_were_made(const weir_attempts_made *made)
{
    return made->made > 1;
}

/* Describes the last attempt of a request that had more than one: its kind, when it was begun, what became of
 * it, and the number of all attempts if there were more than two. "won": its answer was taken; "lost":
 * that of an earlier one; "failed": no attempt had a good answer.
 * Returns: text.
 */
const char *attempts_text(char text[ATTEMPTS_TEXT_BYTES], const weir_attempts_made *made);

#endif

/* SPDX-License-Identifier: MIT */
/* Reading the admin address's JSON, and figures as people read them. Nothing is required of an answer: what
 * is missing was not measured.
 *
 * Threading: any.
 */
#ifndef APP_TEXT_FIGURES_H
#define APP_TEXT_FIGURES_H

#include <jansson.h>

enum { FIGURE_BYTES = 32 };

/* Returns: the number at a path such as "last_10s.p99"; NAN when there is none. */
double figure_at(const json_t *object, const char *path);

/* Returns: the text of that name; "" when there is none. */
const char *figure_text(const json_t *object, const char *name);

/* Each writes into out and returns it; what is NAN is a dash. */
const char *figure_ms(char out[FIGURE_BYTES], double ms);           /* 0.42  4.31  43.1  431 */
const char *figure_rate(char out[FIGURE_BYTES], double per_second); /* 1.4  840 */
const char *figure_count(char out[FIGURE_BYTES], double count);
const char *figure_percent(char out[FIGURE_BYTES], double share); /* 0.4 % */
const char *figure_age(char out[FIGURE_BYTES], double seconds);   /* 4 s  2 min  1 d 2 h */

/* Returns: seconds since 1970 of a time: 2026-11-24T12:04:31.207Z, or a number of seconds or milliseconds; NAN
 * when it is none. */
double figure_instant(const json_t *object, const char *name);

/* Its time of the day, UTC: 12:04:31.207Z; when it is none: the text there. */
const char *figure_clock(char out[FIGURE_BYTES], const json_t *object, const char *name);

#endif

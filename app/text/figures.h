/* SPDX-License-Identifier: MIT */
/* Figures from the JSON of the admin address, formatted for people. No member is required: what is missing
 * was not measured.
 *
 * Threading: any thread.
 */
#ifndef APP_TEXT_FIGURES_H
#define APP_TEXT_FIGURES_H

#include <jansson.h>

enum { FIGURE_BYTES = 32 };

/* Returns: the number at a path such as "last_10s.p99"; NAN when there is none. */
double figure_at(const json_t *object, const char *path);

/* Returns: the text of a member; "" when there is none. */
const char *figure_text(const json_t *object, const char *name);

/* Each formats a number, and returns out; for NAN it returns a dash. */
const char *figure_ms(char out[FIGURE_BYTES], double ms);           /* 0.42  4.31  43.1  431 */
const char *figure_rate(char out[FIGURE_BYTES], double per_second); /* 1.4  840 */
const char *figure_count(char out[FIGURE_BYTES], double count);
const char *figure_percent(char out[FIGURE_BYTES], double share); /* 0.4 % */
const char *figure_age(char out[FIGURE_BYTES], double seconds);   /* 4 s  2 min  1 d 2 h */

/* Names the loop of an object: "2"; "1.2", with its process, where there are several. Returns: out. */
const char *figure_loop(char out[FIGURE_BYTES], const json_t *object);

/* Returns: the time of a member, in seconds since 1970; NAN when it is no time. It may be a text such as
 * 2026-11-24T12:04:31.207Z, or a number of seconds or milliseconds. */
double figure_instant(const json_t *object, const char *name);

/* Formats that time as one of the day, UTC: 12:04:31.207Z. Returns: out; the text itself when it is no time.
 */
const char *figure_clock(char out[FIGURE_BYTES], const json_t *object, const char *name);

#endif

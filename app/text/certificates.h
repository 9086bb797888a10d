/* SPDX-License-Identifier: MIT */
/* What is said of certificates: dates, days left, and the hosts they are for.
 *
 * Threading: any thread.
 */
#ifndef APP_TEXT_CERTIFICATES_H
#define APP_TEXT_CERTIFICATES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CERTIFICATE_DATE_BYTES = 16,
    CERTIFICATE_SOON_DAYS = 14 /* so long before its end a certificate should have been renewed */
};

/* Formats a time in seconds since 1970 as "2026-11-02", UTC. Returns: out. */
const char *certificate_date(char out[CERTIFICATE_DATE_BYTES], int64_t seconds);

/* Days until a time, negative after it. */
double certificate_days(int64_t seconds, int64_t now_s);

/* Reports whether a list of names, "a.example.com, *.example.com", has one for a host, or, for a host
 * "*.example.com" of a route, one for any host below it. A star of a certificate is one label. */
bool certificate_names_have(const char *names, const char *host);

#endif

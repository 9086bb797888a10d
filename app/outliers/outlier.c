/* SPDX-License-Identifier: MIT */
#include "outliers/outlier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NS_OF_MS = 1000000 };

static void name(struct outlier *o, const struct timespec *at, unsigned number)
{
    struct tm utc;

    (void)gmtime_r(&at->tv_sec, &utc);
    (void)snprintf(o->id, sizeof o->id, "%04u%02u%02u-%02u%02u%02u-%03u-%u-%u",
                   (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)(utc.tm_mon + 1) % 100,
                   (unsigned)utc.tm_mday % 100, (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100,
                   (unsigned)utc.tm_sec % 100, (unsigned)(at->tv_nsec / NS_OF_MS) % 1000, (unsigned)getpid(),
                   number);
}

struct outlier *outlier_new(size_t route, weir_duration took, unsigned number)
{
    struct outlier *o = calloc(1, sizeof *o);
    struct timespec at;

    if (o == NULL)
        return NULL;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    o->route = route;
    o->ended_ns = (int64_t)at.tv_sec * 1000 * NS_OF_MS + at.tv_nsec;
    o->began_ns = o->ended_ns - took.ns;
    name(o, &at, number);
    text_out_init(&o->text, OUTLIER_BYTES_MAX);
    return o;
}

void outlier_free(struct outlier *o)
{
    if (o == NULL)
        return;
    weir_buffer_free(&o->text.text);
    free(o);
}

bool outlier_id_is_valid(const char *id)
{
    const size_t length = strlen(id);

    return length > 0 && length < OUTLIER_ID_BYTES && strspn(id, "0123456789-") == length;
}

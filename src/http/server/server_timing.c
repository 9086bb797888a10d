/* SPDX-License-Identifier: MIT */
#include "http/server/server_timing.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>

#include "http/message/chars.h"

enum { LEAST_NS = 1000, TOTAL_BYTES = 40, NAME_BYTES_MAX = WEIR_CHARGE_LABEL_BYTES };

static int by_share(const void *a, const void *b)
{
    int64_t x = ((const weir_charge *)a)->share.ns, y = ((const weir_charge *)b)->share.ns;

    return (x < y) - (x > y);
}

/* Whether the name is one of our own metrics: a backend may be called so. */
static bool is_taken(const char *name)
{
    if (strcmp(name, "total") == 0)
        return true;
    for (enum weir_charge_category kind = 0; kind < WEIR_CHARGE_CATEGORIES; kind++)
        if (strcmp(name, weir_charge_category_name(kind)) == 0)
            return true;
    return false;
}

/* Writes the name of a metric: characters that no token may have become '_'. */
static size_t write_name(char *out, const weir_charge *charge)
{
    size_t n = 0;

    if (charge->name == NULL || charge->category != WEIR_CHARGE_BACKEND || charge->name[0] == '\0' ||
        is_taken(charge->name))
        n = (size_t)sprintf(out, charge->name != NULL ? "%s-" : "%s",
                            weir_charge_category_name(charge->category));
    for (const char *p = charge->name; p != NULL && *p != '\0' && n < NAME_BYTES_MAX - 1; p++)
        out[n++] = weir__http_char_is(*p, WEIR__HTTP_TCHAR) ? *p : '_';
    out[n] = '\0';
    return n;
}

/* Writes a quoted string of printable ASCII. */
static size_t write_quoted(char *out, const char *text)
{
    size_t n = 0;

    out[n++] = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            out[n++] = '\\';
        out[n++] = *text >= ' ' && *text < 0x7f ? *text : '?';
    }
    out[n++] = '"';
    return n;
}

static size_t write_metric(char *out, const weir_charge *charge)
{
    char text[WEIR_CHARGE_LABEL_BYTES];
    const char *label = weir_charge_label(charge, text);
    size_t n = write_name(out, charge);
    int64_t us = charge->share.ns / 1000;

    if (strcmp(out, label) != 0 && strlen(label) < NAME_BYTES_MAX) {
        memcpy(out + n, ";desc=", 6);
        n += 6;
        n += write_quoted(out + n, label);
    }
    return n + (size_t)sprintf(out + n, ";dur=%" PRId64 ".%03d", us / 1000, (int)(us % 1000));
}

size_t weir__server_timing_write(char out[WEIR__SERVER_TIMING_BYTES], weir_charge *charges, size_t count,
                                 weir_duration total)
{
    char metric[4 * NAME_BYTES_MAX];
    int64_t us = total.ns / 1000;
    size_t n = 0;

    qsort(charges, count, sizeof *charges, by_share);
    for (size_t i = 0; i < count && charges[i].share.ns >= LEAST_NS; i++) {
        size_t len = write_metric(metric, &charges[i]);
        if (n + len + 2 + TOTAL_BYTES > WEIR__SERVER_TIMING_BYTES)
            break;
        memcpy(out + n, metric, len);
        memcpy(out + n + len, ", ", 2);
        n += len + 2;
    }
    return n +
           (size_t)snprintf(out + n, TOTAL_BYTES, "total;dur=%" PRId64 ".%03d", us / 1000, (int)(us % 1000));
}

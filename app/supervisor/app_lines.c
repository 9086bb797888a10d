/* SPDX-License-Identifier: MIT */
#include "supervisor/app_lines.h"

#include <stdbool.h>
#include <string.h>

#include <weir/log.h>

enum { PIECE_BYTES = WEIR_LOG_LINE_MAX - 512 }; /* leaves room for the time and the name */

void app_lines_open(struct app_lines *lines, const char *app, unsigned number)
{
    *lines = (struct app_lines){
        .app = app, .number = number, .room = APP_LINES_BYTES_AT_ONCE, .counted = weir_now()};
}

static void tell_dropped(struct app_lines *lines)
{
    if (lines->dropped > 0)
        weir_log(WEIR_LOG_WARN, "lines of an application were dropped, it writes too many",
                 WEIR_KV("app", lines->app), WEIR_KV_INT("process", lines->number),
                 WEIR_KV_INT("dropped", lines->dropped));
    lines->dropped = 0;
}

void app_lines_tell(struct app_lines *lines)
{
    if (lines->dropped > 0 && weir_between(lines->dropped_at, weir_now()).ns >= weir_seconds(1).ns)
        tell_dropped(lines);
}

static bool has_room(struct app_lines *lines, size_t length)
{
    const weir_instant now = weir_now();
    const int64_t passed_us = weir_between(lines->counted, now).ns / 1000;

    if (passed_us > 1000) {
        lines->room +=
            passed_us < 60000000 ? passed_us * APP_LINES_BYTES_A_SECOND / 1000000 : APP_LINES_BYTES_AT_ONCE;
        if (lines->room > APP_LINES_BYTES_AT_ONCE)
            lines->room = APP_LINES_BYTES_AT_ONCE;
        lines->counted = now;
    }
    if (lines->room < (int64_t)length + APP_LINE_COST)
        return false;
    lines->room -= (int64_t)length + APP_LINE_COST;
    return true;
}

/* Keeps what the process said last, for those who ask why it has ended. */
static void keep_last(struct app_lines *lines, const char *line, size_t length)
{
    const size_t kept = length < sizeof lines->last ? length : sizeof lines->last - 1;
    bool blank = true;

    for (size_t i = 0; blank && i < kept; i++)
        blank = line[i] == ' ' || line[i] == '\t' || line[i] == '\r';
    if (blank)
        return;
    for (size_t i = 0; i < kept; i++)
        lines->last[i] = (unsigned char)line[i] < ' ' || line[i] == '\x7f' ? ' ' : line[i];
    lines->last[kept] = '\0';
}

static void log_piece(const struct app_lines *lines, const char *line, size_t length)
{
    char text[PIECE_BYTES + 1];

    for (size_t i = 0; i < length; i++)
        text[i] = line[i] != '\0' ? line[i] : ' ';
    text[length] = '\0';
    weir_log(WEIR_LOG_INFO, text, WEIR_KV("app", lines->app), WEIR_KV_INT("process", lines->number));
}

void app_lines_add(struct app_lines *lines, const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    keep_last(lines, line, length);
    app_lines_tell(lines);
    if (!has_room(lines, length)) {
        if (lines->dropped++ == 0)
            lines->dropped_at = weir_now();
        lines->dropped_all++;
        return;
    }
    do {
        const size_t piece = length < PIECE_BYTES ? length : PIECE_BYTES;
        log_piece(lines, line, piece);
        line += piece;
        length -= piece;
    } while (length > 0);
}

void app_lines_close(struct app_lines *lines)
{
    tell_dropped(lines);
}

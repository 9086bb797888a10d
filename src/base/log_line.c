/* SPDX-License-Identifier: MIT */
/* The form of a line of the log, as text and as JSON. */
#include "base/log.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "base/clock.h"
#include "base/log_number.h"
#include "base/log_quick.h"
#include "base/log_text.h"

#define ROOM_MIN 128
#define TAIL_ROOM 24 /* for a closing quote and the mark and end of a line that was cut */
#define DIM "\033[2m"
#define PLAIN "\033[0m"

#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

enum { LEVEL_BYTES = 8 };
static const char level_names[][LEVEL_BYTES] = {"", "debug", "info", "warn", "error"};
static const unsigned char level_lengths[] = {0, 5, 4, 4, 5};
static const char *const level_colours[] = {"", DIM, "\033[32m", "\033[33m", "\033[31m"};

static void put_colour(struct weir__log_line *l, const char *colour)
{
    if (l->colour)
        weir__log_put_text(l, colour);
}

static void put_double(struct weir__log_line *l, double x)
{
    char number[40];
    char *comma;

    if (l->json && !isfinite(x)) {
        weir__log_put_text(l, "null");
        return;
    }
    snprintf(number, sizeof number, "%.10g", x);
    comma = strchr(number, ','); /* the decimal point of some locales */
    if (comma != NULL)
        *comma = '.';
    weir__log_put_text(l, number);
}

static void put_integer(struct weir__log_line *l, int64_t n)
{
    char number[WEIR__LOG_NUMBER_MAX];

    weir__log_put(l, number, (size_t)(weir__log_write_integer(number, n) - number));
}

static void put_duration(struct weir__log_line *l, weir_duration d)
{
    char number[WEIR__LOG_NUMBER_MAX];

    weir__log_put(l, number, (size_t)(weir__log_write_duration(number, d.ns, l->json) - number));
}

static void put_part(struct weir__log_line *l, const weir_kv_part *part)
{
    if (l->json)
        weir__log_put_quoted(l, weir_bytes_of(part->name), "");
    else
        weir__log_put_chars(l, weir_bytes_of(part->name), true);
    weir__log_put_byte(l, l->json ? ':' : ' ');
    put_duration(l, part->duration);
}

/* Writes as many whole parts as fit. */
static void put_durations(struct weir__log_line *l, const weir_kv *kv)
{
    weir__log_put_byte(l, l->json ? '{' : '"');
    if (l->cut)
        return;
    for (size_t i = 0; i < kv->value.durations.count && !l->cut; i++) {
        size_t before = l->len;
        if (i > 0)
            weir__log_put(l, ", ", l->json ? 1 : 2);
        put_part(l, &kv->value.durations.parts[i]);
        if (l->cut)
            l->len = before;
    }
    weir__log_put_end(l, l->json ? "}" : "\"");
}

static void put_value(struct weir__log_line *l, const weir_kv *kv)
{
    weir_duration d = {kv->value.integer};

    switch (kv->type) {
    case WEIR_KV_TYPE_NONE:
        break;
    case WEIR_KV_TYPE_BYTES:
        weir__log_put_string(l, kv->value.bytes);
        break;
    case WEIR_KV_TYPE_INT:
        put_integer(l, kv->value.integer);
        break;
    case WEIR_KV_TYPE_DOUBLE:
        put_double(l, kv->value.real);
        break;
    case WEIR_KV_TYPE_BOOL:
        weir__log_put_text(l, kv->value.integer ? "true" : "false");
        break;
    case WEIR_KV_TYPE_DURATION:
        put_duration(l, d);
        break;
    case WEIR_KV_TYPE_ERROR:
        weir__log_put_string(l, weir_bytes_of(weir_error_text((int)kv->value.integer)));
        break;
    case WEIR_KV_TYPE_DURATIONS:
        put_durations(l, kv);
        break;
    }
}

static bool is_in_ms(const weir_kv *kv)
{
    return kv->type == WEIR_KV_TYPE_DURATION || kv->type == WEIR_KV_TYPE_DURATIONS;
}

static void put_key(struct weir__log_line *l, const weir_kv *kv)
{
    if (l->json) {
        weir__log_put_byte(l, ',');
        weir__log_put_quoted(l, weir_bytes_of(kv->key), is_in_ms(kv) ? "_ms" : "");
        weir__log_put_byte(l, ':');
        return;
    }
    weir__log_put_byte(l, ' ');
    put_colour(l, DIM);
    weir__log_put_chars(l, weir_bytes_of(kv->key), false);
    weir__log_put_byte(l, '=');
    put_colour(l, PLAIN);
}

/* Writes a key and its value. If no part of the value fits, the pair is left out. */
static void put_pair(struct weir__log_line *l, const weir_kv *kv)
{
    size_t before = l->len;
    bool was_cut = l->cut;
    size_t value;

    put_key(l, kv);
    value = l->len;
    if (!l->cut)
        put_value(l, kv);
    if (l->cut && !was_cut && l->len <= value)
        l->len = before;
}

static void write_second(const struct weir__logger *logger, struct weir__log_second *second, int64_t now)
{
    second->local = logger->local_time;
    second->began_ns = now - now % NS_PER_S;
    if (logger->local_time)
        weir__clock_format_time(second->text, now, logger->local_offset_s);
    else
        weir__clock_format_utc(second->text, now);
    second->length = strcspn(second->text, ".") + 1;
}

/* The time stands at the front of a line, where there is room for all of the text. */
static void put_time(struct weir__log_line *l, const struct weir__logger *logger,
                     struct weir__log_second *second)
{
    int64_t now = logger->wall_ns();
    char *at = l->out + l->len;

    now = now < 0 ? 0 : now;
    if (second->length == 0 || second->local != logger->local_time || now < second->began_ns ||
        now >= second->began_ns + NS_PER_S)
        write_second(logger, second, now);
    memcpy(at, second->text, sizeof second->text);
    at = weir__log_write_three(at + second->length, (unsigned)((now - second->began_ns) / NS_PER_MS));
    *at = 'Z';
    l->len = (size_t)(at - l->out) + (logger->local_time ? 0 : 1);
}

/* Stands at the front of a line too. */
static void put_level(struct weir__log_line *l, enum weir_log_level level)
{
    memcpy(l->out + l->len, level_names[level], LEVEL_BYTES);
    l->len += level_lengths[level];
}

static void put_head(struct weir__log_line *l, const struct weir__logger *logger,
                     struct weir__log_second *second, enum weir_log_level level)
{
    if (l->json) {
        weir__log_put_text(l, "{\"time\":\"");
        put_time(l, logger, second);
        weir__log_put_text(l, "\",\"level\":\"");
        put_level(l, level);
        weir__log_put_text(l, "\",\"message\":");
        return;
    }
    put_colour(l, DIM);
    put_time(l, logger, second);
    put_colour(l, PLAIN);
    weir__log_put_byte(l, ' ');
    put_colour(l, level_colours[level]);
    put_level(l, level);
    put_colour(l, PLAIN);
    weir__log_put_byte(l, ' ');
}

size_t weir__logger_render(const struct weir__logger *logger, struct weir__log_second *second, char *out,
                           size_t room, enum weir_log_level level, const char *message, const weir_kv *kvs,
                           size_t n)
{
    struct weir__log_line l = {
        .out = out, .room = room - TAIL_ROOM, .json = logger->json, .colour = logger->colour};
    size_t i = 0;

    assert(room >= ROOM_MIN);
    level = weir__log_level(level);
    put_head(&l, logger, second, level);
    if (l.json)
        weir__log_put_quoted(&l, weir_bytes_of(message), "");
    else
        weir__log_put_chars(&l, weir_bytes_of(message), false);
    while ((i += weir__log_quick_pairs(&l, kvs + i, n - i)) < n) {
        if (kvs[i].type != WEIR_KV_TYPE_NONE)
            put_pair(&l, &kvs[i]);
        i++;
    }
    if (l.cut)
        weir__log_put_end(&l, l.json ? ",\"cut\":true" : "…");
    if (l.json)
        l.out[l.len++] = '}';
    l.out[l.len++] = '\n';
    return l.len;
}

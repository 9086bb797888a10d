/* SPDX-License-Identifier: MIT */
/* How a line of the log looks, as text and as JSON. */
#include "base/log.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

#define ROOM_MIN 128
#define TAIL_ROOM 24 /* for a closing quote and what marks and ends a line that was cut */
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* A line being written. Once something did not fit, nothing more is added but its end. */
struct line {
    char *out;
    size_t len, room;
    bool cut;
    bool json, colour;
};

#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

static const char *const level_names[] = {"", "debug", "info", "warn", "error"};
static const char *const level_colours[] = {"", DIM, "\033[32m", "\033[33m", "\033[31m"};

/* Into the room kept for the end: always fits. */
static void put_end(struct line *l, const char *text)
{
    size_t n = strlen(text);
    memcpy(l->out + l->len, text, n);
    l->len += n;
}

/* All of it or nothing, so that no escape or character is cut in two. */
static inline void put(struct line *l, const char *p, size_t n)
{
    if (__builtin_expect(l->cut || l->len + n > l->room, 0)) {
        l->cut = true;
        return;
    }
    memcpy(l->out + l->len, p, n);
    l->len += n;
}

static inline void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_colour(struct line *l, const char *colour)
{
    if (l->colour)
        put_text(l, colour);
}

/* Control characters, also the C1 ones: a terminal obeys them, so a log must not pass them on. */
static bool is_control(const char *p, size_t length)
{
    if (length == 2)
        return p[0] == '\xc2' && (unsigned char)p[1] < 0xa0;
    return length == 1 && ((unsigned char)*p < 0x20 || *p == 0x7f);
}

static void put_escape(struct line *l, const char *p, size_t n)
{
    static const char shorts[] = "\nn\rr\tt"; /* pairs: the byte, its letter */
    for (size_t i = 0; i < sizeof shorts - 1; i += 2) {
        if (shorts[i] == *p) {
            const char escape[2] = {'\\', shorts[i + 1]};
            put(l, escape, 2);
            return;
        }
    }
    for (size_t i = 0; i < n; i++) {
        char hex[5];
        snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)p[i]);
        put(l, hex, 4);
    }
}

/* The character at p, of `length` bytes; 0 if the byte there is not UTF-8. */
static void put_char(struct line *l, const char *p, size_t length)
{
    if (l->json && length == 0)
        put_text(l, WEIR__UTF8_REPLACEMENT);
    else if (l->json && length == 1 && weir__json_plain_prefix(p, 1) == 0) {
        char escape[WEIR__JSON_ESCAPE_MAX];
        size_t n = weir__json_escape(escape, *p);
        put(l, escape, n);
    } else if (!l->json && (length == 0 || is_control(p, length)))
        put_escape(l, p, length > 0 ? length : 1);
    else
        put(l, p, length);
}

/* Whether eight bytes stand for themselves wherever they are: ASCII that is seen, but for the quote and the
 * backslash. */
static inline bool is_bare_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');

    /* Below '!', above '~', or one of the two: then the high bit of a byte is set. */
    return ((((word - ones * '!') | (word + ones) | word) |
             (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash))) &
            highs) == 0;
}

static inline bool is_bare(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Copies n bytes as far as they are bare; nearly all are, so eight at a time, the last eight of them perhaps
 * with some that were looked at before. Returns: how many there are. */
static size_t copy_bare(char *out, const char *p, size_t n)
{
    uint64_t word = 0;
    size_t i = 0;

    for (; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        if (!is_bare_word(word))
            break;
        memcpy(out + i, &word, sizeof word);
    }
    if (i == n)
        return n;
    if (n - i < sizeof word && n >= sizeof word) {
        memcpy(&word, p + n - sizeof word, sizeof word);
        if (is_bare_word(word)) {
            memcpy(out + n - sizeof word, &word, sizeof word);
            return n;
        }
    } else if (n >= sizeof(uint32_t) && n < sizeof word) {
        uint32_t first, last;
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + n - sizeof last, sizeof last);
        if (is_bare_word(first | (uint64_t)last << 32)) {
            memcpy(out, &first, sizeof first);
            memcpy(out + n - sizeof last, &last, sizeof last);
            return n;
        }
    }
    for (; i < n && is_bare(p[i]); i++)
        out[i] = p[i];
    return i;
}

/* As many of n bytes as there is room for are looked at. */
static size_t put_bare(struct line *l, const char *p, size_t n)
{
    size_t left = l->room - l->len, bare;

    if (l->cut)
        return 0;
    bare = copy_bare(l->out + l->len, p, n < left ? n : left);
    l->len += bare;
    l->cut = bare == left && bare < n;
    return bare;
}

static void put_chars(struct line *l, weir_bytes s, bool quoted)
{
    for (size_t i = put_bare(l, s.data, s.len); i < s.len && !l->cut;
         i += put_bare(l, s.data + i, s.len - i)) {
        size_t length = weir__utf8_length(s.data + i, s.len - i);
        if (quoted && !l->json && s.data[i] == '"')
            put(l, "\\\"", 2);
        else if (quoted && !l->json && s.data[i] == '\\')
            put(l, "\\\\", 2);
        else
            put_char(l, s.data + i, length);
        i += length > 0 ? length : 1;
    }
}

/* Once the first quote is there, the last one is too, even if the line is cut in between. */
static void put_quoted(struct line *l, weir_bytes s, const char *suffix)
{
    put(l, "\"", 1);
    if (l->cut)
        return;
    put_chars(l, s, true);
    put_text(l, suffix);
    put_end(l, "\"");
}

static bool needs_quotes(weir_bytes s)
{
    for (size_t i = 0; i < s.len;) {
        size_t length = weir__utf8_length(s.data + i, s.len - i);
        if (length == 0 || is_control(s.data + i, length) || s.data[i] == ' ' || s.data[i] == '"')
            return true;
        i += length;
    }
    return s.len == 0;
}

static void put_string(struct line *l, weir_bytes s)
{
    size_t before = l->len;

    if (l->json) {
        put_quoted(l, s, "");
        return;
    }
    if (put_bare(l, s.data, s.len) == s.len && s.len > 0)
        return;
    l->len = before; /* not bare, or not all of it fits */
    l->cut = false;
    if (needs_quotes(s))
        put_quoted(l, s, "");
    else
        put_chars(l, s, false);
}

static void put_double(struct line *l, double x)
{
    char number[40];
    if (l->json && !isfinite(x)) {
        put_text(l, "null");
        return;
    }
    snprintf(number, sizeof number, "%.10g", x);
    char *comma = strchr(number, ','); /* the decimal point of some locales */
    if (comma)
        *comma = '.';
    put_text(l, number);
}

/* Writes n before end. Returns: where it begins. */
static char *digits(char *end, uint64_t n)
{
    do
        *--end = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return end;
}

static void put_integer(struct line *l, int64_t n)
{
    char number[24], *end = number + sizeof number;
    char *at = digits(end, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);

    if (n < 0)
        *--at = '-';
    put(l, at, (size_t)(end - at));
}

/* Milliseconds: as text always with three decimals, so that lines can be compared and sorted; in JSON a
 * number, to the nanosecond. */
static void put_duration(struct line *l, weir_duration d)
{
    enum { DECIMALS_MAX = 6 };
    char number[32], *end = number + sizeof number, *at;
    size_t unit = l->json ? 0 : 2;
    uint64_t ns = d.ns < 0 ? 0 - (uint64_t)d.ns : (uint64_t)d.ns;
    uint64_t whole, fraction;

    if (!l->json)
        ns = ns - ns % 1000 + (ns % 1000 >= 500 ? 1000 : 0);
    memcpy(end -= unit, "ms", unit);
    whole = ns / NS_PER_MS;
    fraction = ns % NS_PER_MS;
    if (!l->json || fraction > 0) {
        int decimals = l->json ? DECIMALS_MAX : 3;
        fraction = l->json ? fraction : fraction / 1000;
        while (l->json && fraction % 10 == 0) {
            fraction /= 10;
            decimals--;
        }
        for (; decimals > 0; decimals--, fraction /= 10)
            *--end = (char)('0' + fraction % 10);
        *--end = '.';
    }
    at = digits(end, whole);
    if (d.ns < 0)
        *--at = '-';
    put(l, at, (size_t)(number + sizeof number - at));
}

static void put_part(struct line *l, const weir_kv_part *part)
{
    if (l->json)
        put_quoted(l, weir_bytes_of(part->name), "");
    else
        put_chars(l, weir_bytes_of(part->name), true);
    put_text(l, l->json ? ":" : " ");
    put_duration(l, part->duration);
}

/* As many whole parts as fit. */
static void put_durations(struct line *l, const weir_kv *kv)
{
    put_text(l, l->json ? "{" : "\"");
    if (l->cut)
        return;
    for (size_t i = 0; i < kv->value.durations.count && !l->cut; i++) {
        size_t before = l->len;
        if (i > 0)
            put_text(l, l->json ? "," : ", ");
        put_part(l, &kv->value.durations.parts[i]);
        if (l->cut)
            l->len = before;
    }
    put_end(l, l->json ? "}" : "\"");
}

static void put_value(struct line *l, const weir_kv *kv)
{
    weir_duration d = {kv->value.integer};
    switch (kv->kind) {
    case WEIR_KV_KIND_NONE:
        break;
    case WEIR_KV_KIND_BYTES:
        put_string(l, kv->value.bytes);
        break;
    case WEIR_KV_KIND_INT:
        put_integer(l, kv->value.integer);
        break;
    case WEIR_KV_KIND_DOUBLE:
        put_double(l, kv->value.real);
        break;
    case WEIR_KV_KIND_BOOL:
        put_text(l, kv->value.integer ? "true" : "false");
        break;
    case WEIR_KV_KIND_DURATION:
        put_duration(l, d);
        break;
    case WEIR_KV_KIND_ERROR:
        put_string(l, weir_bytes_of(weir_error_text((int)kv->value.integer)));
        break;
    case WEIR_KV_KIND_DURATIONS:
        put_durations(l, kv);
        break;
    }
}

static void put_key(struct line *l, const weir_kv *kv)
{
    if (l->json) {
        put_text(l, ",");
        bool in_ms = kv->kind == WEIR_KV_KIND_DURATION || kv->kind == WEIR_KV_KIND_DURATIONS;
        put_quoted(l, weir_bytes_of(kv->key), in_ms ? "_ms" : "");
        put_text(l, ":");
        return;
    }
    put_text(l, " ");
    put_colour(l, DIM);
    put_chars(l, weir_bytes_of(kv->key), false);
    put_text(l, "=");
    put_colour(l, PLAIN);
}

/* A pair of which no part of the value fits is left out whole. */
static void put_pair(struct line *l, const weir_kv *kv)
{
    size_t before = l->len;
    bool was_cut = l->cut;
    put_key(l, kv);
    size_t value = l->len;
    if (!l->cut)
        put_value(l, kv);
    if (l->cut && !was_cut && l->len <= value)
        l->len = before;
}

static size_t second_text(const struct weir__logger *logger, struct weir__log_second *second, int64_t now,
                          const char **text)
{
    if (second->length == 0 || second->local != logger->local_time || now < second->began_ns ||
        now >= second->began_ns + NS_PER_S) {
        second->local = logger->local_time;
        second->began_ns = now - now % NS_PER_S;
        if (logger->local_time)
            weir__clock_format_time(second->text, now, logger->local_offset_s);
        else
            weir__clock_format_utc(second->text, now);
        second->length = strcspn(second->text, ".") + 1;
    }
    *text = second->text;
    return second->length;
}

static void put_time(struct line *l, const struct weir__logger *logger, struct weir__log_second *second)
{
    int64_t now = logger->wall_ns();
    const char *text;
    size_t n = second_text(logger, second, now = now < 0 ? 0 : now, &text);
    unsigned ms = (unsigned)((now - second->began_ns) / NS_PER_MS);
    const char decimals[] = {(char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};

    put(l, text, n);
    put(l, decimals, logger->local_time ? 3 : 4);
}

static void put_head(struct line *l, const struct weir__logger *logger, struct weir__log_second *second,
                     enum weir_log_level level)
{
    if (l->json) {
        put_text(l, "{\"time\":\"");
        put_time(l, logger, second);
        put_text(l, "\",\"level\":\"");
        put_text(l, level_names[level]);
        put_text(l, "\",\"message\":");
        return;
    }
    put_colour(l, DIM);
    put_time(l, logger, second);
    put_colour(l, PLAIN);
    put_text(l, " ");
    put_colour(l, level_colours[level]);
    put_text(l, level_names[level]);
    put_colour(l, PLAIN);
    put_text(l, " ");
}

size_t weir__logger_render(const struct weir__logger *logger, struct weir__log_second *second, char *out,
                           size_t room, enum weir_log_level level, const char *message, const weir_kv *kvs,
                           size_t n)
{
    level = weir__log_level(level);
    assert(room >= ROOM_MIN);
    struct line l = {.out = out, .room = room - TAIL_ROOM, .json = logger->json, .colour = logger->colour};
    put_head(&l, logger, second, level);
    if (l.json)
        put_quoted(&l, weir_bytes_of(message), "");
    else
        put_chars(&l, weir_bytes_of(message), false);
    for (size_t i = 0; i < n; i++) {
        if (kvs[i].kind != WEIR_KV_KIND_NONE)
            put_pair(&l, &kvs[i]);
    }
    if (l.cut)
        put_end(&l, l.json ? ",\"cut\":true" : "…");
    put_end(&l, l.json ? "}\n" : "\n");
    return l.len;
}

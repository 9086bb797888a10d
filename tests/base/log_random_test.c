/* SPDX-License-Identifier: MIT */
/* Lines of random pairs, compared with what the simplest code writes: a byte at a time, and by printf().
 * Texts and lines end where a page ends that may not be touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/json.h>
#include <weir/log.h>

#include "base/json.h"
#include "base/log.h"
#include "base/random.h"

enum { ROUNDS = 4000, PAIRS = 8, PARTS = 4, TEXT = 200, LINE = 64 << 10, END_ROOM = 24 };
enum { TEXTS = 1 + PAIRS * (2 + PARTS) };
enum { COLOURS_HEAD = 18, COLOURS_PAIR = 8 }; /* bytes of the colours of a line, at most */

static struct weir__random random_state;

static uint64_t below(uint64_t n)
{
    return weir__random_below(&random_state, n);
}

static int64_t fixed_time(void)
{
    return 1795442701123456789; /* 2026-11-23T14:05:01.123456789Z */
}

/* --- memory --- */

/* Returns: the end of so many bytes, behind which nothing may be read or written. */
static char *guarded(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    char *at = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(at != MAP_FAILED);
    assert_int_equal(mprotect(at + whole, page, PROT_NONE), 0);
    return at + whole;
}

/* Places for the texts of a line. */
static struct {
    char *end[TEXTS];
    size_t used;
} texts;

static weir_bytes lend(const char *text, size_t n)
{
    char **end = &texts.end[texts.used++];

    if (*end == NULL)
        *end = guarded(TEXT + 1);
    return (weir_bytes){memcpy(*end - n, text, n), n};
}

/* --- what a line should be --- */

static char wanted[LINE];
static size_t wanted_len;

__attribute__((format(printf, 1, 2))) static void want(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    wanted_len += (size_t)vsnprintf(wanted + wanted_len, sizeof wanted - wanted_len, format, args);
    va_end(args);
}

/* Returns: the bytes of the character at s; 0: it is none. */
static size_t length_at(const char *s, size_t n)
{
    for (size_t length = 1; length <= 4 && length <= n; length++)
        if (weir_utf8_is_valid(s, length))
            return length;
    return 0;
}

static bool is_control(const char *s, size_t length)
{
    const unsigned char c = (unsigned char)s[length - 1];

    if (length == 3)
        return strncmp(s, "\u202e", 3) == 0; /* the one that is among the random texts */
    return length == 1 ? c < 0x20 || c == 0x7f : length == 2 && *s == '\xc2' && c < 0xa0;
}

static void want_text_char(const char *s, size_t length, bool quoted)
{
    if (quoted && (*s == '"' || *s == '\\'))
        want("\\%c", *s);
    else if (length > 0 && !is_control(s, length))
        want("%.*s", (int)length, s);
    else if (*s == '\n' || *s == '\r' || *s == '\t')
        want("\\%c", *s == '\n' ? 'n' : *s == '\r' ? 'r' : 't');
    else
        for (size_t i = 0; i < length || i == 0; i++)
            want("\\x%02x", (unsigned char)s[i]);
}

static void want_json_char(const char *s, size_t length)
{
    char escape[WEIR__JSON_ESCAPE_MAX];

    if (length == 0)
        want("\xef\xbf\xbd");
    else if (length == 1 && ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\'))
        want("%.*s", (int)weir__json_escape(escape, *s), escape);
    else
        want("%.*s", (int)length, s);
}

static void want_chars(bool json, weir_bytes s, bool quoted)
{
    for (size_t i = 0, length; i < s.len; i += length) {
        length = length_at(s.data + i, s.len - i);
        if (json)
            want_json_char(s.data + i, length);
        else
            want_text_char(s.data + i, length, quoted);
        length += length == 0;
    }
}

static bool needs_quotes(weir_bytes s)
{
    bool needs = s.len == 0;

    for (size_t i = 0, length; i < s.len && !needs; i += length) {
        length = length_at(s.data + i, s.len - i);
        needs = length == 0 || is_control(s.data + i, length) || s.data[i] == ' ' || s.data[i] == '"';
    }
    return needs;
}

static void want_string(bool json, weir_bytes s)
{
    const char *quote = json || needs_quotes(s) ? "\"" : "";

    want("%s", quote);
    want_chars(json, s, *quote != '\0');
    want("%s", quote);
}

static void want_duration(bool json, int64_t ns)
{
    const unsigned long long size = ns < 0 ? 0 - (unsigned long long)ns : (unsigned long long)ns;
    const unsigned long long us = (size + 500) / 1000;

    if (!json) {
        want("%s%llu.%03llums", ns < 0 ? "-" : "", us / 1000, us % 1000);
        return;
    }
    want("%s%llu.%06llu", ns < 0 ? "-" : "", size / 1000000, size % 1000000);
    while (wanted[wanted_len - 1] == '0')
        wanted_len--;
    wanted_len -= wanted[wanted_len - 1] == '.';
}

static void want_durations(bool json, const weir_kv *kv)
{
    want("%s", json ? "{" : "\"");
    for (size_t i = 0; i < kv->value.durations.count; i++) {
        const weir_kv_part *part = &kv->value.durations.parts[i];

        want("%s", i == 0 ? "" : json ? "," : ", ");
        want("%s", json ? "\"" : "");
        want_chars(json, weir_bytes_of(part->name), true);
        want("%s", json ? "\":" : " ");
        want_duration(json, part->duration.ns);
    }
    want("%s", json ? "}" : "\"");
}

static void want_pair(bool json, const weir_kv *kv)
{
    const bool in_ms = kv->type == WEIR_KV_TYPE_DURATION || kv->type == WEIR_KV_TYPE_DURATIONS;

    if (kv->type == WEIR_KV_TYPE_NONE)
        return;
    want("%s", json ? ",\"" : " ");
    want_chars(json, weir_bytes_of(kv->key), json);
    want("%s", !json ? "=" : in_ms ? "_ms\":" : "\":");
    if (kv->type == WEIR_KV_TYPE_BYTES)
        want_string(json, kv->value.bytes);
    else if (kv->type == WEIR_KV_TYPE_INT)
        want("%lld", (long long)kv->value.integer);
    else if (kv->type == WEIR_KV_TYPE_DURATION)
        want_duration(json, kv->value.integer);
    else
        want_durations(json, kv);
}

static void want_line(bool json, const char *message, const weir_kv *kvs, size_t n)
{
    wanted_len = 0;
    want(json ? "{\"time\":\"2026-11-23T14:05:01.123Z\",\"level\":\"warn\",\"message\":\""
              : "2026-11-23T14:05:01.123Z warn ");
    want_chars(json, weir_bytes_of(message), json);
    want("%s", json ? "\"" : "");
    for (size_t i = 0; i < n; i++)
        want_pair(json, &kvs[i]);
    want("%s", json ? "}\n" : "\n");
}

/* --- random lines --- */

/* Mostly plain; of three texts, one has other bytes here and there, and one many. Has room for a NUL. */
static size_t write_random(char out[TEXT], size_t most)
{
    static const char *const others[] = {"\"",           "\\",       "\n",           "\x01",   " ",
                                         "\xc3\xa4",     "\xc2\x85", "\xe2\x82\xac", "\u202e", "\xff",
                                         "\xed\xa0\x80", "\x7f",     "\xc3",         "~",      "!"};
    const uint64_t one_of = (uint64_t[]){1 << 30, 40, 3}[below(3)];
    size_t n = 0, end = below(below(4) == 0 ? most : most < 20 ? most : 20);

    while (n < end) {
        const char *other = others[below(sizeof others / sizeof *others)];

        if (below(one_of) > 0)
            out[n++] = (char)('#' + below('[' - '#'));
        else if (n + strlen(other) <= end)
            n = (size_t)(stpcpy(out + n, other) - out);
        else
            end = n;
    }
    out[n] = '\0';
    return n;
}

static weir_bytes random_bytes(void)
{
    char text[TEXT];

    return lend(text, write_random(text, TEXT));
}

static const char *random_text(size_t most)
{
    char text[TEXT];

    return lend(text, write_random(text, most) + 1).data;
}

static int64_t random_number(void)
{
    const uint64_t n = weir__random_u64(&random_state) >> below(64);

    return below(4) == 0 ? (int64_t)(0 - n) : (int64_t)n;
}

static weir_kv random_durations(const char *key, weir_kv_part parts[PARTS])
{
    const size_t count = below(PARTS + 1);

    for (size_t i = 0; i < count; i++)
        parts[i] = (weir_kv_part){random_text(TEXT / 2), {random_number()}};
    return WEIR_KV_DURATIONS(key, parts, count);
}

static weir_kv make_pair(weir_kv_part parts[PARTS])
{
    const char *key = random_text(below(8) == 0 ? TEXT : 20);

    switch (below(6)) {
    case 0:
        return weir_kv_none();
    case 1:
        return WEIR_KV_INT(key, random_number());
    case 2:
        return WEIR_KV_DURATION(key, (weir_duration){random_number()});
    case 3:
        return random_durations(key, parts);
    default:
        return WEIR_KV_BYTES(key, random_bytes());
    }
}

/* What is before the end of a line that was cut, without what closes its last value. */
static size_t uncut_length(bool json, const char *line, size_t length)
{
    const char *mark = json ? ",\"cut\":true}\n" : "\xe2\x80\xa6\n";
    const size_t marked = strlen(mark);

    assert_true(length > marked && memcmp(line + length - marked, mark, marked) == 0);
    length -= marked;
    return length - (line[length - 1] == '"' || line[length - 1] == '}');
}

/* Takes the colours out of a line, and checks that it does not end in one. Returns: its length. */
static size_t take_colours_out(char *line, size_t length)
{
    bool is_coloured = false;
    size_t kept = 0;

    for (size_t i = 0; i < length; i++) {
        if (line[i] != '\033') {
            line[kept++] = line[i];
            continue;
        }
        is_coloured = line[i + 2] != '0';
        while (line[i] != 'm')
            i++;
    }
    assert_false(is_coloured);
    return kept;
}

enum form { TEXT_FORM, COLOURED, JSON, FORMS };

static void check_line(enum form form, size_t room, const char *message, const weir_kv *kvs, size_t n)
{
    static char *end;
    const bool json = form == JSON;
    const struct weir__logger logger = {.json = json, .colour = form == COLOURED, .wall_ns = fixed_time};
    struct weir__log_second second = {0};
    char *line;
    size_t length, whole;

    if (end == NULL)
        end = guarded(LINE);
    line = end - room;
    want_line(json, message, kvs, n);
    length = weir__logger_render(&logger, &second, line, room, WEIR_LOG_WARN, message, kvs, n);
    assert_true(length <= room);
    assert_true(!json || weir_json_is_valid(line, length, 2));
    whole = wanted_len + (form == COLOURED ? COLOURS_HEAD + COLOURS_PAIR * n : 0);
    if (form == COLOURED)
        length = take_colours_out(line, length);
    if (whole <= room - END_ROOM)
        assert_int_equal(length, wanted_len);
    if (length != wanted_len || memcmp(line, wanted, length) != 0)
        assert_memory_equal(line, wanted, uncut_length(json, line, length));
}

static void a_line_is_as_the_simplest_code_writes_it(void **state)
{
    static weir_kv_part parts[PAIRS][PARTS];
    weir_kv kvs[PAIRS];

    (void)state;
    weir__random_seed(&random_state, 20261130);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t n = below(PAIRS + 1);
        const char *message;

        texts.used = 0;
        message = random_text(TEXT / 2);
        for (size_t i = 0; i < n; i++)
            kvs[i] = make_pair(parts[i]);
        for (enum form form = 0; form < FORMS; form++) {
            check_line(form, LINE / 2, message, kvs, n);
            check_line(form, 128 + below(1000), message, kvs, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_as_the_simplest_code_writes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

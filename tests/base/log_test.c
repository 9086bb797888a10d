/* SPDX-License-Identifier: MIT */
/* Lines of the log, as people and as programs read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <weir/error.h>
#include <weir/json.h>
#include <weir/log.h>

#include "base/log.h"

static int64_t fixed_time(void)
{
    return 1795442701123456789; /* 2026-11-23T14:05:01.123456789Z */
}

static int64_t now;

static int64_t other_time(void)
{
    return now;
}

static const struct weir__logger text = {.wall_ns = fixed_time};
static const struct weir__logger json = {.json = true, .wall_ns = fixed_time};

#define RENDER(logger, out, message, ...)                                                                    \
    render(logger, out, sizeof out, message, (const weir_kv[]){weir_kv_none(), ##__VA_ARGS__},               \
           sizeof((const weir_kv[]){weir_kv_none(), ##__VA_ARGS__}) / sizeof(weir_kv))

static void render(const struct weir__logger *l, char *out, size_t room, const char *message,
                   const weir_kv *kvs, size_t n)
{
    struct weir__log_second second = {0};
    size_t length = weir__logger_render(l, &second, out, room - 1, WEIR_LOG_WARN, message, kvs, n);

    assert_true(length < room);
    assert_int_equal(out[length - 1], '\n');
    assert_null(memchr(out, '\n', length - 1)); /* one line, whatever is in it */
    out[length - 1] = '\0';
    if (l->json)
        assert_true(weir_json_is_valid(out, length - 1, 2));
}

static void a_line_shows_every_kind_of_value(void **state)
{
    char out[512];

    (void)state;

    RENDER(&text, out, "loop held", WEIR_KV("task", "user-7"), WEIR_KV_DURATION("held", weir_us(41200)),
           WEIR_KV_INT("n", -3), WEIR_KV_BOOL("ok", 1), WEIR_KV_DOUBLE("x", 0.5),
           WEIR_KV_ERROR("err", -WEIR_EDEADLINE));
    assert_string_equal(
        out, "2026-11-23T14:05:01.123Z warn loop held task=user-7 held=41.200ms n=-3 ok=true x=0.5 "
             "err=\"deadline exceeded\"");
    RENDER(&json, out, "loop held", WEIR_KV("task", "user-7"), WEIR_KV_DURATION("held", weir_us(41200)),
           WEIR_KV_INT("n", -3), WEIR_KV_BOOL("ok", 1), WEIR_KV_DOUBLE("x", 0.5),
           WEIR_KV_ERROR("err", -WEIR_EDEADLINE));
    assert_string_equal(out,
                        "{\"time\":\"2026-11-23T14:05:01.123Z\",\"level\":\"warn\",\"message\":\"loop held\","
                        "\"task\":\"user-7\",\"held_ms\":41.2,\"n\":-3,\"ok\":true,\"x\":0.5,"
                        "\"err\":\"deadline exceeded\"}");
}

static void several_durations_stand_under_one_key(void **state)
{
    static const weir_kv_part parts[] = {
        {"orders", {67900000}}, {"a \"b\"\n", {1500}}, {"run", {0}}, {"ready", {12345678}}};
    char out[512], small[160];

    (void)state;

    RENDER(&text, out, "request", WEIR_KV_DURATIONS("spent", parts, 4), WEIR_KV_DURATIONS("none", NULL, 0));
    assert_string_equal(
        out, "2026-11-23T14:05:01.123Z warn request "
             "spent=\"orders 67.900ms, a \\\"b\\\"\\n 0.002ms, run 0.000ms, ready 12.346ms\" none=\"\"");
    RENDER(&json, out, "request", WEIR_KV_DURATIONS("spent", parts, 4), WEIR_KV_DURATIONS("none", NULL, 0));
    assert_non_null(strstr(out, ",\"spent_ms\":{\"orders\":67.9,\"a \\\"b\\\"\\n\":0.0015,\"run\":0,"
                                "\"ready\":12.345678},\"none_ms\":{}}"));
    /* Cut between parts, wherever the room ends. */
    for (size_t pad = 0; pad < 80; pad++) {
        static const char xs[] =
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        weir_bytes bytes = {xs, pad};
        RENDER(&json, small, "r", weir_kv_bytes("v", bytes), WEIR_KV_DURATIONS("spent", parts, 4));
        RENDER(&text, small, "r", weir_kv_bytes("v", bytes), WEIR_KV_DURATIONS("spent", parts, 4));
        assert_true(strstr(small, "spent=\"") == NULL || strchr(strstr(small, "spent=\"") + 7, '"') != NULL);
    }
}

static void what_comes_from_outside_can_not_forge_a_line(void **state)
{
    char out[512];

    (void)state;

    RENDER(&text, out, "request", WEIR_KV("path", "/a\n2026-11-23 error forged=1"), WEIR_KV("q", "x=\"y\""),
           WEIR_KV("esc", "\x1b[31m"), WEIR_KV("bad", "\xff"), WEIR_KV("empty", ""));
    assert_null(strchr(out, '\x1b'));
    assert_null(strchr(out, '\xff'));
    RENDER(&json, out, "request", WEIR_KV("path", "/a\n\"}{\"forged\":1"), WEIR_KV("bad", "\xff"));
    assert_null(strchr(out, '\xff'));
    RENDER(&json, out, "numbers", WEIR_KV_DOUBLE("nan", __builtin_nan("")),
           WEIR_KV_DOUBLE("inf", __builtin_inf()));
    assert_non_null(strstr(out, "\"nan\":null,\"inf\":null"));
}

/* They would show what follows in another order, on another line, or not at all. */
static void marks_of_direction_are_escaped(void **state)
{
    static const char *const harmless[] = {"\u200a", "\u2010", "\u2027", "\u202f",    "\u205f",
                                           "\u2070", "\u20ac", "\ufefe", "\U0001f600"},
                             *const marks[] = {"\u200b", "\u200f", "\u2028", "\u202e",
                                               "\u2060", "\u206f", "\ufeff"};
    char out[512];

    (void)state;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        RENDER(&text, out, "request", WEIR_KV("a", harmless[i]));
        assert_non_null(strstr(out, harmless[i]));
        assert_null(strchr(out, '"'));
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char escaped[32];

        RENDER(&text, out, "request", WEIR_KV("a", marks[i]));
        (void)snprintf(escaped, sizeof escaped, "a=\"\\x%02x\\x%02x\\x%02x\"", (unsigned char)marks[i][0],
                       (unsigned char)marks[i][1], (unsigned char)marks[i][2]);
        assert_non_null(strstr(out, escaped));
    }
}

/* Cut anywhere, it stays one line, JSON stays JSON, and it says that it was cut. */
static void long_lines_are_cut_and_say_so(void **state)
{
    static char value[6000];
    char out[WEIR_LOG_LINE_MAX + 1];

    (void)state;

    for (size_t i = 0; i + 1 < sizeof value; i++)
        value[i] = "a\"\xc3\xa4\n\x01"[i % 6];
    for (size_t n = 60; n < 400; n++) {
        char small[200];
        weir_bytes bytes = {value, n};
        RENDER(&json, small, "long", weir_kv_bytes("v", bytes), WEIR_KV_INT("after", 1));
        RENDER(&text, small, "long", weir_kv_bytes("v", bytes), WEIR_KV_INT("after", 1));
    }
    RENDER(&json, out, "long", WEIR_KV("v", value));
    assert_non_null(strstr(out, ",\"cut\":true}"));
    RENDER(&text, out, "long", WEIR_KV("v", value));
    assert_non_null(strstr(out, "…"));
    RENDER(&json, out, "short", WEIR_KV("v", "value"));
    assert_null(strstr(out, "cut"));
}

/* The second that is kept as text is written anew when another begins, before or after, and for local time.
 */
static void the_time_is_right_from_line_to_line(void **state)
{
    struct weir__log_second second = {0};
    struct weir__logger l = {.wall_ns = other_time};

    static const struct {
        int64_t ns;
        const char *utc, *local;
    } cases[] = {
        {1795442701123456789, "2026-11-23T14:05:01.123Z", "16:05:01.123"},
        {1795442701999999999, "2026-11-23T14:05:01.999Z", "16:05:01.999"},
        {1795442702000000000, "2026-11-23T14:05:02.000Z", "16:05:02.000"},
        {1795442701999999999, "2026-11-23T14:05:01.999Z", "16:05:01.999"},
        {0, "1970-01-01T00:00:00.000Z", "02:00:00.000"},
        {-1, "1970-01-01T00:00:00.000Z", "02:00:00.000"},
    };
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        now = cases[i].ns;
        l.local_time = false;
        out[weir__logger_render(&l, &second, out, sizeof out, WEIR_LOG_INFO, "m", NULL, 0) - 1] = '\0';
        assert_memory_equal(out, cases[i].utc, strlen(cases[i].utc));
        assert_string_equal(out + strlen(cases[i].utc), " info m");
        l.local_time = true;
        l.local_offset_s = 7200;
        out[weir__logger_render(&l, &second, out, sizeof out, WEIR_LOG_INFO, "m", NULL, 0) - 1] = '\0';
        assert_memory_equal(out, cases[i].local, strlen(cases[i].local));
    }
}

static void durations_have_one_unit(void **state)
{
    static const struct {
        int64_t ns;
        const char *text, *json;
    } cases[] = {
        {0, "0.000ms", "0"},
        {499, "0.000ms", "0.000499"},
        {500, "0.001ms", "0.0005"},
        {541, "0.001ms", "0.000541"},
        {78100, "0.078ms", "0.0781"},
        {999999, "1.000ms", "0.999999"},
        {1000000, "1.000ms", "1"},
        {88312000, "88.312ms", "88.312"},
        {30000000000, "30000.000ms", "30000"},
        {-1500000, "-1.500ms", "-1.5"},
        {INT64_MAX, "9223372036854.776ms", "9223372036854.775807"},
        {INT64_MIN, "-9223372036854.776ms", "-9223372036854.775808"},
    };
    char out[256], wanted[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RENDER(&text, out, "m", WEIR_KV_DURATION("d", (weir_duration){cases[i].ns}));
        (void)snprintf(wanted, sizeof wanted, "2026-11-23T14:05:01.123Z warn m d=%s", cases[i].text);
        assert_string_equal(out, wanted);
        RENDER(&json, out, "m", WEIR_KV_DURATION("d", (weir_duration){cases[i].ns}));
        (void)snprintf(wanted, sizeof wanted, "\"m\",\"d_ms\":%s}", cases[i].json);
        assert_non_null(strstr(out, wanted));
    }
}

/* Whatever byte stands wherever in a text, it is as it would be alone. */
static void each_byte_is_written_as_it_should(void **state)
{
    char alone[200], out[256], wanted[256], value[20];

    (void)state;
    for (int c = 1; c < 128; c++) {
        const weir_bytes one = {value, 1};
        const char *shown;
        int length;
        bool quoted;
        value[0] = (char)c;
        RENDER(&text, alone, "m", weir_kv_bytes("v", one), WEIR_KV_INT("z", 1));
        shown = strstr(alone, "v=") + 2;
        length = (int)(strstr(alone, " z=1") - shown);
        quoted = *shown == '"' && length > 1;
        for (size_t at = 0; at < sizeof value; at++) {
            const weir_bytes all = {value, sizeof value};
            memset(value, 'a', sizeof value);
            value[at] = (char)c;
            RENDER(&text, out, "m", weir_kv_bytes("v", all), WEIR_KV_INT("z", 1));
            (void)snprintf(wanted, sizeof wanted, "v=%s%.*s%.*s%.*s%s z=1", quoted ? "\"" : "", (int)at,
                           "aaaaaaaaaaaaaaaaaaaa", quoted ? length - 2 : length, quoted ? shown + 1 : shown,
                           (int)(sizeof value - 1 - at), "aaaaaaaaaaaaaaaaaaaa", quoted ? "\"" : "");
            assert_non_null(strstr(out, wanted));
        }
        value[0] = (char)c;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_shows_every_kind_of_value),
        cmocka_unit_test(several_durations_stand_under_one_key),
        cmocka_unit_test(what_comes_from_outside_can_not_forge_a_line),
        cmocka_unit_test(marks_of_direction_are_escaped),
        cmocka_unit_test(long_lines_are_cut_and_say_so),
        cmocka_unit_test(the_time_is_right_from_line_to_line),
        cmocka_unit_test(durations_have_one_unit),
        cmocka_unit_test(each_byte_is_written_as_it_should),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

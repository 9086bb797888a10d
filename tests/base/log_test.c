/* SPDX-License-Identifier: MIT */
/* Lines of the log, as people and as programs read them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/error.h>
#include <weir/json.h>
#include <weir/log.h>

#include "base/log.h"

static int64_t fixed_time(void)
{
    return 1795442701123456789; /* 2026-11-23T14:05:01.123456789Z */
}

static const struct weir__logger text = {.fd = -1, .wall_ns = fixed_time};
static const struct weir__logger json = {.fd = -1, .json = true, .wall_ns = fixed_time};

#define RENDER(logger, out, message, ...)                                                                    \
    render(logger, out, sizeof out, message, (const weir_kv[]){weir_kv_none(), ##__VA_ARGS__},               \
           sizeof((const weir_kv[]){weir_kv_none(), ##__VA_ARGS__}) / sizeof(weir_kv))

static void render(const struct weir__logger *l, char *out, size_t room, const char *message,
                   const weir_kv *kvs, size_t n)
{
    size_t length = weir__logger_render(l, out, room - 1, WEIR_LOG_WARN, message, kvs, n);

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
    assert_string_equal(out,
                        "2026-11-23T14:05:01.123Z warn loop held task=user-7 held=41.2ms n=-3 ok=true x=0.5 "
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
    assert_string_equal(out, "2026-11-23T14:05:01.123Z warn request "
                             "spent=\"orders 67.9ms, a \\\"b\\\"\\n 1.5us, run 0s, ready 12.3ms\" none=\"\"");
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

static void lines_below_the_level_are_dropped(void **state)
{
    struct weir__logger l = text;
    weir_kv none = weir_kv_none();
    char out[512] = "";
    int ends[2];
    (void)state;

    assert_int_equal(pipe(ends), 0);
    l.fd = ends[1];
    l.level = WEIR_LOG_WARN;
    errno = ENOENT;
    weir__logger_write(&l, WEIR_LOG_INFO, "dropped", &none, 1);
    weir__logger_write(&l, WEIR_LOG_ERROR, "written", &none, 1);
    assert_int_equal(errno, ENOENT);
    close(ends[1]);
    assert_true(read(ends[0], out, sizeof out - 1) > 0);
    assert_string_equal(out, "2026-11-23T14:05:01.123Z error written\n");
    l.fd = ends[1]; /* closed: the line is lost, nothing else */
    weir__logger_write(&l, WEIR_LOG_ERROR, "lost", &none, 1);
    assert_int_equal(errno, ENOENT);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_shows_every_kind_of_value),
        cmocka_unit_test(several_durations_stand_under_one_key),
        cmocka_unit_test(what_comes_from_outside_can_not_forge_a_line),
        cmocka_unit_test(long_lines_are_cut_and_say_so),
        cmocka_unit_test(lines_below_the_level_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

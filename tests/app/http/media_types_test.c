/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "http/media_types.h"

static void types_are_found_by_the_ending(void **state)
{
    static const char text[] = "# a comment\n"
                               "text/plain\t\t\tasc txt pot\n"
                               "application/x-none\n"
                               "application/gzip gz # and a remark\n"
                               "junk junk\n"
                               "/x x1\n"
                               "a/ x2\n"
                               "a b/c x3\n"
                               "image/svg+xml svg svgz\r\n"
                               "text/html html\n"
                               "application/last last";
    static const char *const table[][2] = {
        {"a.txt", "text/plain; charset=utf-8"},
        {"A.TXT", "text/plain; charset=utf-8"},
        {"a/b.c/d.pot", "text/plain; charset=utf-8"},
        {"a.tar.gz", "application/gzip"},
        {"a.svgz", "image/svg+xml"},
        {"a.last", "application/last"},
        {"a.js", "text/javascript; charset=utf-8"}, /* of our own */
        {"a.remark", MEDIA_TYPE_UNKNOWN},
        {"a.junk", MEDIA_TYPE_UNKNOWN},
        {"a.x1", MEDIA_TYPE_UNKNOWN},
        {"a.x2", MEDIA_TYPE_UNKNOWN},
        {"a.x3", MEDIA_TYPE_UNKNOWN},
        {"a.", MEDIA_TYPE_UNKNOWN},
        {"txt", MEDIA_TYPE_UNKNOWN},
        {"a.txt/b", MEDIA_TYPE_UNKNOWN},
        {"", MEDIA_TYPE_UNKNOWN},
        {".txt", "text/plain; charset=utf-8"},
        {"a.htm", "text/html"}, /* the caller's */
        {"a.html", "text/html; charset=utf-8"},
    };
    struct config_memory *memory = config_memory_open();
    struct media_types *types = media_types_open(memory, "/nonexistent");
    char name[1000] = "a.";

    (void)state;
    assert_non_null(types);
    media_types_read(types, text, sizeof text - 1);
    media_types_set(types, "htm", "text/html");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(media_types_find(types, table[i][0]), table[i][1]) != 0)
            fail_msg("%s: %s", table[i][0], media_types_find(types, table[i][0]));
    memset(name + 2, 'x', 900);
    assert_string_equal(media_types_find(types, name), MEDIA_TYPE_UNKNOWN);
    config_memory_free(memory);
}

static void the_table_of_the_system_is_read(void **state)
{
    struct config_memory *memory = config_memory_open();
    struct media_types *types = media_types_open(memory, MEDIA_TYPES_OF_SYSTEM);

    (void)state;
    assert_string_equal(media_types_find(types, "index.html"), "text/html; charset=utf-8");
    assert_string_equal(media_types_find(types, "a.css"), "text/css; charset=utf-8");
    assert_string_equal(media_types_find(types, "a.png"), "image/png");
    assert_string_equal(media_types_find(types, "a.wasm"), "application/wasm");
    config_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_found_by_the_ending),
        cmocka_unit_test(the_table_of_the_system_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

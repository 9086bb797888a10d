/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "apps/app_stack.h"

static struct app_stack read_stack(const char *text)
{
    struct app_stack stack;

    app_stack_read(text, strlen(text), "/srv/shop", &stack);
    return stack;
}

static void the_current_thread_is_read_with_its_culprit(void **state)
{
    struct app_stack s =
        read_stack("Thread 0x00007f0000000001 (most recent call first):\n"
                   "  File \"/usr/lib/python3.11/threading.py\", line 324 in wait\n"
                   "\n"
                   "Current thread 0x00007f0000000002 (most recent call first):\n"
                   "  File \"/usr/lib/python3.11/re/__init__.py\", line 166 in match\n"
                   "  File \"/srv/shop/views/app.py\", line 11 in regex\n"
                   "  File \"/srv/shop/venv/lib/python3/site-packages/flask/app.py\", line 1820 in dispatch\n"
                   "\n"
                   "Thread 0x00007f0000000003 (most recent call first):\n"
                   "  File \"/srv/shop/other.py\", line 1 in other\n");

    (void)state;
    assert_int_equal(s.depth, 3);
    assert_string_equal(s.frames[0].file, "re/__init__.py");
    assert_string_equal(s.frames[0].function, "match");
    assert_int_equal(s.frames[0].line, 166);
    assert_string_equal(s.frames[1].file, "views/app.py");
    assert_string_equal(s.frames[2].file, "flask/app.py");
    assert_int_equal(s.culprit, 1);
    assert_true(s.frames[1].own && !s.frames[0].own && !s.frames[2].own && !s.idle);
}

static void a_stack_without_a_mark_is_read_and_its_innermost_frame_is_to_blame(void **state)
{
    struct app_stack s = read_stack("  File \"node:internal/timers\", line 519 in processTimers\n"
                                    "  File \"/opt/other/x/y/tool.js\", line 7 in (anonymous)\n");

    (void)state;
    assert_int_equal(s.depth, 2);
    assert_int_equal(s.culprit, 0);
    assert_string_equal(s.frames[0].file, "node:internal/timers");
    assert_string_equal(s.frames[1].file, "y/tool.js");
}

static void a_loop_that_waits_is_idle(void **state)
{
    (void)state;
    assert_true(read_stack("  File \"/usr/lib/python3.11/selectors.py\", line 415 in select\n").idle);
    assert_false(read_stack("  File \"/srv/shop/selectors.py\", line 415 in select\n").idle);
}

/* An application may send anything. */
static void lies_are_cut_and_made_plain(void **state)
{
    static char text[40000];
    char *at = text;
    struct app_stack s;

    (void)state;
    for (int i = 0; i < 100; i++)
        at += sprintf(at, "  File \"/srv/shop/%0150d.py\", line 4294967296999 in %0100d\n", i, i);
    s = read_stack(text);
    assert_int_equal(s.depth, 0); /* such a line number is no line number */
    at = text;
    for (int i = 0; i < 50; i++)
        at += sprintf(at, "  File \"/srv/shop/%0150d.py\", line 3 in %0100d\n", i, i);
    s = read_stack(text);
    assert_int_equal(s.depth, APP_STACK_FRAMES_MAX);
    assert_int_equal(strlen(s.frames[0].file), APP_FRAME_FILE_BYTES - 1);
    assert_string_equal(s.frames[0].file + strlen(s.frames[0].file) - 6, "000.py");
    assert_int_equal(strlen(s.frames[0].function), APP_FRAME_FUNCTION_BYTES - 1);
    s = read_stack("  File \"/srv/shop/a\033[2J\xff.py\", line 3 in f\001\r\n");
    assert_string_equal(s.frames[0].file, "a?[2J?.py");
    assert_string_equal(s.frames[0].function, "f??");
}

static void what_is_no_frame_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "\n\n\n",
        "  File \"",
        "  File \"\", line 3 in f\n",
        "  File \"/a.py\", line 3 in f",
        "  File \"/a.py\", line in f\n",
        "  File \"/a.py\", line 3\n",
        "Current thread 0x",
        "Current thread 0x1:\n",
        "  File /a.py, line 3 in f\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(read_stack(texts[i]).depth, 0);
    /* Not even at the end of the bytes. */
    for (size_t n = 0; n <= 28; n++) {
        struct app_stack s;
        char exact[64] = "  File \"/a.py\", line 3 in f\n";
        app_stack_read(exact, n, "/", &s);
        assert_int_equal(s.depth, n >= strlen(exact) ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_current_thread_is_read_with_its_culprit),
        cmocka_unit_test(a_stack_without_a_mark_is_read_and_its_innermost_frame_is_to_blame),
        cmocka_unit_test(a_loop_that_waits_is_idle),
        cmocka_unit_test(lies_are_cut_and_made_plain),
        cmocka_unit_test(what_is_no_frame_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

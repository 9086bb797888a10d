/* SPDX-License-Identifier: MIT */
/* Whatever the pieces in which bytes come, the lines are the same. */
#include "process/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/run.h"

enum { GIVEN_BYTES = 32768 };

struct given {
    char text[GIVEN_BYTES]; /* "4:line\n", the length before each */
    size_t used, count, longest;
};

static void note(struct given *g, const char *line, size_t length)
{
    assert_int_equal(line[length], '\0');
    g->used += (size_t)snprintf(g->text + g->used, GIVEN_BYTES - g->used, "%zu:", length);
    memcpy(g->text + g->used, line, length);
    g->used += length;
    g->text[g->used++] = '\n';
    g->count++;
    if (length > g->longest)
        g->longest = length;
}

static void take_lines(struct weir__lines *lines, struct given *g)
{
    const char *line;
    size_t length;

    while (weir__lines_next(lines, &line, &length))
        note(g, line, length);
}

/* Feeds bytes in pieces. */
static void feed(struct given *g, const char *bytes, size_t count, size_t piece)
{
    struct weir__lines *lines = calloc(1, sizeof *lines);
    const char *line;
    size_t length;

    memset(g, 0, sizeof *g);
    while (count > 0) {
        size_t room, n = piece < count ? piece : count;
        char *to = weir__lines_room(lines, &room);

        assert_true(room > 0);
        n = n < room ? n : room;
        memcpy(to, bytes, n);
        weir__lines_added(lines, n);
        bytes += n;
        count -= n;
        take_lines(lines, g);
    }
    if (weir__lines_rest(lines, &line, &length))
        note(g, line, length);
    assert_false(weir__lines_rest(lines, &line, &length));
    free(lines);
}

static void expect(const char *bytes, size_t count, const char *text, size_t length)
{
    static const size_t pieces[] = {1, 2, 3, 7, 100, 4095, 4096, 100000};
    static struct given g;

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        feed(&g, bytes, count, pieces[i]);
        assert_int_equal(g.used, length);
        assert_memory_equal(g.text, text, length);
    }
}

#define EXPECT(bytes, text) expect(bytes, sizeof(bytes) - 1, text, sizeof(text) - 1)

static void lines_come_one_by_one(void **state)
{
    (void)state;
    EXPECT("", "");
    EXPECT("one\n", "3:one\n");
    EXPECT("one\ntwo\n", "3:one\n3:two\n");
    EXPECT("\n\nx\n", "0:\n0:\n1:x\n");
    EXPECT("no newline", "10:no newline\n");
    EXPECT("one\nrest", "3:one\n4:rest\n");
    EXPECT("a\0b\n\0\n", "3:a\0b\n1:\0\n");
    EXPECT("dos\r\n", "4:dos\r\n");
}

/* One line of so many bytes, then another. */
static void expect_long(size_t bytes, size_t count, const size_t *lengths)
{
    static const size_t pieces[] = {1, 100, 4096, 100000};
    static struct given g;
    char *text = malloc(bytes + 3);

    memset(text, 'x', bytes);
    memcpy(text + bytes, "\ny\n", 3);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        const char *at = g.text;

        feed(&g, text, bytes + 3, pieces[i]);
        assert_int_equal(g.count, count + 1);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(strtoul(at, NULL, 10), lengths[k]);
            at = strchr(at, '\n') + 1;
        }
        assert_memory_equal(at, "1:y\n", 4);
    }
    free(text);
}

static void a_long_line_comes_in_pieces(void **state)
{
    (void)state;
    expect_long(4095, 1, (const size_t[]){4095});
    expect_long(4096, 1, (const size_t[]){4096});
    expect_long(4097, 2, (const size_t[]){4096, 1});
    expect_long(8192, 2, (const size_t[]){4096, 4096});
    expect_long(10000, 3, (const size_t[]){4096, 4096, 1808});
}

static void a_long_line_without_a_newline_comes_whole(void **state)
{
    static char text[10000];
    static struct given g;

    (void)state;
    memset(text, 'x', sizeof text);
    feed(&g, text, sizeof text, 1000);
    assert_int_equal(g.count, 3);
    assert_int_equal(g.longest, 4096);
    feed(&g, text, 4096, 1000); /* nothing is left */
    assert_int_equal(g.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one),
        cmocka_unit_test(a_long_line_comes_in_pieces),
        cmocka_unit_test(a_long_line_without_a_newline_comes_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

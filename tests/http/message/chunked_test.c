/* SPDX-License-Identifier: MIT */
/* Chunked bodies and the reader of bodies around them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/body.h"

struct outcome {
    int last;
    size_t used;
    size_t len;
    char payload[512];
};

static void decode(const char *data, size_t len, size_t piece, struct outcome *out)
{
    struct weir__http_chunked d;

    weir__http_chunked_init(&d);
    *out = (struct outcome){.last = WEIR__HTTP_CHUNK_MORE};
    while (out->used < len) {
        size_t here = len - out->used < piece ? len - out->used : piece, used;
        weir_bytes run;
        out->last = weir__http_chunked_next(&d, data + out->used, here, &used, &run);
        if (out->last < 0)
            return;
        out->used += used;
        if (out->last == WEIR__HTTP_CHUNK_END)
            return;
        if (out->last == WEIR__HTTP_CHUNK_DATA) {
            memcpy(out->payload + out->len, run.data, run.len);
            out->len += run.len;
        }
    }
    out->last = WEIR__HTTP_CHUNK_MORE;
}

struct row {
    const char *text;
    int last;
    const char *payload;
    size_t behind; /* bytes after the end */
};

static const struct row rows[] = {
    {"0\r\n\r\n", WEIR__HTTP_CHUNK_END, "", 0},
    {"3\r\nabc\r\n0\r\n\r\n", WEIR__HTTP_CHUNK_END, "abc", 0},
    {"3\r\nabc\r\n0\r\n\r\nGET", WEIR__HTTP_CHUNK_END, "abc", 3},
    {"1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", WEIR__HTTP_CHUNK_END, "abc", 0},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", WEIR__HTTP_CHUNK_END, "01234567890123456789", 0},
    {"3;name=value;x=\"y\"\r\nabc\r\n0\r\n\r\n", WEIR__HTTP_CHUNK_END, "abc", 0},
    {"3\r\nabc\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", WEIR__HTTP_CHUNK_END, "abc", 0},
    {"3\r\nab", WEIR__HTTP_CHUNK_MORE, "ab", 0},
    {"3\r\nabc\r\n0\r\n", WEIR__HTTP_CHUNK_MORE, "abc", 0},
    {"\r\n", -WEIR_EPROTOCOL, "", 0},
    {"x\r\n", -WEIR_EPROTOCOL, "", 0},
    {"-1\r\n", -WEIR_EPROTOCOL, "", 0},
    {"+1\r\n", -WEIR_EPROTOCOL, "", 0},
    {"0x1\r\n", -WEIR_EPROTOCOL, "", 0},
    {" 1\r\n", -WEIR_EPROTOCOL, "", 0},
    {"1 \r\na\r\n0\r\n\r\n", -WEIR_EPROTOCOL, "", 0},
    {"3\nabc\r\n", -WEIR_EPROTOCOL, "", 0},
    {"3\rabc\r\n", -WEIR_EPROTOCOL, "", 0},
    {"3\r\nabcd\r\n", -WEIR_EPROTOCOL, "abc", 0},
    {"3\r\nabc\n0\r\n\r\n", -WEIR_EPROTOCOL, "abc", 0},
    {"3;a\nb\r\nabc\r\n", -WEIR_EPROTOCOL, "", 0},
    {"0\r\nX: y\n\r\n", -WEIR_EPROTOCOL, "", 0},
    {"fffffffffffffffff\r\n", -WEIR_EPROTOCOL, "", 0},
};

static void each_body_is_the_same_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].text);
        for (size_t piece = 1; piece <= len; piece++) {
            struct outcome o;
            decode(rows[i].text, len, piece, &o);
            if (o.last != rows[i].last)
                print_message("# in pieces of %zu: %s\n", piece, rows[i].text);
            assert_int_equal(o.last, rows[i].last);
            assert_int_equal(o.len, strlen(rows[i].payload));
            assert_memory_equal(o.payload, rows[i].payload, o.len);
            if (o.last == WEIR__HTTP_CHUNK_END)
                assert_int_equal(len - o.used, rows[i].behind);
        }
    }
}

static void extensions_and_trailers_have_an_end(void **state)
{
    struct outcome o;
    char text[3 * WEIR__HTTP_TRAILER_BYTES_MAX];
    size_t len = (size_t)sprintf(text, "3;");

    (void)state;
    memset(text + len, 'x', WEIR__HTTP_CHUNK_EXTENSION_BYTES_MAX + 1);
    decode(text, len + WEIR__HTTP_CHUNK_EXTENSION_BYTES_MAX + 1, SIZE_MAX, &o);
    assert_int_equal(o.last, -WEIR_ETOOLARGE);
    len = (size_t)sprintf(text, "0\r\nT: ");
    memset(text + len, 'x', WEIR__HTTP_TRAILER_BYTES_MAX + 1);
    decode(text, len + WEIR__HTTP_TRAILER_BYTES_MAX + 1, SIZE_MAX, &o);
    assert_int_equal(o.last, -WEIR_ETOOLARGE);
}

static void a_line_is_what_is_read(void **state)
{
    static const uint64_t sizes[] = {1, 9, 10, 15, 16, 255, 4096, UINT32_MAX, (uint64_t)1 << 40};
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct weir__http_chunked d = {0};
        weir_bytes run;
        size_t used, len = weir__http_chunk_line(line, sizes[i]);
        assert_int_equal(weir__http_chunked_next(&d, line, len, &used, &run), WEIR__HTTP_CHUNK_MORE);
        assert_int_equal(used, len);
        assert_int_equal(d.left, sizes[i]);
        line[len] = '\0';
        assert_int_equal(strtoull(line, NULL, 16), sizes[i]);
    }
}

/* --- bodies --- */

static void a_body_of_known_length_ends_there(void **state)
{
    struct weir__http_body b;
    weir_bytes run;
    size_t used;

    (void)state;
    weir__http_body_begin(&b, WEIR__HTTP_LENGTH, 5, 5);
    assert_false(weir__http_body_is_too_large(&b));
    assert_int_equal(weir__http_body_next(&b, "ab", 2, &used, &run), WEIR__HTTP_BODY_DATA);
    assert_int_equal(run.len, 2);
    assert_int_equal(weir__http_body_next(&b, "", 0, &used, &run), WEIR__HTTP_BODY_MORE);
    assert_int_equal(weir__http_body_closed(&b), -WEIR_ETRUNCATED);
    assert_int_equal(weir__http_body_next(&b, "cdefgh", 6, &used, &run), WEIR__HTTP_BODY_DATA);
    assert_int_equal(used, 3);
    assert_true(b.ended);
    assert_int_equal(weir__http_body_next(&b, "fgh", 3, &used, &run), WEIR__HTTP_BODY_END);
    assert_int_equal(used, 0);
    assert_int_equal(weir__http_body_closed(&b), 0);
}

static void a_body_over_its_limit_is_refused(void **state)
{
    struct weir__http_body b;
    weir_bytes run;
    size_t used;

    (void)state;
    weir__http_body_begin(&b, WEIR__HTTP_LENGTH, 6, 5);
    assert_true(weir__http_body_is_too_large(&b));
    assert_int_equal(weir__http_body_next(&b, "a", 1, &used, &run), -WEIR_ETOOLARGE);
    weir__http_body_begin(&b, WEIR__HTTP_CHUNKED, -1, 5);
    assert_int_equal(weir__http_body_next(&b, "6\r\nabcdef", 9, &used, &run), -WEIR_ETOOLARGE);
    weir__http_body_begin(&b, WEIR__HTTP_UNTIL_CLOSE, -1, 5);
    assert_int_equal(weir__http_body_next(&b, "abcde", 5, &used, &run), WEIR__HTTP_BODY_DATA);
    assert_int_equal(weir__http_body_next(&b, "f", 1, &used, &run), -WEIR_ETOOLARGE);
}

static void the_end_of_the_connection_ends_only_what_it_may(void **state)
{
    struct weir__http_body b;

    (void)state;
    weir__http_body_begin(&b, WEIR__HTTP_UNTIL_CLOSE, -1, 5);
    assert_int_equal(weir__http_body_closed(&b), 0);
    assert_true(b.ended);
    weir__http_body_begin(&b, WEIR__HTTP_CHUNKED, -1, 5);
    assert_int_equal(weir__http_body_closed(&b), -WEIR_ETRUNCATED);
    weir__http_body_begin(&b, WEIR__HTTP_NO_BODY, -1, 5);
    assert_int_equal(weir__http_body_closed(&b), 0);
    weir__http_body_begin(&b, WEIR__HTTP_LENGTH, 0, 5);
    assert_int_equal(weir__http_body_closed(&b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_body_is_the_same_in_pieces_of_any_size),
        cmocka_unit_test(extensions_and_trailers_have_an_end),
        cmocka_unit_test(a_line_is_what_is_read),
        cmocka_unit_test(a_body_of_known_length_ends_there),
        cmocka_unit_test(a_body_over_its_limit_is_refused),
        cmocka_unit_test(the_end_of_the_connection_ends_only_what_it_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Trailers: which lines are taken behind a chunked body, which fields may stand there, and how lines are
 * split into fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/chunked.h"
#include "http/message/trailers.h"

/* --- the lines, as the decoder passes them --- */

struct taken {
    int last; /* the last step, or an error */
    size_t used, len;
    char lines[2 * WEIR__HTTP_TRAILER_BYTES_MAX];
};

/* Decodes a body in pieces of one size, and puts the runs of trailer lines together. */
static void take(const char *data, size_t len, size_t piece, bool keeps, struct taken *t)
{
    struct weir__http_chunked d = {.keeps_trailers = keeps};

    *t = (struct taken){.last = WEIR__HTTP_CHUNK_MORE};
    while (t->used < len && t->last != WEIR__HTTP_CHUNK_END) {
        size_t here = len - t->used < piece ? len - t->used : piece, used;
        weir_bytes run;

        t->last = weir__http_chunked_next(&d, data + t->used, here, &used, &run);
        t->used += used;
        if (t->last < 0) {
            assert_non_null(d.fault);
            return;
        }
        if (t->last == WEIR__HTTP_CHUNK_DATA)
            continue;
        memcpy(t->lines + t->len, run.len > 0 ? run.data : "", run.len);
        t->len += run.len;
    }
}

struct row {
    const char *behind; /* the last chunk's size line */
    int last;
    const char *lines; /* what is passed on of them; NULL: all of it */
};

static const struct row rows[] = {
    {"\r\n", WEIR__HTTP_CHUNK_END, NULL},
    {"A: b\r\n\r\n", WEIR__HTTP_CHUNK_END, NULL},
    {"A:b\r\nC:  d e \t\r\n\r\n", WEIR__HTTP_CHUNK_END, NULL},
    {"Empty:\r\n\r\n", WEIR__HTTP_CHUNK_END, NULL},
    {"Content-Length: 5\r\n\r\n", WEIR__HTTP_CHUNK_END, NULL}, /* left out when they are split */
    {"A: b\r\n\r\nGET / HTTP/1.1\r\n", WEIR__HTTP_CHUNK_END, "A: b\r\n\r\n"},
    {"A: b\r\n", WEIR__HTTP_CHUNK_TRAILERS, NULL},
    {"A: b\r\n\r", WEIR__HTTP_CHUNK_TRAILERS, NULL},
    {"A: b\r\n folded\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"A : b\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {" A: b\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {": b\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"no colon\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"nocolon\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"A: b\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"A: b\rC: d\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"A: b\r\n\rx", -WEIR_EPROTOCOL, NULL},
    {"A: b\x01\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"A: b\x7f\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"\xc3\xa4: b\r\n\r\n", -WEIR_EPROTOCOL, NULL},
    {"A\"B: c\r\n\r\n", -WEIR_EPROTOCOL, NULL},
};

static void lines_are_the_same_in_pieces_of_any_size(void **state)
{
    static struct taken t;
    char body[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *lines = rows[i].lines != NULL ? rows[i].lines : rows[i].behind;
        size_t len = (size_t)snprintf(body, sizeof body, "3\r\nabc\r\n0\r\n%s", rows[i].behind);

        for (size_t piece = 1; piece <= len; piece++) {
            take(body, len, piece, true, &t);
            if (t.last != rows[i].last)
                print_message("# in pieces of %zu: %s\n", piece, rows[i].behind);
            assert_int_equal(t.last, rows[i].last);
            if (t.last < 0)
                continue;
            assert_int_equal(t.len, strlen(lines));
            assert_memory_equal(t.lines, lines, t.len);
        }
        take(body, len, SIZE_MAX, false, &t); /* dropped lines are held to the same rules */
        assert_int_equal(t.last == WEIR__HTTP_CHUNK_MORE ? WEIR__HTTP_CHUNK_TRAILERS : t.last, rows[i].last);
        assert_int_equal(t.len, 0);
    }
}

static void a_nul_is_refused(void **state)
{
    static const char body[] = "0\r\nA: b\0\r\n\r\n";
    static struct taken t;

    (void)state;
    take(body, sizeof body - 1, SIZE_MAX, true, &t);
    assert_int_equal(t.last, -WEIR_EPROTOCOL);
}

/* All lines count together: names, colons, values and their CRs. */
static void trailers_have_an_end(void **state)
{
    static const char line[] = "Name: value of forty bytes, more or less\r\n";
    static struct taken t;
    static char body[2 * WEIR__HTTP_TRAILER_BYTES_MAX];
    size_t lines = WEIR__HTTP_TRAILER_BYTES_MAX / (sizeof line - 2), len = 3;

    (void)state;
    memcpy(body, "0\r\n", len);
    for (size_t i = 0; i < lines; i++, len += sizeof line - 1)
        memcpy(body + len, line, sizeof line - 1);
    for (size_t piece = 1; piece < 5000; piece += 1111) {
        take(body, len, piece, true, &t);
        assert_int_equal(t.last, WEIR__HTTP_CHUNK_TRAILERS);
        assert_int_equal(t.len, len - 3);
    }
    memcpy(body + len, line, sizeof line - 1);
    len += sizeof line - 1;
    for (size_t piece = 1; piece < 5000; piece += 1111) {
        take(body, len, piece, true, &t);
        assert_int_equal(t.last, -WEIR_ETOOLARGE);
    }
}

/* --- which fields --- */

static void fields_that_say_how_a_message_is_read_are_none(void **state)
{
    static const char *const allowed[] = {"Digest",      "ETag",     "Server-Timing", "X-Checksum",
                                          "grpc-status", "Trailers", "Content-MD5",   "Host2",
                                          "t",           "Tee",      "Set-Cookie2",   "Content-Type-"};
    static const char *const refused[] = {"Content-Length", "transfer-encoding", "TRAILER",
                                          "Host",           "content-ENCODING",  "Content-Type",
                                          "Content-Range",  "Authorization",     "Proxy-Authorization",
                                          "Cookie",         "Set-Cookie",        "Connection",
                                          "Keep-Alive",     "Upgrade",           "TE",
                                          "Expect",         "Cache-Control",     "Max-Forwards",
                                          "Range"};

    (void)state;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (!weir__http_is_trailer(weir_bytes_of(allowed[i])))
            fail_msg("%s is refused", allowed[i]);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (weir__http_is_trailer(weir_bytes_of(refused[i])))
            fail_msg("%s is allowed", refused[i]);
}

/* --- splitting --- */

static void assert_field(const struct weir__http_field *f, const char *name, const char *value)
{
    assert_int_equal(f->name.len, strlen(name));
    assert_memory_equal(f->name.data, name, f->name.len);
    assert_int_equal(f->value.len, strlen(value));
    assert_memory_equal(f->value.data, value, f->value.len);
}

static void lines_are_split_into_fields(void **state)
{
    static const char text[] = "A: b\r\nContent-Length: 7\r\nLong-Name:\t two words \t\r\nEmpty: \r\n"
                               "host:x\r\nColons:a:b\r\nA: again\r\n\r\n";
    struct weir__http_field fields[5];

    (void)state;
    assert_int_equal(weir__http_trailers_split(weir_bytes_of(text), NULL, 0), 5);
    assert_int_equal(weir__http_trailers_split(weir_bytes_of(text), fields, 5), 5);
    assert_field(&fields[0], "A", "b");
    assert_field(&fields[1], "Long-Name", "two words");
    assert_field(&fields[2], "Empty", "");
    assert_field(&fields[3], "Colons", "a:b");
    assert_field(&fields[4], "A", "again");
}

static void no_more_are_written_than_there_is_room_for(void **state)
{
    struct weir__http_field fields[3] = {{{"", 0}, {"", 0}}};

    (void)state;
    assert_int_equal(weir__http_trailers_split(weir_bytes_of("A: 1\r\nB: 2\r\nC: 3\r\n\r\n"), fields, 2), 3);
    assert_field(&fields[1], "B", "2");
    assert_null(fields[2].name.data);
    assert_int_equal(weir__http_trailers_split(weir_bytes_of("\r\n"), fields, 3), 0);
    assert_int_equal(weir__http_trailers_split((weir_bytes){NULL, 0}, fields, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_the_same_in_pieces_of_any_size),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(trailers_have_an_end),
        cmocka_unit_test(fields_that_say_how_a_message_is_read_are_none),
        cmocka_unit_test(lines_are_split_into_fields),
        cmocka_unit_test(no_more_are_written_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

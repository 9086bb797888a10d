/* SPDX-License-Identifier: MIT */
/* Heads: what is read, what is refused and with which status, and that pieces make no difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/head.h"

enum { FIELDS = 8, HEAD_MAX = 512 };

static const struct weir__http_head_limits limits = {.head_bytes_max = HEAD_MAX, .target_bytes_max = 64};

static struct weir__http_field fields[FIELDS];
static struct weir__http_fault fault;

static int parse_request(const char *text, size_t len, struct weir__http_request_head *head)
{
    struct weir__http_scan scan = {0};

    *head = (struct weir__http_request_head){.fields = fields, .field_max = FIELDS};
    fault = (struct weir__http_fault){0};
    return weir__http_request_head_parse(text, len, &scan, &limits, head, &fault);
}

/* --- requests that are refused --- */

struct refused {
    const char *text;
    int status;
};

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct refused refused[] = {
    {"GET / HTTP/1.1\r\n\r\n", 400},              /* no Host */
    {GET "Host: a\r\n\r\n", 400},                 /* two */
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400}, /* no host */
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\n\n", 400}, /* bare LF */
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400}, /* bare CR */
    {GET "A: b\r\n c\r\n\r\n", 400},                  /* folded */
    {GET "A : b\r\n\r\n", 400},                       /* space before the colon */
    {GET " A: b\r\n\r\n", 400},
    {GET ": b\r\n\r\n", 400},
    {GET "A\r\n\r\n", 400},
    {GET "A: b\x01\r\n\r\n", 400},
    {POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
    {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
    {POST "Content-Length: 1, 1\r\n\r\n", 400},
    {POST "Content-Length: +1\r\n\r\n", 400},
    {POST "Content-Length: -1\r\n\r\n", 400},
    {POST "Content-Length: 0x1\r\n\r\n", 400},
    {POST "Content-Length: 1 1\r\n\r\n", 400},
    {POST "Content-Length:\r\n\r\n", 400},
    {POST "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {POST "Transfer-Encoding: gzip\r\n\r\n", 400},
    {POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {POST "Transfer-Encoding: xchunked\r\n\r\n", 400},
    {POST "Transfer-Encoding: \r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"GET /\r\nHost: a\r\n\r\n", 400}, /* HTTP/0.9 */
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"GET /0123456789012345678901234567890123456789012345678901234567890123456789 HTTP/1.1\r\nHost: "
     "a\r\n\r\n",
     414},
    {GET "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\n\r\n", 431},
};

static void what_could_be_read_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct weir__http_request_head head;
        int used = parse_request(refused[i].text, strlen(refused[i].text), &head);
        if (used >= 0 || fault.status != refused[i].status)
            print_message("# in: %s\n# said: %s\n", refused[i].text,
                          fault.message != NULL ? fault.message : "-");
        assert_true(used < 0);
        assert_int_equal(fault.status, refused[i].status);
        assert_non_null(fault.message);
    }
}

static void a_nul_is_refused(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";
    struct weir__http_request_head head;

    (void)state;
    assert_true(parse_request(text, sizeof text - 1, &head) < 0);
    assert_int_equal(fault.status, 400);
}

static void a_head_without_end_is_too_large(void **state)
{
    char text[HEAD_MAX + 64];
    struct weir__http_request_head head;
    int used = 0;
    size_t len = (size_t)snprintf(text, sizeof text, GET "A: ");

    (void)state;
    memset(text + len, 'x', sizeof text - len);
    for (len = 0; len < sizeof text && used == 0; len++)
        used = parse_request(text, len, &head);
    assert_int_equal(used, -WEIR_ETOOLARGE);
    assert_int_equal(fault.status, 431);
    assert_in_range(len, HEAD_MAX - 4, HEAD_MAX + 4);
}

/* --- requests that are read --- */

struct taken {
    const char *text;
    enum weir__http_method method;
    const char *target;
    enum weir__http_framing framing;
    int64_t length;
    int minor;
    bool keep_alive;
    size_t field_count;
};

static const struct taken taken[] = {
    {GET "\r\n", WEIR__HTTP_GET, "/", WEIR__HTTP_NO_BODY, -1, 1, true, 1},
    {"\r\n" GET "\r\n", WEIR__HTTP_GET, "/", WEIR__HTTP_NO_BODY, -1, 1, true, 1},
    {GET "Connection: close\r\n\r\n", WEIR__HTTP_GET, "/", WEIR__HTTP_NO_BODY, -1, 1, false, 2},
    {GET "Connection: x, Close\r\n\r\n", WEIR__HTTP_GET, "/", WEIR__HTTP_NO_BODY, -1, 1, false, 2},
    {"GET /a?b HTTP/1.0\r\n\r\n", WEIR__HTTP_GET, "/a?b", WEIR__HTTP_NO_BODY, -1, 0, false, 0},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", WEIR__HTTP_GET, "/", WEIR__HTTP_NO_BODY, -1, 0, true,
     1},
    {POST "Content-Length: 0\r\n\r\n", WEIR__HTTP_POST, "/", WEIR__HTTP_LENGTH, 0, 1, true, 2},
    {POST "content-length:\t 12 \r\n\r\n", WEIR__HTTP_POST, "/", WEIR__HTTP_LENGTH, 12, 1, true, 2},
    {POST "Transfer-Encoding: Chunked\r\n\r\n", WEIR__HTTP_POST, "/", WEIR__HTTP_CHUNKED, -1, 1, true, 2},
    {"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", WEIR__HTTP_OPTIONS, "*", WEIR__HTTP_NO_BODY, -1, 1, true,
     1},
};

static void check_taken(const struct taken *t, const struct weir__http_request_head *head, int used)
{
    assert_int_equal(used, strlen(t->text));
    assert_int_equal(head->method, t->method);
    assert_int_equal(head->target.len, strlen(t->target));
    assert_memory_equal(head->target.data, t->target, head->target.len);
    assert_int_equal(head->framing, t->framing);
    assert_int_equal(head->content_length, t->length);
    assert_int_equal(head->minor, t->minor);
    assert_int_equal(head->keep_alive, t->keep_alive);
    assert_int_equal(head->field_count, t->field_count);
}

static void each_split_gives_the_same_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        size_t len = strlen(taken[i].text);
        for (size_t split = 0; split <= len; split++) {
            struct weir__http_request_head head = {.fields = fields, .field_max = FIELDS};
            struct weir__http_scan scan = {0};
            int used = weir__http_request_head_parse(taken[i].text, split, &scan, &limits, &head, &fault);
            assert_int_equal(used, split == len ? (int)len : 0);
            used = weir__http_request_head_parse(taken[i].text, len, &scan, &limits, &head, &fault);
            check_taken(&taken[i], &head, used);
        }
    }
}

static void what_follows_a_head_is_left(void **state)
{
    static const char text[] = GET "A:  b c \r\n\r\nGET /next";
    struct weir__http_request_head head;

    (void)state;
    assert_int_equal(parse_request(text, sizeof text - 1, &head), strlen(text) - strlen("GET /next"));
    assert_int_equal(head.fields[1].name.len, 1);
    assert_int_equal(head.fields[1].value.len, 3);
    assert_memory_equal(head.fields[1].value.data, "b c", 3);
}

/* --- answers --- */

struct answer {
    const char *text;
    enum weir__http_method method;
    int status; /* < 0: refused */
    enum weir__http_framing framing;
    int64_t length;
    bool keep_alive;
};

static const struct answer answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", WEIR__HTTP_GET, 200, WEIR__HTTP_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", WEIR__HTTP_HEAD, 200, WEIR__HTTP_NO_BODY, 5, true},
    {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", WEIR__HTTP_GET, 200, WEIR__HTTP_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", WEIR__HTTP_GET, 200, WEIR__HTTP_CHUNKED, -1,
     true},
    {"HTTP/1.1 200 OK\r\n\r\n", WEIR__HTTP_GET, 200, WEIR__HTTP_UNTIL_CLOSE, -1, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", WEIR__HTTP_GET, 200, WEIR__HTTP_LENGTH, 1, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", WEIR__HTTP_GET, 204, WEIR__HTTP_NO_BODY, -1, true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", WEIR__HTTP_GET, 304, WEIR__HTTP_NO_BODY, 9,
     true},
    {"HTTP/1.1 100 Continue\r\n\r\n", WEIR__HTTP_POST, 100, WEIR__HTTP_NO_BODY, -1, true},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", WEIR__HTTP_GET, -1, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", WEIR__HTTP_GET, -1, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", WEIR__HTTP_GET, -1, 0, 0,
     false},
    {"HTTP/1.1 99 Low\r\n\r\n", WEIR__HTTP_GET, -1, 0, 0, false},
    {"HTTP/1.1 2000 High\r\n\r\n", WEIR__HTTP_GET, -1, 0, 0, false},
    {"SMTP/1.1 200 OK\r\n\r\n", WEIR__HTTP_GET, -1, 0, 0, false},
    {"HTTP/1.1 200 OK\nContent-Length: 5\n\n", WEIR__HTTP_GET, -1, 0, 0, false},
};

static void answers_are_read_as_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct answer *a = &answers[i];
        struct weir__http_response_head head = {.fields = fields, .field_max = FIELDS};
        struct weir__http_scan scan = {0};
        size_t len = strlen(a->text);
        int used = weir__http_response_head_parse(a->text, len, &scan, &limits, a->method, &head, &fault);
        if (a->status < 0) {
            if (used >= 0)
                print_message("# taken: %s\n", a->text);
            assert_true(used < 0);
            assert_non_null(fault.message);
            continue;
        }
        assert_int_equal(used, len);
        assert_int_equal(head.status, a->status);
        assert_int_equal(head.framing, a->framing);
        assert_int_equal(head.content_length, a->length);
        assert_int_equal(head.keep_alive, a->keep_alive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_be_read_two_ways_is_refused),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(a_head_without_end_is_too_large),
        cmocka_unit_test(each_split_gives_the_same_head),
        cmocka_unit_test(what_follows_a_head_is_left),
        cmocka_unit_test(answers_are_read_as_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

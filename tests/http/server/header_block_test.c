/* SPDX-License-Identifier: MIT */
/* Headers that are made once for many answers. */
#include "http/server/handlers.h"

static weir_header_block *block;

static void assert_refused(const char *name, const char *value)
{
    const weir_header headers[] = {{"x-good", "1"}, {name, value}};
    weir_header_block *out = (weir_header_block *)(uintptr_t)1;

    assert_int_equal(weir_header_block_make(headers, 2, &out), -EINVAL);
    assert_null(out);
}

static void what_is_no_header_is_in_no_block(void **state)
{
    static char large[70 << 10];

    (void)state;
    assert_refused("", "1");
    assert_refused("a:", "1");
    assert_refused("a\r\nb", "1");
    assert_refused("Content-Length", "1");
    assert_refused("date", "1");
    assert_refused("a", "1\r\nb: 2");
    assert_refused("a", "1\n");
    memset(large, 'x', sizeof large - 1);
    assert_refused("a", large);
}

/* --- in answers --- */

static int answer_with_block(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    assert_int_equal(weir_response_header_add(res, "x-before", "b"), 0);
    assert_int_equal(weir_response_header_block_add(res, block), 0);
    assert_int_equal(weir_response_header_block_add(res, block), 0);
    assert_int_equal(weir_response_header_set(res, "x-two", "once"), 0);
    assert_string_equal(weir_response_header(res, "X-One"), "1");
    assert_int_equal(weir_respond_bytes(res, 200, "text/plain", "hello", 5), 0);
    assert_int_equal(weir_response_header_block_add(res, block), -WEIR_EBUSY);
    return 0;
}

static int add_until_full(weir_request *req, weir_response *res, void *state)
{
    int err = 0, count = 0;

    (void)req, (void)state;
    for (; err == 0; count++)
        err = weir_response_header_block_add(res, block);
    assert_int_equal(err, -EINVAL);
    assert_in_range(count, 1000, 2000); /* 64 KiB of lines of 39 bytes */
    return weir_respond_text(res, 200, "full");
}

static const weir_route routes[] = {{.path = "/block", .handler = answer_with_block},
                                    {.path = "/full", .handler = add_until_full}};

static void ask(struct rig *rig, const char *request, char *answer, size_t room)
{
    weir_stream *s = rig_connect(rig);
    size_t len = 0;
    ssize_t n;

    rig_send(s, request);
    while (len + 1 < room && (n = weir_read(s, answer + len, room - 1 - len)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    weir_stream_close(s);
}

static int ask_for_blocks(struct rig *rig)
{
    static char answer[100 << 10];
    const char *headers;

    for (int i = 0; i < 2; i++) {
        ask(rig, "GET /block HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer);
        headers = strstr(answer, "x-before: b\r\n");
        assert_non_null(headers);
        assert_string_equal(headers, "x-before: b\r\nx-one: 1\r\ncontent-type: a/b\r\nx-one: 1\r\n"
                                     "content-type: a/b\r\nx-two: once\r\n\r\nhello");
        assert_null(strstr(answer, "text/plain")); /* a content-type that was added goes before */
    }
    ask(rig, "GET /full HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer);
    assert_string_equal(answer + strlen(answer) - 8, "\r\n\r\nfull");
    return 0;
}

static void blocks_are_as_headers(void **state)
{
    static const weir_header headers[] = {{"x-one", "1"}, {"content-type", "a/b"}, {"x-two", "2"}};
    struct rig rig = {.routes = routes, .route_count = 2, .test = ask_for_blocks};

    (void)state;
    assert_int_equal(weir_header_block_make(headers, 3, &block), 0);
    rig_run(&rig);
    weir_header_block_free(block);
    weir_header_block_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_header_is_in_no_block),
        cmocka_unit_test(blocks_are_as_headers),
    };

    return cmocka_run_group_tests_name("header blocks", tests, NULL, NULL);
}

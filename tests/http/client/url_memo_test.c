/* SPDX-License-Identifier: MIT */
/* URLs that were parsed: the same result as parsing anew, whatever was asked before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/client/url_memo.h"
#include "http/message/url.h"

static bool same(weir_bytes a, weir_bytes b)
{
    return weir_bytes_equal(a, b);
}

/* Compares with what parsing says. */
static void expect_as_parsed(struct weir__url_memo *memos, const char *text)
{
    weir_url memo = {0}, url = {0};
    size_t at;
    const char *wrong = weir__url_memo_read(memos, text, &memo);
    const char *expected = weir__url_read(weir_bytes_of(text), &url, &at);

    if (expected != NULL) {
        assert_non_null(wrong);
        assert_string_equal(wrong, expected);
        return;
    }
    assert_null(wrong);
    assert_int_equal(memo.tls, url.tls);
    assert_int_equal(memo.port, url.port);
    assert_int_equal(memo.host_type, url.host_type);
    assert_true(same(memo.host, url.host) && same(memo.authority, url.authority));
    assert_true(same(memo.origin, url.origin) && same(memo.target, url.target));
    assert_true(same(memo.path, url.path) && same(memo.query, url.query));
}

/* All texts lie at one address, so that they meet in one place. */
static void one_address_may_have_any_text(void **state)
{
    static const char *const urls[] = {
        "http://a",
        "http://a:81",
        "http://a:81/path?query",
        "http://user@a",
        "",
        "http://a:81/path?query",
        "https://[::1]:443/",
        "no url",
        "http://a.host.whose.name.is.longer.than.the.room.of.a.memo.example.com:8080/path",
        "http://a.host.whose.name.is.longer.than.the.room.of.a.memo.example.com:8080/path/",
        "http://a",
    };
    struct weir__url_memo memos[WEIR__URL_MEMOS] = {0};
    char text[128];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
            (void)snprintf(text, sizeof text, "%s", urls[i]);
            expect_as_parsed(memos, text);
            expect_as_parsed(memos, text);
        }
}

/* The parts lie in the memo: the caller's text may go. */
static void the_text_is_not_kept(void **state)
{
    struct weir__url_memo memos[WEIR__URL_MEMOS] = {0};
    char text[] = "http://host:81";
    weir_url url;

    (void)state;
    assert_null(weir__url_memo_read(memos, text, &url));
    memset(text, 'x', sizeof text - 1);
    assert_true(same(url.host, weir_bytes_of("host")) && same(url.authority, weir_bytes_of("host:81")));
    assert_non_null(weir__url_memo_read(memos, text, &url));
}

/* A text as long as the room, and one longer by a byte. */
static void the_room_has_an_end(void **state)
{
    struct weir__url_memo memos[WEIR__URL_MEMOS] = {0};
    char text[WEIR__URL_MEMO_BYTES + 1];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "http://", 7);
    text[sizeof text - 1] = '\0';
    expect_as_parsed(memos, text);
    expect_as_parsed(memos, text);
    text[sizeof text - 2] = '\0';
    expect_as_parsed(memos, text);
    expect_as_parsed(memos, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_may_have_any_text),
        cmocka_unit_test(the_text_is_not_kept),
        cmocka_unit_test(the_room_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "access_log.h"

static const weir_exchange_record fine = {
    .method = "GET",
    .target = "/a?b",
    .route = "/a",
    .status = 200,
    .complete = true,
    .reply_bytes = 13,
    .took = {1500000},
};

static const weir_kv *find(const weir_kv *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return &pairs[i];
    return NULL;
}

static void assert_text(const weir_kv *pair, const char *text)
{
    assert_non_null(pair);
    assert_int_equal(pair->value.bytes.len, strlen(text));
    assert_memory_equal(pair->value.bytes.data, text, strlen(text));
}

static void a_whole_exchange_says_what_and_how_long(void **state)
{
    weir_kv pairs[ACCESS_LOG_PAIRS];
    size_t count = access_log_pairs(&fine, "127.0.0.1:9", pairs);
    (void)state;
    assert_text(find(pairs, count, "method"), "GET");
    assert_text(find(pairs, count, "target"), "/a?b");
    assert_text(find(pairs, count, "route"), "/a");
    assert_int_equal(find(pairs, count, "status")->value.integer, 200);
    assert_int_equal(find(pairs, count, "sent")->value.integer, 13);
    assert_int_equal(find(pairs, count, "took")->value.integer, 1500000);
    assert_null(find(pairs, count, "ended"));
    assert_null(find(pairs, count, "received"));
}

static void what_broke_off_says_so(void **state)
{
    weir_kv pairs[ACCESS_LOG_PAIRS];
    weir_exchange_record record = fine;
    (void)state;
    record.complete = false;
    size_t count = access_log_pairs(&record, "127.0.0.1:9", pairs);
    assert_text(find(pairs, count, "ended"), "cut");
    record.status = 0;
    record.route = "";
    count = access_log_pairs(&record, "127.0.0.1:9", pairs);
    assert_text(find(pairs, count, "ended"), "client left");
    assert_null(find(pairs, count, "status"));
    assert_null(find(pairs, count, "route"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_exchange_says_what_and_how_long),
        cmocka_unit_test(what_broke_off_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

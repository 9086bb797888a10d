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

static struct access_log_line line;

static const weir_kv *find(const char *key)
{
    for (size_t i = 0; i < line.count; i++)
        if (strcmp(line.pairs[i].key, key) == 0)
            return &line.pairs[i];
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
    static const weir_trace trace = {.id_high = 1, .id_low = 0xa};
    (void)state;
    access_log_fill(&line, &fine, "127.0.0.1:9", &trace);
    assert_text(find("method"), "GET");
    assert_text(find("target"), "/a?b");
    assert_text(find("route"), "/a");
    assert_int_equal(find("status")->value.integer, 200);
    assert_int_equal(find("sent")->value.integer, 13);
    assert_int_equal(find("took")->value.integer, 1500000);
    assert_null(find("ended"));
    assert_null(find("received"));
    assert_text(find("peer"), "127.0.0.1:9");
    assert_text(find("trace"), "0000000000000001000000000000000a");
}

static void what_broke_off_says_so(void **state)
{
    weir_exchange_record record = fine;
    (void)state;
    record.complete = false;
    access_log_fill(&line, &record, "127.0.0.1:9", NULL);
    assert_text(find("ended"), "cut");
    record.status = 0;
    record.route = "";
    access_log_fill(&line, &record, "127.0.0.1:9", NULL);
    assert_null(find("trace"));
    assert_text(find("ended"), "client left");
    assert_null(find("status"));
    assert_null(find("route"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_exchange_says_what_and_how_long),
        cmocka_unit_test(what_broke_off_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The text of outliers for a terminal: what clients and backends send does not control it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/support/given_json.h"
#include "commands/outliers_text.h"

#define HOSTILE "h\\u001b[2J\\u0007\\r\\n\\u009b31m\\u0085\\u007f\\t!"

static const char outlier[] =
    "{'id': '" HOSTILE "', 'ended': 1, 'route': '" HOSTILE "', 'method': '" HOSTILE "', 'target': '" HOSTILE
    "', 'status': 200, 'took_ms': 7, 'reason': '" HOSTILE "', 'limit_ms': 1, 'mostly': {'what': '" HOSTILE
    "', 'ms': 3}, 'trace': '" HOSTILE "', 'ledger': [{'what': '" HOSTILE "', 'share_ms': 3, 'took_ms': 3,"
    " 'waits': 2, 'held_by': '" HOSTILE "', 'held_ms': 2}], 'calls': [{'name': '" HOSTILE
    "', 'instance': '" HOSTILE "', 'status': 0, 'error': '" HOSTILE "', 'began_ms': 1, 'took_ms': 2,"
    " 'attempts': {'made': 2, 'taken': 2, 'last': '" HOSTILE "', 'after_ms': 1, 'text': '" HOSTILE
    "'}}], 'stalls': [{'task': '" HOSTILE "', 'kind': '" HOSTILE "', 'held_ms': 2, 'stack': ['" HOSTILE
    "']}], 'pools': [{'name': '" HOSTILE "'}], 'weir': '" HOSTILE "', 'config': '" HOSTILE "'}";

/* Every escape sequence sets a style, and every other control character ends a line. */
static void assert_harmless(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (c == 0x1b) {
            assert_int_equal(text[++i], '[');
            do
                assert_true(++i < len);
            while (strchr("0123456789;", text[i]) != NULL);
            assert_int_equal(text[i], 'm');
            continue;
        }
        assert_true(c >= ' ' || c == '\n');
        assert_int_not_equal(c, 0x7f);
        if (c == 0xc2 && i + 1 < len) /* U+0080 to U+009F */
            assert_true((unsigned char)text[i + 1] >= 0xa0);
    }
}

static size_t lines_of(const struct terminal_text *out)
{
    size_t lines = 0;

    for (size_t i = 0; i < out->text.text.len; i++)
        lines += out->text.text.data[i] == '\n';
    return lines;
}

static void assert_all_harmless(bool utf8)
{
    json_t *one = given_json(outlier), *list = json_pack("[O]", one);
    struct terminal_text out;

    terminal_text_init(&out, 1 << 20);
    out.styled = true;
    out.utf8 = utf8;
    outliers_text_table(&out, list, 10);
    assert_int_equal(lines_of(&out), 2);
    outliers_text_one(&out, one);
    assert_int_equal(out.text.err, 0);
    assert_harmless(out.text.text.data, out.text.text.len);
    weir_buffer_free(&out.text.text);
    json_decref(list);
    json_decref(one);
}

static void what_others_send_does_not_control_the_terminal(void **state)
{
    (void)state;
    assert_all_harmless(true);
    assert_all_harmless(false);
}

static void an_answer_of_other_types_is_printed_nevertheless(void **state)
{
    static const char *const odd[] = {
        "{}",
        "{'ledger': 3, 'calls': {}, 'stalls': 'x', 'pools': null}",
        "{'target': 1, 'status': 'x', 'took_ms': 'x', 'ledger': [1, null, 'x', []], 'calls': [1, 'x']}",
        "{'stalls': [1, {'stack': [1, null]}], 'pools': [null]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        json_t *one = given_json(odd[i]), *list = json_pack("[O]", one);
        struct terminal_text out;

        terminal_text_init(&out, 1 << 20);
        outliers_text_one(&out, one);
        outliers_text_table(&out, list, 10);
        assert_int_equal(out.text.err, 0);
        weir_buffer_free(&out.text.text);
        json_decref(list);
        json_decref(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_send_does_not_control_the_terminal),
        cmocka_unit_test(an_answer_of_other_types_is_printed_nevertheless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

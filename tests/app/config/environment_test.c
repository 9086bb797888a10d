/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/support/reading.h"
#include "routes/respond.h"

static int prepare(void **state)
{
    (void)state;
    unsetenv("UNSET");
    setenv("EMPTY", "", 1);
    setenv("PORT", "8123", 1);
    setenv("HOST", "127.0.0.1", 1);
    setenv("SIZE", "2MiB", 1);
    setenv("WORD", "w\xc3\xa4rme", 1);
    setenv("MAP", "{a: b}", 1);
    setenv("LIST", "[GET, POST]", 1);
    setenv("LINES", "one\nlisten: two", 1);
    setenv("SECRET", "s3cr3t\n", 1);
    setenv("LATIN", "w\xe4rme", 1);
    setenv("OTHER", "${PORT} $$", 1);
    setenv("_9", "nine", 1);
    return 0;
}

#define ROUTE(body) "listen: 127.0.0.1:1\nroutes:\n  - {path: /, respond: {body: " body "}}\n"

static void values_are_filled_in(void **state)
{
    static const struct {
        const char *file, *body;
    } cases[] = {
        {ROUTE("'${PORT}'"), "8123"},
        {ROUTE("'a${PORT}b${PORT}c'"), "a8123b8123c"},
        {ROUTE("'${_9}'"), "nine"},
        {ROUTE("'${WORD}-${WORD}'"), "w\xc3\xa4rme-w\xc3\xa4rme"},
        {ROUTE("'${UNSET:-x y}'"), "x y"},
        {ROUTE("'${EMPTY:-x}'"), "x"},
        {ROUTE("'${EMPTY}'"), ""},
        {ROUTE("'${UNSET:-}'"), ""},
        {ROUTE("'${PORT:-x}'"), "8123"},
        {ROUTE("'${UNSET:-:-}'"), ":-"},
        {ROUTE("'${UNSET:-$$5}'"), "$5"},
        {ROUTE("'$${PORT}'"), "${PORT}"},
        {ROUTE("'$$$$'"), "$$"},
        {ROUTE("'$$$${PORT}'"), "$${PORT}"},
        {ROUTE("'$$${PORT}'"), "$8123"},
        {ROUTE("'$PORT $ $5 $'"), "$PORT $ $5 $"},
        /* what the environment has is not read again, and never becomes structure */
        {ROUTE("'${OTHER}'"), "${PORT} $$"},
        {ROUTE("'${MAP}'"), "{a: b}"},
        {ROUTE("'${LINES}'"), "one\nlisten: two"},
        {ROUTE("\"\\x24{PORT}\""), "8123"},
        {"listen: 127.0.0.1:1\nroutes:\n  - path: /\n    respond:\n      body: ${MAP}\n", "{a: b}"},
        {"listen: 127.0.0.1:1\nroutes:\n  - path: /\n    respond:\n      body: |\n        a\n        "
         "${PORT}\n",
         "a\n8123\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct respond_settings *settings;
        struct config config;
        struct config_faults faults;

        if (reading(cases[i].file, &config, &faults) != 0)
            fail_msg("%s in %s", faults.fault[0].text, cases[i].file);
        settings = config.routes[0].settings;
        assert_string_equal(settings->body, cases[i].body);
        config_free(&config);
    }
}

static void a_whole_value_is_the_number_that_it_is(void **state)
{
    struct config config;
    struct config_faults faults;

    (void)state;
    assert_int_equal(
        reading(
            "listen: ${HOST}:${PORT}\nloops: ${UNSET:-3}\ndrain: ${UNSET:-5s}\naccess_log: ${UNSET:-false}\n"
            "limits:\n  body: ${SIZE}\nroutes:\n  - {path: /, respond: {}}\n",
            &config, &faults),
        0);
    assert_string_equal(config.listen[0].text, "127.0.0.1:8123");
    assert_int_equal(config.listen[0].port, 8123);
    assert_int_equal(config.loops, 3);
    assert_int_equal(config.drain.ns, weir_seconds(5).ns);
    assert_false(config.access_log.on);
    assert_int_equal(config.limits.body_bytes, 2 << 20);
    config_free(&config);
}

static void faults_have_the_place_of_the_variable(void **state)
{
    static const struct reading_fault cases[] = {
        {"listen: ${UNSET}\n", 1, 9, "the environment has no 'UNSET'"},
        {"listen: a:${UNSET}\n", 1, 11, "${UNSET:-default}"},
        {"listen: \"a:${UNSET}\"\n", 1, 12, "no 'UNSET'"},
        {"listen: \"\xc3\xa4\xc3\xa4:${UNSET}\"\n", 1, 13, "no 'UNSET'"},
        {"loops: ${PORT}${UNSET}\n", 1, 15, "no 'UNSET'"},
        {"loops: $$${UNSET}\n", 1, 10, "no 'UNSET'"},
        {"loops: ${}\n", 1, 8, "has no name"},
        {"loops: ${9}\n", 1, 8, "has no name"},
        {"loops: ${A B}\n", 1, 8, "written in another way, expected ${NAME}, ${NAME:-default}, or $$"},
        {"loops: ${PORT-1}\n", 1, 8, "written in another way"},
        {"loops: ${PORT:?no}\n", 1, 8, "written in another way"},
        {"loops: ${PORT\n", 1, 8, "is not closed"},
        {"loops: ${UNSET:-${PORT}}\n", 1, 8, "has a variable in its default"},
        {"loops: ${LATIN}\n", 1, 8, "expected UTF-8"},
        {"${PORT}: 1\n", 1, 1, "only in a value"},
        {"listen: 127.0.0.1:1\nroutes:\n  - path: /\n    respond:\n      body: |\n        a ${PORT}\n        "
         "b ${UNSET}\n",
         7, 11, "no 'UNSET'"},
        {"listen: 127.0.0.1:1\nroutes:\n  - path: /\n    respond:\n      body: \"\\t${PORT}\\t${UNSET}\"\n",
         5, 25, "no 'UNSET'"},
        /* the place of what a value makes wrong is that of its variable; behind it the text stands where it
           stands */
        {"listen: 127.0.0.1:${SIZE}\nroutes: []\n", 1, 19,
         "'127.0.0.1:${SIZE}' (filled in from the environment)"},
        {"listen: ${HOST}:x\nroutes: []\n", 1, 17, "'${HOST}:x'"},
        {"listen: ${HOST}:$$\nroutes: []\n", 1, 17, "65535"},
        {"loops: ${LIST}\n", 1, 8, "whole number"},
        {"listen: ${LIST}\nroutes: []\n", 1, 9, "HOST:PORT"},
        {"listen: 127.0.0.1:1\nroutes:\n  - path: /\n    methods: ${LIST}\n    respond: {}\n", 4, 14,
         "method"},
        {"listen: 127.0.0.1:1\nroutes: ${MAP}\n", 2, 9, "expected a list"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        reading_has(&cases[i]);
}

static void each_variable_that_is_missing_is_told(void **state)
{
    struct config config;
    struct config_faults faults;

    (void)state;
    assert_int_equal(
        reading("listen: ${UNSET}:${UNSET}\nroutes:\n  - {path: /, respond: {body: '${UNSET}'}}\n", &config,
                &faults),
        -WEIR_ECONFIG);
    assert_int_equal(faults.count, 3);
    assert_int_equal(faults.fault[1].place.column, 18);
    assert_int_equal(faults.fault[2].place.line, 3);
}

/* A token with a line break at its end, as secrets in files often have, is refused as a header, and not
 * shown. */
static void a_fault_does_not_tell_the_value(void **state)
{
    struct config config;
    struct config_faults faults;

    (void)state;
    assert_int_equal(
        reading("listen: 127.0.0.1:1\nroutes:\n  - {path: /, respond: {headers: {X-Key: '${SECRET}'}}}\n",
                &config, &faults),
        -WEIR_ECONFIG);
    assert_non_null(strstr(faults.fault[0].text, "${SECRET}"));
    assert_null(strstr(faults.fault[0].text, "s3cr3t"));
}

static void the_environment_has_a_maximum(void **state)
{
    enum { VALUE_BYTES = 100 << 10, COUNT = 11 };
    char *large = malloc(VALUE_BYTES + 1), text[2000] = "listen: 127.0.0.1:1\nroutes:\n";
    struct config config;
    struct config_faults faults;

    (void)state;
    memset(large, 'x', VALUE_BYTES);
    large[VALUE_BYTES] = '\0';
    setenv("LARGE", large, 1);
    for (int i = 0; i < COUNT; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "  - {path: /%d, respond: {body: '${LARGE}'}}\n", i);
    assert_int_equal(reading(text, &config, &faults), -WEIR_ECONFIG);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.fault[0].place.line, 3 + COUNT - 1);
    assert_non_null(strstr(faults.fault[0].text, "1 MiB"));
    unsetenv("LARGE");
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_filled_in),
        cmocka_unit_test(a_whole_value_is_the_number_that_it_is),
        cmocka_unit_test(faults_have_the_place_of_the_variable),
        cmocka_unit_test(each_variable_that_is_missing_is_told),
        cmocka_unit_test(a_fault_does_not_tell_the_value),
        cmocka_unit_test(the_environment_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}

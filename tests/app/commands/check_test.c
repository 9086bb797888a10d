/* SPDX-License-Identifier: MIT */
/* weir check and weir serve, as far as they refuse a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "commands/commands.h"
#include "support/run.h"

static char folder[32], file[64];

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weir-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(file, sizeof file, "%s/gateway.yaml", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

static void put(const char *text)
{
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void a_good_file_is_said_to_be(void **state)
{
    struct console c = {0};
    char said[96];

    (void)state;
    put("listen: 127.0.0.1:0\nroutes:\n  - {path: /, respond: {body: hi}}\n");
    RUN(&c, command_check, "check", "--", file);
    assert_int_equal(c.code, EXIT_FINE);
    (void)snprintf(said, sizeof said, "%s: ok\n", file);
    assert_string_equal(c.out, said);
    console_free(&c);
}

/* The same faults, in the same words, from both commands. */
static void faults_are_told_with_their_places(void **state)
{
    struct console checked = {0}, served = {0};
    char said[160];

    (void)state;
    put("listen: 127.0.0.1:0\nlopps: 2\nroutes:\n  - {path: x, respond: {}}\n");
    RUN(&checked, command_check, "check", file);
    assert_int_equal(checked.code, EXIT_FAILED);
    assert_string_equal(checked.out, "");
    (void)snprintf(said, sizeof said, "%s:2:1: unknown key 'lopps', did you mean 'loops'?\n", file);
    console_has(checked.err, said);
    (void)snprintf(said, sizeof said, "%s:4:12: path is 'x'", file);
    console_has(checked.err, said);
    RUN(&served, command_serve, "serve", file);
    assert_int_equal(served.code, EXIT_FAILED);
    assert_string_equal(served.err, checked.err);
    console_free(&checked);
    console_free(&served);
}

static void a_file_that_is_missing_is_told(void **state)
{
    struct console c = {0};

    (void)state;
    RUN(&c, command_check, "check", "/nonexistent/x.yaml");
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err,
                "/nonexistent/x.yaml: cannot be read, No such file or directory; expected a YAML file");
    RUN(&c, command_serve, "serve", "/nonexistent/x.yaml");
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, "/nonexistent/x.yaml: cannot be read");
    console_free(&c);
}

static void what_can_not_be_served_here_is_a_fault(void **state)
{
    struct console c = {0};

    (void)state;
    put("listen: 192.0.2.1:80\nadmin: unix:/nonexistent/admin\nroutes:\n"
        "  - {path: '/t/*', thumbnail: {root: /nonexistent/pictures, width: 8, height: 8}}\n");
    RUN(&c, command_check, "check", file);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, ":1:9: 192.0.2.1:80");
    console_has(c.err, ":2:8: unix:/nonexistent/admin");
    console_has(c.err, ":4:38: thumbnail.root is ");
    console_has(c.err, "/nonexistent/pictures");
    RUN(&c, command_serve, "serve", file);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, "/nonexistent/pictures");
    console_free(&c);
}

/* A port that is taken may be this very gateway's, so only serving minds. */
static void a_port_that_is_taken_is_fine_until_it_is_served(void **state)
{
    struct given_pages *holder = given_pages_open(NULL, 0);
    struct console c = {0};
    char text[128];

    (void)state;
    (void)snprintf(text, sizeof text, "listen: %s\nroutes:\n  - {path: /, respond: {}}\n",
                   given_pages_address(holder));
    put(text);
    RUN(&c, command_check, "check", file);
    assert_int_equal(c.code, EXIT_FINE);
    RUN(&c, command_serve, "serve", file);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, ":1:9: ");
    console_has(c.err, " is taken by another program; stop it, or choose another port with listen");
    (void)given_pages_close(holder, NULL);
    console_free(&c);
}

static void backends_are_connected_to_when_that_is_asked(void **state)
{
    struct given_pages *there = given_pages_open(NULL, 0), *gone = given_pages_open(NULL, 0);
    struct console c = {0};
    char text[512];

    (void)state;
    (void)snprintf(text, sizeof text,
                   "listen: 127.0.0.1:0\nroutes:\n  - path: /\n    gather:\n      calls:\n"
                   "        - {name: a, url: 'http://%s/x'}\n        - {name: b, url: 'http://%s/x'}\n",
                   given_pages_address(there), given_pages_address(gone));
    put(text);
    (void)given_pages_close(gone, NULL);
    RUN(&c, command_check, "check", file);
    assert_int_equal(c.code, EXIT_FINE);
    RUN(&c, command_check, "check", "--connect", file);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, ":7:26: http://127.0.0.1:");
    console_has(c.err, "refused");
    console_lacks(c.err, ":6:");
    (void)given_pages_close(there, NULL);
    console_free(&c);
}

#define case_of(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_of(a_good_file_is_said_to_be),
        case_of(faults_are_told_with_their_places),
        case_of(a_file_that_is_missing_is_told),
        case_of(what_can_not_be_served_here_is_a_fault),
        case_of(a_port_that_is_taken_is_fine_until_it_is_served),
        case_of(backends_are_connected_to_when_that_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

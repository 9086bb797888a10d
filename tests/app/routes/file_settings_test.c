/* SPDX-License-Identifier: MIT */
/* What a file route may be told, and what is wrong with a tree that it is told of. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/support/reading.h"
#include "config/route_kind.h"

#define HEAD "listen: 127.0.0.1:8080\nroutes:\n"
#define NAME_OF_64 "x234567890123456789012345678901234567890123456789012345678901234"
#define NAME_OF_256 NAME_OF_64 NAME_OF_64 NAME_OF_64 NAME_OF_64
#define PATH_OF_260 NAME_OF_64 "/" NAME_OF_64 "/" NAME_OF_64 "/" NAME_OF_64 "/"
#define PATH_OF_1040 PATH_OF_260 PATH_OF_260 PATH_OF_260 PATH_OF_260
#define PATH_OF_4160 PATH_OF_1040 PATH_OF_1040 PATH_OF_1040 PATH_OF_1040

static const struct reading_fault faults[] = {
    {HEAD "  - {path: /, file: {root: x}}\n", 3, 21, "ends with /*"},
    {HEAD "  - {path: '/*', file: {}}\n", 3, 24, "no 'root', expected a folder of files"},
    {HEAD "  - {path: '/*', file: {root: x, indx: a}}\n", 3, 34, "did you mean 'index'?"},
    {HEAD "  - {path: '/*', file: {root: x, index: a/b}}\n", 3, 41, "such as index.html"},
    {HEAD "  - {path: '/*', file: {root: x, index: ''}}\n", 3, 41, "such as index.html"},
    {HEAD "  - {path: '/*', file: {root: x, precompressed: br}}\n", 3, 49, "true or false"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: [a]}}\n", 3, 44, "fallback"},
    {HEAD "  - {path: '/*', file: {root: x, cache_control: \"a\\nb\"}}\n", 3, 49, "one line of text"},
    {HEAD "  - {path: '/*', file: {root: x, types: [a]}}\n", 3, 41, "types"},
    {HEAD "  - {path: '/*', file: {root: x, types: {md: markdown}}}\n", 3, 46, "such as text/plain"},
    {HEAD "  - {path: '/*', file: {root: x, types: {md: text/}}}\n", 3, 46, "such as text/plain"},
    {HEAD "  - {path: '/*', file: {root: x, types: {md: 'text/x y'}}}\n", 3, 46, "perhaps ;NAME=VALUE"},
    {HEAD "  - {path: '/*', file: {root: x, types: {md: 'text/x ;;='}}}\n", 3, 46, "perhaps ;NAME=VALUE"},
    {HEAD "  - {path: '/*', file: {root: x, types: {md: \"text/x\\n\"}}}\n", 3, 46, "one line of text"},
    {HEAD "  - {path: '/*', file: {root: x, types: {.md: text/markdown}}}\n", 3, 42,
     "such as gz of a.tar.gz"},
    {HEAD "  - {path: '/*', file: {root: x, types: {tar.gz: application/gzip}}}\n", 3, 42,
     "'tar.gz', which is never an ending"},
    {HEAD "  - {path: '/*', file: {root: x, types: {a/b: text/plain}}}\n", 3, 42, "never an ending"},
    {HEAD "  - {path: '/*', file: {root: x, types: {'': text/plain}}}\n", 3, 42, "never an ending"},
    {HEAD "  - {path: '/*', file: {root: x, types: {a23456789012345678901234567890123: text/plain}}}\n", 3,
     42, "1 to 32 bytes"},
    {HEAD "  - {path: '/*', file: {root: x, types: {md: text/plain, MD: text/x}}}\n", 3, 58,
     "'MD' twice, expected each ending once"},
    {HEAD "  - {path: '/*', file: {root: x, dot_files: .git}}\n", 3, 45, "list"},
    {HEAD "  - {path: '/*', file: {root: x, dot_files: [well]}}\n", 3, 46, "such as .well-known"},
    {HEAD "  - {path: '/*', file: {root: x, dot_files: ['..']}}\n", 3, 46, "such as .well-known"},
    {HEAD "  - {path: '/*', file: {root: x, cache_control: max-age 60}}\n", 3, 49,
     "'max-age 60', expected directives with commas between them"},
    {HEAD "  - {path: '/*', file: {root: x, cache_control: ''}}\n", 3, 49, "expected directives"},
    {HEAD "  - {path: '/*', file: {root: x, index: " NAME_OF_256 "}}\n", 3, 41, "such as index.html"},
    {HEAD "  - {path: '/*', file: {root: x, dot_files: [." NAME_OF_256 "]}}\n", 3, 46, "such as .well-known"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: ''}}\n", 3, 44,
     "is empty, expected the path of a file"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: /}}\n", 3, 44, "'/', expected the path of a file"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: .}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: ..}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: ../x}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: /../x}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: a/../../x}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: a/./../../x/x}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: a//../../x}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: app/}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: app/.}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: a/b/..}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: \"a\\0b\"}}\n", 3, 44, "a NUL, expected none"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: " NAME_OF_256 "}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', file: {root: x, fallback: " PATH_OF_4160 "x}}\n", 3, 44, "file below the root"},
    {HEAD "  - {path: '/*', methods: [GET, PUT], file: {root: x}}\n", 3, 33,
     "'PUT', which this route of the kind 'file' never answers, expected GET or HEAD"},
    {HEAD "  - {path: '/*', methods: POST, file: {root: x}}\n", 3, 27, "'POST', which"},
    {HEAD "  - {path: '/*', methods: [GET, OPTIONS], file: {root: x}}\n", 3, 33, "'OPTIONS', which"},
    {HEAD "  - {path: '/*', methods: [GET, OPTIONS, DELETE], cors: {origins: '*'}, file: {root: x}}\n", 3, 42,
     "'DELETE', which this route of the kind 'file' never answers, expected GET, HEAD or OPTIONS"},
};

static void faults_have_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        reading_has(&faults[i]);
}

static void what_is_unusual_is_fine(void **state)
{
    static const char *const fine[] = {
        "{path: '/*', methods: [GET, HEAD], file: {root: x}}",
        "{path: '/*', methods: HEAD, file: {root: x}}",
        "{path: '/*', methods: [GET, OPTIONS], cors: {origins: '*'}, file: {root: x}}",
        "{path: '/*', file: {root: x, fallback: /index.html}}",
        "{path: '/*', file: {root: x, fallback: //a//./b/../index.html}}",
        "{path: '/*', file: {root: x, fallback: .app/..x}}",
        "{path: '/*', file: {root: x, types: {x: 'text/x; a=\"b;c\"', y: a/b}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        char text[200];
        struct config config;

        (void)snprintf(text, sizeof text, HEAD "  - %s\n", fine[i]);
        reading_fine(text, &config);
        config_free(&config);
    }
}

/* --- the check before a start --- */

static char folder[40] = "/tmp/weir-file-settings-XXXXXX";

/* Checks a route with a fallback. Returns: the list that is not empty; NULL: both are. */
static const struct config_faults *check(const char *fallback, struct config_faults lists[2])
{
    struct config config;
    char text[200];

    (void)snprintf(text, sizeof text, HEAD "  - {path: '/*', file: {root: %s, fallback: %s}}\n", folder,
                   fallback);
    reading_fine(text, &config);
    config_faults_open(&lists[0], "f");
    config_faults_open(&lists[1], "f");
    config.routes[0].kind->check(&config.routes[0], &lists[0], &lists[1]);
    config_free(&config);
    return lists[0].count > 0 ? &lists[0] : lists[1].count > 0 ? &lists[1] : NULL;
}

static void a_fallback_that_is_not_sent_is_told_why(void **state)
{
    static const struct {
        const char *fallback, *says; /* says NULL: it is sent */
        bool stops;
    } table[] = {
        {"file", NULL, false},
        {"/file", NULL, false},
        {"inside", NULL, false},
        {"sub/../file", NULL, false},
        {"none", "which does not exist below", false},
        {"none/file", "which does not exist below", false},
        {"sub", "a folder below", true},
        {"to-sub", "a folder below", true},
        {"file/file", "(not a directory)", false},
        {"absolute", "(it leads out of the root, or by an absolute link)", false},
        {"outside", "(it leads out of the root, or by an absolute link)", false},
        {"loop", "(too many", false},
        {"fifo", "(it is neither a file nor a folder)", false},
    };
    struct config_faults lists[2];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct config_faults *got = check(table[i].fallback, lists);

        if (table[i].says == NULL
                ? got != NULL
                : got == NULL || got->count != 1 || (got == &lists[0]) != table[i].stops ||
                      strstr(got->fault[0].text, table[i].says) == NULL || got->fault[0].place.line != 3)
            fail_msg("%s: %s", table[i].fallback, got != NULL ? got->fault[0].text : "nothing");
    }
}

static const char *path_of(const char *name)
{
    static char path[100];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_tree(void **state)
{
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    file = fopen(path_of("file"), "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(symlink("file", path_of("inside")), 0);
    assert_int_equal(symlink("sub", path_of("to-sub")), 0);
    assert_int_equal(symlink("/etc/passwd", path_of("absolute")), 0);
    assert_int_equal(symlink("../../etc/passwd", path_of("outside")), 0);
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    return 0;
}

static int remove_tree(void **state)
{
    static const char *const names[] = {"file", "fifo", "inside", "to-sub", "absolute", "outside", "loop"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(path_of(names[i]));
    (void)rmdir(path_of("sub"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_have_their_place),
        cmocka_unit_test(what_is_unusual_is_fine),
        cmocka_unit_test(a_fallback_that_is_not_sent_is_told_why),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}

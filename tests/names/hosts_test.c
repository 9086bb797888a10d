/* SPDX-License-Identifier: MIT */
/* The hosts file. */
#include "names/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/run.h"

enum { MOST = 16 };

static const char hosts[] = "# a comment naming alpha\n"
                            "127.0.0.1\tlocalhost\n"
                            "   10.0.0.1   Alpha alpha.example # beta\n"
                            "\n"
                            "10.0.0.2 gamma#delta\n"
                            "not-an-address alpha\n"
                            "fe80::1%lo alpha\n"
                            "::1 alpha\r\n"
                            "10.0.0.3\n"
                            "10.0.0.4 alphabet\n"
                            "10.0.0.5 last alpha";

static void expect_ips(const struct weir__ip *ips, int count, const char *expected)
{
    char all[1000] = "", text[WEIR_IP_BYTES];

    for (int i = 0; i < count; i++) {
        strcat(all, weir__ip_format(&ips[i], text));
        strcat(all, " ");
    }
    assert_string_equal(all, expected);
}

/* Both ways of finding say the same. */
static void expect(const char *name, const char *expected)
{
    struct weir__ip ips[MOST];
    struct weir__hosts index;
    int count = weir__hosts_find(hosts, strlen(hosts), name, ips, MOST);

    expect_ips(ips, count, expected);
    assert_int_equal(weir__hosts_index(hosts, strlen(hosts), &index), 0);
    count = weir__hosts_look_up(&index, name, strlen(name), ips, MOST);
    expect_ips(ips, count, expected);
    weir__hosts_free(&index);
}

static void names_are_found_in_hosts(void **state)
{
    (void)state;
    expect("alpha", "10.0.0.1 ::1 10.0.0.5 ");
    expect("ALPHA.example", "10.0.0.1 ");
    expect("localhost", "127.0.0.1 ");
    expect("gamma", "10.0.0.2 ");
    expect("last", "10.0.0.5 ");
    expect("beta", "");
    expect("delta", "");
    expect("alph", "");
    expect("10.0.0.3", "");
    expect("comment", "");
}

struct hosts_file {
    char path[64];
    FILE *file;
};

static void begin_file(struct hosts_file *f)
{
    strcpy(f->path, P_tmpdir "/weir-hosts-XXXXXX");
    f->file = fdopen(mkstemp(f->path), "w");
    assert_non_null(f->file);
}

static int find_in(struct hosts_file *f, const char *name, struct weir__ip *found)
{
    if (f->file != NULL)
        assert_int_equal(fclose(f->file), 0);
    f->file = NULL;
    return weir__hosts_read(f->path, name, found, MOST);
}

/* Wherever the pieces in which the file is read begin and end. */
static void a_long_hosts_file_is_read_to_its_end(void **state)
{
    struct weir__ip found[MOST];
    char text[WEIR_IP_BYTES];
    struct hosts_file f;

    (void)state;
    for (int length = 0; length < 70; length++) {
        begin_file(&f);
        fprintf(f.file, "10.0.0.1 first\n#%*s\n", length, "");
        for (int i = 0; i < 200; i++)
            fprintf(f.file, "10.1.0.%d name%d wanted%d.example\n", i, i, i);
        fprintf(f.file, "10.0.0.2 first");
        for (int i = 0; i < 200; i += 7) {
            char name[40], expected[40];
            (void)snprintf(name, sizeof name, "wanted%d.example", i);
            (void)snprintf(expected, sizeof expected, "10.1.0.%d", i);
            assert_int_equal(find_in(&f, name, found), 1);
            assert_string_equal(weir__ip_format(&found[0], text), expected);
        }
        assert_int_equal(find_in(&f, "first", found), 2);
        (void)unlink(f.path);
    }
}

static void a_strange_hosts_file_does_no_harm(void **state)
{
    struct weir__ip found[MOST];
    struct hosts_file f;

    (void)state;
    assert_int_equal(weir__hosts_read("/nonexistent/hosts", "a", found, MOST), 0);
    assert_int_equal(weir__hosts_read("/", "a", found, MOST), 0);

    begin_file(&f); /* one name, more addresses than are taken */
    for (int i = 0; i < 3 * MOST; i++)
        fprintf(f.file, "10.0.0.%d many\n", i);
    assert_int_equal(find_in(&f, "many", found), MOST);
    (void)unlink(f.path);

    begin_file(&f); /* a line longer than any piece, and one behind it */
    for (int i = 0; i < 20000; i++)
        fputc('x', f.file);
    fprintf(f.file, "\n10.0.0.9 after\n");
    assert_int_equal(find_in(&f, "after", found), 1);
    (void)unlink(f.path);

    begin_file(&f); /* what lies beyond the limit is not seen, and not read */
    fprintf(f.file, "10.0.0.1 near\n");
    for (int i = 0; i < WEIR__HOSTS_BYTES_MAX / 8 + 2000; i++)
        fputs("# blank\n", f.file);
    fprintf(f.file, "10.0.0.2 far\n");
    assert_int_equal(find_in(&f, "near", found), 1);
    assert_int_equal(find_in(&f, "far", found), 0);
    (void)unlink(f.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_in_hosts),
        cmocka_unit_test(a_long_hosts_file_is_read_to_its_end),
        cmocka_unit_test(a_strange_hosts_file_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

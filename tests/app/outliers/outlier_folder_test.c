/* SPDX-License-Identifier: MIT */
/* Outliers as files: whole or not there, bounded together, with other writers and a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/outliers/made.h"
#include "outliers/outlier_folder.h"

enum { DISK = 1 << 20 };

static char path[32];
static struct outlier_folder folder;

static int begin(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/weir-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    outlier_folder_open(&folder, path, DISK, 1);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char text[512];

    (void)snprintf(text, sizeof text, "%s/%s", path, name);
    return text;
}

struct found {
    size_t files, unfinished;
    off_t bytes;
    char first[64]; /* the oldest */
};

static struct found look(bool remove)
{
    struct found found = {.first = "~"};
    const struct dirent *entry;
    DIR *dir = opendir(path);
    struct stat is;

    if (dir == NULL)
        return found;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || stat(in_folder(entry->d_name), &is) < 0)
            continue;
        found.files++;
        found.bytes += is.st_size;
        found.unfinished += strstr(entry->d_name, ".new") != NULL;
        if (strcmp(entry->d_name, found.first) < 0)
            (void)snprintf(found.first, sizeof found.first, "%.60s", entry->d_name);
        if (remove)
            (void)unlink(in_folder(entry->d_name));
    }
    (void)closedir(dir);
    return found;
}

static int end(void **state)
{
    (void)state;
    (void)look(true);
    (void)rmdir(path);
    return 0;
}

static int write_one(struct outlier_folder *to, unsigned number, size_t bytes)
{
    char id[OUTLIER_ID_BYTES];
    struct outlier *o;
    int err;

    (void)snprintf(id, sizeof id, "20261130-142319-%06u", number);
    o = made(0, id, bytes);
    err = outlier_folder_write(to, o);
    outlier_free(o);
    return err;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void a_file_is_whole_and_private(void **state)
{
    struct stat is;

    (void)state;
    assert_int_equal(write_one(&folder, 1, 5000), 0);
    assert_int_equal(look(false).files, 1);
    assert_int_equal(stat(in_folder("outlier-20261130-142319-000001.json"), &is), 0);
    assert_int_equal(is.st_size, 5000);
    assert_int_equal(is.st_mode & 07, 0);
}

static void the_oldest_are_removed_by_all_writers(void **state)
{
    struct outlier_folder other;

    (void)state;
    outlier_folder_open(&folder, path, DISK, 2);
    outlier_folder_open(&other, path, DISK, 2);
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(write_one(i % 2 ? &folder : &other, i, 8000), 0);
        assert_true(look(false).bytes <= DISK);
    }
    assert_in_range(look(false).files, 110, 131);
    assert_true(strcmp(look(false).first, "outlier-20261130-142319-000169.json") >= 0);
}

static void what_is_not_ours_is_left_alone(void **state)
{
    char big[8192];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    put("a.json", big);
    put("outlier-x.json", big);
    put("outlier-1.json.bak", big);
    put("outlier-0-0.json", "half"); /* older than all; a reader finds it malformed, we count its bytes */
    assert_int_equal(mkdir(in_folder("outlier-0-1.json"), 0700), 0);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(write_one(&folder, i, 8000), 0);
    assert_int_equal(access(in_folder("a.json"), F_OK), 0);
    assert_int_equal(access(in_folder("outlier-x.json"), F_OK), 0);
    assert_int_equal(access(in_folder("outlier-1.json.bak"), F_OK), 0);
    assert_int_equal(access(in_folder("outlier-0-1.json"), F_OK), 0);
    assert_int_equal(access(in_folder("outlier-0-0.json"), F_OK), -1);
    assert_int_equal(rmdir(in_folder("outlier-0-1.json")), 0);
}

static void files_that_others_remove_are_not_missed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(write_one(&folder, i, 8000), 0);
    (void)look(true);
    for (unsigned i = 100; i < 120; i++)
        assert_int_equal(write_one(&folder, i, 8000), 0);
    assert_int_equal(look(false).files, 20);
}

static void what_a_killed_process_left_is_removed_later(void **state)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    (void)state;
    put("outlier-20261130-142319-000001.new", "half");
    put("outlier-20261130-142319-000002.new", "half");
    assert_int_equal(utimensat(AT_FDCWD, in_folder("outlier-20261130-142319-000001.new"), old, 0), 0);
    assert_int_equal(write_one(&folder, 3, 100), 0);
    assert_int_equal(look(false).unfinished, 1); /* the other may be in progress */
}

static void a_disk_that_is_full_leaves_no_half_file(void **state)
{
    struct rlimit before, limit;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(write_one(&folder, 1, 8000), -EFBIG);
    assert_int_equal(look(false).files, 0);
    assert_int_equal(write_one(&folder, 1, 4000), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(write_one(&folder, 2, 8000), 0);
    assert_int_equal(look(false).files, 2);
}

static void a_folder_that_is_not_there_may_come_back(void **state)
{
    (void)state;
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(write_one(&folder, 1, 100), -ENOENT);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(write_one(&folder, 1, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_whole_and_private, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_are_removed_by_all_writers, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_ours_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(files_that_others_remove_are_not_missed, begin, end),
        cmocka_unit_test_setup_teardown(what_a_killed_process_left_is_removed_later, begin, end),
        cmocka_unit_test_setup_teardown(a_disk_that_is_full_leaves_no_half_file, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_may_come_back, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

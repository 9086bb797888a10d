/* SPDX-License-Identifier: MIT */
/* The parts of the supervisor that do not wait: pauses, numbers, the configuration in force, the folder, what
 * a process says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/backing_off.h"
#include "supervisor/control.h"
#include "supervisor/folder.h"
#include "supervisor/in_force.h"
#include "supervisor/members.h"
#include "support/run.h"

/* --- backing off --- */

static int backs_off(void *arg)
{
    static const int expected[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    struct backing_off b = {0};

    (void)arg;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(backing_off_next(&b).ns, weir_ms(expected[i]).ns);
    assert_int_equal(weir_sleep(weir_seconds(59)), 0);
    assert_int_equal(backing_off_next(&b).ns, weir_seconds(10).ns);
    assert_int_equal(weir_sleep(weir_seconds(60)), 0);
    assert_int_equal(backing_off_next(&b).ns, weir_ms(100).ns);
    return 0;
}

static void pauses_double_until_a_quiet_minute(void **state)
{
    (void)state;
    run_simulated(1, backs_off, NULL);
}

/* --- members --- */

static void a_number_has_one_process(void **state)
{
    weir_shared *shared, *other;
    weir_shared_count *count;
    struct members members;
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &shared), 0);
    members_init(&members, shared);
    for (int i = 1; i < WEIR_SHARED_MEMBERS_MAX; i++) {
        assert_int_equal(members_left(&members), WEIR_SHARED_MEMBERS_MAX - i);
        assert_int_equal(members_take(&members), i);
    }
    assert_int_equal(members_take(&members), -1);
    assert_int_equal(weir_shared_open(fd, 9, &other), 0);
    assert_int_equal(weir_shared_block(other, "x", 1, sizeof *count, (void **)&count), 0);
    weir_shared_count_add(other, count, 3);
    members_give(&members, 9); /* has not given back what it had */
    assert_int_equal(weir_shared_count_sum(other, count), 0);
    assert_int_equal(members_take(&members), 9);
    weir_shared_close(other);
    weir_shared_close(shared);
    (void)close(fd);
}

/* --- what a process says --- */

struct heard {
    char text[65536];
};

static void note(void *arg, enum control_word word, const char *text)
{
    struct heard *heard = arg;
    const size_t used = strlen(heard->text);

    (void)snprintf(heard->text + used, sizeof heard->text - used, "%d:%s;", (int)word, text);
}

static void lines_come_in_any_pieces(void **state)
{
    static const char said[] =
        "ready\nfault a.yaml:1:2: bad\x1b[2J\n\nreadyy\nfault\nfault \nun\0known\ncut 3 5\ncut\nrest";
    static const char expected[] =
        "0:ready;1:a.yaml:1:2: bad?[2J;3:;3:readyy;3:fault;1:;3:un?known;2:3 5;3:cut;";

    (void)state;
    for (size_t piece = 1; piece <= sizeof said; piece++) {
        struct control control = {.used = 0};
        struct heard heard = {""};
        for (size_t at = 0; at < sizeof said - 1; at += piece)
            control_take(&control, said + at, piece < sizeof said - 1 - at ? piece : sizeof said - 1 - at,
                         note, &heard);
        assert_string_equal(heard.text, expected);
    }
}

static void a_line_without_end_is_cut(void **state)
{
    static struct control control;
    static struct heard heard;
    static char endless[CONTROL_LINE_BYTES * 3];

    (void)state;
    memset(endless, 'x', sizeof endless);
    control_take(&control, endless, sizeof endless, note, &heard);
    assert_string_equal(heard.text, "");
    control_take(&control, "\nready\n", 7, note, &heard);
    assert_int_equal(strlen(heard.text), 2 + CONTROL_LINE_BYTES + 1 + strlen("0:ready;"));
    assert_non_null(strstr(heard.text, ";0:ready;"));
}

/* --- the folder --- */

static void the_folder_is_private_and_short(void **state)
{
    char base[] = "/tmp/weir-test-XXXXXX", longer[200], file[FOLDER_PATH_BYTES + 32];
    struct folder folder;
    struct stat about;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)setenv("RUNTIME_DIRECTORY", "/nowhere/at/all:/tmp", 1);
    (void)setenv("XDG_RUNTIME_DIR", base, 1);
    assert_int_equal(folder_make(&folder), 0);
    assert_int_equal(strncmp(folder.path, base, strlen(base)), 0); /* the first one that exists */
    assert_int_equal(stat(folder.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    (void)snprintf(file, sizeof file, "%s/shop", folder.path);
    assert_int_equal(mkdir(file, 0700), 0);
    (void)snprintf(file, sizeof file, "%s/shop/1.sock", folder.path);
    assert_int_equal(mknod(file, S_IFREG | 0600, 0), 0);
    strcpy(file, folder.path);
    folder_remove(&folder);
    assert_int_equal(access(file, F_OK), -1);
    folder_remove(&folder); /* does nothing */

    (void)snprintf(longer, sizeof longer, "%s/%0100d", base, 1);
    assert_int_equal(mkdir(longer, 0700), 0);
    (void)setenv("XDG_RUNTIME_DIR", longer, 1);
    assert_int_equal(folder_make(&folder), 0);
    assert_int_equal(strncmp(folder.path, "/tmp/weir-", 10), 0);
    folder_remove(&folder);
    assert_int_equal(rmdir(longer), 0);
    assert_int_equal(rmdir(base), 0);
}

/* A removed folder comes again, at its place and locked; that of another is not taken. */
static void a_removed_folder_is_made_again(void **state)
{
    char base[] = "/tmp/weir-test-XXXXXX", file[FOLDER_PATH_BYTES + 32];
    struct folder folder, next;
    struct stat about;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)setenv("RUNTIME_DIRECTORY", base, 1);
    assert_int_equal(folder_make(&folder), 0);
    assert_int_equal(folder_restore(folder.path), 0); /* it is there */
    (void)snprintf(file, sizeof file, "%s/lock", folder.path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder.path), 0);
    assert_int_equal(folder_restore(folder.path), 0);
    assert_int_equal(stat(folder.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(folder_make(&next), 0); /* which removes those of the dead */
    assert_int_equal(access(file, F_OK), 0);
    folder_remove(&next);
    folder_remove(&folder);
    strcpy(file, base);
    strcat(file, "/weir-taken");
    assert_int_equal(mknod(file, S_IFREG | 0600, 0), 0);
    assert_int_equal(folder_restore(file), -EPERM);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    if (chown(file, 65534, 65534) == 0) /* as root */
        assert_int_equal(folder_restore(file), -EPERM);
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(rmdir(base), 0);
    assert_int_equal(folder_restore(file), -ENOENT);
    (void)unsetenv("RUNTIME_DIRECTORY");
}

/* What was killed leaves its folder behind, and no lock on it. */
static void folders_of_the_dead_are_removed(void **state)
{
    char base[] = "/tmp/weir-test-XXXXXX", strange[64], outside[64], link[FOLDER_PATH_BYTES + 16];
    struct folder living, dead, next;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)unsetenv("RUNTIME_DIRECTORY");
    (void)setenv("XDG_RUNTIME_DIR", base, 1);
    assert_int_equal(folder_make(&living), 0);
    assert_int_equal(folder_make(&dead), 0);
    (void)snprintf(outside, sizeof outside, "%s/outside", base);
    assert_int_equal(mkdir(outside, 0700), 0);
    (void)snprintf(link, sizeof link, "%s/link", dead.path);
    assert_int_equal(symlink(outside, link), 0);
    (void)snprintf(strange, sizeof strange, "%s/weir-abcdef", base); /* has no lock: of something else */
    assert_int_equal(mkdir(strange, 0700), 0);
    (void)close(dead.lock);

    assert_int_equal(folder_make(&next), 0);
    assert_int_equal(access(dead.path, F_OK), -1);
    assert_int_equal(access(living.path, F_OK), 0);
    assert_int_equal(rmdir(strange), 0);
    assert_int_equal(rmdir(outside), 0);
    folder_remove(&next);
    folder_remove(&living);
    assert_int_equal(rmdir(base), 0);
    (void)unsetenv("XDG_RUNTIME_DIR");
}

/* An application may have made as many files as it likes: they do not keep a start waiting, nor an end. */
static void a_full_folder_is_removed_bit_by_bit(void **state)
{
    char base[] = "/tmp/weir-test-XXXXXX", file[FOLDER_PATH_BYTES + 32];
    struct folder full, next;
    int starts = 0;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)unsetenv("RUNTIME_DIRECTORY");
    (void)setenv("XDG_RUNTIME_DIR", base, 1);
    assert_int_equal(folder_make(&full), 0);
    (void)snprintf(file, sizeof file, "%s/shop", full.path);
    assert_int_equal(mkdir(file, 0700), 0);
    for (int i = 0; i < 2 * FOLDER_NAMES; i++) {
        (void)snprintf(file, sizeof file, "%s/shop/%d", full.path, i);
        assert_int_equal(mknod(file, S_IFREG | 0600, 0), 0);
    }
    strcpy(file, full.path);
    folder_remove(&full);
    assert_int_equal(access(file, F_OK), 0);
    for (; access(file, F_OK) == 0; starts++) {
        assert_int_equal(folder_make(&next), 0);
        folder_remove(&next);
    }
    assert_int_equal(starts, 2);
    assert_int_equal(rmdir(base), 0);
    (void)unsetenv("XDG_RUNTIME_DIR");
}

/* --- the configuration in force --- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_configuration_in_force_stays_as_it_was_read(void **state)
{
    static const char text[] = "listen: 127.0.0.1:0\nroutes: [{path: /a, respond: {body: a}}]\n";
    char path[] = "/tmp/weir-test-XXXXXX", got[sizeof text] = "";
    struct config_faults faults;
    struct in_force *f, *none;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    write_file(path, text);
    assert_int_equal(in_force_read(path, &faults, &f), 0);
    write_file(path, "listen: nonsense\n");
    assert_int_equal(pread(f->text, got, sizeof got, 0), (ssize_t)strlen(text));
    assert_string_equal(got, text);
    assert_int_equal(pwrite(f->text, "x", 1, 0), -1); /* nor can a process change it */
    assert_int_equal(ftruncate(f->text, 0), -1);
    assert_int_equal(f->config.listen_count, 1);

    assert_int_equal(in_force_read(path, &faults, &none), -WEIR_ECONFIG);
    assert_null(none);
    assert_true(config_faults_any(&faults));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(in_force_read(path, &faults, &none), -WEIR_ECONFIG);
    assert_ptr_equal(in_force_hold(f), f);
    fd = f->text;
    in_force_release(f);
    assert_int_equal(fcntl(fd, F_GETFD) >= 0, 1);
    in_force_release(f);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    in_force_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_until_a_quiet_minute),
        cmocka_unit_test(a_number_has_one_process),
        cmocka_unit_test(lines_come_in_any_pieces),
        cmocka_unit_test(a_line_without_end_is_cut),
        cmocka_unit_test(the_folder_is_private_and_short),
        cmocka_unit_test(a_removed_folder_is_made_again),
        cmocka_unit_test(folders_of_the_dead_are_removed),
        cmocka_unit_test(a_full_folder_is_removed_bit_by_bit),
        cmocka_unit_test(the_configuration_in_force_stays_as_it_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

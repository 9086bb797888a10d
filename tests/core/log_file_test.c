/* SPDX-License-Identifier: MIT */
/* Logs in files of their own: opened again under load, on full disks, with readers that leave. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/log_file.h>

#include "support/run.h"

enum { LINES = 2000, TURNS = 20, PATH = 160, TEXT_BYTES = 4 << 20 };

static char folder[] = "/tmp/weir-log-file-XXXXXX", at[PATH], other[PATH + 16];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(at, sizeof at, "%s/a.log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(at);
    return rmdir(folder);
}

static weir_log_file *open_at(const char *path, bool json)
{
    const weir_log_file_options options = {.name = "test", .path = path, .json = json};
    weir_log_file *file;

    assert_int_equal(weir_log_file_open(&options, &file), 0);
    return file;
}

/* Returns: what a file has, for the caller to free; it is removed. */
static char *take_text(const char *path)
{
    char *text = malloc(TEXT_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, text, TEXT_BYTES - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
    assert_int_equal(unlink(path), 0);
    return text;
}

static void write_numbers(weir_log_file *file, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        const weir_kv pair = WEIR_KV_INT("n", i);
        weir_log_file_write(file, WEIR_LOG_INFO, "line", &pair, 1);
    }
}

/* Marks the numbers of whole lines, and of no line twice. Returns: how many. */
static int mark_numbers(const char *text, bool *seen)
{
    int count = 0;

    for (const char *line = text, *end; *line; line = end + 1) {
        int n = -1, length = 0;
        end = strchr(line, '\n');
        assert_non_null(end);
        assert_non_null(strstr(line, "Z info line n="));
        assert_int_equal(sscanf(strstr(line, " n="), " n=%d%n", &n, &length), 1);
        assert_ptr_equal(strstr(line, " n=") + length, end);
        assert_false(seen[n]);
        seen[n] = true;
        count++;
    }
    return count;
}

/* --- turning --- */

struct turning {
    weir_log_file *file;
    _Atomic int written;
};

static int write_on_loop(void *arg)
{
    struct turning *t = arg;

    for (int i = 0; i < LINES; i++) {
        write_numbers(t->file, i, 1);
        atomic_store(&t->written, i + 1);
    }
    return 0;
}

static void *turn_often(void *arg)
{
    struct turning *t = arg;

    for (int i = 0; i < TURNS; i++) {
        while (atomic_load(&t->written) < LINES / TURNS * i)
            sched_yield();
        (void)snprintf(other, sizeof other, "%s.%d", at, i);
        assert_int_equal(rename(at, other), 0);
        assert_int_equal(weir_log_file_reopen(t->file), 0);
    }
    return NULL;
}

static void no_line_is_lost_or_twice_when_the_file_is_opened_again(void **state)
{
    struct turning t = {.file = open_at(at, false)};
    static bool seen[LINES];
    pthread_t turner;
    int count = 0;
    char *text;

    (void)state;
    assert_int_equal(pthread_create(&turner, NULL, turn_often, &t), 0);
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, write_on_loop, &t), 0);
    pthread_join(turner, NULL);
    assert_int_equal(weir_log_file_dropped(t.file), 0);
    weir_log_file_close(t.file);
    for (int i = 0; i <= TURNS; i++) {
        (void)snprintf(other, sizeof other, i < TURNS ? "%s.%d" : "%s", at, i);
        text = take_text(other);
        count += mark_numbers(text, seen);
        free(text);
    }
    assert_int_equal(count, LINES);
}

static void what_was_logged_before_goes_to_the_file_before(void **state)
{
    weir_log_file *file = open_at(at, false);
    static bool seen[LINES];
    char *text;

    (void)state;
    (void)snprintf(other, sizeof other, "%s.1", at);
    write_numbers(file, 0, LINES / 2);
    assert_int_equal(rename(at, other), 0);
    assert_int_equal(weir_log_file_reopen(file), 0);
    weir_log_file_close(file);
    text = take_text(other);
    assert_int_equal(mark_numbers(text, seen), LINES / 2);
    free(text);
    free(take_text(at));
}

static void a_path_that_can_not_be_opened_again_leaves_the_file(void **state)
{
    weir_log_file *file = open_at(at, true);
    char *text;

    (void)state;
    (void)snprintf(other, sizeof other, "%s.1", at);
    assert_int_equal(rename(at, other), 0);
    assert_int_equal(mkdir(at, 0700), 0);
    assert_int_equal(weir_log_file_reopen(file), -EISDIR);
    write_numbers(file, 7, 1);
    weir_log_file_close(file);
    assert_int_equal(rmdir(at), 0);
    text = take_text(other);
    assert_non_null(strstr(text, "\"level\":\"info\",\"message\":\"line\",\"n\":7}\n"));
    free(text);
}

/* --- what can not be opened --- */

static int open_fails(const char *path)
{
    weir_log_file *file = NULL;

    return weir_log_file_open(&(weir_log_file_options){.path = path}, &file);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(open_fails(folder), -EISDIR);
    assert_int_equal(open_fails("/nowhere/a.log"), -ENOENT);
    assert_int_equal(open_fails("/dev/null/a.log"), -ENOTDIR);
    assert_int_equal(mkfifo(at, 0600), 0);
    assert_int_equal(open_fails(at), -ENXIO); /* and does not wait for a reader */
    assert_int_equal(unlink(at), 0);
    assert_int_equal(weir_log_file_open(&(weir_log_file_options){.fd = 9999}, &(weir_log_file *){NULL}),
                     -EBADF);
}

/* --- what can not be written --- */

static void a_full_disk_stops_nothing(void **state)
{
    weir_log_file *file = open_at("/dev/full", false);
    const uint64_t others = weir_log_dropped();

    (void)state;
    write_numbers(file, 0, 100);
    while (weir_log_file_dropped(file) < 100)
        sched_yield();
    assert_int_equal(weir_log_dropped(), others); /* of another log */
    assert_int_equal(weir_log_file_reopen(file), 0);
    weir_log_file_close(file);
}

/* Counts what stderr, which goes to a file meanwhile, says of lost lines. */
static int count_told(int fd, const char *words)
{
    char text[4096];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    int count = 0;

    assert_true(n >= 0);
    text[n] = '\0';
    for (const char *found = text; (found = strstr(found, words)) != NULL; found++)
        count++;
    return count;
}

/* file: is written to meanwhile; NULL: nothing is. */
static void await_told(int fd, const char *words, int count, weir_log_file *file)
{
    for (int i = 0; count_told(fd, words) < count; i++) {
        assert_true(i < 15000);
        if (file != NULL)
            write_numbers(file, 0, 1);
        usleep(1000);
    }
}

static void turn_to(weir_log_file *file, const char *target)
{
    assert_int_equal(unlink(at), 0);
    assert_int_equal(symlink(target, at), 0);
    assert_int_equal(weir_log_file_reopen(file), 0);
}

/* Also when the writer has just told of earlier ones, and no line comes after them. */
static void what_is_lost_before_a_silence_is_told(void **state)
{
    const int before = dup(STDERR_FILENO), said = memfd_create("stderr", MFD_CLOEXEC);
    weir_log_file *file;
    uint64_t dropped;

    (void)state;
    assert_true(before >= 0 && said >= 0);
    assert_int_equal(dup2(said, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(symlink("/dev/full", at), 0);
    file = open_at(at, false);
    write_numbers(file, 0, 1);
    await_told(said, "are dropped log=test", 1, NULL);
    turn_to(file, "/dev/null");
    await_told(said, "are written again", 1, file);
    dropped = weir_log_file_dropped(file);
    turn_to(file, "/dev/full");
    for (; weir_log_file_dropped(file) == dropped; usleep(1000)) /* slowly: the buffer must not be full */
        write_numbers(file, 0, 1);
    await_told(said, "are dropped log=test", 2, NULL);
    weir_log_file_close(file);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(said);
    assert_int_equal(unlink(at), 0);
}

/* A reader that stands still is not waited for, nor does it keep the log from another file. */
static void a_fifo_that_is_full_can_be_left(void **state)
{
    int reading;
    weir_log_file *file;
    static bool seen[LINES];
    char *text;

    (void)state;
    assert_int_equal(mkfifo(at, 0600), 0);
    reading = open(at, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reading >= 0);
    file = open_at(at, false);
    for (int i = 0; weir_log_file_dropped(file) == 0; i++)
        write_numbers(file, i, 100);
    assert_int_equal(unlink(at), 0);
    assert_int_equal(weir_log_file_reopen(file), 0);
    while (access(at, F_OK) != 0)
        sched_yield();
    weir_log_file_close(file);
    (void)close(reading);
    text = take_text(at);
    (void)mark_numbers(text, seen);
    free(text);
}

static void a_file_that_may_not_grow_is_written_again_when_it_may(void **state)
{
    weir_log_file *file = open_at(at, false);
    struct rlimit before, small = {.rlim_cur = 100};
    char *text;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0); /* SIGXFSZ would end the program */
    write_numbers(file, 0, 50);
    while (weir_log_file_dropped(file) == 0)
        sched_yield();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    write_numbers(file, 999, 1);
    weir_log_file_close(file);
    text = take_text(at);
    assert_non_null(strstr(text, " info line n=999\n"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

/* --- several processes --- */

static void lines_of_several_processes_stay_whole(void **state)
{
    enum { PROCESSES = 3, EACH = LINES / PROCESSES };
    static bool seen[LINES];
    pid_t children[PROCESSES];
    int status;
    char *text;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            weir_log_file *file = open_at(at, false);
            write_numbers(file, i * EACH, EACH);
            weir_log_file_close(file);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    text = take_text(at);
    assert_int_equal(mark_numbers(text, seen), PROCESSES * EACH);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_is_lost_or_twice_when_the_file_is_opened_again),
        cmocka_unit_test(what_was_logged_before_goes_to_the_file_before),
        cmocka_unit_test(a_path_that_can_not_be_opened_again_leaves_the_file),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_full_disk_stops_nothing),
        cmocka_unit_test(what_is_lost_before_a_silence_is_told),
        cmocka_unit_test(a_fifo_that_is_full_can_be_left),
        cmocka_unit_test(a_file_that_may_not_grow_is_written_again_when_it_may),
        cmocka_unit_test(lines_of_several_processes_stay_whole),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

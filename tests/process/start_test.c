/* SPDX-License-Identifier: MIT */
/* What starts, and what is refused, with the error that belongs to it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/process_rig.h"
#include "support/files.h"
#include "support/tree.h"

static int says_lines_and_ends(void *arg)
{
    struct said said = {{0}, 0, 0};
    const char *argv[4];
    weir_process_options options = sh(argv, "echo hello; echo oh >&2; printf rest; exit 3", &said);
    weir_process *process;
    weir_process_end end;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_true(weir_process_id(process) > 0);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(end.status, 3);
    assert_int_equal(end.signal, 0);
    assert_false(end.asked);
    assert_true(end.took.ns > 0 && end.cpu.ns > 0 && end.memory_bytes_max > 0);
    assert_said(&said, "out hello|");
    assert_said(&said, "err oh|");
    assert_said(&said, "out rest|");
    assert_int_equal(said.lines, 3);
    assert_int_equal(weir_process_wait(process, &end), 0); /* again */
    assert_int_equal(end.status, 3);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_process_says_lines_and_ends(void **state)
{
    (void)state;
    run_really(says_lines_and_ends, NULL);
}

/* Runs a process to its end. Returns: its exit status; < 0: it did not start. */
static int run_it(const weir_process_options *options)
{
    weir_process *process = NULL;
    weir_process_end end = {.status = -1};
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_never(), 0);
    err = weir_process_start(&scope, options, &process);
    if (err == 0)
        assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    if (err == 0)
        assert_int_equal(end.signal, 0);
    return err < 0 ? err : end.status;
}

/* --- the program --- */

static const char *path_of(const char *name)
{
    static char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", files_root, name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/%s", name);
    files_put(path, text);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static int run_program(const char *program)
{
    const char *argv[] = {program, NULL};
    weir_process_options options = {.argv = argv, .output = WEIR_PROCESS_NULL};

    return run_it(&options);
}

static int finds_programs(void *arg)
{
    (void)arg;
    assert_int_equal(run_program("true"), 0);
    assert_int_equal(run_program("/bin/false"), 1);
    assert_int_equal(run_program("no-such-program-anywhere"), -ENOENT);
    assert_int_equal(run_program("/no/such/program"), -ENOENT);
    assert_int_equal(run_program(""), -ENOENT);
    assert_int_equal(run_program("/etc/passwd/program"), -ENOTDIR);
    assert_int_equal(run_program("/"), -EACCES);
    assert_int_equal(run_program(path_of("plain")), -EACCES);
    assert_int_equal(run_program(path_of("script")), 7);
    assert_int_equal(run_program(path_of("no-interpreter")), -ENOEXEC);
    assert_int_equal(run_program(path_of("missing-interpreter")), -ENOENT);
    return 0;
}

static void a_program_is_found_or_the_error_says_why(void **state)
{
    (void)state;
    put("plain", "#!/bin/sh\nexit 7\n", 0644);
    put("script", "#!/bin/sh\nexit 7\n", 0755);
    put("no-interpreter", "exit 7\n", 0755);
    put("missing-interpreter", "#!/no/such/interpreter\n", 0755);
    run_really(finds_programs, NULL);
}

static int run_with_path(const char *program, const char *path)
{
    const char *argv[] = {program, NULL}, *env[] = {"A=1", path, NULL};
    weir_process_options options = {
        .argv = argv, .env = env, .folder = path_of("dir"), .output = WEIR_PROCESS_NULL};

    return run_it(&options);
}

static int searches_path(void *arg)
{
    char path[8192];

    (void)arg;
    (void)snprintf(path, sizeof path, "PATH=/no/such:%s/bad:%s/dir", files_root, files_root);
    assert_int_equal(run_with_path("tool", path), 5); /* the first may not be executed */
    (void)snprintf(path, sizeof path, "PATH=%s/bad:/no/such", files_root);
    assert_int_equal(run_with_path("tool", path), -EACCES);
    assert_int_equal(run_with_path("tool", "PATH=/no/such:"), 5); /* the folder that it begins in */
    assert_int_equal(run_with_path("tool", "PATH=/no/such"), -ENOENT);
    assert_int_equal(run_with_path("./tool", "PATH="), 5); /* relative to its folder */
    assert_int_equal(run_with_path("true", "B=2"), 0);     /* without any PATH, the system's */
    return 0;
}

static void the_path_of_the_process_is_searched(void **state)
{
    (void)state;
    put("bad/tool", "#!/bin/sh\nexit 6\n", 0644);
    put("dir/tool", "#!/bin/sh\nexit 5\n", 0755);
    run_really(searches_path, NULL);
}

static int executes_another(void *arg)
{
    struct said said = {{0}, 0, 0};
    const char *argv[] = {"a name", "-c", "echo $0 $1 $A", "x y", "", NULL}, *env[] = {"A=b c", NULL};
    weir_process_options options = {
        .argv = argv, .program = "/bin/sh", .env = env, .line = note_line, .arg = &said};

    (void)arg;
    assert_int_equal(run_it(&options), 0);
    assert_string_equal(said.text, "out x y b c|");
    options.program = "sh"; /* it is not looked up */
    assert_int_equal(run_it(&options), -ENOENT);
    return 0;
}

static void arguments_environment_and_program_are_passed_on(void **state)
{
    (void)state;
    run_really(executes_another, NULL);
}

/* --- what is refused --- */

static int refuses_options(void *arg)
{
    static char much[200000];
    const char *argv[] = {"true", NULL, NULL}, *none[] = {NULL};
    weir_process_options usual = {.argv = argv, .output = WEIR_PROCESS_NULL}, o = usual;
    weir_process_fd fds[WEIR_PROCESS_FDS_MAX + 1];

    (void)arg;
    o.argv = NULL;
    assert_int_equal(run_it(&o), -EINVAL);
    o.argv = none;
    assert_int_equal(run_it(&o), -EINVAL);
    o = usual;
    o.reserved[63] = 1;
    assert_int_equal(run_it(&o), -EINVAL);
    o = usual;
    o.stop_signal = 65;
    assert_int_equal(run_it(&o), -EINVAL);
    o = usual;
    o.descriptors_max = -1;
    assert_int_equal(run_it(&o), -EINVAL);
    o = usual;
    o.output = (enum weir_process_output)3;
    assert_int_equal(run_it(&o), -EINVAL);

    for (int i = 0; i <= WEIR_PROCESS_FDS_MAX; i++)
        fds[i] = (weir_process_fd){0, 3 + i};
    o = usual;
    o.fds = fds;
    o.fd_count = WEIR_PROCESS_FDS_MAX + 1;
    assert_int_equal(run_it(&o), -EINVAL);
    o.fd_count = WEIR_PROCESS_FDS_MAX;
    assert_int_equal(run_it(&o), 0);
    fds[5].as = 2; /* stdin, stdout and stderr are not handed over */
    assert_int_equal(run_it(&o), -EINVAL);
    fds[5].as = fds[9].as;
    assert_int_equal(run_it(&o), -EINVAL);
    fds[5].as = 8;
    fds[7].fd = 1000; /* not open */
    assert_int_equal(run_it(&o), -EBADF);
    fds[7].fd = -1;
    assert_int_equal(run_it(&o), -EBADF);

    memset(much, 'x', sizeof much - 1);
    o = usual;
    argv[1] = much;
    assert_int_equal(run_it(&o), -E2BIG);
    return 0;
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    run_really(refuses_options, NULL);
}

static int run_in_folder(const char *folder)
{
    const char *argv[] = {"true", NULL};
    weir_process_options options = {.argv = argv, .folder = folder, .output = WEIR_PROCESS_NULL};

    return run_it(&options);
}

static int refuses_folders(void *arg)
{
    (void)arg;
    assert_int_equal(run_in_folder("/"), 0);
    assert_int_equal(run_in_folder("/no/such/folder"), -ENOENT);
    assert_int_equal(run_in_folder("/etc/passwd"), -ENOTDIR);
    assert_int_equal(run_in_folder(""), -ENOENT);
    return 0;
}

static void a_wrong_folder_is_refused(void **state)
{
    (void)state;
    run_really(refuses_folders, NULL);
}

static int starts_in_cancelled_scopes(void *arg)
{
    const char *argv[] = {"true", NULL};
    weir_process_options options = {.argv = argv};
    weir_process *process;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_process_start(&scope, &options, &process), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    weir_scope_open(&scope, weir_now(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    return 0;
}

static void nothing_starts_in_a_cancelled_scope(void **state)
{
    (void)state;
    run_really(starts_in_cancelled_scopes, NULL);
}

/* --- in the tree of tasks --- */

static int wait_for(void *arg)
{
    return weir_process_wait(arg, NULL);
}

static int is_shown(void *arg)
{
    const char *argv[] = {"sleep", "1000", NULL};
    weir_process_options options = {.argv = argv, .name = "shop"};
    weir_process *process;
    weir_tasks *tasks;
    weir_scope scope;
    char words[64];

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    (void)snprintf(words, sizeof words, "process shop (pid %d) to end", (int)weir_process_id(process));
    weir_spawn(&scope, "waiter", wait_for, process);
    tasks = look_at_tasks(NULL);
    assert_string_equal(wait_of(tasks, "shop"), words);
    assert_string_equal(wait_of(tasks, "waiter"), words);
    assert_string_equal(wait_of(tasks, "lines of shop"), "the first of 2");
    weir_tasks_close(tasks);
    assert_int_equal(weir_process_stop(process, weir_seconds(1000), NULL), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_process_is_shown_in_the_tree_of_tasks(void **state)
{
    (void)state;
    run_really(is_shown, NULL);
}

/* --- many --- */

enum { AT_ONCE = 500 };

struct many {
    weir_scope *scope;
    int started, ended;
};

static int start_one(void *arg)
{
    struct many *m = arg;
    const char *argv[] = {"true", NULL};
    weir_process_options options = {.argv = argv, .output = WEIR_PROCESS_NULL};
    weir_process *process;
    weir_process_end end;

    assert_int_equal(weir_process_start(m->scope, &options, &process), 0);
    m->started++;
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(end.status, 0);
    m->ended++;
    return 0;
}

static int starts_many(void *arg)
{
    weir_scope scope;
    struct many m = {&scope, 0, 0};

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < AT_ONCE; i++)
        weir_spawn(&scope, "starter", start_one, &m);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(m.started, AT_ONCE);
    assert_int_equal(m.ended, AT_ONCE);
    return 0;
}

static void many_start_at_once(void **state)
{
    weir_options options = {.io = WEIR_IO_AUTO};

    (void)state;
    assert_int_equal(weir_run(&options, starts_many, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_says_lines_and_ends),
        cmocka_unit_test_setup_teardown(a_program_is_found_or_the_error_says_why, files_begin, files_end),
        cmocka_unit_test_setup_teardown(the_path_of_the_process_is_searched, files_begin, files_end),
        cmocka_unit_test(arguments_environment_and_program_are_passed_on),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_wrong_folder_is_refused),
        cmocka_unit_test(nothing_starts_in_a_cancelled_scope),
        cmocka_unit_test(a_process_is_shown_in_the_tree_of_tasks),
        cmocka_unit_test(many_start_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Another user: how it is found, what a process may then do, and that a program without privilege has no say.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process_rig.h"
#include "process/user.h"

enum { OTHER = 61234 }; /* a number without an entry */

static void users_are_found(void **state)
{
    struct weir__user user;
    struct passwd *nobody = getpwnam("nobody");
    char number[16];

    (void)state;
    assert_int_equal(weir__user_find("root", &user), 0);
    assert_int_equal(user.uid, 0);
    assert_int_equal(user.gid, 0);
    assert_true(user.group_count >= 1);
    free(user.groups);
    assert_int_equal(weir__user_find("0", &user), 0);
    assert_int_equal(user.uid, 0);
    free(user.groups);
    assert_int_equal(weir__user_find("61234", &user), 0);
    assert_int_equal(user.uid, OTHER);
    assert_int_equal(user.gid, OTHER);
    assert_int_equal(user.group_count, 1);
    assert_int_equal(user.groups[0], OTHER);
    free(user.groups);
    if (nobody != NULL) {
        (void)snprintf(number, sizeof number, "%u", (unsigned)nobody->pw_uid);
        assert_int_equal(weir__user_find(number, &user), 0);
        assert_int_equal(user.gid, nobody->pw_gid);
        free(user.groups);
    }
    assert_int_equal(weir__user_find("", &user), -ESRCH);
    assert_int_equal(weir__user_find("no-such-user", &user), -ESRCH);
    assert_int_equal(weir__user_find("12x", &user), -ESRCH);
    assert_int_equal(weir__user_find("-1", &user), -ESRCH);
    assert_int_equal(weir__user_find("4294967295", &user), -ESRCH); /* (uid_t)-1: no change */
    assert_int_equal(weir__user_find("99999999999999999999", &user), -ESRCH);
}

/* Returns: the exit status; < 0: it did not start. */
static int run_as(const char *user, const char *script, struct said *said)
{
    const char *argv[4];
    weir_process_options options = sh(argv, script, said);
    weir_process *process;
    weir_process_end end = {.status = -1};
    weir_scope scope;
    int err;

    *said = (struct said){{0}, 0, 0};
    options.user = user;
    options.folder = "/";
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_process_start(&scope, &options, &process);
    if (err == 0)
        err = weir_process_wait(process, &end);
    assert_int_equal(weir_scope_close(&scope), 0);
    return err < 0 ? err : end.status;
}

static int runs_as_others(void *arg)
{
    struct said said;

    (void)arg;
    assert_int_equal(run_as("61234", "id -u; id -g; id -G; id -ru", &said), 0);
    assert_string_equal(said.text, "out 61234|out 61234|out 61234|out 61234|");
    assert_int_equal(run_as("root", "id -u", &said), 0);
    assert_string_equal(said.text, "out 0|");
    assert_int_equal(run_as("no-such-user", "id", &said), -ESRCH);
    return 0;
}

static void a_process_runs_as_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    run_really(runs_as_others, NULL);
    assert_int_equal(getuid(), 0); /* this program has not changed */
    assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

/* --- a folder of the user's --- */

static int begins_in_folder(void *arg)
{
    const char *argv[4];
    struct said said = {{0}, 0, 0};
    weir_process_options options = sh(argv, "pwd", &said);
    weir_process *process;
    weir_scope scope;

    options.folder = arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    options.user = "61234";
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    options.user = "61235"; /* may not enter it */
    assert_int_equal(weir_process_start(&scope, &options, &process), -EACCES);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_folder_is_entered_as_the_user(void **state)
{
    char folder[] = "/tmp/weir-user-XXXXXX";

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chown(folder, OTHER, OTHER), 0);
    run_really(begins_in_folder, folder);
    (void)rmdir(folder);
}

/* --- without privilege, in a child of this test --- */

static int has_no_say(void *arg)
{
    struct said said;

    (void)arg;
    if (run_as("root", "exit 0", &said) != -EPERM || run_as("0", "exit 0", &said) != -EPERM ||
        run_as("61234", "exit 7", &said) != 7 || run_as(NULL, "exit 8", &said) != 8)
        return 1;
    return 0;
}

static void without_privilege_there_is_no_other_user(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};
    int status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    pid = fork();
    if (pid == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(OTHER, OTHER, OTHER) < 0 ||
            setresuid(OTHER, OTHER, OTHER) < 0)
            _exit(99);
        _exit(weir_run(&options, has_no_say, NULL));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- one that dies with its program nevertheless --- */

static int starts_another(void *arg)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    weir_process_options options = {.argv = argv, .user = "61234", .output = WEIR_PROCESS_NULL};
    weir_process *process;
    weir_scope scope;
    pid_t pid;

    weir_scope_open(&scope, weir_never(), 0);
    if (weir_process_start(&scope, &options, &process) < 0)
        _exit(99);
    pid = weir_process_id(process);
    if (write(*(int *)arg, &pid, sizeof pid) != sizeof pid)
        _exit(98);
    return weir_scope_close(&scope);
}

static void a_process_of_another_user_dies_with_a_program_of_root(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};
    int ends[2], status;
    pid_t program, pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(pipe(ends), 0);
    program = fork();
    if (program == 0)
        _exit(weir_run(&options, starts_another, &ends[1]));
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    assert_true(is_alive(pid));
    assert_int_equal(kill(program, SIGKILL), 0);
    assert_int_equal(waitpid(program, &status, 0), program);
    while (is_alive(pid))
        usleep(1000);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_found),
        cmocka_unit_test(a_process_runs_as_another_user),
        cmocka_unit_test(a_folder_is_entered_as_the_user),
        cmocka_unit_test(without_privilege_there_is_no_other_user),
        cmocka_unit_test(a_process_of_another_user_dies_with_a_program_of_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

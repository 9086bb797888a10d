/* SPDX-License-Identifier: MIT */
/* The user of an application: how it is found, and what a process that has become it may say it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/app_user.h"

enum { OTHER = 61234 }; /* a number without an entry */

static void users_are_found_by_name_and_number(void **state)
{
    struct app_user user;

    (void)state;
    assert_int_equal(app_user_find("root", &user), 0);
    assert_int_equal(user.uid, 0);
    assert_int_equal(app_user_find("0", &user), 0);
    assert_string_equal(user.name, "root");
    assert_int_equal(app_user_find("61234", &user), 0);
    assert_int_equal(user.uid, OTHER);
    assert_int_equal(user.gid, OTHER);
    assert_int_equal(app_user_find("", &user), -ESRCH);
    assert_int_equal(app_user_find("no-such-user", &user), -ESRCH);
    assert_int_equal(app_user_find("12x", &user), -ESRCH);
    assert_int_equal(app_user_find("-1", &user), -ESRCH);
    assert_int_equal(app_user_find("4294967295", &user), -ESRCH); /* (uid_t)-1: no change */
    assert_int_equal(app_user_find("99999999999999999999", &user), -ESRCH);
}

/* Returns: 0: it is that user for good, with no group but its own. */
static int become(const struct app_user *user)
{
    gid_t groups[2];

    if (app_user_become(user) < 0 || getuid() != OTHER || geteuid() != OTHER || getegid() != OTHER)
        return 1;
    if (getgroups(2, groups) != 1 || groups[0] != OTHER)
        return 2;
    return setuid(0) == 0 || app_user_become(&(struct app_user){.name = "root"}) != -EPERM ? 3 : 0;
}

static void a_number_without_an_entry_has_its_own_group_alone(void **state)
{
    struct app_user user;
    int status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(app_user_find("61234", &user), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(become(&user));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_found_by_name_and_number),
        cmocka_unit_test(a_number_without_an_entry_has_its_own_group_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

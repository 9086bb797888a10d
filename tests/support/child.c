/* SPDX-License-Identifier: MIT */
#include "support/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/run.h"

static void be_child(int err_fd, int (*fn)(void *arg), void *arg)
{
    struct rlimit none = {0, 0};
    int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGSEGV, SIG_DFL); /* undoes cmocka's handler */
    (void)signal(SIGABRT, SIG_DFL);
    if (null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0 || dup2(err_fd, STDERR_FILENO) < 0)
        _exit(99);
    _exit(fn(arg));
}

int run_in_child(int (*fn)(void *arg), void *arg, char *said, size_t room)
{
    int ends[2];
    int status;
    size_t n = 0;
    ssize_t got;
    char more[512];
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_child(ends[1], fn, arg);
    close(ends[1]);
    while ((got = read(ends[0], more, sizeof more)) >
           0) /* reads to the end, so that the child does not block */
        for (ssize_t i = 0; i < got && n + 1 < room; i++)
            said[n++] = more[i];
    said[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

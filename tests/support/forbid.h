/* SPDX-License-Identifier: MIT */
/* Makes system calls fail as in a container or an old kernel, with a seccomp filter. Needs no privilege and
 * cannot be undone, so it is for a child process (or for `without`, which starts another program this way).
 */
#ifndef TEST_SUPPORT_FORBID_H
#define TEST_SUPPORT_FORBID_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Makes one system call fail with this error in this thread and its descendants; with error 0 the call ends
 * them by SIGSYS. Returns: 0; -1 the kernel has no filters. */
static inline int forbid_call(long number, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K,
                 error == 0 ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "supervisor/orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/app.h"
#include "supervisor/children.h"
#include "text/proc_file.h"

#ifndef __WNOTHREAD
#define __WNOTHREAD 0x20000000 /* <linux/wait.h>, which can't stand beside <sys/wait.h> */
#endif

void orphans_adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
}

/* The kernel gives orphans to the first thread of a program. __WNOTHREAD leaves the children of other threads
 * alone, so that no end is taken from the library, which waits for its own. */
void orphans_reap(void)
{
    siginfo_t ended;

    do
        ended.si_pid = 0;
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | __WNOTHREAD) == 0 && ended.si_pid != 0);
}

/* --- those that a dead guardian has left --- */

enum { ENVIRONMENT_BYTES = 64 << 10, ORPHANS_MAX = 256 }; /* at a time */

struct orphans {
    pid_t pids[ORPHANS_MAX];
    size_t count;
};

static void note(void *arg, pid_t pid)
{
    struct orphans *orphans = arg;

    if (orphans->count < ORPHANS_MAX)
        orphans->pids[orphans->count++] = pid;
}

/* Reports whether a process has the variable that names an application: its own, or that of its parent. */
static bool is_of_an_application(pid_t pid)
{
    static const char name[] = CONFIG_APP_VARIABLES "NAME=";
    char path[32], text[ENVIRONMENT_BYTES];
    size_t n;

    (void)snprintf(path, sizeof path, "/proc/%d/environ", pid);
    n = proc_file_read(path, text, sizeof text);
    for (const char *at = text; at < text + n; at += strlen(at) + 1)
        if (strncmp(at, name, strlen(name)) == 0)
            return true;
    return false;
}

/* Guardians name their application, too. They are children of another thread: not in the kernel's list. */
size_t orphans_kill(pid_t session)
{
    struct orphans orphans = {.count = 0};
    const bool listed = children_each(note, &orphans);
    size_t found = 0;

    for (size_t i = 0; i < orphans.count; i++) {
        const pid_t pid = orphans.pids[i];
        const bool is_named = listed && is_of_an_application(pid);
        const pid_t its = children_session(pid); /* after its variables, which are gone when it ends */
        if (its == 0)                            /* what it leaves may have come after the list was read */
            found++;
        else if (its == session || is_named)
            found += kill(pid, SIGKILL) == 0 || errno == ESRCH;
    }
    return found;
}

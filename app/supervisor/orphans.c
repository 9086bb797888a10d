/* SPDX-License-Identifier: MIT */
#include "supervisor/orphans.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

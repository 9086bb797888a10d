/* SPDX-License-Identifier: MIT */
#include "gateway/early_end.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void end_at_once(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

void end_early(void)
{
    struct sigaction action = {.sa_handler = end_at_once};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGUSR1, SIG_IGN);
}

/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "commands/cli.h"

/* Whoever started us may have closed some of the three: what we open ourselves must not take their numbers,
 * or logs and answers would be written into it. Where there is no /dev/null, what can't be read or written
 * takes the place. */
static void open_missing_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            (void)!open("/", O_PATH);
}

int main(int argc, char **argv)
{
    open_missing_streams();
    (void)signal(SIGPIPE, SIG_IGN); /* whoever reads what we write may leave: that is an error of the write */
    return cli_main(argc, argv);
}

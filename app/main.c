/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "commands/cli.h"

/* Opens those of the three standard streams that are closed: a file of ours must not take their numbers, or
 * logs and answers would be written into it. Without /dev/null, a descriptor that can't be read or written is
 * used. */
static void open_missing_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            (void)!open("/", O_PATH);
}

int main(int argc, char **argv)
{
    open_missing_streams();
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that has gone is an error of the write */
    return cli_main(argc, argv);
}

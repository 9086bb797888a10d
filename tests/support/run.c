/* SPDX-License-Identifier: MIT */
#include "support/run.h"

#include <errno.h>

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

const char *io_name(enum weir_io io)
{
    return io == WEIR_IO_SIM ? "sim" : io == WEIR_IO_URING ? "uring" : io == WEIR_IO_EPOLL ? "epoll" : "auto";
}

bool io_is_here(enum weir_io io)
{
    weir_options options = {.io = io};
    int err = weir_run(&options, nothing, NULL);

    if (err < 0 && (io != WEIR_IO_URING || (err != -ENOSYS && err != -EPERM)))
        fail_msg("%s can't be opened: %s", io_name(io), weir_error_text(err));
    return err == 0;
}

static void run_on(enum weir_io io, uint64_t seed, int (*fn)(void *arg), void *arg)
{
    weir_options options = {.io = io, .seed = seed};
    int result = weir_run(&options, fn, arg);

    if (result != 0)
        fail_msg("on %s: %d, %s", io_name(io), result, weir_error_text(result));
}

void run_everywhere(int (*fn)(void *arg), void *arg)
{
    static const enum weir_io all[] = {WEIR_IO_SIM, WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (io_is_here(all[i]))
            run_on(all[i], 0, fn, arg);
}

void run_simulated(uint64_t seed, int (*fn)(void *arg), void *arg)
{
    run_on(WEIR_IO_SIM, seed, fn, arg);
}

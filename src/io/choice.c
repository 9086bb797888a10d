/* SPDX-License-Identifier: MIT */
/* Opening the kernel seam: chooses a backend. The one file that knows all of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "io/backend.h"
#include "io/io.h"

static int open_backend(const struct weir__io_backend *backend, const struct weir__io_options *options,
                        struct weir__io **out)
{
    int rc = backend->open(options, out);

    if (rc < 0)
        return rc;
    weir__io_init(*out, backend);
    if (backend != &weir__io_sim) /* by default the kernel fires timers up to 50 us late */
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    return 0;
}

static int type_of_environment(enum weir__io_backend_type *type)
{
    const char *word = getenv("WEIR_IO");

    if (word == NULL || *word == '\0' || strcmp(word, "auto") == 0)
        *type = WEIR__IO_AUTO;
    else if (strcmp(word, "uring") == 0)
        *type = WEIR__IO_URING;
    else if (strcmp(word, "epoll") == 0)
        *type = WEIR__IO_EPOLL;
    else
        return -EINVAL;
    return 0;
}

int weir__io_open(const struct weir__io_options *options, struct weir__io **out)
{
    enum weir__io_backend_type type = options->backend;
    int rc = type == WEIR__IO_AUTO ? type_of_environment(&type) : 0;

    if (rc < 0)
        return rc;
    switch (type) {
    case WEIR__IO_URING:
        return open_backend(&weir__io_uring, options, out);
    case WEIR__IO_EPOLL:
        return open_backend(&weir__io_epoll, options, out);
    case WEIR__IO_SIM:
        return open_backend(&weir__io_sim, options, out);
    case WEIR__IO_AUTO:
        break;
    }
    if (open_backend(&weir__io_uring, options, out) == 0)
        return 0;
    return open_backend(&weir__io_epoll, options, out);
}

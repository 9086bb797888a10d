/* SPDX-License-Identifier: MIT */
#include "gateway/start_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The choice of the kernel interface, and its place. */
struct choice {
    const char *interface, *by; /* "uring", "io" */
    struct config_place place;
};

static struct choice choice_of(const struct config *config)
{
    static const char *const names[] = {"auto", "uring", "epoll"};
    const char *word = config->io == CONFIG_IO_AUTO ? getenv("WEIR_IO") : NULL;

    if (word != NULL && *word)
        return (struct choice){word, "WEIR_IO in the environment", config_place(config, "io", NULL)};
    return (struct choice){names[config->io], "io", config_place(config, "io", NULL)};
}

static void fault_uring(const struct choice *choice, int err, struct config_faults *faults)
{
    const char *why = weir_error_text(err);

    if (err == -ENOSYS)
        config_fault(faults, choice->place,
                     "%s is 'uring', but this kernel's io_uring is missing or too old (%s); expected auto or "
                     "epoll, or a newer kernel",
                     choice->by, why);
    else
        config_fault(
            faults, choice->place,
            "%s is 'uring', but io_uring is forbidden here (%s); expected auto or epoll, or allow it: "
            "sysctl kernel.io_uring_disabled=0, and io_uring_setup in a container's seccomp profile",
            choice->by, why);
}

void start_fault_loops(const struct config *config, int err, struct config_faults *faults)
{
    struct choice choice = choice_of(config);
    bool uring = strcmp(choice.interface, "uring") == 0;

    if (err == -EINVAL && !uring && strcmp(choice.interface, "auto") && strcmp(choice.interface, "epoll"))
        config_fault(faults, choice.place, "%s is '%.40s', expected auto, uring or epoll", choice.by,
                     choice.interface);
    else if (uring && (err == -EPERM || err == -EACCES || err == -ENOSYS))
        fault_uring(&choice, err, faults);
    else if (uring && err == -ENOMEM)
        config_fault(faults, choice.place,
                     "%s is 'uring', and there is no memory for its rings; expected auto or epoll, or a "
                     "higher limit of locked memory (ulimit -l)",
                     choice.by);
    else if (err == -EAGAIN)
        config_fault(faults, config_place(config, "loops", NULL),
                     "the threads of loops: %d cannot be started: %s; %sraise the limit of processes "
                     "(ulimit -u, pids.max of the cgroup)",
                     config_loops(config), weir_error_text(err),
                     config_loops(config) > 1 ? "lower loops, or " : "");
    else if (err == -EMFILE || err == -ENFILE)
        config_fault(
            faults, config_place(config, "loops", NULL),
            "%d loops cannot be opened: %s; lower loops, or raise the limit of open files (ulimit -n)",
            config_loops(config), weir_error_text(err));
    else
        config_fault(faults, config_place(config, "loops", NULL), "%d loops cannot be started: %s%s",
                     config_loops(config), weir_error_text(err),
                     err == -ENOMEM ? "; lower loops, or raise the limit of memory (ulimit -v)" : "");
}

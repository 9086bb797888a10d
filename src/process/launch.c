/* SPDX-License-Identifier: MIT */
#include "process/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/child.h"
#include "process/found.h"
#include "process/program.h"
#include "process/user.h"

/* The search of the C library where there is no PATH. */
static const char path_default[] = "/bin:/usr/bin";

/* What is prepared for a child, and freed after its start. */
struct prepared {
    struct weir__child child;
    struct weir__user user;
    char **paths;
    int output[2]; /* to write into; -1: none */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_both(int fds[2])
{
    close_fd(&fds[0]);
    close_fd(&fds[1]);
}

/* --- preparing --- */

/* The PATH of the process, if it has one of its own, decides. */
static const char *search_of(const weir_process_options *o)
{
    for (const char *const *text = o->env; *text != NULL; text++)
        if (strncmp(*text, "PATH=", 5) == 0)
            return *text + 5;
    return path_default;
}

static int prepare_user(struct prepared *p, const char *text)
{
    int err;

    if (text == NULL)
        return 0;
    err = weir__user_find(text, &p->user);
    if (err < 0)
        return err;
    if (geteuid() != 0)
        return p->user.uid == getuid() && p->user.uid == geteuid() ? 0 : -EPERM;
    p->child.user = &p->user;
    return 0;
}

static int prepare_limits(struct weir__child *child, const weir_process_options *o)
{
    struct rlimit files;

    if (o->memory_bytes_max > 0)
        child->data = (struct weir__child_limit){true, o->memory_bytes_max, o->memory_bytes_max};
    if (o->descriptors_max > 0) {
        child->files =
            (struct weir__child_limit){true, (uint64_t)o->descriptors_max, (uint64_t)o->descriptors_max};
        return 0;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    child->files.is_set = weir__found()->descriptors < files.rlim_cur;
    child->files.soft = weir__found()->descriptors;
    child->files.hard = files.rlim_max;
    return 0;
}

/* A pipe whose end here is non-blocking. */
static int open_pipe(int *here, int *there)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    *here = ends[0];
    *there = ends[1];
    return fcntl(*here, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int prepare_output(struct prepared *p, struct weir__launch *l)
{
    const weir_process_options *o = l->options;
    int standard[3] = {WEIR__DESCRIPTOR_NULL, WEIR__DESCRIPTOR_NULL, WEIR__DESCRIPTOR_NULL}, err = 0;

    for (int i = 0; err == 0 && i < 2; i++) {
        if (o->output == WEIR_PROCESS_LINES)
            err = open_pipe(&l->output[i], &p->output[i]);
        if (o->output != WEIR_PROCESS_NULL)
            standard[1 + i] = o->output == WEIR_PROCESS_LINES ? p->output[i] : STDOUT_FILENO + i;
    }
    if (err == 0)
        weir__descriptors_prepare(&p->child.descriptors, standard, o->fds, o->fd_count);
    return err;
}

static int prepare(struct prepared *p, struct weir__launch *l)
{
    const weir_process_options *o = l->options;
    int err;

    p->child.argv = (char *const *)(uintptr_t)o->argv;
    p->child.env = (char *const *)(uintptr_t)o->env;
    p->child.folder = o->folder;
    p->child.parent = getpid();
    p->child.found = weir__found();
    p->paths = o->program != NULL ? weir__program_paths(o->program, "")
                                  : weir__program_paths(o->argv[0], search_of(o));
    if (p->paths == NULL)
        return -ENOMEM;
    p->child.paths = p->paths;
    err = prepare_user(p, o->user);
    if (err == 0)
        err = prepare_limits(&p->child, o);
    if (err == 0)
        err = prepare_output(p, l);
    return err;
}

/* --- starting --- */

static void reap(int pidfd)
{
    siginfo_t info;

    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
        continue;
}

void weir__launch_init(struct weir__launch *l, const weir_process_options *options)
{
    *l = (struct weir__launch){.options = options, .pidfd = -1, .output = {-1, -1}};
}

/* Returns: 0; < 0: nothing runs. */
static int start(struct weir__launch *l, struct weir__child *child, char *stack)
{
    l->began_ns = weir__clock_monotonic_ns();
    l->pid = weir__child_start(child, stack, &l->pidfd, &l->begun);
    if (l->pid < 0) {
        int err = l->pid;

        l->pid = 0;
        l->pidfd = -1; /* the kernel may have written it all the same */
        return err;
    }
    if (child->err < 0) {
        reap(l->pidfd);
        l->pid = 0;
    }
    return child->err;
}

void weir__launch(struct weir__launch *l, char *stack, bool (*commit)(struct weir__launch *launch))
{
    struct prepared *p = calloc(1, sizeof *p);

    l->err = -ENOMEM;
    if (p != NULL && stack != NULL) {
        p->output[0] = p->output[1] = -1;
        l->err = prepare(p, l);
        if (l->err == 0)
            l->err = commit(l) ? start(l, &p->child, stack) : -WEIR_ECANCELED;
        close_both(p->output);
        free(p->user.groups);
        free(p->paths);
    }
    free(p);
}

void weir__launch_close(struct weir__launch *l)
{
    close_fd(&l->pidfd);
    close_both(l->output);
}

void weir__launch_kill(const struct weir__launch *l)
{
    if (atomic_load(&l->begun) != 0)
        (void)syscall(SYS_pidfd_send_signal, l->pidfd, SIGKILL, NULL, 0);
}

void weir__launch_undo(struct weir__launch *l)
{
    if (l->pid > 0) {
        weir__launch_kill(l);
        (void)kill(-l->pid, SIGKILL);
        reap(l->pidfd);
    }
    weir__launch_close(l);
}

/* SPDX-License-Identifier: MIT */
/* Foreign event sources: the kernel's inotify and a timerfd, by their descriptors. Reports what changes in a
 * folder, and prints a line now and then; ends when a file named "stop" appears.
 *
 *     14_foreign_events FOLDER
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <weir.h>

/* [read] */
/* Reads what is there, without waiting. Returns: whether the file "stop" has appeared. */
static bool report_changes(int fd)
{
    union {
        struct inotify_event first; /* for the alignment */
        char bytes[4096];
    } buffer;
    bool stop = false;
    ssize_t n;

    while ((n = read(fd, buffer.bytes, sizeof buffer.bytes)) > 0) /* -EAGAIN: nothing more */
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(buffer.bytes + at);

            printf("%s %s\n", e->mask & IN_DELETE ? "gone" : "new", e->len > 0 ? e->name : "?");
            stop = stop || (e->len > 0 && strcmp(e->name, "stop") == 0);
            at += (ssize_t)(sizeof *e + e->len);
        }
    return stop;
}
/* [/read] */

/* [select] */
static int watch(int changes_fd, int timer_fd)
{
    weir_fd *changes = NULL, *timer = NULL; /* registered once, for many waits */
    uint64_t ticks;
    bool stop = false;
    int err = weir_fd_open(changes_fd, &changes);

    if (err == 0)
        err = weir_fd_open(timer_fd, &timer);
    while (err >= 0 && !stop) {
        err = weir_select((weir_case[]){weir_on_fd(changes, POLLIN), weir_on_fd(timer, POLLIN)}, 2, NULL);
        if (err == 0)
            stop = report_changes(changes_fd);
        else if (err == 1 && read(timer_fd, &ticks, sizeof ticks) > 0)
            printf("alive\n");
        fflush(stdout);
    }
    weir_fd_close(changes);
    weir_fd_close(timer);
    return err < 0 ? err : 0;
}
/* [/select] */

static int run(void *arg)
{
    struct itimerspec every = {.it_interval.tv_nsec = 100000000, .it_value.tv_nsec = 1};
    int changes_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int err = 0;

    if (changes_fd < 0 || timer_fd < 0 || timerfd_settime(timer_fd, 0, &every, NULL) < 0 ||
        inotify_add_watch(changes_fd, arg, IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0)
        err = -errno;
    if (err == 0)
        err = watch(changes_fd, timer_fd);
    if (changes_fd >= 0)
        close(changes_fd);
    if (timer_fd >= 0)
        close(timer_fd);
    return err;
}

int main(int argc, char **argv)
{
    int err = weir_run(NULL, run, argc > 1 ? argv[1] : ".");

    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err < 0;
}

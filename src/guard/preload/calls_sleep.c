/* SPDX-License-Identifier: MIT */
/* Sleeps, and waits for descriptors and signals. */
#include "guard/preload/preload.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t bytes);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                size_t bytes);

/* A NULL timeout means for ever. */
static bool waits(const struct timespec *timeout)
{
    return timeout == NULL || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
}

static bool waits_us(const struct timeval *timeout)
{
    return timeout == NULL || timeout->tv_sec != 0 || timeout->tv_usec != 0;
}

GUARDED(unsigned, sleep, (unsigned seconds), (seconds), "sleep")
GUARDED(int, usleep, (useconds_t us), (us), "usleep")
GUARDED(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left), "nanosleep")
GUARDED(int, clock_nanosleep,
        (clockid_t clock, int flags, const struct timespec *time, struct timespec *left),
        (clock, flags, time, left), "clock_nanosleep")
GUARDED(int, thrd_sleep, (const struct timespec *time, struct timespec *left), (time, left), "thrd_sleep")

GUARDED(int, poll, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout),
        timeout != 0 ? "poll" : NULL)
GUARDED(int, __poll_chk, (struct pollfd * fds, nfds_t n, int timeout, size_t bytes), (fds, n, timeout, bytes),
        timeout != 0 ? "poll" : NULL)
GUARDED(int, ppoll, (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask),
        (fds, n, timeout, mask), waits(timeout) ? "ppoll" : NULL)
GUARDED(int, __ppoll_chk,
        (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t bytes),
        (fds, n, timeout, mask, bytes), waits(timeout) ? "ppoll" : NULL)
GUARDED(int, select, (int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout),
        (n, in, out, except, timeout), waits_us(timeout) ? "select" : NULL)
GUARDED(int, pselect,
        (int n, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
         const sigset_t *mask),
        (n, in, out, except, timeout, mask), waits(timeout) ? "pselect" : NULL)
GUARDED(int, epoll_wait, (int fd, struct epoll_event *events, int most, int timeout),
        (fd, events, most, timeout), timeout != 0 ? "epoll_wait" : NULL)
GUARDED(int, epoll_pwait, (int fd, struct epoll_event *events, int most, int timeout, const sigset_t *mask),
        (fd, events, most, timeout, mask), timeout != 0 ? "epoll_pwait" : NULL)
GUARDED(int, epoll_pwait2,
        (int fd, struct epoll_event *events, int most, const struct timespec *timeout, const sigset_t *mask),
        (fd, events, most, timeout, mask), waits(timeout) ? "epoll_pwait2" : NULL)

GUARDED(int, pause, (void), (), "pause")
GUARDED(int, sigsuspend, (const sigset_t *mask), (mask), "sigsuspend")
GUARDED(int, sigwait, (const sigset_t *set, int *number), (set, number), "sigwait")
GUARDED(int, sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info), "sigwaitinfo")
GUARDED(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout),
        (set, info, timeout), waits(timeout) ? "sigtimedwait" : NULL)

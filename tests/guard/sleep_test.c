/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "guard/sins.h"

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t bytes);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                size_t bytes);

static const struct timespec soon = {0, 1000}, now;

/* --- sleeping --- */

static void sleeps(void)
{
    assert_int_equal(sleep(0), 0);
}

static void sleeps_us(void)
{
    assert_int_equal(usleep(1), 0);
}

static void sleeps_ns(void)
{
    assert_int_equal(nanosleep(&soon, NULL), 0);
}

static void sleeps_by_clock(void)
{
    assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL), 0);
}

static void sleeps_as_c11(void)
{
    assert_int_equal(thrd_sleep(&soon, NULL), 0);
}

static void sleeps_as_task(void)
{
    assert_int_equal(weir_sleep(weir_us(10)), 0);
}

/* --- waiting for descriptors: there is something to read, and still it may wait --- */

static int readable(void)
{
    int fd = eventfd(1, EFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void poll_with(int timeout)
{
    struct pollfd p = {.fd = readable(), .events = POLLIN};

    assert_int_equal(poll(&p, 1, timeout), 1);
    close(p.fd);
}

static void polls(void)
{
    poll_with(-1);
}

static void polls_now(void)
{
    poll_with(0);
}

static void poll_checked_with(int timeout)
{
    struct pollfd p = {.fd = readable(), .events = POLLIN};

    assert_int_equal(__poll_chk(&p, 1, timeout, sizeof p), 1);
    close(p.fd);
}

static void polls_checked(void)
{
    poll_checked_with(1000);
}

static void polls_checked_now(void)
{
    poll_checked_with(0);
}

static void ppoll_with(const struct timespec *timeout)
{
    struct pollfd p = {.fd = readable(), .events = POLLIN};

    assert_int_equal(ppoll(&p, 1, timeout, NULL), 1);
    close(p.fd);
}

static void ppolls(void)
{
    ppoll_with(NULL);
}

static void ppolls_now(void)
{
    ppoll_with(&now);
}

static void ppoll_checked_with(const struct timespec *timeout)
{
    struct pollfd p = {.fd = readable(), .events = POLLIN};

    assert_int_equal(__ppoll_chk(&p, 1, timeout, NULL, sizeof p), 1);
    close(p.fd);
}

static void ppolls_checked(void)
{
    ppoll_checked_with(&soon);
}

static void ppolls_checked_now(void)
{
    ppoll_checked_with(&now);
}

static void select_with(struct timeval *timeout)
{
    int fd = readable();
    fd_set in;

    FD_ZERO(&in);
    FD_SET(fd, &in);
    assert_int_equal(select(fd + 1, &in, NULL, NULL, timeout), 1);
    close(fd);
}

static void selects(void)
{
    select_with(NULL);
}

static void selects_now(void)
{
    struct timeval none = {0, 0};

    select_with(&none);
}

static void pselect_with(const struct timespec *timeout)
{
    int fd = readable();
    fd_set in;

    FD_ZERO(&in);
    FD_SET(fd, &in);
    assert_int_equal(pselect(fd + 1, &in, NULL, NULL, timeout, NULL), 1);
    close(fd);
}

static void pselects(void)
{
    pselect_with(&soon);
}

static void pselects_now(void)
{
    pselect_with(&now);
}

static int epoll_of(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(EPOLL_CLOEXEC);

    assert_true(set >= 0);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    return set;
}

static void epoll_with(int timeout, int (*wait)(int set, struct epoll_event *event, int timeout))
{
    struct epoll_event event;
    int fd = readable(), set = epoll_of(fd);

    assert_int_equal(wait(set, &event, timeout), 1);
    close(set);
    close(fd);
}

static int plain(int set, struct epoll_event *event, int timeout)
{
    return epoll_wait(set, event, 1, timeout);
}

static int with_mask(int set, struct epoll_event *event, int timeout)
{
    return epoll_pwait(set, event, 1, timeout, NULL);
}

static int with_ns(int set, struct epoll_event *event, int timeout)
{
    return epoll_pwait2(set, event, 1, timeout != 0 ? &soon : &now, NULL);
}

static void epolls(void)
{
    epoll_with(-1, plain);
}

static void epolls_now(void)
{
    epoll_with(0, plain);
}

static void epolls_with_mask(void)
{
    epoll_with(1, with_mask);
}

static void epolls_with_mask_now(void)
{
    epoll_with(0, with_mask);
}

static void epolls_with_ns(void)
{
    epoll_with(1, with_ns);
}

static void epolls_with_ns_now(void)
{
    epoll_with(0, with_ns);
}

/* --- waiting for signals --- */

static void ignore(int number)
{
    (void)number;
}

/* Sets a timer: SIGALRM each millisecond, or never. */
static void tick(long us)
{
    struct itimerval timer = {{0, us}, {0, us}};

    assert_true(signal(SIGALRM, ignore) != SIG_ERR);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void pauses(void)
{
    tick(1000);
    assert_int_equal(pause(), -1);
    tick(0);
}

static void suspends(void)
{
    sigset_t none;

    sigemptyset(&none);
    tick(1000);
    assert_int_equal(sigsuspend(&none), -1);
    tick(0);
}

/* One signal is pending, and blocked. */
static sigset_t pending(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    return set;
}

static void waits_for_signal(void)
{
    sigset_t set = pending();
    int number;

    assert_int_equal(sigwait(&set, &number), 0);
}

static void waits_for_signal_info(void)
{
    sigset_t set = pending();

    assert_int_equal(sigwaitinfo(&set, NULL), SIGUSR1);
}

static void waits_for_signal_in_time(void)
{
    sigset_t set = pending();

    assert_int_equal(sigtimedwait(&set, NULL, &soon), SIGUSR1);
}

static void takes_signal(void)
{
    sigset_t set = pending();

    assert_int_equal(sigtimedwait(&set, NULL, &now), SIGUSR1);
}

static void sleeping_and_waiting_is_caught(void **state)
{
    static const struct sin sins[] = {
        {"sleep", "weir_sleep()", sleeps, sleeps_as_task},
        {"usleep", "weir_sleep()", sleeps_us, NULL},
        {"nanosleep", "weir_sleep()", sleeps_ns, NULL},
        {"clock_nanosleep", "weir_sleep()", sleeps_by_clock, NULL},
        {"thrd_sleep", "weir_sleep()", sleeps_as_c11, NULL},
        {"poll", "weir_wait_fd()", polls, polls_now},
        {"ppoll", "weir_wait_fd()", ppolls, ppolls_now},
        {"select", "weir_wait_fd()", selects, selects_now},
        {"pselect", "weir_wait_fd()", pselects, pselects_now},
        {"epoll_wait", "weir_wait_fd()", epolls, epolls_now},
        {"epoll_pwait", "weir_wait_fd()", epolls_with_mask, epolls_with_mask_now},
        {"epoll_pwait2", "weir_wait_fd()", epolls_with_ns, epolls_with_ns_now},
        {"pause", "weir_signals_wait()", pauses, NULL},
        {"sigsuspend", "weir_signals_wait()", suspends, NULL},
        {"sigwait", "weir_signals_wait()", waits_for_signal, NULL},
        {"sigwaitinfo", "weir_signals_wait()", waits_for_signal_info, NULL},
        {"sigtimedwait", "weir_signals_wait()", waits_for_signal_in_time, takes_signal},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

/* The names the compiler uses instead when it knows the size of a buffer: the same calls, other places.
 */
static void checked_forms_are_the_same_calls(void **state)
{
    uint64_t polled, ppolled;

    (void)state;

    need_guard();
    polled = weir_guard_call_count("poll");
    ppolled = weir_guard_call_count("ppoll");
    in_task(polls_checked_now);
    in_task(ppolls_checked_now);
    assert_int_equal(weir_guard_call_count("poll") + weir_guard_call_count("ppoll"), polled + ppolled);
    in_task(polls_checked);
    in_task(ppolls_checked);
    assert_int_equal(weir_guard_call_count("poll"), polled + 1);
    assert_int_equal(weir_guard_call_count("ppoll"), ppolled + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeping_and_waiting_is_caught),
        cmocka_unit_test(checked_forms_are_the_same_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The table of calls. */
#include "guard/calls.h"

#include <string.h>

#include <weir/guard.h>

#define SLEEP "weir_sleep()"
#define POLL "weir_wait_fd(), or weir_select() between tasks"
#define READ                                                                                                 \
    "weir_read() of a weir_stream; another descriptor: O_NONBLOCK, and weir_wait_fd(fd, POLLIN) before"
#define WRITE                                                                                                \
    "weir_write() to a weir_stream; another descriptor: O_NONBLOCK, and weir_wait_fd(fd, POLLOUT) before"
#define POOL "weir_offload(weir_pool_blocking(), …)"
#define NAMES                                                                                                 \
    "weir_resolve(), or the name itself to weir_connect() or a URL; weir_offload(weir_pool_blocking(), …) " \
    "of this call"
#define COMMAND "weir_process_start(), or " POOL
#define CHILD                                                                                                \
    "weir_process_start() and weir_process_wait(); another child: weir_wait_fd() of a pidfd_open(), then "   \
    "waitpid(…, WNOHANG)"
#define THREAD                                                                                               \
    "weir_offload() instead of a thread of your own; or weir_wait_fd() of an eventfd that it writes to"
#define TASKS                                                                                                \
    "weir_event, weir_semaphore or weir_channel between tasks; weir_offload() for what a thread does"
#define SIGNALS "weir_signals_wait()"
#define QUEUE "IPC_NOWAIT or O_NONBLOCK; or weir_offload(weir_pool_blocking(), …)"
#define FILE_LOCK                                                                                            \
    "the form that does not wait, and weir_sleep() between tries; or weir_offload(weir_pool_blocking(), …)"
#define LOCK "weir_mutex; or unlock before the task waits"

/* Sorted by name. */
static const struct {
    const char *name, *hint;
} calls[] = {
    {"accept", "weir_accept()"},
    {"accept4", "weir_accept()"},
    {"aio_suspend", POOL},
    {"clock_nanosleep", SLEEP},
    {"cnd_timedwait", TASKS},
    {"cnd_wait", TASKS},
    {"connect", "weir_connect()"},
    {"copy_file_range:file", POOL},
    {"epoll_pwait", POLL},
    {"epoll_pwait2", POLL},
    {"epoll_wait", POLL},
    {"fcntl", FILE_LOCK},
    {"fdatasync", POOL},
    {"flock", FILE_LOCK},
    {"fsync", POOL},
    {"gai_suspend", NAMES},
    {"getaddrinfo", NAMES},
    {"getgrgid", POOL},
    {"getgrgid_r", POOL},
    {"getgrnam", POOL},
    {"getgrnam_r", POOL},
    {"getgrouplist", POOL},
    {"gethostbyaddr", POOL},
    {"gethostbyaddr_r", POOL},
    {"gethostbyname", NAMES},
    {"gethostbyname2", NAMES},
    {"gethostbyname2_r", NAMES},
    {"gethostbyname_r", NAMES},
    {"getnameinfo", POOL},
    {"getpwnam", POOL},
    {"getpwnam_r", POOL},
    {"getpwuid", POOL},
    {"getpwuid_r", POOL},
    {"initgroups", POOL},
    {"lockf", FILE_LOCK},
    {"mq_receive", QUEUE},
    {"mq_send", QUEUE},
    {"mq_timedreceive", QUEUE},
    {"mq_timedsend", QUEUE},
    {"msgrcv", QUEUE},
    {"msgsnd", QUEUE},
    {"msync", POOL},
    {"mtx_lock", LOCK},
    {"mtx_timedlock", LOCK},
    {"mtx_trylock", LOCK},
    {"nanosleep", SLEEP},
    {"pause", SIGNALS},
    {"pclose", POOL},
    {"poll", POLL},
    {"popen", COMMAND},
    {"ppoll", POLL},
    {"pread:file", POOL},
    {"preadv2:file", POOL},
    {"preadv:file", POOL},
    {"pselect", POLL},
    {"pthread_barrier_wait", TASKS},
    {"pthread_clockjoin_np", THREAD},
    {"pthread_cond_clockwait", TASKS},
    {"pthread_cond_timedwait", TASKS},
    {"pthread_cond_wait", TASKS},
    {"pthread_join", THREAD},
    {"pthread_mutex_clocklock", LOCK},
    {"pthread_mutex_lock", LOCK},
    {"pthread_mutex_timedlock", LOCK},
    {"pthread_mutex_trylock", LOCK},
    {"pthread_rwlock_clockrdlock", LOCK},
    {"pthread_rwlock_clockwrlock", LOCK},
    {"pthread_rwlock_rdlock", LOCK},
    {"pthread_rwlock_timedrdlock", LOCK},
    {"pthread_rwlock_timedwrlock", LOCK},
    {"pthread_rwlock_tryrdlock", LOCK},
    {"pthread_rwlock_trywrlock", LOCK},
    {"pthread_rwlock_wrlock", LOCK},
    {"pthread_spin_lock", LOCK},
    {"pthread_spin_trylock", LOCK},
    {"pthread_timedjoin_np", THREAD},
    {"pwrite:file", POOL},
    {"pwritev2:file", POOL},
    {"pwritev:file", POOL},
    {"read", READ},
    {"read:file", POOL},
    {"readv", READ},
    {"readv:file", POOL},
    {"recv", READ},
    {"recvfrom", READ},
    {"recvmmsg", READ},
    {"recvmsg", READ},
    {"select", POLL},
    {"sem_clockwait", TASKS},
    {"sem_timedwait", TASKS},
    {"sem_wait", TASKS},
    {"semop", QUEUE},
    {"semtimedop", QUEUE},
    {"send", WRITE},
    {"sendfile", WRITE},
    {"sendfile:file", POOL},
    {"sendmmsg", WRITE},
    {"sendmsg", WRITE},
    {"sendto", WRITE},
    {"sigsuspend", SIGNALS},
    {"sigtimedwait", SIGNALS},
    {"sigwait", SIGNALS},
    {"sigwaitinfo", SIGNALS},
    {"sleep", SLEEP},
    {"splice", WRITE},
    {"splice:file", POOL},
    {"sync", POOL},
    {"sync_file_range", POOL},
    {"syncfs", POOL},
    {"system", COMMAND},
    {"tee", WRITE},
    {"thrd_join", THREAD},
    {"thrd_sleep", SLEEP},
    {"usleep", SLEEP},
    {"vmsplice", WRITE},
    {"wait", CHILD},
    {"wait3", CHILD},
    {"wait4", CHILD},
    {"waitid", CHILD},
    {"waitpid", CHILD},
    {"write", WRITE},
    {"write:file", POOL},
    {"writev", WRITE},
    {"writev:file", POOL},
};
enum { CALLS = sizeof calls / sizeof calls[0] };
_Static_assert(sizeof calls / sizeof calls[0] <= WEIR__GUARD_CALLS_MAX,
               "a weir_guard_allow has a bit for each");

const char *weir_guard_call_name(size_t i)
{
    return i < CALLS ? calls[i].name : NULL;
}

int weir__guard_call_find(const char *name, size_t length)
{
    int low = 0, high = CALLS;

    while (low < high) {
        int middle = (low + high) / 2;
        int order = strncmp(name, calls[middle].name, length);
        if (order == 0 && calls[middle].name[length] == '\0')
            return middle;
        if (order > 0)
            low = middle + 1;
        else /* also when the name is only a prefix */
            high = middle;
    }
    return -1;
}

const char *weir__guard_call_hint(int call)
{
    return calls[call].hint;
}

#include "core/guard_calls.h"

#include <string.h>

#include <weir/guard.h>

#define SLEEP "weir_sleep()"
#define POLL "weir_wait_fd(), or weir_select() between tasks"
#define READ                                                                                                 \
    "weir_read() of a weir_stream; another descriptor: O_NONBLOCK, and weir_wait_fd(fd, POLLIN) before"
#define WRITE                                                                                                \
    "weir_write() to a weir_stream; another descriptor: O_NONBLOCK, and weir_wait_fd(fd, POLLOUT) before"
#define POOL "weir_offload(weir_pool_blocking(), …)"
#define NAMES "weir_connect(), which resolves names itself; or weir_offload(weir_pool_blocking(), …)"
#define CHILD "weir_wait_fd() of a pidfd_open(), then waitpid(…, WNOHANG)"
#define THREAD                                                                                               \
    "weir_offload() instead of a thread of your own; or weir_wait_fd() of an eventfd that it writes to"
#define TASKS                                                                                                \
    "weir_event, weir_semaphore or weir_channel between tasks; weir_offload() for what a thread does"
#define SIGNALS "weir_signals_wait()"
#define QUEUE "IPC_NOWAIT or O_NONBLOCK; or weir_offload(weir_pool_blocking(), …)"
#define FILE_LOCK                                                                                            \
    "the form that does not wait, and weir_sleep() between tries; or weir_offload(weir_pool_blocking(), …)"
#define LOCK "weir_mutex; or unlock before the task waits"

static const struct {
    const char *name, *hint;
} calls[] = {
    {"sleep", SLEEP},
    {"usleep", SLEEP},
    {"nanosleep", SLEEP},
    {"clock_nanosleep", SLEEP},
    {"thrd_sleep", SLEEP},
    {"pause", SIGNALS},
    {"sigsuspend", SIGNALS},
    {"sigwait", SIGNALS},
    {"sigwaitinfo", SIGNALS},
    {"sigtimedwait", SIGNALS},
    {"poll", POLL},
    {"ppoll", POLL},
    {"select", POLL},
    {"pselect", POLL},
    {"epoll_wait", POLL},
    {"epoll_pwait", POLL},
    {"epoll_pwait2", POLL},
    {"read", READ},
    {"readv", READ},
    {"recv", READ},
    {"recvfrom", READ},
    {"recvmsg", READ},
    {"recvmmsg", READ},
    {"write", WRITE},
    {"writev", WRITE},
    {"send", WRITE},
    {"sendto", WRITE},
    {"sendmsg", WRITE},
    {"sendmmsg", WRITE},
    {"accept", "weir_accept()"},
    {"accept4", "weir_accept()"},
    {"connect", "weir_connect()"},
    {"sendfile", WRITE},
    {"splice", WRITE},
    {"tee", WRITE},
    {"vmsplice", WRITE},
    {"read:file", POOL},
    {"readv:file", POOL},
    {"pread:file", POOL},
    {"preadv:file", POOL},
    {"preadv2:file", POOL},
    {"write:file", POOL},
    {"writev:file", POOL},
    {"pwrite:file", POOL},
    {"pwritev:file", POOL},
    {"pwritev2:file", POOL},
    {"sendfile:file", POOL},
    {"splice:file", POOL},
    {"copy_file_range:file", POOL},
    {"fsync", POOL},
    {"fdatasync", POOL},
    {"sync", POOL},
    {"syncfs", POOL},
    {"sync_file_range", POOL},
    {"msync", POOL},
    {"flock", FILE_LOCK},
    {"fcntl", FILE_LOCK},
    {"lockf", FILE_LOCK},
    {"getaddrinfo", NAMES},
    {"getnameinfo", POOL},
    {"gethostbyname", NAMES},
    {"gethostbyname_r", NAMES},
    {"gethostbyname2", NAMES},
    {"gethostbyname2_r", NAMES},
    {"gethostbyaddr", POOL},
    {"gethostbyaddr_r", POOL},
    {"gai_suspend", NAMES},
    {"getpwnam", POOL},
    {"getpwnam_r", POOL},
    {"getpwuid", POOL},
    {"getpwuid_r", POOL},
    {"getgrnam", POOL},
    {"getgrnam_r", POOL},
    {"getgrgid", POOL},
    {"getgrgid_r", POOL},
    {"getgrouplist", POOL},
    {"initgroups", POOL},
    {"wait", CHILD},
    {"waitpid", CHILD},
    {"waitid", CHILD},
    {"wait3", CHILD},
    {"wait4", CHILD},
    {"system", POOL},
    {"popen", POOL},
    {"pclose", POOL},
    {"pthread_join", THREAD},
    {"pthread_timedjoin_np", THREAD},
    {"pthread_clockjoin_np", THREAD},
    {"thrd_join", THREAD},
    {"pthread_cond_wait", TASKS},
    {"pthread_cond_timedwait", TASKS},
    {"pthread_cond_clockwait", TASKS},
    {"cnd_wait", TASKS},
    {"cnd_timedwait", TASKS},
    {"sem_wait", TASKS},
    {"sem_timedwait", TASKS},
    {"sem_clockwait", TASKS},
    {"pthread_barrier_wait", TASKS},
    {"msgrcv", QUEUE},
    {"msgsnd", QUEUE},
    {"mq_receive", QUEUE},
    {"mq_timedreceive", QUEUE},
    {"mq_send", QUEUE},
    {"mq_timedsend", QUEUE},
    {"semop", QUEUE},
    {"semtimedop", QUEUE},
    {"aio_suspend", POOL},
    {"pthread_mutex_lock", LOCK},
    {"pthread_mutex_trylock", LOCK},
    {"pthread_mutex_timedlock", LOCK},
    {"pthread_mutex_clocklock", LOCK},
    {"pthread_rwlock_rdlock", LOCK},
    {"pthread_rwlock_tryrdlock", LOCK},
    {"pthread_rwlock_timedrdlock", LOCK},
    {"pthread_rwlock_clockrdlock", LOCK},
    {"pthread_rwlock_wrlock", LOCK},
    {"pthread_rwlock_trywrlock", LOCK},
    {"pthread_rwlock_timedwrlock", LOCK},
    {"pthread_rwlock_clockwrlock", LOCK},
    {"pthread_spin_lock", LOCK},
    {"pthread_spin_trylock", LOCK},
    {"mtx_lock", LOCK},
    {"mtx_trylock", LOCK},
    {"mtx_timedlock", LOCK},
};
enum { CALLS = sizeof calls / sizeof calls[0] };
_Static_assert(sizeof calls / sizeof calls[0] <= WEIR__GUARD_CALLS_MAX,
               "a weir_guard_allow has a bit for each");

const char *weir_guard_name(size_t i)
{
    return i < CALLS ? calls[i].name : NULL;
}

int weir__guard_call_find(const char *name, size_t length)
{
    for (int i = 0; i < CALLS; i++)
        if (strncmp(calls[i].name, name, length) == 0 && calls[i].name[length] == '\0')
            return i;
    return -1;
}

const char *weir__guard_call_hint(int call)
{
    return calls[call].hint;
}

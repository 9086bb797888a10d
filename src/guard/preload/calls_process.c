/* SPDX-License-Identifier: MIT */
/* Waits for other processes: their end, their messages. */
#include "guard/preload/preload.h"

#include <aio.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include "guard/preload/descriptor.h"

#define UNLESS_NOHANG(name) ((options & WNOHANG) != 0 ? NULL : name)

GUARDED(pid_t, wait, (int *status), (status), "wait")
GUARDED(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options),
        UNLESS_NOHANG("waitpid"))
GUARDED(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options),
        UNLESS_NOHANG("waitid"))
GUARDED(pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage),
        UNLESS_NOHANG("wait3"))
GUARDED(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
        (pid, status, options, usage), UNLESS_NOHANG("wait4"))
GUARDED(int, system, (const char *command), (command), "system")
GUARDED(FILE *, popen, (const char *command, const char *mode), (command, mode), "popen")
GUARDED(int, pclose, (FILE * file), (file), "pclose")

#define UNLESS_NOWAIT(name) ((flags & IPC_NOWAIT) != 0 ? NULL : name)

GUARDED(ssize_t, msgrcv, (int queue, void *message, size_t bytes, long type, int flags),
        (queue, message, bytes, type, flags), UNLESS_NOWAIT("msgrcv"))
GUARDED(int, msgsnd, (int queue, const void *message, size_t bytes, int flags),
        (queue, message, bytes, flags), UNLESS_NOWAIT("msgsnd"))

/* A message queue is a descriptor, with O_NONBLOCK among its flags. */
GUARDED(ssize_t, mq_receive, (mqd_t queue, char *message, size_t bytes, unsigned *priority),
        (queue, message, bytes, priority), weir__blocking_call(queue, "mq_receive"))
GUARDED(ssize_t, mq_timedreceive,
        (mqd_t queue, char *message, size_t bytes, unsigned *priority, const struct timespec *until),
        (queue, message, bytes, priority, until), weir__blocking_call(queue, "mq_timedreceive"))
GUARDED(int, mq_send, (mqd_t queue, const char *message, size_t bytes, unsigned priority),
        (queue, message, bytes, priority), weir__blocking_call(queue, "mq_send"))
GUARDED(int, mq_timedsend,
        (mqd_t queue, const char *message, size_t bytes, unsigned priority, const struct timespec *until),
        (queue, message, bytes, priority, until), weir__blocking_call(queue, "mq_timedsend"))

/* Only a decrement of a semaphore, or a wait for zero, may wait. */
static const char *takes(const struct sembuf *steps, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (steps[i].sem_op <= 0 && (steps[i].sem_flg & IPC_NOWAIT) == 0)
            return name;
    return NULL;
}

GUARDED(int, semop, (int set, struct sembuf *steps, size_t n), (set, steps, n), takes(steps, n, "semop"))
GUARDED(int, semtimedop, (int set, struct sembuf *steps, size_t n, const struct timespec *timeout),
        (set, steps, n, timeout), takes(steps, n, "semtimedop"))

GUARDED(int, aio_suspend, (const struct aiocb *const list[], int n, const struct timespec *timeout),
        (list, n, timeout), "aio_suspend")
GUARDED(int, aio_suspend64, (const struct aiocb64 *const list[], int n, const struct timespec *timeout),
        (list, n, timeout), "aio_suspend")

/* SPDX-License-Identifier: MIT */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/sins.h"

/* --- children. There are none, so nobody waits; asking is the sin. --- */

static void waits(void)
{
    assert_int_equal(wait(NULL), -1);
    assert_int_equal(errno, ECHILD);
}

static void waits_for_one(void)
{
    assert_int_equal(waitpid(-1, NULL, 0), -1);
}

static void looks_for_one(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void waits_for_id(void)
{
    assert_int_equal(waitid(P_ALL, 0, NULL, WEXITED), -1);
}

static void looks_for_id(void)
{
    assert_int_equal(waitid(P_ALL, 0, NULL, WEXITED | WNOHANG), -1);
}

static void waits_with_usage(void)
{
    assert_int_equal(wait3(NULL, 0, NULL), -1);
}

static void looks_with_usage(void)
{
    assert_int_equal(wait3(NULL, WNOHANG, NULL), -1);
}

static void waits_for_one_with_usage(void)
{
    assert_int_equal(wait4(-1, NULL, 0, NULL), -1);
}

static void looks_for_one_with_usage(void)
{
    assert_int_equal(wait4(-1, NULL, WNOHANG, NULL), -1);
}

static void runs_command(void)
{
    assert_int_equal(system("true"), 0);
}

static FILE *piped;

/* Closed outside the task that opened it, so that each task makes one call. */
static void opens_command(void)
{
    piped = popen("true", "r");
    assert_non_null(piped);
}

static void closes_command(void)
{
    assert_int_equal(pclose(piped), 0);
}

static void opens_and_allows_closing(void)
{
    weir_guard_allow allow;

    opens_command();
    weir_guard_allow_begin(&allow, "pclose");
    closes_command();
    weir_guard_allow_end(&allow);
}

static void closes_and_allows_opening(void)
{
    weir_guard_allow allow;

    weir_guard_allow_begin(&allow, "popen");
    opens_command();
    weir_guard_allow_end(&allow);
    closes_command();
}

static void child_waits(void)
{
    pid_t pid = fork();
    siginfo_t info;

    assert_true(pid >= 0);
    if (pid == 0) { /* the child of a fork has no loop */
        uint64_t before = caught();
        usleep(1);
        _exit(caught() == before ? 0 : 1);
    }
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
        (void)weir_sleep(weir_ms(1));
    assert_int_equal(info.si_status, 0);
}

static void waiting_for_children_is_caught(void **state)
{
    static const struct sin sins[] = {
        {"wait", "weir_process_wait()", waits, NULL},
        {"waitpid", "weir_process_wait()", waits_for_one, looks_for_one},
        {"waitid", "weir_process_wait()", waits_for_id, looks_for_id},
        {"wait3", "weir_process_wait()", waits_with_usage, looks_with_usage},
        {"wait4", "weir_process_wait()", waits_for_one_with_usage, looks_for_one_with_usage},
        {"system", "weir_process_start", runs_command, NULL},
        {"popen", "weir_process_start", opens_and_allows_closing, NULL},
        {"pclose", "weir_offload", closes_and_allows_opening, NULL},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

static void a_child_is_no_loop(void **state)
{
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    in_task(child_waits);
    assert_int_equal(caught(), before);
}

/* --- messages between processes --- */

struct text {
    long type;
    char text[1];
};

static int message_queue(void)
{
    const struct text text = {1, "x"};
    int queue = msgget(IPC_PRIVATE, 0600);

    assert_true(queue >= 0);
    assert_int_equal(msgsnd(queue, &text, 1, IPC_NOWAIT), 0);
    return queue;
}

static void with_message_queue(int flags, bool receive)
{
    struct text text = {1, "x"};
    int queue = message_queue();

    if (receive)
        assert_int_equal(msgrcv(queue, &text, 1, 0, flags), 1);
    else
        assert_int_equal(msgsnd(queue, &text, 1, flags), 0);
    assert_int_equal(msgctl(queue, IPC_RMID, NULL), 0);
}

static void receives_message(void)
{
    with_message_queue(0, true);
}

static void receives_message_now(void)
{
    with_message_queue(IPC_NOWAIT, true);
}

static void sends_message(void)
{
    with_message_queue(0, false);
}

static void sends_message_now(void)
{
    with_message_queue(IPC_NOWAIT, false);
}

static void operate(short by, short flags, const struct timespec *timeout)
{
    struct sembuf add = {0, 1, 0}, step = {0, by, flags};
    int set = semget(IPC_PRIVATE, 1, 0600);

    assert_true(set >= 0);
    assert_int_equal(semop(set, &add, 1), 0); /* adding never waits */
    assert_int_equal(timeout != NULL ? semtimedop(set, &step, 1, timeout) : semop(set, &step, 1), 0);
    assert_int_equal(semctl(set, 0, IPC_RMID), 0);
}

static const struct timespec second = {1, 0};

static void takes(void)
{
    operate(-1, 0, NULL);
}

static void takes_now(void)
{
    operate(-1, IPC_NOWAIT, NULL);
}

static void takes_in_time(void)
{
    operate(-1, 0, &second);
}

static void takes_in_no_time(void)
{
    operate(-1, IPC_NOWAIT, &second);
}

static mqd_t posix_queue(int flags)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 8};
    char name[32];
    mqd_t queue;

    snprintf(name, sizeof name, "/weir-guard-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NONBLOCK, 0600, &attr);
    assert_true(queue >= 0);
    assert_int_equal(mq_unlink(name), 0);
    assert_int_equal(mq_send(queue, "x", 1, 0), 0);
    attr.mq_flags = flags;
    assert_int_equal(mq_setattr(queue, &attr, NULL), 0);
    return queue;
}

static void with_posix_queue(int flags, bool receive, const struct timespec *until)
{
    mqd_t queue = posix_queue(flags);
    char text[8];

    if (receive && until != NULL)
        assert_int_equal(mq_timedreceive(queue, text, sizeof text, NULL, until), 1);
    else if (receive)
        assert_int_equal(mq_receive(queue, text, sizeof text, NULL), 1);
    else if (until != NULL)
        assert_int_equal(mq_timedsend(queue, "x", 1, 0, until), 0);
    else
        assert_int_equal(mq_send(queue, "x", 1, 0), 0);
    mq_close(queue);
}

#define ON_QUEUE(name, receive, until)                                                                       \
    static void name(void)                                                                                   \
    {                                                                                                        \
        with_posix_queue(0, receive, until);                                                                 \
    }                                                                                                        \
    static void name##_now(void)                                                                             \
    {                                                                                                        \
        with_posix_queue(O_NONBLOCK, receive, until);                                                        \
    }

ON_QUEUE(queue_receives, true, NULL)
ON_QUEUE(queue_receives_in_time, true, &second)
ON_QUEUE(queue_sends, false, NULL)
ON_QUEUE(queue_sends_in_time, false, &second)

static void suspends(void)
{
    const struct aiocb *const none[1] = {NULL};

    (void)aio_suspend(none, 1, &(struct timespec){0, 1});
}

static void suspends64(void)
{
    const struct aiocb64 *const none[1] = {NULL};

    (void)aio_suspend64(none, 1, &(struct timespec){0, 1});
}

static void messages_between_processes_are_caught(void **state)
{
    static const struct sin sins[] = {
        {"msgrcv", "IPC_NOWAIT", receives_message, receives_message_now},
        {"msgsnd", "IPC_NOWAIT", sends_message, sends_message_now},
        {"semop", "IPC_NOWAIT", takes, takes_now},
        {"semtimedop", "IPC_NOWAIT", takes_in_time, takes_in_no_time},
        {"mq_receive", "O_NONBLOCK", queue_receives, queue_receives_now},
        {"mq_timedreceive", "O_NONBLOCK", queue_receives_in_time, queue_receives_in_time_now},
        {"mq_send", "O_NONBLOCK", queue_sends, queue_sends_now},
        {"mq_timedsend", "O_NONBLOCK", queue_sends_in_time, queue_sends_in_time_now},
        {"aio_suspend", "weir_offload", suspends, NULL},
    };
    uint64_t before;

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
    before = weir_guard_call_count("aio_suspend");
    in_task(suspends64);
    assert_int_equal(weir_guard_call_count("aio_suspend"), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_children_is_caught),
        cmocka_unit_test(a_child_is_no_loop),
        cmocka_unit_test(messages_between_processes_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

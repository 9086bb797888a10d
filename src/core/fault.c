/* SPDX-License-Identifier: MIT */
#include "core/fault.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>

#include "core/loop.h"
#include "core/task_record.h"

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { FATAL = sizeof fatal / sizeof *fatal, LINE_BYTES = 160, AWAIT_MS = 1000 };

static struct sigaction before[FATAL];
static pthread_mutex_t watching = PTHREAD_MUTEX_INITIALIZER;

static void put(char *out, size_t room, const char *text)
{
    size_t at = strlen(out);
    size_t n = strlen(text);

    if (at + n + 1 > room)
        n = room - at - 1;
    memcpy(out + at, text, n);
    out[at + n] = '\0';
}

/* Writes a line to stderr. The log's writer goes on meanwhile. A reader that stands still does not keep the
 * program from ending. */
static void write_line(const char *line)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (line[0] != '\0' && poll(&room, 1, AWAIT_MS) == 1)
        (void)!write(STDERR_FILENO, line, strlen(line));
}

static void name_overflow(const siginfo_t *info, char line[LINE_BYTES])
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__task *task = loop != NULL ? loop->running : NULL;
    char *at = info->si_addr;

    if (task == NULL || task->stack == NULL || at < task->stack ||
        at >= task->stack + loop->stacks.guard_bytes)
        return;
    put(line, LINE_BYTES, "weir: task \"");
    put(line, LINE_BYTES, task->name);
    put(line, LINE_BYTES, "\" ran out of stack; raise weir_options.stack_bytes or use less of it\n");
}

/* Restores the handler before. A fault happens again on return, a signal that was sent is sent again. */
static void fault(int number, siginfo_t *info, void *context)
{
    char line[LINE_BYTES] = "";

    (void)context;
    if (number == SIGSEGV)
        name_overflow(info, line);
    (void)weir_log_flush(weir_ms(AWAIT_MS));
    write_line(line);
    for (size_t i = 0; i < FATAL; i++)
        if (fatal[i] == number)
            (void)sigaction(number, &before[i], NULL);
    if (info->si_code <= 0)
        (void)raise(number);
}

void weir__faults_handle(void)
{
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction now;

    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&watching);
    for (size_t i = 0; i < FATAL; i++)
        if (sigaction(fatal[i], NULL, &now) == 0 && now.sa_sigaction != fault &&
            sigaction(fatal[i], &action, NULL) == 0)
            before[i] = now;
    pthread_mutex_unlock(&watching);
}

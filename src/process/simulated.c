/* SPDX-License-Identifier: MIT */
/* A simulated process: a task in the scope of the process, shielded, so that it learns of a cancel as a
 * process does: by a signal. What is uncertain with processes is drawn from the seed: how long one takes to
 * start, and a signal to come. */
#include "process/simulated.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/sync.h>
#include <weir/task.h>

#include "core/misuse.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/wait_queue.h"
#include "process/options.h"
#include "process/member.h"

enum { START_MS_MAX = 5, LINES_MAX = 16, FIRST_PID = 1000 };

static const int64_t signal_ns_max = 1000000;

/* A line on its way. */
struct printed {
    char *text;
    size_t length;
    bool is_error;
};

struct weir_simulated_process {
    struct weir_process process;
    struct weir__timeout arrival; /* of what was sent */
    uint64_t sent, ignored;
    struct weir__task *task;
    weir_scope life;            /* shields its waits, and is cancelled as it is killed */
    weir_channel *lines;        /* or NULL */
    struct weir__list awaiting; /* the task of the process, until this has ended */
    struct weir__task *waiter;  /* for a signal; or NULL */
    bool runs, has_ended;
};

static weir_simulated_process *simulated_of(struct weir_process *p)
{
    return weir__container_of(p, weir_simulated_process, process);
}

static uint64_t bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

/* --- signals --- */

/* Those whose default action is to do nothing; stopping and going on are not simulated. */
static bool does_nothing(int number)
{
    return number == SIGCHLD || number == SIGURG || number == SIGWINCH || number == SIGCONT ||
           number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

static void die(weir_simulated_process *s, int number)
{
    if (s->has_ended || s->process.end.signal != 0)
        return;
    s->process.end.signal = number;
    if (s->runs)
        weir__scope_cancel(weir__scope_of(&s->life), -WEIR_ECANCELED);
}

static void receive(weir_simulated_process *s, int number)
{
    struct weir__task *waiter = s->waiter;

    if (number == SIGKILL) {
        die(s, number);
    } else if ((s->ignored & bit(number)) != 0 || (waiter == NULL && does_nothing(number))) {
        return;
    } else if (waiter != NULL) {
        s->waiter = NULL;
        weir__wake(waiter, number);
    } else {
        die(s, number);
    }
}

static void arrive(struct weir__timeout *timeout)
{
    weir_simulated_process *s = weir__container_of(timeout, weir_simulated_process, arrival);
    uint64_t sent = s->sent;

    s->sent = 0;
    for (; sent != 0; sent &= sent - 1)
        receive(s, __builtin_ctzll(sent) + 1);
}

static int send_signal(struct weir_process *p, int number, bool to_group)
{
    weir_simulated_process *s = simulated_of(p);
    struct weir__loop *loop = p->handle.loop;

    (void)to_group;
    if (s->has_ended)
        return -ESRCH;
    s->sent |= bit(number);
    if (!weir__timer_is_set(&s->arrival.timer))
        weir__timeout_set(loop, &s->arrival,
                          weir__loop_now_ns(loop) +
                              (int64_t)weir__random_below(&loop->random, (uint64_t)signal_ns_max));
    return 0;
}

/* --- the task in place of the process --- */

/* Returns: false: it was killed before it began. */
static bool begin(weir_simulated_process *s)
{
    uint64_t delay_ms = weir__random_below(&s->process.handle.loop->random, START_MS_MAX);

    return weir_sleep(weir_ms((int64_t)delay_ms)) == 0;
}

static void note_result(weir_simulated_process *s, int result)
{
    weir_process_end *end = &s->process.end;

    if (end->signal == 0 && result < 0)
        end->signal = -result;
    end->status = end->signal != 0 ? -1 : result & 0xff;
}

static int run(void *arg)
{
    weir_simulated_process *s = arg;
    weir_process_options *o = s->process.options;
    int result = 0;

    if (s->process.is_void)
        return 0;
    weir__scope_open_long_shield(&s->life, weir_never());
    s->task = weir__task_current();
    s->runs = true;
    if (s->process.end.signal != 0)
        weir_scope_cancel(&s->life);
    else if (begin(s))
        result = o->simulate(o->arg, s);
    weir__scope_check_innermost(weir__scope_of(&s->life), "a simulated process");
    s->runs = false;
    (void)weir_scope_close(&s->life);
    note_result(s, result);
    s->has_ended = true;
    weir__timeout_cancel(s->process.handle.loop, &s->arrival);
    (void)weir__queue_serve(&s->awaiting, NULL, NULL, 0, false);
    return 0;
}

/* --- the body --- */

static int await_end(struct weir_process *p, const struct weir__wait_class *wait_class)
{
    weir_simulated_process *s = simulated_of(p);
    struct weir__task *self = weir__task_current();
    int err = weir__wait_begin_of(self);

    if (err < 0 || s->has_ended)
        return err;
    return weir__queue_wait(self, &s->awaiting, NULL, p, wait_class, "weir_process_wait");
}

static void kill_rest(struct weir_process *p)
{
    (void)p;
}

static void read_lines(struct weir_process *p)
{
    weir_simulated_process *s = simulated_of(p);
    struct printed line;
    weir_scope shield;
    int err;

    do {
        weir__scope_open_long_shield(&shield, weir_never());
        err = weir_channel_receive(s->lines, &line);
        (void)weir_scope_close(&shield);
        if (err < 0)
            break;
        weir__process_give(p, line.is_error, line.text, line.length);
        free(line.text);
    } while (true);
}

static void end_reading(struct weir_process *p)
{
    if (simulated_of(p)->lines != NULL)
        weir_channel_end(simulated_of(p)->lines);
}

static void finish(struct weir_process *p)
{
    weir_channel_close(simulated_of(p)->lines);
    simulated_of(p)->lines = NULL;
}

static void free_simulated(struct weir_process *p)
{
    free(p->options);
    free(simulated_of(p));
}

static const struct weir__body body = {
    send_signal, await_end, kill_rest, read_lines, end_reading, finish, free_simulated,
};

/* --- its start --- */

static int make(const weir_process_options *options, weir_simulated_process **out)
{
    weir_simulated_process *s = calloc(1, sizeof *s);
    weir_process_options *copy = weir__process_options_copy(options);
    int err = s == NULL || copy == NULL ? -ENOMEM : 0;

    if (err == 0 && copy->output == WEIR_PROCESS_LINES)
        err = weir_channel_open(sizeof(struct printed), LINES_MAX, &s->lines);
    if (err < 0) {
        free(copy);
        free(s);
        return err;
    }
    weir__process_init(&s->process, &body, copy);
    weir__timeout_init(&s->arrival, arrive);
    weir__list_init(&s->awaiting);
    *out = s;
    return 0;
}

int weir__process_simulate(struct weir__scope *scope, const weir_process_options *options,
                           const void *opened_at, weir_process **out)
{
    uint64_t delay_ms = weir__random_below(&scope->loop->random, START_MS_MAX);
    weir_simulated_process *s = NULL;
    int err = options->simulate != NULL ? weir_sleep(weir_ms((int64_t)delay_ms)) : -ENOTSUP;

    if (err == 0)
        err = make(options, &s);
    if (err < 0)
        return err;
    s->process.pid = FIRST_PID + (pid_t)(++scope->loop->last_scope_id % (1 << 22));
    s->process.began_ns = weir_now().ns;
    err = weir__process_join(&s->process, scope, opened_at);
    if (err == 0)
        err = weir__spawn(scope, s->process.options->name, run, s, NULL);
    s->process.is_void = err < 0;
    if (err < 0)
        finish(&s->process);
    else
        *out = &s->process;
    return err;
}

/* --- for the simulated process --- */

static void check(const weir_simulated_process *s, const char *function)
{
    if (weir__calling_task(function)->loop != s->process.handle.loop || !s->runs)
        weir__misuse(function, "for a simulated process that has ended",
                     "call it in the task that stands for the process, before its function returns");
}

static void stop_waiting(struct weir__task *task)
{
    weir_simulated_process *s = task->wait_arg;

    s->waiter = NULL;
    weir__wake_cancelled(task);
}

static const struct weir__wait_class a_signal = {"a signal to a simulated process", NULL,
                                                 .charge = WEIR_CHARGE_OTHER};

int weir_simulated_process_signal(weir_simulated_process *s)
{
    struct weir__task *self = weir__calling_task(__func__);
    int err;

    check(s, __func__);
    if (s->waiter != NULL)
        weir__misuse(__func__, "while another task waits for the signals of the same process",
                     "wait for them in one task");
    err = weir__wait_begin_of(self);
    if (err < 0)
        return err;
    s->waiter = self;
    return weir__park(&a_signal, stop_waiting, s);
}

void weir_simulated_process_ignore(weir_simulated_process *s, int number)
{
    check(s, __func__);
    if (number >= 1 && number <= 64 && number != SIGKILL)
        s->ignored |= bit(number);
}

static int print_piece(weir_simulated_process *s, bool is_error, const char *text, size_t length)
{
    struct printed line = {strndup(text, length), length, is_error};
    int err = line.text != NULL ? weir_channel_send(s->lines, &line) : -ENOMEM;

    if (err < 0)
        free(line.text);
    return err;
}

int weir_simulated_process_print(weir_simulated_process *s, bool is_error, const char *line)
{
    size_t left = strlen(line);
    int err = 0;

    check(s, __func__);
    if (s->lines == NULL)
        return weir_cancelled();
    do {
        size_t length = left < WEIR_PROCESS_LINE_BYTES ? left : WEIR_PROCESS_LINE_BYTES;

        err = print_piece(s, is_error, line, length);
        line += length;
        left -= length;
    } while (err == 0 && left > 0);
    return err;
}

const weir_process_options *weir_simulated_process_options(const weir_simulated_process *s)
{
    check(s, __func__);
    return s->process.options;
}

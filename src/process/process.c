/* SPDX-License-Identifier: MIT */
/* The functions of programs. */
#include "process/member.h"

#include <errno.h>

#include "core/misuse.h"
#include "core/runtime.h"
#include "core/task.h"
#include "process/executed.h"
#include "process/options.h"
#include "process/simulated.h"

enum { SIGNAL_MAX = 64 };

static void check(const struct weir_process *p, const char *function)
{
    weir__check_loop(p->handle.loop, function, "a process");
}

int weir_process_start(weir_scope *scope, const weir_process_options *options, weir_process **out)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__scope *s = weir__scope_of(scope);
    const void *opened_at = __builtin_return_address(0);
    int err;

    weir__check_object(s->loop, self->loop, __func__, "a scope");
    err = weir__process_options_check(options);
    if (err == 0)
        err = weir__wait_begin_of(self);
    if (err == 0)
        err = s->cause;
    if (err < 0)
        return err;
    return self->loop->runtime->options.io == WEIR_IO_SIM ? weir__process_simulate(s, options, opened_at, out)
                                                          : weir__process_execute(s, options, opened_at, out);
}

int weir_process_wait(weir_process *process, weir_process_end *end)
{
    int err;

    check(process, __func__);
    err = weir__process_await(process, __func__);
    if (err == 0 && end != NULL)
        *end = process->end;
    return err;
}

int weir_process_signal(weir_process *process, int number)
{
    check(process, __func__);
    return number < 1 || number > SIGNAL_MAX ? -EINVAL : weir__process_send(process, number, false);
}

int weir_process_signal_group(weir_process *process, int number)
{
    check(process, __func__);
    return number < 1 || number > SIGNAL_MAX ? -EINVAL : weir__process_send(process, number, true);
}

int weir_process_stop(weir_process *process, weir_duration grace, weir_process_end *end)
{
    check(process, __func__);
    weir__process_ask(process, grace);
    return weir_process_wait(process, end);
}

pid_t weir_process_id(const weir_process *process)
{
    check(process, __func__);
    return process->pid;
}

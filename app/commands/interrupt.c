/* SPDX-License-Identifier: MIT */
#include "commands/interrupt.h"

#include <signal.h>

#include <weir/runtime.h>
#include <weir/scope.h>

int interrupt_cancels(void *scope)
{
    const int numbers[] = {SIGINT, SIGTERM};
    weir_signals signals;

    if (weir_signals_open(&signals, numbers, 2) < 0)
        return 0;
    if (weir_signals_wait(&signals) > 0)
        weir_scope_cancel(scope);
    weir_signals_close(&signals);
    return 0;
}

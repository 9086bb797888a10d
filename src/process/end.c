/* SPDX-License-Identifier: MIT */
/* The end of a process in words. */
#include <weir/process.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 24 };

static const char *name_of(int number, char text[NAME_BYTES])
{
    const char *name = sigabbrev_np(number);

    if (name != NULL)
        (void)snprintf(text, NAME_BYTES, "SIG%s", name);
    else
        (void)snprintf(text, NAME_BYTES, "signal %d", number);
    return text;
}

const char *weir_process_end_text(const weir_process_end *end, char *text)
{
    char name[NAME_BYTES];

    if (end->signal == SIGKILL && end->asked && end->asked_by != 0)
        (void)snprintf(text, WEIR_PROCESS_END_BYTES, "killed %.1f s after %s",
                       (double)end->after_asked.ns / 1e9, name_of(end->asked_by, name));
    else if (end->signal != 0)
        (void)snprintf(text, WEIR_PROCESS_END_BYTES, "ended by %s%s", name_of(end->signal, name),
                       end->dumped_core ? ", with a core dump" : "");
    else if (end->status >= 0)
        (void)snprintf(text, WEIR_PROCESS_END_BYTES, "exited with status %d", end->status);
    else
        (void)snprintf(text, WEIR_PROCESS_END_BYTES, "ended, reaped by another part of this program");
    return text;
}

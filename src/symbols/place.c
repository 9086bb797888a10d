/* SPDX-License-Identifier: MIT */
/* The place of an address as text, found on a thread of its own. */
#include "symbols/place.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "core/runtime.h"
#include "symbols/symbols.h"

struct question {
    struct weir__symbols *symbols;
    uintptr_t address;
    char *out;
    size_t room;
};

static void *describe(void *arg)
{
    struct question *q = arg;
    weir_frame frame;

    if (weir__symbols_name(q->symbols, q->address, true, &frame, 1) == 0)
        return NULL;
    if (frame.file != NULL)
        (void)snprintf(q->out, q->room, "%s:%d (%s)", frame.file, frame.line, frame.function);
    else
        (void)snprintf(q->out, q->room, "%s", frame.function);
    return NULL;
}

void weir__symbols_describe_place(struct weir_runtime *runtime, const void *address, char *out, size_t room)
{
    struct question q = {runtime->symbols, (uintptr_t)address, out, room};
    pthread_t thread;

    out[0] = '\0';
    if (pthread_create(&thread, NULL, describe, &q) == 0)
        (void)pthread_join(thread, NULL);
}

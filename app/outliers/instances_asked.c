/* SPDX-License-Identifier: MIT */
#include "outliers/instances_asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/backend.h>

struct looking {
    const struct gather_note *note;
    instance_address *found;
};

static const char *address_of(const weir_backend_stats *stats, unsigned number)
{
    for (size_t i = 0; i < stats->instance_count; i++)
        if (stats->instances[i].number == number)
            return stats->instances[i].address;
    return "";
}

static void look(void *arg, const weir_backend_stats *stats)
{
    const struct looking *l = arg;
    const struct gather_settings *settings = l->note->settings;

    for (size_t i = 0; i < settings->call_count; i++) {
        const struct gather_call *call = &settings->calls[i];
        if (call->backend != NULL && strcmp(call->backend->options.name, stats->name) == 0)
            (void)snprintf(l->found[i], sizeof l->found[i], "%s",
                           address_of(stats, l->note->ends[i].instance));
    }
}

instance_address *instances_asked(const struct gather_note *note, weir_runtime *runtime)
{
    struct looking l = {.note = note};

    if (runtime == NULL)
        return NULL;
    l.found = calloc(note->settings->call_count, sizeof *l.found);
    if (l.found != NULL)
        weir_backend_each(runtime, look, &l);
    return l.found;
}

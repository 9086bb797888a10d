/* SPDX-License-Identifier: MIT */
/* Naming what the waits of a foreign library are for. */
#include <weir/charge.h>

#include "core/account/attribution.h"
#include "core/misuse.h"

struct charge_wait {
    struct weir__task *task; /* NULL once ended */
    const char *name;        /* as the attribution has it */
    struct weir__attribution before;
};

static struct charge_wait *inside(weir_charge_wait *wait)
{
    _Static_assert(sizeof(struct charge_wait) <= sizeof(weir_charge_wait), "weir_charge_wait is too small");
    return (struct charge_wait *)(void *)wait;
}

void weir_charge_begin(weir_charge_wait *wait, const char *name)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__ledger *l = weir__attribution_ledger(self);
    struct charge_wait *w = inside(wait);

    w->task = self;
    w->name = l != NULL ? weir__ledger_name(l, name) : name;
    w->before = weir__attribution_on(self, WEIR_CHARGE_BACKEND, w->name);
    self->attribution.is_shown = true;
}

void weir_charge_end(weir_charge_wait *wait)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct charge_wait *w = inside(wait);

    if (w->task != self)
        weir__misuse(__func__, "of what this task has not begun, or has ended already",
                     "end each charge once, in the task that began it");
    if (!self->attribution.is_shown || self->attribution.name != w->name)
        weir__misuse(__func__, "while a charge that was begun inside it is not ended",
                     "end charges in the reverse order of the begins");
    weir__attribution_back(self, w->before);
    w->task = NULL;
}

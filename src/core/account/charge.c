/* SPDX-License-Identifier: MIT */
/* The names of charges. */
#include <weir/charge.h>

#include <stdio.h>

static const char *const names[WEIR_CHARGE_CATEGORIES] = {
    [WEIR_CHARGE_OTHER] = "other",
    [WEIR_CHARGE_HEAD] = "head",
    [WEIR_CHARGE_QUEUE] = "queue",
    [WEIR_CHARGE_RUN] = "run",
    [WEIR_CHARGE_READY] = "ready",
    [WEIR_CHARGE_STARVED] = "starved",
    [WEIR_CHARGE_THROTTLED] = "throttled",
    [WEIR_CHARGE_BODY] = "body",
    [WEIR_CHARGE_SEND] = "send",
    [WEIR_CHARGE_BACKEND] = "backend",
    [WEIR_CHARGE_SLOT] = "slot",
    [WEIR_CHARGE_DNS] = "dns",
    [WEIR_CHARGE_CONNECT] = "connect",
    [WEIR_CHARGE_TLS] = "tls",
    [WEIR_CHARGE_STREAM] = "stream",
    [WEIR_CHARGE_TIMER] = "timer",
    [WEIR_CHARGE_LOCK] = "lock",
    [WEIR_CHARGE_CALL] = "call",
    [WEIR_CHARGE_POOL_QUEUE] = "pool_queue",
    [WEIR_CHARGE_POOL_RUN] = "pool_run",
};

const char *weir_charge_category_name(enum weir_charge_category kind)
{
    return (unsigned)kind < WEIR_CHARGE_CATEGORIES ? names[kind] : names[WEIR_CHARGE_OTHER];
}

const char *weir_charge_label(const weir_charge *charge, char out[WEIR_CHARGE_LABEL_BYTES])
{
    if (charge->name == NULL)
        return weir_charge_category_name(charge->category);
    if (charge->category == WEIR_CHARGE_BACKEND)
        return charge->name;
    (void)snprintf(out, WEIR_CHARGE_LABEL_BYTES, "%s %s", weir_charge_category_name(charge->category),
                   charge->name);
    return out;
}

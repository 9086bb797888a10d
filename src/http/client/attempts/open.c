/* SPDX-License-Identifier: MIT */
/* weir_attempts: opening and closing, and the rules as public functions. */
#include <errno.h>
#include <stdlib.h>

#include "core/misuse.h"
#include "http/client/attempts/shared.h"

static void check(const weir_attempts *a, const char *function)
{
    weir__check_loop(a->handle.loop, function, "attempts");
}

static int64_t now_of(const weir_attempts *a)
{
    return weir__loop_now_ns(a->handle.loop);
}

/* --- opening and closing --- */

/* Of what was left open at the end of weir_run(). */
static bool end(struct weir__handle *h)
{
    weir__attempts_leave(weir__container_of(h, weir_attempts, handle), weir__loop_current());
    weir__handle_free(h);
    return true;
}

static void free_attempts(struct weir__handle *h)
{
    free(weir__container_of(h, weir_attempts, handle));
}

static const struct weir__handle_type handles = {"rules of second attempts", end, free_attempts};

int weir_attempts_open(const weir_attempts_options *options, weir_attempts **out)
{
    struct weir__loop *loop = weir__calling_task(__func__)->loop;
    weir_attempts *a = calloc(1, sizeof *a);
    int err;

    if (a == NULL)
        return -ENOMEM;
    err = weir__attempts_join(a, loop, options);
    if (err < 0) {
        free(a);
        return err;
    }
    weir__handle_open(&a->handle, &handles, __builtin_return_address(0));
    *out = a;
    return 0;
}

void weir_attempts_close(weir_attempts *a)
{
    if (a == NULL)
        return;
    check(a, __func__);
    weir__attempts_leave(a, a->handle.loop);
    weir__handle_close(&a->handle);
    weir__handle_free(&a->handle);
}

/* --- the rules --- */

void weir_attempts_first(weir_attempts *a)
{
    check(a, __func__);
    weir__attempts_say_alive(a, now_of(a));
    weir__attempts_first(&a->rules, now_of(a));
}

weir_duration weir_attempts_hedge_after(weir_attempts *a)
{
    check(a, __func__);
    return (weir_duration){weir__attempts_hedge_after(&a->rules, now_of(a))};
}

int weir_attempts_pay(weir_attempts *a, enum weir_attempt_kind kind, weir_duration left,
                      enum weir_attempt_denial *why)
{
    check(a, __func__);
    if (kind != WEIR_ATTEMPT_RETRY && kind != WEIR_ATTEMPT_HEDGE)
        weir__misuse(__func__, "for a first attempt", "weir_attempts_first()");
    return weir__attempts_pay(&a->rules, kind, left.ns, now_of(a), why);
}

void weir_attempts_deny(weir_attempts *a, enum weir_attempt_denial why)
{
    check(a, __func__);
    if ((unsigned)why >= WEIR_ATTEMPT_DENIALS)
        weir__misuse(__func__, "for a reason that there is not", NULL);
    weir__attempts_deny(&a->rules, why);
}

void weir_attempts_took(weir_attempts *a, weir_duration took)
{
    check(a, __func__);
    weir__attempts_took(&a->rules, took.ns, now_of(a));
}

void weir_attempts_beaten(weir_attempts *a, weir_duration took)
{
    check(a, __func__);
    weir__attempts_beaten(&a->rules, took.ns);
}

void weir_attempts_pushback(weir_attempts *a, weir_duration period)
{
    check(a, __func__);
    weir__attempts_pushback(&a->rules, period.ns, now_of(a));
}

void weir_attempts_ended(weir_attempts *a, enum weir_attempt_kind kind, enum weir_attempt_outcome outcome)
{
    check(a, __func__);
    if ((unsigned)kind >= WEIR_ATTEMPT_KINDS || (unsigned)outcome >= WEIR_ATTEMPT_OUTCOMES)
        weir__misuse(__func__, "with a kind or an outcome that there is not", NULL);
    weir__attempts_ended(&a->rules, kind, outcome);
}

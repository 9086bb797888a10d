/* SPDX-License-Identifier: MIT */
/* The policy of the guard: its mode, and the calls that are allowed. It belongs to the process, so this is
 * state outside a runtime. */
#include "guard/policy.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "base/reserved.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/task.h"
#include "guard/calls.h"
#include "guard/link.h"

enum { BITS = 64, WORDS = WEIR__GUARD_CALLS_MAX / BITS };

static struct {
    atomic_int wanted; /* enum weir_guard_mode, set by the program */
    atomic_int mode;   /* in force; WEIR_GUARD_DEFAULT: not decided yet */
    _Atomic uint64_t allowed[WORDS];
} policy;

/* --- the mode --- */

static enum weir_guard_mode mode_of(const char *word)
{
    static const char *const words[] = {"off", "count", "warn", "abort"};

    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum weir_guard_mode)(WEIR_GUARD_OFF + i);
    return WEIR_GUARD_DEFAULT;
}

static void settle_mode(void)
{
    const char *word = getenv("WEIR_GUARD");
    enum weir_guard_mode mode = WEIR_GUARD_DEFAULT;

    if (word != NULL && *word != '\0') {
        mode = mode_of(word);
        if (mode == WEIR_GUARD_DEFAULT)
            weir_log(WEIR_LOG_WARN, "WEIR_GUARD has an unknown value", WEIR_KV("value", word),
                     WEIR_KV("expected", "off, count, warn or abort"));
    }
    if (mode == WEIR_GUARD_DEFAULT)
        mode = (enum weir_guard_mode)atomic_load(&policy.wanted);
    atomic_store(&policy.mode, (int)(mode == WEIR_GUARD_DEFAULT ? WEIR_GUARD_WARN : mode));
}

/* Adds the bits of the names in a text, separated by blanks. Returns: the first unknown name; NULL: none. */
static const char *add_calls(uint64_t bits[WORDS], const char *names)
{
    for (names += strspn(names, " "); *names != '\0'; names += strspn(names, " ")) {
        size_t length = strcspn(names, " ");
        int call = weir__guard_call_find(names, length);
        if (call < 0)
            return names;
        bits[call / BITS] |= UINT64_C(1) << (call % BITS);
        names += length;
    }
    return NULL;
}

int weir_guard_configure(const weir_guard_options *options)
{
    uint64_t allowed[WORDS] = {0};

    if (!weir__reserved_is_zero(options->reserved, sizeof options->reserved) ||
        (int)options->mode < WEIR_GUARD_DEFAULT || options->mode > WEIR_GUARD_ABORT)
        return -EINVAL;
    for (const char *const *name = options->allow; name != NULL && *name != NULL; name++)
        if (add_calls(allowed, *name) != NULL)
            return -WEIR_ECONFIG;
    for (int i = 0; i < WORDS; i++)
        atomic_store(&policy.allowed[i], allowed[i]);
    atomic_store(&policy.wanted, (int)options->mode);
    settle_mode();
    return 0;
}

enum weir_guard_mode weir_guard_mode_get(void)
{
    if (weir__guard_attach == NULL)
        return WEIR_GUARD_OFF;
    if (atomic_load(&policy.mode) == WEIR_GUARD_DEFAULT)
        settle_mode();
    return (enum weir_guard_mode)atomic_load(&policy.mode);
}

/* --- allowed calls --- */

/* Ends the program. */
__attribute__((noreturn, cold, noinline)) static void unknown_call(const char *name)
{
    char wrong[96];

    (void)snprintf(wrong, sizeof wrong, "of \"%.*s\", a call that the guard does not know",
                   (int)strcspn(name, " "), name);
    weir__misuse("weir_guard_allow_begin", wrong,
                 "use names that weir_guard_call_name() lists, separated by blanks");
}

void weir_guard_allow_begin(weir_guard_allow *allow, const char *calls)
{
    struct weir__loop *loop = weir__loop_current();
    const char *unknown;

    *allow = (weir_guard_allow){0};
    if (calls == NULL)
        memset(allow->calls, 0xff, sizeof allow->calls);
    unknown = calls != NULL ? add_calls(allow->calls, calls) : NULL;
    if (unknown != NULL)
        unknown_call(unknown);
    if (loop == NULL || loop->running == NULL)
        return;
    allow->outer = loop->running->allows;
    loop->running->allows = allow;
}

void weir_guard_allow_end(weir_guard_allow *allow)
{
    struct weir__loop *loop = weir__loop_current();

    if (loop == NULL || loop->running == NULL)
        return;
    if (loop->running->allows != allow)
        weir__misuse(__func__, "of another exemption than this task's latest",
                     "end exemptions in the reverse order, in the task that began them");
    loop->running->allows = allow->outer;
}

bool weir__guard_is_allowed(const struct weir__task *task, int call)
{
    uint64_t bit = UINT64_C(1) << (call % BITS);

    if ((atomic_load_explicit(&policy.allowed[call / BITS], memory_order_relaxed) & bit) != 0)
        return true;
    for (const weir_guard_allow *a = task->allows; a != NULL; a = a->outer)
        if ((a->calls[call / BITS] & bit) != 0)
            return true;
    return false;
}

enum weir_guard_mode weir__guard_mode_in_force(void)
{
    return (enum weir_guard_mode)atomic_load_explicit(&policy.mode, memory_order_relaxed);
}

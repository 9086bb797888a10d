/* SPDX-License-Identifier: MIT */
#include "admin/findings_attempts.h"

#include "admin/findings_backends.h"

/* In the last minute. A threshold that is learned follows within half of it: so many are wanted only while
 * requests are slower than they were, and in excess of a fixed one for as long as they are. */
static const double many_denied = 0.02; /* of the first attempts */
static const uint64_t few = 20;
static const uint64_t enough_hedges = 50;
static const double never = 0.05; /* of the hedges; fewer won */

static double extra_percent(const struct snapshot_backend *b)
{
    const double hedge = b->options->hedge.extra_percent, retry = b->options->retry.extra_percent;

    return hedge > retry ? hedge : retry;
}

/* Says ", extra: 5%", if the configuration has it. */
static void say_extra(struct finding *out, const struct snapshot_backend *b)
{
    if (extra_percent(b) > 0)
        finding_say(out, " (extra: %.3g%%)", extra_percent(b));
}

static void find_spent_budget(struct finding_list *list, const struct finding_backend *f,
                              const struct findings_input *in)
{
    const uint64_t *n = f->backend->attempts.ended.last[LAST_60S].numbers;
    const uint64_t denied = n[ATTEMPTS_DENIED + WEIR_ATTEMPT_NO_BUDGET],
                   calls = snapshot_attempts_of(n, WEIR_ATTEMPT_FIRST),
                   made = snapshot_attempts_of(n, WEIR_ATTEMPT_HEDGE) +
                          snapshot_attempts_of(n, WEIR_ATTEMPT_RETRY);
    struct finding *out;

    if (denied < few || denied <= made || finding_share(denied, calls) < many_denied)
        return;
    out =
        finding_of_backend(list, f, finding_weight(f, in) * finding_at_most_1(finding_share(denied, calls)));
    if (out == NULL)
        return;
    finding_say(out, "it is slower, or fails more, than its budget of second attempts pays for");
    say_extra(out, f->backend);
    finding_say(
        out,
        ": %llu were denied and %llu made of %llu requests. The budget keeps its load from growing: see "
        "why the backend has become slow",
        (unsigned long long)denied, (unsigned long long)made, (unsigned long long)calls);
    finding_number(out, "requests", (double)calls);
    finding_number(out, "denied", (double)denied);
    finding_number(out, "made", (double)made);
    finding_number(out, "hedge_after_ms", (double)f->backend->attempts.hedge_after.ns / 1e6);
}

static void find_lost_hedges(struct finding_list *list, const struct finding_backend *f,
                             const struct findings_input *in)
{
    const uint64_t *n = f->backend->attempts.ended.last[LAST_60S].numbers;
    const uint64_t hedges = snapshot_attempts_of(n, WEIR_ATTEMPT_HEDGE),
                   won = snapshot_attempts_ended(n, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED);
    const bool is_one = snapshot_backend_instances(f->backend) == 1;
    struct finding *out;

    if (hedges < enough_hedges || finding_share(won, hedges) >= never)
        return;
    out = finding_of_backend(
        list, f, finding_weight(f, in) * finding_share(hedges, snapshot_attempts_of(n, WEIR_ATTEMPT_FIRST)));
    if (out == NULL)
        return;
    finding_say(out, "%llu of %llu hedges won: second attempts are as slow as the first, and gain nothing. ",
                (unsigned long long)won, (unsigned long long)hedges);
    finding_say(out, is_one
                         ? "It has one instance, where both wait for the same: give it another, or leave "
                           "hedge out"
                         : "What is slow is common to its instances (a database, a lock), or some requests "
                           "are slow by nature: see there, or leave hedge out");
    finding_number(out, "hedges", (double)hedges);
    finding_number(out, "won", (double)won);
}

void find_attempts(struct finding_list *list, const struct finding_backend *f,
                   const struct findings_input *in)
{
    find_spent_budget(list, f, in);
    find_lost_hedges(list, f, in);
}

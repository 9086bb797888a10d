/* SPDX-License-Identifier: MIT */
#include "admin/findings_host.h"

/* What is less than this is no incident. */
static const double lacked_share = 0.1, lacked_least_ms = 20; /* a second */
static const double stopped_least_share = 0.01;
static const double held_least_ms = 20;

/* --- no CPU --- */

/* Returns: for how long the loops lacked a CPU, without what a quota took. */
static double starved_ms(const struct findings_input *in)
{
    const double stopped_ms = in->host.stopped_share * 1000 * in->advice->loops;

    return in->host.lacked_ms > stopped_ms ? in->host.lacked_ms - stopped_ms : 0;
}

bool finding_host_is_starved(const struct findings_input *in)
{
    return starved_ms(in) >= lacked_least_ms && starved_ms(in) >= lacked_share * in->host.wanted_ms;
}

bool finding_host_is_throttled(const struct finding_host *h)
{
    return h->quota_cpus > 0 && h->stopped_share >= stopped_least_share;
}

void find_throttled(struct finding_list *list, const struct finding_host *h)
{
    struct finding *f;

    if (!finding_host_is_throttled(h))
        return;
    f = finding_add(list, "host", "throttled", finding_at_most_1(h->stopped_share));
    if (f == NULL)
        return;
    finding_say(f,
                "The CPU quota of the cgroup %s, %.3g CPUs, is used up in %.3g of %.3g periods a "
                "second, and all threads are stopped for the rest of each, %.3g %% of the time: raise the "
                "quota (cpu.max), or reduce the load",
                h->quota_cgroup, h->quota_cpus, h->used_up, h->periods, 100 * h->stopped_share);
    finding_number(f, "quota_cpus", h->quota_cpus);
    finding_number(f, "stopped_share", h->stopped_share);
    finding_number(f, "periods", h->periods);
    finding_number(f, "used_up", h->used_up);
    finding_number(f, "throttled_ms", h->throttled_ms);
}

void find_starved(struct finding_list *list, const struct findings_input *in)
{
    const struct finding_host *h = &in->host;
    double lacked;
    struct finding *f;

    if (!finding_host_is_starved(in))
        return;
    lacked = finding_at_most_1(starved_ms(in) / h->wanted_ms);
    f = finding_add(list, "host", "starved", lacked);
    if (f == NULL)
        return;
    finding_say(f,
                "The machine lacks CPU: the loops did not get one for %.3g %% of the time in which they had "
                "something to do (starved). Other processes use %.3g of %.3g CPUs",
                100 * lacked, h->others_cpus, h->cpus);
    if (h->stolen_cpus >= 0.01)
        finding_say(f, ", and the hypervisor gives %.3g to other machines (steal)", h->stolen_cpus);
    if (h->pressed_share >= 0)
        finding_say(f, "; some process waits for a CPU %.3g %% of the time (PSI)", 100 * h->pressed_share);
    finding_say(f, ". No route is at fault: fewer other processes, more CPUs or a higher priority help");
    finding_number(f, "wanted_ms_per_s", h->wanted_ms);
    finding_number(f, "lacked_ms_per_s", starved_ms(in));
    finding_number(f, "others_cpus", h->others_cpus);
    finding_number(f, "stolen_cpus", h->stolen_cpus);
    finding_number(f, "starved_ms", h->starved_ms);
}

/* --- a loop that is held --- */

void find_stall(struct finding_list *list, const struct finding_stall *s)
{
    struct finding *f;

    if (s->task == NULL || s->held_max_ms < held_least_ms)
        return;
    f = finding_add(list, "stall", s->route != NULL ? s->route : s->task,
                    finding_at_most_1(s->held_max_ms / 1000) / 2);
    if (f == NULL)
        return;
    finding_say(f,
                "%s has held its loop %llu times, for %.3g ms at most (%s%s%s), and all other requests of "
                "the loop waited; 'weir stalls' prints the stack",
                s->task, (unsigned long long)s->count, s->held_max_ms, s->cause,
                s->place != NULL ? ", in " : "", s->place != NULL ? s->place : "");
    finding_number(f, "held_max_ms", s->held_max_ms);
    finding_number(f, "count", (double)s->count);
}

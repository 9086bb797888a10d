/* SPDX-License-Identifier: MIT */
#include "apps/admission.h"

enum {
    FOLLOWS_SHIFT = 4,
    LONGEST_WAITS = 3600,
    /* Times of service vary: a queue that fills until its last one is expected to wait as long as it may
     * would let half of those who come last wait in vain. So they may be expected to wait for four fifths of
     * it. */
    MARGIN = 4
};

weir_duration app_expected_wait(const struct app_load *load)
{
    const int64_t most_ns = weir_seconds(LONGEST_WAITS).ns;

    if (load->places <= 0 || load->waiting <= 0 || load->service_ns <= 0)
        return (weir_duration){0};
    if (load->service_ns / load->places > most_ns / load->waiting)
        return (weir_duration){most_ns};
    return (weir_duration){load->service_ns * load->waiting / load->places};
}

enum app_refusal app_admit(const struct app_load *load, int queue, weir_duration wait, weir_duration left)
{
    const int64_t expected_ns = app_expected_wait(load).ns;

    if (load->waiting >= queue)
        return APP_FULL;
    if (expected_ns + expected_ns / MARGIN > wait.ns)
        return APP_SLOW;
    return expected_ns > left.ns ? APP_LATE : APP_ADMITTED;
}

weir_duration app_retry_after(const struct app_load *load)
{
    const weir_duration expected = app_expected_wait(load);

    return expected.ns > weir_seconds(1).ns ? expected : weir_seconds(1);
}

int64_t app_service_follow(int64_t old_ns, int64_t took_ns)
{
    int64_t now_ns = old_ns > 0 ? old_ns + ((took_ns - old_ns) >> FOLLOWS_SHIFT) : took_ns;

    return now_ns > 0 ? now_ns : 1;
}

const char *app_refusal_name(enum app_refusal refusal)
{
    static const char *const names[APP_REFUSALS] = {"admitted", "full",    "slow",  "late",
                                                    "waited",   "unready", "broken"};

    return names[refusal];
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "http/client/attempts/attempts.h"

static const int64_t TIME_MAX_NS = INT64_C(86400) * 1000000000, FLOOR_NS = 2000000;
static const double HEDGE_EXTRA_PERCENT = 5, RETRY_EXTRA_PERCENT = 10;
static const unsigned ON_ALL =
    WEIR_RETRY_CONNECT | WEIR_RETRY_RESET | WEIR_RETRY_502 | WEIR_RETRY_503 | WEIR_RETRY_504;

enum { TIMES = 1, TIMES_MAX = 3 };

/* Each is false of what is no number, too. */
static bool is_percent(double percent)
{
    return percent >= 0 && percent <= 100;
}

static bool is_time(weir_duration d)
{
    return d.ns >= 0 && d.ns <= TIME_MAX_NS;
}

static bool is_sound(const weir_hedge_options *h, const weir_retry_options *r)
{
    return (h->percentile == 0 || (h->percentile > 50 && h->percentile < 100)) && is_time(h->after) &&
           !(h->percentile > 0 && h->after.ns > 0) && is_time(h->floor) && is_percent(h->extra_percent) &&
           (r->on & ~ON_ALL) == 0 && r->times >= 0 && r->times <= TIMES_MAX && is_percent(r->extra_percent);
}

static double percent(double given, double otherwise)
{
    return given > 0 ? given : otherwise;
}

int weir__attempts_settings_read(struct weir__attempts_settings *s, const weir_hedge_options *hedge,
                                 const weir_retry_options *retry)
{
    double extra = 0;

    if (!is_sound(hedge, retry))
        return -EINVAL;
    *s = (struct weir__attempts_settings){.hedge = *hedge, .retry = *retry};
    if (hedge->floor.ns == 0) /* a time that is given is meant */
        s->hedge.floor.ns = hedge->after.ns > 0 && hedge->after.ns < FLOOR_NS ? hedge->after.ns : FLOOR_NS;
    s->hedge.extra_percent = percent(hedge->extra_percent, HEDGE_EXTRA_PERCENT);
    s->retry.times = retry->times > 0 ? retry->times : TIMES;
    s->retry.extra_percent = percent(retry->extra_percent, RETRY_EXTRA_PERCENT);
    if (weir__attempts_hedges(s))
        extra = s->hedge.extra_percent;
    if (s->retry.on != 0 && s->retry.extra_percent > extra)
        extra = s->retry.extra_percent;
    s->budget.extra = extra / 100;
    return 0;
}

bool weir__attempts_settings_equal(const struct weir__attempts_settings *a,
                                   const struct weir__attempts_settings *b)
{
    _Static_assert(sizeof *a == sizeof(double) * 4 + sizeof(int64_t) * 2 + sizeof(int) * 2, "no gaps");

    return memcmp(a, b, sizeof *a) == 0;
}

uint64_t weir__attempts_settings_digest(const struct weir__attempts_settings *s, uint64_t hash)
{
    const double shares[] = {s->hedge.percentile, s->hedge.extra_percent, s->retry.extra_percent};
    const int64_t numbers[] = {s->hedge.after.ns, s->hedge.floor.ns, s->retry.on, s->retry.times};

    return weir__hash_add(weir__hash_add(hash, shares, sizeof shares), numbers, sizeof numbers);
}

unsigned weir_retry_on_status(int status)
{
    switch (status) {
    case 502:
        return WEIR_RETRY_502;
    case 503:
        return WEIR_RETRY_503;
    case 504:
        return WEIR_RETRY_504;
    default:
        return 0;
    }
}

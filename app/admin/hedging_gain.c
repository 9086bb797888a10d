/* SPDX-License-Identifier: MIT */
#include "admin/hedging_gain.h"

enum { HALVINGS = 40 }; /* of two minutes: to below a nanosecond */

static const double ns_in_ms = 1e6;

static double middle_ms(unsigned bucket)
{
    return (double)weir_meter_middle(bucket).ns / ns_in_ms;
}

void delays_read(struct delays *d, const weir_meter *meter)
{
    uint64_t beyond = weir_meter_count(meter);

    d->count = beyond;
    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++) {
        const double here = (double)meter->buckets[i];
        beyond -= meter->buckets[i];
        d->longer[i] = d->count > 0 ? ((double)beyond + here / 2) / (double)d->count : 0;
    }
}

double delays_longer(const struct delays *d, double ms)
{
    unsigned low;
    double from, to;

    if (d->count == 0 || ms < 0)
        return d->count == 0 ? 0 : 1;
    low = weir_meter_bucket((uint64_t)(ms * ns_in_ms));
    if (low > 0 && middle_ms(low) > ms)
        low--;
    if (low == WEIR_METER_BUCKETS - 1)
        return 0;
    from = middle_ms(low);
    to = middle_ms(low + 1);
    return d->longer[low] + (d->longer[low + 1] - d->longer[low]) * (ms - from) / (to - from);
}

double delayed_call_longer(const struct delayed_call *call, double ms)
{
    const double longer = delays_longer(call->delays, ms);

    if (call->deadline_ms > 0 && ms >= call->deadline_ms)
        return 0;
    if (call->hedge_after_ms <= 0 || ms <= call->hedge_after_ms)
        return longer;
    return longer * (1 - call->hedged_share +
                     call->hedged_share * delays_longer(call->delays, ms - call->hedge_after_ms));
}

double delayed_calls_quantile(const struct delayed_call *calls, size_t count, double share)
{
    double low = 0, high = middle_ms(WEIR_METER_BUCKETS - 1);

    for (int i = 0; i < HALVINGS; i++) {
        const double ms = (low + high) / 2;
        double in_time = 1;
        for (size_t k = 0; k < count; k++)
            in_time *= 1 - delayed_call_longer(&calls[k], ms);
        if (in_time < share)
            low = ms;
        else
            high = ms;
    }
    return high;
}

double delays_quantile(const struct delays *d, double share)
{
    return delayed_calls_quantile(&(const struct delayed_call){.delays = d}, 1, share);
}

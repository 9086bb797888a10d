/* SPDX-License-Identifier: MIT */
/* Delays of a log-normal distribution, as those of many services are. */
#ifndef TEST_APP_SUPPORT_LOG_NORMAL_H
#define TEST_APP_SUPPORT_LOG_NORMAL_H

#include <math.h>

#include "admin/hedging_gain.h"

/* The quantile of the normal distribution, by halving. */
static inline double normal_quantile(double share)
{
    double low = -10, high = 10;

    for (int i = 0; i < 40; i++) {
        const double x = (low + high) / 2;
        if (0.5 * erfc(-x / sqrt(2)) < share)
            low = x;
        else
            high = x;
    }
    return high;
}

/* The distribution with these two quantiles, in milliseconds. */
static inline double log_normal_quantile(double p50, double p99, double share)
{
    return p50 * exp(log(p99 / p50) / normal_quantile(0.99) * normal_quantile(share));
}

/* Its evenly spaced quantiles, as if they had been measured. */
static inline void log_normal_delays(struct delays *d, double p50, double p99)
{
    enum { SAMPLES = 20000 };
    weir_meter meter = {0};

    for (int i = 0; i < SAMPLES; i++)
        weir_meter_record(
            &meter, (weir_duration){(int64_t)(1e6 * log_normal_quantile(p50, p99, (i + 0.5) / SAMPLES))});
    delays_read(d, &meter);
}

#endif

/* SPDX-License-Identifier: MIT */
/* What hedging would gain, computed from how long calls take.
 *
 * With S(t) the share of a backend's calls that take longer than t, as measured, and each hedged once that
 * takes longer than h, a call takes longer than t with
 *
 *     S(t)             until h,
 *     S(t) · S(t − h)  later: neither attempt has been answered,
 *
 * and S(h) of the calls are made twice. A gather answers when its last call has: the probability that it
 * takes no longer than t is the product of those of its calls. Both hold where attempts and calls are slow
 * independently of each other: where they are not, what is computed is not what is measured.
 *
 * Threading: functions from data to data; any thread.
 */
#ifndef APP_ADMIN_HEDGING_GAIN_H
#define APP_ADMIN_HEDGING_GAIN_H

#include <stddef.h>
#include <stdint.h>

#include <weir/meter.h>

/* How long calls take. 7 KiB. All zero: nothing has been measured. */
struct delays {
    uint64_t count;
    double longer[WEIR_METER_BUCKETS]; /* S at the middle of each bucket */
};

void delays_read(struct delays *d, const weir_meter *meter);

/* S(ms), linear between the middles of buckets. */
double delays_longer(const struct delays *d, double ms);

/* What a share of the calls, 0 to 1, do not exceed, in milliseconds. */
double delays_quantile(const struct delays *d, double share);

/* A call of a request. */
struct delayed_call {
    const struct delays *delays;
    double hedge_after_ms; /* 0: it is not hedged */
    double hedged_share;   /* of the calls, those that may be sent twice: 0 to 1 */
    double deadline_ms;    /* it takes no longer; 0: none */
};

/* The probability that it takes longer. */
double delayed_call_longer(const struct delayed_call *call, double ms);

/* What a share of the requests do not exceed that wait for all of these calls, in milliseconds. */
double delayed_calls_quantile(const struct delayed_call *calls, size_t count, double share);

#endif

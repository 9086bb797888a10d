/* SPDX-License-Identifier: MIT */
/* burn: computes a fixed amount, then answers; for trying pools and the watch. */
#ifndef APP_ROUTES_BURN_H
#define APP_ROUTES_BURN_H

#include <stdatomic.h>
#include <stdint.h>

#include <weir/time.h>

struct burn_settings {
    weir_duration cpu;
    _Atomic(uint64_t) *units; /* of work in that time, measured by the first loop; 0 before */
};

#endif

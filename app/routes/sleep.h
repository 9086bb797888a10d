/* SPDX-License-Identifier: MIT */
/* sleep: waits for a timer, then answers; for benchmarks. */
#ifndef APP_ROUTES_SLEEP_H
#define APP_ROUTES_SLEEP_H

#include <weir/time.h>

struct sleep_settings {
    weir_duration length;
};

#endif

/* burn: computes for a given time of CPU, then answers; for trying pools and the watch. */
#ifndef APP_ROUTES_BURN_H
#define APP_ROUTES_BURN_H

#include <weir/time.h>

struct burn_settings {
    weir_duration cpu;
};

#endif

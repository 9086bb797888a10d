/* SPDX-License-Identifier: MIT */
/* Times that double: of an ejection, of an open breaker. Threading: pure. */
#ifndef WEIR__BACKEND_DOUBLING_H
#define WEIR__BACKEND_DOUBLING_H

#include <stdint.h>

/* Returns: first_ns, doubled so often, at most most_ns; but first_ns is never cut. */
static inline int64_t weir__doubled(int64_t first_ns, unsigned times, int64_t most_ns)
{
    int64_t ns = first_ns;

    while (times-- > 0 && ns < most_ns)
        ns *= 2;
    return ns < most_ns || ns == first_ns ? ns : most_ns;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "base/guard_exempt.h"

__thread unsigned weir__own_calls __attribute__((tls_model("initial-exec"), visibility("hidden")));

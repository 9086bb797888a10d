/* SPDX-License-Identifier: MIT */
#include "base/guard_exempt.h"

__thread unsigned weir__guard_exempt __attribute__((tls_model("initial-exec"), visibility("hidden")));

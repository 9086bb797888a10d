/* SPDX-License-Identifier: MIT */
#include "base/own_calls.h"

__thread unsigned weir__own_calls __attribute__((tls_model("initial-exec"), visibility("hidden")));

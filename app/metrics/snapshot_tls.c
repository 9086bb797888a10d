/* SPDX-License-Identifier: MIT */
#include "metrics/snapshot_tls.h"

uint64_t snapshot_tls_failed(const uint64_t *numbers)
{
    uint64_t failed = 0;

    for (int i = 0; i < WEIR_TLS_FAILURES; i++)
        failed += numbers[TLS_FAILED + i];
    return failed;
}

const char *snapshot_tls_side_name(enum gateway_tls_side side)
{
    return side == GATEWAY_TLS_LISTENER ? "listener" : side == GATEWAY_TLS_BACKEND ? "backend" : "others";
}

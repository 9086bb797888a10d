/* SPDX-License-Identifier: MIT */
/* Configuration: any bytes are a configuration or have faults with their places; nothing leaks. The library
 * takes what a configuration without a fault asks of it. */
#include <errno.h>

#include "config/load.h"
#include "fuzz/fuzz.h"
#include "routes/table.h"
#include "support/refusal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config_faults faults;
    struct config config;
    int err;

    config_faults_open(&faults, "fuzz.yaml");
    err = config_parse(&config, bytes, size, &route_kinds, &faults);
    CHECK(err == 0 || err == -WEIR_ECONFIG || err == -ENOMEM);
    if (err < 0)
        return 0;
    CHECK(refusal_of(&config) == NULL);
    config_free(&config);
    return 0;
}

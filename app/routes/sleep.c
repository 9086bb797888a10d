/* SPDX-License-Identifier: MIT */
/* sleep: waits for a timer, then answers; for benchmarks. */
#include "routes/sleep.h"

#include <stdio.h>

#include <weir/task.h>
#include <weir/text.h>

#include "config/route_kind.h"
#include "routes/discard.h"

/* --- settings --- */

static const struct schema_key keys[] = {
    {"for", SCHEMA_DURATION, offsetof(struct sleep_settings, length), .required = "a duration such as 5ms",
     .max = SCHEMA_MS(3600 * 1000)},
};
static const struct schema schema = {.name = "sleep", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct sleep_settings *settings = config_take(reader->memory, sizeof *settings);

    (void)route;
    return settings != NULL && schema_read(reader, &schema, node, settings) ? settings : NULL;
}

/* --- answering --- */

static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct sleep_settings *settings = state;
    char length[WEIR_DURATION_TEXT_MAX], text[WEIR_DURATION_TEXT_MAX + 8];
    int err = request_discard_body(req);

    if (err == 0)
        err = weir_sleep(settings->length);
    if (err < 0)
        return err;
    snprintf(text, sizeof text, "slept %s\n", weir_duration_format(length, sizeof length, settings->length));
    return weir_respond_text(res, 200, text);
}

const struct route_kind route_sleep = {.name = "sleep", .configure = configure, .handle = handle};

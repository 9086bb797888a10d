/* burn: computes for a given time of CPU, then answers; for trying pools and the watch. */
#include "routes/burn.h"

#include <stdio.h>
#include <time.h>

#include <weir/text.h>

#include "routes/discard.h"
#include "routes/route_kind.h"

/* ---- settings ---- */

static const struct schema_key keys[] = {
    {"cpu", SCHEMA_DURATION, offsetof(struct burn_settings, cpu), .required = "a duration such as 60ms",
     .max = SCHEMA_MS(60 * 1000)},
};
static const struct schema schema = {.name = "burn", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    (void)route;
    struct burn_settings *settings = config_take(reader->memory, sizeof *settings);
    return settings && schema_read(reader, &schema, node, settings) ? settings : NULL;
}

/* ---- answering ---- */

static int64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The clock is a system call: it is read once in some tens of microseconds. */
static void compute(weir_duration length)
{
    volatile uint64_t value = 1;
    for (int64_t end = cpu_ns() + length.ns; cpu_ns() < end;)
        for (int i = 0; i < 20000; i++)
            value = value * UINT64_C(6364136223846793005) + 1;
}

/* Computes on the loop, whatever "on" names: there are no pools yet. */
static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct burn_settings *settings = state;
    char length[WEIR_DURATION_TEXT_MAX], text[WEIR_DURATION_TEXT_MAX + 8];
    int err = request_discard_body(req);
    if (err < 0)
        return err;
    compute(settings->cpu);
    snprintf(text, sizeof text, "burnt %s\n", weir_format_duration(length, sizeof length, settings->cpu));
    return weir_reply_text(res, 200, text);
}

const struct route_kind route_burn = {.name = "burn", .configure = configure, .handle = handle};

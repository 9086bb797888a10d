/* SPDX-License-Identifier: MIT */
/* burn: computes a fixed amount, then answers; for trying pools and the watch. The duration `cpu` is
 * converted to units of work once, at the start. So a burn costs the same however busy the machine is, and
 * takes longer when it is slowed down, as real work does. */
#include "routes/burn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <weir/task.h>
#include <weir/text.h>

#include "config/route_kind.h"
#include "routes/discard.h"
#include "routes/route_pool.h"

enum { UNIT_STEPS = 10000, CALIBRATIONS = 8, UNITS_PER_CALIBRATION = 100 };

/* --- settings --- */

static const struct schema_key keys[] = {
    {"cpu", SCHEMA_DURATION, offsetof(struct burn_settings, cpu), .required = "a duration such as 60ms",
     .max = SCHEMA_MS(60 * 1000)},
};
static const struct schema schema = {.name = "burn", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct burn_settings *settings = config_take(reader->memory, sizeof *settings);

    (void)route;
    if (settings == NULL || !schema_read(reader, &schema, node, settings))
        return NULL;
    settings->units = config_take(reader->memory, sizeof *settings->units);
    return settings->units != NULL ? settings : NULL;
}

/* --- work --- */

/* Each step needs the result of the last, so no step can be left out or run in parallel. */
static uint64_t do_unit(uint64_t value)
{
    for (int i = 0; i < UNIT_STEPS; i++) {
        value = value * UINT64_C(6364136223846793005) + 1;
        __asm__ volatile("" : "+r"(value));
    }
    return value;
}

static int64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Measures the units of work in a duration. The fastest run counts, because other programs only make it
 * slower. */
static uint64_t measure_units(weir_duration cpu)
{
    int64_t best_ns = INT64_MAX;
    uint64_t value = 1;
    double units;

    for (int i = 0; i < CALIBRATIONS; i++) {
        int64_t start_ns = cpu_ns(), took_ns;
        for (int k = 0; k < UNITS_PER_CALIBRATION; k++)
            value = do_unit(value);
        took_ns = cpu_ns() - start_ns;
        if (took_ns < best_ns)
            best_ns = took_ns;
        (void)weir_yield(); /* lets other tasks run between two measurements */
    }
    units = (double)cpu.ns * UNITS_PER_CALIBRATION / (double)(best_ns > 0 ? best_ns : 1);
    return units < 1 ? 1 : (uint64_t)(units + 0.5);
}

struct burning {
    weir_duration cpu;
    uint64_t units;
};

static int burn(weir_job *job, void *arg)
{
    const struct burning *burning = arg;
    uint64_t value = 1;

    if (weir_job_takes(job, burning->cpu))
        return 0;
    for (uint64_t done = 0; done < burning->units; done++) {
        int err = weir_job_cancelled(job);
        if (err < 0)
            return err;
        value = do_unit(value);
        weir_job_progress(job, done + 1, burning->units);
    }
    return 0;
}

/* --- answering --- */

struct state {
    struct route_pool where;
    struct burning burning;
};

static int open_state(const struct config_route *route, const struct route_loop *loop, void **out)
{
    const struct burn_settings *settings = route->settings;
    struct state *state = malloc(sizeof *state);
    uint64_t units = 0;

    (void)loop;
    if (state == NULL)
        return -ENOMEM;
    if (atomic_load(settings->units) == 0) /* the first loop measures for all */
        (void)atomic_compare_exchange_strong(settings->units, &units, measure_units(settings->cpu));
    *state = (struct state){route_pool_of(route), {settings->cpu, atomic_load(settings->units)}};
    *out = state;
    return 0;
}

static int handle(weir_request *req, weir_response *res, void *arg)
{
    struct state *state = arg;
    char length[WEIR_DURATION_TEXT_MAX], text[WEIR_DURATION_TEXT_MAX + 8];
    /* No limit of CPU time: the file, not the client, says how much is computed. */
    const weir_offload_options options = {.share = state->where.share, .cpu = {INT64_MAX}};
    int err = request_discard_body(req);

    if (err == 0)
        err = weir_offload_with(state->where.pool, "burn", burn, &state->burning, &options);
    if (err < 0)
        return err;
    snprintf(text, sizeof text, "burnt %s\n",
             weir_duration_format(length, sizeof length, state->burning.cpu));
    return weir_respond_text(res, 200, text);
}

const struct route_kind route_burn = {.name = "burn",
                                      .on = "compute",
                                      .configure = configure,
                                      .open = open_state,
                                      .close = free,
                                      .handle = handle};

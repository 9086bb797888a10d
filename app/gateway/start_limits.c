/* SPDX-License-Identifier: MIT */
#include "gateway/start_limits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <weir/memory.h>

#include "config/backend.h"
#include "config/route_kind.h"
#include "gateway/memory_need.h"

enum {
    PER_ORIGIN = 256, /* connections of a loop to a backend, the library's default */
    PER_LOOP = 8,
    START_FILES = 16,
    RESERVE = 512 /* for the admin address, files of images, and libraries */
};

void start_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* if it fails, the check finds the old limit */
}

/* --- backends --- */

struct origins {
    const char **list;
    size_t count, room;
};

static void add_origin(void *arg, const char *origin, struct config_place place)
{
    struct origins *origins = arg;

    (void)place;
    for (size_t i = 0; i < origins->count; i++)
        if (strcmp(origins->list[i], origin) == 0)
            return;
    if (origins->count == origins->room) {
        size_t room = origins->room ? origins->room * 2 : 64;
        const char **list = realloc(origins->list, room * sizeof *list);
        if (list == NULL)
            return;
        origins->list = list;
        origins->room = room;
    }
    origins->list[origins->count++] = origin;
}

static uint64_t backend_connections(const struct config *config)
{
    struct origins origins = {0};

    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].kind->backends != NULL)
            config->routes[i].kind->backends(config->routes[i].settings, add_origin, &origins);
    free(origins.list);
    return origins.count * PER_ORIGIN * (uint64_t)config_loops(config) + config_backend_connections(config);
}

/* --- checks --- */

/* The descriptors needed to start. */
static uint64_t files_to_start(const struct config *config)
{
    return START_FILES + ((uint64_t)config_loops(config) + 1) * (PER_LOOP + config->listen_count);
}

static void check_files(const struct config *config, struct config_faults *faults,
                        struct config_faults *warnings)
{
    struct rlimit limit;
    uint64_t connections = (uint64_t)config->limits.connections, backends = backend_connections(config);
    uint64_t rest = RESERVE + (uint64_t)config_loops(config) * (PER_LOOP + config->listen_count);

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max >= connections + backends + rest)
        return;
    if (limit.rlim_max < files_to_start(config)) {
        config_fault(
            faults, config_place(config, "loops", NULL),
            "loops: %d needs %llu files to start, and this process may open %llu; %sraise the hard limit "
            "(LimitNOFILE= of systemd, ulimit -Hn)",
            config_loops(config), (unsigned long long)files_to_start(config),
            (unsigned long long)limit.rlim_max, config_loops(config) > 1 ? "lower loops, or " : "");
        return;
    }
    config_fault(
        warnings, config_place(config, "limits", "connections"),
        "limits.connections is %llu: with up to %llu connections to backends and %llu other files that "
        "is %llu, and this process may open %llu; lower it, or raise the hard limit (LimitNOFILE= of "
        "systemd, ulimit -Hn)",
        (unsigned long long)connections, (unsigned long long)backends, (unsigned long long)rest,
        (unsigned long long)(connections + backends + rest), (unsigned long long)limit.rlim_max);
}

void start_limits_check(const struct config *config, const char *root, struct config_faults *faults,
                        struct config_faults *warnings)
{
    weir_memory *memory;
    weir_memory_stats use;

    check_files(config, faults, warnings);
    if (weir_memory_open(root, &memory) < 0)
        return;
    weir_memory_stats_get(memory, &use);
    memory_need_check(config, &use, warnings);
    weir_memory_close(memory);
}

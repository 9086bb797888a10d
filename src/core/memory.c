/* SPDX-License-Identifier: MIT */
/* The limits of memory at which a process is killed: those of cgroups and of the machine. At a limit of its
 * address space allocations fail, which is handled where it happens. */
#include <weir/memory.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cgroup.h"

enum { FOLDERS_MAX = 32, NUMBER_BYTES = 32, STAT_BYTES = 16 << 10 };

/* The value of version 1 for no limit: LONG_MAX in whole pages. */
#define NO_LIMIT (UINT64_C(1) << 62)

struct folder {
    char *path;
    bool v2;
};

struct weir_memory {
    char *root;
    struct folder folders[FOLDERS_MAX];
    int count;
    bool failed, v2; /* during the search */
    char stat[STAT_BYTES];
};

/* --- finding --- */

static void see_folder(void *arg, const char *path)
{
    struct weir_memory *m = arg;

    if (m->count == FOLDERS_MAX)
        return;
    m->folders[m->count] = (struct folder){strdup(path), m->v2};
    m->failed = m->failed || m->folders[m->count].path == NULL;
    m->count++;
}

int weir_memory_open(const char *root, weir_memory **out)
{
    struct weir_memory *m = calloc(1, sizeof *m);

    *out = NULL;
    if (m == NULL)
        return -ENOMEM;
    root = root != NULL ? root : "";
    m->root = strdup(root);
    m->failed = m->root == NULL;
    m->v2 = true;
    weir__cgroup_each(root, NULL, see_folder, m);
    m->v2 = false;
    weir__cgroup_each(root, "memory", see_folder, m);
    if (m->failed) {
        weir_memory_close(m);
        return -ENOMEM;
    }
    *out = m;
    return 0;
}

void weir_memory_close(weir_memory *m)
{
    if (m == NULL)
        return;
    for (int i = 0; i < m->count; i++)
        free(m->folders[i].path);
    free(m->root);
    free(m);
}

/* --- reading --- */

static bool read_number(const char *folder, const char *name, uint64_t *out)
{
    char text[NUMBER_BYTES];

    return weir__cgroup_read(folder, name, text, sizeof text) && sscanf(text, "%" SCNu64, out) == 1;
}

/* Returns: the number on the line of a name, "inactive_file 4096"; 0: it has none. */
static uint64_t number_of(const char *text, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == ':'))
            return strtoull(line + length + 1, NULL, 10);
        if (*line == '\0')
            break;
    }
    return 0;
}

static void take_tighter(weir_memory_stats *use, uint64_t limit, uint64_t used, const char *limit_of)
{
    uint64_t room = limit > used ? limit - used : 0;

    if (use->limit_bytes != 0 && room >= use->limit_bytes - use->used_bytes)
        return;
    use->limit_bytes = limit;
    use->used_bytes = limit - room;
    use->limit_of = limit_of;
}

/* Over memory.high the kernel slows the process down until it is below it again. */
static uint64_t limit_of_folder(const struct folder *f)
{
    uint64_t limit = NO_LIMIT, high;

    (void)read_number(f->path, f->v2 ? "memory.max" : "memory.limit_in_bytes", &limit);
    if (f->v2 && read_number(f->path, "memory.high", &high) && high < limit)
        limit = high;
    return limit;
}

static void see_use(struct weir_memory *m, const struct folder *f, weir_memory_stats *use)
{
    uint64_t limit = limit_of_folder(f), used, cached;

    if (limit >= NO_LIMIT || limit == 0 ||
        !read_number(f->path, f->v2 ? "memory.current" : "memory.usage_in_bytes", &used))
        return;
    (void)weir__cgroup_read(f->path, "memory.stat", m->stat, sizeof m->stat);
    cached = number_of(m->stat, f->v2 ? "inactive_file" : "total_inactive_file");
    take_tighter(use, limit, used > cached ? used - cached : 0, "cgroup");
}

/* The second field of /proc/self/statm: resident pages. */
static void see_process(struct weir_memory *m, weir_memory_stats *use)
{
    char folder[4096 + 16], text[128];
    uint64_t resident = 0;

    (void)snprintf(folder, sizeof folder, "%s/proc/self", m->root);
    if (weir__cgroup_read(folder, "statm", text, sizeof text) && sscanf(text, "%*u %" SCNu64, &resident) == 1)
        use->resident_bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void see_machine(struct weir_memory *m, weir_memory_stats *use)
{
    char folder[4096 + 16];
    uint64_t available;

    (void)snprintf(folder, sizeof folder, "%s/proc", m->root);
    if (!weir__cgroup_read(folder, "meminfo", m->stat, sizeof m->stat))
        return;
    available = number_of(m->stat, "MemAvailable") * 1024;
    if (available > 0)
        take_tighter(use, use->resident_bytes + available, use->resident_bytes, "machine");
}

void weir_memory_stats_get(weir_memory *m, weir_memory_stats *use)
{
    *use = (weir_memory_stats){0};
    see_process(m, use);
    for (int i = 0; i < m->count; i++)
        see_use(m, &m->folders[i], use);
    see_machine(m, use);
}

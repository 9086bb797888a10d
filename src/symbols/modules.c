/* SPDX-License-Identifier: MIT */
/* Lists the loaded files from /proc/self/maps. */
#include "symbols/modules.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line of /proc/self/maps (proc_pid_maps(5)). */
struct mapping {
    uintptr_t start, end;
    uint64_t offset;
    bool is_code;
    const char *path; /* "": no file */
};

/* Adjacent mappings of one file, as a loader places them. */
struct run {
    uintptr_t start, end;
    bool has_code;
    char *path;
};

static bool parse(char *line, struct mapping *out)
{
    char access[5];
    int path_at = 0;

    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %*s %*s %n", &out->start, &out->end, access,
               &out->offset, &path_at) != 4 ||
        path_at == 0)
        return false;
    out->is_code = access[2] == 'x';
    out->path = line + path_at;
    return true;
}

/* Whether a mapping continues the run. A mapping of offset 0 begins a new one: a loader maps the beginning of
 * a file once. */
static bool goes_on(const struct run *run, const struct mapping *m)
{
    return run->path != NULL && m->start == run->end && m->offset > 0 && strcmp(m->path, run->path) == 0;
}

static bool end_run(Dwfl *dwfl, struct run *run)
{
    bool good = true;

    if (run->path != NULL && run->has_code)
        good = dwfl_report_module(dwfl, run->path, run->start, run->end) != NULL;
    free(run->path);
    *run = (struct run){0};
    return good;
}

/* Reports the kernel's page of code, which has no file. libdw reads a module of this name from memory. */
static bool report_vdso(Dwfl *dwfl, const struct mapping *m)
{
    char name[32];

    (void)snprintf(name, sizeof name, "[vdso: %d]", (int)getpid());
    return dwfl_report_module(dwfl, name, m->start, m->end) != NULL;
}

static bool take(Dwfl *dwfl, struct run *run, const struct mapping *m)
{
    if (goes_on(run, m)) {
        run->end = m->end;
        run->has_code |= m->is_code;
        return true;
    }
    if (!end_run(dwfl, run))
        return false;
    if (strcmp(m->path, "[vdso]") == 0)
        return report_vdso(dwfl, m);
    if (m->path[0] != '/')
        return true;
    *run = (struct run){.start = m->start, .end = m->end, .has_code = m->is_code, .path = strdup(m->path)};
    return run->path != NULL;
}

bool weir__modules_report(Dwfl *dwfl)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    struct run run = {0};
    struct mapping mapping;
    size_t room = 0;
    char *line = NULL;
    bool good = maps != NULL;

    if (maps == NULL)
        return false;
    dwfl_report_begin_add(dwfl);
    while (good && getline(&line, &room, maps) > 0)
        good = !parse(line, &mapping) || take(dwfl, &run, &mapping);
    good = end_run(dwfl, &run) && good;
    free(line);
    (void)fclose(maps);
    return dwfl_report_end(dwfl, NULL, NULL) == 0 && good;
}

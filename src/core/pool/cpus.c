/* SPDX-License-Identifier: MIT */
#include "core/pool/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 8192 };

/* Where a hierarchy is mounted, and which of its cgroups is seen there. */
struct mount {
    char point[PATH_BYTES], top[PATH_BYTES];
};

static FILE *open_below(const char *root, const char *path)
{
    char full[PATH_BYTES];

    if ((size_t)snprintf(full, sizeof full, "%s%s", root, path) >= sizeof full)
        return NULL;
    return fopen(full, "re");
}

/* Whether word is one of those in list, which are separated by commas. */
static bool is_in(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (; list != NULL && *list != '\0'; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, word, length) == 0 && (list[length] == ',' || list[length] == '\0'))
            return true;
        if (*list == '\0')
            break;
    }
    return false;
}

/* The mount of cgroup v2, or that of v1 which has the cpu controller. */
static bool find_mount(const char *root, bool v2, struct mount *mount)
{
    FILE *file = open_below(root, "/proc/self/mountinfo");
    char *line = malloc(LINE_BYTES);
    bool found = false;

    while (file != NULL && line != NULL && !found && fgets(line, LINE_BYTES, file) != NULL) {
        char type[32], options[1024];
        const char *rest = strstr(line, " - ");
        if (rest == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", mount->top, mount->point) != 2 ||
            sscanf(rest, " - %31s %*s %1023s", type, options) != 2)
            continue;
        found = v2 ? strcmp(type, "cgroup2") == 0 : strcmp(type, "cgroup") == 0 && is_in(options, "cpu");
    }
    if (file != NULL)
        (void)fclose(file);
    free(line);
    return found;
}

/* The path of our cgroup in its hierarchy. */
static bool find_cgroup(const char *root, bool v2, char path[PATH_BYTES])
{
    FILE *file = open_below(root, "/proc/self/cgroup");
    char *line = malloc(LINE_BYTES);
    bool found = false;

    while (file != NULL && line != NULL && !found && fgets(line, LINE_BYTES, file) != NULL) {
        char *controllers = strchr(line, ':'), *at = controllers ? strchr(controllers + 1, ':') : NULL;
        if (at == NULL)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        found = v2 ? controllers[1] == '\0' : is_in(controllers + 1, "cpu");
        if (found)
            found = (size_t)snprintf(path, PATH_BYTES, "%s", at) < PATH_BYTES;
    }
    if (file != NULL)
        (void)fclose(file);
    free(line);
    return found;
}

static bool read_number(const char *root, const char *folder, const char *name, long *a, long *b)
{
    char path[PATH_BYTES];
    FILE *file;
    int n = 0;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return false;
    file = open_below(root, path);
    if (file == NULL)
        return false;
    n = fscanf(file, b != NULL ? "%ld %ld" : "%ld", a, b); /* "max 100000" is no number: no quota */
    (void)fclose(file);
    return n == (b != NULL ? 2 : 1);
}

static long quota_of(const char *root, bool v2, const char *folder)
{
    long quota, period;
    bool known = v2 ? read_number(root, folder, "cpu.max", &quota, &period)
                    : read_number(root, folder, "cpu.cfs_quota_us", &quota, NULL) &&
                          read_number(root, folder, "cpu.cfs_period_us", &period, NULL);

    return known && quota > 0 && period > 0 ? quota * 1000 / period : -1;
}

static long tighter(long a, long b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* From our cgroup up to what is mounted. In a container it may be named as seen from outside: then what is
 * mounted is ours. */
static long quota_in(const char *root, bool v2)
{
    struct mount *mount = malloc(sizeof *mount);
    char *folder = malloc(2 * PATH_BYTES), *path = malloc(PATH_BYTES);
    long quota = -1;

    if (mount != NULL && folder != NULL && path != NULL && find_mount(root, v2, mount) &&
        find_cgroup(root, v2, path)) {
        size_t top = strcmp(mount->top, "/") == 0 ? 0 : strlen(mount->top);
        size_t point = strlen(mount->point);
        bool inside = strncmp(path, mount->top, top) == 0 && strstr(path, "..") == NULL;
        (void)snprintf(folder, 2 * PATH_BYTES, "%s%s", mount->point, inside ? path + top : "");
        for (char *end = folder + strlen(folder); end >= folder + point; end = strrchr(folder, '/')) {
            *end = '\0';
            quota = tighter(quota, quota_of(root, v2, folder));
        }
    }
    free(mount);
    free(folder);
    free(path);
    return quota;
}

long weir__cpus_quota_milli(const char *root)
{
    return tighter(quota_in(root, true), quota_in(root, false));
}

int weir__cpus_for_computing(int cpus, long quota_milli)
{
    int whole = (int)(quota_milli / 1000);

    if (quota_milli < 0 || quota_milli >= cpus * 1000L)
        return cpus;
    return whole > 1 ? whole - 1 : 1;
}

int weir_cpu_count(void)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return weir__cpus_for_computing(cpus, weir__cpus_quota_milli(""));
}

/* SPDX-License-Identifier: MIT */
#include "core/account/off_cpu.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 1024, PATH_BYTES = 512, WORTH_NS = 500000 };

/* Reads a file from its beginning, NUL-terminated; "" when there is none. */
static const char *read_text(int fd, char text[TEXT_BYTES])
{
    ssize_t n = fd < 0 ? 0 : pread(fd, text, TEXT_BYTES - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static uint64_t number_at(const char *text)
{
    uint64_t n = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    return n;
}

/* "time on the CPU, time waited for it, number of slices", in nanoseconds. */
static uint64_t delay_of(const char *schedstat)
{
    const char *second = strchr(schedstat, ' ');

    return second != NULL ? number_at(second + 1) : 0;
}

/* Reports whether a line begins with the key; then *value is what stands behind it. */
static bool find_line(const char *text, const char *key, uint64_t *value)
{
    size_t n = strlen(key);

    while (text != NULL && *text != '\0') {
        if (strncmp(text, key, n) == 0 && text[n] == ' ') {
            *value = number_at(text + n + 1);
            return true;
        }
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    return false;
}

/* The time throttled, of cgroup v2 in microseconds, of v1 in nanoseconds. Returns: false: such a cgroup can
 * have no quota. */
static bool throttled_of(const char *cpu_stat, uint64_t *ns)
{
    if (find_line(cpu_stat, "throttled_usec", ns)) {
        *ns *= 1000;
        return true;
    }
    return find_line(cpu_stat, "throttled_time", ns);
}

/* --- which cgroup --- */

/* A line of /proc/self/cgroup: "4:cpu,cpuacct:/a/b", or "0::/a/b" of v2. Returns: the path, when the line is
 * of the CPU; *controllers the middle. */
static char *cpu_path(char *line, char **controllers)
{
    char *first = strchr(line, ':');
    char *second = first != NULL ? strchr(first + 1, ':') : NULL;
    char *at = first != NULL ? first + 1 : NULL;

    if (second == NULL)
        return NULL;
    *second = '\0';
    *controllers = at;
    if (*at == '\0')
        return second + 1;
    for (; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strcmp(at, "cpu") == 0 || strncmp(at, "cpu,", 4) == 0)
            return second + 1;
    }
    return NULL;
}

/* Opens the files of the cgroup and those above it, as far as they exist. */
static void open_levels(struct weir__off_cpu *o, const char *mounted_at, const char *controllers, char *path)
{
    while (o->levels < WEIR__OFF_CPU_LEVELS) {
        char name[PATH_BYTES], text[TEXT_BYTES], *up;
        uint64_t ns;
        int n = snprintf(name, sizeof name, "%s/%s%s/cpu.stat", mounted_at, controllers,
                         strcmp(path, "/") == 0 ? "" : path);
        int fd = n < (int)sizeof name ? open(name, O_RDONLY | O_CLOEXEC) : -1;

        if (fd >= 0 && throttled_of(read_text(fd, text), &ns))
            o->cpu_stat[o->levels++] = fd;
        else if (fd >= 0)
            close(fd);
        up = strrchr(path, '/');
        if (up == NULL || path[1] == '\0')
            return;
        up[up == path] = '\0';
    }
}

static void open_cgroups(struct weir__off_cpu *o, const struct weir__off_cpu_files *files)
{
    FILE *list = fopen(files->cgroup, "re");
    char line[PATH_BYTES];

    if (list == NULL)
        return;
    while (fgets(line, sizeof line, list) != NULL) {
        char *controllers, *path;
        line[strcspn(line, "\n")] = '\0';
        path = cpu_path(line, &controllers);
        if (path != NULL && *path == '/')
            open_levels(o, files->mounted_at, controllers, path);
    }
    (void)fclose(list);
}

/* --- opening, looking --- */

static uint64_t grown(uint64_t now, uint64_t *before)
{
    uint64_t by = now > *before ? now - *before : 0;

    *before = now;
    return by;
}

static uint64_t read_throttled(const struct weir__off_cpu *o)
{
    uint64_t all_ns = 0, ns;
    char text[TEXT_BYTES];

    for (int i = 0; i < o->levels; i++)
        if (throttled_of(read_text(o->cpu_stat[i], text), &ns))
            all_ns += ns;
    return all_ns;
}

void weir__off_cpu_open_files(struct weir__off_cpu *o, const struct weir__off_cpu_files *files)
{
    *o = (struct weir__off_cpu){.schedstat = open(files->schedstat, O_RDONLY | O_CLOEXEC)};
    open_cgroups(o, files);
    (void)weir__off_cpu_look(o);
    o->throttled_ns = read_throttled(o);
}

void weir__off_cpu_open(struct weir__off_cpu *o, pid_t thread)
{
    char schedstat[64];

    (void)snprintf(schedstat, sizeof schedstat, "/proc/self/task/%d/schedstat", (int)thread);
    weir__off_cpu_open_files(o,
                             &(struct weir__off_cpu_files){schedstat, "/proc/self/cgroup", "/sys/fs/cgroup"});
}

void weir__off_cpu_close(struct weir__off_cpu *o)
{
    if (o->schedstat >= 0)
        close(o->schedstat);
    while (o->levels > 0)
        close(o->cpu_stat[--o->levels]);
    o->schedstat = -1;
}

/* The time throttled is a part of the delay, and is of all threads of the cgroup. Reading it may cost the
 * kernel a walk over all CPUs, so it is read only when the delay is worth it. */
struct weir__off_cpu_time weir__off_cpu_look(struct weir__off_cpu *o)
{
    char text[TEXT_BYTES];
    uint64_t delay_ns = grown(delay_of(read_text(o->schedstat, text)), &o->delay_ns);
    uint64_t throttled_ns = 0;

    if (delay_ns >= WORTH_NS && o->levels > 0)
        throttled_ns = grown(read_throttled(o), &o->throttled_ns);
    if (throttled_ns > delay_ns)
        throttled_ns = delay_ns;
    return (struct weir__off_cpu_time){delay_ns - throttled_ns, throttled_ns};
}

/* SPDX-License-Identifier: MIT */
#include "core/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 8192 };

/* The mount of a hierarchy, and the cgroup at its root. */
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

/* Reports whether word is one of those in list, which are separated by commas. */
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

/* Finds the mount of cgroup v2 (controller NULL), or that of v1 with the controller. */
static bool find_mount(const char *root, const char *controller, struct mount *mount)
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
        found = controller == NULL ? strcmp(type, "cgroup2") == 0
                                   : strcmp(type, "cgroup") == 0 && is_in(options, controller);
    }
    if (file != NULL)
        (void)fclose(file);
    free(line);
    return found;
}

/* The path of the process's cgroup in its hierarchy. */
static bool find_cgroup(const char *root, const char *controller, char path[PATH_BYTES])
{
    FILE *file = open_below(root, "/proc/self/cgroup");
    char *line = malloc(LINE_BYTES);
    bool found = false;

    while (file != NULL && line != NULL && !found && fgets(line, LINE_BYTES, file) != NULL) {
        char *controllers = strchr(line, ':'),
             *at = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (at == NULL)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        found = controller == NULL ? controllers[1] == '\0' : is_in(controllers + 1, controller);
        if (found)
            found = (size_t)snprintf(path, PATH_BYTES, "%s", at) < PATH_BYTES;
    }
    if (file != NULL)
        (void)fclose(file);
    free(line);
    return found;
}

void weir__cgroup_each(const char *root, const char *controller, void (*fn)(void *arg, const char *folder),
                       void *arg)
{
    struct mount *mount = malloc(sizeof *mount);
    char *folder = malloc(3 * PATH_BYTES), *path = malloc(PATH_BYTES);

    if (mount != NULL && folder != NULL && path != NULL && find_mount(root, controller, mount) &&
        find_cgroup(root, controller, path)) {
        size_t top = strcmp(mount->top, "/") == 0 ? 0 : strlen(mount->top);
        size_t point = strlen(root) + strlen(mount->point);
        bool inside = strncmp(path, mount->top, top) == 0 && strstr(path, "..") == NULL;
        (void)snprintf(folder, 3 * PATH_BYTES, "%s%s%s/", root, mount->point, inside ? path + top : "");
        for (char *end = strrchr(folder, '/'); end >= folder + point; end = strrchr(folder, '/')) {
            *end = '\0';
            fn(arg, folder);
        }
    }
    free(mount);
    free(folder);
    free(path);
}

bool weir__cgroup_read(const char *folder, const char *name, char *text, size_t room)
{
    char path[2 * PATH_BYTES];
    size_t length = 0;
    ssize_t n = 1;
    int fd = (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path
                 ? open(path, O_RDONLY | O_CLOEXEC)
                 : -1;

    while (fd >= 0 && n > 0 && length < room - 1) {
        n = read(fd, text + length, room - 1 - length);
        length += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        (void)close(fd);
    text[length] = '\0';
    return length > 0;
}

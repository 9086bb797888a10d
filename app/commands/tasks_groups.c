/* SPDX-License-Identifier: MIT */
#include "commands/tasks_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/figures.h"

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211); /* so that "ab", "c" is not "a", "bc" */
}

const char *tasks_common_wait(const json_t *task, char out[TASKS_WAIT_BYTES])
{
    static const char *const cut[] = {"sleeping for another", " left)", " for "};
    char *place;

    snprintf(out, TASKS_WAIT_BYTES, "%s", figure_text(task, "waits_for"));
    place = strrchr(out, ',');
    if (place != NULL && strstr(place, " of ") != NULL)
        *place = '\0';
    if (strncmp(out, cut[0], strlen(cut[0])) == 0) {
        out[strlen("sleeping")] = '\0';
    } else if (strstr(out, cut[1]) != NULL) {
        char *bracket = strrchr(out, '(');
        if (bracket != NULL && bracket > out)
            bracket[-1] = '\0';
    } else if (strncmp(out, "running in ", strlen("running in ")) == 0) {
        char *length = strstr(out, cut[2]);
        if (length != NULL)
            *length = '\0';
    }
    return out;
}

static uint64_t likeness_of(const json_t *task)
{
    char wait[TASKS_WAIT_BYTES];
    uint64_t hash = mix(UINT64_C(14695981039346656037), figure_text(task, "name"));

    hash = mix(hash, figure_text(task, "state"));
    hash = mix(hash, tasks_common_wait(task, wait));
    hash = mix(hash, figure_text(task, "route"));
    return mix(hash, figure_text(task, "spawned_at"));
}

static int by_likeness(const void *a, const void *b)
{
    const struct tasks_member *x = a, *y = b;

    if (x->likeness != y->likeness)
        return x->likeness < y->likeness ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const struct tasks_group *x = a, *y = b;

    return (x->place > y->place) - (x->place < y->place);
}

size_t tasks_group(struct tasks_member *members, size_t count, bool apart, struct tasks_group **out)
{
    size_t n = 0;
    struct tasks_group *groups = malloc((count + 1) * sizeof *groups);

    *out = groups;
    if (groups == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        members[i].place = i;
        members[i].likeness = apart ? i : likeness_of(members[i].task);
    }
    qsort(members, count, sizeof *members, by_likeness);
    for (size_t i = 0; i < count; i++) {
        if (n > 0 && groups[n - 1].likeness == members[i].likeness)
            groups[n - 1].count++;
        else
            groups[n++] = (struct tasks_group){members[i].likeness, i, 1, members[i].place};
    }
    qsort(groups, n, sizeof *groups, by_place);
    return n;
}

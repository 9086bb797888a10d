/* SPDX-License-Identifier: MIT */
/* Folds samples into counts of stacks, as flame graphs want them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/profile/profile_inside.h"

enum { FOLDED_MAX = 16 << 10, FRAMES_MAX = 2 * WEIR__UNWIND_MAX };

/* --- counting --- */

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

static struct weir__stack_count *place_of(struct weir__stack_count *stacks, size_t room, const char *text)
{
    size_t at = hash_of(text) & (room - 1);

    while (stacks[at].text != NULL && strcmp(stacks[at].text, text) != 0)
        at = (at + 1) & (room - 1);
    return &stacks[at];
}

static bool grow(weir_profile *profile)
{
    size_t room = profile->stack_room == 0 ? 256 : 2 * profile->stack_room;
    struct weir__stack_count *stacks = calloc(room, sizeof *stacks);

    if (stacks == NULL)
        return false;
    for (size_t i = 0; i < profile->stack_room; i++)
        if (profile->stacks[i].text != NULL)
            *place_of(stacks, room, profile->stacks[i].text) = profile->stacks[i];
    free(profile->stacks);
    profile->stacks = stacks;
    profile->stack_room = room;
    return true;
}

int weir__profile_count(weir_profile *profile, const char *text, uint64_t samples)
{
    struct weir__stack_count *place;

    if (2 * (profile->stack_count + 1) > profile->stack_room && !grow(profile))
        return -ENOMEM;
    place = place_of(profile->stacks, profile->stack_room, text);
    if (place->text == NULL) {
        place->text = strdup(text);
        if (place->text == NULL)
            return -ENOMEM;
        profile->stack_count++;
    }
    place->samples += samples;
    return 0;
}

/* --- folding --- */

/* Replaces the characters that separate frames and lines. */
static void add_name(char *text, size_t *at, const char *name)
{
    if (*at > 0 && *at < FOLDED_MAX - 1)
        text[(*at)++] = ';';
    for (; *name != '\0' && *at < FOLDED_MAX - 1; name++)
        text[(*at)++] = *name == ';' ? ':' : (unsigned char)*name < ' ' ? '?' : *name;
    text[*at] = '\0';
}

/* Whether a frame is the runtime's own, and with it all that are further out. */
static bool is_base(const char *function)
{
    static const char *const bases[] = {"weir__task_main", "weir__switch_to_new", "weir__task_start",
                                        "worker_thread",   "loop_thread",         "weir_run"};

    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        if (strcmp(function, bases[i]) == 0)
            return true;
    return false;
}

static size_t name_frames(weir_profile *profile, const struct weir__sample *sample, weir_frame *frames)
{
    const struct weir__stack_copy copy = {sample->stack, sample->low, sample->count};
    uintptr_t addresses[WEIR__UNWIND_MAX];
    bool complete;
    size_t count = weir__symbols_unwind(profile->symbols, &sample->registers, &copy, addresses,
                                        WEIR__UNWIND_MAX, &complete);
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += weir__symbols_name(profile->symbols, addresses[i], i > 0, frames + n, FRAMES_MAX - n);
    for (size_t i = 0; i < n; i++)
        if (is_base(frames[i].function))
            return i;
    return n;
}

void weir__profile_fold(weir_profile *profile, const struct weir__sample *sample)
{
    char text[FOLDED_MAX] = "";
    weir_frame frames[FRAMES_MAX];
    size_t at = 0, n = name_frames(profile, sample, frames);
    int err;

    add_name(text, &at, sample->route);
    add_name(text, &at, sample->task);
    while (n > 0)
        add_name(text, &at, frames[--n].function);
    err = weir__profile_count(profile, text, 1);
    if (err < 0)
        profile->err = err;
}

/* --- order --- */

static int by_samples(const void *left, const void *right)
{
    const struct weir__stack_count *a = left, *b = right;

    if (a->text == NULL || b->text == NULL)
        return (a->text == NULL) - (b->text == NULL);
    if (a->samples != b->samples)
        return a->samples < b->samples ? 1 : -1;
    return strcmp(a->text, b->text);
}

void weir__profile_sort(weir_profile *profile)
{
    if (profile->stack_room > 0)
        qsort(profile->stacks, profile->stack_room, sizeof *profile->stacks, by_samples);
}

void weir__profile_free_stacks(weir_profile *profile)
{
    for (size_t i = 0; i < profile->stack_room; i++)
        free(profile->stacks[i].text);
    free(profile->stacks);
}

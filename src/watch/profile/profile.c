/* SPDX-License-Identifier: MIT */
#include "watch/profile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime.h"

enum { FOLDED_MAX = 16 << 10, FRAMES_MAX = 2 * WEIR__UNWIND_MAX };

struct weir__stack_count {
    char *text;
    uint64_t samples;
};

/* Guards which runtime has which profile: either may go first. Taken before a runtime's threads' lock. */
static pthread_mutex_t pairing = PTHREAD_MUTEX_INITIALIZER;

static void thread_entered(struct weir__threads *threads, struct weir__thread *thread)
{
    if (threads->profile != NULL && weir__sampling_begin(threads->profile, thread) < 0)
        weir__sampling_end(thread); /* then it goes unsampled */
}

const struct weir__thread_hooks weir__profile_hooks = {thread_entered, weir__sampling_end};

void weir__profile_runtime_ends(struct weir__threads *threads)
{
    pthread_mutex_lock(&pairing);
    if (threads->profile != NULL)
        threads->profile->runtime = NULL;
    pthread_mutex_unlock(&pairing);
}

/* --- starting --- */

static int begin_all(weir_profile *profile)
{
    struct weir__threads *threads = profile->runtime->threads;
    int err = 0;

    pthread_mutex_lock(&pairing);
    pthread_mutex_lock(&threads->lock);
    if (threads->profile != NULL)
        err = -WEIR_EBUSY;
    else
        threads->profile = profile;
    weir__list_each (node, &threads->all)
        if (err == 0)
            err = weir__sampling_begin(profile, weir__container_of(node, struct weir__thread, node));
    pthread_mutex_unlock(&threads->lock);
    pthread_mutex_unlock(&pairing);
    return err;
}

static void end_all(weir_profile *profile)
{
    pthread_mutex_lock(&pairing);
    if (profile->runtime != NULL && profile->runtime->threads->profile == profile) {
        struct weir__threads *threads = profile->runtime->threads;
        pthread_mutex_lock(&threads->lock);
        threads->profile = NULL;
        weir__list_each (node, &threads->all)
            weir__sampling_end(weir__container_of(node, struct weir__thread, node));
        pthread_mutex_unlock(&threads->lock);
    }
    pthread_mutex_unlock(&pairing);
}

static void free_profile(weir_profile *profile)
{
    for (struct weir__samples *s = profile->samples, *next; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
    for (size_t i = 0; i < profile->stack_room; i++)
        free(profile->stacks[i].text);
    free(profile->stacks);
    weir__symbols_close(profile->symbols);
    free(profile);
}

int weir_profile_start(weir_runtime *runtime, int hz, weir_profile **out)
{
    weir_profile *profile;
    int err;

    *out = NULL;
    if (hz < 0 || hz > WEIR_PROFILE_HZ_MAX)
        return -EINVAL;
    if (runtime->options.io == WEIR_IO_SIM)
        return -ENOTSUP;
    profile = calloc(1, sizeof *profile);
    if (profile == NULL)
        return -ENOMEM;
    profile->runtime = runtime;
    profile->hz = hz != 0 ? hz : WEIR_PROFILE_HZ;
    profile->symbols = weir__symbols_share(runtime->symbols); /* which it may outlive */
    err = weir__sampling_catch();
    if (err < 0) {
        free_profile(profile);
        return err;
    }
    err = begin_all(profile);
    if (err < 0) {
        end_all(profile);
        weir__sampling_uncatch();
        free_profile(profile);
        return err;
    }
    *out = profile;
    return 0;
}

/* --- folding --- */

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

static int count_stack(weir_profile *profile, const char *text, uint64_t samples)
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

/* What separates frames and lines can't stand in a name. */
static void add_name(char *text, size_t *at, const char *name)
{
    if (*at > 0 && *at < FOLDED_MAX - 1)
        text[(*at)++] = ';';
    for (; *name != '\0' && *at < FOLDED_MAX - 1; name++)
        text[(*at)++] = *name == ';' ? ':' : (unsigned char)*name < ' ' ? '?' : *name;
    text[*at] = '\0';
}

/* Below them nothing is the program's own. */
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

static void fold(weir_profile *profile, const struct weir__sample *sample)
{
    char text[FOLDED_MAX] = "";
    weir_frame frames[FRAMES_MAX];
    size_t at = 0, n = name_frames(profile, sample, frames);
    int err;

    add_name(text, &at, sample->route);
    add_name(text, &at, sample->task);
    while (n > 0)
        add_name(text, &at, frames[--n].function);
    err = count_stack(profile, text, 1);
    if (err < 0)
        profile->err = err;
}

void weir_profile_collect(weir_profile *profile)
{
    struct weir__samples *samples = atomic_load_explicit(&profile->samples, memory_order_acquire);

    for (; samples != NULL; samples = samples->next) {
        uint32_t written = atomic_load_explicit(&samples->written, memory_order_acquire);
        uint32_t read = atomic_load_explicit(&samples->read, memory_order_relaxed);
        for (; read != written; read++) {
            fold(profile, &samples->ring[read % WEIR__SAMPLES_KEPT]);
            atomic_store_explicit(&samples->read, read + 1, memory_order_release);
        }
        profile->lost += atomic_exchange_explicit(&samples->lost, 0, memory_order_relaxed);
    }
}

/* --- the end --- */

static int by_samples(const void *left, const void *right)
{
    const struct weir__stack_count *a = left, *b = right;

    if (a->text == NULL || b->text == NULL)
        return (a->text == NULL) - (b->text == NULL);
    if (a->samples != b->samples)
        return a->samples < b->samples ? 1 : -1;
    return strcmp(a->text, b->text);
}

int weir_profile_stop(weir_profile *profile, weir_buffer *folded)
{
    int err;

    end_all(profile);
    weir__sampling_uncatch();
    weir_profile_collect(profile);
    if (profile->lost > 0 && profile->err == 0)
        profile->err = count_stack(profile, "-;lost samples", profile->lost);
    err = profile->err;
    if (profile->stack_room > 0)
        qsort(profile->stacks, profile->stack_room, sizeof *profile->stacks, by_samples);
    for (size_t i = 0; i < profile->stack_count && err == 0 && folded != NULL; i++)
        err = weir_buffer_printf(folded, "%s %llu\n", profile->stacks[i].text,
                                 (unsigned long long)profile->stacks[i].samples);
    free_profile(profile);
    return err;
}

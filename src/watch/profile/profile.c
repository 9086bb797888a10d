/* SPDX-License-Identifier: MIT */
/* Starts, collects and stops a profile. */
#include "watch/profile/profile.h"

#include <errno.h>
#include <stdlib.h>

#include "core/misuse.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "watch/profile/profile_inside.h"

/* Guards the link between a runtime and its profile, either of which may end first. Taken before the lock of
 * the runtime's threads. */
static pthread_mutex_t pairing = PTHREAD_MUTEX_INITIALIZER;

static void thread_entered(struct weir__threads *threads, struct weir__thread *thread)
{
    if (threads->profile != NULL && weir__sampling_begin(threads->profile, thread) < 0)
        weir__sampling_end(thread); /* then the thread is not sampled */
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
    weir__profile_free_stacks(profile);
    weir__symbols_close(profile->symbols);
    free(profile);
}

int weir_profile_open(weir_runtime *runtime, int hz, weir_profile **out)
{
    weir_profile *profile;
    int err;

    *out = NULL;
    if (hz < 0 || hz > WEIR_PROFILE_HZ_MAX)
        return -EINVAL;
    if (runtime->options.io == WEIR_IO_SIM)
        return -ENOTSUP;
    if (weir__thread_here != NULL && weir__thread_here->runtime == runtime)
        weir__misuse(__func__, "on a loop or worker of the runtime that it samples",
                     "call it on a thread outside that runtime, or in another runtime");
    profile = calloc(1, sizeof *profile);
    if (profile == NULL)
        return -ENOMEM;
    profile->runtime = runtime;
    profile->hz = hz != 0 ? hz : WEIR_PROFILE_HZ;
    profile->symbols = weir__symbols_share(runtime->symbols); /* the profile may outlive the runtime */
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

/* --- the samples --- */

void weir_profile_collect(weir_profile *profile)
{
    struct weir__samples *samples = atomic_load_explicit(&profile->samples, memory_order_acquire);

    for (; samples != NULL; samples = samples->next) {
        uint32_t written = atomic_load_explicit(&samples->written, memory_order_acquire);
        uint32_t read = atomic_load_explicit(&samples->read, memory_order_relaxed);
        for (; read != written; read++) {
            weir__profile_fold(profile, &samples->ring[read % WEIR__SAMPLES_KEPT]);
            atomic_store_explicit(&samples->read, read + 1, memory_order_release);
        }
        profile->lost += atomic_exchange_explicit(&samples->lost, 0, memory_order_relaxed);
    }
}

/* --- stopping --- */

int weir_profile_close(weir_profile *profile, weir_buffer *folded)
{
    int err;

    end_all(profile);
    weir__sampling_uncatch();
    weir_profile_collect(profile);
    if (profile->lost > 0 && profile->err == 0)
        profile->err = weir__profile_count(profile, "-;lost samples", profile->lost);
    err = profile->err;
    weir__profile_sort(profile);
    for (size_t i = 0; i < profile->stack_count && err == 0 && folded != NULL; i++)
        err = weir_buffer_printf(folded, "%s %llu\n", profile->stacks[i].text,
                                 (unsigned long long)profile->stacks[i].samples);
    free_profile(profile);
    return err;
}

/* SPDX-License-Identifier: MIT */
/* Published state: one value that loops and jobs read whole, while the next version of it is being made.
 *
 *     static weir_published prices;                      // struct table *, never changed once it is
 * published
 *
 *     static int answer(weir_request *req, weir_response *res, void *state)
 *     {
 *         const struct table *t = weir_published_get(&prices);
 *         double price = table_find(t, weir_request_param(req, "id"));
 *         return reply(res, price);                      // this waits: t may be gone after it
 *     }
 *
 *     static int refresh(void *arg)                      // a task; makes a new version every minute
 *     {
 *         struct table *next;
 *         while (weir_sleep(weir_seconds(60)) == 0)
 *             if (weir_offload(weir_pool_compute(), "prices", make_table, &next) == 0 &&
 *                 weir_published_set(&prices, next) < 0)
 *                 table_free(next);
 *         return 0;
 *     }
 *
 * A reader never waits and takes no lock. How long what it got is there:
 *   - in a task, until it next waits, whatever for: that is the price of a read that costs nothing;
 *   - in a job, until its function returns; of weir_offload_each() until the range does;
 *   - longer, across waits too, with weir_published_hold(), until the release.
 * What is read must not be changed. An old version is freed when its last reader is gone, by the task that
 * published the next; that task waits for it, so there are never more than two versions for each publisher. A
 * job that runs for minutes holds it up as long, and so does a loop that is held; the readers of the new
 * version notice nothing.
 *
 * Threading: a published value is read by the tasks of all loops of one runtime, and by their jobs. It is set
 * by tasks, several if need be.
 */
#ifndef WEIR_PUBLISHED_H
#define WEIR_PUBLISHED_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_version;

typedef struct weir_published {
    struct weir_version *current; /* read with weir_published_get() */
    void (*free_value)(void *value);
} weir_published;

/* Publishes the first version.
 * Owns:    p is the caller's storage, and is not moved. value is p's from now on if this succeeds: it is
 *          given to free_value when its time has come; NULL: nothing is freed. It may be NULL.
 * Returns: 0; -ENOMEM.
 * Where:   any thread, before anybody reads it.
 */
int weir_published_init(weir_published *p, void *value, void (*free_value)(void *value)) WEIR_CHECKED;

/* Frees the last version.
 * Where:   any thread, when nobody reads it any more and no set is under way.
 */
void weir_published_end(weir_published *p);

/* The present version.
 * Owns:    lent, for as long as said above.
 * Returns: the value.
 * Where:   task, job. Does not wait. One load from memory in a task; in a job the first one costs some
 *          nanoseconds more.
 */
const void *weir_published_get(const weir_published *p);

/* A version that is being held. */
typedef struct weir_published_held {
    struct weir_version *version;
} weir_published_held;

/* The present version, for as long as one likes; who publishes the next waits for the release.
 * Owns:    held is the caller's storage, until the release.
 * Returns: the value.
 * Where:   task, job. Does not wait. Two atomic additions, this and the release, on memory all holders share.
 */
const void *weir_published_hold(weir_published *p, weir_published_held *held);

/* Gives it up. By the same task or another, on any loop, or a job.
 * Where:   task, job. Does not wait.
 */
void weir_published_release(weir_published_held *held);

/* Publishes the next version at once; then waits until nobody reads the one before, and frees that.
 * Owns:    value is p's from now on if this succeeds.
 * Returns: 0; -ENOMEM, -WEIR_ECANCELED, -WEIR_EDEADLINE: nothing has changed, value is still the caller's.
 * Cancel:  one that came before is returned; from then on it does not cut the wait short, because somebody
 *          still reads.
 * Where:   task that holds no version of it. Waits.
 */
int weir_published_set(weir_published *p, void *value) WEIR_CHECKED;

/* The same, but gives the version before to the caller rather than to free_value: to free it elsewhere, or to
 * make the next one in it.
 * Owns:    value is p's, *before the caller's, if this succeeds.
 * Returns: as weir_published_set().
 * Cancel:  as weir_published_set().
 * Where:   as weir_published_set(). Waits.
 */
int weir_published_replace(weir_published *p, void *value, void **before) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif

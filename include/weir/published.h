/* SPDX-License-Identifier: MIT */
/* Published state: a value that loops and jobs read as a whole while its next version is being prepared.
 *
 *     static weir_published prices;                      // struct table *, not changed once published
 *
 *     static int answer(weir_request *req, weir_response *res, void *state)
 *     {
 *         const struct table *t = weir_published_get(&prices);
 *         double price = table_find(t, weir_request_param(req, "id"));
 *         return reply(res, price);                      // this waits: t may be invalid after it
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
 * A reader never waits and takes no lock. What it reads must not be changed, and is valid
 *   - in a task, until the task next waits, for whatever reason: the read itself costs nothing;
 *   - in a job, until its function returns; in weir_offload_each(), until the range's function returns;
 *   - longer, also across waits, with weir_published_hold(), until the release.
 *
 * An old version is freed when its last reader has finished, by the task that published the next version.
 * That task waits for this, so there are never more than two versions for each publishing task. A job that
 * runs for minutes delays the publishing task by as much, and so does a loop that is held; readers of the
 * new version are not affected.
 *
 * Threading: a published value is read by the tasks of all loops of one runtime, and by their jobs. It is
 * set by tasks, by several if need be.
 */
#ifndef WEIR_PUBLISHED_H
#define WEIR_PUBLISHED_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_published_version;

typedef struct weir_published {
    struct weir_published_version *current; /* read with weir_published_get() */
    void (*free_value)(void *value);
} weir_published;

/* Publishes the first version.
 * Owns:    p is the caller's storage, and is not moved. If this succeeds, value belongs to p, which passes
 *          it to free_value when it is no longer read. free_value NULL: nothing is freed. value may be
 *          NULL.
 * Returns: 0; -ENOMEM.
 * Where:   any thread, before p is first read.
 */
int weir_published_init(weir_published *p, void *value, void (*free_value)(void *value)) WEIR_CHECKED;

/* Frees the last version.
 * Where:   any thread, when p is no longer read and no set is in progress.
 */
void weir_published_free(weir_published *p);

/* Reads the present version.
 * Owns:    lent, for as long as said above.
 * Returns: the value.
 * Where:   task, job. Does not wait. Costs one load from memory in a task; in a job the first read costs
 *          some nanoseconds more.
 */
const void *weir_published_get(const weir_published *p);

/* A version that is held. */
typedef struct weir_published_held {
    struct weir_published_version *version;
} weir_published_held;

/* Reads the present version and holds it for as long as the caller likes; the next publisher waits for the
 * release.
 * Owns:    held is the caller's storage, until the release.
 * Returns: the value.
 * Where:   task, job. Does not wait. Costs two atomic additions, this and the release, on memory that all
 *          holders share.
 */
const void *weir_published_hold(weir_published *p, weir_published_held *held);

/* Releases a held version. The same or another task, on any loop, or a job may do it.
 * Where:   task, job. Does not wait.
 */
void weir_published_release(weir_published_held *held);

/* Publishes the next version at once, then waits until the previous one is no longer read, and frees it.
 * Owns:    if this succeeds, value belongs to p.
 * Returns: 0; -ENOMEM, -WEIR_ECANCELED, -WEIR_EDEADLINE: nothing has changed, value is still the caller's.
 * Cancel:  a cancel before the call is returned. A later one does not shorten the wait, because the
 *          previous version is still being read.
 * Where:   task that holds no version of p. Waits.
 */
int weir_published_set(weir_published *p, void *value) WEIR_CHECKED;

/* Like weir_published_set(), but returns the previous version instead of passing it to free_value: to free
 * it elsewhere, or to build the next version in it.
 * Owns:    if this succeeds, value belongs to p, and *before to the caller.
 * Returns: as weir_published_set().
 * Cancel:  as weir_published_set().
 * Where:   as weir_published_set(). Waits.
 */
int weir_published_replace(weir_published *p, void *value, void **before) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
#include "files/file_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <weir/fd.h>
#include <weir/pool.h>
#include <weir/runtime.h>
#include <weir/task.h>
#include <weir/time.h>

#include "files/file_names.h"
#include "files/file_unsent.h"

enum {
    NAMES_MAX = 4096,
    NAME_BYTES = 256, /* on average at most: clients choose the paths that are not there */
    DESCRIPTORS_MIN = 16,
    DESCRIPTORS_MAX = 4096,
    DESCRIPTORS_PART = 4, /* of RLIMIT_NOFILE */
    LOOK_WAIT_MS = 1000,  /* for a place in the pool */
};

static const int64_t stale_ns = FILE_CACHE_STALE_MS * INT64_C(1000000),
                     idle_ns = FILE_CACHE_IDLE_MS * INT64_C(1000000);

struct file_cache {
    struct file_cache_options limits;
    struct file_names names;
    struct file_holdings holdings;
    struct file_unsent unsent;
};

/* --- opening and closing --- */

static size_t default_descriptors(void)
{
    const size_t loops = (size_t)weir_loop_count();
    struct rlimit limit;
    size_t most;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return DESCRIPTORS_MIN;
    most = (size_t)limit.rlim_cur / DESCRIPTORS_PART / loops;
    return most < DESCRIPTORS_MIN ? DESCRIPTORS_MIN : most > DESCRIPTORS_MAX ? DESCRIPTORS_MAX : most;
}

static void set_limits(struct file_cache_options *limits)
{
    if (limits->content_bytes == 0)
        limits->content_bytes = FILE_CACHE_BYTES / (uint64_t)weir_loop_count();
    if (limits->names == 0)
        limits->names = NAMES_MAX;
    if (limits->descriptors == 0)
        limits->descriptors = default_descriptors();
    if (limits->calls == NULL)
        limits->calls = &file_calls_of_system;
}

int file_cache_open(const struct file_cache_options *options, struct file_cache **out)
{
    struct file_cache *cache = calloc(1, sizeof *cache);

    *out = NULL;
    if (cache == NULL)
        return -ENOMEM;
    cache->limits = *options;
    set_limits(&cache->limits);
    cache->holdings.calls = cache->limits.calls;
    *out = cache;
    return 0;
}

/* The tables are made for the first file: most configurations have none. */
static int make_tables(struct file_cache *cache)
{
    struct file_holdings *h = &cache->holdings;
    int err;

    if (cache->names.buckets != NULL)
        return 0;
    err = file_names_init(&cache->names, cache->limits.names);
    if (err < 0)
        return err;
    h->closing = calloc(cache->limits.descriptors, sizeof *h->closing);
    h->closing_room = h->closing != NULL ? cache->limits.descriptors : 0;
    return 0;
}

static void drop_version(struct file_cache *cache, struct file_name *name)
{
    if (name->version != NULL)
        file_version_release(&cache->holdings, name->version);
    name->version = NULL;
    name->known = false;
}

static void forget(struct file_cache *cache, struct file_name *name)
{
    drop_version(cache, name);
    file_names_remove(&cache->names, name);
}

void file_cache_close(struct file_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->names.oldest != NULL)
        forget(cache, cache->names.oldest);
    while (cache->holdings.closing_count > 0)
        (void)cache->limits.calls->close(cache->holdings.closing[--cache->holdings.closing_count]);
    free(cache->holdings.closing);
    free(cache->names.buckets);
    free(cache);
}

/* --- throwing out --- */

static void forget_idle(struct file_cache *cache, int64_t now_ns)
{
    struct file_name *name;

    while ((name = cache->names.oldest) != NULL && name->users == 0 && now_ns - name->asked_ns > idle_ns)
        forget(cache, name);
}

static bool are_too_many(const struct file_cache *cache)
{
    return cache->names.count > cache->limits.names ||
           cache->names.path_bytes > cache->limits.names * NAME_BYTES;
}

/* Forgets names, oldest first, until there are no more than may be. Those that are looked at stay. */
static void limit_names(struct file_cache *cache)
{
    struct file_name *name = cache->names.oldest;

    while (name != NULL && are_too_many(cache)) {
        struct file_name *newer = name->newer;

        if (name->users == 0)
            forget(cache, name);
        name = newer;
    }
}

/* Whether a version is held by its name alone, so that memory or a descriptor comes free with it. */
static bool is_idle(const struct file_version *v, bool of_descriptors)
{
    return v != NULL && v->users == 1 && (v->file.fd >= 0) == of_descriptors;
}

static bool is_over(const struct file_cache *cache, bool of_descriptors)
{
    const struct file_holdings *h = &cache->holdings;

    return of_descriptors ? h->descriptors - h->closing_count > cache->limits.descriptors
                          : h->content_bytes > cache->limits.content_bytes;
}

/* Drops versions, of the names that were not asked for for longest, until the limit holds; `all`: as many as
 * there are. Versions that are being sent stay. */
static void drop_versions(struct file_cache *cache, bool of_descriptors, bool all)
{
    struct file_name *name = cache->names.oldest;

    for (; name != NULL && (all || is_over(cache, of_descriptors)); name = name->newer)
        if (is_idle(name->version, of_descriptors))
            drop_version(cache, name);
}

/* --- looking --- */

static int run_load(weir_job *job, void *arg)
{
    (void)job;
    return file_load_run(arg);
}

static int load_by_job(struct file_cache *cache, struct file_load *load)
{
    weir_offload_options options = {.when_full = WEIR_WAIT_UNTIL, .until = weir_after(weir_ms(LOOK_WAIT_MS))};
    int err;

    file_holdings_lend(&cache->holdings, load);
    err = weir_offload_with(weir_pool_blocking(), "looking at a file", run_load, load, &options);
    file_holdings_take_back(&cache->holdings, load);
    return err;
}

/* Loads a file; with fewer descriptors of the cache, else of idle connections, if the process has too many.
 */
static int load_file(struct file_cache *cache, struct file_load *load)
{
    int err = load_by_job(cache, load);

    if (err != -EMFILE && err != -ENFILE)
        return err;
    drop_versions(cache, true, true);
    if (cache->holdings.closing_count == 0 && weir_fd_make_room() < 0)
        return err;
    return load_by_job(cache, load);
}

/* Makes what was loaded the version of a name. *out has a user of its own. A version for which there is no
 * room goes to its caller alone. */
static int keep(struct file_cache *cache, struct file_name *name, struct file_load *load,
                struct file_version **out)
{
    struct file_version *v = file_version_of(&cache->holdings, load);
    bool by_descriptor;

    drop_version(cache, name);
    if (v == NULL)
        return -ENOMEM;
    by_descriptor = v->file.fd >= 0;
    drop_versions(cache, by_descriptor, false);
    *out = v;
    if (!is_over(cache, by_descriptor)) {
        name->version = v;
        v->users++;
        name->known = true;
        return 0;
    }
    if (!by_descriptor)
        return 0;
    file_version_release(&cache->holdings, v);
    *out = NULL;
    return -EMFILE;
}

static bool is_outcome(int err)
{
    return err == 0 || err == -ENOENT || err == -EISDIR;
}

/* Notes the outcome of a look. Returns: 0, with *out; < 0. */
static int note(struct file_cache *cache, struct file_name *name, struct file_load *load, int err,
                struct file_version **out)
{
    if (err == 0 && load->same) {
        *out = name->version;
        name->version->users++;
        return 0;
    }
    if (err == 0) {
        name->result = 0;
        return keep(cache, name, load, out);
    }
    if (is_outcome(err)) {
        drop_version(cache, name);
        name->known = true;
        name->result = err;
    }
    return err;
}

/* A version that was read while the file changed is read again. */
static struct file_load load_of(const struct file_cache *cache, const struct file_name *name)
{
    const uint64_t most = cache->limits.content_bytes;
    const struct file_version *v = name->version;
    struct file_load load = {
        .calls = cache->limits.calls,
        .root = name->root,
        .path = name->path,
        .content_max = most < FILE_CACHE_CONTENT_MAX ? most : FILE_CACHE_CONTENT_MAX,
        .has_known = v != NULL && (v->settled || v->file.content == NULL),
        .fd = -1,
    };

    if (load.has_known)
        load.known = v->about;
    return load;
}

/* Looks at a file, and tells those that wait for that. Returns: as note(). */
static int look(struct file_cache *cache, struct file_name *name, int64_t now_ns, struct file_version **out)
{
    struct file_load load = load_of(cache, name);
    struct file_version *old = name->version;
    int err;

    name->looking = true;
    if (old != NULL)
        old->users++; /* so it stays */
    weir_event_reset(&name->looked);
    err = note(cache, name, &load, load_file(cache, &load), out);
    file_unsent_say(&cache->unsent, name->path, load.why, now_ns);
    if (is_outcome(err)) {
        name->looked_ns = now_ns;
        name->looks++;
    }
    name->failure = is_outcome(err) ? 0 : err;
    if (old != NULL)
        file_version_release(&cache->holdings, old);
    name->looking = false;
    weir_event_set(&name->looked);
    return err;
}

/* --- finding --- */

static int hand_out(const struct file_name *name, struct file_version **out)
{
    if (name->version != NULL)
        name->version->users++;
    *out = name->version;
    return name->result;
}

/* Reports whether what is known of a name may be used: half of its time without a look, all of it while
 * another task looks or a look failed. */
static bool is_usable(const struct file_name *name, int64_t now_ns, bool to_the_end)
{
    return name->known && now_ns - name->looked_ns < (to_the_end ? stale_ns : stale_ns / 2);
}

/* Reports whether a version is sent from a descriptor whose file was changed in place. What its content tells
 * belongs together for ever; facts and bytes of a descriptor do not. */
static bool is_changed(const struct file_cache *cache, const struct file_version *v)
{
    return v != NULL && v->file.fd >= 0 && cache->limits.calls->has_changed(v->file.fd, &v->about);
}

/* A failure that says nothing of the file: another task may have more time. */
static bool is_of_caller(int err)
{
    return err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE || err == -WEIR_ELATE;
}

static int look_or_keep(struct file_cache *cache, struct file_name *name, int64_t now_ns,
                        struct file_version **out)
{
    int err = look(cache, name, now_ns, out);

    if (!is_outcome(err) && weir_cancelled() == 0 && is_usable(name, weir_now().ns, true))
        return hand_out(name, out);
    return err;
}

/* Waits for the look of another task, or looks. Returns: 0; < 0. */
static int find_out(struct file_cache *cache, struct file_name *name, struct file_version **out)
{
    const uint64_t looks = name->looks;

    while (name->looking) {
        int err = weir_event_wait(&name->looked);

        if (err < 0)
            return err;
        if (name->looks != looks && name->known)
            return hand_out(name, out);
        if (name->looks == looks && name->failure < 0 && !is_of_caller(name->failure))
            return name->failure;
    }
    return look_or_keep(cache, name, weir_now().ns, out);
}

int file_cache_get(struct file_cache *cache, int root, const char *path, struct cached_file **out)
{
    const int64_t now_ns = weir_now().ns;
    struct file_version *v = NULL;
    struct file_name *name;
    int err = make_tables(cache);

    *out = NULL;
    name = err == 0 ? file_names_find(&cache->names, root, path) : NULL;
    if (name == NULL)
        return -ENOMEM;
    name->asked_ns = now_ns;
    if (is_usable(name, now_ns, name->looking) && !is_changed(cache, name->version)) {
        err = hand_out(name, &v);
    } else {
        name->users++;
        err = find_out(cache, name, &v);
        name->users--;
        forget_idle(cache, now_ns);
        limit_names(cache);
    }
    *out = v != NULL ? &v->file : NULL;
    return err;
}

void file_cache_release(struct file_cache *cache, struct cached_file *file)
{
    if (file != NULL)
        file_version_release(&cache->holdings, (struct file_version *)(void *)file);
}

void file_cache_tell_cut(struct file_cache *cache, const char *path, int err)
{
    if (err == -WEIR_ETRUNCATED || err == -EIO)
        file_unsent_say(&cache->unsent, path, err, weir_now().ns);
}

void file_cache_forget(struct file_cache *cache, int root)
{
    for (struct file_name *name = cache->names.oldest; name != NULL; name = name->newer)
        if (name->root == root && !name->looking)
            drop_version(cache, name);
}

/* SPDX-License-Identifier: MIT */
#include "core/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <weir/log.h>

#include "base/clock.h"
#include "core/lock.h"

enum { SHARED_VERSION = 1, BLOCK_ALIGN = 64, SHARED_BYTES_MAX = 1 << 30 };

static const int64_t TRIED_NS = 100000000, REFUSED_NS = 1000000000, TOLD_EACH_NS = INT64_C(60) * 1000000000;

static const uint64_t SHARED_MAGIC = 0x6465726168536957; /* "WiShared" */

/* Stands before each block. */
struct entry {
    char name[WEIR_SHARED_NAME_BYTES];
    uint64_t bytes; /* of the block, as was asked for */
    uint64_t counts;
    uint64_t next; /* where the entry behind it begins */
} __attribute__((aligned(BLOCK_ALIGN)));

/* --- making and mapping --- */

static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    int err = pthread_mutexattr_init(&attributes);

    if (err != 0)
        return -err;
    (void)pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void)pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    err = pthread_mutex_init(lock, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return -err;
}

/* Writes the header of a new file. Its size is sealed: a file that shrinks would kill its readers. */
static int init_file(int fd, uint64_t bytes)
{
    struct weir__shared_header *header;
    int err;

    if (ftruncate(fd, (off_t)bytes) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    header = mmap(NULL, sizeof *header, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED)
        return -errno;
    err = init_lock(&header->lock);
    header->version = SHARED_VERSION;
    header->header_bytes = sizeof *header;
    header->bytes = bytes;
    atomic_store(&header->used, sizeof *header);
    header->magic = SHARED_MAGIC;
    (void)munmap(header, sizeof *header);
    return err;
}

int weir_shared_make(size_t bytes, int *fd)
{
    int made, err;

    if (bytes == 0 || bytes > SHARED_BYTES_MAX)
        return -EINVAL;
    made = memfd_create("weir shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return -errno;
    err = init_file(made, sizeof(struct weir__shared_header) + bytes);
    if (err < 0) {
        (void)close(made);
        return err;
    }
    *fd = made;
    return 0;
}

static bool is_ours(const struct weir__shared_header *header, uint64_t bytes)
{
    return header->magic == SHARED_MAGIC && header->version == SHARED_VERSION &&
           header->header_bytes == sizeof *header && header->bytes == bytes;
}

static int map(int fd, struct weir__shared_header **out)
{
    struct stat status;
    struct weir__shared_header *header;
    int seals;

    if (fstat(fd, &status) < 0)
        return -errno;
    seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || (size_t)status.st_size < sizeof *header)
        return -EINVAL;
    header = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED)
        return errno == ENOMEM ? -ENOMEM : -EINVAL; /* open for reading alone */
    if (!is_ours(header, (uint64_t)status.st_size)) {
        (void)munmap(header, (size_t)status.st_size);
        return -EINVAL;
    }
    *out = header;
    return 0;
}

static void join(struct weir__shared_header *header, int member)
{
    int members = atomic_load(&header->members);

    while (members <= member && !atomic_compare_exchange_weak(&header->members, &members, member + 1)) {
    }
}

int weir_shared_open(int fd, int member, weir_shared **out)
{
    weir_shared *shared;
    int err;

    if (member < 0 || member >= WEIR_SHARED_MEMBERS_MAX)
        return -EINVAL;
    shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return -ENOMEM;
    err = map(fd, &shared->header);
    if (err < 0) {
        free(shared);
        return err;
    }
    shared->member = member;
    weir__list_init(&shared->listeners);
    (void)pthread_mutex_init(&shared->managing, NULL);
    (void)pthread_mutex_init(&shared->calling, NULL);
    join(shared->header, member);
    *out = shared;
    return 0;
}

void weir_shared_close(weir_shared *shared)
{
    if (shared == NULL)
        return;
    (void)pthread_mutex_destroy(&shared->managing);
    (void)pthread_mutex_destroy(&shared->calling);
    (void)munmap(shared->header, shared->header->bytes);
    free(shared);
}

int weir_shared_member(const weir_shared *shared)
{
    return shared->member;
}

/* --- blocks --- */

static struct entry *entry_at(const weir_shared *shared, uint64_t at)
{
    return (struct entry *)((char *)shared->header + at);
}

static void *block_of(struct entry *entry)
{
    return entry + 1;
}

/* The first entry, and the one behind it; NULL: there is none that is complete. */
static struct entry *first_entry(const weir_shared *shared)
{
    return atomic_load(&shared->header->used) > sizeof(struct weir__shared_header)
               ? entry_at(shared, sizeof(struct weir__shared_header))
               : NULL;
}

static struct entry *next_entry(const weir_shared *shared, const struct entry *entry)
{
    return entry->next < atomic_load(&shared->header->used) ? entry_at(shared, entry->next) : NULL;
}

static struct entry *find(const weir_shared *shared, const char *name)
{
    struct entry *entry = first_entry(shared);

    while (entry != NULL && strcmp(entry->name, name) != 0)
        entry = next_entry(shared, entry);
    return entry;
}

/* Adds a block behind the others. It is there once `used` says so, for everyone at the same moment: a process
 * that dies before has changed nothing but what the next one overwrites. */
static int add(weir_shared *shared, const char *name, size_t counts, size_t bytes, struct entry **out)
{
    struct weir__shared_header *header = shared->header;
    uint64_t at = atomic_load(&header->used), room = header->bytes - at;
    struct entry *entry = entry_at(shared, at);

    if (room < sizeof *entry || room - sizeof *entry < bytes)
        return -ENOSPC;
    memset(entry, 0, sizeof *entry);
    memcpy(entry->name, name, strlen(name));
    entry->bytes = bytes;
    entry->counts = counts;
    entry->next = (at + sizeof *entry + bytes + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    atomic_store(&header->used, entry->next < header->bytes ? entry->next : header->bytes);
    *out = entry;
    return 0;
}

/* The directory is valid also when the process that held the lock has died, see add(). */
static bool take(pthread_mutex_t *lock)
{
    int err = pthread_mutex_trylock(lock);

    if (err == EOWNERDEAD)
        err = pthread_mutex_consistent(lock);
    if (err != 0 && err != EBUSY)
        abort(); /* the memory was written over */
    return err == 0;
}

/* Looks again and again: a change of the wall clock, by which a mutex is waited for, does not matter so.
 * Returns: whether it was taken. */
static bool take_until(pthread_mutex_t *lock, int64_t until_ns)
{
    static const struct timespec nap = {.tv_nsec = 50000};
    atomic_int word = 0;

    while (!take(lock)) {
        if (weir__clock_monotonic_ns() >= until_ns)
            return false;
        weir__futex_wait(&word, 0, &nap);
    }
    return true;
}

/* Its holder has no reason to hold it for so long, but that it does not run. */
static void tell(weir_shared *shared, int64_t now_ns)
{
    int64_t told_ns = atomic_load(&shared->told_ns);

    if ((told_ns == 0 || now_ns - told_ns >= TOLD_EACH_NS) &&
        atomic_compare_exchange_strong(&shared->told_ns, &told_ns, now_ns))
        weir_log(WEIR_LOG_WARN, "a process holds the shared memory of all: it is stopped, or gets no CPU",
                 WEIR_KV_INT("member", shared->member));
}

bool weir__shared_try_enter(weir_shared *shared)
{
    pthread_mutex_t *lock = &shared->header->lock;
    int64_t now_ns;

    if (take(lock))
        return true;
    now_ns = weir__clock_monotonic_ns();
    if (now_ns < atomic_load(&shared->refused_until_ns))
        return false;
    if (take_until(lock, now_ns + TRIED_NS))
        return true;
    atomic_store(&shared->refused_until_ns, now_ns + REFUSED_NS);
    tell(shared, now_ns);
    return false;
}

void weir__shared_enter(weir_shared *shared)
{
    while (!take_until(&shared->header->lock, weir__clock_monotonic_ns() + REFUSED_NS))
        tell(shared, weir__clock_monotonic_ns());
}

void weir__shared_leave(weir_shared *shared)
{
    (void)pthread_mutex_unlock(&shared->header->lock);
}

void weir_shared_lock(weir_shared *shared)
{
    weir__shared_enter(shared);
}

void weir_shared_unlock(weir_shared *shared)
{
    weir__shared_leave(shared);
}

static int check_block(const char *name, size_t counts, size_t bytes)
{
    size_t length = strnlen(name, WEIR_SHARED_NAME_BYTES);

    return length == 0 || length == WEIR_SHARED_NAME_BYTES || bytes / sizeof(weir_shared_count) < counts
               ? -EINVAL
               : 0;
}

static int use(struct entry *entry, size_t counts, size_t bytes, void **out)
{
    if (entry->counts != counts || entry->bytes != bytes)
        return -WEIR_ECONFIG;
    *out = block_of(entry);
    return 0;
}

int weir__shared_block(weir_shared *shared, const char *name, size_t counts, size_t bytes, void **out)
{
    struct entry *entry = find(shared, name);
    int err = check_block(name, counts, bytes);

    if (err == 0 && entry == NULL)
        err = add(shared, name, counts, bytes, &entry);
    return err < 0 ? err : use(entry, counts, bytes, out);
}

int weir_shared_block(weir_shared *shared, const char *name, size_t counts, size_t bytes, void **out)
{
    struct entry *entry;
    int err = check_block(name, counts, bytes);

    if (err < 0)
        return err;
    entry = find(shared, name);
    if (entry != NULL)
        return use(entry, counts, bytes, out);
    weir__shared_enter(shared);
    err = weir__shared_block(shared, name, counts, bytes, out);
    weir__shared_leave(shared);
    return err;
}

/* --- counts. All of their operations are sequentially consistent: of two members that add to a count and
 * then sum it up, one at least sees the other. --- */

bool weir_shared_count_try(weir_shared *shared, weir_shared_count *count, int max)
{
    (void)atomic_fetch_add(&count->cells[shared->member], 1);
    if (weir_shared_count_sum(shared, count) <= max)
        return true;
    (void)atomic_fetch_sub(&count->cells[shared->member], 1);
    return false;
}

void weir_shared_count_add(weir_shared *shared, weir_shared_count *count, int n)
{
    (void)atomic_fetch_add(&count->cells[shared->member], n);
}

int weir_shared_count_sum(weir_shared *shared, weir_shared_count *count)
{
    int members = atomic_load(&shared->header->members), sum = 0;

    for (int i = 0; i < members; i++)
        sum += atomic_load(&count->cells[i]);
    return sum;
}

int weir_shared_count_of(const weir_shared_count *count, int member)
{
    return atomic_load(&count->cells[member]);
}

void weir_shared_expel(weir_shared *shared, int member)
{
    for (struct entry *entry = first_entry(shared); entry != NULL; entry = next_entry(shared, entry)) {
        weir_shared_count *counts = block_of(entry);
        for (uint64_t i = 0; i < entry->counts; i++)
            atomic_store(&counts[i].cells[member], 0);
    }
    weir__shared_ring_others(shared); /* for they may wait for what it had */
}

/* SPDX-License-Identifier: MIT */
/* The cost of the guard for each call: calling the C library directly, as without a guard; through the guard
 * on a thread that is no loop; and through it in a task. Arguments, for callgrind: the number of calls, and
 * the name of one row.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

static struct {
    __typeof__(recv) *recv;
    __typeof__(read) *read;
    __typeof__(flock) *flock;
    __typeof__(pthread_mutex_lock) *lock;
    __typeof__(pthread_mutex_unlock) *unlock;
} plain, guarded = {recv, read, flock, pthread_mutex_lock, pthread_mutex_unlock}, *calls = &plain;

static int sockets[2], event;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The guard sees by the flags that the call does not wait. */
static void receive(void *arg, int64_t n)
{
    char byte;

    (void)arg;
    for (int64_t i = 0; i < n; i++)
        (void)calls->recv(sockets[0], &byte, 1, MSG_DONTWAIT);
}

/* In a task the guard asks the kernel whether the descriptor blocks: it does not. */
static void look(void *arg, int64_t n)
{
    uint64_t value;

    (void)arg;
    for (int64_t i = 0; i < n; i++)
        (void)!calls->read(event, &value, sizeof value);
}

static void lock(void *arg, int64_t n)
{
    (void)arg;
    for (int64_t i = 0; i < n; i++) {
        (void)calls->lock(&mutex);
        (void)calls->unlock(&mutex);
    }
}

/* Caught in a task; the call fails at once. */
static void sin_at_once(void *arg, int64_t n)
{
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        (void)calls->flock(-1, LOCK_EX);
}

static const struct row {
    const char *name, *what;
    void (*fn)(void *arg, int64_t n);
} rows[] = {
    {"recv", "recv() with MSG_DONTWAIT", receive},
    {"read", "read() that does not block", look},
    {"mutex", "a mutex locked and unlocked", lock},
    {"told", "flock() of no file", sin_at_once},
};

static const char *only;
static int64_t operations_each;

static void run_rows(const char *where)
{
    char what[80];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (only != NULL && strcmp(only, rows[i].name) != 0)
            continue;
        snprintf(what, sizeof what, "%s, %s", rows[i].what, where);
        measure(what, operations_each, rows[i].fn, NULL);
    }
}

static int run(void *arg)
{
    (void)arg;
    run_rows("in a task");
    return 0;
}

/* The C library's own function, without the guard's. */
static bool find_plain(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);

    if (libc == NULL)
        return false;
    *(void **)&plain.recv = dlsym(libc, "recv");
    *(void **)&plain.read = dlsym(libc, "read");
    *(void **)&plain.flock = dlsym(libc, "flock");
    *(void **)&plain.lock = dlsym(libc, "pthread_mutex_lock");
    *(void **)&plain.unlock = dlsym(libc, "pthread_mutex_unlock");
    return plain.recv != NULL && plain.read != NULL && plain.flock != NULL && plain.lock != NULL &&
           plain.unlock != NULL;
}

int main(int argc, char **argv)
{
    const weir_guard_options options = {.mode = WEIR_GUARD_COUNT};
    const char *where = argc > 3 ? argv[3] : "";

    operations_each = operations(argc, argv, 20000);
    only = argc > 2 ? argv[2] : NULL;
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0 || !find_plain() ||
        weir_guard_configure(&options) < 0)
        return 1;
    if (*where == '\0' || strcmp(where, "plain") == 0)
        run_rows("no guard");
    calls = &guarded;
    if (*where == '\0' || strcmp(where, "outside") == 0)
        run_rows("no task");
    return *where == '\0' || strcmp(where, "task") == 0 ? run_bench(run, NULL, 0) : 0;
}

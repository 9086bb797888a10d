/* SPDX-License-Identifier: MIT */
/* The guard: reports a task that makes its whole loop wait, and what to write instead.
 *
 *     10_guard                      warns on stderr
 *     WEIR_GUARD=abort 10_guard     aborts at the first call, for tests
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <weir.h>

static int naps(void *arg)
{
    const struct timespec nap = {.tv_nsec = 1000000};

    (void)arg;
    nanosleep(&nap, NULL); /* no other task of this loop runs meanwhile */
    return weir_sleep(weir_ms(1));
}

/* [allow] */
/* On purpose: no client is being served yet. */
static int reads_at_start(void *arg)
{
    weir_guard_allow start;
    char text[80];
    int fd;
    ssize_t n;

    weir_guard_allow_begin(&start, "read:file fsync");
    fd = open(arg, O_RDONLY | O_CLOEXEC);
    n = read(fd, text, sizeof text);
    close(fd);
    weir_guard_allow_end(&start);
    return n < 0 ? -1 : 0;
}
/* [/allow] */

/* [each] */
static int print(void *arg, const weir_guard_finding *f)
{
    (void)arg;
    printf("%s at %s:%d, %d times, first by task \"%s\"; instead: %s\n", f->function, f->place.file,
           f->place.line, (int)f->count, f->task, f->hint);
    return 0;
}
/* [/each] */

static int root(void *arg)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "start", reads_at_start, arg);
    for (int i = 0; i < 3; i++)
        weir_spawn(&scope, "nap", naps, NULL);
    err = weir_scope_close(&scope);
    return err < 0 ? err : weir_guard_each(print, NULL);
}

int main(int argc, char **argv)
{
    (void)argc;
    return weir_run(NULL, root, argv[0]) < 0;
}

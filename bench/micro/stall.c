/* SPDX-License-Identifier: MIT */
/* The delay until the watch reports a task that holds its loop, and whether the report names the right
 * function: five ways to hold a loop, each a hundred times. A task holds the loop until the hook is called.
 * Exit status 1: a try was not reported, or with another type or function. */
#include <openssl/evp.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

enum { AFTER_MS = 25, WARM = 2, TRIES_MAX = 10000, AT_MOST_MS = 1000 };

struct bench;

struct way {
    const char *name;
    enum weir_stall_type kind;
    const char *function; /* the innermost function of this file on its stack */
    void (*hold)(struct bench *b);
};

struct bench {
    const struct way *way;
    int tries;
    int64_t began_ns;        /* written by the task when it begins to hold the loop; read by the hook */
    _Atomic int64_t told_ns; /* 0: not yet reported, in this try */
    int starved;             /* tries in which the machine had no CPU for the loop */
    int wrong_kind, wrong_function;
    int sockets[2];
    sem_t semaphore;
    unsigned char data[1 << 20];
    double past_ms[TRIES_MAX];
};

static int64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_told(struct bench *b)
{
    return atomic_load(&b->told_ns) != 0 || wall_ns() - b->began_ns > AT_MOST_MS * INT64_C(1000000);
}

/* --- ways to hold a loop --- */

static volatile unsigned sink;

__attribute__((noinline)) static void hold_in_own_code(struct bench *b)
{
    while (!is_told(b))
        for (unsigned i = 0; i < 1000; i++)
            sink += i * i;
}

__attribute__((noinline)) static void hold_in_sha256(struct bench *b)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    while (!is_told(b))
        if (EVP_Digest(b->data, sizeof b->data, digest, NULL, EVP_sha256(), NULL) != 1)
            abort();
}

__attribute__((noinline)) static void hold_in_nanosleep(struct bench *b)
{
    const struct timespec t = {.tv_nsec = 60000000};

    while (!is_told(b))
        (void)nanosleep(&t, NULL);
}

__attribute__((noinline)) static void hold_in_recv(struct bench *b)
{
    char byte;

    if (recv(b->sockets[0], &byte, 1, 0) != 1)
        abort();
}

__attribute__((noinline)) static void hold_in_sem_timedwait(struct bench *b)
{
    struct timespec until;

    (void)b;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += AT_MOST_MS / 1000;
    (void)sem_timedwait(&b->semaphore, &until);
}

static const struct way ways[] = {
    {"computing in its own code", WEIR_STALL_COMPUTING, "hold_in_own_code", hold_in_own_code},
    {"computing in SHA-256 of OpenSSL", WEIR_STALL_COMPUTING, "hold_in_sha256", hold_in_sha256},
    {"blocked in nanosleep", WEIR_STALL_BLOCKED, "hold_in_nanosleep", hold_in_nanosleep},
    {"blocked in recv", WEIR_STALL_BLOCKED, "hold_in_recv", hold_in_recv},
    {"blocked in sem_timedwait", WEIR_STALL_BLOCKED, "hold_in_sem_timedwait", hold_in_sem_timedwait},
};

/* --- reports of the watch --- */

static const char *innermost_here(const weir_stall *stall)
{
    for (size_t i = 0; i < stall->stack_depth; i++)
        if (stall->stack[i].file != NULL && strcmp(stall->stack[i].file, "stall.c") == 0 &&
            strncmp(stall->stack[i].function, "hold_", 5) == 0)
            return stall->stack[i].function;
    return "nothing";
}

static void let_go(struct bench *b)
{
    atomic_store(&b->told_ns, wall_ns());
    if (b->way->hold == hold_in_recv && write(b->sockets[1], "x", 1) != 1)
        abort();
    if (b->way->hold == hold_in_sem_timedwait)
        sem_post(&b->semaphore);
}

static void on_stall(void *arg, const weir_stall *stall)
{
    struct bench *b = arg;
    const char *function = innermost_here(stall);

    if (strcmp(stall->task, "holder") != 0 || atomic_load(&b->told_ns) != 0)
        return;
    if (stall->type == WEIR_STALL_STARVED || stall->type == WEIR_STALL_THROTTLED) {
        b->starved++; /* it is reported again, with its true type, when it has had the CPU for long enough */
        return;
    }
    if (stall->type != b->way->kind) {
        b->wrong_kind++;
        printf("  told of as %s\n", weir_stall_type_name(stall->type));
    } else if (strcmp(function, b->way->function) != 0) {
        b->wrong_function++;
        printf("  named %s\n", function);
        for (size_t i = 0; i < stall->stack_depth; i++)
            printf("    %s\n", stall->stack[i].function);
    }
    let_go(b);
}

/* --- the tries --- */

static int hold(void *arg)
{
    struct bench *b = arg;
    int err = weir_sleep(weir_ms(2)); /* the next slice begins here */

    b->began_ns = wall_ns();
    b->way->hold(b);
    return err;
}

/* Returns: the delay of the hook after the threshold, in ms; negative: it was not called. */
static double try(struct bench *b)
{
    weir_scope scope;
    int64_t told_ns;

    atomic_store(&b->told_ns, 0);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "holder", hold, b);
    if (weir_scope_close(&scope) < 0)
        abort();
    told_ns = atomic_exchange(&b->told_ns, 1);
    return told_ns == 0 ? -1 : (double)(told_ns - b->began_ns) / 1e6 - AFTER_MS;
}

static bool measure_way(struct bench *b, const struct way *way)
{
    int told = 0;

    b->way = way;
    for (int i = 0; i < WARM; i++) /* the debug information is read once */
        (void)try(b);
    b->starved = b->wrong_kind = b->wrong_function = 0;
    for (int i = 0; i < b->tries; i++) {
        double past_ms = try(b);
        if (past_ms > -AFTER_MS)
            b->past_ms[told++] = past_ms;
    }
    if (told == 0) {
        printf("%-34s never told\n", way->name);
        return false;
    }
    qsort(b->past_ms, (size_t)told, sizeof b->past_ms[0], by_size);
    printf("%-34s %4d of %d told, %d wrong kind, %d wrong function, %d starved first; past the threshold: "
           "%6.2f ms p50 %6.2f ms p99 %6.2f ms max\n",
           way->name, told, b->tries, b->wrong_kind, b->wrong_function, b->starved, b->past_ms[told / 2],
           b->past_ms[(told * 99 + 99) / 100 - 1], b->past_ms[told - 1]);
    return told == b->tries && b->wrong_kind == 0 && b->wrong_function == 0;
}

static int run(void *arg)
{
    struct bench *b = arg;
    int wrong = 0;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        wrong += !measure_way(b, &ways[i]);
    return wrong;
}

int main(int argc, char **argv)
{
    static struct bench b;
    weir_options options = {
        .io = WEIR_IO_EPOLL, .stall_after = weir_ms(AFTER_MS), .on_stall = on_stall, .on_stall_arg = &b};
    int err;

    setvbuf(stdout, NULL, _IOLBF, 0);
    b.tries = (int)operations(argc, argv, 100);
    if (b.tries < 1 || b.tries > TRIES_MAX || sem_init(&b.semaphore, 0, 0) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, b.sockets) < 0)
        return 2;
    err = weir_run(&options, run, &b);
    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err != 0;
}

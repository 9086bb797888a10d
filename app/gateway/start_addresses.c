/* SPDX-License-Identifier: MIT */
#include "gateway/start_addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/runtime.h>
#include <weir/stream.h>

#include "admin/yield.h"
#include "http/listening.h"

/* The time that addresses which are taken are waited for, all together. */
enum { TAKEN_WAIT_MS = 500, YIELDED_WAIT_MS = 5000, TAKEN_STEP_MS = 20 };

static const struct config_address *address_at(const struct start_addresses *a, size_t i)
{
    return i < a->config->listen_count ? &a->config->listen[i] : a->config->admin;
}

static const char *key_of(const struct start_addresses *a, size_t i)
{
    return i < a->config->listen_count ? a->listen_key : a->admin_key;
}

void start_addresses_fault(struct start_addresses *a, size_t i, int err)
{
    const struct config_address *address = address_at(a, i);
    char text[FAULT_TEXT_BYTES];

    config_fault(a->faults, address->place, "%s",
                 address_fault(text, sizeof text, address, key_of(a, i), err));
}

/* --- names, resolved by listening at a free port --- */

static bool is_name(const char *host)
{
    struct in6_addr address;

    return host != NULL && inet_pton(AF_INET, host, &address) != 1 &&
           inet_pton(AF_INET6, host, &address) != 1;
}

/* Copies the host of "127.0.0.1:40000" or "[::1]:40000". */
static void take_host(const char *address, char host[WEIR_ADDRESS_BYTES])
{
    bool bracketed = address[0] == '[';
    const char *end = strrchr(address, ':');
    size_t length = (size_t)(end - address) - (bracketed ? 2 : 0);

    memcpy(host, address + bracketed, length);
    host[length] = '\0';
}

static void resolve(struct start_addresses *a, size_t i)
{
    char text[WEIR_ADDRESS_BYTES + 8], host[WEIR_ADDRESS_BYTES];
    weir_listener *listener;
    int err;

    snprintf(text, sizeof text, "%s:0", a->numeric[i].host);
    err = weir_listen(text, &listener);
    a->numeric[i].host = NULL;
    if (err < 0) {
        start_addresses_fault(a, i, err);
        return;
    }
    take_host(weir_listener_address(listener), host);
    weir_listener_close(listener);
    a->numeric[i].host = config_take_text(a->config->memory, host, strlen(host));
}

static int resolve_all(void *arg)
{
    struct start_addresses *a = arg;

    for (size_t i = a->first; i < a->count; i++)
        if (is_name(a->numeric[i].host))
            resolve(a, i);
    return 0;
}

struct resolving {
    struct start_addresses *addresses;
    int err;
};

static void *run_resolving(void *arg)
{
    const weir_options options = {.io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1)};
    struct resolving *r = arg;

    r->err = weir_run(&options, resolve_all, r->addresses);
    return NULL;
}

/* A loop of its own looks names up, on a thread: the caller may be on a loop. */
static int resolve_names(struct start_addresses *a)
{
    struct resolving r = {.addresses = a};
    bool any = false;
    pthread_t thread;
    int err;

    for (size_t i = a->first; i < a->count; i++)
        any = any || is_name(a->numeric[i].host);
    if (!any)
        return 0;
    err = pthread_create(&thread, NULL, run_resolving, &r);
    if (err != 0)
        return -err;
    (void)pthread_join(thread, NULL);
    return r.err;
}

int start_addresses_open(struct start_addresses *a)
{
    int err;

    a->count = a->config->listen_count + (a->config->admin != NULL);
    a->numeric = calloc(a->count, sizeof *a->numeric);
    if (a->numeric == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < a->count; i++)
        a->numeric[i] = *address_at(a, i);
    err = resolve_names(a);
    if (err < 0)
        start_addresses_close(a);
    return err;
}

void start_addresses_close(struct start_addresses *a)
{
    free(a->numeric);
    a->numeric = NULL;
}

/* --- addresses that are taken --- */

static int probe_once(const struct start_addresses *a, size_t i, bool taken_is_fine)
{
    const struct config_address *address = &a->numeric[i];

    if (address->path != NULL)
        return !taken_is_fine && unix_path_answers(address->path) ? -EADDRINUSE : 0;
    return address->host != NULL ? address_probe(address, taken_is_fine) : 0;
}

/* Probes an address, and waits while it is taken: the kernel closes the sockets of a killed program a little
 * later, and a gateway that drains gives up its addresses; its admin address when it is asked, which also
 * tells that it drains. */
static int probe_and_wait(struct start_addresses *a, size_t i, bool taken_is_fine)
{
    int err;

    while ((err = probe_once(a, i, taken_is_fine)) == -EADDRINUSE &&
           a->waited_ms < (a->yields ? YIELDED_WAIT_MS : TAKEN_WAIT_MS)) {
        const struct timespec a_moment = {.tv_nsec = TAKEN_STEP_MS * 1000000L};
        const struct config_address *admin = &a->numeric[a->count - 1];
        if (!a->yields && a->config->admin != NULL && (admin->host != NULL || admin->path != NULL))
            a->yields = admin_ask_to_yield(admin);
        nanosleep(&a_moment, NULL);
        a->waited_ms += TAKEN_STEP_MS;
    }
    return err;
}

void start_addresses_probe(struct start_addresses *a, size_t i, bool taken_is_fine)
{
    const struct config_address *address = address_at(a, i);
    int err = probe_and_wait(a, i, taken_is_fine);

    if (address->systemd != NULL && !taken_is_fine)
        config_fault(a->faults, address->place,
                     "'%s' is passed to the supervisor, expected 'weir serve' without --single",
                     address->text);
    if (address->path != NULL) {
        char text[FAULT_TEXT_BYTES];
        if (unix_path_fault(address->path, text, sizeof text))
            config_fault(a->faults, address->place, "%s %s; choose another path with %s", address->text, text,
                         key_of(a, i));
        return;
    }
    if (err < 0)
        start_addresses_fault(a, i, err);
}

/* Finds a collision by names, other spellings of a path, IPv6 that takes IPv4. */
static void compare_with_earlier(struct start_addresses *a, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        const struct config_address *earlier = address_at(a, k), *later = address_at(a, i);
        bool same = earlier->path != NULL && later->path != NULL
                        ? unix_paths_are_one(earlier->path, later->path)
                        : addresses_exclude(&a->numeric[k], &a->numeric[i]);
        if (!same)
            continue;
        config_fault(a->faults, later->place,
                     "%s is '%s', expected an address of its own; '%s' in line %u takes it", key_of(a, i),
                     later->text, earlier->text, earlier->place.line);
        return;
    }
}

void start_addresses_compare(struct start_addresses *a)
{
    for (size_t i = 1; i < a->count; i++)
        compare_with_earlier(a, i);
}

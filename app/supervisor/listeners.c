/* SPDX-License-Identifier: MIT */
/* Sockets by the configurations that need them. A set says which sockets a configuration has; a socket lives
 * as long as it is in a set. Those of systemd live on, for another configuration, and systemd has them too.
 */
#include "supervisor/listeners.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>

#include "gateway/start_addresses.h"
#include "http/listening.h"
#include "supervisor/listening_socket.h"

struct set {
    struct set *next;
    const struct config *config;
    struct listening_socket **sockets; /* in the order of config->listen */
};

struct listeners {
    struct listening_socket *sockets; /* in order of age, so that port 0 stays where it was */
    struct set *sets;
    bool opened; /* once at least */
};

struct listeners *listeners_new(void)
{
    struct listeners *l = calloc(1, sizeof *l);

    if (l == NULL || listening_sockets_passed(&l->sockets) == 0)
        return l;
    listeners_free(l);
    return NULL;
}

/* --- finding sockets for addresses --- */

struct opening {
    struct listeners *l;
    const struct config *config;
    struct start_addresses *addresses;
    struct set *set;
};

static bool is_in(const struct set *set, const struct listening_socket *s)
{
    for (size_t i = 0; i < set->config->listen_count; i++)
        if (set->sockets[i] == s)
            return true;
    return false;
}

static void name_passed(const struct listeners *l, char *out, size_t room)
{
    size_t length = 0;

    snprintf(out, room, "none");
    for (const struct listening_socket *s = l->sockets; s != NULL && length < room; s = s->next)
        if (s->passed)
            length += (size_t)snprintf(out + length, room - length, "%s'%s' (%s)", length > 0 ? ", " : "",
                                       s->name, s->bound);
}

/* Finds the socket of "systemd:NAME": the first of that name, when it is written again the second … */
static void find_passed(struct opening *o, size_t i)
{
    const struct config_address *address = &o->config->listen[i];
    char passed[FAULT_TEXT_BYTES / 2];
    size_t count = 0;

    for (struct listening_socket *s = o->l->sockets; s != NULL; s = s->next) {
        if (!s->passed || strcmp(s->name, address->systemd) != 0)
            continue;
        count++;
        if (is_in(o->set, s))
            continue;
        if (s->bound[0] == '\0')
            config_fault(
                o->addresses->faults, address->place,
                "'%s' is not a listening stream socket, expected one of ListenStream= with Accept=no",
                address->text);
        o->set->sockets[i] = s;
        return;
    }
    name_passed(o->l, passed, sizeof passed);
    if (count == 0)
        config_fault(o->addresses->faults, address->place,
                     "systemd has passed no socket '%s', expected the name of one that it has: %s",
                     address->systemd, passed);
    else
        config_fault(o->addresses->faults, address->place,
                     "systemd has passed %zu of '%s', expected it as often in listen", count, address->text);
}

/* Of a name all sockets must be used: what connects to the others would wait for ever. */
static void find_left(struct opening *o, size_t i)
{
    const struct config_address *address = &o->config->listen[i];

    for (const struct listening_socket *s = o->l->sockets; s != NULL; s = s->next) {
        if (!s->passed || is_in(o->set, s) || strcmp(s->name, address->systemd) != 0)
            continue;
        config_fault(o->addresses->faults, address->place,
                     "systemd has passed another socket '%s' (%s), expected '%s' once for each", s->name,
                     s->bound, address->text);
        return;
    }
}

static void find_open(struct opening *o, size_t i)
{
    for (struct listening_socket *s = o->l->sockets; s != NULL && o->set->sockets[i] == NULL; s = s->next)
        if (!is_in(o->set, s) && listening_socket_is_at(s, &o->addresses->numeric[i]))
            o->set->sockets[i] = s;
}

/* Reports whether a socket that is open already keeps an address from being listened on. */
static bool is_excluded(struct opening *o, size_t i)
{
    const struct config_address *address = &o->config->listen[i];

    for (const struct listening_socket *s = o->l->sockets; s != NULL; s = s->next) {
        if (!addresses_exclude(&s->address, &o->addresses->numeric[i]))
            continue;
        if (s->passed)
            config_fault(o->addresses->faults, address->place,
                         "%s can't be listened on beside %s, which systemd has passed; expected 'systemd:%s'",
                         address->text, s->bound, s->name);
        else
            config_fault(o->addresses->faults, address->place,
                         "%s can't be listened on while the configuration in force has %s; expected another "
                         "port, or a restart",
                         address->text, s->bound);
        return true;
    }
    return false;
}

static int open_new(struct opening *o, size_t i)
{
    const size_t before = o->addresses->faults->count;
    struct listening_socket **last = &o->l->sockets;
    int err;

    if (o->addresses->numeric[i].host == NULL && o->addresses->numeric[i].path == NULL)
        return 0; /* a name without an address */
    if (is_excluded(o, i))
        return 0;
    start_addresses_probe(o->addresses, i, false);
    if (o->addresses->faults->count > before)
        return 0;
    while (*last != NULL)
        last = &(*last)->next;
    err = listening_socket_open(&o->addresses->numeric[i], last);
    if (err == -ENOMEM)
        return err;
    if (err < 0)
        start_addresses_fault(o->addresses, i, err);
    o->set->sockets[i] = *last;
    return 0;
}

static int find_all(struct opening *o)
{
    int err = 0;

    start_addresses_compare(o->addresses);
    for (size_t i = 0; i < o->config->listen_count; i++)
        if (o->config->listen[i].systemd != NULL)
            find_passed(o, i);
    for (size_t i = 0; i < o->config->listen_count; i++) {
        if (o->config->listen[i].systemd != NULL)
            find_left(o, i);
        else
            find_open(o, i);
    }
    if (config_faults_any(o->addresses->faults))
        return 0;
    for (size_t i = 0; err == 0 && i < o->config->listen_count; i++)
        if (o->set->sockets[i] == NULL)
            err = open_new(o, i);
    if (err == 0 && !o->l->opened && o->config->admin != NULL)
        start_addresses_probe(o->addresses, o->config->listen_count, false);
    return err;
}

/* --- sets --- */

static void free_set(struct set *set)
{
    free(set->sockets);
    free(set);
}

static struct set *new_set(const struct config *config)
{
    struct set *set = calloc(1, sizeof *set);

    if (set == NULL)
        return NULL;
    set->config = config;
    set->sockets = calloc(config->listen_count, sizeof(struct listening_socket *));
    if (set->sockets != NULL)
        return set;
    free(set);
    return NULL;
}

static bool is_needed(const struct listeners *l, const struct listening_socket *s)
{
    for (const struct set *set = l->sets; set != NULL; set = set->next)
        if (is_in(set, s))
            return true;
    return false;
}

static void close_unneeded(struct listeners *l, bool passed)
{
    struct listening_socket **at = &l->sockets;

    while (*at != NULL) {
        struct listening_socket *s = *at;
        if (is_needed(l, s) || (s->passed && !passed)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        listening_socket_close(s);
    }
}

static void warn_of_unused(const struct listeners *l)
{
    for (const struct listening_socket *s = l->sockets; s != NULL; s = s->next)
        if (s->passed && !is_needed(l, s))
            weir_log(WEIR_LOG_WARN, "systemd has passed a socket that no address of listen takes",
                     WEIR_KV("name", s->name), WEIR_KV("addr", s->bound));
}

int listeners_resolve(const struct config *config, struct config_faults *faults, struct start_addresses *out)
{
    *out = (struct start_addresses){
        .config = config, .listen_key = "listen", .admin_key = "admin", .faults = faults};
    return start_addresses_open(out);
}

int listeners_open(struct listeners *l, struct start_addresses *addresses, int *out)
{
    const struct config *config = addresses->config;
    struct config_faults *faults = addresses->faults;
    struct opening o = {.l = l, .config = config, .addresses = addresses};
    int err;

    addresses->waited_ms = l->opened ? INT_MAX : 0; /* a loop is kept waiting */
    o.set = new_set(config);
    err = o.set == NULL ? -ENOMEM : find_all(&o);
    if (err == 0 && config_faults_any(faults))
        err = -WEIR_ECONFIG;
    if (err < 0) {
        if (o.set != NULL)
            free_set(o.set);
        close_unneeded(l, false);
        return err;
    }
    for (size_t i = 0; i < config->listen_count; i++)
        out[i] = o.set->sockets[i]->fd;
    o.set->next = l->sets;
    l->sets = o.set;
    if (!l->opened)
        warn_of_unused(l);
    l->opened = true;
    return 0;
}

void listeners_keep(struct listeners *l, const struct config *config)
{
    struct set **at = &l->sets;

    while (*at != NULL) {
        struct set *set = *at;
        if (config != NULL && set->config == config) {
            at = &set->next;
            continue;
        }
        *at = set->next;
        free_set(set);
    }
    close_unneeded(l, config == NULL);
}

const char *listeners_address(const struct listeners *l, int fd)
{
    for (const struct listening_socket *s = l->sockets; s != NULL; s = s->next)
        if (s->fd == fd)
            return s->bound;
    return "";
}

void listeners_free(struct listeners *l)
{
    if (l == NULL)
        return;
    listeners_keep(l, NULL);
    free(l);
}

/* SPDX-License-Identifier: MIT */
/* The resolver of a loop: what is known of names, and the way to learn more.
 *
 *     settings.c   options, hosts file, resolv.conf: of a runtime, read by a thread
 *     name.c       what is known of a name; the table
 *     resolver.c   the resolver: opened, ended, what it knows; what may be answered at once
 *     lookup.c     one look-up
 *     dns.c        … by c-ares, dns_socket.c its sockets;   simulated.c  … under simulation
 *     answer.c     reading a server's answer;  hosts.c, resolv_conf.c  reading files
 *     resolve.c    the wait of a task;  public_resolver.c  <weir/resolver.h>
 *     ip.c         addresses
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__NAMES_RESOLVER_H
#define WEIR__NAMES_RESOLVER_H

#include <weir/resolver.h>

#include "core/loop.h"
#include "names/name.h"
#include "names/settings.h"
#include "names/source.h"

struct weir__simulated_names;

struct weir__resolver {
    struct weir__loop *loop;
    struct weir__names *names; /* of the runtime */
    const struct weir__name_source *source;
    struct weir__name_settings *settings; /* NULL: not known yet */
    int64_t looked_ns;                    /* when they were last found to be true */
    int64_t look_at_ns;                   /* when they are to be looked at again */
    struct weir__name_table table;
    struct weir__list in_flight, queued; /* look-ups */
    int in_flight_count;
    struct weir__timeout starter; /* starts those that are queued */
    /* looking at the files */
    struct weir__settings_asker asker;
    struct weir__message looked; /* brings news */
    struct weir__name_settings *news;
    bool is_looking;
    struct weir__list look_waiters;
    /* of the sources */
    int socket_count; /* open or closing */
    int first_server; /* the one that look-ups begin with */
    int64_t first_server_until_ns;
    struct weir__simulated_names *simulated;
};

/* The resolver of the loop of this thread, made if there is none. Returns: 0; -ENOMEM. */
int weir__resolver_here(struct weir__resolver **out) WEIR_CHECKED;

/* Ends all look-ups, by the loop's thread, which has no tasks any more. */
void weir__resolver_end(struct weir__loop *loop);

/* Frees it once the loop is freed and weir__names_stop() has returned. */
void weir__resolver_free(struct weir__resolver *r);

/* --- what is known --- */

/* FIRST: addresses of one family will do; ALL: of both. */
enum weir__want { WEIR__WANT_FIRST, WEIR__WANT_ALL };

/* Lent until the task's next wait. */
struct weir__found {
    struct weir__name *name;
    bool is_pending; /* the other family is still waited for */
    bool is_stale;
};

enum weir__known {
    WEIR__KNOWN,       /* addresses */
    WEIR__KNOWN_NONE,  /* name->why says why there are none */
    WEIR__KNOWN_LATER, /* a look-up has been begun, or was under way */
    WEIR__KNOWN_NEVER, /* a look-up could not be begun: *err */
};

/* Says what is known of a name, and begins look-ups as they are due. The settings are known. */
enum weir__known weir__name_examine(struct weir__resolver *r, struct weir__name *n, enum weir__want want,
                                    struct weir__found *out, int *err);

/* Asks for a look at the files if the last one is long ago. Returns: 0: the settings can be used; 1: they are
 * to be waited for, in r->look_waiters; < 0. */
int weir__resolver_look(struct weir__resolver *r);

/* --- results of a look-up --- */

void weir__name_take(struct weir__resolver *r, struct weir__name *n, const struct weir__answer *four,
                     const struct weir__answer *six, bool is_partial);
void weir__name_take_none(struct weir__resolver *r, struct weir__name *n, const char *why, bool has_ttl,
                          uint32_t ttl_s);
void weir__name_take_failure(struct weir__resolver *r, struct weir__name *n, const char *why);

/* Wakes the tasks that wait for a name: all, or those alone that are content with one family. */
void weir__name_serve(struct weir__name *n, bool all);

#endif

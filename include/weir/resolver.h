/* SPDX-License-Identifier: MIT */
/* Names: how host names become addresses.
 *
 * weir_connect(), the HTTP client and the pools of <weir/connections.h> resolve names by themselves; the
 * functions here are for programs that want the addresses. A name is looked up in the hosts file, then asked
 * of DNS servers, A and AAAA at once. No loop waits for a file or a server: tasks do.
 *
 * Threading: each loop has a resolver and a cache of its own, made with the first name that a task of the
 * loop asks for. A program that uses no names pays nothing.
 *
 * The cache. An address is used for as long as its TTL says, at least 1 s and at most 1 h; of a chain of
 * aliases (CNAME) the least TTL counts. "No such name" is kept as long as the server says (RFC 2308), 5 s if
 * it says nothing. A name that is used while the last fifth of its time runs is asked for again meanwhile, so
 * that no task waits for it. While no server gives an answer, addresses are used for up to 1 h past their
 * time (RFC 8767), and asked for again every 5 s; the first task that finds such a name waits 500 ms for
 * news, the others do not wait. Without an old address a failure is kept for 1 s. Tasks that ask for a name
 * at the same time share one look-up, which is cancelled when none of them waits any longer.
 *
 * The search list of resolv.conf is for names without a dot at the end. A name with one, "svc.ns.", is
 * absolute: just that name is looked up.
 *
 * localhost, and names that end in ".localhost", are always 127.0.0.1 and ::1; a name that ends in ".invalid"
 * has no address; neither is asked of a server (RFC 6761).
 */
#ifndef WEIR_RESOLVER_H
#define WEIR_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEIR_RESOLVER_SERVERS_MAX = 8,
    WEIR_RESOLVED_MAX = 64, /* addresses of one name; further ones are not used */
    WEIR_IP_BYTES = 46      /* room for an IPv4 or IPv6 address as text, with its NUL */
};

/* Options of the resolvers of a runtime (weir_options.resolver). A zero field means its default, given in
 * brackets. Both files are read again when they have changed: they are looked at while names are asked for,
 * at most once a second, by a thread that does nothing else. */
typedef struct weir_resolver_options {
    /* Servers to ask, in this order: "10.0.0.2", "127.0.0.1:5300", "[2001:db8::1]:53"; at most
     * WEIR_RESOLVER_SERVERS_MAX. With servers resolv.conf is not read, and a name is asked for just as it is
     * [nameserver of resolv.conf, at most 3; without one 127.0.0.1] */
    const char *const *servers;
    size_t server_count;
    weir_duration timeout;  /* of a whole look-up, all servers and attempts; a first attempt takes a part of
                               it, at  most a third [what options timeout and attempts of resolv.conf come to;
                               without  them 4 s] */
    int attempts;           /* of each server, 1 to 10 [those of resolv.conf; else 2] */
    const char *hosts_path; /* "" none [/etc/hosts] */
    const char *resolv_conf_path; /* "" none [/etc/resolv.conf]; nameserver, search, domain, and the options
                                     ndots, timeout, attempts and rotate count */
    int cache_names;              /* names kept on each loop; the one unused longest goes first [4096] */
    unsigned char reserved[64];   /* for later versions; zero */
} weir_resolver_options;

/* Checks one server of weir_resolver_options.servers.
 * Returns: 0; -EINVAL text is no IP address, nor one with a port.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_resolver_server_check(const char *text);

/* Addresses of a name. 3 KiB. */
typedef struct weir_resolved {
    size_t count;
    char addresses[WEIR_RESOLVED_MAX][WEIR_IP_BYTES]; /* "10.0.0.7", "2001:db8::7"; without brackets or port;
                                                         sorted: IPv4 first, then by number */
    weir_instant until; /* they hold until then; a name of the hosts file is to be looked at again then */
    bool stale;         /* their time is over, and no server gives an answer */
    const char *why;    /* after -WEIR_EDNS: "no such name", "the name has no address", "no answer from
                           127.0.0.1:53 within 4 s" …; valid until weir_run() returns */
} weir_resolved;

/* Resolves a name, or takes an address as it is. Returns at once for what is known.
 * Owns:    host is lent. *out is filled; after an error it has no addresses, and until says for how long the
 *          error is kept.
 * Returns: 0; -EINVAL host is neither a name nor an address; -WEIR_EDNS: out->why says more; -WEIR_EBUSY too
 * many look-ups; -ENOMEM; -EAGAIN no thread; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait; the look-up goes on if another task waits for it, else it is cancelled.
 * Where:   task. Waits.
 */
int weir_resolve(const char *host, weir_resolved *out) WEIR_CHECKED;

/* Waits until a name has other addresses than those in *known, and writes them there: a task that calls this
 * again and again follows a name whose addresses change.
 *
 *     err = weir_resolve(host, &known);
 *     while (err == 0 || err == -WEIR_EDNS) {
 *         use(&known);
 *         err = weir_resolve_change(host, &known);
 *     }
 *
 * The name is asked for whenever its time is over. Servers that give no answer change nothing; a name that no
 * longer exists is a change.
 * Owns:    host is lent. known is the caller's: filled by weir_resolve() or by this function.
 * Returns: 0 *known has changed; -WEIR_EDNS the name had addresses, and has none any more: *known is empty
 * but for why; otherwise as weir_resolve(), and *known is unchanged.
 * Cancel:  ends the wait.
 * Where:   task. Waits.
 */
int weir_resolve_change(const char *host, weir_resolved *known) WEIR_CHECKED;

/* --- names under simulation --- */

enum weir_simulated_answer {
    WEIR_SIMULATED_ADDRESSES, /* the addresses; with none: the name exists, and has none */
    WEIR_SIMULATED_NO_NAME,   /* no such name */
    WEIR_SIMULATED_FAILURE,   /* the servers answer with an error (SERVFAIL) */
    WEIR_SIMULATED_SILENCE    /* no server answers, until the look-up's timeout */
};

/* What the servers of a simulation answer. */
typedef struct weir_simulated_name {
    const char *name;
    enum weir_simulated_answer answer;
    const char *addresses; /* "10.0.0.7 2001:db8::7"; NULL: none */
    weir_duration ttl;     /* in whole seconds [60 s] */
    weir_duration
        latency_min; /* until an answer comes, for IPv4 and IPv6 drawn apart from the seed, evenly */
    weir_duration latency_max;  /* [latency_min; with neither: 1 ms] */
    weir_duration latency_ipv6; /* until the answer for IPv6 comes [drawn, as that for IPv4] */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_simulated_name;

/* Sets what servers answer for a name from now on, under simulation (WEIR_IO_SIM), where there is neither a
 * hosts file nor a server: a name that was not set does not exist. What a cache holds already holds on.
 * Owns:    name and all it points to are lent.
 * Returns: 0; -EINVAL; -ENOTSUP not under simulation; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_resolver_simulate(const weir_simulated_name *name) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif

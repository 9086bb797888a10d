/* SPDX-License-Identifier: MIT */
/* Backends: a service that several instances offer, behind one name. A request to a backend is sent to one of
 * its instances, within maxima that all loops, and all processes, share:
 *
 *     static const char *const urls[] = {"http://10.0.0.7:7101", "http://10.0.0.8:7101"};
 *
 *     weir_backend_open(&(weir_backend_options){.name = "orders", .urls = urls, .url_count = 2,
 *                                               .health.path = "/healthz"},
 *                       &orders);
 *     …
 *     err = weir_fetch(client, &(weir_fetch_options){.backend = orders, .url = "/for/7"}, &reply);
 *
 * Threading: a backend belongs to the loop of the task that opened it, as a client does; the tasks of that
 * loop share it. Each loop opens its own. Backends of one runtime with the same name are one backend: their
 * options must be the same, and they share everything but their connections: the instances and what is known
 * of them, and all maxima. No maximum is divided among loops.
 *
 * With shared memory (weir_options.shared) the same holds for all its processes: those whose backend has the
 * same name and options (but for the context for TLS) have one, and what is said here of all loops means all
 * loops of all these processes. What a process has that dies is free once it is expelled
 * (weir_shared_expel()). With other options it is another backend, of the same name: so the processes before
 * and after a change of configuration do not mix. What is known outlives the processes for a minute.
 *
 * Instances. Each address of the host of each URL is an instance; so is a Unix socket. There are at most 128;
 * further addresses are not used. (localhost is one instance, whose addresses are tried as weir_connect()
 * tries them.) Names are looked up again when their answers expire. New connections then go to the addresses
 * that the name has now; idle connections to the others are closed, and requests in progress there end as
 * they would have. A look-up that fails changes nothing.
 *
 * Instances are not all used at all times. One that fails its health checks is down. One that fails several
 * requests in a row is ejected for a while. When every instance is down or ejected, requests are sent to all
 * of them as if none were: that all are faulty at once is less likely than that the judgement is wrong, and
 * refusing what might succeed helps no one.
 *
 * A failure, for ejection and breaker, is: no connection, a TLS handshake that fails, a connection that
 * breaks off, an answer that cannot be parsed, a status of 500 or above except 501, and a deadline that
 * passes after the request has got its instance (unless weir_fetch_options.foreign_deadline is set). A caller
 * that is cancelled, an attempt whose hedge has won, a status of 4xx (429, too), and refusals by limits of
 * this side are none. So it is health checks that find an instance which never answers while hedges hide
 * that.
 *
 * Second attempts. Unless hedge or retry is set, a request is sent to one instance, once: the exception is a
 * kept connection, see weir_get(). With hedge, a request that is slow is sent to another instance, too, and
 * the first answer is taken; with retry, one that fails is sent again (<weir/attempts.h>). That is done only
 * if all of this holds: the method is GET, HEAD or OPTIONS, or weir_fetch_options.repeatable is set; the body
 * is here whole and has at most 64 KiB; no head of an answer has come, nor an informational one but 100; more
 * is left of the deadline than the median of first attempts; the backend has not asked by Retry-After to
 * wait; the breaker is closed; there is room in the limit, and a connection or a slot for one without
 * waiting; and the budget pays. Any other request is never sent twice. The second attempt goes to another
 * instance if there is one that is used, else by another connection to the same. The first head of an answer
 * with a status below 500 and other than 429 wins, and the body is read from there; an error waits for the
 * other attempt while that is out, and an error of both is the first's. The connection of the attempt that
 * lost is closed, unless its head is due within the learned percentile and fewer than 8 such connections
 * linger: then its answer is read and dropped. A hedge that finds no room or no budget is tried again when
 * the request has taken twice as long. A retry waits for nothing, is not hedged, and what it ends with
 * counts; the answer before it is dropped only once it is certain. A request whose hedge has failed, too, is
 * not retried. weir_fetch() and weir_fetch_open() make second attempts; weir_fetch_open() returns once a head
 * is here then, if the request is one that may have them.
 */
#ifndef WEIR_BACKEND_H
#define WEIR_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/attempts.h>
#include <weir/error.h>
#include <weir/runtime.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_backend weir_backend;

/* How an instance is chosen for a request, among those that are neither down nor ejected. */
enum weir_balance {
    /* The one with fewer requests in progress, of two that are drawn at random */
    WEIR_BALANCE_LEAST,
    /* One after the other, on all loops together. With a limit, an instance that has its share of it in
     * progress is passed over. While all connections are in use, a request gets the instance whose connection
     * comes free */
    WEIR_BALANCE_ROUND_ROBIN,
    /* By weir_fetch_options.balance_key: requests with the same key get the same instance, and when an
     * instance comes or goes only its own share of the keys moves (rendezvous hashing). Without a key, as
     * WEIR_BALANCE_LEAST */
    WEIR_BALANCE_HASH,
};

/* Health checks: GET requests to each instance, on connections of their own (for https URLs by TLS), from one
 * task for all loops. An answer with a status of 2xx or 3xx is good. Instances are up until checks have
 * failed: a program that has just started answers its first requests, and does not wait for checks. */
typedef struct weir_backend_health {
    const char *path;      /* that is asked, "/healthz" [NULL: no checks] */
    weir_duration every;   /* between two checks of an instance, 10 % more or less [5 s] */
    weir_duration timeout; /* of a check that has no whole answer; it has failed then [every] */
    int failed;            /* checks that fail in a row until an instance is down [3] */
    int good;              /* checks that are good in a row until it is up again [2] */
} weir_backend_health;

/* Ejection of an instance by the requests that it fails. */
typedef struct weir_backend_eject {
    int after; /* failures in a row, of all loops together [5]; negative: no instance is ejected */
    /* For how long. Twice as long each time an instance fails again, at most 5 minutes [10 s] */
    weir_duration period;
    int at_most_percent; /* of the instances, rounded down; but of two or more, one may always go [50] */
} weir_backend_eject;

/* A circuit breaker for the whole backend. When too many requests fail, it opens: requests are refused with
 * -WEIR_EOPEN. After a while one request is let through; the breaker closes if it is answered well, and stays
 * open for twice as long otherwise. */
typedef struct weir_backend_breaker {
    int failed_percent;   /* of the requests; it opens at so many [0: there is no breaker] */
    int of;               /* requests there must have been, at least [20] */
    weir_duration within; /* in which these requests ended [10 s; at most 10 minutes] */
    weir_duration open;   /* how long it is open at first [5 s]. At most 60 s later on */
} weir_backend_breaker;

/* A limit of requests in progress that follows what the backend can do: while at least half of it is used, it
 * sinks as answers get slower than they were over a longer time, and grows otherwise. It sinks also as
 * deadlines pass or answers with 503 come, more than one in 20 and more than are usual. It begins between the
 * two bounds, and returns there within half a minute after it has sunk, where little is asked and all is
 * well. (After Gradient2 of Netflix's concurrency-limits.) */
typedef struct weir_backend_auto_limit {
    int min, max; /* [4 and 256 if only one is given; 0 both: limit holds as it is] */
} weir_backend_auto_limit;

/* A zero field means its default, given in brackets. All texts are copied. */
typedef struct weir_backend_options {
    /* In logs, statistics, charges and the tree of tasks; backends of the same name are one. Not optional */
    const char *name;
    /* "http://HOST:PORT", "https://HOST:PORT" or "unix:PATH"; at least one, at most 64. The certificate of
     * each instance of an https URL must be for its HOST, whatever host says */
    const char *const *urls;
    size_t url_count;
    const char *host; /* what Host says in requests whose URL is a path [host and port of the instance's URL;
                         "localhost" of a Unix socket] */
    enum weir_balance balance;
    int connections_max; /* in use and idle together, to all instances together, of all loops; when there is
                            no more room, the connection that is unused longest is closed [256] */
    int waiting_max;     /* requests that wait for a connection, on all loops; more are refused with
                            -WEIR_EBUSY [1024] */
    weir_duration idle_timeout;    /* as in weir_client_options [15 s] */
    weir_duration connect_timeout; /* as in weir_client_options [5 s] */
    int limit; /* requests in progress on all loops, those that wait for a connection included; more are
                  refused with -WEIR_ELIMITED [0: no limit] */
    weir_backend_health health;
    weir_backend_eject eject;
    weir_backend_breaker breaker;
    /* For https URLs: a context for the client's side, which the backend holds; the same for all loops [the
     * authorities of the system, and no certificate of its own] */
    struct weir_tls *tls;
    weir_hedge_options hedge;
    weir_retry_options retry;
    weir_backend_auto_limit auto_limit; /* instead of limit */
    /* Each request says how much is left of its deadline, if it has one (x-weir-deadline-ms: 180), less for
     * each attempt */
    bool tells_deadline;
    unsigned char reserved[63]; /* for later versions; zero */
} weir_backend_options;

/* Opens a backend on this loop. Nothing is connected or looked up yet.
 * Owns:    options are copied. The caller owns *out and closes it.
 * Returns: 0; -EINVAL an option, or a URL; -WEIR_ECONFIG a backend of that name is open with other options,
 *          or another context for TLS; -ENOMEM; of shared memory -ENOSPC no room is left in it, -EAGAIN no
 *          thread that listens to other processes.
 * Where:   task. Does not wait.
 */
int weir_backend_open(const weir_backend_options *options, weir_backend **out) WEIR_CHECKED;

/* Closes the backend of this loop, with its idle connections. If this loop runs the health checks, another
 * one that has the backend open continues them, of this or another process. No request to it may be in
 * progress on this loop. NULL does nothing.
 * Cancel:  does not shorten the wait.
 * Where:   task of its loop. Waits.
 */
void weir_backend_close(weir_backend *backend);

/* Returns how long the breaker will go on refusing requests, for a Retry-After.
 * Returns: 0: it does not refuse any.
 * Where:   task of its loop. Does not wait.
 */
weir_duration weir_backend_retry_after(const weir_backend *backend);

/* --- statistics, from any thread --- */

enum weir_instance_state {
    WEIR_INSTANCE_UP,
    WEIR_INSTANCE_PROBING, /* down, and its latest check was good: it is up after some more */
    WEIR_INSTANCE_EJECTED,
    WEIR_INSTANCE_DOWN,
    WEIR_INSTANCE_GONE, /* its name does not have it any more, and requests to it are in progress */
};

/* An instance as all loops together see it: sums since it was first known, and present values. */
typedef struct weir_instance_stats {
    const char *address; /* "10.0.0.7:7101", "unix:/run/orders.sock" */
    enum weir_instance_state state;
    weir_instant since; /* when it came into this state */
    int in_use;         /* requests in progress */
    uint64_t requests;  /* requests sent to it, or that were to be */
    uint64_t failures;  /* of those; see the top of this file */
    uint64_t ejections;
    unsigned char number; /* from 1, the same in all processes; a later instance gets it after this is gone */
    const char *last_error; /* of its latest failure, in words, valid until weir_run() returns; NULL: none */
    weir_instant last_error_at;
    const char *last_check; /* what was wrong at the latest health check, likewise; NULL: nothing */
} weir_instance_stats;

/* Reasons why a request was sent to no instance. */
enum weir_backend_refusal {
    WEIR_BACKEND_BUSY,        /* waiting_max requests wait for a connection */
    WEIR_BACKEND_LIMITED,     /* limit requests are in progress */
    WEIR_BACKEND_OPEN,        /* the breaker is open */
    WEIR_BACKEND_NO_INSTANCE, /* no name has ever had an address */
    WEIR_BACKEND_REFUSALS
};

/* A backend as all loops together see it. */
typedef struct weir_backend_stats {
    const char *name;
    const weir_instance_stats *instances;
    size_t instance_count;
    int in_use;  /* requests in progress, those that wait included */
    int limit;   /* the present one; 0: none */
    int waiting; /* requests that wait for a connection */
    int waiting_max;
    int connections; /* in use and idle */
    int connections_max;
    uint64_t requests; /* begun, those that were refused included */
    uint64_t refused[WEIR_BACKEND_REFUSALS];
    bool open;               /* the breaker is, or lets a single request through to see */
    weir_instant open_since; /* when it opened first; meaningful while it is open */
    uint64_t opened;         /* how often it has opened */
    bool panics;             /* every instance is down or ejected, and all of them are asked */
    bool limit_is_auto;
    weir_attempts_stats attempts; /* requests that found no instance are no attempts */
    /* With shared memory: the same number in all processes for what they have in common, and never again for
     * what is counted anew. 0: there is none */
    uint64_t shared_id;
} weir_backend_stats;

/* Calls fn for each backend of a runtime, once however many loops have it open.
 * Owns:    stats is lent to fn, which must not wait, nor open or close backends.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
void weir_backend_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_backend_stats *stats),
                       void *arg);

/* Names a state, as a label: "up", "probing", "ejected", "down", "gone".
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_instance_state_name(enum weir_instance_state state);

/* Names a reason, as a label: "busy", "limited", "open", "no_instance".
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_backend_refusal_name(enum weir_backend_refusal refusal);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* Asking DNS servers by c-ares, which has ids, retries, other servers, and TCP for answers that are cut
 * short. It gets all it would read from files, and asks for raw answers: the TTLs and the SOA are in them. */
#include "names/dns.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/guard_exempt.h"

enum {
    EDNS_BYTES = 1232, /* an answer that no network splits: the flag day of 2020 */
    SERVER_KEPT_S = 30,
};

/* --- the channel --- */

/* The servers as c-ares reads them, the one first that answered of late. */
static void write_servers(struct weir__resolver *r, char *out, size_t room)
{
    const struct weir__resolv_conf *conf = &r->settings->conf;
    int64_t now_ns = weir__loop_now_ns(r->loop);
    size_t used = 0;

    if (conf->rotate)
        r->first_server++;
    else if (now_ns > r->first_server_until_ns)
        r->first_server = 0;
    r->first_server %= conf->server_count;
    for (int i = 0; i < conf->server_count && used < room; i++) {
        char server[WEIR__NAME_SERVER_BYTES];
        int n = (r->first_server + i) % conf->server_count;
        used += (size_t)snprintf(out + used, room - used, "%s%s", i > 0 ? "," : "",
                                 weir__name_server_format(&conf->servers[n], server));
    }
}

/* An answer came from another server than the first: the next look-ups begin with the next. */
static void pass_over_first_server(struct weir__dns *dns)
{
    struct weir__resolver *r = dns->lookup->resolver;

    if (r->settings->conf.server_count == 1 || r->settings->conf.rotate || dns->has_passed_on)
        return;
    dns->has_passed_on = true;
    r->first_server++;
    r->first_server_until_ns = weir__loop_now_ns(r->loop) + SERVER_KEPT_S * INT64_C(1000000000);
}

static int open_channel(struct weir__dns *dns, bool plain)
{
    struct weir__resolver *r = dns->lookup->resolver;
    char servers[WEIR_RESOLVER_SERVERS_MAX * WEIR__NAME_SERVER_BYTES], lookups[] = "b";
    struct ares_options o = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (plain ? 0 : ARES_FLAG_EDNS),
        .timeout = r->settings->attempt_ms,
        .tries = r->settings->attempts,
        .ndots = 1,
        .lookups = lookups,
        .ednspsz = EDNS_BYTES,
        .sock_state_cb = weir__dns_socket_wanted,
        .sock_state_cb_data = dns,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_LOOKUPS |
               ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
               ARES_OPT_SORTLIST | ARES_OPT_NOROTATE;
    int status;

    write_servers(r, servers, sizeof servers);
    dns->is_plain = plain;
    weir__guard_exempt_begin(); /* it reads random bytes of a device, which never waits */
    status = ares_init_options(&dns->channel, &o, mask);
    weir__guard_exempt_end();
    if (status != ARES_SUCCESS)
        return -ENOMEM;
    weir__dns_use_sockets(dns);
    return ares_set_servers_ports_csv(dns->channel, servers) == ARES_SUCCESS ? 0 : -ENOMEM;
}

/* --- answers --- */

static const char *rcode_words(unsigned rcode)
{
    return rcode == 5 ? "REFUSED" : rcode == 4 ? "NOTIMP" : "SERVFAIL";
}

static const char *words_for(struct weir__dns *dns, int status)
{
    struct weir__resolver *r = dns->lookup->resolver;

    if (dns->rcode != 0)
        return weir__names_words(r->names, "%s answers %s", dns->server, rcode_words(dns->rcode));
    if (dns->error != 0 && dns->server[0] != '\0')
        return weir__names_words(r->names, "%s: %s", dns->server, weir_error_text(-dns->error));
    if (dns->error != 0)
        return weir_error_text(-dns->error);
    return status == ARES_ETIMEOUT ? weir__lookup_silence(r) : "the DNS servers give no answer";
}

static void ask_one(struct weir__dns_question *q);

/* c-ares passes an answer of any code; abuf NULL: there is none. */
static void answered(void *arg, int status, int timeouts, unsigned char *abuf, int alen)
{
    struct weir__dns_question *q = arg;
    struct weir__dns *dns = q->dns;

    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        return;
    if (abuf != NULL && timeouts > 0)
        pass_over_first_server(dns);
    if (status == ARES_EFORMERR && !dns->is_plain) { /* a server that does not know EDNS */
        dns->is_plain = true;
        ask_one(q);
        return;
    }
    q->is_done = true;
    if (abuf == NULL || status == ARES_ENOMEM)
        q->answer = (struct weir__answer){.type = WEIR__ANSWER_FAILED, .why = words_for(dns, status)};
    else
        (void)weir__answer_read(abuf, (size_t)alen, dns->name, q->family, &q->answer);
}

static void ask_one(struct weir__dns_question *q)
{
    ares_query(q->dns->channel, q->dns->name, ns_c_in, q->family == WEIR__IPV4 ? ns_t_a : ns_t_aaaa, answered,
               q);
}

/* Passes on what has come. dns may be freed by it. */
static void deliver(struct weir__dns *dns)
{
    for (int i = 0; i < 2; i++) {
        struct weir__dns_question *q = &dns->questions[i];
        if (!q->is_done || q->is_told)
            continue;
        q->is_told = true;
        if (!weir__lookup_answered(dns->lookup, q->family, &q->answer))
            return;
    }
}

/* Sets the time at which c-ares wants to be called. */
static void set_timeout(struct weir__dns *dns)
{
    struct weir__loop *loop = dns->lookup->resolver->loop;
    struct timeval left;

    if (ares_timeout(dns->channel, NULL, &left) == NULL)
        weir__timeout_cancel(loop, &dns->timeout);
    else
        weir__timeout_set(loop, &dns->timeout,
                          weir__loop_now_ns(loop) + left.tv_sec * INT64_C(1000000000) +
                              (left.tv_usec + 1) * INT64_C(1000));
}

void weir__dns_process(struct weir__dns *dns, int readable, int writable)
{
    weir__guard_exempt_begin();
    ares_process_fd(dns->channel, readable, writable);
    weir__guard_exempt_end();
    set_timeout(dns);
    weir__dns_poll(dns);
    deliver(dns);
}

static void time_is_over(struct weir__timeout *t)
{
    struct weir__dns *dns = weir__container_of(t, struct weir__dns, timeout);

    weir__dns_process(dns, weir__dns_failed_socket(dns), ARES_SOCKET_BAD);
}

/* --- the source --- */

static void stop(struct weir__lookup *lookup)
{
    struct weir__dns *dns = lookup->asked;

    lookup->asked = NULL;
    weir__timeout_cancel(lookup->resolver->loop, &dns->timeout);
    if (dns->channel != NULL)
        ares_destroy(dns->channel);
    free(dns);
}

static int ask(struct weir__lookup *lookup, const char *name)
{
    struct weir__dns *dns = calloc(1, sizeof *dns);
    int err;

    if (dns == NULL)
        return -ENOMEM;
    dns->lookup = lookup;
    lookup->asked = dns;
    weir__list_init(&dns->sockets);
    weir__timeout_init(&dns->timeout, time_is_over);
    strcpy(dns->name, name);
    err = open_channel(dns, false);
    if (err < 0) {
        stop(lookup);
        return err;
    }
    weir__guard_exempt_begin();
    for (int i = 0; i < 2; i++) {
        dns->questions[i].dns = dns;
        dns->questions[i].family = i == 0 ? WEIR__IPV4 : WEIR__IPV6;
        ask_one(&dns->questions[i]);
    }
    weir__guard_exempt_end();
    set_timeout(dns);
    weir__dns_poll(dns);
    if (dns->questions[0].is_done || dns->questions[1].is_done) /* no server could be asked */
        weir__timeout_set(lookup->resolver->loop, &dns->timeout, 0);
    return 0;
}

static void end(struct weir__resolver *r)
{
    while (r->socket_count > 0) /* closed once the kernel has let go of them */
        (void)weir__io_turn(r->loop->io, INT64_MAX);
}

const struct weir__name_source weir__dns_source = {ask, stop, end};

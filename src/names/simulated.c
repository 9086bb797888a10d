/* SPDX-License-Identifier: MIT */
/* The servers of a simulation: a table that tests fill. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/reserved.h"
#include "core/misuse.h"
#include "core/runtime.h"
#include "names/lookup.h"

enum { TTL_S = 60, LATENCY_NS = 1000000 };

struct simulated_name {
    struct weir__list node; /* in names->all */
    struct weir__answer answers[2];
    int64_t least_ns, most_ns, six_ns; /* latencies; six_ns 0: drawn */
    bool is_silent;
    char name[];
};

struct weir__simulated_names {
    struct weir__list all;
    struct weir__random random;
};

/* One question of both families. */
struct question {
    struct weir__lookup *lookup;
    struct weir__timeout due[2];
    struct weir__answer answers[2];
};

/* --- the table --- */

static struct simulated_name *find(const struct weir__resolver *r, const char *name)
{
    weir__list_each (node, &r->simulated->all) {
        struct simulated_name *n = weir__container_of(node, struct simulated_name, node);
        if (strcasecmp(n->name, name) == 0)
            return n;
    }
    return NULL;
}

static void forget(struct simulated_name *n)
{
    weir__list_remove(&n->node);
    free(n);
}

static int open_table(struct weir__resolver *r)
{
    if (r->simulated != NULL)
        return 0;
    r->simulated = malloc(sizeof *r->simulated);
    if (r->simulated == NULL)
        return -ENOMEM;
    weir__list_init(&r->simulated->all);
    weir__random_seed(&r->simulated->random, r->loop->runtime->options.seed ^ UINT64_C(0x6e616d6573));
    return 0;
}

/* Reads addresses between blanks into the answers of their families. */
static int read_addresses(const char *text, struct weir__answer answers[2])
{
    while (*text != '\0') {
        size_t blank = strspn(text, " "), len = strcspn(text + blank, " ");
        struct weir__answer *a;
        struct weir__ip ip;
        text += blank;
        if (len == 0)
            break;
        if (weir__ip_parse(text, len, &ip) < 0)
            return -EINVAL;
        a = &answers[ip.family == WEIR__IPV6];
        if (a->count == WEIR_RESOLVED_MAX)
            return -EINVAL;
        a->ips[a->count++] = ip;
        a->type = WEIR__ANSWER_ADDRESSES;
        text += len;
    }
    return 0;
}

static int fill(struct simulated_name *n, const weir_simulated_name *from)
{
    static const enum weir__answer_type types[] = {
        [WEIR_SIMULATED_ADDRESSES] = WEIR__ANSWER_NO_ADDRESS,
        [WEIR_SIMULATED_NO_NAME] = WEIR__ANSWER_NO_NAME,
        [WEIR_SIMULATED_FAILURE] = WEIR__ANSWER_FAILED,
        [WEIR_SIMULATED_SILENCE] = WEIR__ANSWER_FAILED,
    };
    struct weir__answer answer = {.type = types[from->answer],
                                  .has_ttl = true,
                                  .ttl_s = from->ttl.ns != 0 ? (uint32_t)(from->ttl.ns / 1000000000) : TTL_S};

    if (answer.type == WEIR__ANSWER_FAILED)
        answer.why = "the simulated server answers SERVFAIL";
    n->answers[0] = n->answers[1] = answer;
    n->least_ns = from->latency_min.ns;
    n->most_ns = from->latency_max.ns > n->least_ns ? from->latency_max.ns : n->least_ns;
    if (n->most_ns == 0)
        n->least_ns = n->most_ns = LATENCY_NS;
    n->six_ns = from->latency_ipv6.ns;
    n->is_silent = from->answer == WEIR_SIMULATED_SILENCE;
    return from->answer == WEIR_SIMULATED_ADDRESSES && from->addresses != NULL
               ? read_addresses(from->addresses, n->answers)
               : 0;
}

int weir_resolver_simulate(const weir_simulated_name *name)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__resolver *r;
    struct simulated_name *n, *before;
    int err;

    if (self->loop->runtime->options.io != WEIR_IO_SIM)
        return -ENOTSUP;
    if (!weir__reserved_is_zero(name->reserved, sizeof name->reserved) || name->name == NULL ||
        (int)name->answer < WEIR_SIMULATED_ADDRESSES || name->answer > WEIR_SIMULATED_SILENCE ||
        name->ttl.ns < 0 || name->latency_min.ns < 0 || name->latency_max.ns < 0 || name->latency_ipv6.ns < 0)
        return -EINVAL;
    err = weir__resolver_here(&r);
    if (err == 0)
        err = open_table(r);
    if (err < 0)
        return err;
    n = calloc(1, sizeof *n + strlen(name->name) + 1);
    if (n == NULL)
        return -ENOMEM;
    strcpy(n->name, name->name);
    err = fill(n, name);
    if (err < 0) {
        free(n);
        return err;
    }
    before = find(r, name->name);
    if (before != NULL)
        forget(before);
    weir__list_push_back(&r->simulated->all, &n->node);
    return 0;
}

/* --- the source --- */

static void tell(struct question *q, int of)
{
    (void)weir__lookup_answered(q->lookup, of == 0 ? WEIR__IPV4 : WEIR__IPV6, &q->answers[of]);
}

static void ipv4_is_due(struct weir__timeout *t)
{
    tell(weir__container_of(t, struct question, due[0]), 0);
}

static void ipv6_is_due(struct weir__timeout *t)
{
    tell(weir__container_of(t, struct question, due[1]), 1);
}

static int64_t latency_ns(struct weir__resolver *r, const struct simulated_name *n, int of)
{
    uint64_t span = (uint64_t)(n->most_ns - n->least_ns);

    if (of == 1 && n->six_ns > 0)
        return n->six_ns;
    return n->least_ns + (span > 0 ? (int64_t)weir__random_below(&r->simulated->random, span + 1) : 0);
}

static int ask(struct weir__lookup *lookup, const char *name)
{
    struct weir__resolver *r = lookup->resolver;
    const struct simulated_name *n = r->simulated != NULL ? find(r, name) : NULL;
    struct question *q = calloc(1, sizeof *q);
    int64_t now_ns = weir__loop_now_ns(r->loop);

    if (q == NULL)
        return -ENOMEM;
    q->lookup = lookup;
    lookup->asked = q;
    weir__timeout_init(&q->due[0], ipv4_is_due);
    weir__timeout_init(&q->due[1], ipv6_is_due);
    for (int i = 0; i < 2; i++) {
        q->answers[i] =
            n != NULL ? n->answers[i]
                      : (struct weir__answer){.type = WEIR__ANSWER_NO_NAME, .has_ttl = true, .ttl_s = TTL_S};
        if (n == NULL || !n->is_silent)
            weir__timeout_set(r->loop, &q->due[i], now_ns + (n != NULL ? latency_ns(r, n, i) : LATENCY_NS));
    }
    return 0;
}

static void stop(struct weir__lookup *lookup)
{
    struct question *q = lookup->asked;

    lookup->asked = NULL;
    weir__timeout_cancel(lookup->resolver->loop, &q->due[0]);
    weir__timeout_cancel(lookup->resolver->loop, &q->due[1]);
    free(q);
}

static void end(struct weir__resolver *r)
{
    if (r->simulated == NULL)
        return;
    weir__list_each_safe (node, &r->simulated->all)
        forget(weir__container_of(node, struct simulated_name, node));
    free(r->simulated);
    r->simulated = NULL;
}

const struct weir__name_source weir__simulated_source = {ask, stop, end};

/* SPDX-License-Identifier: MIT */
#include "edge/rates.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <weir/log.h>
#include <weir/text.h>
#include <weir/time.h>

#include "edge/keyed_hash.h"
#include "edge/rate_places.h"
#include "edge/rate_table.h"
#include "http/client_address.h"

struct rate {
    struct rate_table *table; /* NULL: the route has no rate */
    bool is_own;              /* not in shared memory */
    struct rate_limit limit;
    uint64_t seed[2];
};

struct rates {
    const struct config *config;
    bool are_shared;
    struct rate_places places; /* if they are */
    struct rate of[];          /* by number of the route */
};

/* --- finding the tables --- */

static bool has_keys(const struct config_rate *rate)
{
    return rate->by != CONFIG_RATE_ROUTE;
}

static uint64_t add_text(uint64_t digest, const char *text)
{
    const uint64_t seed[2] = {digest, 0};

    return keyed_hash_2_4(seed, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 0);
}

/* Of all that tells a route from others, and of its rate. Never 0. */
static uint64_t digest_of(const struct config_route *route)
{
    const struct config_rate *rate = route->rate;
    const int64_t numbers[] = {route->scheme,  route->method_mask, rate->by,
                               rate->requests, rate->per.ns,       rate->burst};
    const uint64_t seed[2] = {add_text(add_text(add_text(1, route->host), route->path), rate->header), 0};

    return keyed_hash_2_4(seed, numbers, sizeof numbers) | 1;
}

/* In shared memory, or a process's own. */
static int open_table(struct rates *rates, const struct config_route *route, struct rate *rate)
{
    const size_t bytes = rate_table_bytes(has_keys(route->rate));

    if (rate->table == NULL && rates->are_shared)
        rate->table = rate_places_take(&rates->places, digest_of(route), has_keys(route->rate));
    if (rate->table != NULL)
        return 0;
    rate->is_own = true;
    rate->table = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (rate->table == NULL)
        return -ENOMEM;
    memset(rate->table, 0, bytes);
    return 0;
}

static int open_rate(struct rates *rates, const struct config_route *route, struct rate *rate)
{
    const struct config_rate *wanted = route->rate;
    uint64_t random[2];
    int err = open_table(rates, route, rate);

    if (err < 0)
        return err;
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != sizeof random)
        return -ENOMEM; /* only before the system's first random numbers are there */
    rate_table_seed(rate->table, random, rate->seed);
    rate->limit =
        rate_limit_of((uint64_t)wanted->requests, (uint64_t)wanted->per.ns, (uint64_t)wanted->burst);
    return 0;
}

static bool has_rate(const struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].rate != NULL)
            return true;
    return false;
}

/* Takes the tables that are there, before a new one could get the place of one that no process uses just now.
 */
static void find_tables(struct rates *rates)
{
    const struct config *config = rates->config;

    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].rate != NULL)
            rates->of[i].table = rate_places_find(&rates->places, digest_of(&config->routes[i]));
}

size_t rates_own(const struct rates *rates)
{
    size_t count = 0;

    for (size_t i = 0; i < rates->config->route_count; i++)
        count += rates->of[i].is_own;
    return count;
}

/* One line, however many there are: each process has one at each reload. */
static void tell_own(const struct rates *rates, int err)
{
    size_t first = 0;

    if (rates_own(rates) == 0)
        return;
    while (!rates->of[first].is_own)
        first++;
    weir_log(WEIR_LOG_WARN, "the requests of some routes are counted by each process alone",
             WEIR_KV_INT("routes", (int64_t)rates_own(rates)),
             WEIR_KV("first", rates->config->routes[first].name), WEIR_KV_ERROR("error", err),
             WEIR_KV("hint", "processes that serve or drain have more rates than are shared"));
}

int rates_open(const struct config *config, weir_shared *shared, struct rates **out)
{
    struct rates *rates;
    int err = 0, why = -ENOSPC;

    *out = NULL;
    if (!has_rate(config))
        return 0;
    rates = calloc(1, sizeof *rates + config->route_count * sizeof rates->of[0]);
    if (rates == NULL)
        return -ENOMEM;
    rates->config = config;
    if (shared != NULL) {
        err = rate_places_open(&rates->places, shared);
        rates->are_shared = err == 0;
        if (err < 0)
            why = err;
        else
            find_tables(rates);
        err = 0;
    }
    for (size_t i = 0; err == 0 && i < config->route_count; i++)
        if (config->routes[i].rate != NULL)
            err = open_rate(rates, &config->routes[i], &rates->of[i]);
    if (err < 0) {
        rates_close(rates);
        return err;
    }
    if (shared != NULL)
        tell_own(rates, why);
    *out = rates;
    return 0;
}

void rates_close(struct rates *rates)
{
    if (rates == NULL)
        return;
    for (size_t i = 0; i < rates->config->route_count; i++) {
        if (rates->of[i].is_own)
            free(rates->of[i].table);
        else if (rates->of[i].table != NULL)
            rate_places_leave(&rates->places, rates->of[i].table);
    }
    free(rates);
}

uint64_t rates_bytes(const struct config *config)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].rate != NULL)
            bytes += rate_table_bytes(has_keys(config->routes[i].rate));
    return bytes;
}

/* --- counting --- */

/* The number of an address, of IPv6 the network (/64) in which a client chooses its address itself. IPv4 has
 * the numbers of networks that nobody has, 0:ffff::/32. */
static uint64_t number_of(const unsigned char address[16])
{
    uint64_t number;
    uint32_t four;

    if (!network_address_is_v4(address)) {
        memcpy(&number, address, sizeof number);
        return be64toh(number);
    }
    memcpy(&four, address + 12, sizeof four);
    return UINT64_C(0xffff) << 32 | be32toh(four);
}

static uint64_t hash_client(const struct rates *rates, const struct rate *rate, weir_request *req)
{
    unsigned char address[16];

    if (!client_address(req, rates->config->trusted_proxies, rates->config->trusted_proxy_count, address))
        return keyed_hash_number(rate->seed, 0);
    return keyed_hash_number(rate->seed, number_of(address));
}

static __attribute__((noinline)) uint64_t hash_header(const struct rate *rate, const char *name,
                                                      weir_request *req)
{
    const char *value = weir_request_header_joined(req, name);

    return value != NULL ? keyed_hash(rate->seed, value, strlen(value)) : keyed_hash(rate->seed, "", 0);
}

static struct rate_verdict count(struct rates *rates, const struct config_route *route,
                                 const struct rate *rate, weir_request *req)
{
    uint64_t hash;

    if (route->rate->by == CONFIG_RATE_ROUTE)
        return rate_table_take_common(rate->table, &rate->limit, weir_now().ns);
    hash = route->rate->by == CONFIG_RATE_CLIENT ? hash_client(rates, rate, req)
                                                 : hash_header(rate, route->rate->header, req);
    return rate_table_take(rate->table, &rate->limit, hash, weir_now().ns);
}

static __attribute__((noinline, cold)) void tell_shared(const struct config_route *route,
                                                        const struct rate *rate)
{
    const int64_t now_ns = weir_now().ns;

    if (!rate_table_tells_shared(rate->table, now_ns))
        return;
    weir_log(WEIR_LOG_WARN, "new keys of a rate share one bucket", WEIR_KV("route", route->name),
             WEIR_KV_INT("keys", (int64_t)rate_table_taken(rate->table, &rate->limit, now_ns)),
             WEIR_KV_INT("places", RATE_ENTRIES),
             WEIR_KV("effect", "clients that were not there before get 429 together, those that were go on"),
             WEIR_KV("hint", route->rate->by == CONFIG_RATE_CLIENT
                                 ? "a shorter per frees places sooner; a flood of addresses is to be "
                                   "stopped before the gateway"
                                 : "a shorter per frees places sooner; a header that clients choose "
                                   "freely is no key"));
}

/* --- the answer --- */

static int add_number(weir_response *res, const char *name, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return weir_response_header_add(res, name, text);
}

/* Says when to come again in Retry-After, and what is allowed in the three fields that client libraries read;
 * the two of later drafts of the IETF are read by few. */
static __attribute__((noinline, cold)) int refuse(weir_response *res, const struct config_rate *rate,
                                                  const struct rate_verdict *verdict)
{
    const uint64_t seconds = (verdict->wait_ns + 999999999) / 1000000000;
    char message[128], per[WEIR_DURATION_TEXT_MAX];
    int err = add_number(res, "retry-after", seconds);

    if (err == 0)
        err = add_number(res, "ratelimit-limit", (uint64_t)rate->requests);
    if (err == 0)
        err = add_number(res, "ratelimit-remaining", 0);
    if (err == 0)
        err = add_number(res, "ratelimit-reset", seconds);
    if (err < 0)
        return err;
    (void)snprintf(message, sizeof message, "too many requests: %d in %s, and %d at once, are allowed",
                   rate->requests, weir_duration_format(per, sizeof per, rate->per), rate->burst);
    err = weir_respond_refusal(res, "rate", 429, "rate_limited", message);
    return err < 0 ? err : 1;
}

int rates_admit(struct rates *rates, const struct config_route *route, weir_request *req, weir_response *res,
                bool *shared)
{
    const struct rate *rate = &rates->of[route - rates->config->routes];
    const struct rate_verdict verdict = count(rates, route, rate, req);

    *shared = verdict.shared;
    if (verdict.shared)
        tell_shared(route, rate);
    return verdict.accepted ? 0 : refuse(res, route->rate, &verdict);
}

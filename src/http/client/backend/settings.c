/* SPDX-License-Identifier: MIT */
#include "http/client/backend/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/address.h>
#include <weir/tls.h>

#include "base/hash.h"
#include "base/reserved.h"
#include "http/client/backend/common.h"
#include "http/client/secure.h"
#include "http/message/url.h"

enum {
    CONNECTIONS_MAX = 256,
    WAITING_MAX = 1024,
    IDLE_TIMEOUT_S = 15,
    CONNECT_TIMEOUT_S = 5,
    CHECK_EVERY_S = 5,
    CHECKS_FAILED = 3,
    CHECKS_GOOD = 2,
    EJECT_AFTER = 5,
    EJECT_PERIOD_S = 10,
    EJECT_PERCENT = 50,
    BREAKER_OF = 20,
    BREAKER_WITHIN_S = 10,
    BREAKER_WITHIN_MAX_S = 600,
    BREAKER_OPEN_S = 5,
    AUTO_LIMIT_MIN = 4,
    AUTO_LIMIT_MAX = 256,
};

/* --- numbers --- */

static int number(int n, int otherwise)
{
    return n != 0 ? n : otherwise;
}

static weir_duration duration(weir_duration d, int64_t seconds)
{
    return d.ns != 0 ? d : weir_seconds(seconds);
}

static bool is_between(int64_t n, int64_t least, int64_t most)
{
    return n >= least && n <= most;
}

static bool is_time(weir_duration d)
{
    return is_between(d.ns, 1000000, INT64_C(86400) * 1000000000);
}

/* Of two bounds of which one alone may be given. */
static void fill_auto_limit(weir_backend_auto_limit *a)
{
    if (a->min == 0 && a->max == 0)
        return;
    if (a->max == 0)
        a->max = a->min > AUTO_LIMIT_MAX ? a->min : AUTO_LIMIT_MAX;
    if (a->min == 0)
        a->min = a->max < AUTO_LIMIT_MIN ? a->max : AUTO_LIMIT_MIN;
}

static void fill_defaults(weir_backend_options *o)
{
    o->connections_max = number(o->connections_max, CONNECTIONS_MAX);
    o->waiting_max = number(o->waiting_max, WAITING_MAX);
    o->idle_timeout = duration(o->idle_timeout, IDLE_TIMEOUT_S);
    o->connect_timeout = duration(o->connect_timeout, CONNECT_TIMEOUT_S);
    o->health.every = duration(o->health.every, CHECK_EVERY_S);
    o->health.timeout = o->health.timeout.ns != 0 ? o->health.timeout : o->health.every;
    o->health.failed = number(o->health.failed, CHECKS_FAILED);
    o->health.good = number(o->health.good, CHECKS_GOOD);
    o->eject.after = number(o->eject.after, EJECT_AFTER);
    o->eject.period = duration(o->eject.period, EJECT_PERIOD_S);
    o->eject.at_most_percent = number(o->eject.at_most_percent, EJECT_PERCENT);
    o->breaker.of = number(o->breaker.of, BREAKER_OF);
    o->breaker.within = duration(o->breaker.within, BREAKER_WITHIN_S);
    o->breaker.open = duration(o->breaker.open, BREAKER_OPEN_S);
    fill_auto_limit(&o->auto_limit);
}

static bool is_auto_limit(const weir_backend_auto_limit *a, int limit)
{
    return a->max == 0 || (limit == 0 && is_between(a->min, 1, a->max) && a->max <= 1 << 24);
}

static bool is_sound(const weir_backend_options *o)
{
    return weir__reserved_is_zero(o->reserved, sizeof o->reserved) && o->name != NULL && o->name[0] != '\0' &&
           is_between((int64_t)o->url_count, 1, WEIR__BACKEND_URLS_MAX) &&
           (unsigned)o->balance <= WEIR_BALANCE_HASH && is_between(o->connections_max, 1, 1 << 20) &&
           is_between(o->waiting_max, 1, 1 << 24) && is_time(o->idle_timeout) &&
           is_time(o->connect_timeout) && is_between(o->limit, 0, 1 << 24) && is_time(o->health.every) &&
           is_time(o->health.timeout) && is_between(o->health.failed, 1, WEIR__HEALTH_IN_A_ROW_MAX) &&
           is_between(o->health.good, 1, WEIR__HEALTH_IN_A_ROW_MAX) &&
           is_between(o->eject.after, INT32_MIN, WEIR__EJECT_AFTER_MAX) && is_time(o->eject.period) &&
           is_between(o->eject.at_most_percent, 1, 100) && is_between(o->breaker.failed_percent, 0, 100) &&
           is_between(o->breaker.of, 1, 1 << 16) && is_time(o->breaker.within) &&
           o->breaker.within.ns <= BREAKER_WITHIN_MAX_S * INT64_C(1000000000) && is_time(o->breaker.open) &&
           is_auto_limit(&o->auto_limit, o->limit) && weir__client_tls_fits(o->tls);
}

static bool is_host(const char *text)
{
    weir_url url;
    char made[320];
    int len = snprintf(made, sizeof made, "http://%s", text);
    size_t at;

    return len < (int)sizeof made && weir__url_read((weir_bytes){made, (size_t)len}, &url, &at) == NULL &&
           url.authority.len == strlen(text);
}

static bool is_path(const char *text)
{
    return text[0] == '/' && weir_url_check_target(weir_bytes_of(text), NULL) == 0;
}

/* --- URLs --- */

static int read_unix(struct weir__backend_url *out)
{
    weir_address address;

    if (weir_address_parse(weir_bytes_of(out->text), &address, NULL) < 0)
        return -EINVAL;
    out->connect_to = strdup(out->text);
    out->origin = "http://localhost";
    out->authority = strdup("localhost");
    return out->connect_to == NULL || out->authority == NULL ? -ENOMEM : 0;
}

/* localhost is one machine under two addresses: which of them its service listens at is found out by
 * connecting. */
static bool is_looked_up(const weir_url *url)
{
    return url->host_type == WEIR_HOST_NAME && !weir_host_is_localhost(url->host);
}

/* Host names an absolute name without its dot. Returns: NULL without memory. */
static char *authority_of(const weir_url *url)
{
    size_t bare = weir_host_without_dot(url->host).len;
    char *out = malloc(url->authority.len + 1);

    if (out == NULL)
        return NULL;
    memcpy(out, url->authority.data, url->authority.len);
    out[url->authority.len] = '\0';
    if (bare < url->host.len)
        memmove(out + bare, out + url->host.len, url->authority.len - url->host.len + 1);
    return out;
}

static int read_http(struct weir__backend_url *out)
{
    weir_url url;
    size_t at;
    bool six;

    if (weir__url_read(weir_bytes_of(out->text), &url, &at) != NULL || url.query.data != NULL ||
        url.path.len != 1)
        return -EINVAL;
    six = url.host_type == WEIR_HOST_IPV6;
    if (asprintf(&out->connect_to, six ? "[%.*s]:%u" : "%.*s:%u", (int)url.host.len, url.host.data,
                 url.port) < 0) {
        out->connect_to = NULL;
        return -ENOMEM;
    }
    out->port = url.port;
    out->text[url.origin.len] = '\0'; /* a "/" behind it says nothing */
    out->origin = out->text;
    if (url.tls)
        out->tls_name = url.host;
    out->authority = authority_of(&url);
    if (out->authority == NULL)
        return -ENOMEM;
    if (!is_looked_up(&url))
        return 0;
    out->host = strndup(url.host.data, url.host.len);
    return out->host == NULL ? -ENOMEM : 0;
}

static int read_url(struct weir__backend_settings *s, const char *text)
{
    struct weir__backend_url *url = &s->urls[s->url_count];
    int err;

    if (text == NULL)
        return -EINVAL;
    s->url_count++;
    url->text = strdup(text);
    if (url->text == NULL)
        return -ENOMEM;
    err = strncmp(text, "unix:", 5) == 0 ? read_unix(url) : read_http(url);
    s->follows_names = s->follows_names || url->host != NULL;
    if (err == 0 && strlen(url->connect_to) >= WEIR__INSTANCE_ADDRESS_BYTES && url->host == NULL)
        err = -EINVAL;
    return err;
}

static int read_urls(struct weir__backend_settings *s, const weir_backend_options *options)
{
    int err = 0;

    s->urls = calloc(options->url_count, sizeof *s->urls);
    if (s->urls == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < options->url_count && err == 0; i++)
        err = read_url(s, options->urls[i]);
    return err;
}

/* --- the whole --- */

static const char *copy(const char *text, bool *copied)
{
    const char *made = text != NULL ? strdup(text) : NULL;

    *copied = *copied && (text == NULL || made != NULL);
    return made;
}

static int copy_texts(weir_backend_options *o)
{
    bool copied = true;

    o->name = copy(o->name, &copied);
    o->host = copy(o->host, &copied);
    o->health.path = copy(o->health.path, &copied);
    return copied ? 0 : -ENOMEM;
}

static void derive(struct weir__backend_settings *s)
{
    const weir_backend_options *o = &s->options;

    s->breaker = (struct weir__breaker_settings){o->breaker.failed_percent, o->breaker.of,
                                                 o->breaker.within.ns, o->breaker.open.ns};
    s->eject = (struct weir__eject_settings){o->eject.after, o->eject.period.ns, o->eject.at_most_percent};
    s->health = (struct weir__health_settings){o->health.every.ns, o->health.timeout.ns, o->health.failed,
                                               o->health.good};
    s->auto_limit = (struct weir__auto_limit_settings){o->auto_limit.min, o->auto_limit.max};
    if (o->auto_limit.max > 0)
        s->options.limit = o->auto_limit.max; /* 0 is: there is none */
}

int weir__backend_settings_read(struct weir__backend_settings *s, const weir_backend_options *options)
{
    int err;

    *s = (struct weir__backend_settings){.options = *options};
    fill_defaults(&s->options);
    if (!is_sound(&s->options) || options->urls == NULL ||
        (options->host != NULL && !is_host(options->host)) ||
        (options->health.path != NULL && !is_path(options->health.path)) ||
        weir__attempts_settings_read(&s->attempts, &options->hedge, &options->retry) < 0)
        return -EINVAL;
    s->options.urls = NULL;
    if (s->options.tls != NULL)
        (void)weir_tls_hold(s->options.tls);
    err = copy_texts(&s->options);
    if (err == 0)
        err = read_urls(s, options);
    if (err < 0)
        weir__backend_settings_free(s);
    else
        derive(s);
    return err;
}

void weir__backend_settings_free(struct weir__backend_settings *s)
{
    for (int i = 0; i < s->url_count; i++) {
        free(s->urls[i].text);
        free(s->urls[i].authority);
        free(s->urls[i].connect_to);
        free(s->urls[i].host);
    }
    free(s->urls);
    free((char *)(uintptr_t)s->options.name);
    free((char *)(uintptr_t)s->options.host);
    free((char *)(uintptr_t)s->options.health.path);
    weir_tls_close(s->options.tls);
}

/* --- telling them apart --- */

uint64_t weir__backend_settings_digest(const struct weir__backend_settings *s)
{
    const weir_backend_options *o = &s->options;
    const int64_t numbers[] = {
        o->balance,           o->connections_max,       o->waiting_max,    o->limit,
        o->idle_timeout.ns,   o->connect_timeout.ns,    s->eject.after,    s->eject.period_ns,
        s->health.every_ns,   s->health.timeout_ns,     s->health.failed,  s->health.good,
        s->breaker.within_ns, s->breaker.open_ns,       s->breaker.of,     s->breaker.failed_percent,
        s->url_count,         s->eject.at_most_percent, s->auto_limit.min, s->auto_limit.max,
        o->tells_deadline};
    uint64_t hash = weir__hash_add(WEIR__HASH, numbers, sizeof numbers);

    hash = weir__attempts_settings_digest(&s->attempts, hash);
    hash = weir__hash_text(weir__hash_text(weir__hash_text(hash, o->name), o->host), o->health.path);
    for (int i = 0; i < s->url_count; i++)
        hash = weir__hash_text(hash, s->urls[i].text);
    return hash != 0 ? hash : 1;
}

static bool equal_texts(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool weir__backend_settings_equal(const struct weir__backend_settings *a,
                                  const struct weir__backend_settings *b)
{
    const weir_backend_options *x = &a->options, *y = &b->options;
    bool equal =
        a->url_count == b->url_count && equal_texts(x->name, y->name) && equal_texts(x->host, y->host) &&
        equal_texts(x->health.path, y->health.path) && x->balance == y->balance && x->tls == y->tls &&
        x->connections_max == y->connections_max && x->waiting_max == y->waiting_max &&
        x->limit == y->limit && x->idle_timeout.ns == y->idle_timeout.ns &&
        x->connect_timeout.ns == y->connect_timeout.ns &&
        memcmp(&a->breaker, &b->breaker, sizeof a->breaker) == 0 && a->eject.after == b->eject.after &&
        a->eject.period_ns == b->eject.period_ns && a->eject.at_most_percent == b->eject.at_most_percent &&
        memcmp(&a->health, &b->health, sizeof a->health) == 0 &&
        memcmp(&a->auto_limit, &b->auto_limit, sizeof a->auto_limit) == 0 &&
        x->tells_deadline == y->tells_deadline && weir__attempts_settings_equal(&a->attempts, &b->attempts);

    for (int i = 0; equal && i < a->url_count; i++)
        equal = strcmp(a->urls[i].text, b->urls[i].text) == 0;
    return equal;
}

/* SPDX-License-Identifier: MIT */
#include "names/settings.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"

enum {
    CONF_BYTES_MAX = 64 << 10,
    ATTEMPTS = 2,
    ATTEMPTS_MAX = 10,
    CACHE_NAMES = 4096,
    CACHE_NAMES_MAX = 1 << 20,
    TIMEOUT_MS = 4000,
    TIMEOUT_MAX_S = 60,
    ATTEMPT_LEAST_MS = 50,
};

/* --- options --- */

static bool are_servers(const weir_resolver_options *o)
{
    struct weir__name_server server;

    if (o->server_count > WEIR_RESOLVER_SERVERS_MAX || (o->server_count > 0 && o->servers == NULL))
        return false;
    for (size_t i = 0; i < o->server_count; i++)
        if (o->servers[i] == NULL ||
            weir__name_server_parse(o->servers[i], strlen(o->servers[i]), &server) < 0)
            return false;
    return true;
}

static int fill_defaults(weir_resolver_options *o)
{
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved) || !are_servers(o) || o->timeout.ns < 0 ||
        o->timeout.ns > TIMEOUT_MAX_S * INT64_C(1000000000) || o->attempts < 0 ||
        o->attempts > ATTEMPTS_MAX || o->cache_names < 0 || o->cache_names > CACHE_NAMES_MAX)
        return -EINVAL;
    if (o->hosts_path == NULL)
        o->hosts_path = "/etc/hosts";
    if (o->resolv_conf_path == NULL)
        o->resolv_conf_path = "/etc/resolv.conf";
    if (o->cache_names == 0)
        o->cache_names = CACHE_NAMES;
    return 0;
}

int weir__names_open(struct weir__names *names, const weir_resolver_options *options,
                     const struct weir__name_source *source, bool is_simulated)
{
    int err;

    if (options != NULL)
        names->options = *options;
    err = fill_defaults(&names->options);
    if (err < 0)
        return err;
    (void)pthread_mutex_init(&names->lock, NULL);
    weir__sentences_init(&names->words);
    (void)pthread_cond_init(&names->changed, NULL);
    weir__list_init(&names->askers);
    names->source = source;
    names->is_simulated = is_simulated;
    names->is_open = true;
    return 0;
}

/* --- settings --- */

void weir__settings_drop(struct weir__name_settings *settings)
{
    if (settings == NULL || atomic_fetch_sub(&settings->users, 1) > 1)
        return;
    weir__hosts_free(&settings->hosts);
    free(settings->hosts_text);
    free(settings);
}

static struct weir__name_settings *share(struct weir__name_settings *settings)
{
    (void)atomic_fetch_add(&settings->users, 1);
    return settings;
}

static void take_servers(const weir_resolver_options *o, struct weir__resolv_conf *conf)
{
    memset(conf, 0, sizeof *conf);
    for (size_t i = 0; i < o->server_count; i++)
        if (weir__name_server_parse(o->servers[i], strlen(o->servers[i]),
                                    &conf->servers[conf->server_count]) == 0)
            conf->server_count++;
}

/* Times of a look-up. c-ares doubles the time of an attempt with each round of the servers. */
static void set_times(const weir_resolver_options *o, struct weir__name_settings *s)
{
    const struct weir__resolv_conf *conf = &s->conf;
    int64_t whole_ms = TIMEOUT_MS, parts;

    s->attempts = o->attempts > 0 ? o->attempts : conf->attempts > 0 ? conf->attempts : ATTEMPTS;
    if (o->timeout.ns > 0)
        whole_ms = (o->timeout.ns + 999999) / 1000000;
    else if (conf->timeout_s > 0)
        whole_ms = INT64_C(1000) * conf->timeout_s * s->attempts * conf->server_count;
    if (whole_ms > INT64_C(1000) * TIMEOUT_MAX_S)
        whole_ms = INT64_C(1000) * TIMEOUT_MAX_S;
    parts = ((INT64_C(1) << s->attempts) - 1) * conf->server_count;
    s->whole_ns = whole_ms * 1000000;
    s->attempt_ms = (int)(whole_ms / parts > ATTEMPT_LEAST_MS ? whole_ms / parts : ATTEMPT_LEAST_MS);
}

struct weir__name_settings *weir__settings_simulated(const struct weir__names *names)
{
    struct weir__name_settings *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    atomic_store(&s->users, 1);
    s->generation = 1;
    weir__resolv_conf_read("", 0, &s->conf);
    set_times(&names->options, s);
    return s;
}

/* --- files --- */

/* Reads a file, `most` bytes of it. One that can't be read is empty. Returns: its text; NULL: no memory. */
static char *read_file(const char *path, size_t most, struct weir__file_mark *mark, size_t *len)
{
    char *text;

    return weir__file_read(path, most, mark, &text, len) == -ENOMEM || text != NULL ? text : calloc(1, 1);
}

static int read_conf(struct weir__names *names, struct weir__resolv_conf *conf)
{
    const weir_resolver_options *o = &names->options;
    size_t len;
    char *text;

    if (o->server_count > 0) {
        take_servers(o, conf);
        return 0;
    }
    text = read_file(o->resolv_conf_path, CONF_BYTES_MAX, &names->conf_mark, &len);
    if (text == NULL)
        return -ENOMEM;
    weir__resolv_conf_read(text, len, conf);
    free(text);
    return 0;
}

/* Returns: NULL: no memory. */
static struct weir__name_settings *read_all(struct weir__names *names)
{
    struct weir__name_settings *s = calloc(1, sizeof *s);
    size_t len;

    if (s == NULL)
        return NULL;
    atomic_store(&s->users, 1);
    s->hosts_text =
        read_file(names->options.hosts_path, WEIR__NAMES_HOSTS_BYTES_MAX, &names->hosts_mark, &len);
    if (s->hosts_text == NULL || weir__hosts_index(s->hosts_text, len, &s->hosts) < 0 ||
        read_conf(names, &s->conf) < 0) {
        weir__settings_drop(s);
        return NULL;
    }
    set_times(&names->options, s);
    return s;
}

/* --- the thread --- */

static bool is_due(struct weir__names *names)
{
    bool watches_conf = names->options.server_count == 0;

    return names->settings == NULL || weir__file_has_changed(names->options.hosts_path, &names->hosts_mark) ||
           (watches_conf && weir__file_has_changed(names->options.resolv_conf_path, &names->conf_mark));
}

/* Looks at the files, without the lock. */
static void look(struct weir__names *names)
{
    struct weir__name_settings *fresh, *before = names->settings;

    if (!is_due(names))
        return;
    fresh = read_all(names);
    if (fresh == NULL) { /* no memory: what was read before is good enough */
        names->hosts_mark.unsettled = names->conf_mark.unsettled = true;
        return;
    }
    fresh->generation = before != NULL ? before->generation + 1 : 1;
    (void)pthread_mutex_lock(&names->lock);
    names->settings = fresh;
    (void)pthread_mutex_unlock(&names->lock);
    weir__settings_drop(before);
}

/* Tells those that had asked before the look. */
static void tell(struct weir__names *names, struct weir__list *askers)
{
    struct weir__list *node;

    while ((node = weir__list_pop_front(askers)) != NULL) {
        struct weir__settings_asker *asker = weir__container_of(node, struct weir__settings_asker, node);
        asker->looked(asker, names->settings != NULL ? share(names->settings) : NULL);
    }
}

static void *watch_files(void *arg)
{
    struct weir__names *names = arg;

    (void)pthread_setname_np(pthread_self(), "names");
    (void)pthread_mutex_lock(&names->lock);
    while (!names->ending) {
        struct weir__list askers;
        if (weir__list_is_empty(&names->askers)) {
            (void)pthread_cond_wait(&names->changed, &names->lock);
            continue;
        }
        weir__list_init(&askers);
        weir__list_move_all(&askers, &names->askers);
        (void)pthread_mutex_unlock(&names->lock);
        look(names);
        tell(names, &askers);
        (void)pthread_mutex_lock(&names->lock);
    }
    (void)pthread_mutex_unlock(&names->lock);
    return NULL;
}

static int start(struct weir__names *names)
{
    sigset_t all, before;
    int err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&names->thread, NULL, watch_files, names);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    names->started = err == 0;
    return err;
}

int weir__settings_ask(struct weir__names *names, struct weir__settings_asker *asker)
{
    int err = 0;

    (void)pthread_mutex_lock(&names->lock);
    if (!names->started)
        err = start(names);
    if (err == 0) {
        weir__list_push_back(&names->askers, &asker->node);
        (void)pthread_cond_signal(&names->changed);
    }
    (void)pthread_mutex_unlock(&names->lock);
    return err;
}

void weir__names_stop(struct weir__names *names)
{
    (void)pthread_mutex_lock(&names->lock);
    names->ending = true;
    (void)pthread_cond_signal(&names->changed);
    (void)pthread_mutex_unlock(&names->lock);
    if (names->started)
        (void)pthread_join(names->thread, NULL);
    names->started = false;
}

void weir__names_free(struct weir__names *names)
{
    if (!names->is_open)
        return;
    weir__settings_drop(names->settings);
    weir__sentences_free(&names->words);
    (void)pthread_cond_destroy(&names->changed);
    (void)pthread_mutex_destroy(&names->lock);
}

/* --- words --- */

const char *weir__names_words(struct weir__names *names, const char *format, ...)
{
    const char *kept;
    va_list args;

    va_start(args, format);
    kept = weir__sentence_keep_args(&names->words, format, args);
    va_end(args);
    return kept != NULL ? kept : "the DNS servers give no answer";
}

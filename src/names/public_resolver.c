/* SPDX-License-Identifier: MIT */
/* The functions of <weir/resolver.h> for programs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/address.h>
#include <weir/task.h>
#include <weir/time.h>

#include "core/misuse.h"
#include "core/task.h"
#include "names/resolve.h"

static const int64_t s_ns = 1000000000;

static int compare_ips(const void *a, const void *b)
{
    return weir__ip_compare(a, b);
}

/* When what is known of a name is worth another look. */
static int64_t until_ns(const struct weir__name *n, bool is_stale)
{
    int64_t now_ns = weir__loop_current()->now_ns;

    if (n->is_local)
        return now_ns + s_ns;
    return is_stale ? (n->ask_again_ns > now_ns ? n->ask_again_ns : now_ns + s_ns) : n->good_until_ns;
}

/* Copies what was found, sorted. */
__attribute__((noinline)) static void copy_found(const struct weir__found *found, weir_resolved *out)
{
    struct weir__ip ips[WEIR_RESOLVED_MAX];
    const struct weir__name *n = found->name;

    out->count = n->count < WEIR_RESOLVED_MAX ? n->count : WEIR_RESOLVED_MAX;
    memcpy(ips, n->ips, out->count * sizeof *ips);
    qsort(ips, out->count, sizeof *ips, compare_ips);
    for (size_t i = 0; i < out->count; i++)
        (void)weir__ip_format(&ips[i], out->addresses[i]);
    out->until = (weir_instant){until_ns(n, found->is_stale)};
    out->stale = found->is_stale;
    out->why = NULL;
}

static void clear(weir_resolved *out, int64_t until, const char *why)
{
    out->count = 0;
    out->until = (weir_instant){until};
    out->stale = false;
    out->why = why;
}

/* is_gone: after -WEIR_EDNS, whether a server says that there is no such name. */
static int resolve_name(weir_bytes host, weir_resolved *out, bool *is_gone)
{
    struct weir__found found = {0};
    int err = weir__wait_begin();

    if (err == 0)
        err = weir__names_resolve(host.data, host.len, WEIR__WANT_ALL, &found);
    if (err == 0) {
        copy_found(&found, out);
    } else if (err == -WEIR_EDNS) {
        clear(out, until_ns(found.name, false), found.name->why);
        *is_gone = found.name->is_gone;
    } else {
        clear(out, weir_now().ns, NULL);
    }
    return err;
}

static int resolve(const char *host, weir_resolved *out, bool *is_gone)
{
    weir_bytes text = weir_bytes_of(host);
    enum weir_host_type type = weir_host_type_of(text);
    struct weir__ip ip;
    int err;

    if (type == WEIR_HOST_NAME)
        return resolve_name(text, out, is_gone);
    clear(out, INT64_MAX, NULL);
    err = type != WEIR_HOST_INVALID ? weir__ip_parse(text.data, text.len, &ip) : -EINVAL;
    if (err == 0)
        err = weir__wait_begin();
    if (err == 0)
        (void)weir__ip_format(&ip, out->addresses[out->count++]);
    return err;
}

int weir_resolve(const char *host, weir_resolved *out)
{
    bool is_gone;

    (void)weir__calling_task(__func__);
    return resolve(host, out, &is_gone);
}

static bool is_same(const weir_resolved *a, const weir_resolved *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->addresses[i], b->addresses[i]) != 0)
            return false;
    return true;
}

/* Waits until the time of what is known is over. */
static int wait_until(weir_instant until)
{
    int64_t least = weir_now().ns + s_ns; /* what is kept for no time is not asked for again and again */

    return weir_sleep_until((weir_instant){until.ns > least ? until.ns : least});
}

/* Asks once. Returns: whether that changes what is known; *err: the result of weir_resolve_change() then, or
 * what ends it. */
static bool ask_again(const char *host, weir_resolved *known, weir_resolved *fresh, int *err)
{
    bool is_gone = false;

    *err = resolve(host, fresh, &is_gone);
    if (*err == 0 ? !is_same(fresh, known) : *err == -WEIR_EDNS && is_gone && known->count > 0) {
        *known = *fresh;
        return true;
    }
    if (*err == 0 || *err == -WEIR_EDNS) {
        known->until = fresh->until;
        *err = 0;
    }
    return false;
}

int weir_resolve_change(const char *host, weir_resolved *known)
{
    weir_resolved *fresh = malloc(sizeof *fresh); /* 3 KiB, while the task waits perhaps for hours */
    int err = fresh != NULL ? 0 : -ENOMEM;

    (void)weir__calling_task(__func__);
    while (err == 0) {
        err = wait_until(known->until);
        if (err == 0 && ask_again(host, known, fresh, &err))
            break;
    }
    free(fresh);
    return err;
}

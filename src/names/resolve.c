/* SPDX-License-Identifier: MIT */
#include "names/resolve.h"

#include <errno.h>
#include <stdio.h>

#include "core/task.h"
#include "core/wait_queue.h"
#include "names/lookup.h"

static bool describe_resolving(const struct weir__look *look, const struct weir__task *task,
                               struct weir__wait_words *out)
{
    struct weir__waiting w;
    struct weir__name n;
    char name[UINT8_MAX + 1] = "";

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w) ||
        !weir__peek(&look->peek, w.object, &n, sizeof n) ||
        !weir__peek(&look->peek, (const char *)w.object + offsetof(struct weir__name, name), name, n.len))
        return false;
    (void)snprintf(out->text, sizeof out->text, "resolving %.*s", WEIR__WAIT_WORDS_BYTES - 16, name);
    return true;
}

static const struct weir__wait_class resolving = {"resolving a name", describe_resolving,
                                                  .charge = WEIR_CHARGE_DNS},
                                     looking = {"the hosts file", NULL, .charge = WEIR_CHARGE_DNS};

/* Waits until the files have been looked at. */
static int await_settings(struct weir__resolver *r)
{
    int err = weir__wait_begin();

    if (err == 0)
        err = weir__resolver_look(r); /* other tasks may have run */
    if (err == 1)
        err = weir__queue_wait(weir__task_current(), &r->look_waiters, NULL, r, &looking, "weir_resolve");
    return err < 0 ? err : r->settings != NULL ? 0 : -ENOMEM; /* the files could not be read */
}

static int find(struct weir__resolver *r, const char *host, size_t len, struct weir__name **out)
{
    struct weir__name_key key = weir__name_key(host, len);

    *out = weir__name_find(&r->table, host, &key);
    if (*out == NULL)
        return weir__name_table_add(&r->table, host, &key, out);
    weir__name_touch(&r->table, *out);
    return 0;
}

static int wait_for(struct weir__resolver *r, struct weir__name *n, enum weir__want want,
                    struct weir__found *out)
{
    enum weir__known known = WEIR__KNOWN_LATER;
    int err = 0;

    n->users++; /* also while the budget of the wait is spent */
    while (known == WEIR__KNOWN_LATER && err == 0) {
        err = weir__wait_begin();
        if (err == 0)
            known = weir__name_examine(r, n, want, out, &err);
        if (err == 0 && known == WEIR__KNOWN_LATER)
            err = weir__queue_wait(weir__task_current(), &n->waiters, &want, n, &resolving, "weir_resolve");
    }
    n->users--;
    if (err < 0 && n->users == 0 && n->lookup != NULL && !n->lookup->is_ahead && !n->lookup->is_usable)
        weir__lookup_cancel(n->lookup); /* no task waits for it any more */
    return err < 0 ? err : known == WEIR__KNOWN_NONE ? -WEIR_EDNS : 0;
}

/* Finds a name that has addresses now, and that nothing is due for. Returns: NULL: there is more to do. */
static struct weir__name *find_fresh(struct weir__resolver *r, const char *host, size_t len)
{
    int64_t now_ns = r->loop->now_ns;
    struct weir__name_key key;
    struct weir__name *n;

    if (now_ns >= r->look_at_ns)
        return NULL;
    key = weir__name_key(host, len);
    n = weir__name_find(&r->table, host, &key);
    if (n == NULL || n->generation != r->settings->generation || now_ns >= n->renew_ns || n->count == 0)
        return NULL;
    weir__name_touch(&r->table, n);
    return n;
}

__attribute__((noinline)) static int resolve(const char *host, size_t len, enum weir__want want,
                                             struct weir__found *out)
{
    struct weir__resolver *r;
    struct weir__name *n;
    int err = weir__resolver_here(&r);

    if (err == 0)
        err = weir__resolver_look(r);
    if (err == 1)
        err = await_settings(r);
    if (err == 0)
        err = find(r, host, len, &n);
    if (err < 0)
        return err;
    switch (weir__name_examine(r, n, want, out, &err)) {
    case WEIR__KNOWN:
        return 0;
    case WEIR__KNOWN_NONE:
        return -WEIR_EDNS;
    case WEIR__KNOWN_NEVER:
        return err;
    case WEIR__KNOWN_LATER:
        break;
    }
    return wait_for(r, n, want, out);
}

int weir__names_resolve(const char *host, size_t len, enum weir__want want, struct weir__found *out)
{
    struct weir__resolver *r = weir__loop_current()->resolver;
    struct weir__name *n = r != NULL ? find_fresh(r, host, len) : NULL;

    if (__builtin_expect(n == NULL, 0))
        return resolve(host, len, want, out);
    *out = (struct weir__found){n, false, false};
    return 0;
}

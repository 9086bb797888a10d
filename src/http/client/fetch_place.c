/* SPDX-License-Identifier: MIT */
/* The place of a request to a backend: an instance, a connection to it, and a head that names it. */
#include <errno.h>

#include "core/account/attribution.h"
#include "http/client/backend/acquire.h"
#include "http/client/backend/state.h"
#include "http/client/fetch_parts.h"
#include "http/client/origin_table.h"

const char *weir__fetch_backend_charge_name(const weir_fetch_options *options)
{
    struct weir__ledger *l = weir__attribution_ledger(weir__task_current());

    if (l == NULL || options->name != NULL)
        return l == NULL ? NULL : options->name;
    return weir__ledger_name(l, weir__backend_name(options->backend));
}

/* The head is written first, so that a request that can't be sent takes no place. */
static inline __attribute__((always_inline)) int check_place(struct weir__fetch *f,
                                                             const weir_fetch_options *options, weir_url *url,
                                                             int64_t body_length,
                                                             struct weir__fetch_room small)
{
    int err = weir__fetch_check(f, options, body_length);

    if (err < 0)
        return err;
    if (options->address != NULL || f->method == WEIR__HTTP_CONNECT) {
        f->why = "a request to a backend has no address, and is no CONNECT";
        return -EINVAL;
    }
    if (url->authority.len == 0)
        url->authority = weir__backend_authority(options->backend);
    f->tells_deadline = weir__backend_options(options->backend)->tells_deadline;
    return weir__fetch_write_head(f, options, url, "", body_length, small);
}

int weir__fetch_check_place(struct weir__fetch *f, const weir_fetch_options *options, weir_url *url,
                            int64_t body_length, struct weir__fetch_room small)
{
    return check_place(f, options, url, body_length, small);
}

int weir__fetch_write_head_for(struct weir__fetch *f, const weir_fetch_options *options,
                               const struct weir__origin *origin, int64_t body_length,
                               struct weir__fetch_room small)
{
    weir_url url;
    int err = weir__client_backend_url(f->client, options, &url, &f->why);

    if (err < 0)
        return err;
    if (url.authority.len == 0)
        url.authority = weir_bytes_of(origin->authority);
    weir__fetch_free_head(f);
    return weir__fetch_write_head(f, options, &url, "", body_length, small);
}

int weir__fetch_place(struct weir__fetch *f, const weir_fetch_options *options, weir_url *url,
                      int64_t body_length, struct weir__fetch_room small, struct weir__origin **origin)
{
    const bool is_path = url->authority.len == 0;
    int err;

    *origin = NULL;
    err = check_place(f, options, url, body_length, small);
    if (err < 0)
        return err;
    err = weir__backend_acquire(options->backend, f, options->balance_key, origin);
    if (err < 0 ||
        ((!is_path || weir__fetch_head_names(*origin, url->authority)) && !weir__fetch_head_is_old(f)))
        return err;
    return weir__fetch_write_head_for(f, options, *origin, body_length, small);
}

/* SPDX-License-Identifier: MIT */
/* The place of a request to a backend: an instance, a connection to it, and a head that names it. */
#include <errno.h>

#include "core/account/attribution.h"
#include "http/client/backend/acquire.h"
#include "http/client/fetch_parts.h"

const char *weir__fetch_backend_charge_name(const weir_fetch_options *options)
{
    struct weir__ledger *l = weir__attribution_ledger(weir__task_current());

    if (l == NULL || options->name != NULL)
        return l == NULL ? NULL : options->name;
    return weir__ledger_name(l, weir__backend_name(options->backend));
}

/* The head is written first, so that a request that can't be sent takes no place. If Host depends on the
 * instance it is written once more. */
int weir__fetch_place(struct weir__fetch *f, const weir_fetch_options *options, weir_url *url,
                      int64_t body_length, struct weir__fetch_room small, struct weir__origin **origin)
{
    const bool is_path = url->authority.len == 0;
    int err;

    *origin = NULL;
    err = weir__fetch_check(f, options, body_length);
    if (err < 0)
        return err;
    if (options->address != NULL || f->method == WEIR__HTTP_CONNECT) {
        f->why = "a request to a backend has no address, and is no CONNECT";
        return -EINVAL;
    }
    if (is_path)
        url->authority = weir__backend_authority(options->backend);
    err = weir__fetch_write_head(f, options, url, "", body_length, small);
    if (err < 0)
        return err;
    err = weir__backend_acquire(options->backend, f, options->balance_key, origin);
    if (err < 0 || !is_path || weir_bytes_equal(url->authority, weir_bytes_of((*origin)->authority)))
        return err;
    weir__fetch_free_head(f);
    url->authority = weir_bytes_of((*origin)->authority);
    return weir__fetch_write_head(f, options, url, "", body_length, small);
}

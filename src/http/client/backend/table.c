/* SPDX-License-Identifier: MIT */
#include "http/client/backend/table.h"

#include <errno.h>
#include <string.h>

#include "http/client/backend/balance.h"
#include "http/client/connection.h"
#include "http/client/origin_table.h"

/* Requests in progress keep the connections. */
static void detach(weir_backend *b, int number)
{
    struct weir__origin *origin = b->origins[number];

    b->origins[number] = NULL;
    if (origin == NULL)
        return;
    origin->gone = true;
    weir__client_drop_idle(origin);
}

/* Reads the common table; later, if it cannot be locked and has been read before. Returns: how many instances
 * that this loop knew are there no longer, in gone. */
static int read_table(weir_backend *b, uint8_t gone[static WEIR__INSTANCES_MAX])
{
    struct weir__backend_shared *s = b->member.shared;
    int gone_count = 0;

    if (b->version == 0)
        weir__backend_lock(s);
    else if (!weir__backend_try_lock(s))
        return 0;
    b->here_count = 0;
    b->version = atomic_load_explicit(&s->common->version, memory_order_relaxed);
    for (int i = 0; i < WEIR__INSTANCES_MAX; i++) {
        const struct weir__instance *instance = &s->common->instances[i];
        bool is_new = b->generations[i] != instance->generation;
        if (instance->presence != WEIR__INSTANCE_HERE || is_new)
            gone[gone_count++] = (uint8_t)i;
        if (instance->presence != WEIR__INSTANCE_HERE)
            continue;
        b->here[b->here_count++] = (uint8_t)i;
        b->generations[i] = instance->generation;
        if (is_new)
            b->hashes[i] = weir__balance_hash_of(instance->address);
    }
    weir__backend_unlock(s);
    return gone_count;
}

void weir__backend_take_over(weir_backend *b)
{
    uint8_t gone[WEIR__INSTANCES_MAX];
    int gone_count = read_table(b, gone);

    for (int i = 0; i < gone_count; i++)
        detach(b, gone[i]);
    weir__client_free_gone(&b->client);
}

/* --- connections --- */

/* Copies what is known of an instance. Returns: whether it is the one that this loop knows. */
static bool copy_instance(const weir_backend *b, int number,
                          char address[static WEIR__INSTANCE_ADDRESS_BYTES], int *url)
{
    struct weir__backend_shared *s = b->member.shared;
    const struct weir__instance *instance = &s->common->instances[number];
    bool is_same;

    weir__backend_lock(s);
    is_same = instance->generation == b->generations[number];
    memcpy(address, instance->address, WEIR__INSTANCE_ADDRESS_BYTES);
    *url = weir__instance_url(instance);
    weir__backend_unlock(s);
    return is_same;
}

int weir__backend_origin(weir_backend *b, int number, struct weir__origin **out)
{
    const weir_backend_options *o = weir__backend_options(b);
    char address[WEIR__INSTANCE_ADDRESS_BYTES];
    const struct weir__backend_url *from;
    int url, err;

    if (b->origins[number] == NULL) {
        if (!copy_instance(b, number, address, &url))
            return -EAGAIN;
        from = &b->member.shared->settings.urls[url];
        err = weir__client_add_instance(
            &b->client,
            &(struct weir__client_instance){o->host != NULL ? o->host : from->authority, address,
                                            from->tls_name},
            &b->slots, &b->origins[number]);
        if (err < 0)
            return err;
    }
    *out = b->origins[number];
    return 0;
}

int weir__backend_number_of(const weir_backend *b, const struct weir__origin *origin)
{
    for (int i = 0; i < b->here_count; i++)
        if (b->origins[b->here[i]] == origin)
            return b->here[i];
    return -1;
}

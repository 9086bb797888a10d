/* SPDX-License-Identifier: MIT */
#include "auth/admit.h"

#include <errno.h>
#include <string.h>

#include <weir/pool.h>

#include "auth/credentials.h"
#include "auth/password.h"

/* --- answers --- */

static int refuse(weir_response *res, const char *challenge, const char *message)
{
    int err = weir_response_header_set(res, "www-authenticate", challenge);

    if (err == 0)
        err = weir_respond_refusal(res, "auth", 401, "unauthorized", message);
    return err < 0 ? err : 1;
}

static int refuse_wrong(const struct config_auth *auth, weir_response *res)
{
    return refuse(res, auth->refusal,
                  auth->scheme == CONFIG_AUTH_BASIC ? "the user is not known, or the password is another"
                                                    : "the token is not known");
}

/* The name may be another's memory, which the next reading of its file frees. */
static int pass(weir_request *req, const char *user)
{
    const size_t length = user != NULL ? strlen(user) : 0;
    char *copy;

    if (user == NULL)
        return 0;
    copy = weir_request_alloc(req, length + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, user, length + 1);
    weir_request_set_user(req, copy);
    return 0;
}

/* --- passwords --- */

struct comparing {
    const struct auth_store *store;
    const struct credentials_basic *given;
    uint64_t generation; /* of the table that was compared with */
    bool right;
};

static int compare(weir_job *job, void *arg)
{
    struct comparing *c = arg;
    const struct auth_table *table = weir_published_get(&c->store->table);
    bool known;
    const struct auth_entry *entry = auth_table_user(table, c->given->user, &known);
    const int same = password_compare(c->given->password, entry->hash);

    (void)job;
    c->generation = table->generation;
    c->right = same > 0 && known;
    return same < 0 ? same : 0;
}

static uint64_t generation_of(const struct auth_store *store)
{
    return ((const struct auth_table *)weir_published_get(&store->table))->generation;
}

/* Returns: 1: the password is right; 0: it is not; < 0. */
static int verify(struct auth_store *store, struct verified *verified, const struct credentials_basic *given)
{
    struct comparing c = {.store = store, .given = given};
    struct verified_key key;
    int err;

    if (!verified_key_make(verified, given->user, given->password, &key))
        return -ENOMEM;
    key.store = store;
    key.generation = generation_of(store);
    if (verified_has(verified, &key, weir_now()))
        return 1;
    err = weir_offload(weir_pool_compute(), "comparing a password", compare, &c);
    if (err < 0)
        return err;
    key.generation = c.generation;
    if (c.right)
        verified_add(verified, &key, weir_now());
    return c.right;
}

static int admit_basic(const struct config_auth *auth, struct auth_store *store, struct verified *verified,
                       const char *value, weir_request *req, weir_response *res)
{
    struct credentials_basic *given = weir_request_alloc(req, sizeof *given);
    int result;

    if (given == NULL)
        return -ENOMEM;
    if (!credentials_read_basic(value, given))
        return refuse(res, auth->challenge,
                      "Authorization is not understood, expected Basic, and the base64 "
                      "of a user, ':' and a password");
    result = verify(store, verified, given);
    if (result == 1)
        result = pass(req, given->user);
    else if (result == 0)
        result = refuse_wrong(auth, res);
    explicit_bzero(given, sizeof *given);
    return result;
}

/* --- tokens --- */

static int admit_bearer(const struct config_auth *auth, struct auth_store *store, const char *value,
                        weir_request *req, weir_response *res)
{
    const struct auth_entry *entry;
    weir_bytes token;

    if (!credentials_read_bearer(value, &token))
        return refuse(res, auth->refusal, "Authorization is not understood, expected Bearer and a token");
    entry = auth_table_token(weir_published_get(&store->table), token);
    return entry != NULL ? pass(req, entry->user) : refuse_wrong(auth, res);
}

int auth_admit(const struct config_auth *auth, struct auth_store *store, struct verified *verified,
               weir_request *req, weir_response *res)
{
    const char *value;

    if (weir_request_header(req, "authorization") == NULL)
        return refuse(res, auth->challenge,
                      auth->scheme == CONFIG_AUTH_BASIC ? "this route needs a user and a password"
                                                        : "this route needs a token");
    value = weir_request_header_joined(req, "authorization"); /* of two fields, neither */
    if (value == NULL)
        return -ENOMEM;
    return auth->scheme == CONFIG_AUTH_BASIC ? admit_basic(auth, store, verified, value, req, res)
                                             : admit_bearer(auth, store, value, req, res);
}

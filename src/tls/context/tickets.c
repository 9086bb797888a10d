/* SPDX-License-Identifier: MIT */
#include "tls/context/tickets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <weir/log.h>
#include <weir/time.h>

#include "core/shared.h"

static const int64_t hour_ns = INT64_C(3600) * 1000000000;

static void free_keys(struct weir__ticket_keys *keys)
{
    EVP_CIPHER_free(keys->aes);
    EVP_MD_free(keys->sha);
    free(keys->files);
    OPENSSL_cleanse(&keys->own, sizeof keys->own);
    free(keys);
}

/* --- where they lie --- */

/* The files name the block: by a hash of them, since they may be many. Returns: false: without memory. */
static bool name_block(const struct weir__ticket_keys *keys, char name[static WEIR_SHARED_NAME_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    int at = snprintf(name, WEIR_SHARED_NAME_BYTES, "tickets ");

    if (EVP_Digest(keys->files, strlen(keys->files), hash, &bytes, keys->sha, NULL) != 1)
        return false;
    for (unsigned i = 0; i < bytes && at + 2 < WEIR_SHARED_NAME_BYTES; i++)
        at += snprintf(name + at, 3, "%02x", hash[i]);
    return true;
}

static int find_store(struct weir__ticket_keys *keys, weir_shared *memory)
{
    char name[WEIR_SHARED_NAME_BYTES];
    void *block;
    int err;

    keys->store = &keys->own;
    if (memory == NULL)
        return 0;
    if (!name_block(keys, name))
        return -ENOMEM;
    err = weir_shared_block(memory, name, 0, sizeof *keys->store, &block);
    if (err < 0) {
        weir_log(WEIR_LOG_WARN,
                 "no shared memory is left for keys of TLS sessions: they resume in this process alone",
                 WEIR_KV("error", weir_error_text(err)));
        return 0;
    }
    keys->memory = memory;
    keys->store = block;
    return 0;
}

int weir__ticket_keys_open(const char *files, weir_shared *memory, struct weir__ticket_keys **out)
{
    struct weir__ticket_keys *keys = calloc(1, sizeof *keys);

    if (keys == NULL)
        return -ENOMEM;
    keys->users = 1;
    keys->files = strdup(files);
    /* Looking them up by their names at each ticket costs more than the encryption. */
    keys->aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    keys->sha = EVP_MD_fetch(NULL, "SHA256", NULL);
    ERR_clear_error();
    if (keys->files == NULL || keys->aes == NULL || keys->sha == NULL || find_store(keys, memory) < 0) {
        ERR_clear_error();
        free_keys(keys);
        return -ENOMEM;
    }
    weir__list_init(&keys->node);
    (void)pthread_mutex_init(&keys->lock, NULL);
    *out = keys;
    return 0;
}

void weir__ticket_keys_close(struct weir__ticket_keys *keys)
{
    (void)pthread_mutex_destroy(&keys->lock);
    free_keys(keys);
}

/* --- the lock --- */

static struct weir__ticket_store *enter_own(struct weir__ticket_keys *keys)
{
    (void)pthread_mutex_lock(&keys->lock);
    return &keys->own;
}

/* While a process that is stopped holds the memory, tickets are of this process alone. */
static struct weir__ticket_store *enter(struct weir__ticket_keys *keys)
{
    struct weir__ticket_store *store = keys->store;

    if (keys->memory == NULL || !weir__shared_try_enter(keys->memory))
        return enter_own(keys);
    if (store->changes)
        OPENSSL_cleanse(store, sizeof *store);
    return store;
}

static void leave(struct weir__ticket_keys *keys, const struct weir__ticket_store *store)
{
    if (store == &keys->own)
        (void)pthread_mutex_unlock(&keys->lock);
    else
        weir__shared_leave(keys->memory);
}

/* A process may be killed between any two stores: none of the change comes before the first, or after the
 * second. */
static void begin_change(struct weir__ticket_store *store)
{
    store->changes = true;
    atomic_signal_fence(memory_order_seq_cst);
}

static void end_change(struct weir__ticket_store *store)
{
    atomic_signal_fence(memory_order_seq_cst);
    store->changes = false;
}

/* --- under the lock --- */

static bool make_key(struct weir__ticket_key *key, int64_t now_ns)
{
    key->made_ns = now_ns;
    return RAND_bytes(key->name, sizeof key->name) == 1 &&
           RAND_priv_bytes(key->cipher, sizeof key->cipher) == 1 &&
           RAND_priv_bytes(key->mac, sizeof key->mac) == 1;
}

/* Forgets the keys that are too old. */
static void forget(struct weir__ticket_store *store, int64_t now_ns)
{
    while (store->count > 0 &&
           now_ns - store->keys[store->count - 1].made_ns >= WEIR__TICKET_KEYS * hour_ns) {
        store->count--;
        OPENSSL_cleanse(&store->keys[store->count], sizeof store->keys[0]);
    }
}

static void add_key(struct weir__ticket_store *store, const struct weir__ticket_key *key)
{
    begin_change(store);
    memmove(&store->keys[1], &store->keys[0], (WEIR__TICKET_KEYS - 1) * sizeof store->keys[0]);
    store->keys[0] = *key;
    store->count += store->count < WEIR__TICKET_KEYS;
    end_change(store);
}

/* The key for new tickets, made if there is none or the latest has had its hour. Returns: false: it cannot be
 * made. */
static bool newest(struct weir__ticket_keys *keys, struct weir__ticket_key *out)
{
    int64_t now_ns = weir_now().ns;
    struct weir__ticket_store *store = enter(keys);
    struct weir__ticket_key fresh;
    bool made = true;

    forget(store, now_ns);
    if (store->count == 0 || now_ns - store->keys[0].made_ns >= hour_ns) {
        made = make_key(&fresh, now_ns);
        if (made)
            add_key(store, &fresh);
        OPENSSL_cleanse(&fresh, sizeof fresh);
    }
    if (made)
        *out = store->keys[0];
    leave(keys, store);
    return made;
}

/* Finds a key by its name. *is_newest: tickets are still made with it. */
static bool find_in(struct weir__ticket_store *store, const unsigned char *name, struct weir__ticket_key *out,
                    bool *is_newest)
{
    int64_t now_ns = weir_now().ns;
    bool found = false;

    forget(store, now_ns);
    for (int i = 0; i < store->count && !found; i++) {
        found = memcmp(name, store->keys[i].name, sizeof store->keys[i].name) == 0;
        if (found) {
            *out = store->keys[i];
            *is_newest = i == 0 && now_ns - out->made_ns < hour_ns;
        }
    }
    return found;
}

/* The key of a ticket, also of one that was made while the memory was held: that is replaced. Returns: false:
 * it is not, or no longer, known. */
static bool find_key(struct weir__ticket_keys *keys, const unsigned char *name, struct weir__ticket_key *out,
                     bool *is_newest)
{
    struct weir__ticket_store *store = enter(keys);
    bool found = find_in(store, name, out, is_newest);

    leave(keys, store);
    if (found || store == &keys->own)
        return found;
    store = enter_own(keys);
    found = find_in(store, name, out, is_newest);
    *is_newest = false;
    leave(keys, store);
    return found;
}

/* --- OpenSSL's side --- */

enum { FAILED = -1, UNKNOWN = 0, USABLE = 1, USABLE_AND_RENEWED = 2 };

static bool set_mac(EVP_MAC_CTX *mac, struct weir__ticket_key *key)
{
    char sha[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Whether a client gets a new ticket for the one it came with: one of TLS 1.3 is used once (RFC 8446, C.4).
 */
static bool is_renewed(SSL *ssl, bool is_newest)
{
    return !is_newest || SSL_version(ssl) >= TLS1_3_VERSION;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int encrypts)
{
    struct weir__ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct weir__ticket_key key;
    bool is_newest = true, fine;

    if (encrypts) {
        if (!newest(keys, &key))
            return FAILED;
        memcpy(name, key.name, sizeof key.name);
        fine = RAND_bytes(iv, EVP_CIPHER_get_iv_length(keys->aes)) == 1 &&
               EVP_EncryptInit_ex(cipher, keys->aes, NULL, key.cipher, iv) == 1 && set_mac(mac, &key);
    } else {
        if (!find_key(keys, name, &key, &is_newest))
            return UNKNOWN;
        fine = EVP_DecryptInit_ex(cipher, keys->aes, NULL, key.cipher, iv) == 1 && set_mac(mac, &key);
    }
    OPENSSL_cleanse(&key, sizeof key);
    if (!fine)
        return FAILED;
    return !encrypts && is_renewed(ssl, is_newest) ? USABLE_AND_RENEWED : USABLE;
}

/* The session of a ticket is known. The certificate in it was verified once, and each resumption makes a new
 * ticket: a client would be let in for as long as it comes back, however long its certificate has expired. */
static SSL_TICKET_RETURN on_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                   size_t name_bytes, SSL_TICKET_STATUS status, void *arg)
{
    const X509 *peer = session != NULL ? SSL_SESSION_get0_peer(session) : NULL;

    (void)ssl, (void)name, (void)name_bytes, (void)arg;
    switch (status) {
    case SSL_TICKET_SUCCESS:
    case SSL_TICKET_SUCCESS_RENEW:
        if (peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0)
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
    default:
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
}

void weir__ticket_keys_install(SSL_CTX *ctx, struct weir__ticket_keys *keys)
{
    (void)SSL_CTX_set_app_data(ctx, keys);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    (void)SSL_CTX_set_session_ticket_cb(ctx, NULL, on_opened, NULL);
    (void)SSL_CTX_set_timeout(ctx, WEIR__TICKET_SECONDS);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets alone: nothing is kept */
}

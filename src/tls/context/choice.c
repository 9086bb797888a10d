/* SPDX-License-Identifier: MIT */
#include "tls/context/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/context/names.h"

/* --- names --- */

static void lower(const char *from, char *out)
{
    do
        *out++ = (char)(*from >= 'A' && *from <= 'Z' ? *from - 'A' + 'a' : *from);
    while (*from++ != '\0');
}

struct adding {
    struct weir__tls_choice *choice;
    size_t at;
};

static int add_name(void *arg, const char *name)
{
    const struct adding *adding = arg;
    struct weir__tls_choice *c = adding->choice;
    char *copy = strdup(name);

    if (copy == NULL)
        return -ENOMEM;
    lower(copy, copy);
    if (c->name_count == c->name_room) {
        size_t room = c->name_room > 0 ? 2 * c->name_room : 8;
        struct weir__tls_choice_name *names = realloc(c->names, room * sizeof *names);

        if (names == NULL) {
            free(copy);
            return -ENOMEM;
        }
        c->names = names;
        c->name_room = room;
    }
    c->names[c->name_count++] = (struct weir__tls_choice_name){copy, adding->at};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct weir__tls_choice_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

int weir__tls_choice_init(struct weir__tls_choice *choice, struct weir__tls_certificate **certificates,
                          size_t count)
{
    struct adding adding = {.choice = choice};
    int err = 0;

    *choice = (struct weir__tls_choice){.certificates = certificates, .count = count};
    for (; adding.at < count && err == 0; adding.at++)
        err = weir__tls_names_each(certificates[adding.at]->leaf, add_name, &adding);
    if (err < 0)
        weir__tls_choice_free(choice);
    else if (choice->name_count > 0)
        qsort(choice->names, choice->name_count, sizeof choice->names[0], by_name);
    return err;
}

void weir__tls_choice_free(struct weir__tls_choice *choice)
{
    for (size_t i = 0; i < choice->name_count; i++)
        free((char *)(uintptr_t)choice->names[i].name);
    free(choice->names);
    *choice = (struct weir__tls_choice){0};
}

/* The place of the first name that is not before this one. */
static size_t lower_bound(const struct weir__tls_choice *c, const char *name)
{
    size_t from = 0, until = c->name_count;

    while (from < until) {
        size_t middle = from + (until - from) / 2;

        if (strcmp(c->names[middle].name, name) < 0)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

static void find_exactly(const struct weir__tls_choice *c, const char *name, size_t *first, size_t *count)
{
    *first = lower_bound(c, name);
    for (*count = 0; *first + *count < c->name_count; (*count)++)
        if (strcmp(c->names[*first + *count].name, name) != 0)
            break;
}

/* Finds the certificates that fit a name best: they are [*first, *first + *count) of choice->names; none if
 * *count is 0. */
static void find_best(const struct weir__tls_choice *choice, const char *name, size_t *first, size_t *count)
{
    char wanted[WEIR__TLS_NAME_BYTES];
    size_t len = strlen(name);
    char *dot;

    *first = *count = 0;
    if (len > 1 && name[len - 1] == '.')
        len--;
    if (len == 0 || len >= sizeof wanted || name[0] == '*')
        return;
    lower(name, wanted);
    wanted[len] = '\0';
    find_exactly(choice, wanted, first, count);
    dot = strchr(wanted, '.');
    if (*count > 0 || dot == NULL || dot == wanted)
        return;
    *--dot = '*'; /* the last character of the first label */
    find_exactly(choice, dot, first, count);
}

/* --- what the client supports --- */

/* Whether a client of TLS 1.2 has a cipher for keys of this rank that we have, too. */
static bool has_cipher(SSL *ssl, enum weir__tls_rank rank)
{
    int wanted = rank == WEIR__TLS_RANK_RSA ? NID_auth_rsa : NID_auth_ecdsa;
    const struct stack_st_SSL_CIPHER *ciphers = SSL_get_client_ciphers(ssl);
    struct stack_st_SSL_CIPHER *ours = SSL_get_ciphers(ssl);

    if (SSL_version(ssl) != TLS1_2_VERSION)
        return true;
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(ciphers, i)) == wanted &&
            sk_SSL_CIPHER_find(ours, sk_SSL_CIPHER_value(ciphers, i)) >= 0)
            return true;
    return false;
}

/* How much of a certificate a client supports. A chain with a signature that the client did not name may be
 * sent all the same (RFC 8446, 4.4.2.2): it may know the authority by itself. */
enum support { SUPPORTS_NOTHING, SUPPORTS_KEY, SUPPORTS_CHAIN };

static enum support support_of(SSL *ssl, const struct weir__tls_certificate *c)
{
    int fits = has_cipher(ssl, c->rank) ? SSL_check_chain(ssl, c->leaf, c->key, c->chain) : 0;

    if ((fits & CERT_PKEY_VALID) != 0)
        return SUPPORTS_CHAIN;
    return (fits & CERT_PKEY_SIGN) != 0 ? SUPPORTS_KEY : SUPPORTS_NOTHING;
}

/* Of those that fit a name equally: the one that the client supports most, of equal ones that of the best
 * rank, otherwise the first. */
static struct weir__tls_certificate *choose(const struct weir__tls_choice *c, SSL *ssl, size_t first,
                                            size_t count)
{
    struct weir__tls_certificate *best = NULL;
    enum support most = SUPPORTS_NOTHING;

    if (count == 1)
        return c->certificates[c->names[first].at];
    for (size_t i = 0; i < count; i++) {
        struct weir__tls_certificate *each = c->certificates[c->names[first + i].at];
        enum support support = support_of(ssl, each);

        if (support > most || (support == most && best != NULL && each->rank < best->rank)) {
            best = each;
            most = support;
        }
    }
    return best != NULL ? best : c->certificates[c->names[first].at];
}

/* Without a name that is known: the first, or one for the same name as the first that fits the client. */
static struct weir__tls_certificate *choose_first(const struct weir__tls_choice *c, SSL *ssl)
{
    size_t first, count;

    for (size_t i = 0; i < c->name_count; i++)
        if (c->names[i].at == 0) {
            find_exactly(c, c->names[i].name, &first, &count);
            return choose(c, ssl, first, count);
        }
    return c->certificates[0];
}

/* Once the client's hello is known. Returns: 1: the handshake goes on. */
static int on_hello(SSL *ssl, void *arg)
{
    const struct weir__tls_choice *choice = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct weir__tls_certificate *chosen = NULL;
    size_t first, count;

    if (name != NULL) {
        find_best(choice, name, &first, &count);
        if (count > 0)
            chosen = choose(choice, ssl, first, count);
    }
    if (chosen == NULL)
        chosen = choose_first(choice, ssl);
    if (chosen == choice->certificates[0]) /* it is there already */
        return 1;
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, chosen->leaf, chosen->key, chosen->chain, 1);
}

/* Tells the client that its name was understood, and has sessions remember it. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL ? SSL_TLSEXT_ERR_OK
                                                                      : SSL_TLSEXT_ERR_NOACK;
}

void weir__tls_choice_install(SSL_CTX *ctx, struct weir__tls_choice *choice)
{
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    if (choice->count > 1)
        SSL_CTX_set_cert_cb(ctx, on_hello, choice);
}

/* SPDX-License-Identifier: MIT */
#include "tls/context/authorities.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/context/files.h"

static int no_memory(const char *path, struct weir__tls_fault *fault)
{
    return weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);
}

static int open_authorities(struct weir__tls_authorities **out)
{
    struct weir__tls_authorities *a = calloc(1, sizeof *a);

    if (a == NULL)
        return -ENOMEM;
    atomic_init(&a->users, 1);
    a->store = X509_STORE_new();
    if (a->store == NULL) {
        free(a);
        ERR_clear_error();
        return -ENOMEM;
    }
    *out = a;
    return 0;
}

struct weir__tls_authorities *weir__tls_authorities_share(struct weir__tls_authorities *a)
{
    (void)atomic_fetch_add_explicit(&a->users, 1, memory_order_relaxed);
    return a;
}

void weir__tls_authorities_drop(struct weir__tls_authorities *a)
{
    if (a == NULL || atomic_fetch_sub_explicit(&a->users, 1, memory_order_acq_rel) > 1)
        return;
    X509_STORE_free(a->store);
    sk_X509_NAME_pop_free(a->names, X509_NAME_free);
    free(a);
}

/* --- of a file --- */

/* Adds them, a second of the same only once. */
static int add(X509_STORE *store, struct stack_st_X509 *certificates)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(certificates, i)) != 1)
            return -ENOMEM;
    return 0;
}

/* What a server tells its clients, and what tells its authorities from others. */
static int note(struct weir__tls_authorities *a, struct stack_st_X509 *certificates)
{
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    unsigned char one[EVP_MAX_MD_SIZE];
    unsigned len;
    bool fine = all != NULL && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;

    a->names = sk_X509_NAME_new_null();
    fine = fine && a->names != NULL;
    for (int i = 0; i < sk_X509_num(certificates) && fine; i++) {
        const X509 *x509 = sk_X509_value(certificates, i);
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x509));

        fine = name != NULL && X509_digest(x509, EVP_sha256(), one, &len) == 1 &&
               EVP_DigestUpdate(all, one, len) == 1;
        if (!fine || sk_X509_NAME_push(a->names, name) <= 0) {
            X509_NAME_free(name);
            fine = false;
        }
    }
    fine = fine && EVP_DigestFinal_ex(all, a->digest, NULL) == 1;
    EVP_MD_CTX_free(all);
    return fine ? 0 : -ENOMEM;
}

int weir__tls_authorities_load(const char *path, struct weir__file_mark *mark,
                               struct weir__tls_authorities **out, struct weir__tls_fault *fault)
{
    struct weir__tls_authorities *a;
    struct stack_st_X509 *certificates;
    int err = weir__tls_read_certificates(path, "certificate", mark, &certificates, fault);

    if (err < 0)
        return err;
    err = open_authorities(&a);
    if (err == 0) {
        /* The caller names them as such: one that another authority has signed needs no more. */
        (void)X509_STORE_set_flags(a->store, X509_V_FLAG_PARTIAL_CHAIN);
        err = add(a->store, certificates);
        if (err == 0)
            err = note(a, certificates);
        if (err == 0)
            *out = a;
        else
            weir__tls_authorities_drop(a);
    }
    sk_X509_pop_free(certificates, X509_free);
    ERR_clear_error();
    return err < 0 ? no_memory(path, fault) : 0;
}

/* --- of the system --- */

static const char *const usual_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",                  /* Alpine */
};

/* Adds what a file holds; of one that cannot be used nothing. Returns: the number; -ENOMEM. */
static int add_file(X509_STORE *store, const char *path, struct weir__tls_fault *fault)
{
    struct weir__file_mark mark;
    struct stack_st_X509 *certificates;
    int err = weir__tls_read_certificates(path, "certificate", &mark, &certificates, fault);

    if (err < 0)
        return err == -ENOMEM ? err : 0;
    err = add(store, certificates);
    if (err == 0)
        err = sk_X509_num(certificates);
    sk_X509_pop_free(certificates, X509_free);
    return err;
}

/* Adds what the files of a folder hold. Returns: the number; -ENOMEM. */
static int add_folder(X509_STORE *store, const char *path, struct weir__tls_fault *fault)
{
    char file[PATH_MAX];
    const struct dirent *entry;
    DIR *folder = opendir(path);
    int count = 0, err = 0;

    if (folder == NULL)
        return errno == ENOMEM ? -ENOMEM : 0;
    while (err >= 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' ||
            snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file)
            continue;
        err = add_file(store, file, fault);
        count += err > 0 ? err : 0;
    }
    (void)closedir(folder);
    return err < 0 ? err : count;
}

/* Adds what the folders of a list hold, "/a:/b". Returns: the number; -ENOMEM. */
static int add_folders(X509_STORE *store, const char *list, struct weir__tls_fault *fault)
{
    char *copy = strdup(list), *rest = copy;
    int count = 0, err = copy != NULL ? 0 : -ENOMEM;

    for (const char *path; err >= 0 && (path = strtok_r(rest, ":", &rest)) != NULL;) {
        err = add_folder(store, path, fault);
        count += err > 0 ? err : 0;
    }
    free(copy);
    return err < 0 ? err : count;
}

static int add_system(X509_STORE *store, struct weir__tls_fault *fault)
{
    const char *file = secure_getenv(X509_get_default_cert_file_env());
    const char *folders = secure_getenv(X509_get_default_cert_dir_env());
    int count = 0, more;

    if (file != NULL)
        count = add_file(store, file, fault);
    else if (folders == NULL) {
        count = add_file(store, X509_get_default_cert_file(), fault);
        for (size_t i = 0; i < sizeof usual_files / sizeof usual_files[0] && count == 0; i++)
            count = add_file(store, usual_files[i], fault);
        if (count == 0)
            folders = X509_get_default_cert_dir();
    }
    if (count < 0 || folders == NULL)
        return count;
    more = add_folders(store, folders, fault);
    return more < 0 ? more : count + more;
}

int weir__tls_authorities_load_system(struct weir__tls_authorities **out, struct weir__tls_fault *fault)
{
    struct weir__tls_authorities *a;
    int count = open_authorities(&a);

    if (count < 0)
        return no_memory("authorities of the system", fault);
    count = add_system(a->store, fault);
    ERR_clear_error();
    if (count > 0) {
        *out = a;
        return 0;
    }
    weir__tls_authorities_drop(a);
    if (count < 0)
        return no_memory("authorities of the system", fault);
    return weir__tls_fault(
        fault, -WEIR_ECONFIG,
        "the system has no authorities: install the package ca-certificates, or name a file");
}

/* SPDX-License-Identifier: MIT */
#include "tls/context/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "tls/context/files.h"

static const int64_t s_ns = 1000000000, latest_s = INT64_MAX / 1000000000;

/* --- names --- */

/* Copies a string that has only what may stand in a line of a log. */
static bool copy(const ASN1_STRING *from, char out[WEIR__TLS_NAME_BYTES])
{
    const unsigned char *bytes = ASN1_STRING_get0_data(from);
    int len = ASN1_STRING_length(from);

    if (len <= 0 || len >= WEIR__TLS_NAME_BYTES)
        return false;
    for (int i = 0; i < len; i++) {
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
            return false;
        out[i] = (char)bytes[i];
    }
    out[len] = '\0';
    return true;
}

static bool write_address(const ASN1_OCTET_STRING *ip, char out[WEIR__TLS_NAME_BYTES])
{
    int len = ASN1_STRING_length(ip);

    return (len == 4 || len == 16) && inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip), out,
                                                WEIR__TLS_NAME_BYTES) != NULL;
}

static int common_name(X509 *x509, int (*fn)(void *arg, const char *name), void *arg)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    char name[WEIR__TLS_NAME_BYTES];

    if (at < 0 || !copy(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), name))
        return 0;
    return fn(arg, name);
}

int weir__tls_names_each(X509 *x509, int (*fn)(void *arg, const char *name), void *arg)
{
    int critical, result = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);
    bool any = false;

    if (names == NULL && critical != -1 && weir__tls_was_no_memory())
        return -ENOMEM;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && result == 0; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[WEIR__TLS_NAME_BYTES];

        if (name->type == GEN_DNS ? !copy(name->d.dNSName, text)
                                  : name->type != GEN_IPADD || !write_address(name->d.iPAddress, text))
            continue;
        any = true;
        result = fn(arg, text);
    }
    GENERAL_NAMES_free(names);
    return any ? result : common_name(x509, fn, arg);
}

struct list {
    char *out;
    size_t used, room;
};

static int append(void *arg, const char *name)
{
    static const char more[] = ", …";
    struct list *list = arg;
    size_t len = strlen(name) + (list->used > 0 ? 2 : 0);

    if (list->used + len + sizeof more > list->room) {
        (void)snprintf(list->out + list->used, list->room - list->used, "%s", list->used > 0 ? more : "…");
        return 1;
    }
    list->used += (size_t)snprintf(list->out + list->used, list->room - list->used, "%s%s",
                                   list->used > 0 ? ", " : "", name);
    return 0;
}

const char *weir__tls_names_write(X509 *x509, char *out, size_t room)
{
    struct list list = {.out = out, .room = room};

    out[0] = '\0';
    (void)weir__tls_names_each(x509, append, &list);
    return out;
}

const char *weir__tls_subject_write(const X509_NAME *name, char *out, size_t room)
{
    static const unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    BIO *bio = BIO_new(BIO_s_mem());
    int len =
        bio != NULL && X509_NAME_print_ex(bio, name, 0, form) >= 0 ? BIO_read(bio, out, (int)room - 1) : 0;

    out[len > 0 ? len : 0] = '\0';
    BIO_free(bio);
    return out;
}

/* --- dates --- */

int64_t weir__tls_time_s(const ASN1_TIME *time)
{
    struct tm t = {.tm_year = 70, .tm_mday = 1};

    (void)ASN1_TIME_to_tm(time, &t);
    return weir__clock_civil_s(&(struct weir__civil){.year = INT64_C(1900) + t.tm_year,
                                                     .month = t.tm_mon + 1,
                                                     .day = t.tm_mday,
                                                     .hour = t.tm_hour,
                                                     .minute = t.tm_min,
                                                     .second = t.tm_sec});
}

const char *weir__tls_date_write(int64_t time_s, char out[WEIR__TLS_DATE_BYTES])
{
    struct weir__civil civil = weir__clock_civil((time_s < latest_s ? time_s : latest_s) * s_ns);

    (void)snprintf(out, WEIR__TLS_DATE_BYTES, "%04d-%02d-%02d", (int)civil.year, civil.month, civil.day);
    return out;
}

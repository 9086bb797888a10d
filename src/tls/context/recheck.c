/* SPDX-License-Identifier: MIT */
#include "tls/context/recheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "core/runtime.h"
#include "tls/context/content.h"
#include "tls/context/runtime.h"

/* --- at first --- */

static int read_pairs(weir_tls *tls, SSL_CTX *tried_by, struct weir__tls_fault *fault)
{
    struct weir__tls_fault expired;
    int err = 0;

    for (size_t i = 0; i < tls->pair_count && err == 0; i++) {
        struct weir__tls_pair *p = &tls->pairs[i];

        err = weir__tls_certificate_load(p->cert, p->key, tried_by, &p->marks, &p->certificate, fault);
        if (err == 0 && weir__tls_certificate_check_time(p->certificate, p->cert, &expired) < 0)
            weir_log(WEIR_LOG_WARN, "a certificate is used that peers will refuse",
                     WEIR_KV("why", expired.text));
    }
    return err;
}

static int read_ca(weir_tls *tls, struct weir__tls_fault *fault)
{
    struct weir__tls_ca *ca = &tls->ca;

    if (ca->path != NULL)
        return weir__tls_authorities_load(ca->path, &ca->mark, &ca->authorities, fault);
    if (tls->is_server || tls->is_unverified)
        return 0;
    return weir__tls_system_authorities(tls->runtime->tls, &ca->authorities, fault);
}

int weir__tls_read_all(weir_tls *tls, struct weir__tls_fault *fault)
{
    SSL_CTX *tried_by;
    int err = weir__tls_ctx_make(tls->is_server, tls->min, &tried_by, fault);

    if (err < 0)
        return err;
    err = read_pairs(tls, tried_by, fault);
    SSL_CTX_free(tried_by);
    if (err == 0)
        err = read_ca(tls, fault);
    if (err == 0)
        err = weir__tls_content_make(tls, &tls->content, fault);
    if (err == 0)
        atomic_store(&tls->is_slow, tls->content->is_slow);
    return err;
}

/* --- again --- */

/* Notes why a file is not used, with a line in the log once for each change. *failed: what was noted before.
 */
static void note_failure(weir_tls *tls, char **failed, const char *why, bool is_new)
{
    char *copy = strdup(why), *before = *failed;

    if (is_new || before == NULL || strcmp(before, why) != 0)
        weir_log(WEIR_LOG_ERROR, "a changed file of TLS is not used; what it held before is",
                 WEIR_KV("why", why));
    if (copy == NULL)
        return;
    (void)pthread_mutex_lock(&tls->lock);
    *failed = copy;
    (void)pthread_mutex_unlock(&tls->lock);
    free(before);
}

static void note_success(weir_tls *tls, char **failed)
{
    char *before = *failed;

    (void)pthread_mutex_lock(&tls->lock);
    *failed = NULL;
    (void)pthread_mutex_unlock(&tls->lock);
    free(before);
}

/* Reads a pair that may have changed. Returns: whether there is a new certificate. */
static bool read_pair_again(weir_tls *tls, struct weir__tls_pair *p, SSL_CTX *tried_by)
{
    struct weir__tls_marks before = p->marks;
    struct weir__tls_certificate *fresh = NULL, *old = p->certificate;
    struct weir__tls_fault fault;
    int err;

    p->marks = (struct weir__tls_marks){0};
    err = weir__tls_certificate_load(p->cert, p->key, tried_by, &p->marks, &fresh, &fault);
    if (err == 0) {
        err = weir__tls_certificate_check_time(fresh, p->cert, &fault);
        /* Its time may come without a change of the file. */
        p->marks.cert.unsettled = p->marks.cert.unsettled || err < 0;
    }
    if (err < 0) {
        p->marks.cert.unsettled = p->marks.cert.unsettled || err == -ENOMEM;
        weir__tls_certificate_drop(fresh);
        note_failure(tls, &p->failed, fault.text,
                     !weir__file_mark_is_same(&before.cert, &p->marks.cert) ||
                         !weir__file_mark_is_same(&before.key, &p->marks.key));
        return false;
    }
    note_success(tls, &p->failed);
    if (weir__tls_certificate_is_same(fresh, old)) {
        weir__tls_certificate_drop(fresh);
        return false;
    }
    (void)pthread_mutex_lock(&tls->lock);
    p->certificate = fresh;
    (void)pthread_mutex_unlock(&tls->lock);
    weir__tls_certificate_drop(old);
    return true;
}

static bool read_ca_again(weir_tls *tls, struct weir__tls_ca *ca)
{
    struct weir__file_mark before = ca->mark;
    struct weir__tls_authorities *fresh;
    struct weir__tls_fault fault;
    int err;

    ca->mark = (struct weir__file_mark){0};
    err = weir__tls_authorities_load(ca->path, &ca->mark, &fresh, &fault);
    if (err < 0) {
        ca->mark.unsettled = ca->mark.unsettled || err == -ENOMEM;
        note_failure(tls, &ca->failed, fault.text, !weir__file_mark_is_same(&before, &ca->mark));
        return false;
    }
    note_success(tls, &ca->failed);
    if (memcmp(fresh->digest, ca->authorities->digest, sizeof fresh->digest) == 0) {
        weir__tls_authorities_drop(fresh);
        return false;
    }
    weir__tls_authorities_drop(ca->authorities);
    ca->authorities = fresh;
    return true;
}

/* Reads what has changed. Returns: whether new content is to be made. */
static bool read_changes(weir_tls *tls, SSL_CTX *tried_by)
{
    bool any = false;

    for (size_t i = 0; i < tls->pair_count; i++) {
        struct weir__tls_pair *p = &tls->pairs[i];

        if (weir__file_has_changed(p->cert, &p->marks.cert) || weir__file_has_changed(p->key, &p->marks.key))
            any = read_pair_again(tls, p, tried_by) || any;
    }
    if (tls->ca.path != NULL && weir__file_has_changed(tls->ca.path, &tls->ca.mark))
        any = read_ca_again(tls, &tls->ca) || any;
    return any;
}

/* Puts new content in the place of the old one, which connections that began with it keep. Without memory it
 * is tried again by the next look: the files are not read again until they change. */
static void renew(weir_tls *tls)
{
    struct weir__tls_content *fresh, *old;
    struct weir__tls_fault fault;

    if (weir__tls_content_make(tls, &fresh, &fault) < 0)
        return;
    tls->is_behind = false;
    (void)pthread_mutex_lock(&tls->lock);
    old = tls->content;
    tls->content = fresh;
    (void)pthread_mutex_unlock(&tls->lock);
    atomic_store(&tls->is_slow, fresh->is_slow);
    weir__tls_content_drop(old);
}

int weir__tls_look_again(weir_job *job, void *arg)
{
    weir_tls *tls = arg;
    struct weir__tls_fault fault;
    SSL_CTX *tried_by;

    (void)job;
    if (weir__tls_ctx_make(tls->is_server, tls->min, &tried_by, &fault) < 0)
        return -ENOMEM;
    if (read_changes(tls, tried_by))
        tls->is_behind = true;
    if (tls->is_behind)
        renew(tls);
    SSL_CTX_free(tried_by);
    return 0;
}

static int look_in_background(void *arg)
{
    weir_tls *tls = arg;

    (void)weir_offload(weir_pool_blocking(), "TLS files", weir__tls_look_again, tls);
    atomic_store(&tls->looked_ns, weir_now().ns);
    atomic_store(&tls->is_looking, false);
    weir__tls_looks_over(tls);
    weir_tls_close(tls);
    return 0;
}

void weir__tls_recheck(weir_tls *tls)
{
    const struct weir__loop *loop = weir__loop_current();

    if (tls->pair_count == 0 && tls->ca.path == NULL)
        return;
    if (weir_now().ns - atomic_load_explicit(&tls->looked_ns, memory_order_relaxed) < tls->recheck_ns)
        return;
    if (atomic_load_explicit(&tls->is_looking, memory_order_relaxed) ||
        atomic_exchange(&tls->is_looking, true))
        return;
    if (weir_post(tls->runtime, loop != NULL ? loop->index : 0, "TLS files", look_in_background,
                  weir_tls_hold(tls)) == 0)
        return;
    atomic_store(&tls->is_looking, false);
    weir__tls_looks_over(tls);
    weir_tls_close(tls);
}

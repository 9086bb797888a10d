/* SPDX-License-Identifier: MIT */
#include "admin/findings_tls.h"

#include "text/certificates.h"

/* What is rarer than this is no incident. */
static const uint64_t failed_least = 20, handshakes_least = 300;
static const double failed_share = 0.02, resumed_share = 0.1;

/* --- certificates --- */

/* "127.0.0.1:8443", "backend db" */
static void say_of(struct finding *f, const struct snapshot_tls *tls)
{
    if (tls->side == GATEWAY_TLS_BACKEND)
        finding_say(f, "backend %s", tls->name);
    else if (tls->side == GATEWAY_TLS_LISTENER)
        finding_say(f, "%s", tls->name);
    else
        finding_say(f, "https URLs");
}

static void find_expiry(struct finding_list *list, const struct snapshot_tls *tls,
                        const struct snapshot_certificate *c, int64_t now_s)
{
    const double days = certificate_days(c->not_after_s, now_s);
    char date[CERTIFICATE_DATE_BYTES];
    struct finding *f;

    if (days >= CERTIFICATE_SOON_DAYS)
        return;
    f = finding_add(list, "certificate", c->names, days < 0 ? 1 : 0.5 - days / (4 * CERTIFICATE_SOON_DAYS));
    if (f == NULL)
        return;
    finding_say(f, "certificate of %s (%s, of ", c->names, c->cert);
    say_of(f, tls);
    if (days < 0)
        finding_say(f, ") expired %s, and clients that verify it refuse it",
                    certificate_date(date, c->not_after_s));
    else
        finding_say(f, ") expires %s, in %.0f days", certificate_date(date, c->not_after_s), days);
    finding_say(f, ": renew it, and put the new one in place of the file, which is read again by itself");
    finding_number(f, "days", days);
}

static void find_unusable(struct finding_list *list, const struct snapshot_tls *tls,
                          const struct snapshot_certificate *c)
{
    struct finding *f = c->failed != NULL ? finding_add(list, "certificate", c->cert, 0.4) : NULL;

    if (f == NULL)
        return;
    finding_say(f, "the files of the certificate of %s (of ", c->names);
    say_of(f, tls);
    finding_say(f, ") have changed and cannot be used: %s. The old certificate is used until they can",
                c->failed);
}

/* --- handshakes --- */

static const char *words_of(enum weir_tls_failure failure, enum gateway_tls_side side)
{
    const bool ours = side == GATEWAY_TLS_LISTENER;

    switch (failure) {
    case WEIR_TLS_FAILED_VERSION:
        return ours ? "clients speak only versions below tls: {min: …}"
                    : "it speaks no version of TLS that is allowed here";
    case WEIR_TLS_FAILED_CIPHER:
        return "there is no cipher, group or signature algorithm in common";
    case WEIR_TLS_FAILED_ALPN:
        return "there is no protocol in common, HTTP/1.1 is spoken here";
    case WEIR_TLS_FAILED_EXPIRED:
        return ours ? "certificates of clients have expired"
                    : "its certificate has expired, or is not valid yet";
    case WEIR_TLS_FAILED_NAME:
        return "its certificate is for other names: see urls, and tls: {name: …}";
    case WEIR_TLS_FAILED_AUTHORITY:
        return ours ? "certificates of clients are of no authority in client_ca"
                    : "its certificate is of no known authority: see tls: {ca: …}";
    case WEIR_TLS_FAILED_NONE:
        return ours ? "clients have no certificate, and client_ca asks for one" : "it has no certificate";
    case WEIR_TLS_FAILED_REFUSED:
        return ours ? "clients refuse the certificate: see its names, its end and its chain"
                    : "it refuses the handshake: it may want a certificate, tls: {cert: …, key: …}";
    case WEIR_TLS_FAILED_PLAIN:
        return ours ? "clients speak HTTP without TLS, http:// in place of https://"
                    : "it speaks HTTP without TLS: http:// in place of https://?";
    case WEIR_TLS_FAILED_GARBAGE:
        return "what comes is not TLS";
    case WEIR_TLS_FAILED_LEFT:
        return ours ? "clients leave in the middle of the handshake"
                    : "it closes the connection in the handshake";
    case WEIR_TLS_FAILED_TIME:
        return ours ? "clients take longer than limits: {head_timeout: …}" : "it takes too long";
    default:
        return "for other reasons, see the log";
    }
}

static enum weir_tls_failure main_failure(const uint64_t *numbers)
{
    int most = 0;

    for (int i = 0; i < WEIR_TLS_FAILURES; i++)
        if (numbers[TLS_FAILED + i] > numbers[TLS_FAILED + most])
            most = i;
    return (enum weir_tls_failure)most;
}

static void find_failures(struct finding_list *list, const struct snapshot_tls *tls, const uint64_t *numbers)
{
    const enum weir_tls_failure most = main_failure(numbers);
    const uint64_t failed = snapshot_tls_failed(numbers), of_reason = numbers[TLS_FAILED + (int)most];
    const uint64_t all = failed + numbers[TLS_HANDSHAKES];
    struct finding *f;

    if (of_reason < failed_least || finding_share(of_reason, all) < failed_share)
        return;
    f = finding_add(list, "tls", tls->name, finding_share(failed, all));
    if (f == NULL)
        return;
    say_of(f, tls);
    finding_say(f, ": %.3g %% of %llu handshakes of TLS fail, mostly (%llu) for %s: %s",
                100 * finding_share(failed, all), (unsigned long long)all, (unsigned long long)of_reason,
                weir_tls_failure_name(most), words_of(most, tls->side));
    finding_number(f, "handshakes", (double)all);
    finding_number(f, "failed", (double)failed);
    finding_number(f, "of_reason", (double)of_reason);
}

static void find_unresumed(struct finding_list *list, const struct snapshot_tls *tls, const uint64_t *numbers)
{
    const double share = finding_share(numbers[TLS_RESUMED], numbers[TLS_HANDSHAKES]);
    struct finding *f;

    if (numbers[TLS_HANDSHAKES] < handshakes_least || share >= resumed_share)
        return;
    f = finding_add(list, "tls", tls->name, 0.05);
    if (f == NULL)
        return;
    say_of(f, tls);
    finding_say(
        f,
        ": %llu handshakes of TLS in the last minute, of which %.3g %% resumed a session. A whole one costs "
        "a signature; ",
        (unsigned long long)numbers[TLS_HANDSHAKES], 100 * share);
    finding_say(f, "%s",
                tls->side == GATEWAY_TLS_LISTENER
                    ? "let clients keep their connections (limits: {idle_timeout: …}) and sessions"
                    : "keep connections longer (connections: {idle: …}), or let the server keep sessions");
    finding_number(f, "handshakes", (double)numbers[TLS_HANDSHAKES]);
    finding_number(f, "resumed", (double)numbers[TLS_RESUMED]);
}

void find_tls(struct finding_list *list, const struct snapshot_tls *tls, const struct findings_input *in)
{
    const uint64_t *numbers = tls->handshakes.last[LAST_60S].numbers;

    for (size_t i = 0; i < tls->certificate_count; i++) {
        find_expiry(list, tls, &tls->certificates[i], in->now_s);
        find_unusable(list, tls, &tls->certificates[i]);
    }
    find_failures(list, tls, numbers);
    find_unresumed(list, tls, numbers);
}

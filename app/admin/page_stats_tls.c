/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"
#include "text/certificates.h"

static const char *failure_name(size_t i)
{
    return weir_tls_failure_name((enum weir_tls_failure)i);
}

static void window(struct text_out *out, const struct snapshot_tls *tls, enum series_span span)
{
    const struct series_window *w = &tls->handshakes.last[span];

    text_out_printf(out, ",\"%s\":{\"handshakes\":%llu,", page_stats_span(span),
                    (unsigned long long)w->numbers[TLS_HANDSHAKES]);
    page_stats_rate(out, w->numbers[TLS_HANDSHAKES], w);
    text_out_printf(out, ",\"resumed\":%llu,\"failed\":%llu", (unsigned long long)w->numbers[TLS_RESUMED],
                    (unsigned long long)snapshot_tls_failed(w->numbers));
    page_stats_reasons(out, w->numbers + TLS_FAILED, WEIR_TLS_FAILURES, failure_name);
    text_out_add(out, "}");
}

static void certificate(struct text_out *out, const struct snapshot_certificate *c, int64_t now_s)
{
    char date[CERTIFICATE_DATE_BYTES];

    text_out_add(out, "{\"names\":");
    text_out_json(out, c->names);
    text_out_json_member(out, "cert", c->cert);
    text_out_json_member(out, "key", c->key);
    text_out_printf(out, ",\"not_after\":\"%s\",\"days\":%.2f", certificate_date(date, c->not_after_s),
                    certificate_days(c->not_after_s, now_s));
    text_out_json_member(out, "failed", c->failed);
    text_out_add(out, "}");
}

static void context(struct text_out *out, const struct snapshot_tls *tls, int64_t now_s)
{
    text_out_printf(out, "{\"side\":\"%s\",\"name\":", snapshot_tls_side_name(tls->side));
    text_out_json(out, tls->name);
    text_out_printf(out, ",\"in_progress\":%d", tls->in_progress);
    window(out, tls, LAST_10S);
    window(out, tls, LAST_60S);
    text_out_add(out, ",\"certificates\":[");
    for (size_t i = 0; i < tls->certificate_count; i++) {
        text_out_add(out, i > 0 ? "," : "");
        certificate(out, &tls->certificates[i], now_s);
    }
    text_out_add(out, "]}");
}

void page_stats_tls(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->tls_count; i++) {
        text_out_add(out, i > 0 ? "," : "");
        context(out, &s->tls[i], s->at_s);
    }
}
